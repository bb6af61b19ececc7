"""Times, classes, regions and fluxes as SWPC and flare lists write them."""

import math
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from flaremon.domain import FlareClass
from flaremon.errors import InputError

UNKNOWN = "Unk"
"""What SWPC writes for times that are not known yet."""
_FIVE_DIGITS_SINCE = datetime(2002, 6, 14, tzinfo=UTC)
"""NOAA's regions passed 9999 then; reports still drop the leading 1."""
_LAST_OLD_REGION = datetime(2002, 7, 1, tzinfo=UTC)
"""By then the last region with a number below 10000 had left the disk."""


def swpc_time(value: Any) -> datetime | None:
    """Read a time of SWPC, which is UTC with or without a ``Z``; None for ``Unk`` and empty.

    Raises
    ------
    InputError
        If it is something else.
    """
    if value in (UNKNOWN, ""):
        return None
    try:
        instant = datetime.fromisoformat(value)
    except (TypeError, ValueError) as exc:
        raise InputError(f"{value!r} is not a time") from exc
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)


def flare_class(value: Any) -> FlareClass | None:
    """Read a class; None for empty.

    Raises
    ------
    InputError
        If it is something else, a class of zero included.
    """
    if value == "":
        return None
    if not isinstance(value, str):
        raise InputError(f"{value!r} is not a flare class")
    parsed = _parse(value)
    if parsed.factor <= 0:
        raise InputError(f"{value!r} is no possible flare class")
    return parsed


_parse = lru_cache(maxsize=1024)(FlareClass.parse)


def flux(value: Any) -> float | None:
    """Read a flux in W m-2; None for empty.

    Raises
    ------
    InputError
        If it is not a number that the Sun's soft X-ray flux can have.
    """
    if value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError) as exc:
        raise InputError(f"{value!r} is not a flux") from exc
    if isinstance(value, bool) or not (math.isfinite(number) and 0 < number < 1):
        raise InputError(f"{value!r} is no possible X-ray flux in W m-2")
    return number


def region(value: Any, start: datetime) -> int | None:
    """Read a NOAA region; None for 0 and empty. Four digits are meant with 10000 added.

    Parameters
    ----------
    start : datetime
        When the flare started: only since June 2002 are there regions beyond 9999.

    Raises
    ------
    InputError
        If it is something else.
    """
    if value in ("", 0):
        return None
    match = re.fullmatch(r"(?:AR)?\s*(\d{1,5})(?:\.0)?", str(value).strip())
    if match is None or isinstance(value, bool):
        raise InputError(f"{value!r} is not a NOAA region")
    number = int(match[1])
    old = 9900 < number < 10000 and start < _LAST_OLD_REGION
    if 0 < number < 10000 and start >= _FIVE_DIGITS_SINCE and not old:
        number += 10000
    return number or None


def satellite(value: Any) -> str:
    """Write a satellite as ``G18``: SWPC says 18, G18 or GOES-18.

    Raises
    ------
    InputError
        If it is something else.
    """
    text = str(value).strip().upper()
    if re.fullmatch(r"\d{1,2}", text):
        return f"G{text}"
    text = re.sub(r"^GOES[- ]?", "G", text)
    if isinstance(value, bool) or not re.fullmatch(r"[A-Z][A-Z0-9-]{0,15}|", text):
        raise InputError(f"{value!r} is not a satellite")
    return text
