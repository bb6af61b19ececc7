"""Sessions, and the schema version that a database must be at."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, func, inspect, select, text
from sqlalchemy.orm import Session

from flaremon import migrations
from flaremon.database.engines import BUSY_TIMEOUT_S, memory_engine, open_engine, safe_url
from flaremon.database.failures import translated
from flaremon.errors import SchemaMismatchError

_UPGRADE_LOCK = 0x666C6172656D6F6E
"""Number of PostgreSQL's advisory lock for upgrades: "flaremon" in ASCII."""


@contextmanager
def session_scope(engine: Engine) -> Iterator[Session]:
    """Give a session that is committed at the end, or rolled back if anything was raised.

    Raises
    ------
    StoreUnavailableError
        If the database cannot be reached or is locked; the same call can succeed later.
    StoreFullError
        If it cannot take a row: no space, or read-only.
    SchemaMismatchError
        If tables or columns are missing.
    StoreError
        If it failed in another way, or refuses a row.
    """
    with translated(engine.url), Session(engine) as session, session.begin():
        yield session


def upgrade(url: str, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> str:
    """Bring a database to the newest schema and return its revision.

    Can be repeated, killed, and done by several processes at once: the whole upgrade is one
    transaction behind a lock. A SQLite file and its folder are made when they do not exist.

    Raises
    ------
    ConfigurationError
        If the URL cannot be read.
    SchemaMismatchError
        If the database was upgraded by a newer flaremon.
    StoreError
        If the database cannot be reached or written; see `session_scope`.
    """
    head = migrations.revisions()[-1]
    engine = open_engine(url, busy_timeout_s=busy_timeout_s)
    try:
        with translated(engine.url), engine.connect() as connection:
            _lock(connection)
            current = _current(connection)
            if current is not None:
                _refuse_unknown(current, engine)
            if current != head:
                migrations.run(connection)
            connection.commit()
    finally:
        engine.dispose()
    return head


def empty() -> Engine:
    """Return a database in memory at the newest schema and without a row.

    To answer from where there is none yet, by the same questions, and to leave nothing behind.
    """
    engine = memory_engine()
    with translated(engine.url), engine.begin() as connection:
        migrations.run(connection)
    return engine


def check_schema(engine: Engine) -> None:
    """See that a database is at the schema of this code.

    Raises
    ------
    SchemaMismatchError
        If it is empty, older or newer; the message names the command that helps.
    StoreError
        If the database cannot be reached; see `session_scope`.
    """
    with translated(engine.url), engine.connect() as connection:
        current = _current(connection)
    where, head = safe_url(engine.url), migrations.revisions()[-1]
    if current is None:
        raise SchemaMismatchError(f"{where} is empty; run `flaremon db upgrade`")
    _refuse_unknown(current, engine)
    if current != head:
        raise SchemaMismatchError(
            f"{where} is at the older schema {current} and this flaremon needs {head}; "
            "make a copy of it and run `flaremon db upgrade`"
        )


def _refuse_unknown(current: str, engine: Engine) -> None:
    known = migrations.revisions()
    if current not in known:
        raise SchemaMismatchError(
            f"{safe_url(engine.url)} is at schema {current} and this flaremon knows "
            f"{known[0]} to {known[-1]}; if a newer flaremon wrote it, install that one "
            "(`flaremon db upgrade` cannot go back), otherwise give flaremon a database of its own"
        )


def _current(connection: Connection) -> str | None:
    """Return the revision of a database, None where no table of ours was ever made."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _lock(connection: Connection) -> None:
    """Begin a transaction that keeps other upgrades out until it ends."""
    if connection.dialect.name == "sqlite":
        # The driver would begin it at the first INSERT only, after the tables were made.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(select(func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
