"""Climatology and persistence on the same hours, from what was known at the time.

A catalogue appears with some delay; here it is taken as known at once, which favours the
baselines a little. Where the past is unknown a baseline is NaN, not quiet.
"""

from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import FlareEvent
from flaremon.verify.labels import UNKNOWN, YES, FlareList, Times, label

_STEP = np.timedelta64(600, "s")
"""Raster on which past labels are averaged."""
TRAILING = np.timedelta64(30, "D")
RECENT = np.timedelta64(24, "h")
LEAST_KNOWN = 0.5
"""Share of the past that must be known; less than half of it may be an unlike half."""


def trailing_climatology(
    flares: FlareList, event: FlareEvent, times: Times, *, least_known: float = LEAST_KNOWN
) -> NDArray[np.float64]:
    """Return the share of yes among the last 30 days of windows that were over by then.

    Returns
    -------
    ndarray, shape (N,)
        NaN where a smaller share than `least_known` of the 30 days is known.
    """
    return _past_share(flares, event, times, TRAILING, least_known)


def persistence(
    flares: FlareList, event: FlareEvent, times: Times, *, least_known: float = LEAST_KNOWN
) -> NDArray[np.float64]:
    """Return what the last 24 hours say.

    For an event with a horizon: 1 if it occurred in the window that ended just now, else 0. For
    one in progress: the share of the last 24 h with a flare in progress.

    Returns
    -------
    ndarray, shape (N,)
        NaN where the window is unknown, or less than `least_known` of the 24 h.
    """
    if event.horizon is None:
        return _past_share(flares, event, times, RECENT, least_known)
    window = np.timedelta64(event.horizon // timedelta(seconds=1), "s")
    outcome = label(flares, event, times - window)
    return np.where(outcome == UNKNOWN, np.nan, outcome == YES)


def known_past(flares: FlareList, event: FlareEvent, times: Times) -> NDArray[np.float64]:
    """Return which share of the 30 days that `trailing_climatology` looks at is known, shape (N,).

    From `LEAST_KNOWN` on there is a climatology.
    """
    return _past(flares, event, times, TRAILING)[1]


def _past_share(
    flares: FlareList,
    event: FlareEvent,
    times: Times,
    length: np.timedelta64,
    least_known: float,
) -> NDArray[np.float64]:
    share, known = _past(flares, event, times, length)
    return np.where(known >= least_known, share, np.nan)


def _past(
    flares: FlareList, event: FlareEvent, times: Times, length: np.timedelta64
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean of the known labels within `length` before the last window began.

    And which share of them is known; both of shape (N,).
    """
    horizon = event.horizon or timedelta(0)
    until = times - np.timedelta64(horizon // timedelta(seconds=1), "s")
    origin = until.min() - length
    raster = np.arange(origin, until.max() + _STEP, _STEP)
    outcome = label(flares, event, raster)
    yes = np.concatenate([[0], np.cumsum(outcome == YES)])
    known = np.concatenate([[0], np.cumsum(outcome != UNKNOWN)])
    # Raster points in (until - length, until].
    last = ((until - origin) // _STEP).astype(np.int64) + 1
    first = last - int(length / _STEP)
    total = known[last] - known[first]
    return (yes[last] - yes[first]) / np.maximum(total, 1), total / (length / _STEP)
