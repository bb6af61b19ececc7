"""From keys to rows, and how to insert what may be there already, on both databases."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, ScalarSelect, delete, false, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session

from flaremon.domain import ModelId, RecordKey
from flaremon.schema import FlareRow, ForecasterRow, ModelRow, RecordRow

T = TypeVar("T")

BATCH = 500
"""Keys per query and rows per insert: above this nothing gets faster, and SQLite allows 32766
parameters in a statement."""

_TRUTH_LOCK = 0x666C61726573
"""Number of PostgreSQL's advisory lock for writing flare lists: "flares" in ASCII."""

STREAM = {"yield_per": 1000}
"""Rows fetched from the server at once, so that memory stays flat over millions."""


@dataclass(frozen=True, slots=True)
class KnownRecord:
    """What a record's row says about the record, as far as writing needs it."""

    id: int
    recnum: int
    quality: int
    sha256: str | None


def key_of(row: Row[Any]) -> RecordKey:
    """Return the record key of a row that has its three columns."""
    return RecordKey(series=row.series, harpnum=row.harpnum, t_rec=row.t_rec)


def batched(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """Cut anything into lists of at most `size`, without holding more than one of them."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def slots_of(keys: Iterable[RecordKey]) -> Iterator[tuple[str, int, list[str]]]:
    """Group keys into ``(series, harpnum, at most BATCH labels)``, which one index serves."""
    ordered = sorted(set(keys), key=lambda key: (key.series, key.harpnum, key.t_rec))
    for (series, harpnum), group in groupby(ordered, key=lambda key: (key.series, key.harpnum)):
        for batch in batched(group):
            yield series, harpnum, [key.t_rec for key in batch]


def known_records(session: Session, keys: Iterable[RecordKey]) -> Mapping[RecordKey, KnownRecord]:
    """Return the records among `keys` that have a row."""
    known = {}
    for series, harpnum, labels in slots_of(keys):
        rows = session.execute(
            select(
                RecordRow.t_rec, RecordRow.id, RecordRow.recnum, RecordRow.quality, RecordRow.sha256
            ).where(
                RecordRow.series == series,
                RecordRow.harpnum == harpnum,
                RecordRow.t_rec.in_(labels),
            )
        )
        for t_rec, *facts in rows:
            known[RecordKey(series=series, harpnum=harpnum, t_rec=t_rec)] = KnownRecord(*facts)
    return known


def model_row_id(session: Session, model: ModelId) -> int | None:
    """Return the row number of a registered model."""
    return session.scalar(select(row_number(ModelRow, model)))


def row_number(row: type[ModelRow] | type[ForecasterRow], of: ModelId) -> ScalarSelect[int]:
    """Return the row number of a model or forecaster as a part of another query; NULL for none."""
    return select(row.id).where(row.name == of.name, row.version == of.version).scalar_subquery()


def within(
    column: InstrumentedAttribute[datetime], since: datetime | None, until: datetime | None
) -> list[ColumnElement[bool]]:
    """Return the conditions of a half-open range, ``since <= t < until``; None is no bound."""
    conditions = []
    if since is not None:
        conditions.append(column >= since)
    if until is not None:
        conditions.append(column < until)
    return conditions


def insert(session: Session, row: type[DeclarativeBase]) -> "sqlite.Insert | postgresql.Insert":
    """Return an INSERT that knows ON CONFLICT, in the dialect of the session's database."""
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(row)
    return postgresql.insert(row)


def be_the_only_writer_of_truth(session: Session) -> None:
    """Keep others from writing flare lists until the transaction ends.

    What is known is read before it is written, and SQLite's driver begins a transaction only
    with the first statement that writes: this one, which changes nothing.
    """
    if session.get_bind().dialect.name == "sqlite":
        session.execute(delete(FlareRow).where(false()))
    else:
        session.execute(select(func.pg_advisory_xact_lock(_TRUTH_LOCK)))


def storable(text: str) -> str:
    """Return text that every database takes: no NUL, no half characters.

    Details of rejections and keywords quote files and replies that may be damaged.
    """
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
