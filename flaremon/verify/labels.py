"""What a flare list says about an hour: yes, no, or unknown.

Flares count by their START time (edges as published benchmarks fix them; counting by peak moves
0.25 % of the hours). Hours that the list cannot answer are unknown, never negative.

Classes are on the scale of true flux unless asked otherwise, the one in use since 2019-12-07:
operational lists before that carried a factor of 0.7, so their fluxes are divided by it. What
was called M1 then is M1.4 now.
"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import FlareClass, FlareEvent

YES, NO, UNKNOWN = 1, 0, -1

Times = NDArray[np.datetime64]
"""UTC instants, datetime64[s]."""

LONGEST_FLARE = np.timedelta64(6, "h")
"""A flare that began longer ago is over: 99.9 % last less than 4.8 h."""
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """A period for which a list has every flare from some class on."""

    start: np.datetime64
    end: np.datetime64
    """Exclusive."""
    flux_w_m2: float
    """Complete from this flux on."""
    has_ends: bool
    """Whether end times are listed, without which nobody knows what was in progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlareList:
    """Flares in the order of their start, and what the list can answer for."""

    start: Times
    end: Times
    """NaT where it is not listed."""
    flux_w_m2: NDArray[np.float64]
    """Peak 1-8 Å flux, on the scale that was asked for."""
    coverage: tuple[Coverage, ...]
    missing_days: Times
    """Days whose report is missing, at their midnight."""

    def at_least(self, threshold: FlareClass) -> NDArray[np.bool_]:
        """Return which flares reach a class; fluxes in the lists have two digits."""
        return self.flux_w_m2 >= threshold.flux_w_m2 * (1 - 1e-6)

    @property
    def ends(self) -> np.datetime64:
        """The moment from which on the list knows nothing."""
        return max(period.end for period in self.coverage)


def label(flares: FlareList, event: FlareEvent, times: Times) -> NDArray[np.int8]:
    """Say for each instant whether the event occurred: `YES`, `NO` or `UNKNOWN`.

    Parameters
    ----------
    flares : FlareList
        From `flaremon.verify.flares.read_flares`.
    event : FlareEvent
        With a horizon H: at least one flare starts in (t, t + H]. Without: start <= t <= end.
    times : ndarray of datetime64[s]
        UTC.

    Returns
    -------
    ndarray of int8, same shape
    """
    if event.horizon is not None:
        until = times + np.timedelta64(event.horizon // timedelta(seconds=1), "s")
        starts = flares.start[flares.at_least(event.threshold)]
        yes = _count(starts, times, until) > 0
        known = _known(flares, event.threshold, times, until, needs_ends=False)
    else:
        yes, known = _in_progress(flares, event.threshold, times)
    return np.where(known, np.where(yes, YES, NO), UNKNOWN).astype(np.int8)


def _in_progress(
    flares: FlareList, threshold: FlareClass, times: Times
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    big, open_ended = flares.at_least(threshold), np.isnat(flares.end)
    starts = flares.start[big & ~open_ended]
    ends = np.sort(flares.end[big & ~open_ended])
    begun = np.searchsorted(starts, times, side="right")
    over = np.searchsorted(ends, times, side="left")
    yes = begun > over
    since = times - LONGEST_FLARE
    maybe = _count(flares.start[big & open_ended], since, times) > 0
    known = _known(flares, threshold, since, times, needs_ends=True)
    return yes, known & (yes | ~maybe)


def _known(
    flares: FlareList, threshold: FlareClass, since: Times, until: Times, *, needs_ends: bool
) -> NDArray[np.bool_]:
    """Return whether every moment from `since` to `until` is covered for the class."""
    uncovered = np.ones(since.shape, dtype=np.timedelta64).astype("timedelta64[s]")
    uncovered[:] = until - since
    for period in flares.coverage:
        enough = period.flux_w_m2 <= threshold.flux_w_m2 * (1 + 1e-6)
        if enough and (period.has_ends or not needs_ends):
            overlap = np.minimum(until, period.end) - np.maximum(since, period.start)
            uncovered -= np.maximum(overlap, np.timedelta64(0, "s"))
    gap = np.zeros(since.shape, dtype=bool)
    for day in flares.missing_days:
        gap |= (until >= day) & (since < day + _DAY)
    return (uncovered <= np.timedelta64(0, "s")) & ~gap


def _count(sorted_starts: Times, after: Times, until: Times) -> NDArray[np.int64]:
    """Count the instants in (after, until]."""
    upper = np.searchsorted(sorted_starts, until, side="right")
    return np.asarray(upper - np.searchsorted(sorted_starts, after, side="right"))
