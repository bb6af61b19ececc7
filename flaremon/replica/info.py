"""What ``jsoc_info`` and the lists of series answer.

Shapes as recorded from the JSOC: every keyword value is a string, three members only when
nothing matches, errors with HTTP 200 and a ``status``.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flaremon.domain import SEGMENT
from flaremon.errors import InputError
from flaremon.replica.archive import Archive, Series
from flaremon.replica.files import stored_file
from flaremon.replica.keywords import Value, as_text, lookup
from flaremon.replica.records import ArchivedRecord
from flaremon.replica.recordset import parse_record_sets
from flaremon.replica.selection import select

Args = Mapping[str, str]
Alter = Callable[[Series], Series]
"""A fault's change to what the database holds."""

ROWS_MAX = 32_000
NO_DIRECTORY = "NoDataDirectory"
INVALID_KEY = "Invalid KeyLink"
_NOT_KEPT = frozenset({"*retain*", "*archive*", "*logdir*", "*dirmtime*"})
"""Facts of storage that a folder of files does not have."""


def find_records(archive: Archive, args: Args, alter: Alter) -> list[ArchivedRecord]:
    """Return the records that ``ds`` (and ``n``) of a request mean.

    Raises
    ------
    InputError
        If the set cannot be read, its series does not exist, or too much is asked for.
    """
    try:
        n = int(args["n"]) if args.get("n") else None
    except ValueError as exc:
        raise InputError(f"n={args['n']!r} is not an integer") from exc
    records: list[ArchivedRecord] = []
    for record_set in parse_record_sets(args.get("ds", "")):
        records += select(record_set, alter(archive.find(record_set.series)))
    if n:
        records = records[:n] if n > 0 else records[n:]
    if len(records) > ROWS_MAX:
        raise InputError(f"{len(records)} records are more than the {ROWS_MAX} that are allowed")
    return records


def rs_summary(archive: Archive, args: Args, alter: Alter) -> dict[str, Any]:
    """Count the records of a set."""
    started = time.perf_counter()
    count = len(find_records(archive, args, alter))
    return {"count": count, **_closing(started)}


def rs_list(archive: Archive, args: Args, alter: Alter) -> dict[str, Any]:
    """List keywords and segments of the records of a set."""
    started = time.perf_counter()
    records = find_records(archive, args, alter)
    if not records:
        return {"count": 0, **_closing(started)}
    reply: dict[str, Any] = {
        "keywords": _keyword_columns(records, _split(args.get("key"))),
        "segments": [_segment_column(records, name) for name in _segments(args.get("seg"))],
        "links": [
            {"name": name, "values": ["Invalid_Link"] * len(records)}
            for name in _split(args.get("link"))
        ],
    }
    if args.get("R") == "1":
        reply["recinfo"] = [
            {"name": record.spec, "online": int(record.segment_path is not None)}
            for record in records
        ]
    return {**reply, "count": len(records), **_closing(started)}


def show_ext_series(archive: Archive, args: Args) -> dict[str, Any]:
    """List series as the wrapper around ``show_series`` does; it never reports a status."""
    try:
        found = _matching(archive, args.get("filter", ""))
    except re.error as exc:
        return {"errMsg": f"invalid regular expression: {exc}", "seriesList": []}
    names: list[Any] = [series.definition.name for series in found]
    if args.get("info") == "1":
        names = [{s.definition.name: {"description": s.definition.note}} for s in found]
    return {"errMsg": None, "seriesList": names}


def show_series(archive: Archive, args: Args) -> dict[str, Any]:
    """List series with their prime keys."""
    try:
        found = _matching(archive, args.get("filter", ""))
    except re.error as exc:
        return {"status": 1, "error": f"invalid regular expression: {exc}"}
    names = [
        {"name": s.definition.name, "primekeys": "T_REC, CAMERA", "note": s.definition.note}
        for s in found
    ]
    return {"status": 0, "names": names, "n": len(names)}


def _matching(archive: Archive, pattern: str) -> list[Series]:
    # DRMS sorts names and matches them without case, anywhere in the name.
    regex = re.compile(pattern, re.IGNORECASE)
    return [series for series in archive.series.values() if regex.search(series.definition.name)]


def _keyword_columns(
    records: Sequence[ArchivedRecord], names: Sequence[str]
) -> list[dict[str, Any]]:
    tables = [record.keywords() for record in records]
    if "**ALL**" in names:
        names = list(dict.fromkeys(name for table in tables for name in table))
    known = {name.casefold() for table in tables for name in table}
    columns = []
    for name in names:
        if name == "**NONE**":
            continue
        if name.startswith("*"):
            values = [_pseudo_value(record, name) for record in records]
        elif name.casefold() in known:
            values = [_cell(table, name) for table in tables]
        else:
            values = [INVALID_KEY] * len(records)
        columns.append({"name": name, "values": values})
    return columns


def _cell(table: Mapping[str, Value], name: str) -> str:
    found = lookup(table, name)
    return as_text(*found) if found else as_text(name, None)


def _pseudo_value(record: ArchivedRecord, name: str) -> str:
    online = record.segment_path is not None
    values: Mapping[str, Callable[[], str]] = {
        "*recnum*": lambda: str(record.recnum),
        "*sunum*": lambda: record.sums_dir.split("/")[2].removeprefix("D"),
        "*size*": lambda: str(stored_file(record).size) if online else "0",
        "*online*": lambda: "Y" if online else "N",
        "*recdir*": lambda: record.sums_dir if online else NO_DIRECTORY,
        "*spec*": lambda: record.spec,
    }
    if name in _NOT_KEPT:
        return "NA"
    return values[name]() if name in values else INVALID_KEY


def _segment_column(records: Sequence[ArchivedRecord], name: str) -> dict[str, Any]:
    layouts = [record.layout() for record in records]
    if name.lower() != SEGMENT:
        values = ["InvalidSegName"] * len(records)
        return {"name": name, "values": values} | {k: ["NA"] * len(records) for k in layouts[0]}
    values = [record.segment_path or NO_DIRECTORY for record in records]
    columns = {column: [layout[column] for layout in layouts] for column in layouts[0]}
    return {"name": name, "values": values} | columns


def _segments(text: str | None) -> list[str]:
    return [SEGMENT] if text == "**ALL**" else [s for s in _split(text) if s != "**NONE**"]


def _split(text: str | None) -> list[str]:
    return [part for part in re.split(r"[\s,]+", text or "") if part]


def _closing(started: float) -> dict[str, Any]:
    return {"runtime": round(time.perf_counter() - started, 3), "status": 0}
