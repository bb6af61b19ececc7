"""What the card of a plain network says in any case; `flaremon.training.card` adds figures."""

from flaremon.training.card import CardText

_HEAD = """# {model}

A small convolutional network that reads one full-disk line-of-sight magnetogram and gives the
probability of flares. It answers

{answers}

It is a first, honest baseline. It sees where strong field is and how mixed its polarities are,
so what it knows is how active the Sun is; it is not a substitute for looking at GOES X-rays.

## Intended use

Monitoring, and as the baseline that better models must beat. Show its probability beside
climatology and persistence. Not for decisions about safety, and not for single active regions.
"""

_INPUT = """## Input

A plane of {side} x {side} pixels: solar north up, west to the right, disk centre in the middle,
solar radius {fraction} of the side, 0 beyond {edge} of the radius, area-averaged to that size,
then clipped at +-{clip:g} G and divided by it. The network first averages it over 4 x 4 pixels.

## Data

Fitted to observations from {start} to {end}:
{data}
(`{series}`, courtesy of NASA/SDO and the HMI science team).

**These are not images of one moment.** Each longitude is shown as it was when it passed the
central meridian, up to a week earlier (west) or LATER (east). The network was trained on them
because they resemble a real disk most; it is built and trained so that it cannot tell east from
west (no east-west coordinate, mirrored at random), and polarity, mirror, gain and noise vary at
random. Rotations 2119 to 2127 (January to September 2012) are missing.

Labels: {labels}.
`M1+/24h` is yes if a flare of class M1.0 or more STARTS in (t, t + 24 h], `C1+/now` if
start <= t <= end of one of class C1.0 or more. Hours that touch a gap in the lists are unknown
and left out. **Operational lists before 2019-12-07 carry a factor of 0.7**; their fluxes are
divided by it here, because a model used now must mean today's M1 (then called C7). That raises
the share of M1+ hours in 2010-2019 from about 0.13 to that in the table below. For C1+ it counts
flares then called B7 to B9, which are listed as incompletely at high background as C1.0 to C1.4
are today.
"""

_METHOD = """
The splits are {gap} days apart or more, so that no flare window and no column of a map is shared.

Training: plain cross-entropy without class weights, so that the outputs are probabilities under
the climate of the training years; the epoch with the least loss on the choosing years is kept.
Whether to train on views as rendered or on causal ones was decided on the choosing years. Seed
{seed}, {software}.

Thresholds are the base rates of training and choosing years together (a whole solar cycle):
calibrated probabilities have their best TSS at the base rate. They were not tuned on the years
reported here; in years more active than a whole cycle they say "flare" more often than is
useful. "Best TSS in hindsight" is what the best threshold for those very hours would have given;
nobody knows it in advance. The same thresholds are applied to the baselines.
"""

_HOW_TO_READ = """Intervals are 95 %, by block bootstrap. BSS is against the climatology of the
very same hours, which nobody knows in advance; trailing climatology (share of events in the last
30 days) and persistence (`M1+/24h`: an M1+ flare in the last 24 h; `C1+/now`: share of the last
24 h in flare) are what anybody had at the time, had the flare list been complete at once: that
favours them slightly. ECE is the mean distance of probability and observed share over ten bins.

- **as-rendered is optimistic**: the east half of the disk shows what will be there up to 7 days
  later.
- **causal is pessimistic**: every longitude is taken from its latest passage at or before t, so
  the east half is 20 to 27 days old.
- **real 8-bit images** are the only observations of one moment here, from another instrument
  path (clipped at +-250 G before averaging, JPEG). Nothing was trained, chosen or tuned on them.
"""

_LIMITS = """## What it cannot do

- Tell from one magnetogram whether a flare is in progress. The emission that defines a flare is
  coronal, HMI sees the photosphere; `C1+/now` is the activity level in other words. GOES knows
  within two minutes.
- Know what the region did: no history, no evolution, no recent flares.
- See regions behind the limb, and little of those at it (15 % of the days with M flares are
  missed for lack of data beyond the limb: Park et al. 2020).
- Give calibrated probabilities in a climate unlike that of 2010-2019 (see the reliabilities).
- Say anything about single regions, positions or times within the window.

## Known-bad inputs

Eclipses and transits, calibration rolls and off-points, images cropped or with missing blocks:
flaremon's gates refuse them, other users must. Images with another clipping than +-250 G, or
averaged after taking the absolute field, give probabilities that mean nothing.

## Licence

Weights and card: BSD-3-Clause, as flaremon. The data belong to those who made them: HMI data
courtesy of NASA/SDO and the HMI science team; flare lists by NOAA/SWPC.
"""

PLAIN = CardText(
    head=_HEAD,
    data=_INPUT,
    choose="to choose the epoch and the design",
    method=_METHOD,
    how_to_read=_HOW_TO_READ,
    limits=_LIMITS,
)
