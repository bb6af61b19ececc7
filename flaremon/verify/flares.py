"""A flare list in two CSV files: the flares, and the periods for which it is complete.

``flares.csv`` has columns ``start_utc``, ``end_utc`` (may be empty), ``peak_flux_w_m2`` and
``class_scale``, and may have ``location``; ``coverage.csv``, beside it, is as for lists that are
imported (`flaremon.goes.read_coverage_csv`). All times are UTC; one with an offset is converted.
"""

import hashlib
from pathlib import Path
from typing import Literal

import numpy as np

from flaremon.errors import InputError
from flaremon.goes import read_coverage_csv
from flaremon.times import parse_utc
from flaremon.verify.columns import Cell, Row, read_rows
from flaremon.verify.labels import FlareList
from flaremon.verify.stored import coverage_of, instants

Scale = Literal["true", "listed"]
"""``true``: fluxes of operational lists before 2019-12-07 are divided by 0.7. ``listed``: classes
as they were called at the time, as in labels published then."""

_SWPC_FACTOR = 0.7


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
    periods = read_coverage_csv(
        coverage or path.with_name("coverage.csv"),
        catalog=path.stem,
        last_start=parse_utc(f"{start[-1]}Z"),
    )
    return FlareList(
        start=start,
        end=end,
        flux_w_m2=flux,
        coverage=tuple(coverage_of(period) for period in periods if not period.gap),
        missing_days=instants(period.start for period in periods if period.gap),
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
