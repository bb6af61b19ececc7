"""Answers with the regions that they are from, as rows."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from flaremon.config import Settings
    from flaremon.store import StoredPrediction

REGION_COLUMNS = (
    "regions_from", "region", "region_share", "region_rate_per_day", "region_location",
    "region_latitude_deg", "region_longitude_deg", "region_carrington_deg", "region_noaa_ar",
    "region_near_limb",
)  # fmt: skip
_BATCH = 200
"""Answers that are looked up, and their positions transformed, at once."""


def explained(
    config: "Settings",
    session: "Session",
    stored: "Iterable[StoredPrediction]",
    flat: "Callable[[StoredPrediction], dict[str, Any]]",
) -> Iterator[dict[str, Any]]:
    """Yield a row per answer, with ``regions`` (None where nobody can say) and ``regions_from``."""
    from flaremon.regions import explain, region_as_json
    from flaremon.wiring import explaining

    tools, rest = explaining(config), iter(stored)
    while batch := list(islice(rest, _BATCH)):
        for item in explain(session, batch, tools):
            regions = item.regions
            yield {
                **flat(item.stored),
                "regions": None if regions is None else list(map(region_as_json, regions)),
                "regions_from": item.whence.value,
            }


def without_map(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a forecaster that is no network of ours."""
    from flaremon.regions import Whence

    return {**row, "regions": None, "regions_from": Whence.NO_MAP.value}


def region_table(row: dict[str, Any]) -> str:
    """Return the lines below an answer in a table; nothing where regions were not asked for."""
    from flaremon.regions import Whence, region_lines

    if "regions_from" not in row:
        return ""
    whence, regions = Whence(row["regions_from"]), row["regions"]
    lines = [] if whence is Whence.KEPT else [f"({whence.in_words})"]
    if regions is not None and row.get("activity") in {"active", "quiet"}:
        lines.append(f"(shares of the map; that the Sun was {row['activity']} counted too)")
    if regions is not None:
        lines += region_lines(regions)
    return "".join(f"    {line}\n" for line in lines)


def row_per_region(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield a flat row per region, and one without for answers that have none."""
    for row in rows:
        answer = {name: value for name, value in row.items() if name != "regions"}
        if not row["regions"]:
            yield answer
        for number, region in enumerate(row["regions"] or (), start=1):
            values = {f"region_{name}": value for name, value in region.items()}
            kept = {name: values[name] for name in REGION_COLUMNS if name in values}
            several = " ".join(map(str, region["noaa_ar"]))
            yield {**answer, **kept, "region": number, "region_noaa_ar": several}
