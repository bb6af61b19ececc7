"""Summaries of solar regions in files: SWPC's daily text, and the CSV that was made of them.

A file is taken whole, or an error names line and field.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flaremon.domain import NoaaRegion
from flaremon.errors import InputError
from flaremon.goes.csvrows import Row, read_text
from flaremon.goes.regions import area_of, mount_wilson_class, position
from flaremon.goes.values import region, swpc_time

TEXT_SOURCE, CSV_SOURCE = "srs", "srs-csv"

_ISSUED = re.compile(r":Issued:\s*(\d{4} \w{3} \d{1,2})\b", re.IGNORECASE)
_SECTION = re.compile(r"(IA|II|I)\.\s", re.IGNORECASE)
_VALID = re.compile(r"LOCATIONS VALID AT (\d{1,2})/2400Z", re.IGNORECASE)
_REGION = re.compile(
    r"(?P<number>\d{1,5})\s+(?P<location>[NS]\d\d[EW]\d{2,3})\s+\d{1,3}(?P<rest>.*)"
)
_SPOTS = re.compile(r"\s+(?P<area>\d{1,5})\s+\w{3}\s+\d+\s+\d+\s+(?P<mag>[\w-]+)\s*")
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "number": ("noaa_ar", "ar_noaanum", "region"),
    "location": ("location",),
    "date": ("valid_at", "date"),
    "area": ("area",),
    "mag": ("mount_wilson", "magtype"),
}
"""Names of a column in lower case: ours, and those of the CSV of all summaries since 1996."""


def read_region_file(path: Path) -> list[NoaaRegion]:
    """Read region summaries: a text as SWPC issues it every day, or a CSV file.

    Raises
    ------
    InputError
        The file cannot be read, is neither, or a line is bad: names it.
    """
    text = read_text(path)
    if re.search(r"SOLAR REGION SUMMARY", text[:2000], re.IGNORECASE):
        return list(_text_rows(text, path))
    return list(_csv_rows(text, path))


def _text_rows(text: str, path: Path) -> Iterator[NoaaRegion]:
    """Read sections I (spots) and IA (plages without); II has regions that nobody sees.

    The text names its day twice: when it was issued, and the day of the month at whose 24:00 UTC
    the locations hold. The second counts.
    """
    issued = _ISSUED.search(text)
    if issued is None:
        raise InputError(f"{path} does not say when it was issued (:Issued: 2022 Jan 04 ...)")
    section, valid_at, seen = "", None, set()
    for n, line in enumerate(text.splitlines(), start=1):
        where = f"{path}, line {n}"
        if head := _SECTION.match(line):
            section = head[1].upper()
            seen.add(section)
            if day := _VALID.search(line):
                valid_at = _valid_at(issued[1], int(day[1]), where)
        elif section in {"I", "IA"} and line.strip() and not line.startswith("#"):
            if re.match(r"(NMBR|NONE)\b", line, re.IGNORECASE):
                continue
            if valid_at is None:
                raise InputError(f"{where}: regions before anything says when they were there")
            yield _text_row(line.strip(), valid_at, where, spots=section == "I")
    if "I" not in seen:
        raise InputError(f"{path} is cut short: it has no section I, regions with sunspots")


def _text_row(line: str, valid_at: datetime, where: str, *, spots: bool) -> NoaaRegion:
    match = _REGION.fullmatch(line)
    more = _SPOTS.fullmatch(match["rest"]) if match is not None and spots else None
    if match is None or (spots and more is None):
        raise InputError(f"{where}: {line[:60]!r} is not a region; nothing was imported")
    try:
        return _made(
            match["number"],
            match["location"],
            valid_at,
            area=None if more is None else area_of(more["area"]),
            mount_wilson="" if more is None else mount_wilson_class(more["mag"]),
            source=TEXT_SOURCE,
        )
    except InputError as exc:
        raise InputError(f"{where}: {exc}; nothing was imported") from exc


def _valid_at(issued: str, day: int, where: str) -> datetime:
    """Return 24:00 UTC of the last `day` of a month that is not after the day of issue."""
    try:
        date = datetime.strptime(issued, "%Y %b %d").replace(tzinfo=UTC)
    except ValueError as exc:
        raise InputError(f"{where}: {issued!r} is not a date; nothing was imported") from exc
    for back in range(8):
        if (date - timedelta(days=back)).day == day:
            return date - timedelta(days=back - 1)
    raise InputError(f"{where}: issued {issued}, but valid on day {day}; nothing was imported")


def _csv_rows(text: str, path: Path) -> Iterator[NoaaRegion]:
    """Read a CSV file: one row per region and day.

    ``date`` is when a summary was issued, in the first hours of the day after the one it is of,
    so that its positions hold at 0 UTC of that day. Rows may begin with a number of their own
    that has no name in the header, as tables of Python's data tools do.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        columns = {
            what: next((name for name in names if name in header), None)
            for what, names in _COLUMNS.items()
        }
        missing = [what for what in ("number", "location", "date") if columns[what] is None]
        if missing:
            raise InputError(
                f"{path}, line 1: no column has the {missing[0]} of regions; one of "
                f"{', '.join(_COLUMNS[missing[0]])} is needed"
            )
        for cells in reader:
            if cells:
                shifted = cells[1:] if len(cells) == len(header) + 1 else cells
                row = Row(f"{path}, line {reader.line_num}", header, shifted)
                yield _csv_row(row, columns)
    except csv.Error as exc:
        raise InputError(f"{path}, line {reader.line_num}: {exc}") from exc


def _csv_row(row: Row, columns: Mapping[str, str | None]) -> NoaaRegion:
    number, location, date = (str(columns[name]) for name in ("number", "location", "date"))
    valid_at = row.need(date, _day)
    return _made(
        str(row.need(number, lambda text: region(text, valid_at))),
        row.need(location, _checked_location),
        valid_at,
        area=row.parse(columns["area"], area_of),
        mount_wilson=row.parse(columns["mag"], mount_wilson_class) or "",
        source=CSV_SOURCE,
    )


def _checked_location(text: str) -> str:
    position(text)
    return text


def _day(text: str) -> datetime | None:
    at = swpc_time(text)
    return at and at.replace(hour=0, minute=0, second=0, microsecond=0)


def _made(
    number: str,
    location: str,
    valid_at: datetime,
    *,
    area: int | None,
    mount_wilson: str,
    source: str,
) -> NoaaRegion:
    latitude, longitude = position(location)
    ours = region(number, valid_at)
    if ours is None:
        raise InputError(f"{number!r} is not a NOAA region")
    return NoaaRegion(
        number=ours,
        valid_at=valid_at,
        latitude_deg=latitude,
        longitude_deg=longitude,
        area=area,
        mount_wilson=mount_wilson,
        source=source,
    )
