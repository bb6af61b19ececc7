"""Flares with a place on the strip of synoptic maps.

A flare's place is that of its active region in NOAA's region summary of the nearest day, or, where
that is missing, the location in the flare list.
"""

import csv
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flaremon.errors import InputError
from flaremon.training.synoptic import carrington_time
from flaremon.verify.columns import read_rows

FLARES, REGIONS = "flares.csv", "srs_1996_2018.csv"
Regions = dict[int, list[tuple[np.datetime64, float, float]]]
"""Per region number: time, latitude, Carrington time of its passage of the meridian."""

_CLASS_FLUX = (1e-6, 1e-5, 1e-4)
"""C1, M1, X1 in W m-2."""
_NEAREST = np.timedelta64(3, "D")
_SEEN_BEFORE_DAY = np.timedelta64(30, "m")
"""Summaries are issued at 00:30 and valid at 00:00."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocatedFlares:
    """Flares from C1 on; all arrays have shape (N,)."""

    start: NDArray[np.datetime64]
    level: NDArray[np.int64]
    """0 for C, 1 for M, 2 for X, on the scale of true flux."""
    latitude_deg: NDArray[np.float64]
    """NaN where the place is unknown, as is the next."""
    from_meridian_deg: NDArray[np.float64]
    """Longitude from the central meridian, west positive."""
    passes_deg: NDArray[np.float64]
    """Carrington time at which the place is at the central meridian."""


def read_located(folder: Path) -> LocatedFlares:
    """Read the flare list and the region summaries of a folder.

    Raises
    ------
    InputError
        If a file is missing or a cell cannot be read.
    """
    regions = _read_regions(folder / REGIONS) if (folder / REGIONS).exists() else {}
    columns = ("start_utc", "peak_flux_w_m2", "class_scale", "noaa_ar", "location")
    rows = []
    for row in read_rows(folder / FLARES, columns):
        flux = row["peak_flux_w_m2"].number(0, 1)
        flux /= 0.7 if row["class_scale"].text.endswith("x0.7") else 1.0
        level = sum(flux >= least * (1 - 1e-6) for least in _CLASS_FLUX) - 1
        if level >= 0:
            start = row["start_utc"].instant(naive_is_utc=True)
            now_deg = _carrington_time(start)
            place = _region_place(regions, row["noaa_ar"].text, start)
            place = place or _listed_place(row["location"].text, now_deg)
            latitude_deg, passes_deg = place or (np.nan, np.nan)
            rows.append((start, level, latitude_deg, now_deg - passes_deg, passes_deg))
    rows.sort(key=lambda flare: flare[0])
    columns_of = [np.array(column) for column in zip(*rows, strict=True)]
    return LocatedFlares(
        start=columns_of[0],
        level=columns_of[1],
        latitude_deg=columns_of[2],
        from_meridian_deg=columns_of[3],
        passes_deg=columns_of[4],
    )


def _read_regions(path: Path) -> Regions:
    """Read region summaries.

    Rows may begin with a number that the header does not name, as tables written with their
    index have it.
    """
    regions: Regions = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        header = next(reader, [])
        for cells in reader:
            row = dict(zip(header, cells[len(cells) - len(header) :], strict=True))
            try:
                number, place = int(row["ar_noaanum"]), _degrees(row["LOCATION"])
                time = np.datetime64(row["date"].replace(" ", "T"), "s") - _SEEN_BEFORE_DAY
            except (KeyError, ValueError) as exc:
                raise InputError(
                    f"{path}, line {reader.line_num} is not a region summary with columns "
                    f"ar_noaanum, LOCATION and date: {exc}"
                ) from exc
            if place is not None:
                passes_deg = _carrington_time(time) - place[1]
                regions[number].append((time, place[0], passes_deg))
    return regions


def _region_place(
    regions: Regions, number: str, start: np.datetime64
) -> tuple[float, float] | None:
    if not number:
        return None
    days = regions.get(int(float(number)), [])
    nearest = min(days, key=lambda day: abs(day[0] - start), default=None)
    if nearest is None or abs(nearest[0] - start) > _NEAREST:
        return None
    return nearest[1], nearest[2]


def _listed_place(location: str, now_deg: float) -> tuple[float, float] | None:
    place = _degrees(location)
    return None if place is None else (place[0], now_deg - place[1])


def _degrees(location: str) -> tuple[float, float] | None:
    """Read ``N11W06``: latitude, longitude from the meridian; north and west positive."""
    match = re.fullmatch(r"([NS])(\d{1,2})([EW])(\d{1,3})", location.strip())
    if match is None:
        return None
    latitude, longitude = float(match[2]), float(match[4])
    return (latitude if match[1] == "N" else -latitude), (
        longitude if match[3] == "W" else -longitude
    )


@cache
def _carrington_time(time: np.datetime64) -> float:
    return carrington_time(time.astype("datetime64[s]").item().replace(tzinfo=UTC))
