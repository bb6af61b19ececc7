"""What became of windows, with all revisions."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session, aliased

from flaremon.domain import EventOutcome, FlareClass, FlareEvent, OutcomeState, Window
from flaremon.schema import OutcomeRow
from flaremon.store.rows import batched, insert, storable, within

_event = lru_cache(maxsize=256)(FlareEvent.parse)
_class = lru_cache(maxsize=1024)(FlareClass.parse)

LONGEST_LOCATION = 16
"""Characters of a position; one that is longer is none."""


def add_event_outcomes(session: Session, outcomes: Iterable[EventOutcome], *, run_id: str) -> int:
    """Store outcomes; one whose facts are those of the newest stored revision changes nothing.

    Revisions are numbered here: the number that an outcome carries is not looked at.

    Returns
    -------
    int
        How many revisions are new, first verdicts included.

    Raises
    ------
    StoreError
        If a value breaks a promise of the tables, such as a scored outcome without verdict.
    """
    # No lock: two that decide at once number a revision alike, the first one stands, and the
    # next time is compared with it.
    statement = (
        insert(session, OutcomeRow)
        .on_conflict_do_nothing(index_elements=["catalog", "event", "window_start", "revision"])
        .returning(OutcomeRow.__table__.c.id)
    )
    new = 0
    for batch in batched(outcomes):
        rows = []
        for (catalog, event), items in groupby(batch, lambda item: (item.catalog, item.event)):
            windows = {item.window.start: item for item in items}
            known = _newest_facts(session, catalog, event, windows)
            for start, item in windows.items():
                revision, facts = known.get(start, (0, None))
                if facts != item.facts:
                    rows.append({**_columns(item, revision + 1), "run_id": run_id})
        if rows:
            # One statement for the batch: without it rows are parted by which columns are empty.
            made = session.execute(statement, rows, execution_options={"render_nulls": True})
            new += len(made.all())
    return new


def event_outcomes(  # noqa: PLR0913 - one parameter per filter
    session: Session,
    *,
    event: FlareEvent | None,
    catalog: str,
    since: datetime | None = None,
    until: datetime | None = None,
    at: datetime | None = None,
    history: bool = False,
) -> list[EventOutcome]:
    """Return what became of windows, by their start.

    Parameters
    ----------
    event : FlareEvent or None
        None for all events.
    since, until : datetime, optional
        ``since <= window.start < until``.
    at : datetime, optional
        As it was known at this instant; by default as it is known now.
    history
        All revisions, and not only the newest of each window.
    """
    row = OutcomeRow
    statement = select(
        row.event, row.window_start, row.window_end, row.state, row.flare, row.flares,
        row.largest, row.location, row.why, row.catalog_as_of, row.decided_at, row.revision,
    ).where(row.catalog == catalog)  # fmt: skip
    if not history:
        statement = newest(statement, at)
    if event is not None:
        statement = statement.where(row.event == str(event))
    statement = statement.where(*within(row.window_start, since, until))
    if at is not None:
        statement = statement.where(row.decided_at <= at)
    statement = statement.order_by(row.window_start, row.event, row.revision)
    return [_outcome(found, catalog) for found in session.execute(statement)]


def newest(statement: Select[Any], at: datetime | None) -> Select[Any]:
    """Narrow a query of outcomes to the newest revision of each window."""
    row, later = OutcomeRow, aliased(OutcomeRow)
    newer = select(later.id).where(
        later.catalog == row.catalog,
        later.event == row.event,
        later.window_start == row.window_start,
        later.revision > row.revision,
    )
    if at is not None:
        newer = newer.where(later.decided_at <= at)
    return statement.where(~newer.exists())


def _newest_facts(
    session: Session, catalog: str, event: FlareEvent, starts: Iterable[datetime]
) -> Mapping[datetime, tuple[int, tuple[object, ...]]]:
    row = OutcomeRow
    rows = session.execute(
        select(
            row.window_start, row.revision, row.state, row.flare, row.flares, row.largest,
            row.location,
        )
        .where(
            row.catalog == catalog, row.event == str(event), row.window_start.in_(list(starts))
        )
        .order_by(row.revision)
    )  # fmt: skip
    return {
        start: (revision, (state, flare, flares, largest, location or ""))
        for start, revision, state, flare, flares, largest, location in rows
    }


def _columns(item: EventOutcome, revision: int) -> dict[str, Any]:
    return {
        "catalog": item.catalog,
        "event": str(item.event),
        "window_start": item.window.start,
        "window_end": item.window.end,
        "revision": revision,
        "state": item.state.value,
        "flare": item.flare,
        "flares": item.flares,
        "largest": None if item.largest is None else str(item.largest),
        "location": storable(item.location) or None,
        "why": storable(item.why) or None,
        "catalog_as_of": item.catalog_as_of,
        "decided_at": item.decided_at,
    }


def _outcome(row: Row[Any], catalog: str) -> EventOutcome:
    event, start, end, state, flare, flares, largest, location, why, as_of, decided, number = row
    return EventOutcome(
        event=_event(event),
        window=Window(start=start, end=end),
        state=OutcomeState(state),
        flare=flare,
        flares=flares,
        largest=None if largest is None else _class(largest),
        location=location or "",
        why=why or "",
        catalog=catalog,
        catalog_as_of=as_of,
        decided_at=decided,
        revision=number,
    )
