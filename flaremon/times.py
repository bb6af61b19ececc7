"""TAI slot times as JSOC writes them, UTC instants as everybody else does.

An HMI record is identified by a *slot*: a label in TAI on a grid counted from
``1993.01.01_00:00:00_TAI``. Everything else in flaremon is an aware UTC `datetime`. TAI runs
ahead of UTC by 37 s since 2017, which matters when matching flare times, so the two never mix:
a label stays a string, and this module is the only place that turns one into the other.
Leap seconds are astropy's.
"""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from flaremon.errors import InputError

if TYPE_CHECKING:
    from astropy.time import Time

_DRMS_TIME = re.compile(
    r"(?P<year>\d{4})[.\-/](?P<month>\d{1,2})[.\-/](?P<day>\d{1,2})"
    r"(?:[_T ](?P<hour>\d{1,2})(?::?(?P<minute>\d{2}))?(?::?(?P<second>\d{2}(?:\.\d+)?))?)?"
    r"(?:_?(?P<zone>TAI|UTC|UT|Z))?$"
)
_YEAR_OR_MONTH = re.compile(r"\d{4}(?:-\d\d)?")
_EPOCH_LABEL = "1993-01-01T00:00:00"
_MISSING_YEAR_MAX = 1000
"""DRMS writes a missing time as ``-4712.01.01_11:59:28_TAI``; HMI began in 2010."""

SLOT_TOLERANCE = timedelta(seconds=20)
"""T_OBS and the slot of one record differ by up to 8 s, the light time over SDO's changing
distance from the Sun; this is a comfortable bound, far below any cadence."""


def parse_tai(label: str) -> "Time":
    """Read a time as DRMS writes it.

    Parameters
    ----------
    label : str
        For example ``2024.06.28_00:00:00_TAI``; fractions of a second, ISO dashes and a ``Z``
        are understood. Without a zone the time is UTC, as in DRMS.

    Returns
    -------
    astropy.time.Time
        In the TAI scale.

    Raises
    ------
    InputError
        If the text is not a time, ``MISSING`` and DRMS's missing time included.
    """
    from astropy.time import Time  # noqa: PLC0415 - 0.4 s that `flaremon --help` need not pay

    match = _DRMS_TIME.match(label.strip())
    if match is None or int(match["year"]) < _MISSING_YEAR_MAX:
        raise InputError(f"{label!r} is not a time; write e.g. 2024.06.28_00:00:00_TAI")
    second = match["second"] or "00"
    iso = (
        f"{match['year']}-{int(match['month']):02d}-{int(match['day']):02d}T"
        f"{int(match['hour'] or 0):02d}:{match['minute'] or '00'}:{second}"
    )
    scale = "tai" if match["zone"] == "TAI" else "utc"
    try:
        with of_the_future():
            return Time(iso, format="isot", scale=scale).tai
    except ValueError as exc:
        raise InputError(f"{label!r} is not a time: there is no such day, hour or minute") from exc


@contextmanager
def of_the_future() -> Iterator[None]:
    """Let years pass in silence whose leap seconds are not known yet; nor do they matter here.

    astropy calls them dubious, whenever a time is made or brought to another scale.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*dubious year")
        yield


def tai_label_to_utc(label: str) -> datetime:
    """Return the aware UTC instant of a DRMS time (a leap second becomes the next midnight).

    Raises
    ------
    InputError
        If `label` is not a time.
    """
    with of_the_future():
        time = parse_tai(label).utc
        return time.to_datetime(  # type: ignore[no-any-return]
            timezone=UTC, leap_second_strict="silent"
        )


def utc_to_tai_label(instant: datetime) -> str:
    """Write an aware UTC instant as DRMS does, to the whole second, in TAI."""
    from astropy.time import Time  # noqa: PLC0415

    _require_aware(instant)
    with of_the_future():
        tai = Time(instant.astimezone(UTC).replace(tzinfo=None), scale="utc").tai
        tai.precision = 0
        date, clock = tai.isot.split("T")
    return f"{date.replace('-', '.')}_{clock}_TAI"


def slot_index(label: str, cadence_s: float) -> int:
    """Return the number of the slot nearest to `label`, as DRMS counts: floor(x + 1/2)."""
    from astropy.time import Time  # noqa: PLC0415

    elapsed_s = (parse_tai(label) - Time(_EPOCH_LABEL, scale="tai")).to_value("s")
    # Rounded to the millisecond: two-double times leave 1e-9 s that must not move a slot.
    return int((round(elapsed_s, 3) + cadence_s / 2) // cadence_s)


def slot_label(index: int, cadence_s: float) -> str:
    """Return the label of slot number `index`, e.g. ``2024.06.28_00:00:00_TAI``."""
    # TAI has no leap seconds, so plain calendar arithmetic is exact here.
    instant = datetime(1993, 1, 1, tzinfo=UTC) + timedelta(seconds=index * cadence_s)
    return instant.strftime("%Y.%m.%d_%H:%M:%S_TAI")


def first_slot_from(instant: datetime, cadence_s: float) -> int:
    """Return the number of the first slot at or after an instant, leap seconds included."""
    _require_aware(instant)
    # The label is whole seconds and the slot the nearest one, so look around it.
    index = slot_index(utc_to_tai_label(instant - timedelta(seconds=cadence_s)), cadence_s)
    while tai_label_to_utc(slot_label(index, cadence_s)) < instant:
        index += 1
    return index


def parse_utc(text: str) -> datetime:
    """Read an instant as people write it: ISO or DRMS form, UTC unless it says otherwise.

    A year (``2024``) or month (``2024-05``) is its first instant; ``now`` and offsets such as
    ``-6h`` or ``-2d`` from now are understood too.

    Raises
    ------
    InputError
        If the text is none of these.
    """
    text = text.strip()
    if _YEAR_OR_MONTH.fullmatch(text):
        text = f"{text}-01" if "-" in text else f"{text}-01-01"
    offset = re.fullmatch(r"-(\d+(?:\.\d+)?)([mhd])", text)
    if text == "now" or offset is not None:
        unit = {"m": 60, "h": 3600, "d": 86400}
        seconds = float(offset[1]) * unit[offset[2]] if offset is not None else 0.0
        return utc_now() - timedelta(seconds=seconds)
    if _DRMS_TIME.match(text):
        return tai_label_to_utc(text)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as exc:
        raise InputError(
            f"{text!r} is not a time; write e.g. 2026-02-01T00:00Z, 2026.02.01_00:00:00_TAI or -6h"
        ) from exc
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)


def parse_range(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """Read both ends of a range; None is no limit, and an empty text is none of these.

    Raises
    ------
    InputError
        If a text is not a time, or the range ends before it begins.
    """
    start, end = (None if text is None else parse_utc(text) for text in (since, until))
    if start is not None and end is not None and end <= start:
        raise InputError(f"--until {iso_z(end)} is not after --since {iso_z(start)}")
    return start, end


def iso_z(instant: datetime) -> str:
    """Write an aware instant in UTC with ``Z``, to the second."""
    _require_aware(instant)
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def utc_now() -> datetime:
    """Return the current instant; entry points call it once and pass it down."""
    return datetime.now(tz=UTC)


def _require_aware(instant: datetime) -> None:
    if instant.tzinfo is None:
        raise InputError(f"{instant.isoformat()} has no time zone; flaremon takes aware times only")
