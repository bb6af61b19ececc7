"""NOAA's numbers of active regions: ``solar_regions``, 30 days of summaries, revised every day."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from flaremon.domain import NoaaRegion
from flaremon.errors import InputError
from flaremon.goes.canary import Canary, objects
from flaremon.goes.values import region, swpc_time

SOURCE = "swpc"
_LOCATION = re.compile(r"([NS])(\d{1,2})([EW])(\d{1,3})")
_GREEK: Mapping[str, str] = {"A": "alpha", "B": "beta", "G": "gamma", "D": "delta"}


def read_regions(rows: Sequence[Any], canary: Canary) -> list[NoaaRegion]:
    """Read ``solar_regions``: one row per region and day.

    Positions hold at 24:00 UTC of ``observed_date``, as in the printed summary: in what was
    recorded, longitude and Carrington longitude agree within 3 degrees with the disk centre of
    that moment, and by 13 not with that of the day before.

    A row without a location is a region that nobody saw that day: a gap. Two rows of one region
    and day are one; the first is the newer.
    """
    found: dict[tuple[datetime, int], NoaaRegion] = {}
    for row in objects(rows, canary):
        date = canary.parse(row, "observed_date", swpc_time)
        number = None if date is None else canary.parse(row, "region", partial(region, start=date))
        where = _position(row, canary)
        area = canary.parse(row, "area", area_of)
        mount_wilson = canary.parse(row, "mag_class", mount_wilson_class) or ""
        if where is None and row.get("location", "") is None:
            canary.gaps += 1
            canary.read += 1
        if date is None or where is None or number is None:
            continue
        canary.read += 1
        valid_at = midnight_after(date)
        found.setdefault(
            (valid_at, number),
            NoaaRegion(
                number=number,
                valid_at=valid_at,
                latitude_deg=where[0],
                longitude_deg=where[1],
                area=area,
                mount_wilson=mount_wilson,
                source=SOURCE,
            ),
        )
    return list(found.values())


def _position(row: Mapping[str, Any], canary: Canary) -> tuple[float, float] | None:
    """Return latitude and longitude, west positive.

    The sides are those of ``location``, the degrees those of the numbers: longitudes there count
    east positive, the other way round than everybody else, and a location has no room for three
    digits and says ``N04W0*``.
    """
    sides = canary.parse(row, "location", _sides)
    latitude = canary.parse(row, "latitude", _degrees)
    longitude = canary.parse(row, "longitude", _degrees)
    if sides is None or latitude is None or longitude is None:
        return None
    return sides[0] * latitude, sides[1] * longitude


def _sides(value: Any) -> tuple[int, int]:
    match = re.fullmatch(r"([NS])[\d*]{2}([EW])[\d*]{2,3}", str(value).strip())
    if match is None:
        raise InputError(f"{value!r} is not a position")
    return 1 if match[1] == "N" else -1, 1 if match[2] == "W" else -1


def _degrees(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 180:
        raise InputError(f"{value!r} is not an angle in degrees")
    return abs(float(value))


def midnight_after(date: datetime) -> datetime:
    """Return 24:00 UTC of a day."""
    return date.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def position(value: Any) -> tuple[float, float]:
    """Read ``N12E32``: latitude and longitude, degrees, north and west positive.

    Raises
    ------
    InputError
        If it is something else.
    """
    match = _LOCATION.fullmatch(str(value).strip().upper())
    if match is None or int(match[2]) > 90 or int(match[4]) > 180:
        raise InputError(f"{value!r} is not a position; N12E32 would be one")
    latitude = float(match[2]) * (-1 if match[1] == "S" else 1)
    return latitude, float(match[4]) * (-1 if match[3] == "E" else 1)


def area_of(value: Any) -> int | None:
    """Read an area in millionths of the hemisphere; None for empty.

    Raises
    ------
    InputError
        If it is something else.
    """
    if value == "":
        return None
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,5}", str(value).strip()):
        raise InputError(f"{value!r} is not an area in millionths of the hemisphere")
    return int(value)


def mount_wilson_class(value: Any) -> str:
    """Write a magnetic class as ``beta-gamma-delta``; summaries say ``BGD`` or ``BETA-GAMMA``.

    Raises
    ------
    InputError
        If it is something else.
    """
    text = str(value).strip().upper()
    words = [_GREEK.get(part, part.lower()) for part in text.split("-")]
    if len(words) == 1 and text and set(text) <= set(_GREEK):
        words = [_GREEK[letter] for letter in text]
    if text and not set(words) <= set(_GREEK.values()):
        raise InputError(f"{value!r} is not a magnetic class")
    return "-".join(words)
