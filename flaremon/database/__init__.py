"""Engines, their pragmas, and the schema version they must be at.

::

    upgrade(url)                            # once, and after every new version of flaremon
    engine = open_engine(url)
    check_schema(engine)
    with session_scope(engine) as session:  # commits, or rolls back and says why
        store.add_records(session, ...)

SQLite by default, PostgreSQL by URL; the same code and the same tests serve both. What the two
say when they fail is translated in one place, `failures`: callers see `flaremon.errors` only.
"""

from flaremon.database.engines import open_engine, safe_url, sqlite_file
from flaremon.database.sessions import check_schema, empty, session_scope, upgrade

__all__ = [
    "check_schema",
    "empty",
    "open_engine",
    "safe_url",
    "session_scope",
    "sqlite_file",
    "upgrade",
]
