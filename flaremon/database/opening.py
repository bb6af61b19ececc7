"""The database of the settings: for work, for questions only, or an empty one where none is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from flaremon.database.engines import open_engine, sqlite_file
from flaremon.database.sessions import check_schema, empty, upgrade

if TYPE_CHECKING:
    from flaremon.config import Settings


def ready_engine(settings: "Settings") -> Engine:
    """Open the database; the caller disposes of the engine.

    A SQLite file that does not exist yet is made, since there is nothing in it to lose; a
    schema that exists is never changed on the way.

    Raises
    ------
    SchemaMismatchError
        The database is at another version; the message has the command to run.
    StoreError
        It cannot be opened.
    """
    url = settings.database_url.get_secret_value()
    file = sqlite_file(url)
    if file is not None and not file.exists():
        upgrade(url)
    engine = open_engine(url)
    return _checked(engine)


def reading_engine(settings: "Settings") -> Engine:
    """Open the database for questions only: nothing of flaremon's can be written through it.

    On PostgreSQL a role that may only read is enough. SQLite itself must be able to make its
    ``-shm`` file in the folder, unless a writer holds the database open at that moment.

    Raises
    ------
    SchemaMismatchError
        As `ready_engine`, and where there is no SQLite file: a question makes none, since its
        name can be mistyped.
    StoreError
        It cannot be opened.
    """
    url = settings.database_url.get_secret_value()
    if sqlite_file(url) is None:
        return ready_engine(settings)
    engine = open_engine(url, read_only=True)
    return _checked(engine)


@contextmanager
def opened(settings: "Settings", *, reading: bool = False) -> Iterator[Engine]:
    """Open the database, for questions only or not, and close it again.

    Raises
    ------
    StoreError
        As `ready_engine`.
    """
    engine = reading_engine(settings) if reading else ready_engine(settings)
    try:
        yield engine
    finally:
        engine.dispose()


def missing_database(settings: "Settings") -> Path | None:
    """Return the SQLite file of the settings if it is not there; None otherwise."""
    file = sqlite_file(settings.database_url.get_secret_value())
    return file if file is not None and not file.exists() else None


@contextmanager
def opened_or_empty(settings: "Settings") -> Iterator[Engine]:
    """Open the database for questions, or where there is none yet, an empty one in memory.

    So a question before the first run is answered with "unknown" and not with an error.

    Raises
    ------
    StoreError
        As `reading_engine`, but for a file that is not there.
    """
    engine = empty() if missing_database(settings) is not None else reading_engine(settings)
    try:
        yield engine
    finally:
        engine.dispose()


def _checked(engine: Engine) -> Engine:
    try:
        check_schema(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine
