"""Keyword strings as the JSOC writes them, parsed strictly.

Every value of a reply is a string, numbers included, and what is missing is said in the same
place: ``MISSING``, ``Invalid KeyLink``, ``NoDataDirectory``, ``nan`` (jsoc_info.c of the JSOC's
own code). Nothing here guesses: what cannot be read is None.
"""

import contextlib
import logging
import math
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from flaremon.domain import SERIES_CADENCE_S
from flaremon.errors import InputError
from flaremon.times import parse_tai, slot_label, tai_label_to_utc

log = logging.getLogger(__name__)

KEYS = tuple(
    """T_REC T_OBS DATE__OBS DATE CAMERA QUALITY QUALLEV1 INSTRUME TELESCOP WAVELNTH CONTENT BUNIT
    CTYPE1 CTYPE2 CUNIT1 CUNIT2 CRPIX1 CRPIX2 CRVAL1 CRVAL2 CDELT1 CDELT2 CROTA2 CRLN_OBS CRLT_OBS
    CAR_ROT DSUN_OBS DSUN_REF RSUN_OBS RSUN_REF OBS_VR OBS_VW OBS_VN CADENCE QLOOK TOTVALS DATAVALS
    MISSVALS SATVALS DATAMIN2 DATAMAX2 DATAMIN DATAMAX DATAMEAN DATARMS CALVER64 *recnum*""".split()  # noqa: SIM905
)
"""What a poll asks for; ``*size*``, ``*online*`` and ``*retain*`` cost the JSOC a disk look-up."""

MARKERS = frozenset(
    {
        "",
        "MISSING",
        "Invalid KeyLink",
        "Invalid_Link",
        "InvalidSegName",
        "BadSegLink",
        "NoDataDirectory",
        "NoDataFile",
    }
)
"""How the JSOC says that there is nothing."""

_PATH = re.compile(r"/SUM\d+/D\d+/S\d+/[\w.]+\.fits")
_QUALITY = re.compile(r"0[xX][0-9a-fA-F]{1,8}|-?\d{1,10}")
_CAMERAS = frozenset({1, 2, 3})
_EPOCH = datetime(1993, 1, 1, tzinfo=UTC)
"""Slots are counted from here, in TAI."""
_TAI = re.compile(r"([12]\d{3}\.\d\d\.\d\d_\d\d:\d\d:\d\d)(\.\d{1,6})?_TAI")
_ISO = re.compile(r"[12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z?")
_OFF_GRID_S = 1.0


def to_float(text: str | None) -> float | None:
    """Read a finite number; None for a marker, ``nan`` or anything else."""
    if text is None or "_" in text:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def to_int(text: str | None) -> int | None:
    """Read a decimal integer; None for anything else."""
    if text is None or not re.fullmatch(r"\s*[+-]?\d{1,18}\s*", text):
        return None
    return int(text)


def to_quality(text: str | None) -> int | None:
    """Read a QUALITY word, hexadecimal or (signed) decimal, as unsigned 32 bits."""
    text = "" if text is None else text.strip()
    if not _QUALITY.fullmatch(text):
        return None
    value = int(text, 0) if text[:2].lower() == "0x" else int(text)
    return value % (1 << 32) if -(1 << 31) <= value < 1 << 32 else None


def to_instant(text: str | None) -> datetime | None:
    """Read a DRMS time as an aware UTC instant; None when it is missing or no time."""
    if text is None or text in MARKERS:
        return None
    try:
        return _plain_instant(text) or tai_label_to_utc(text)
    except InputError:
        return None


def to_slot(text: str | None, series: str) -> str | None:
    """Return the canonical label of a slot; None unless the text is a time on the series' grid."""
    if text is None or text in MARKERS:
        return None
    cadence_s = SERIES_CADENCE_S[series]
    try:
        tai = _plain_tai(text) or parse_tai(text).to_datetime().replace(tzinfo=UTC)
    except InputError:
        return None
    # TAI has no leap seconds, so calendar arithmetic is exact.
    elapsed_s = (tai - _EPOCH).total_seconds()
    index = int((elapsed_s + cadence_s / 2) // cadence_s)
    off_s = abs(elapsed_s - index * cadence_s)
    return slot_label(index, cadence_s) if off_s < _OFF_GRID_S else None


# A year of 12 min slots has 130,000 times and astropy reads 1,000 a second, so the usual forms
# are read as calendar dates; anything else, leap seconds included, is left to astropy.


def _plain_instant(text: str) -> datetime | None:
    """Read ``2024.06.28_00:00:08.212_TAI`` or ``2024-06-28T01:16:20Z``; None for other forms."""
    tai = _plain_tai(text)
    if tai is not None:
        offset = _utc_minus_tai(text[:10])
        return None if offset is None else tai + offset
    if not _ISO.fullmatch(text):
        return None
    with contextlib.suppress(ValueError):
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    return None


def _plain_tai(text: str) -> datetime | None:
    """Read a TAI label as a calendar date; None for any other form."""
    match = _TAI.fullmatch(text)
    if match is None:
        return None
    with contextlib.suppress(ValueError):
        instant = datetime.strptime(match[1], "%Y.%m.%d_%H:%M:%S").replace(tzinfo=UTC)
        return instant + timedelta(seconds=float(match[2] or 0))
    return None


@lru_cache(maxsize=4096)
def _utc_minus_tai(day: str) -> timedelta | None:
    """Return what to add to TAI on a day such as ``2024.06.28``; None if it changes that day."""
    offsets = set()
    for clock in ("00:00:00", "23:59:59"):
        label = f"{day}_{clock}_TAI"
        tai = datetime.strptime(label, "%Y.%m.%d_%H:%M:%S_TAI").replace(tzinfo=UTC)
        offsets.add(tai_label_to_utc(label) - tai)
    return offsets.pop() if len(offsets) == 1 else None


def to_camera(text: str | None) -> int | None:
    """Read CAMERA: 1 side, 2 front, 3 both; failed rows have an impossible one."""
    camera = to_int(text)
    return camera if camera in _CAMERAS else None


def to_path(text: str | None, name: str) -> str | None:
    """Read the path of a segment; anything that is not one is None, and strange text is logged."""
    if text is None or text in MARKERS:
        return None
    if not _PATH.fullmatch(text):
        log.warning("%s: the JSOC gives %.80r as path of the file; ignored", name, text)
        return None
    return text
