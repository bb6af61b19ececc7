"""NOAA's summaries of regions, with what was changed in them since."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from flaremon.domain import NoaaRegion
from flaremon.errors import InputError
from flaremon.schema import NoaaRegionRow
from flaremon.store.rows import batched, be_the_only_writer_of_truth, insert, storable
from flaremon.store.truth import Added

_LONGEST_SOURCE = 64


def add_noaa_regions(
    session: Session, regions: Iterable[NoaaRegion], *, seen_at: datetime, run_id: str
) -> Added:
    """Store what summaries say now; the same again changes nothing.

    A region that its source has changed since gets a revision.

    Raises
    ------
    InputError
        The name of a source is longer than 64 characters.
    """
    reports = {(r.valid_at, r.number, r.source): r for r in regions}
    for _, _, source in reports:
        if len(source) > _LONGEST_SOURCE:
            raise InputError(f"{source!r} is too long for a source; take {_LONGEST_SOURCE} letters")
    if not reports:
        return Added(new=0, revised=0, unchanged=0)
    be_the_only_writer_of_truth(session)
    moments = sorted({valid_at for valid_at, _, _ in reports})
    known = {
        (item.valid_at, item.number, item.source): (item, revision)
        for item, revision, _ in _current(session, since=moments[0], last=moments[-1])
    }
    rows, revised = [], 0
    for key, report in reports.items():
        old, revision = known.get(key, (None, 0))
        if report != old:
            revised += old is not None
            rows.append(
                {
                    "valid_at": report.valid_at,
                    "noaa_ar": report.number,
                    "latitude_deg": report.latitude_deg,
                    "longitude_deg": report.longitude_deg,
                    "area": report.area,
                    "mount_wilson": report.mount_wilson,
                    "source": storable(report.source),
                    "revision": revision + 1,
                    "seen_at": seen_at,
                    "run_id": run_id,
                }
            )
    for batch in batched(rows):
        session.execute(insert(session, NoaaRegionRow), batch)
    return Added(new=len(rows) - revised, revised=revised, unchanged=len(reports) - len(rows))


def noaa_regions(
    session: Session, *, since: datetime | None = None, until: datetime | None = None
) -> Iterator[tuple[NoaaRegion, int, datetime]]:
    """Read summaries as they are known now, by the instant that they hold at, then by number.

    Parameters
    ----------
    since, until : datetime, optional
        ``since <= valid_at < until``.

    Yields
    ------
    tuple of NoaaRegion, int, datetime
        The region, its revision, and when that was read.
    """
    return _current(session, since=since, until=until)


def _current(
    session: Session,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    last: datetime | None = None,
) -> Iterator[tuple[NoaaRegion, int, datetime]]:
    row, later = NoaaRegionRow, aliased(NoaaRegionRow)
    newer = select(later.id).where(
        later.valid_at == row.valid_at,
        later.noaa_ar == row.noaa_ar,
        later.source == row.source,
        later.revision > row.revision,
    )
    wanted: list[tuple[Callable[[Any], Any], datetime | None]] = [
        (row.valid_at.__ge__, since),
        (row.valid_at.__lt__, until),
        (row.valid_at.__le__, last),
    ]
    statement = (
        select(row.__table__)
        .where(~newer.exists(), *(compare(at) for compare, at in wanted if at is not None))
        .order_by(row.valid_at, row.noaa_ar, row.source)
    )
    for found in session.execute(statement):
        yield (
            NoaaRegion(
                number=found.noaa_ar,
                valid_at=found.valid_at,
                latitude_deg=found.latitude_deg,
                longitude_deg=found.longitude_deg,
                area=found.area,
                mount_wilson=found.mount_wilson,
                source=found.source,
            ),
            found.revision,
            found.seen_at,
        )
