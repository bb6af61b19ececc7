"""A flare list in two CSV files: the flares, and the periods for which it is complete.

``flares.csv`` has columns ``start_utc``, ``end_utc`` (may be empty), ``peak_flux_w_m2`` and
``class_scale``, and may have ``location``; ``coverage.csv``, beside it, ``period_start``,
``period_end`` (last day), ``complete_for`` and ``note``. In its notes ``no rows at all on``
introduces the dates of missing reports, and a class with an addition, as in ``C1+ (LMSAL)``, or
another than C1+, means that end times are not listed. All times are UTC; one with an offset is
converted.
"""

import hashlib
import re
from pathlib import Path
from typing import Literal

import numpy as np

from flaremon.domain import FlareClass
from flaremon.errors import InputError
from flaremon.verify.columns import Cell, Row, read_rows
from flaremon.verify.labels import Coverage, FlareList

Scale = Literal["true", "listed"]
"""``true``: fluxes of operational lists before 2019-12-07 are divided by 0.7. ``listed``: classes
as they were called at the time, as in labels published then."""

_SWPC_FACTOR = 0.7
_DAY = np.timedelta64(1, "D")


def read_flares(path: Path, coverage: Path | None = None, *, scale: Scale = "true") -> FlareList:
    """Read a flare list and what it can answer for.

    Parameters
    ----------
    path : Path
        The flares.
    coverage : Path, optional
        By default ``coverage.csv`` beside the flares. There is no doing without: a list does not
        say of itself whether an hour without flare was quiet or not watched.
    scale
        Of the classes.

    Raises
    ------
    InputError
        A file is missing, has other columns or a cell that cannot be read; it is named with line
        and column.
    """
    columns = ("start_utc", "end_utc", "peak_flux_w_m2", "class_scale")
    flares = [
        (
            row["start_utc"].instant(naive_is_utc=True),
            _end(row["end_utc"]),
            _flux(row, scale),
            row["location"].text if "location" in row else "",
        )
        for row in read_rows(path, columns)
    ]
    if not flares:
        raise InputError(f"{path} lists no flare, so nobody knows what period it covers")
    flares.sort(key=lambda flare: flare[0])
    start, end, flux, location = (np.array(column) for column in zip(*flares, strict=True))
    periods, missing = _read_coverage(
        coverage or path.with_name("coverage.csv"), start[-1].astype("datetime64[D]") + _DAY
    )
    return FlareList(
        start=start,
        end=end,
        flux_w_m2=flux,
        coverage=periods,
        missing_days=missing,
        location=location,
    )


def identity(path: Path, flares: FlareList) -> str:
    """Say which list it was: catalogues are revised, and a figure holds for one version.

    For example ``flares.csv, 31,079 flares to 2026-02-28, SHA-256 5d0c...``.
    """
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    last = str(flares.start[-1])[:10]
    return f"{path.name}, {len(flares.start):,} flares to {last}, SHA-256 {digest[:12]}"


def _end(cell: Cell) -> np.datetime64:
    return cell.instant(naive_is_utc=True) if cell.text else np.datetime64("NaT", "s")


def _flux(row: Row, scale: Scale) -> float:
    flux = row["peak_flux_w_m2"].number(0, 1)
    operational = row["class_scale"].text.endswith("x0.7")
    return flux / _SWPC_FACTOR if operational and scale == "true" else flux


def _read_coverage(
    path: Path, last: np.datetime64
) -> tuple[tuple[Coverage, ...], np.ndarray[tuple[int], np.dtype[np.datetime64]]]:
    """Read the periods; none reaches beyond the last day that has a flare."""
    rows = list(read_rows(path, ("period_start", "period_end", "complete_for", "note")))
    if not rows:
        raise InputError(f"{path} names no period; without one no hour has an outcome")
    missing = [
        Cell(path, row["note"].line, "note", day).day()
        for row in rows
        for days in re.findall(r"no rows at all on ([\d\- ]+)", row["note"].text)
        for day in days.split()
    ]
    periods = tuple(_period(row, last) for row in rows)
    return periods, np.array(missing, dtype="datetime64[s]")


def _period(row: Row, last: np.datetime64) -> Coverage:
    what = row["complete_for"]
    try:
        flux = FlareClass.parse(what.text.split("+")[0]).flux_w_m2
    except InputError as exc:
        raise what.error("does not begin with a class such as C1+") from exc
    return Coverage(
        start=row["period_start"].day().astype("datetime64[s]"),
        end=min(row["period_end"].day() + _DAY, last).astype("datetime64[s]"),
        flux_w_m2=flux,
        has_ends=what.text == "C1+",
    )
