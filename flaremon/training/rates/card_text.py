"""What the card of a rate map says in any case; `flaremon.training.rates.card` adds figures."""

from flaremon.training.card import CardText

_HEAD = """# {model}

A map of flare rates from one full-disk line-of-sight magnetogram: how many flares of class C1, M1
and X1 or more every part of the disk makes per day. The disk's rate is the sum of the map, and a
probability follows from it. It answers

{answers}

An ensemble of {members} small networks, each fitted to other years; the standard deviation of
their probabilities is stored as the spread. Flares of the last 72 hours, where they are known, are
an optional second input.

## Intended use

Monitoring. Show its probability beside climatology, persistence and what recent flares alone say.
`Predictor.explain` gives the regions' shares of the rate. Not for decisions about safety.
"""

_DATA = """## Input

A plane of {side} x {side} pixels: solar north up, west to the right, disk centre in the middle,
solar radius {fraction} of the side, 0 beyond {edge} of the radius, area-averaged to that size,
then clipped at +-{clip:g} G and divided by it. It is deprojected to 0.5 degree steps within 45
degrees of the equator and 80 of the meridian, and described in cells of 2 x 2 degrees by 5 fixed
features: unsigned field, shares of the area above 30, 60 and 120 G, and the large-scale field,
of the cell and of its surroundings of 6 and 14 degrees.

## Data

Fitted to observations from {start} to {end}:
{data}
(`{series}`, courtesy of NASA/SDO and the HMI science team).

Each longitude of a map is used as it was when it passed the central meridian, together with the
flares of its regions while they were within 30 degrees of it: at most 2.3 days from the moment
that the map shows. So a fit sees honest pairs of region and flares, about ten regions per
rotation. Rotations 2119 to 2127 (January to September 2012) are missing, and so are places of
flares after 2018, when the region summaries at hand end.

Labels: {labels}.
`M1+/24h` is yes if a flare of class M1.0 or more STARTS in (t, t + 24 h], `M1+/now` if
start <= t <= end. Hours that touch a gap in the lists are unknown and left out. **Operational
lists before 2019-12-07 carry a factor of 0.7**; their fluxes are divided by it here, because a
model used now must mean today's M1 (then called C7). The lists name a class "C1 or more" complete
on their own scale, so before that day flares of today's C1.0 to C1.4 are counted where listed, and
some are missing: then `C1+` hours said to be without a flare may have had one as small as that.

## From maps to real images

Maps and images differ, and the difference was measured without any flare label and put into
training and features, not corrected afterwards:

- Images are clipped at +-250 G, 8-bit ones before they are averaged; maps are not. Strong field
  of maps is weakened as `sign(B) c (1 - exp(-|B| / c))`. Members are fitted to c = 350, 450 and
  600 G at random: what pictures that are clipped before averaging show, what files show, and one
  between.
- Line-of-sight field falls toward the limb as mu^{foreshortening:g}, not as mu: with that, real
  images have as much unsigned field far from the meridian as near it (table below), while the
  radial field B / mu would be several times too strong near the limb.
- Noise of {noise:g} G per half degree gives the quiet Sun of maps the features of real images.
- How near both polarities come to each other, the best single sign of flares at disk centre, is
  not used: at equal field it differs between maps and images, and grows toward the limb of real
  images, which is projection. On maps it would raise the skill; there is no such gap there.

What is left of the gap, and what it costs, measured with these very weights:

{measured}"""

_CHOOSE = "for the last step and the design, with the left-out years of those above"

_METHOD = """
The years are 40 days apart or more from those reported on, so that no flare window and no column
of a map is shared.

Members: log-likelihood of flares as a Poisson process on the strip of maps, a flare's place known
to 3 degrees; each member leaves out one group of years and the rotations beside them. Last step:
per event two parameters (log number of flares = offset + slope x log rate), five with recent
flares, by likelihood on the hours of all years before the report, every hour judged by members
that had not seen its year. Seed {seed}, {software}.

Recent flares enter as in a self-exciting process: a flare of peak flux F that began an age a ago
counts (F / F_M1)^e exp(-a / tau), over the last 72 h, with tau of {decays} h, and e of {exponents}
where C1+, M1+, X1+ is asked for; the last step has the logs of the three sums plus {floor:g}.
For an event in progress only flares that began {lag:g} h ago or earlier count: a younger one may
be the very flare that is asked for. A flare's peak is taken as known at once; in service a flare
that is in progress and has no class yet does not count until it has one.

There are two heads, one for recent flares known and one for unknown, and not one that is shown
their absence now and then: they are known for a whole plane or not at all, so each head can be
the best one for its case, and without recent flares the answer is exactly that of the
magnetogram.

The disk's rate is the sum within 80 degrees of the meridian; the offset stands for the rest.
For events in progress the offset is also the mean duration of flares.

Thresholds, one per event and head, are those with the best TSS in the left-out hours of 2011 to
2015, the active years of the cycle before: thresholds of a whole cycle say "flare" every day of a
maximum. The simpler forecasters have thresholds of their own by the same rule. "Best TSS in
hindsight" is what the best threshold for those very hours would have given; nobody knows it in
advance.

What was looked at when: version 1.0.0, which was not released, was judged on the reported years
and on the real images, and those figures were known when this version was made; the rule for
thresholds is that version's, and the real images had been looked at when it was chosen. What is
new here (how recent flares enter, the head of each threshold, the networks compared with) was
chosen on left-out hours of 2010 to 2021, and judged on the reported years and the real images
once, at the end. After that a fault was mended and the members fitted again, with nothing chosen
anew: scales of the features had been those of all maps, of the reported years too. So no figure
here made a choice, but these hours are not as untouched as those that are still to come.
"""

_HOW_TO_READ = """Intervals are 95 %, by block bootstrap. BSS is against the climatology of the
very same hours, which nobody knows in advance. Trailing climatology (share of events in the last
30 days), persistence and everything with recent flares use what anybody had at the time, had the
flare list been complete at once: that favours them slightly. Persistence of an event in progress
is the share of the last 24 h in flare, the flare that is asked for included, which no forecast
knows. ECE is the mean distance of probability and observed share over ten bins. Where TSS is far
below the best in hindsight, these hours have another base rate than 2011 to 2015, and the
threshold is off; probabilities are not touched by that.

- `network`: the magnetogram alone. `network with recent flares`: with the second input.
- `recent flares alone`, `unsigned flux` (the sum of the unsigned field of the same disk) and both
  together are regressions of the same form, fitted to the same hours as the network's last step.
- `plain CNN`: {cnn}
- **disks of maps** are windows of the strip of synoptic maps, weakened as above (c = 450 G): the
  east half shows what will be there up to 7 days LATER, the west half what was there up to 7 days
  before. Neither is what an image of the moment shows; regions that emerge or decay in between
  cost skill, a look ahead adds some.
- **disks of maps, east half a rotation old**: the same with nothing ahead of its time, and what an
  image shows of the east half, which is half of what it shows, replaced by what was there 27 days
  before. What an image of the moment would give lies between the two.
- **real 8-bit images** are the only observations of one moment here. No weight and no threshold
  was fitted to their flares or chosen by them. Of the images themselves, without flares, the
  centre-to-limb law and the noise above were measured. Not a recalibrated figure among them.
- **active hours** are those after an M1+ flare: only there does a figure for an event in progress
  say more than how active the Sun is. `recent flares alone` is the activity-only baseline.
{beside}- Every image in February 2026 shows one of only a few regions: 28 days are not 28
  independent cases, and the intervals, which draw days, are too narrow.
"""

_LIMITS = """## What it cannot do

- Tell from one magnetogram whether a flare is in progress. The emission that defines a flare is
  coronal, HMI sees the photosphere, and one image of it has no before. What it can tell is how
  many flares such regions make; `C1+/now` and `M1+/now` are that times the mean duration of a
  flare, so they tell active weeks from quiet ones (figures over all hours) and hardly one hour of
  an active week from the next (figures over active hours). GOES knows within two minutes.
- Know what a region did: without recent flares it has no history.
- Be trusted for its level on real images without recent flares: compare its mean p with the base
  rate of the real images above, and files with pictures of the same disk. A picture does not
  say whether it was clipped before it was averaged, so this is not corrected. Give it recent
  flares, or calibrate it on your own outcomes (`flaremon calibrate`) once there are enough.
- See regions behind the limb, or judge those within 10 degrees of it.
- Separate regions that touch; a share is that of a place on the map, not of a NOAA number.
- The spread says how far networks fitted to other years disagree. All of them share data, features
  and assumptions, and may be wrong together.

## Known-bad inputs

Eclipses and transits, calibration rolls and off-points, images cropped or with missing blocks:
flaremon's gates refuse them, other users must. Images with another clipping than +-250 G, or
averaged after taking the absolute field, give probabilities that mean nothing.

## Licence

Weights and card: BSD-3-Clause, as flaremon. The data belong to those who made them: HMI data
courtesy of NASA/SDO and the HMI science team; flare lists and region summaries by NOAA/SWPC.
"""

CNN_KEPT = """residual networks of {parameters} parameters each, one for each of the first
  groups of years, which it leaves out, on the same disks (the deprojected, weakened field at 1
  degree), fitted by the Poisson likelihood of the flares of the next 24 h, of each the epoch that
  is best on the years it left out, which favours it; then the same last step, on the hours that
  one of them had not seen. With recent flares: the same sums. Its rates are kept with the package
  (`comparison.safetensors`), not its weights; an evaluation computes everything after them anew,
  and training trains it anew."""
CNN_MISSING = "not trained with this package."
BESIDE = """- `{name}` is shown where it answers, raw, through the path that serves, with its own
  thresholds. **Disks rendered as it was trained** (radial field times mu, not weakened) are home
  to it and another domain for the rate map.
"""

RATES = CardText(
    head=_HEAD,
    data=_DATA,
    choose=_CHOOSE,
    method=_METHOD,
    how_to_read=_HOW_TO_READ,
    limits=_LIMITS,
)
