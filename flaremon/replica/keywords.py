"""FITS cards to DRMS keywords and back to the text that a query shows.

JSOC keeps keywords in its database under names that FITS could not hold (``DATE__OBS``) and
answers every value as a string: numbers in decimal, bit words in hexadecimal, ``MISSING`` where
there is nothing.
"""

import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astropy.io import fits

Value = int | float | str | None
"""A keyword's value; None is DRMS's missing value."""

MISSING = "MISSING"
TIMES_TAI = frozenset({"T_REC", "T_OBS", "T_REC_epoch"})
TIMES_UTC = frozenset({"DATE", "DATE__OBS"})
BIT_WORDS = frozenset({"QUALITY", "QUALLEV1"})
"""Keywords that JSOC writes as eight hexadecimal digits."""

_DRMS_NAMES = {
    "DATE-OBS": "DATE__OBS",
    "TRECEPOC": "T_REC_epoch",
    "TRECSTEP": "T_REC_step",
    "TRECUNIT": "T_REC_unit",
}
_STRUCTURE = re.compile(
    r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|PCOUNT|GCOUNT|TFIELDS|THEAP|T(TYPE|FORM|UNIT|DIM)\d+"
    r"|Z(IMAGE|SIMPLE|TENSION|EXTEND|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|BLOCKED|CMPTYPE|TILE\d+|NAME\d+"
    r"|VAL\d+|QUANTIZ|DITHER0|BLANK|SCALE|ZERO|MASKCMP)|BSCALE|BZERO|BLANK"
)
_NOT_KEYWORDS = re.compile(r"CHECKSUM|DATASUM|ZHECKSUM|ZDATASUM|EXTNAME|EXTVER|")


def is_structure(name: str) -> bool:
    """Whether a card says how the data unit is laid out: a file in SUMS carries only these."""
    return _STRUCTURE.fullmatch(name) is not None


def from_header(header: "fits.Header") -> dict[str, Value]:
    """Return the keywords of a header under their DRMS names."""
    from astropy.io import fits  # noqa: PLC0415 - heavy, and the command line imports us

    values: dict[str, Value] = {}
    for card in header.cards:
        name = card.keyword
        if is_structure(name) or _NOT_KEYWORDS.fullmatch(name):
            continue
        try:
            value = card.value
        except fits.VerifyError:
            value = None
        if isinstance(value, fits.card.Undefined):
            value = None
        if name in {"HISTORY", "COMMENT"}:
            value = f"{values.get(name) or ''}{value}"
        elif isinstance(value, bool):
            value = int(value)
        values[_DRMS_NAMES.get(name, name)] = value
    return values


def fits_name(name: str) -> str:
    """Return the FITS name of a DRMS keyword, as exports write it."""
    for fits_keyword, drms_keyword in _DRMS_NAMES.items():
        if name == drms_keyword:
            return fits_keyword
    return name.replace("__", "-")


def as_text(name: str, value: Value) -> str:
    """Write a value as ``rs_list`` does."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    if isinstance(value, int) and name.upper() in BIT_WORDS:
        return f"0x{value & 0xFFFFFFFF:08X}"
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, str) and name in TIMES_TAI:
        return _to_whole_second(value)
    if isinstance(value, str) and name in TIMES_UTC:
        return _with_zone(value, fraction=name == "DATE__OBS")
    return str(value)


def lookup(keywords: Mapping[str, Value], name: str) -> tuple[str, Value] | None:
    """Find a keyword whatever its case, as DRMS does; None if the record has no such keyword."""
    if name in keywords:
        return name, keywords[name]
    folded = name.casefold()
    return next(((k, v) for k, v in keywords.items() if k.casefold() == folded), None)


def _to_whole_second(label: str) -> str:
    match = re.fullmatch(r"(\d{4}\.\d\d\.\d\d_\d\d:\d\d:\d\d)(\.\d+)?(_TAI)?", label)
    if match is None:
        return label
    instant = datetime.strptime(match[1], "%Y.%m.%d_%H:%M:%S")  # noqa: DTZ007 - TAI has no zone
    if float(match[2] or 0) >= 0.5:
        instant += timedelta(seconds=1)
    return instant.strftime("%Y.%m.%d_%H:%M:%S_TAI")


def _with_zone(iso: str, *, fraction: bool) -> str:
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z?", iso)
    if match is None:
        return iso
    digits = f".{(match[2] or '0').ljust(2, '0')[:2]}" if fraction else ""
    return f"{match[1]}{digits}Z"
