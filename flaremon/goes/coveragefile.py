"""What a flare list in a file answers for, as ``coverage.csv`` beside it says."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flaremon.domain import LEAST_FLUX_W_M2, CatalogPeriod, FlareClass
from flaremon.errors import InputError
from flaremon.goes.csvrows import Row, read_text
from flaremon.goes.values import flare_class

COLUMNS = ("period_start", "period_end", "complete_for", "note")
_DAY = timedelta(days=1)
_WITH_ENDS = re.compile(r"[ABCMX][\d.]*\+")
"""A class with an addition, as in ``C1+ (LMSAL)``, says that end times are not listed."""
_ENDS_UP_TO = FlareClass("C", 1.0)
"""Periods that are complete from a larger class only are from lists without end times."""


def read_coverage_csv(path: Path, *, catalog: str, last_start: datetime) -> list[CatalogPeriod]:
    """Read the periods of a flare list, and its gaps.

    One row per period: first and last day, the class from which on it is complete (``C1+``),
    and a note, in which ``no rows at all on`` introduces the days whose report is missing: gaps.
    No period reaches beyond the last day that has a flare: a list may have been cut.

    Parameters
    ----------
    catalog : str
        Name of the list.
    last_start : datetime
        Start of its last flare.

    Raises
    ------
    InputError
        The file cannot be read, is no such file, or a row is bad: names line and column.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    found: list[CatalogPeriod] = []
    try:
        header = [name.strip() for name in next(reader, [])]
        missing = [name for name in COLUMNS if name not in header]
        if missing:
            raise InputError(f"{path}, line 1: has no column {', '.join(missing)}")
        for cells in reader:
            if cells:
                row = Row(f"{path}, line {reader.line_num}", header, cells)
                found += _periods(row, path.name, catalog, last_start)
    except csv.Error as exc:
        raise InputError(f"{path}, line {reader.line_num}: {exc}") from exc
    if not found:
        raise InputError(f"{path} names no period; without one no hour has an outcome")
    return found


def _periods(row: Row, source: str, catalog: str, last_start: datetime) -> list[CatalogPeriod]:
    first, last = row.need("period_start", _day), row.need("period_end", _day)
    what = row.need("complete_for", str)
    size = row.need("complete_for", lambda text: flare_class(text.split("+")[0]))
    if last < first:
        raise row.wrong("period_end", "is before the start")
    days = row.parse("note", _missing_days) or []
    gaps = [
        CatalogPeriod(
            catalog=catalog, start=day, end=day + _DAY, flux_w_m2=LEAST_FLUX_W_M2,
            has_ends=False, gap=True, source=source,
        )
        for day in days
    ]  # fmt: skip
    end = min(last, _midnight(last_start)) + _DAY
    if end <= first:
        return gaps
    period = CatalogPeriod(
        catalog=catalog,
        start=first,
        end=end,
        flux_w_m2=size.flux_w_m2,
        has_ends=bool(_WITH_ENDS.fullmatch(what)) and size.flux_w_m2 <= _ENDS_UP_TO.flux_w_m2,
        source=source,
    )
    return [period, *gaps]


def _missing_days(note: str) -> list[datetime]:
    found = re.findall(r"no rows at all on ([\d\- ]+)", note)
    return [_day(day) for days in found for day in days.split()]


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as exc:
        raise InputError(f"{text!r} is not a day; write e.g. 2026-02-01") from exc


def _midnight(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
