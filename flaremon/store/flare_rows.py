"""From rows of flare revisions to flares, and back."""

from functools import lru_cache
from typing import Any

from sqlalchemy import Row, Select, select

from flaremon.domain import ClassScale, Flare, FlareClass, FlareRevision
from flaremon.schema import FlareRevisionRow, FlareRow
from flaremon.store.rows import storable

_class = lru_cache(maxsize=1024)(FlareClass.parse)


def all_revisions() -> Select[Any]:
    """Return a query of all revisions, to be narrowed."""
    row = FlareRevisionRow
    return select(
        row.flare_id, FlareRow.catalog, row.revision, row.start_at, row.peak_at, row.end_at,
        row.flare_class, row.peak_flux_w_m2, row.noaa_ar, row.location, row.source, row.satellite,
        row.class_scale, row.edited, row.seen_at,
    ).join(FlareRow, row.flare_id == FlareRow.id)  # fmt: skip


def columns(flare: Flare, flare_id: int, revision: int) -> dict[str, Any]:
    """Return a revision as its row has it, but for when it was seen."""
    return {
        "flare_id": flare_id,
        "revision": revision,
        "start_at": flare.start,
        "peak_at": flare.peak,
        "end_at": flare.end,
        "flare_class": None if flare.flare_class is None else str(flare.flare_class),
        "peak_flux_w_m2": flare.peak_flux_w_m2,
        "noaa_ar": flare.noaa_ar,
        "location": storable(flare.location),
        "source": storable(flare.source),
        "satellite": storable(flare.satellite),
        "class_scale": flare.class_scale.value,
        "edited": flare.edited,
    }


def flare_of(row: Row[Any]) -> Flare:
    """Read a flare from a row of `all_revisions`."""
    return Flare(
        start=row.start_at,
        peak=row.peak_at,
        end=row.end_at,
        flare_class=None if row.flare_class is None else _class(row.flare_class),
        peak_flux_w_m2=row.peak_flux_w_m2,
        noaa_ar=row.noaa_ar,
        location=row.location,
        source=row.source,
        satellite=row.satellite,
        class_scale=ClassScale(row.class_scale),
        edited=row.edited,
    )


def revision_of(row: Row[Any]) -> FlareRevision:
    """Read a revision from a row of `all_revisions`."""
    return FlareRevision(
        flare=flare_of(row), catalog=row.catalog, revision=row.revision, seen_at=row.seen_at
    )
