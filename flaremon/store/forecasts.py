"""Forecasts that were not made from a record of ours, and who made them."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from flaremon.domain import FlareEvent, Forecast, ForecasterKind, Mode, ModelId, Window
from flaremon.errors import StoreError
from flaremon.schema import ForecasterRow, ForecastRow
from flaremon.store.rows import STREAM, batched, insert, model_row_id, storable, within

_event = lru_cache(maxsize=256)(FlareEvent.parse)


class Span(NamedTuple):
    """How much of a forecaster is stored."""

    forecasts: int
    first: datetime
    """Start of the earliest window."""
    last: datetime


def register_forecaster(
    session: Session,
    *,
    forecaster: ModelId,
    kind: ForecasterKind,
    description: str,
    now: datetime,
) -> None:
    """Store who is about to forecast; the same again changes nothing.

    Raises
    ------
    StoreError
        If a model of ours has that name and version, or a forecaster of another kind.
    """
    if model_row_id(session, forecaster) is not None:
        raise StoreError(f"{forecaster} is a model; forecasts of others need another name")
    known = _kind(session, forecaster)
    if known is None:
        row = {
            "name": forecaster.name,
            "version": forecaster.version,
            "kind": kind.value,
            "description": storable(description),
            "registered_at": now,
        }
        statement = insert(session, ForecasterRow)
        session.execute(statement.on_conflict_do_nothing(index_elements=["name", "version"]), [row])
        known = _kind(session, forecaster)  # somebody else may have been first
    if known != kind.value:
        raise StoreError(f"{forecaster} is registered as {known} and not as {kind}")


def forecasters(session: Session) -> list[tuple[ModelId, ForecasterKind, str]]:
    """Return everybody who is registered, with kind and description, by name."""
    row = ForecasterRow
    rows = session.execute(
        select(row.name, row.version, row.kind, row.description).order_by(row.name, row.version)
    )
    return [
        (ModelId(name, version), ForecasterKind(kind), description)
        for name, version, kind, description in rows
    ]


def forecaster_spans(session: Session) -> Mapping[ModelId, Span]:
    """Return how much is stored of everybody who has forecast anything."""
    row = ForecastRow
    rows = session.execute(
        select(
            ForecasterRow.name, ForecasterRow.version,
            func.count(), func.min(row.window_start), func.max(row.window_start),
        )
        .join(ForecasterRow, row.forecaster_id == ForecasterRow.id)
        .group_by(ForecasterRow.name, ForecasterRow.version)
    )  # fmt: skip
    return {ModelId(name, version): Span(n, first, last) for name, version, n, first, last in rows}


def add_forecasts(session: Session, forecasts: Iterable[Forecast], *, run_id: str) -> int:
    """Store forecasts; of one forecaster, event and start of the window the first stands.

    Parameters
    ----------
    forecasts : iterable of Forecast
        Read in batches, so it may be long.

    Returns
    -------
    int
        How many were not stored before.

    Raises
    ------
    StoreError
        If a forecaster was never registered, or a value breaks a promise of the tables.
    """
    ids = _ids(session)
    statement = (
        insert(session, ForecastRow)
        .on_conflict_do_nothing(index_elements=["forecaster_id", "event", "window_start"])
        .returning(ForecastRow.__table__.c.id)
    )
    new = 0
    for batch in batched(forecasts):
        rows = [{**_columns(item, ids), "run_id": run_id} for item in batch]
        # One order for everybody, so that two processes cannot wait for each other.
        rows.sort(key=lambda row: (row["forecaster_id"], row["event"], row["window_start"]))
        new += len(session.execute(statement, rows).all())
    return new


def forecasts(  # noqa: PLR0913 - one parameter per filter
    session: Session,
    *,
    event: FlareEvent | None = None,
    forecaster: ModelId | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    mode: Mode | None = None,
    newest_first: bool = False,
) -> Iterator[Forecast]:
    """Read forecasts in the order of their windows.

    The query runs at once; rows are fetched as they are asked for, within the session.

    Parameters
    ----------
    since, until : datetime, optional
        ``since <= window.start < until``.
    """
    row = ForecastRow
    statement = select(
        ForecasterRow.name, ForecasterRow.version, row.event, row.window_start, row.window_end,
        row.probability, row.threshold, row.issued_at, row.mode, row.source,
    ).join(ForecasterRow, row.forecaster_id == ForecasterRow.id)  # fmt: skip
    if event is not None:
        statement = statement.where(row.event == str(event))
    if forecaster is not None:
        # By number: the unique index then serves event and time too.
        number = _ids(session).get(forecaster)
        statement = statement.where(row.forecaster_id == (-1 if number is None else number))
    statement = statement.where(*within(row.window_start, since, until))
    if mode is not None:
        statement = statement.where(row.mode == mode.value)
    start = row.window_start.desc() if newest_first else row.window_start
    statement = statement.order_by(start, row.event, row.id)
    return map(_forecast, session.execute(statement, execution_options=STREAM))


def _kind(session: Session, forecaster: ModelId) -> str | None:
    row = ForecasterRow
    return session.scalar(
        select(row.kind).where(row.name == forecaster.name, row.version == forecaster.version)
    )


def _ids(session: Session) -> Mapping[ModelId, int]:
    row = ForecasterRow
    rows = session.execute(select(row.name, row.version, row.id))
    return {ModelId(name, version): number for name, version, number in rows}


def _columns(item: Forecast, ids: Mapping[ModelId, int]) -> dict[str, Any]:
    number = ids.get(item.forecaster)
    if number is None:
        raise StoreError(
            f"{item.event} from {item.window.start.isoformat()}: {item.forecaster} forecast it "
            "but is not registered"
        )
    return {
        "forecaster_id": number,
        "event": str(item.event),
        "window_start": item.window.start,
        "window_end": item.window.end,
        "probability": item.probability,
        "threshold": item.threshold,
        "issued_at": item.issued_at,
        "mode": item.mode.value,
        "source": storable(item.source),
    }


def _forecast(row: Row[Any]) -> Forecast:
    name, version, event, start, end, probability, threshold, issued_at, mode, source = row
    return Forecast(
        forecaster=ModelId(name, version),
        event=_event(event),
        window=Window(start=start, end=end),
        probability=probability,
        threshold=threshold,
        issued_at=issued_at,
        mode=Mode(mode),
        source=source,
    )
