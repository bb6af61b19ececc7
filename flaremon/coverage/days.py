"""Coverage per day: every expected slot is predicted, rejected or missing."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Any

from flaremon import store
from flaremon.backfill import Grid
from flaremon.backfill.folder import FORMATS, SOURCE
from flaremon.store import MissReason, SlotRange

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from flaremon.package import ModelPackage

NO_IMAGE = "no-image"
"""A rejection because QUALITY says that there is no image; others keep their own reason."""
SERIES_OF_FILES = tuple(sorted({f"{SOURCE}.{name}" for name in FORMATS.values()}))
"""What files that were scored from a folder are stored as: they have no record of the JSOC."""
_EQUINOXES = ((3, 20), (9, 22))
_SEASON_DAYS = 25
"""SDO's eclipse seasons last about three weeks near each equinox; its orbit shifts them."""
_ECLIPSE_MINUTES = (5 * 60 + 30, 8 * 60)
"""UT minutes of the day around SDO's midnight (102 deg west, 06:48 UT); up to 70 min are lost."""


class Gap(StrEnum):
    """Why a slot is missing, as far as anybody knows."""

    NO_RECORD = "no-record"
    """The JSOC lists none."""
    ECLIPSE_SEASON = "eclipse-season"
    """The JSOC lists none, at an hour of a season in which the Earth hides the Sun from SDO."""
    OFF_LINE = "off-line"
    OUTAGE = "outage"
    FAILED = "failed"
    WAITING = "waiting"
    """Listed, not scored yet."""
    NOT_TRIED = "not-tried"
    """Nobody has asked for it: nothing ran then, and no backfill since."""


@dataclass(kw_only=True)
class Day:
    """What became of the slots of a day; the counts add up to `expected`."""

    day: str
    """``YYYY-MM-DD``, TAI."""
    expected: int = 0
    predicted: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """Return the day as JSON has it."""
        return {
            "day": self.day,
            "expected": self.expected,
            "predicted": self.predicted,
            "rejected": self.rejected.total(),
            "missing": self.missing.total(),
            "rejected_by_reason": dict(sorted(self.rejected.items())),
            "missing_by_reason": dict(sorted(self.missing.items())),
        }


def is_of_files(series: str) -> bool:
    """Tell whether a series is one of files that were scored from a folder without a record."""
    return series.startswith(f"{SOURCE}.")


def cover(session: "Session", asked: Grid | SlotRange, package: "ModelPackage") -> list[Day]:
    """Return what one model has, oldest day first.

    Parameters
    ----------
    asked : Grid or SlotRange
        A range without a grid is for files from folders: nobody promised a cadence, so nothing is
        missing between them. Expected are those that there are, days without any are left out,
        and of a file that the model has not scored the reason is `Gap.WAITING`.

    Raises
    ------
    StoreError
        The database fails.
    """
    slots = asked.slots if isinstance(asked, Grid) else asked
    events = [spec.event for spec in package.events]
    predicted = store.predicted_slots(session, slots, model=package.id, events=events)
    rejected = store.rejected_slots(session, slots)
    imageless = store.imageless_slots(session, slots)
    listed = store.listed_slots(session, slots)
    misses = store.misses(session, slots)
    days = []
    for name, labels in asked.days() if isinstance(asked, Grid) else _by_day(listed):
        day = Day(day=name.replace(".", "-"), expected=len(labels))
        for label in labels:
            if label in predicted:
                day.predicted += 1
            elif label in rejected:
                day.rejected[NO_IMAGE if label in imageless else rejected[label]] += 1
            elif label in misses:
                day.missing[_gap(misses[label].reason, label)] += 1
            else:
                day.missing[Gap.WAITING if label in listed else Gap.NOT_TRIED] += 1
        days.append(day)
    return days


def _by_day(listed: Collection[str]) -> Iterator[tuple[str, list[str]]]:
    for day, labels in groupby(sorted(listed), key=lambda label: label[:10]):
        yield day, list(labels)


def _gap(reason: MissReason, label: str) -> Gap:
    if reason is MissReason.NO_RECORD and in_eclipse_season(label):
        return Gap.ECLIPSE_SEASON
    return Gap(reason.value)


def in_eclipse_season(label: str) -> bool:
    """Tell whether a slot lies where SDO's eclipses do: a hint, not a proof."""
    # Half a minute between TAI and UT does not matter to a window of hours.
    slot = datetime.strptime(label, "%Y.%m.%d_%H:%M:%S_TAI")  # noqa: DTZ007 - a label, not an instant
    minute = slot.hour * 60 + slot.minute
    near = any(
        abs((slot - slot.replace(month=month, day=day)).days) <= _SEASON_DAYS
        for month, day in _EQUINOXES
    )
    return near and _ECLIPSE_MINUTES[0] <= minute <= _ECLIPSE_MINUTES[1]
