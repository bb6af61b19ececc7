"""Which of NOAA's regions are near a place, at a moment."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from math import acos, cos, degrees, radians, sin

from flaremon.domain import NoaaRegion
from flaremon.regions.coordinates import Place, turned_deg

NEAR_DEG = 8.0
"""A region of the map has the numbers of all of NOAA's regions within this distance: that of two
peaks that the map counts as one."""
REACH = timedelta(hours=48)
"""Summaries hold at midnight; those of one day more are taken where one is missing."""


def moved(regions: Iterable[NoaaRegion], at: datetime) -> list[tuple[NoaaRegion, float]]:
    """Return each number once, with its longitude at a moment, Stonyhurst, west positive.

    Of several summaries the one nearest in time is taken, also a later one: a number names a
    region, it forecasts nothing.
    """
    nearest: dict[int, NoaaRegion] = {}
    for region in regions:
        away = abs(at - region.valid_at)
        other = nearest.get(region.number)
        if away <= REACH and (other is None or away < abs(at - other.valid_at)):
            nearest[region.number] = region
    found = list(nearest.values())
    if not found:
        return []
    turned = turned_deg([r.latitude_deg for r in found], [at - r.valid_at for r in found])
    return [
        (r, (r.longitude_deg + turn + 180) % 360 - 180)
        for r, turn in zip(found, turned, strict=True)
    ]


def numbers_near(place: Place, regions: Sequence[tuple[NoaaRegion, float]]) -> tuple[int, ...]:
    """Return the numbers within `NEAR_DEG` of a place, nearest first; none is a valid answer.

    Plages without spots count only where no region with spots is near.

    Parameters
    ----------
    regions
        As `moved` returns them for the moment of the place.
    """
    near = sorted(
        (distance, region.number, region.area is not None)
        for region, longitude_deg in regions
        if (distance := _apart_deg(place, region.latitude_deg, longitude_deg)) <= NEAR_DEG
    )
    spotted = [number for _, number, spots in near if spots]
    return tuple(spotted or [number for _, number, _ in near])


def _apart_deg(place: Place, latitude_deg: float, longitude_deg: float) -> float:
    one, other = radians(place.latitude_deg), radians(latitude_deg)
    across = radians(place.longitude_deg - longitude_deg)
    cosine = sin(one) * sin(other) + cos(one) * cos(other) * cos(across)
    return degrees(acos(min(1.0, max(-1.0, cosine))))
