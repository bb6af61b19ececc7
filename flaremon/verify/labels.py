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
    """Flares in the order of their start, and what the list can answer for.

    All arrays of flares have shape (F,).
    """

    start: Times
    end: Times
    """NaT where it is not listed."""
    flux_w_m2: NDArray[np.float64]
    """Peak 1-8 Å flux, on the scale that was asked for; NaN while it is not known."""
    coverage: tuple[Coverage, ...]
    """They may overlap."""
    missing_days: Times
    """Days whose report is missing, at their midnight."""
    gaps: tuple[tuple[np.datetime64, np.datetime64], ...] = ()
    """Spans, end exclusive, in which nothing was seen: they win over `coverage`."""
    location: NDArray[np.str_] | None = None
    """Heliographic, as ``N12E32``, empty where unknown; None where nobody asked for positions."""
    catalog: str = ""
    """Name of the list in the database; empty for a file."""
    as_of: np.datetime64 | None = None
    """When the list had last been read or changed, or the instant it was asked for as of."""

    def at_least(self, threshold: FlareClass) -> NDArray[np.bool_]:
        """Return which flares reach a class; fluxes in the lists have two digits."""
        return self.flux_w_m2 >= threshold.flux_w_m2 * (1 - 1e-6)

    @property
    def unclassed(self) -> NDArray[np.bool_]:
        """Which flares have no class yet: in progress, they may turn out to be large."""
        return np.isnan(self.flux_w_m2)

    @property
    def ends(self) -> np.datetime64:
        """The moment from which on the list knows nothing; NaT where it never knew anything."""
        return max((period.end for period in self.coverage), default=np.datetime64("NaT", "s"))


def label(flares: FlareList, event: FlareEvent, times: Times) -> NDArray[np.int8]:
    """Say for each instant whether the event occurred: `YES`, `NO` or `UNKNOWN`.

    A flare whose class is not known yet makes its window unknown, unless another one decides it.

    Parameters
    ----------
    flares : FlareList
        From `flaremon.verify.flares.read_flares` or `flaremon.verify.stored.stored_flares`.
    event : FlareEvent
        With a horizon H: at least one flare starts in (t, t + H]. Without: start <= t <= end.
    times : ndarray of datetime64[s]
        UTC.

    Returns
    -------
    ndarray of int8, same shape
    """
    since, until = looked_at(event, times)
    known = covered(flares, event, since, until) & ~in_gap(flares, since, until)
    if event.horizon is not None:
        big = flares.at_least(event.threshold)
        yes = count(flares.start[big], since, until) > 0
        maybe = count(flares.start[flares.unclassed], since, until) > 0
    else:
        yes, maybe = _in_progress(flares, event.threshold, times)
    return np.where(known & (yes | ~maybe), np.where(yes, YES, NO), UNKNOWN).astype(np.int8)


def looked_at(event: FlareEvent, times: Times) -> tuple[Times, Times]:
    """Return from when to when the list must be known to say whether the event occurred.

    That is the window (t, t + H]; for an event in progress the `LONGEST_FLARE` up to t.
    """
    if event.horizon is None:
        return times - LONGEST_FLARE, times
    return times, times + np.timedelta64(event.horizon // timedelta(seconds=1), "s")


def covered(flares: FlareList, event: FlareEvent, since: Times, until: Times) -> NDArray[np.bool_]:
    """Return whether every moment from `since` to `until` is covered for the event's class.

    Events in progress need periods with end times.
    """
    periods = [
        (period.start, period.end)
        for period in flares.coverage
        if period.flux_w_m2 <= event.threshold.flux_w_m2 * (1 + 1e-6)
        and (period.has_ends or event.horizon is not None)
    ]
    starts, ends = _joined(periods)
    if not len(starts):
        return np.zeros(np.shape(since), dtype=bool)
    number = np.searchsorted(starts, since, side="right") - 1
    return (number >= 0) & (until <= ends[np.maximum(number, 0)])


def in_gap(flares: FlareList, since: Times, until: Times) -> NDArray[np.bool_]:
    """Return whether a gap or missing day has a part in ``since .. until``."""
    starts, ends = _joined([*flares.gaps, *((day, day + _DAY) for day in flares.missing_days)])
    if not len(starts):
        return np.zeros(np.shape(since), dtype=bool)
    number = np.searchsorted(ends, since, side="right")  # the first gap that ends later
    return (number < len(starts)) & (starts[np.minimum(number, len(starts) - 1)] <= until)


def count(sorted_starts: Times, after: Times, until: Times) -> NDArray[np.int64]:
    """Count the instants in (after, until]."""
    upper = np.searchsorted(sorted_starts, until, side="right")
    return np.asarray(upper - np.searchsorted(sorted_starts, after, side="right"))


def _in_progress(
    flares: FlareList, threshold: FlareClass, times: Times
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return whether a flare of the class surely is, and whether one may be in progress."""
    big, open_ended = flares.at_least(threshold), np.isnat(flares.end)
    yes = _running(flares, big & ~open_ended, times) > 0
    maybe = count(flares.start[(big | flares.unclassed) & open_ended], times - LONGEST_FLARE, times)
    over = _running(flares, flares.unclassed & ~open_ended, times)
    return yes, (maybe > 0) | (over > 0)


def _running(flares: FlareList, chosen: NDArray[np.bool_], times: Times) -> NDArray[np.int64]:
    """Count the chosen flares, all with an end, with start <= t <= end."""
    ends = np.sort(flares.end[chosen])
    begun = np.searchsorted(flares.start[chosen], times, side="right")
    return np.asarray(begun - np.searchsorted(ends, times, side="left"))


def _joined(spans: list[tuple[np.datetime64, np.datetime64]]) -> tuple[Times, Times]:
    """Return starts and ends of the spans, ascending; those that overlap or touch are one."""
    joined: list[tuple[np.datetime64, np.datetime64]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    edges = np.array(joined, dtype="datetime64[s]").reshape(-1, 2)
    return edges[:, 0], edges[:, 1]
