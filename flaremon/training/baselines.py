"""Climatology and persistence as verification has them; an unknown past counts as quiet."""

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import FlareEvent
from flaremon.verify import baselines
from flaremon.verify.labels import FlareList, Times


def trailing_climatology(flares: FlareList, event: FlareEvent, times: Times) -> NDArray[np.float64]:
    """Return the share of yes among the last 30 days of windows that were over by then."""
    return np.nan_to_num(baselines.trailing_climatology(flares, event, times, least_known=0))


def persistence(flares: FlareList, event: FlareEvent, times: Times) -> NDArray[np.float64]:
    """Return 1 where the last 24 hours had the event, else 0; a share for one in progress."""
    return np.nan_to_num(baselines.persistence(flares, event, times, least_known=0))
