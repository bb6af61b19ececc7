"""What became of the windows of an event, as arrays: newest revisions, by start."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from flaremon.domain import FlareEvent, OutcomeState
from flaremon.schema import OutcomeRow
from flaremon.store.columns import Times, arrays, instants
from flaremon.store.rows import within


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeTable:
    """Outcomes of the windows of an event by one flare list; all arrays have shape (N,)."""

    starts: Times
    """Starts of the windows, ascending, each once."""
    state: NDArray[np.int8]
    """1 flare, 0 no flare, -1 unknown."""
    revised: int
    """How many windows had another outcome before."""
    as_of: datetime | None
    """Newest version of the list that an outcome is from; None without outcomes."""


def outcome_table(
    session: Session,
    *,
    event: FlareEvent,
    catalog: str,
    since: datetime | None = None,
    until: datetime | None = None,
    at: datetime | None = None,
) -> OutcomeTable:
    """Read the newest outcome of each window.

    Parameters
    ----------
    since, until : datetime, optional
        ``since <= start of the window < until``.
    at : datetime, optional
        As they were decided at this instant; by default as they are decided now.
    """
    row = OutcomeRow
    wanted = [row.catalog == catalog, row.event == str(event)]
    wanted += within(row.window_start, since, until)
    if at is not None:
        wanted.append(row.decided_at <= at)
    statement: Any = (
        select(instants(session, row.window_start), _state())
        .where(*wanted)
        .order_by(row.window_start, row.revision)
    )
    found = arrays(session, statement, {"start": "datetime64[s]", "state": np.int8})
    # Revisions of one window stand together, the newest last.
    last = np.ones(len(found["start"]), dtype=bool)
    last[:-1] = found["start"][1:] != found["start"][:-1]
    starts = found["start"][last]
    return OutcomeTable(
        starts=starts,
        state=found["state"][last],
        revised=_revised(last),
        as_of=session.scalar(select(func.max(row.catalog_as_of)).where(*wanted)),
    )


def _state() -> Any:
    """Return 1, 0 or -1 as SQL."""
    row = OutcomeRow
    return case((row.state != OutcomeState.SCORED.value, -1), (row.flare.is_(True), 1), else_=0)


def _revised(last: NDArray[np.bool_]) -> int:
    """Count the windows with more than one row; `last` marks the last row of each."""
    if not len(last):
        return 0
    first = np.concatenate([[True], last[:-1]])
    return int((last & ~first).sum())
