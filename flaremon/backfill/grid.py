"""The exact slots of a range: a grid in TAI, cut at instants.

Slots are counted in TAI from midnight, so a grid of an hour has the labels ``HH:00:00_TAI``
whatever the range begins with, a leap second moves none of them, and two backfills over
neighbouring ranges neither overlap nor leave a gap. A range in UTC takes the slots whose instants
are in it: ``2016-12-31`` to ``2017-01-01`` begins 36 s, and ends 37 s, before the labels do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from flaremon.domain import SERIES_CADENCE_S
from flaremon.errors import InputError
from flaremon.store import SlotRange
from flaremon.times import first_slot_from, iso_z, slot_label

FIRST_LIGHT = datetime(2010, 3, 24, tzinfo=UTC)
"""HMI saw its first light; the series begin on 1 May 2010."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Slots of a series in a half-open range, every `stride`-th of them."""

    series: str
    first: int
    """Number of the first slot at or after the start, in steps of the series."""
    stop: int
    """Number of the first slot at or after the end."""
    stride: int = 1

    @property
    def cadence_s(self) -> float:
        """Time from slot to slot, s."""
        return SERIES_CADENCE_S[self.series] * self.stride

    @property
    def slots(self) -> SlotRange:
        """The range of labels that holds the grid."""
        step_s = SERIES_CADENCE_S[self.series]
        return SlotRange(
            series=self.series,
            low=slot_label(self.first, step_s),
            high=slot_label(self.stop, step_s),
        )

    def __len__(self) -> int:
        return len(self._numbers())

    def labels(self) -> Iterator[str]:
        """Yield the labels, oldest first."""
        step_s = SERIES_CADENCE_S[self.series]
        return (slot_label(number, step_s) for number in self._numbers())

    def days(self) -> Iterator[tuple[str, list[str]]]:
        """Yield days (``YYYY.MM.DD``, TAI) and their labels, oldest first."""
        for day, labels in groupby(self.labels(), key=lambda label: label[:10]):
            yield day, list(labels)

    def _numbers(self) -> range:
        aligned = -(-self.first // self.stride) * self.stride
        return range(aligned, self.stop, self.stride)


def make_grid(
    series: str, start: datetime, end: datetime, *, cadence_s: float | None = None, now: datetime
) -> Grid:
    """Return the slots of ``[start, end)``; of an end in the future only what has passed.

    Parameters
    ----------
    start, end : datetime
        Aware instants.
    cadence_s : float, optional
        Time between slots, s: a multiple of the step of the series, and a day one of it.

    Raises
    ------
    InputError
        The series is unknown, the range empty, in the future or before HMI, or the cadence
        does not fit.
    """
    step_s = SERIES_CADENCE_S.get(series)
    if step_s is None:
        raise InputError(f"{series!r} is not one of {', '.join(SERIES_CADENCE_S)}")
    if start >= end:
        raise InputError(f"the range from {iso_z(start)} to {iso_z(end)} is empty")
    if start >= now:
        raise InputError(f"the range from {iso_z(start)} on lies in the future")
    if start < FIRST_LIGHT:
        raise InputError(f"there is nothing at {iso_z(start)}: HMI began on {iso_z(FIRST_LIGHT)}")
    cadence_s = cadence_s or step_s
    stride = round(cadence_s / step_s)
    if stride < 1 or cadence_s != stride * step_s or 86400 % cadence_s:
        raise InputError(
            f"a cadence of {cadence_s:g} s does not fit: take a multiple of the {step_s:g} s of "
            f"{series} that divides a day, such as 12m or 1h"
        )
    return Grid(
        series=series,
        first=first_slot_from(start, step_s),
        stop=first_slot_from(min(end, now), step_s),
        stride=stride,
    )
