"""Engines: a URL in, a connection pool with the right pragmas out."""

import errno
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import StaticPool

from flaremon.errors import (
    ConfigurationError,
    SchemaMismatchError,
    StoreError,
    StoreFullError,
)

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection

BUSY_TIMEOUT_S = 15.0
"""How long to wait for somebody else's lock: their transactions take well below a second."""
CONNECT_TIMEOUT_S = 10
"""How long PostgreSQL may take to answer at all."""

_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_NOT_WRITABLE = frozenset({errno.EACCES, errno.EDQUOT, errno.ENOSPC, errno.EPERM, errno.EROFS})


def open_engine(
    url: str, *, read_only: bool = False, busy_timeout_s: float = BUSY_TIMEOUT_S
) -> Engine:
    """Return an engine for a database URL; connections are made when they are needed.

    Parameters
    ----------
    url : str
        ``sqlite:///FILE`` or ``postgresql://user:password@host/name``.
    read_only : bool
        Nothing can be written through the engine, and a SQLite file is not created.
    busy_timeout_s : float
        How long a statement waits for another process's lock before it fails.

    Raises
    ------
    ConfigurationError
        If the URL is not one of those forms. It is not repeated, since it can hold a password.
    SchemaMismatchError
        If a SQLite file is to be read and does not exist.
    StoreFullError
        If the folder of a SQLite file cannot be made for want of space or permission.
    StoreError
        If it cannot be made for another reason, such as a file in its place.
    """
    parsed = parse_url(url)
    if parsed.drivername == "sqlite+pysqlite":
        return _open_sqlite(parsed, read_only=read_only, busy_timeout_s=busy_timeout_s)
    return _open_postgresql(parsed, read_only=read_only, busy_timeout_s=busy_timeout_s)


def memory_engine() -> Engine:
    """Return an engine for a database in memory, which is gone with the engine.

    It has one connection, so it is of one thread; to keep answers, `open_engine` refuses it.
    """
    return create_engine("sqlite+pysqlite://", poolclass=StaticPool)


def parse_url(url: str) -> URL:
    """Read a database URL and settle its driver.

    Raises
    ------
    ConfigurationError
        If it is none, or of a database that we do not know; without the URL's text.
    """
    wanted = "write sqlite:///FILE or postgresql://user:password@host/name in FLAREMON_DATABASE_URL"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Not chained: the cause quotes the URL, password included.
        raise ConfigurationError(f"the database URL cannot be read; {wanted}") from None
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise ConfigurationError(f"{parsed.drivername} is not a database we know; {wanted}")
    if driver == "sqlite+pysqlite" and parsed.database in {None, "", ":memory:"}:
        raise ConfigurationError(f"a database in memory forgets every answer; {wanted}")
    return parsed.set(drivername=driver)


def safe_url(url: str | URL) -> str:
    """Return a database URL for messages: no password, and no options, which can hold one.

    Raises
    ------
    ConfigurationError
        If it is not a URL of a database that we know.
    """
    parsed = parse_url(url) if isinstance(url, str) else url
    shown = parsed.set(drivername=parsed.get_backend_name(), query={})
    if shown.database is not None and shown.database.startswith("file:"):
        shown = shown.set(database=unquote(shown.database.removeprefix("file:")))
    return shown.render_as_string(hide_password=True)


def sqlite_file(url: str) -> Path | None:
    """Return the file of a SQLite URL; None for another database or a ``file:`` URI.

    Raises
    ------
    ConfigurationError
        If it is not a URL of a database that we know.
    """
    return _file(parse_url(url))


def _file(parsed: URL) -> Path | None:
    if parsed.drivername != "sqlite+pysqlite" or parsed.database is None:
        return None
    if parsed.database.startswith("file:"):
        return None
    return Path(parsed.database).expanduser()


def _open_sqlite(parsed: URL, *, read_only: bool, busy_timeout_s: float) -> Engine:
    path = _file(parsed)
    if path is not None and read_only:
        if not path.exists():
            raise SchemaMismatchError(
                f"there is no database at {path}; `flaremon now`, `flaremon backfill` or "
                "`flaremon db upgrade` makes it"
            )
        uri = f"file:{quote(str(path.absolute()))}"
        parsed = parsed.set(database=uri, query={**parsed.query, "mode": "ro", "uri": "true"})
    elif path is not None:
        _make_folder(path)
        parsed = parsed.set(database=str(path))
    engine = create_engine(
        parsed,
        hide_parameters=True,
        connect_args={
            "timeout": busy_timeout_s,
            # Reading takes no transaction. Writing takes the write lock at its first statement
            # and waits for it; a transaction that began by reading would fail at once instead
            # when somebody else had written meanwhile (SQLITE_BUSY_SNAPSHOT).
            "isolation_level": "IMMEDIATE",
        },
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: "DBAPIConnection", _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        # An answer that was given survives a power cut; 0.3 ms per transaction.
        cursor.execute("PRAGMA synchronous = FULL")
        if read_only:
            cursor.execute("PRAGMA query_only = ON")
        else:
            _write_ahead(cursor, busy_timeout_s)
        cursor.close()

    return engine


def _write_ahead(cursor: Any, busy_timeout_s: float) -> None:
    """Let readers read while one writes; the file remembers it.

    SQLite does not wait for locks while it changes this mode, so we do: several processes can
    be the first to open a new file.
    """
    deadline = time.monotonic() + busy_timeout_s
    while cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        kind = StoreFullError if exc.errno in _NOT_WRITABLE else StoreError
        raise kind(
            f"{path}: the folder of the database cannot be made ({exc.strerror}); "
            "set FLAREMON_DATABASE_URL to a place that can be written"
        ) from exc


def _open_postgresql(parsed: URL, *, read_only: bool, busy_timeout_s: float) -> Engine:
    timeout = {} if "connect_timeout" in parsed.query else {"connect_timeout": CONNECT_TIMEOUT_S}
    engine = create_engine(
        parsed,
        hide_parameters=True,
        pool_pre_ping=True,  # the server may have been restarted since
        connect_args=timeout,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: "DBAPIConnection", _record: Any) -> None:
        # Set here and not as start-up options, which connection poolers refuse.
        cursor = connection.cursor()
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, false),"
            " set_config('default_transaction_read_only', %s, false),"
            # The driver reads times of UTC twice as fast as those of any other zone.
            " set_config('timezone', 'UTC', false)",
            (f"{busy_timeout_s * 1000:.0f}ms", "on" if read_only else "off"),
        )
        cursor.close()
        connection.commit()

    return engine
