"""Windows that were forecast and wait for their outcome."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Select, func, or_, select, union
from sqlalchemy.orm import Session

from flaremon.domain import FlareEvent, ModelId, OutcomeState, Window
from flaremon.schema import (
    CatalogPeriodRow,
    ForecasterRow,
    ForecastRow,
    OutcomeRow,
    PredictionRow,
)
from flaremon.store.event_outcomes import newest
from flaremon.store.rows import row_number

_event = lru_cache(maxsize=256)(FlareEvent.parse)


class WindowToDecide(NamedTuple):
    """A window that somebody forecast."""

    event: FlareEvent
    window: Window
    tried: bool
    """Whether it has an outcome already, which may be that nobody knows."""


class Pending(NamedTuple):
    """Windows of an event that have no outcome yet."""

    windows: int
    first_end: datetime
    last_end: datetime


def windows_to_decide(
    session: Session, *, catalog: str, until: datetime, limit: int | None = None
) -> list[WindowToDecide]:
    """Return windows that were forecast, by anybody, and whose newest outcome is not scored.

    Windows of predictions and of forecasts, each once however many spoke about it. Those that
    are unknown are tried again where the list answers for anything at all: of history that it
    never reached back to there may be millions.

    Parameters
    ----------
    until : datetime
        Windows that end at or before this instant.
    limit : int, optional
        At most so many without an outcome, the oldest.

    Returns
    -------
    list of WindowToDecide
        By event and start.
    """
    spoken: Any = union(
        *(
            _undecided(row, catalog).where(row.window_end <= until)
            for row in (PredictionRow, ForecastRow)
        )
    )
    if limit is not None:
        some = spoken.subquery()
        spoken = select(some).order_by(some.c.window_start, some.c.event).limit(limit)
    found = _to_decide(session, spoken, tried=False)
    span = answered_span(session, catalog=catalog)
    if span is not None:
        row = OutcomeRow
        unknown = newest(_windows_of_outcomes(catalog), None).where(
            row.state == OutcomeState.UNKNOWN.value,
            row.window_end <= until,
            row.window_end >= span[0],
        )
        found += _to_decide(session, unknown, tried=True)
    return found


def windows_without(
    session: Session, forecasters: Iterable[ModelId], *, since: datetime, until: datetime
) -> Mapping[FlareEvent, list[datetime]]:
    """Return starts of predicted windows about which some of the forecasters say nothing.

    Parameters
    ----------
    since, until : datetime
        Predicted from observations in ``since <= t < until``.

    Returns
    -------
    mapping of FlareEvent to list of datetime
        Oldest first.
    """
    row = PredictionRow
    lacks = [
        ~select(ForecastRow.id)
        .where(
            ForecastRow.forecaster_id == row_number(ForecasterRow, forecaster),
            ForecastRow.event == row.event,
            ForecastRow.window_start == row.window_start,
        )
        .exists()
        for forecaster in forecasters
    ]
    found: dict[FlareEvent, list[datetime]] = {}
    for event, start in session.execute(
        select(row.event, row.window_start)
        .where(row.t_obs >= since, row.t_obs < until, or_(*lacks))
        .distinct()
        .order_by(row.event, row.window_start)
    ):
        found.setdefault(_event(event), []).append(start)
    return found


def answered_span(session: Session, *, catalog: str) -> tuple[datetime, datetime] | None:
    """Return from when to when a list answers for anything; None if it never does."""
    row = CatalogPeriodRow
    first, last = session.execute(
        select(func.min(row.start_at), func.max(row.end_at)).where(
            row.catalog == catalog, row.gap.is_(False)
        )
    ).one()
    return None if first is None else (first, last)


def scored_windows(
    session: Session, *, catalog: str, since: datetime, until: datetime
) -> list[WindowToDecide]:
    """Return windows with ``since <= start < until`` whose newest outcome is scored."""
    row = OutcomeRow
    statement = newest(_windows_of_outcomes(catalog), None).where(
        row.state == OutcomeState.SCORED.value, row.window_start >= since, row.window_start < until
    )
    return _to_decide(session, statement, tried=True)


def pending_windows(
    session: Session, *, catalog: str, over_at: datetime | None = None
) -> Mapping[FlareEvent, Pending]:
    """Return how many windows have no outcome by a list, and when they end, by event.

    Parameters
    ----------
    over_at : datetime, optional
        Only those that end at or before this instant.
    """
    spoken = [_undecided(row, catalog) for row in (PredictionRow, ForecastRow)]
    if over_at is not None:
        spoken = [part.where(part.selected_columns.window_end <= over_at) for part in spoken]
    waiting = union(*spoken).subquery()
    rows = session.execute(
        select(
            waiting.c.event,
            func.count(),
            func.min(waiting.c.window_end),
            func.max(waiting.c.window_end),
        )
        .group_by(waiting.c.event)
        .order_by(waiting.c.event)
    )
    return {_event(event): Pending(n, first, last) for event, n, first, last in rows}


def _undecided(row: type[PredictionRow] | type[ForecastRow], catalog: str) -> Select[Any]:
    """Return a query of windows without any outcome."""
    decided = select(OutcomeRow.id).where(
        OutcomeRow.catalog == catalog,
        OutcomeRow.event == row.event,
        OutcomeRow.window_start == row.window_start,
    )
    return select(row.event, row.window_start, row.window_end).where(~decided.exists())


def _windows_of_outcomes(catalog: str) -> Select[Any]:
    row = OutcomeRow
    return select(row.event, row.window_start, row.window_end).where(row.catalog == catalog)


def _to_decide(session: Session, statement: Any, *, tried: bool) -> list[WindowToDecide]:
    found = [
        WindowToDecide(_event(event), Window(start=start, end=end), tried)
        for event, start, end in session.execute(statement)
    ]
    found.sort(key=lambda item: (str(item.event), item.window.start))
    return found
