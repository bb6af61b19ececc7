"""Rows of CSV files that know where they are, so that an error names line and column."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from flaremon.errors import InputError

_T = TypeVar("_T")

MAX_BYTES = 200_000_000
"""Sixteen years of flares are 4 MB."""


class Row:
    """One row, which knows where it is."""

    def __init__(self, where: str, header: list[str], cells: list[str]) -> None:
        if len(cells) != len(header):
            raise InputError(f"{where}: has {len(cells)} cells and the header {len(header)}")
        self._where = where
        self._cells = dict(zip(header, cells, strict=True))

    def parse(self, column: str | None, parse: Callable[[str], _T | None]) -> _T | None:
        """Return a cell through `parse`; None where there is no such column, or it is empty."""
        text = self._cells[column].strip() if column is not None else ""
        if not text:
            return None
        try:
            return parse(text)
        except InputError as exc:
            raise self.wrong(column, str(exc)) from exc

    def need(self, column: str, parse: Callable[[str], _T | None]) -> _T:
        """Return a cell through `parse`; one that is empty is an error."""
        value = self.parse(column, parse)
        if value is None:
            raise self.wrong(column, "is empty")
        return value

    def wrong(self, column: str | None, what: str) -> InputError:
        """Return an error that says where it is."""
        return InputError(
            f"{self._where}, column {column}: {what}; nothing was taken from the file"
        )


def read_text(path: Path) -> str:
    """Read a text file.

    Raises
    ------
    InputError
        It cannot be read, is too large, or is not in UTF-8.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path} is larger than {MAX_BYTES} bytes; is it a flare list?")
        return path.read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise InputError(f"{path} is not a text file in UTF-8: {exc}") from exc
