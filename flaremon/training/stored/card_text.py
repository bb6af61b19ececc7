"""What the card of a model from the store says in any case; figures and counts are added."""

from flaremon.training.card import CardText

_USE = """
## Intended use

Monitoring, by whoever has this store: it was fitted to their magnetograms and their flare list,
and figures hold for those. Show its probability beside climatology and persistence. Not for
decisions about safety.
"""

_DATA = """## Input

A plane of {side} x {side} pixels: solar north up, west to the right, disk centre in the middle,
solar radius {fraction} of the side, 0 beyond {edge} of the radius, area-averaged to that size,
then clipped at +-{clip:g} G and divided by it.

## Data

Fitted to observations from {start} to {end}:
{data}.

{frames} archived frames in all, the first of every {cadence} h, of records that passed the gates;
frames keep steps of 0.1 G. {left_out} more were left out, because the flare list does not say what
became of them. `dataset.json` names every frame, the file it was made from and both hashes, under
one hash of all that a training sees: `{dataset}`.

{held}

Labels: {labels}.
An event with a horizon is yes if such a flare STARTS in (t, t + horizon], one "now" if
start <= t <= end. Hours that touch what the list `{catalog}` does not answer for are unknown and
left out, never quiet. Recent flares are those that the list has now, and so had they been known at
once: that favours everything that uses them slightly.
"""

_PARTS = """
The parts are {gap} days apart or more, so that no flare window is shared, nor any region on one
passage of the disk.
"""

_HOW_TO_READ = """Intervals are 95 %, by block bootstrap. BSS is against the climatology of the
very same hours, which nobody knows in advance. Trailing climatology is the share of events in the
last 30 days. ECE is the mean distance of probability and observed share over ten bins. "Best TSS in
hindsight" is what the best threshold for those very hours would have given. Days are not
independent, and few rotations are few cases: where blocks are days, intervals are too narrow.
"""

_LIMITS = """## What it cannot do

- Tell from one magnetogram whether a flare is in progress; GOES knows within two minutes.
- Be better than its store: a year without an X flare teaches nothing of X flares.
- Be trusted in a climate unlike that of the days above; train it again as the cycle goes on.
- See regions behind the limb, or judge those within 10 degrees of it.

## Licence

That of whoever trained it. HMI data courtesy of NASA/SDO and the HMI science team; flare lists by
NOAA/SWPC.
"""

ADAPTED = CardText(
    head="""# {model}

{base} (weights SHA-256 `{base_sha256}`) with another last step. The members, which make the map of
rates, are its own; what follows them, from the disk's rate and recent flares to numbers of flares
in a window, was fitted to this machine's magnetograms and flare list. The map of regions and their
shares of the rate are those of the base model. It answers

{answers}

Fitted anew without recent flares: {alone}. With recent flares: {informed}. All other numbers are
those of the base model: too few days with such a flare.
"""
    + _USE,
    data=_DATA,
    choose="not used",
    method=_PARTS
    + """
Last step: per event log number of flares = offset + slope x log rate, and with recent flares
weights of their decaying sums, by likelihood with a Gaussian prior of 0.5 about the base model's
slope and weights; the offset is free. Thresholds are those of greatest TSS on the fitted hours.
Nothing was chosen on the hours reported here. {software}.

No frame is from before the base model's own years and a rotation after them.
""",
    how_to_read=_HOW_TO_READ
    + """
- `network`: the magnetogram alone. `network with recent flares`: with the second input.
- `base model`: the same without the new last step. What is gained over it is the gap between where
  it was trained and this store.
- `recent flares alone`: a regression of the same form, fitted to the same hours.
""",
    limits=_LIMITS,
)

PLAIN = CardText(
    head="""# {model}

A small convolutional network that reads one full-disk line-of-sight magnetogram and gives the
probability of flares, trained on this machine's own archive. It answers

{answers}
"""
    + _USE,
    data=_DATA,
    choose="to choose the epoch",
    method=_PARTS
    + """
Training: plain cross-entropy without class weights, mirrors, polarity, gain and noise at random;
the epoch with the least loss on the part to choose is kept (`curves.png`). Thresholds are the
base rates of the fitted part. Seed {seed}, {software}.
""",
    how_to_read=_HOW_TO_READ,
    limits=_LIMITS,
)
