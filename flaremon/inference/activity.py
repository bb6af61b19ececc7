"""What networks are told of recent flares: sums that decay, as in a self-exciting process.

A flare of peak flux F that started an age a ago counts ``(F / F_M1)^e exp(-a / tau)``. Large
flares are followed by more and larger ones, so the exponent e grows with the class that is asked
for; three times tau let a fit find its own law of decay (Hawkes 1971, Biometrika 58, 83; the
history of flares as a predictor: Wheatland 2004, arXiv:astro-ph/0403613).

For events in progress only flares that began `LAGS_H` ago count: otherwise a flare in progress,
which GOES shows and lists know, would be told to the network that is asked for it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import ACTIVITY_REACH, RecentActivity

LAGS_H = (0.0, 2.0)
"""Flares that are younger do not count: for windows, for events in progress (99 % are over)."""
EXPONENTS = (0.3, 0.7, 1.0)
"""Of the peak flux, where C1+, M1+ and X1+ flares are asked for."""
DECAYS_H = (6.0, 24.0, 72.0)
SHAPE = (len(LAGS_H) * len(EXPONENTS), len(DECAYS_H))
"""Kinds of sums (lag, then exponent), times of decay."""
_M1_W_M2 = 1e-5
_REACH_H = ACTIVITY_REACH.total_seconds() / 3600


def activity_sums(activity: Sequence[RecentActivity | None]) -> NDArray[np.float32]:
    """Return what networks are told of recent flares.

    Returns
    -------
    ndarray of float32, shape (N, *SHAPE)
        Sums over the flares of the `ACTIVITY_REACH`; NaN where they are not known.
    """
    pairs = [
        (row, (recent.until - start).total_seconds() / 3600, flux)
        for row, recent in enumerate(activity)
        if recent is not None
        for start, flux in recent.flares
    ]
    rows, ages, fluxes = np.array(pairs, dtype=np.float64).reshape(-1, 3).T
    sums = decaying_sums(rows.astype(np.int64), ages, fluxes, len(activity))
    sums[[recent is None for recent in activity]] = np.nan
    return sums.astype(np.float32)


def decaying_sums(
    rows: NDArray[np.int64], ages_h: NDArray[np.float64], fluxes: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    """Return sums (count, *SHAPE) over flares.

    Parameters
    ----------
    rows : ndarray, shape (F,)
        Which of the answers each flare counts for; one flare may be there for several.
    ages_h : ndarray, shape (F,)
        Since its start, hours; flares of the future or from before the `ACTIVITY_REACH` do not
        count.
    fluxes : ndarray, shape (F,)
        Peak flux, W m-2, scale of true flux.
    count : int
        Number of answers.
    """
    sums = np.empty((len(LAGS_H), len(EXPONENTS), len(DECAYS_H), count))
    for i, lag in enumerate(LAGS_H):
        within = (ages_h >= lag) & (ages_h < _REACH_H)
        for j, exponent in enumerate(EXPONENTS):
            size = within * (fluxes / _M1_W_M2) ** exponent
            for k, decay in enumerate(DECAYS_H):
                weights = size * np.exp(-ages_h / decay)
                sums[i, j, k] = np.bincount(rows, weights=weights, minlength=count)
    return np.moveaxis(sums, -1, 0).reshape(count, *SHAPE)
