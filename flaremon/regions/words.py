"""Regions for people, and as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from flaremon.regions.located import LocatedRegion

NEAR_LIMB = "near the limb: seen from the side, judged less well"


def region_lines(regions: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line per region, in their order, and one for the rest of the disk.

    Parameters
    ----------
    regions
        As `region_as_json` returns them.
    """
    if not regions:
        return ["no region stands out"]
    lines = []
    for region in regions:
        number = f"NOAA {' or '.join(map(str, region['noaa_ar'])) or '-'}"
        warning = f"   {NEAR_LIMB}" if region["near_limb"] else ""
        lines.append(
            f"{region['share']:>6.1%}  {region['location']:<7} "
            f"Carrington {region['carrington_deg']:>3.0f}  {number}{warning}"
        )
    left = max(0.0, 1 - sum(region["share"] for region in regions))
    return [*lines, f"{left:>6.1%}  elsewhere"]


def region_as_json(region: LocatedRegion) -> dict[str, Any]:
    """Return a region for machines; angles in degrees to a hundredth.

    ``longitude_deg`` is Stonyhurst, west positive; ``x`` and ``y`` are solar radii from disk
    centre, west and north positive.
    """
    return {
        "share": region.share.share,
        "rate_per_day": region.share.rate_per_day,
        "location": region.location,
        "latitude_deg": round(region.place.latitude_deg, 2),
        "longitude_deg": round(region.place.longitude_deg, 2),
        "carrington_deg": round(region.place.carrington_deg, 2),
        "noaa_ar": list(region.noaa_ar),
        "near_limb": region.share.near_limb,
        "x": round(region.share.x, 4),
        "y": round(region.share.y, 4),
    }
