"""Faults in what the database holds and in what is answered from it.

Spoilt records are spoilt before a query looks at them, so a condition such as ``QUALITY>=0`` sees
them as it would at the JSOC; spoilt replies are spoilt on the way out.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from flaremon.domain import Quality
from flaremon.replica.archive import Series
from flaremon.replica.faults import Fault
from flaremon.replica.records import CAMERA_MISSING, ArchivedRecord

_PRIME = frozenset({"T_REC", "CAMERA", "QUALITY"})
_ESCAPE = "/SUM1/D1/S00000/../../../../etc/passwd"


def alter_series(series: Series, faults: Sequence[Fault]) -> Series:
    """Return the series as a database in trouble would have it."""
    for fault in faults:
        spoil = _RECORD_FAULTS.get(fault.kind)
        if spoil is None:
            continue
        last = len(series.records)
        wanted = None if fault.record is None else fault.record % last
        records: list[ArchivedRecord] = []
        for i, record in enumerate(series.records):
            records += spoil(record, fault) if wanted in {None, i} else [record]
        series = Series(series.definition, tuple(records))
    return series


def spoil_document(document: dict[str, Any], faults: Sequence[Fault]) -> dict[str, Any]:
    """Return a reply with what the faults make of it."""
    for fault in faults:
        spoil = _DOCUMENT_FAULTS.get(fault.kind)
        if spoil is not None:
            document = spoil(document, fault)
    return document


def _nodata(record: ArchivedRecord, _fault: Fault) -> list[ArchivedRecord]:
    return [replace(record, quality=record.quality | Quality.NO_DATA)]


def _offline(record: ArchivedRecord, _fault: Fault) -> list[ArchivedRecord]:
    return [replace(record, online=False)]


def _missing(record: ArchivedRecord, fault: Fault) -> list[ArchivedRecord]:
    value = fault.value
    names = value.split("+") if isinstance(value, str) else value
    return [replace(record, missing=frozenset(names or set(record.keywords()) - _PRIME))]


def _twin(record: ArchivedRecord, _fault: Fault) -> list[ArchivedRecord]:
    quality = int(Quality.NO_DATA)
    twin = replace(record, camera=CAMERA_MISSING, quality=quality, recnum=record.recnum - 100_000)
    return [twin, record]


def _decimal(document: dict[str, Any], _fault: Fault) -> dict[str, Any]:
    return _quality_as(document, str)


def _hexadecimal(document: dict[str, Any], _fault: Fault) -> dict[str, Any]:
    return _quality_as(document, hex)


def _quality_as(document: dict[str, Any], write: Callable[[int], str]) -> dict[str, Any]:
    columns = [
        {**column, "values": [write(int(value, 0)) for value in column["values"]]}
        if column["name"] == "QUALITY"
        else column
        for column in document.get("keywords", [])
    ]
    return {**document, "keywords": columns} if columns else document


def _escape(document: dict[str, Any], fault: Fault) -> dict[str, Any]:
    path = fault.value or _ESCAPE
    if "data" in document:
        rows = [{**row, "filename": path} for row in document["data"]]
        return {**document, "data": rows}
    if not document.get("segments"):
        return document
    columns = [{**c, "values": [path] * len(c["values"])} for c in document["segments"]]
    return {**document, "segments": columns}


def _refusal(_document: dict[str, Any], fault: Fault) -> dict[str, Any]:
    return {"status": int(fault.number(1)), "error": "jsoc_info failed"}


def _ragged(document: dict[str, Any], _fault: Fault) -> dict[str, Any]:
    if not document.get("keywords"):
        return document
    *columns, last = document["keywords"]
    return {**document, "keywords": [*columns, {**last, "values": last["values"][:-1]}]}


_RECORD_FAULTS: dict[str, Callable[[ArchivedRecord, Fault], list[ArchivedRecord]]] = {
    "nodata": _nodata,
    "off-line": _offline,
    "missing-keywords": _missing,
    "duplicate-rows": _twin,
}
_DOCUMENT_FAULTS: dict[str, Callable[[dict[str, Any], Fault], dict[str, Any]]] = {
    "decimal-quality": _decimal,
    "hex-quality": _hexadecimal,
    "path-escape": _escape,
    "status-nonzero": _refusal,
    "unequal-columns": _ragged,
}
