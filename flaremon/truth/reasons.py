"""Why nobody can say what became of a window."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import FlareClass, FlareEvent
from flaremon.verify.labels import FlareList, Times, covered, in_gap, looked_at

_DAY = np.timedelta64(1, "D")
_HOUR = timedelta(hours=1)
_ANY_LARGE = FlareEvent(FlareClass("X", 1000.0), _HOUR)
"""An event that every period answers for."""


def why_unknown(flares: FlareList, event: FlareEvent, times: Times) -> Iterator[str]:
    """Yield for each window that is unknown by `flaremon.verify.labels.label` why it is.

    Parameters
    ----------
    times : ndarray of datetime64[s], shape (N,)
        Starts of windows, UTC; every one of them is unknown.
    """
    since, until = looked_at(event, times)
    read = covered(flares, _ANY_LARGE, since, until)
    complete = covered(flares, FlareEvent(event.threshold, _HOUR), since, until)
    ends_known = covered(flares, event, since, until)
    gap = in_gap(flares, since, until)
    gaps, open_starts = _Gaps(flares), flares.start[_unsettled(flares, event)]
    first = np.searchsorted(open_starts, since, side="right")
    name = f"the list {flares.catalog}"
    for k in range(len(times)):
        if not read[k]:
            yield f"{name} does not answer for all of the time from {_z(since[k])} on"
        elif not complete[k]:
            yield f"{name} does not have every flare from {event.threshold} on at that time"
        elif not ends_known[k]:
            yield f"{name} has no end times, so nobody knows what was in progress"
        elif gap[k]:
            yield f"{name} has a gap {gaps.within(since[k], until[k])}"
        else:
            lacks = "class or end time" if event.horizon is None else "class"
            yield f"{name} has no {lacks} yet of the flare of {_z(open_starts[first[k]])}"


class _Gaps:
    def __init__(self, flares: FlareList) -> None:
        spans = [*flares.gaps, *((day, day + _DAY) for day in flares.missing_days)]
        self._start = np.array([start for start, _ in spans], dtype="datetime64[s]")
        self._end = np.array([end for _, end in spans], dtype="datetime64[s]")

    def within(self, since: np.datetime64, until: np.datetime64) -> str:
        """Return from when to when the first gap in a span is."""
        k = int(np.argmax((self._end > since) & (self._start <= until)))
        return f"from {_z(self._start[k])} to {_z(self._end[k])}"


def _unsettled(flares: FlareList, event: FlareEvent) -> NDArray[np.bool_]:
    """Return which flares may still turn out to be of the event."""
    if event.horizon is not None:
        return flares.unclassed
    return flares.unclassed | (flares.at_least(event.threshold) & np.isnat(flares.end))


def _z(instant: np.datetime64) -> str:
    return f"{np.datetime_as_string(instant, unit='s')}Z"
