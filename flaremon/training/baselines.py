"""Climatology and persistence on the same hours, from what was known at the time.

A catalogue appears with some delay; here it is taken as known at once, which favours the
baselines a little.
"""

from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import FlareEvent
from flaremon.training.labels import UNKNOWN, YES, FlareList, Times, label

_STEP = np.timedelta64(600, "s")
"""Raster on which past labels are averaged."""
TRAILING = np.timedelta64(30, "D")
RECENT = np.timedelta64(24, "h")


def trailing_climatology(flares: FlareList, event: FlareEvent, times: Times) -> NDArray[np.float64]:
    """Return the share of yes among the last 30 days of windows that were over by then."""
    return _past_share(flares, event, times, TRAILING)


def persistence(flares: FlareList, event: FlareEvent, times: Times) -> NDArray[np.float64]:
    """Return what the last 24 hours say.

    For an event with a horizon: 1 if it occurred in the window that ended just now, else 0. For
    one in progress: the share of the last 24 h with a flare in progress.
    """
    if event.horizon is None:
        return _past_share(flares, event, times, RECENT)
    window = np.timedelta64(event.horizon // timedelta(seconds=1), "s")
    return np.asarray(label(flares, event, times - window) == YES, dtype=np.float64)


def _past_share(
    flares: FlareList, event: FlareEvent, times: Times, length: np.timedelta64
) -> NDArray[np.float64]:
    """Return the mean of the known labels issued within `length` before the last window began."""
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
    return np.asarray((yes[last] - yes[first]) / np.maximum(total, 1), dtype=np.float64)
