"""Labels of hours from ``flares.csv``, worked out a second time: plain loops, nothing of flaremon.

Definitions, not code, are what this shares with flaremon. A flare counts by its start, in
(t, t + 24 h], or is in progress with start <= t <= end; classes are of true flux, so fluxes of
the operational lists before 2019-12-07 are divided by 0.7. An hour is unknown where coverage.csv
has a hole, a missing day, another class or no end times.
"""

import csv
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

LEAST = {"C1": Decimal("1e-6"), "M1": Decimal("1e-5")}
DAY = timedelta(days=1)
SIX_HOURS = timedelta(hours=6)


def time(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def midnight(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)


def read_flares(path: Path) -> list[tuple[datetime, datetime | None, Decimal]]:
    flares = []
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            flux = Decimal(row["peak_flux_w_m2"])
            if row["class_scale"] == "swpc_operational_x0.7":
                flux /= Decimal("0.7")
            flares.append((time(row["start_utc"]), time(row["end_utc"]), flux))
    return flares


def read_coverage(path: Path, last: datetime):
    periods, missing = [], []
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            start, end = midnight(row["period_start"]), midnight(row["period_end"]) + DAY
            end = min(end, last.replace(hour=0, minute=0, second=0) + DAY)
            least = LEAST[row["complete_for"][:2]]
            periods.append((start, end, least, row["complete_for"] == "C1+"))
            for days in re.findall(r"no rows at all on ((?:\d{4}-\d\d-\d\d ?)+)", row["note"]):
                missing += [midnight(day) for day in days.split()]
    return periods, missing


def watched(periods, missing, since, until, least, *, ends):
    """Walk from `since` to `until` through the periods that are good enough."""
    for day in missing:
        if day <= until and since < day + DAY:
            return False
    reached, moved = since, True
    while moved and reached < until:
        moved = False
        for start, end, complete_from, has_ends in periods:
            if complete_from <= least and (has_ends or not ends) and start <= reached < end:
                reached, moved = end, True
    return reached >= until


def day_ahead(flares, periods, missing, t, size):
    """Return True, False or None for "a flare of this size starts in (t, t + 24 h]"."""
    if not watched(periods, missing, t, t + DAY, LEAST[size], ends=False):
        return None
    return any(t < start <= t + DAY and flux >= LEAST[size] for start, _, flux in flares)


def in_progress(flares, periods, missing, t, size):
    """Return True, False or None for "a flare of this size is in progress at t"."""
    if not watched(periods, missing, t - SIX_HOURS, t, LEAST[size], ends=True):
        return None
    maybe = False
    for start, end, flux in flares:
        if flux >= LEAST[size] and start <= t:
            if end is not None and t <= end:
                return True
            if end is None and start > t - SIX_HOURS:
                maybe = True
    return None if maybe else False
