"""Old images under new dates: replaying an archive as if it were happening now.

Only the times move. What the image shows, and with it the geometry, stays that of its day.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flaremon.replica.keywords import Value
from flaremon.times import slot_index, tai_label_to_utc

_LABEL = "%Y.%m.%d_%H:%M:%S"
_TAI = re.compile(r"(\d{4}\.\d\d\.\d\d_\d\d:\d\d:\d\d)(\.\d+)?_TAI")
_EPOCH = datetime(1993, 1, 1, tzinfo=UTC)
"""T_REC_epoch of all HMI series, in TAI."""


@dataclass(frozen=True, slots=True)
class Dating:
    """How a record's times differ from those of its file."""

    shift_s: float = 0.0
    """Seconds of TAI to add; a whole number of slots."""
    made_at: datetime | None = None
    """What DATE says instead; None: DATE moves like the others."""

    def apply(self, keywords: Mapping[str, Value]) -> dict[str, Value]:
        """Return keywords with T_OBS, DATE__OBS and DATE moved (T_REC is the caller's)."""
        moved = dict(keywords)
        if not self.shift_s and self.made_at is None:
            return moved
        if isinstance(t_obs := moved.get("T_OBS"), str):
            moved["T_OBS"] = shift_tai(t_obs, self.shift_s)
        for name in ("DATE__OBS", "DATE"):
            if isinstance(iso := moved.get(name), str):
                moved[name] = shift_utc(iso, self.shift_s)
        if self.made_at is not None:
            moved["DATE"] = _iso(self.made_at)
        return moved


def slot_of(label: str, cadence_s: float) -> int:
    """Return the slot of a label as `flaremon.times.slot_index` does, fast where that is easy.

    Raises
    ------
    InputError
        If it is not a time.
    """
    if (instant := _read_tai(label)) is None:
        return slot_index(label, cadence_s)
    elapsed_s = (instant - _EPOCH).total_seconds()
    return int((elapsed_s + cadence_s / 2) // cadence_s)


def shift_tai(label: str, seconds: float) -> str:
    """Move a label in TAI; text that is no such label (``MISSING``) stays."""
    instant = _read_tai(label)
    if instant is None:
        return label
    moved = instant + timedelta(seconds=seconds)
    return f"{moved.strftime(_LABEL)}.{moved.microsecond // 1000:03d}_TAI"


def shift_utc(iso: str, seconds: float) -> str:
    """Move an instant in UTC by seconds of TAI, so leap seconds between the two count."""
    from astropy.time import Time  # noqa: PLC0415 - heavy, and the command line imports us

    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)Z?", iso)
    if match is None:
        return iso
    tai = Time(match[1], format="isot", scale="utc").tai
    base = datetime.strptime(tai.isot, "%Y-%m-%dT%H:%M:%S.%f").replace(tzinfo=UTC)
    label = (base + timedelta(seconds=seconds)).strftime(f"{_LABEL}.%f_TAI")
    return _iso(tai_label_to_utc(label))


def _read_tai(label: str) -> datetime | None:
    """Read a label in TAI; it has no leap seconds, so plain calendar arithmetic is exact."""
    match = _TAI.fullmatch(label)
    if match is None:
        return None
    iso = match[1].replace(".", "-").replace("_", "T")
    try:
        instant = datetime.fromisoformat(f"{iso}+00:00")
    except ValueError:
        return None
    return instant + timedelta(seconds=float(match[2] or 0))


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
