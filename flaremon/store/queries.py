"""Rejections, hashes and counts: the other questions people ask."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from flaremon.domain import RecordKey, Rejection, RejectionReason
from flaremon.schema import (
    FlareRevisionRow,
    FlareRow,
    ModelRow,
    PredictionRow,
    RecordRow,
    RejectionRow,
    XraySampleRow,
)
from flaremon.store.rows import STREAM, batched, key_of, within


def rejections(
    session: Session,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    series: str | None = None,
    limit: int | None = None,
) -> Iterator[Rejection]:
    """Read rejections of the slots in a range, newest slot first.

    Slots and not times of observation count, since a rejected record may have none.
    """
    statement = select(
        RecordRow.series,
        RecordRow.harpnum,
        RecordRow.t_rec,
        RejectionRow.recnum,
        RejectionRow.reason,
        RejectionRow.detail,
        RejectionRow.t_obs,
        RejectionRow.decided_at,
        RejectionRow.software,
        RejectionRow.run_id,
    ).join(RecordRow, RejectionRow.record_id == RecordRow.id)
    statement = statement.where(*within(RecordRow.slot_at, since, until))
    if series is not None:
        statement = statement.where(RecordRow.series == series)
    statement = statement.order_by(
        RecordRow.slot_at.desc(), RecordRow.id, RejectionRow.recnum.desc()
    ).limit(limit)
    return map(_rejection, session.execute(statement, execution_options=STREAM))


def known_hashes(
    session: Session,
    sha256s: Iterable[str] | None = None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Mapping[str, RecordKey]:
    """Return which record holds the file of a hash: of several the one with the earliest slot.

    Parameters
    ----------
    sha256s : iterable of str, optional
        Only these hashes.
    since, until : datetime, optional
        Only of slots in this range.
    """
    statement = select(
        RecordRow.sha256, RecordRow.series, RecordRow.harpnum, RecordRow.t_rec, RecordRow.slot_at
    ).where(RecordRow.sha256.is_not(None))
    statement = statement.where(*within(RecordRow.slot_at, since, until))
    if sha256s is None:
        parts = [statement]
    else:
        parts = [statement.where(RecordRow.sha256.in_(some)) for some in batched(set(sha256s))]
    found: dict[str, RecordKey] = {}
    rows = [row for part in parts for row in session.execute(part)]
    for row in sorted(rows, key=lambda row: (row.slot_at, row.series, row.harpnum)):
        found.setdefault(row.sha256, key_of(row))
    return found


def base_urls(session: Session, series: str) -> set[str]:
    """Return where the records of a series were listed from."""
    return set(
        session.scalars(select(RecordRow.base_url).where(RecordRow.series == series).distinct())
    )


def count(session: Session) -> Mapping[str, int]:
    """Return how many rows each table has, by name."""
    tables = (
        RecordRow, ModelRow, PredictionRow, RejectionRow, FlareRow, FlareRevisionRow, XraySampleRow,
    )  # fmt: skip
    return {
        row.__tablename__: session.scalar(select(func.count()).select_from(row)) or 0
        for row in tables
    }


def _rejection(row: Row[Any]) -> Rejection:
    return Rejection(
        key=key_of(row),
        reason=RejectionReason(row.reason),
        detail=row.detail,
        decided_at=row.decided_at,
        run_id=row.run_id,
        recnum=row.recnum,
        t_obs=row.t_obs,
        software=row.software,
    )
