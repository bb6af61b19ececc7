"""A run leaves a note in the database: what it was told to do, and how it ended."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flaremon import store
from flaremon.database import session_scope
from flaremon.errors import FlaremonError
from flaremon.times import utc_now

if TYPE_CHECKING:
    from sqlalchemy import Engine

log = logging.getLogger(__name__)


@dataclass
class Ending:
    """What a run says about its end."""

    left_over: int = 0
    """Slots that it did not come to."""


@contextmanager
def noted(engine: "Engine", note: store.RunNote) -> Iterator[Ending]:
    """Note that a run begins, and when it is over how it ended.

    A run that is killed leaves the note of its beginning, so the policy under which its rows were
    written is known all the same.

    Raises
    ------
    StoreError
        The note cannot be written.
    """
    with session_scope(engine) as session:
        store.begin_run(session, note)
    ending = Ending()
    try:
        yield ending
    except FlaremonError as exc:
        try:
            _end(engine, note, ending, str(exc))
        except FlaremonError:
            log.warning("how run %s ended is not stored", note.run_id)
        raise
    _end(engine, note, ending, None)


def _end(engine: "Engine", note: store.RunNote, ending: Ending, error: str | None) -> None:
    with session_scope(engine) as session:
        store.end_run(session, note.run_id, at=utc_now(), left_over=ending.left_over, error=error)
