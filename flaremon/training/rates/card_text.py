"""What the card of a rate map says in any case; `flaremon.training.rates.card` adds figures."""

HEAD = """# {model}

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

DATA = """## Input

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
model used now must mean today's M1 (then called C7).

## From maps to real images

Maps and images differ, and the difference was measured without any flare label and put into
training and features, not corrected afterwards. Measured once, when this version was designed:

- Images are clipped at +-250 G, 8-bit ones before they are averaged; maps are not. Strong field
  of maps is weakened as `sign(B) c (1 - exp(-|B| / c))`: with c = 600 G the features have the
  means that they have on a real FITS, with c = 350 G those of an 8-bit picture of the same disk.
  Members are fitted to 350, 450 and 600 G at random.
- Line-of-sight field falls toward the limb as mu^0.4, not as mu: on 672 images of February 2026
  all quantiles of the month's field are flat from 0 to 80 degrees with that, while the radial
  field B / mu would be four times too strong at 75 degrees.
- Noise of 4 G per half degree gives the quiet Sun of maps the features of those images.
- How near both polarities come to each other, the best single sign of flares at disk centre, is
  not used: at equal field it differed between maps and images by factors of 1.4 to 2.5, and grew
  toward the limb of real images, which is projection. On left-out hours of 2010 to 2021 it would
  have raised the BSS of `M1+/24h` from 0.221 to 0.236, of maps, where there is no such gap.
- What is left of the gap: the mean rate per degree on those images still doubles from disk centre
  to 60 degrees, and an 8-bit picture that was clipped before averaging has 0.7 of the rate of a
  FITS of the same active disk (P of `M1+/24h` 0.106 against 0.154; picture and FITS that are
  clipped alike agree to 0.01).
"""

CHOOSE = "for the last step and the design, with the left-out years of those above"

METHOD = """
The years are 40 days apart or more from those reported on, so that no flare window and no column
of a map is shared.

Members: log-likelihood of flares as a Poisson process on the strip of maps, a flare's place known
to 3 degrees; each member leaves out one group of years and the rotations beside them. Last step:
per event two parameters (log number of flares = offset + slope x log rate), eight with recent
flares (counts of C1+, M1+, X1+ flares in 24 and 72 h, as log(1 + count)), by likelihood on the
hours of all years before the report, every hour judged by members that had not seen its year.
Seed {seed}, {software}.

The disk's rate is the sum within 80 degrees of the meridian; the offset stands for the rest.
For events in progress the offset is also the mean duration of flares.

Thresholds are those with the best TSS in the left-out hours of 2011 to 2015, the active years of
the cycle before: thresholds of a whole cycle say "flare" every day of a maximum. They were not
chosen on the years reported here. "Best TSS in hindsight" is what the best threshold for those
very hours would have given; nobody knows it in advance.
"""

HOW_TO_READ = """Intervals are 95 %, by block bootstrap. BSS is against the climatology of the
very same hours, which nobody knows in advance. Trailing climatology (share of events in the last
30 days), persistence and everything with recent flares use what anybody had at the time, had the
flare list been complete at once: that favours them slightly. ECE is the mean distance of
probability and observed share over ten bins.

- `network`: the magnetogram alone. `network with recent flares`: with the second input.
- `recent flares alone`, `unsigned flux` (the sum of the unsigned field of the same disk) and both
  together are regressions of the same form, fitted to the same hours as the network's last step.
- **disks of maps** are windows of the strip of synoptic maps, weakened as above (c = 450 G): the
  east half shows what will be there up to 7 days LATER, the west half what was there up to 7 days
  before. Neither is what an image of the moment shows; regions that emerge or decay in between
  cost skill, a look ahead adds some.
- **real 8-bit images** are the only observations of one moment here. No weight and no threshold
  was fitted to their flares or chosen by them. Of the images themselves, without flares, the
  centre-to-limb law and the noise above were measured. Not a recalibrated figure among them.
- **active hours** are those after an M1+ flare: only there does a figure for an event in progress
  say more than how active the Sun is.
- Every image in February 2026 shows one of only a few regions: 28 days are not 28 independent
  cases, and the intervals, which draw days, are too narrow.
"""

LIMITS = """## Beside fulldisk-cnn@1.0.0

Measured once for version 1.0.0, `M1+/24h`, both through the path that serves, differences paired,
intervals of 500 draws:

- Real images of February 2026: BSS of the magnetogram alone over the CNN -0.218 (-0.343 to
  -0.069), **worse**: its level is too low; AUC 0.681 against 0.705, not distinguishable. With
  recent flares BSS over the CNN 0.224 (-0.206 to 0.569), AUC 0.809, not distinguishable in 28
  days.
- Disks rendered from maps as the CNN was trained on them (radial field times mu, not weakened:
  another domain for the rate map), 2022 to 2024, daily: the magnetogram alone -0.021 (-0.065 to
  0.026), AUC 0.701 against 0.720, not distinguishable. With recent flares 0.174 (0.087 to 0.267),
  AUC 0.782, **better**.

So it is better with recent flares, and explains itself; from the magnetogram alone it is not
better.

## What it cannot do

- Tell from one magnetogram whether a flare is in progress. The emission that defines a flare is
  coronal, HMI sees the photosphere; `C1+/now` and `M1+/now` are the activity level times the mean
  duration of a flare. GOES knows within two minutes.
- Know what a region did: without recent flares it has no history.
- Be trusted for its level on real images without recent flares: in February 2026, a month with
  many flares for its magnetic flux, the magnetogram alone ranked hours fairly and said far too
  little, as unsigned flux did (figures above). Give it recent flares, or calibrate it on your own
  outcomes (`flaremon calibrate`) once there are enough.
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
