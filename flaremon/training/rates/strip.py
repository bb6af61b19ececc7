"""Synoptic maps on the network's grid, and their features, kept in a cache."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from flaremon.network.surface import (
    CELL_DEG,
    CELL_STEPS,
    LATITUDE_DEG,
    STEP_DEG,
    axis_deg,
    features,
    smooth,
)
from flaremon.training.synoptic import Strip, as_pictured, carrington_time, read_strip

_log = logging.getLogger(__name__)

SYNOPTIC = "synoptic"
"""Folder of maps."""

_CACHE_FORMAT = 2
"""Raise it when maps are treated otherwise, so that old features are not used."""
_MAP_LAST_DEG = 359.8
"""Longitude of a map's last column, the first that is seen."""
_CHUNK_STEPS = 720 * 8
_MARGIN_STEPS = 48
"""What smoothing can reach; a multiple of `CELL_STEPS`."""
_NOISE_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """The strip in cells of 2 x 2 degrees: columns in the order of their passage."""

    shown: tuple[NDArray[np.float16], ...]
    """Features, shape (N_FEATURES, rows, columns), as each of `APPEARANCES` shows them."""
    observed: NDArray[np.bool_]
    """Which columns are in a map."""
    passage: NDArray[np.datetime64]
    """When each column passed the central meridian, datetime64[s], UTC."""
    first_deg: float
    """Carrington time (`carrington_time`) of the early edge of the first column."""

    def named(self) -> Iterator[tuple[str, NDArray[np.float16]]]:
        """Yield the features of each appearance with its name."""
        yield from zip(APPEARANCES, self.shown, strict=True)

    def column(self, carrington_time_deg: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return positions in columns; whole numbers are early edges."""
        return np.asarray((carrington_time_deg - self.first_deg) / CELL_DEG)


def read_cells(folder: Path, cache: Path) -> Cells:
    """Read all maps of a folder, or what the cache holds of them.

    Raises
    ------
    InputError
        If there are no maps, or one is not such a map.
    """
    strip = read_strip(folder)
    first_deg = 360 * strip.first_rotation - _MAP_LAST_DEG - STEP_DEG / 2
    observed = np.isnan(strip.field_gauss).mean(axis=0) <= 0.5
    columns = len(observed) // CELL_STEPS
    kept = cache / f"cells-{_key(strip)}.npz"
    if kept.exists():
        with np.load(kept) as table:
            shown = tuple(table[name] for name in APPEARANCES)
    else:
        _log.info("features of %d columns, %d appearances", columns, len(APPEARANCES))
        grid = torch.from_numpy(to_grid(strip))
        noise = torch.Generator().manual_seed(_NOISE_SEED)
        shown = tuple(_features_of(grid, show, noise) for show in APPEARANCES.values())
        cache.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(".partial.npz")
        np.savez(partial, **dict(zip(APPEARANCES, shown, strict=True)))
        partial.rename(kept)
    return Cells(
        shown=shown,
        observed=observed[: columns * CELL_STEPS].reshape(-1, CELL_STEPS).all(axis=1),
        passage=_passages(first_deg + CELL_DEG * (np.arange(columns, dtype=np.float64) + 0.5)),
        first_deg=first_deg,
    )


def to_grid(strip: Strip) -> NDArray[np.float32]:
    """Bring rows from equal steps of sine latitude to equal steps of latitude, as means.

    Returns
    -------
    ndarray of float32, shape (latitudes, columns)
        Radial field, gauss; 0 where nothing was observed.
    """
    field = np.nan_to_num(strip.field_gauss)
    count = field.shape[0]
    sines = (np.arange(count) + 0.5) * 2 / count - 1
    latitudes = axis_deg(LATITUDE_DEG, STEP_DEG).numpy()
    total = np.zeros((len(latitudes), field.shape[1]), np.float32)
    parts = (-STEP_DEG / 3, 0.0, STEP_DEG / 3)
    for part in parts:
        place = np.interp(np.sin(np.deg2rad(latitudes + part)), sines, np.arange(count))
        below = place.astype(np.int64)
        share = (place - below).astype(np.float32)[:, None]
        total += field[below] * (1 - share) + field[below + 1] * share
    return total / np.float32(len(parts))


def pictured(strip: Strip) -> tuple[Tensor, ...]:
    """Return the field (1, 1, latitudes, columns) as each of `APPEARANCES` shows it, gauss."""
    grid = torch.from_numpy(to_grid(strip))[None, None]
    noise = torch.Generator().manual_seed(_NOISE_SEED)
    return tuple(show(grid, noise) for show in APPEARANCES.values())


def _features_of(
    grid: Tensor, show: Callable[[Tensor, torch.Generator], Tensor], noise: torch.Generator
) -> NDArray[np.float16]:
    """Return features of the whole strip, computed in chunks that overlap."""
    parts = []
    width = grid.shape[1] // CELL_STEPS * CELL_STEPS
    for start in range(0, width, _CHUNK_STEPS):
        stop = min(start + _CHUNK_STEPS, width)
        low = max(start - _MARGIN_STEPS, 0)
        cells = features(show(grid[None, None, :, low : stop + _MARGIN_STEPS], noise))
        first = (start - low) // CELL_STEPS
        parts.append(cells[0, :, :, first : first + (stop - start) // CELL_STEPS].half().numpy())
    return np.concatenate(parts, axis=2)


def _passages(carrington_times_deg: NDArray[np.float64]) -> NDArray[np.datetime64]:
    """Return when these Carrington times are at the central meridian."""
    turns = carrington_times_deg[[0, -1]] / 360
    # Rotation 1 began on 1853-11-09; a day's margin on either side.
    begin = datetime(1853, 11, 8, tzinfo=UTC)
    start, stop = (begin + timedelta(days=27.2752316 * (turn - 1)) for turn in turns)
    days = [
        start + timedelta(days=day) for day in range(-2, (stop - start) // timedelta(days=1) + 5)
    ]
    at = np.array([day.timestamp() for day in days])
    seconds = np.interp(carrington_times_deg, [carrington_time(day) for day in days], at)
    return np.asarray(seconds.astype("datetime64[s]"))


def _key(strip: Strip) -> str:
    """Hash of the maps, of how they are shown, and of the code's version."""
    digest = hashlib.sha256(np.ascontiguousarray(strip.field_gauss).tobytes())
    how = {
        "format": _CACHE_FORMAT,
        "first": strip.first_rotation,
        "appearances": list(APPEARANCES),
        "noise": _NOISE_SEED,
    }
    digest.update(json.dumps(how, sort_keys=True).encode())
    return digest.hexdigest()[:16]


def _picture(weakening_gauss: float) -> Callable[[Tensor, torch.Generator], Tensor]:
    """Return how a picture shows a map; see `flaremon.training.synoptic.as_pictured`."""

    def show(field: Tensor, noise: torch.Generator) -> Tensor:
        weakened = as_pictured(smooth(field, _PICTURE_BLUR_STEPS), weakening_gauss)
        return weakened + NOISE_GAUSS * torch.randn(field.shape, generator=noise)

    return show


_PICTURE_BLUR_STEPS = 0.5
NOISE_GAUSS = 4.0
"""Per grid step; with it the quiet Sun of maps has the features of that of February 2026."""
APPEARANCES: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "middling": _picture(450.0),
    "fits": _picture(600.0),
    "clipped": _picture(350.0),
}
"""The same Sun as FITS files and as pictures clipped before averaging show it, measured on real
disks, and one between, which stands for both; never as maps have it."""
