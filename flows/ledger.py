"""The note that a run of the monitor leaves: its policy, and whether a later one is needless.

A worker or server that was away comes back to a pile of late runs. Each would find what the
first one has done already, and would ask the JSOC to find that out. So a run that was due
before another one listed the source, and left nothing, ends at once.
"""

from datetime import datetime

from prefect import task

from flaremon import store
from flaremon.config import read_settings
from flaremon.database import session_scope
from flaremon.wiring import opened
from flows.tasks import RETRIED


@task(name="begin", **RETRIED)
def begin(note: store.RunNote, due: datetime) -> store.RunNote | None:
    """Store that a run begins, unless another one did its work after it was due: return that.

    Raises
    ------
    StoreError
        The database fails.
    """
    with opened(read_settings()) as engine, session_scope(engine) as session:
        other = store.did_it_already(session, note, due=due)
        if other is None:
            store.begin_run(session, note)
        return other


@task(name="end", **RETRIED)
def end(run_id: str, at: datetime, left_over: int, error: str | None) -> None:
    """Store how a run ended.

    Raises
    ------
    StoreError
        The database fails.
    """
    with opened(read_settings()) as engine, session_scope(engine) as session:
        store.end_run(session, run_id, at=at, left_over=left_over, error=error)
