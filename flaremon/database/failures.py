"""What a database says when it fails, in our words: the one border to its errors.

SQLite tells by result code (https://sqlite.org/rescode.html), PostgreSQL by SQLSTATE
(https://www.postgresql.org/docs/current/errcodes-appendix.html).
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from flaremon.database.engines import safe_url
from flaremon.errors import (
    SchemaMismatchError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)

_Kind = tuple[type[StoreError], str]

_LOCKED: _Kind = (StoreUnavailableError, "is locked by another process; try again")
_UNREACHABLE: _Kind = (StoreUnavailableError, "cannot be reached; see that it runs and try again")
_CLOSED: _Kind = (StoreUnavailableError, "cannot be opened; see that file and folder are there")
_FULL: _Kind = (StoreFullError, "is full; free some space")
_READ_ONLY: _Kind = (StoreFullError, "is read-only; make file and folder writable")
_TABLES: _Kind = (SchemaMismatchError, "lacks tables or columns; run `flaremon db upgrade`")
_FOREIGN: _Kind = (StoreError, "is damaged or not an SQLite file; restore it or name another one")
_LOGIN: _Kind = (StoreError, "refuses the login; check user, password and name of the database")
_REFUSED: _Kind = (StoreError, "refuses the row, since it would break a promise of the tables")
_OTHER: _Kind = (StoreError, "failed")

_SQLITE: dict[int, _Kind] = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_CANTOPEN: _CLOSED,
    sqlite3.SQLITE_FULL: _FULL,
    # The index of the write-ahead log could not grow, which SQLite calls an I/O error.
    sqlite3.SQLITE_IOERR_SHMSIZE: _FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_CORRUPT: _FOREIGN,
    sqlite3.SQLITE_NOTADB: _FOREIGN,
}
_POSTGRESQL: dict[str, _Kind] = {  # by SQLSTATE, or by its class of two characters
    "08": _UNREACHABLE,
    "57P": _UNREACHABLE,  # shutting down, crashed, starting up
    "53300": _UNREACHABLE,  # too many connections
    "55P03": _LOCKED,  # lock_timeout
    "57014": _LOCKED,  # statement_timeout
    "40": _LOCKED,  # serialisation failure, deadlock
    "53100": _FULL,
    "25006": _READ_ONLY,
    "42501": (StoreError, "does not let this user do that; grant it or use another user"),
    "42P01": _TABLES,
    "42703": _TABLES,
    "28": _LOGIN,
    "3D000": _LOGIN,
}
# While connecting, libpq gives no SQLSTATE but the server's sentence; in another language than
# English it counts as unreachable.
_LOGIN_REFUSED = re.compile(
    r"password authentication failed|no password supplied|no pg_hba\.conf entry"
    r"|(?:role|database) \"[^\"]*\" does not exist"
)
_NO_SUCH_TABLE = re.compile(r"no such (?:table|column)|has no column named")


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Turn the database's errors into ours.

    Raises
    ------
    StoreUnavailableError
        If it cannot be reached or is locked; the same call can succeed later.
    StoreFullError
        If it cannot take a row.
    SchemaMismatchError
        If tables or columns are missing.
    StoreError
        If it failed in another way, or refuses a row.
    """
    try:
        yield
    except (DBAPIError, PoolTimeoutError) as exc:
        raise translate(exc, url) from exc


def translate(exc: SQLAlchemyError, url: URL) -> StoreError:
    """Return our error for one of the database's, naming the database without its password."""
    if not isinstance(exc, DBAPIError):
        return StoreUnavailableError(f"{safe_url(url)} has no connection left; try again")
    cause = exc.orig
    kind, sentence = _kind(exc)
    said = next(iter(str(cause).strip().splitlines()), type(cause).__name__)
    return kind(f"{safe_url(url)} {sentence} ({said})")


def _kind(exc: DBAPIError) -> _Kind:
    cause = exc.orig
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        if _NO_SUCH_TABLE.search(str(cause)):
            return _TABLES
        found = _SQLITE.get(code) or _SQLITE.get(code & 0xFF)
    elif state := getattr(cause, "sqlstate", None):
        found = _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:3]) or _POSTGRESQL.get(state[:2])
    elif _LOGIN_REFUSED.search(str(cause)):
        found = _LOGIN
    elif exc.connection_invalidated or type(cause).__name__ == "OperationalError":
        found = _UNREACHABLE
    else:
        found = None
    return found or (_REFUSED if isinstance(exc, IntegrityError) else _OTHER)
