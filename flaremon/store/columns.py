"""Columns of many rows as NumPy arrays: a million rows in seconds, without an object for each."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, ColumnElement, Select, String, cast, extract, func, type_coerce
from sqlalchemy.orm import Session

Times = NDArray[np.datetime64]
"""UTC instants, datetime64[s]."""

_ROWS = 50_000
"""Rows held as tuples at once."""


def instants(session: Session, column: Any) -> ColumnElement[Any]:
    """Return the instants of a column in the form that `arrays` reads fastest.

    The text that SQLite keeps, or seconds since 1970; parts of a second are cut.
    """
    if session.get_bind().dialect.name == "sqlite":
        return type_coerce(column, String)
    return cast(func.floor(extract("epoch", column)), BigInteger)


def arrays(
    session: Session, statement: Select[Any], dtypes: Mapping[str, Any]
) -> dict[str, NDArray[Any]]:
    """Run a query and return its columns as arrays, each of shape (rows,).

    Parameters
    ----------
    dtypes : mapping
        Name and NumPy type of every column in its order. A float column has NaN for NULL, one of
        datetime64[s] is read from `instants`.
    """
    parts: dict[str, list[NDArray[Any]]] = {name: [] for name in dtypes}
    # By the connection: the session would wrap every row once more.
    result = session.connection().execute(statement, execution_options={"yield_per": _ROWS})
    for rows in result.partitions():
        for (name, dtype), values in zip(dtypes.items(), zip(*rows, strict=True), strict=True):
            parts[name].append(_array(values, dtype))
    return {
        name: np.concatenate(chunks) if chunks else np.array([], dtype=dtypes[name])
        for name, chunks in parts.items()
    }


def _array(values: Sequence[Any], dtype: Any) -> NDArray[Any]:
    if np.issubdtype(dtype, np.datetime64) and isinstance(values[0], str):
        return np.array(values, dtype="datetime64[us]").astype(dtype)
    if np.issubdtype(dtype, np.datetime64):
        return np.array(values, dtype=np.int64).astype(dtype)
    return np.array(values, dtype=dtype)
