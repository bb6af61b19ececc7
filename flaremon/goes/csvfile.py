"""Flare lists in CSV files: whole, or an error that names line and column."""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flaremon.domain import ClassScale, Duplicate, Flare, one_per_flare
from flaremon.errors import InputError
from flaremon.goes.csvrows import Row, read_text
from flaremon.goes.values import flare_class, flux, region, satellite

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "start": ("start_utc", "event_starttime", "begin_datetime", "begin_time", "start_time"),
    "peak": ("peak_utc", "event_peaktime", "max_datetime", "max_time", "peak_time"),
    "end": ("end_utc", "event_endtime", "end_datetime", "end_time"),
    "class": ("goes_class", "fl_goescls", "particulars1", "max_class"),
    "flux": ("peak_flux_w_m2", "fl_peakflux", "particulars10", "max_xrlong"),
    "region": ("noaa_ar", "ar_noaanum", "region"),
    "location": ("location",),
    "satellite": ("goes_sat", "observatory", "satellite"),
    "source": ("source", "frm_name"),
    "scale": ("class_scale",),
}
"""Names of a column, in the order in which they are looked for: ours, HEK's, SWPC's."""
_UTC_BY_NAME = frozenset({
    "start_utc", "peak_utc", "end_utc",
    "event_starttime", "event_peaktime", "event_endtime",  # HEK
    "begin_datetime", "max_datetime", "end_datetime",  # SWPC's edited events
})  # fmt: skip
"""Columns whose times are UTC by name or by the definition of their list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlareFile:
    """What a file has."""

    rows: int
    flares: list[Flare]
    duplicates: list[Duplicate]
    """Second reports of a flare by another satellite, left out of `flares`."""


def read_flare_csv(
    path: Path, *, default_source: str, advance: Callable[[], None] = lambda: None
) -> FlareFile:
    """Read a flare list.

    Start and class are needed, the other columns of `COLUMNS` are taken where they are. Times
    are UTC where the name of the column says so; otherwise each has to, with ``Z`` or an
    offset: a local time without a zone would move flares by hours. Where no scale of classes
    is given, it is that of NOAA's operational lists at the time.

    Parameters
    ----------
    default_source
        Source of rows that name none.
    advance
        Called after each row.

    Raises
    ------
    InputError
        The file cannot be read, is no such list, or a row is bad: names line and column.
    """
    try:
        reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
        header = [name.strip() for name in next(reader, [])]
        columns = _columns(header, path)
        flares = []
        for cells in reader:
            if cells:
                row = Row(f"{path}, line {reader.line_num}", header, cells)
                flares.append(_flare(row, columns, default_source))
                advance()
    except csv.Error as exc:
        raise InputError(f"{path}, line {reader.line_num}: {exc}") from exc
    kept, duplicates = one_per_flare(flares)
    return FlareFile(rows=len(flares), flares=kept, duplicates=duplicates)


def _flare(row: Row, columns: Mapping[str, str | None], default_source: str) -> Flare:
    start, peak, end = (
        row.parse(columns[name], _reader_of_times(columns[name]))
        for name in ("start", "peak", "end")
    )
    size = row.parse(columns["class"], flare_class)
    if start is None or size is None:
        raise row.wrong(columns["start" if start is None else "class"], "is empty")
    for name, instant in (("peak", peak), ("end", end)):
        if instant is not None and instant < start:
            raise row.wrong(columns[name], "is before the start")
    return Flare(
        start=start,
        peak=peak,
        end=end,
        flare_class=size,
        peak_flux_w_m2=row.parse(columns["flux"], flux) or size.flux_w_m2,
        noaa_ar=row.parse(columns["region"], lambda text: region(text, start)),
        location=row.parse(columns["location"], str) or "",
        source=row.parse(columns["source"], str) or default_source,
        satellite=row.parse(columns["satellite"], satellite) or "",
        class_scale=row.parse(columns["scale"], _scale) or ClassScale.of_operational(start),
    )


def _reader_of_times(column: str | None) -> Callable[[str], datetime]:
    def read(text: str) -> datetime:
        try:
            instant = datetime.fromisoformat(text)
        except ValueError as exc:
            raise InputError(f"{text!r} is not a time; write e.g. 2026-02-01T00:15:00Z") from exc
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
        if column not in _UTC_BY_NAME:
            raise InputError(f"{text!r} has no time zone; write a Z behind it if it is UTC")
        return instant.replace(tzinfo=UTC)

    return read


def _scale(text: str) -> ClassScale:
    try:
        return ClassScale(text)
    except ValueError as exc:
        known = " or ".join(ClassScale)
        raise InputError(f"{text!r} is no scale of classes; write {known}") from exc


def _columns(header: list[str], path: Path) -> Mapping[str, str | None]:
    found = {
        what: next((name for name in names if name in header), None)
        for what, names in COLUMNS.items()
    }
    if len(set(header)) < len(header):
        raise InputError(f"{path}, line 1: two columns have the same name")
    for what in ("start", "class"):
        if found[what] is None:
            raise InputError(
                f"{path}, line 1: no column has the {what} of flares; one of "
                f"{', '.join(COLUMNS[what])} is needed"
            )
    return found
