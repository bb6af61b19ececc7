"""What the flare lists say about an hour: yes, no, or unknown.

Flares count by their START time (edges as published benchmarks fix them; counting by peak moves
0.25 % of the hours). Hours that the lists cannot answer are unknown, never negative.

Classes are on the scale of true flux, the one in use since 2019-12-07: operational lists before
that carried a factor of 0.7, so their fluxes are divided by it. A model used now must mean what
"M1" means now; 0.7 of it was called C7 then.
"""

import csv
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import FlareClass, FlareEvent
from flaremon.errors import InputError

YES, NO, UNKNOWN = 1, 0, -1

Times = NDArray[np.datetime64]
"""UTC instants, datetime64[s]."""

LONGEST_FLARE = np.timedelta64(6, "h")
"""A flare that began longer ago is over: 99.9 % last less than 4.8 h."""
_SWPC_FACTOR = 0.7
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """A period for which a list has every flare from some class on."""

    start: np.datetime64
    end: np.datetime64
    """Exclusive."""
    flux_w_m2: float
    """Complete from this true flux on."""
    has_ends: bool
    """Whether end times are listed, without which nobody knows what was in progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlareList:
    """Flares in the order of their start, and what the list can answer for."""

    start: Times
    end: Times
    """NaT where it is not listed."""
    flux_w_m2: NDArray[np.float64]
    """Peak 1-8 Å flux, true scale."""
    coverage: tuple[Coverage, ...]
    missing_days: Times
    """Days whose report is missing, at their midnight."""

    def at_least(self, threshold: FlareClass) -> NDArray[np.bool_]:
        """Return which flares reach a class; fluxes in the lists have two digits."""
        return self.flux_w_m2 >= threshold.flux_w_m2 * (1 - 1e-6)


def read_flares(folder: Path) -> FlareList:
    """Read ``flares.csv`` and ``coverage.csv``.

    Parameters
    ----------
    folder : Path
        Has both files. In the notes of the coverage, ``no rows at all on`` introduces the dates
        of missing reports, and a class with an addition, as in ``C1+ (LMSAL)``, or below it,
        means that end times are not listed.

    Raises
    ------
    InputError
        If a file is missing or has other columns.
    """
    try:
        with (folder / "flares.csv").open(encoding="utf-8", newline="") as file:
            rows = sorted(csv.DictReader(file), key=lambda row: row["start_utc"])
        with (folder / "coverage.csv").open(encoding="utf-8", newline="") as file:
            periods = list(csv.DictReader(file))
        start = np.array([_instant(row["start_utc"]) for row in rows])
        end = np.array([_instant(row["end_utc"]) for row in rows])
        flux = np.array([_true_flux(row) for row in rows])
        last = start[-1].astype("datetime64[D]") + _DAY
        coverage = tuple(_coverage(row, last) for row in periods)
    except (OSError, KeyError, ValueError, IndexError) as exc:
        raise InputError(f"flare lists in {folder} cannot be read: {exc!r}") from exc
    notes = " ".join(re.findall(r"no rows at all on ([\d\- ]+)", str(periods)))
    missing = np.array(notes.split(), dtype="datetime64[D]").astype("datetime64[s]")
    return FlareList(start=start, end=end, flux_w_m2=flux, coverage=coverage, missing_days=missing)


def label(flares: FlareList, event: FlareEvent, times: Times) -> NDArray[np.int8]:
    """Say for each instant whether the event occurred: `YES`, `NO` or `UNKNOWN`.

    Parameters
    ----------
    flares : FlareList
        From `read_flares`.
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


def _instant(text: str) -> np.datetime64:
    if not text:
        return np.datetime64("NaT", "s")
    # numpy's datetimes have no zone; the lists are in UTC.
    return np.datetime64(datetime.fromisoformat(text).replace(tzinfo=None), "s")


def _true_flux(row: dict[str, str]) -> float:
    flux = float(row["peak_flux_w_m2"])
    return flux / _SWPC_FACTOR if row["class_scale"].endswith("x0.7") else flux


def _coverage(row: dict[str, str], last: np.datetime64) -> Coverage:
    """Read a period; it cannot reach beyond the last day that has a flare."""
    letter = row["complete_for"].split("+")[0]
    end = np.datetime64(date.fromisoformat(row["period_end"]), "D") + _DAY
    return Coverage(
        start=np.datetime64(date.fromisoformat(row["period_start"]), "s"),
        end=min(end, last).astype("datetime64[s]"),
        flux_w_m2=FlareClass.parse(letter).flux_w_m2,
        has_ends=row["complete_for"] == "C1+",
    )
