"""Cells of a CSV file, and errors that say where in it."""

import csv
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from flaremon.errors import InputError


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell; every reader of it names file, line and column when it cannot."""

    path: Path
    line: int
    column: str
    text: str

    def instant(self, *, naive_is_utc: bool) -> np.datetime64:
        """Read a UTC instant, datetime64[s].

        Parameters
        ----------
        naive_is_utc : bool
            Whether the format says that a time without an offset is UTC. Otherwise nobody knows
            whose clock it was, and a forecast that is hours off would be judged.

        Raises
        ------
        InputError
            If it is no time, or has no offset and needs one.
        """
        try:
            instant = datetime.fromisoformat(self.text)
        except ValueError as exc:
            raise self.error("is not a time; write e.g. 2026-02-01T00:00:00Z") from exc
        if instant.tzinfo is not None:
            instant = instant.astimezone(UTC)
        elif not naive_is_utc:
            raise self.error("has no time zone; end it with Z or its offset from UTC")
        return np.datetime64(instant.replace(tzinfo=None, microsecond=0), "s")

    def number(self, low: float, high: float) -> float:
        """Read a finite number from `low` to `high`."""
        try:
            value = float(self.text)
        except ValueError as exc:
            raise self.error("is not a number") from exc
        if not (math.isfinite(value) and low <= value <= high):
            raise self.error(f"is not from {low:g} to {high:g}")
        return value

    def error(self, what: str) -> InputError:
        """Return the error that `what` is wrong with this cell."""
        return InputError(
            f"{self.path}, line {self.line}, column {self.column}: {self.text!r} {what}"
        )


Row = dict[str, Cell]


def read_rows(path: Path, columns: Iterable[str]) -> Iterator[Row]:
    """Yield the rows of a UTF-8 CSV file with a header, blank lines left out.

    Raises
    ------
    InputError
        The file cannot be read, is not text, lacks a column or a row has another length.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
            missing = [name for name in columns if name not in header]
            if missing:
                raise InputError(
                    f"{path}, line 1: no column {', '.join(missing)}; "
                    f"it has {', '.join(header) or 'nothing'}"
                )
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(header):
                    raise InputError(
                        f"{path}, line {reader.line_num}: {len(cells)} cells "
                        f"where the header has {len(header)}; is the file cut off?"
                    )
                yield {
                    name: Cell(path, reader.line_num, name, text.strip())
                    for name, text in zip(header, cells, strict=True)
                }
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {exc.strerror}") from exc
    except (UnicodeDecodeError, csv.Error) as exc:
        raise InputError(f"{path} is not CSV text in UTF-8: {exc}") from exc
