"""What ``series_struct`` answers: the definition of a series, worked out from its files."""

import re
import time
from typing import Any

from flaremon.domain import SEGMENT
from flaremon.replica.archive import Series
from flaremon.replica.blocks import read_hdus
from flaremon.replica.keywords import TIMES_TAI, TIMES_UTC, Value, fits_name

_TIME_MISSING = "-4712.01.01_11:59:28_TAI"
_STORAGE = [
    {
        "name": name,
        "type": kind,
        "recscope": "variable",
        "defval": value,
        "units": "none",
        "note": "",
    }
    for name, kind, value in (
        ("cparms_sg000", "string", "compress Rice"),
        ("magnetogram_bzero", "double", "0"),
        ("magnetogram_bscale", "double", "0.1"),
    )
]
"""Keywords that DRMS itself adds for a segment."""
_RETENTION_DAYS = {0: 10000, 1: 100}
"""By QLOOK. The definitive value is the real one of 2019; the other is that of a sister series."""


def series_struct(series: Series) -> dict[str, Any]:
    """Describe a series.

    Returns
    -------
    dict
        With the members that the JSOC sends, see ``series_struct.*.json`` among the recorded
        replies.
    """
    started = time.perf_counter()
    definition = series.definition
    return {
        "note": definition.note,
        "retention": _RETENTION_DAYS[definition.qlook],
        "stagingretention": 3,
        "unitsize": 32,
        "archive": -1 if definition.qlook else 1,
        "tapegroup": 1001,
        "primekeys": ["T_REC", "CAMERA"],
        "primekeysinfo": [
            {"name": "T_REC", "slotted": 1, "step": f"{definition.cadence_s:.1f}"},
            {"name": "CAMERA", "slotted": 0},
        ],
        "dbindex": ["T_REC", "CAMERA"],
        "keywords": [*_STORAGE, *(_definition(*keyword) for keyword in _keywords(series))],
        "segments": [
            {
                "name": SEGMENT,
                "type": "int",
                "units": "Gauss",
                "protocol": "fits",
                "dims": "4096x4096",
                "note": SEGMENT,
            }
        ],
        "links": [],
        "Interval": _interval(series),
        "runtime": round(time.perf_counter() - started, 3),
        "status": 0,
    }


def _interval(series: Series) -> dict[str, str | int]:
    first, last = series.records[0], series.records[-1]
    return {
        "FirstRecord": first.spec,
        "FirstRecnum": first.recnum,
        "LastRecord": last.spec,
        "LastRecnum": last.recnum,
        "MaxRecnum": max(record.recnum for record in series.records),
    }


def _keywords(series: Series) -> list[tuple[str, Value, str]]:
    """Return (name, a value, comment) of the keywords; the oldest and the newest record tell."""
    found: dict[str, tuple[str, Value, str]] = {}
    for record in (series.records[-1], series.records[0]):
        cards = read_hdus(record.path)[-1] if record.path else None
        for name, value in record.keywords().items():
            known = found.get(name)
            if known is None or known[1] is None:
                comment = cards.comment(fits_name(name)) if cards else ""
                found[name] = (name, value, comment)
    return list(found.values())


def _definition(name: str, value: Value, comment: str) -> dict[str, str]:
    kind = _type(name, value)
    units = re.match(r"\[([^\]]*)\]\s*(.*)", comment)
    missing = {"int": "-2147483648", "double": "nan", "time": _TIME_MISSING, "string": ""}[kind]
    return {
        "name": name,
        "type": kind,
        "recscope": "ts_eq" if name == "T_REC" else "variable",
        "defval": missing,
        "units": units[1] if units else "none",
        "note": units[2] if units else comment,
    }


def _type(name: str, value: Value) -> str:
    if name in TIMES_TAI | TIMES_UTC:
        return "time"
    if isinstance(value, int):
        return "int"
    # What is missing in every file is a number more often than text.
    return "string" if isinstance(value, str) else "double"
