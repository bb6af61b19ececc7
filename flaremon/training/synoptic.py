"""Earth views rendered from Carrington synoptic maps.

A synoptic map holds the radial field of every longitude as it was when that longitude passed the
central meridian. Laid side by side in the order of time, the maps make one long strip, and a view
from the Earth is a window of it: a pixel at longitude offset d west of the meridian was seen
d / 13.2 days earlier. The line-of-sight field is the radial field times mu.

What is wrong with it: the strip has no other moment to offer. See `Rendering`.

The maps have 0.5 degree cells, so a view has no fine structure; the network averages that away
(`flaremon.network`). Views are rendered at the full size of the frame, clipped there exactly as
`flaremon.preprocess.to_plane` clips, and averaged exactly as the network does.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from flaremon.errors import InputError
from flaremon.preprocess import FrameSpec, to_plane
from flaremon.sun import disk_centre

_STEP_DEG = 0.5
_COLUMNS = 720
"""Of one rotation."""
_ROWS = 360
_LAST_LONGITUDE_DEG = 359.8
"""Longitude of a map's last column, seen first: the mean of columns 359.6, 359.7 ... 360.0."""
_HALF = 182
"""Columns on either side of the meridian that a view can need (90 degrees and a margin)."""
_ROTATION_1 = datetime(1853, 11, 10, 0, 3, tzinfo=UTC)
_MEAN_ROTATION = timedelta(days=27.2752316)
_B0_STEP_DEG = 0.5
"""Views share their geometry within half of this: half a row of the map at the equator."""


class Rendering(StrEnum):
    """From which passage each longitude is taken.

    Neither is an observation of one moment; the truth lies between them.
    """

    AS_RENDERED = "as-rendered"
    """The nearest passage: the east half shows what will be there up to 7 days LATER, so skill
    on it is optimistic."""
    CAUSAL = "causal"
    """The latest passage at or before the time: the east half is 20 to 27 days old and knows
    nothing of what emerged or decayed since, so skill on it is pessimistic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """Maps side by side, ascending in time."""

    field_gauss: NDArray[np.float32]
    """Radial field, shape (360 in sine latitude from the south, columns); NaN: not observed."""
    first_rotation: int

    def column(self, carrington_time_deg: float) -> int:
        """Return the column that passes the meridian at this time."""
        first_deg = 360 * self.first_rotation - _LAST_LONGITUDE_DEG
        return round((carrington_time_deg - first_deg) / _STEP_DEG)


def read_strip(folder: Path) -> Strip:
    """Read all maps ``*.<rotation>.fits`` of a folder; rotations between them may be missing.

    Raises
    ------
    InputError
        If there are none, or one is not a 720 x 360 map.
    """
    from astropy.io import fits  # noqa: PLC0415 - 0.4 s that nothing but training pays

    files = {
        int(match[1]): path
        for path in folder.glob("*.fits")
        if (match := re.search(r"\.(\d{4})\.fits$", path.name))
    }
    if not files:
        raise InputError(f"no synoptic maps *.<rotation>.fits in {folder}")
    first, last = min(files), max(files)
    strip = np.full((_ROWS, _COLUMNS * (last - first + 1)), np.nan, np.float32)
    for rotation, path in files.items():
        values = fits.getdata(path)
        if values is None or values.shape != (_ROWS, _COLUMNS):
            raise InputError(f"{path} is not a synoptic map of {_COLUMNS} x {_ROWS}")
        column = _COLUMNS * (rotation - first)
        # Longitude falls with time: the first column of a map is the last one seen.
        strip[:, column : column + _COLUMNS] = values[:, ::-1]
    return Strip(field_gauss=strip, first_rotation=first)


def render(
    strip: Strip, time: np.datetime64, spec: FrameSpec, rendering: Rendering
) -> NDArray[np.float32] | None:
    """Render the frame that an observer on the Earth would see.

    Returns
    -------
    ndarray of float32, shape (size_px, size_px), or None
        Line-of-sight field in gauss as `flaremon.preprocess.to_frame` lays it out; None where
        the maps do not cover the disk.
    """
    instant = time.astype("datetime64[s]").item().replace(tzinfo=UTC)
    b0_deg, _ = disk_centre(instant)
    centre = strip.column(carrington_time(instant))
    # Window of the strip in the order of time: west (earlier) first.
    start, stop = centre - _HALF, centre + _HALF + 1
    back = _COLUMNS if rendering is Rendering.CAUSAL else 0
    if start < 0 or centre + 1 - back < 0 or stop - back > strip.field_gauss.shape[1]:
        return None
    window = strip.field_gauss[:, start:stop]
    if rendering is Rendering.CAUSAL:
        east = strip.field_gauss[:, centre + 1 - back : stop - back]
        window = np.concatenate([window[:, : _HALF + 1], east], axis=1)
    if window.shape[1] != 2 * _HALF + 1 or np.isnan(window).mean(axis=0).max() > 0.5:
        return None
    view = _view(round(b0_deg / _B0_STEP_DEG) * _B0_STEP_DEG, spec)
    frame = np.zeros(spec.size_px**2, np.float32)
    frame[view.pixels] = view.weights @ np.nan_to_num(window).ravel()
    return frame.reshape(spec.size_px, spec.size_px)


def as_pictured(field: Tensor, scale_gauss: float) -> Tensor:
    """Weaken strong field as real pictures do.

    Fine strong field is clipped, or saturates, before it is averaged; maps keep it. With
    ``sign(B) c (1 - exp(-|B| / c))`` the features of `flaremon.network.surface` have the means
    that they have on a real FITS for c = 600 G, and on a picture of it for c = 350 G.
    """
    return field.sign() * scale_gauss * -torch.expm1(-field.abs() / scale_gauss)


def pooled_plane(
    frame: NDArray[np.float32], spec: FrameSpec, pooled_px: int
) -> NDArray[np.float32]:
    """Return what the network has after its first averaging, shape (pooled_px, pooled_px)."""
    return np.asarray(pooled(to_plane(frame, spec), pooled_px)[0])


def pooled(planes: NDArray[np.float32], pooled_px: int) -> NDArray[np.float32]:
    """Average planes (N, side, side) to (N, pooled_px, pooled_px), as the network does first."""
    n = planes.shape[1] // pooled_px
    return np.asarray(planes.reshape(-1, pooled_px, n, pooled_px, n).mean(axis=(2, 4)))


def carrington_time(instant: datetime) -> float:
    """Return 360 x rotation - longitude of the disk centre, degrees: it grows with time."""
    _, longitude_deg = disk_centre(instant)
    # Mean motion tells which rotation it is, to 0.2 d (Meeus, chapter 29).
    turns = (instant - _ROTATION_1) / _MEAN_ROTATION
    return 360 * round(turns + longitude_deg / 360) - longitude_deg


@dataclass(frozen=True, slots=True)
class _View:
    """Which cells of a window make which pixels, as seen from latitude B0."""

    pixels: NDArray[np.int64]
    weights: sparse.csr_array


@lru_cache(maxsize=40)
def _view(b0_deg: float, spec: FrameSpec) -> _View:
    """Bilinear weights times mu; orthographic projection."""
    axis = (np.arange(spec.size_px) - (spec.size_px - 1) / 2) / spec.radius_px
    x, y = (grid.ravel() for grid in np.meshgrid(axis, axis))
    pixels = np.flatnonzero(x**2 + y**2 <= spec.edge**2)
    x, y = x[pixels], y[pixels]
    mu = np.sqrt(1 - x**2 - y**2)
    b0 = np.deg2rad(b0_deg)
    sin_latitude = y * np.cos(b0) + mu * np.sin(b0)
    west_deg = np.rad2deg(np.arctan2(x, mu * np.cos(b0) - y * np.sin(b0)))
    row, up = _split((sin_latitude + 1) * _ROWS / 2 - 0.5, _ROWS)
    column, right = _split(_HALF - west_deg / _STEP_DEG, 2 * _HALF + 1)
    width = 2 * _HALF + 1
    first = row * width + column
    cells = np.stack([first, first + 1, first + width, first + width + 1], axis=1)
    shares = np.stack(
        [(1 - up) * (1 - right), (1 - up) * right, up * (1 - right), up * right], axis=1
    )
    weights = (shares * mu[:, None]).astype(np.float32)
    rows = np.repeat(np.arange(pixels.size), 4)
    shape = (pixels.size, _ROWS * width)
    return _View(pixels, sparse.csr_array((weights.ravel(), (rows, cells.ravel())), shape=shape))


def _split(
    position: NDArray[np.float64], size: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Whole and fractional part of positions on an axis, kept inside it."""
    whole = np.clip(np.floor(position), 0, size - 2).astype(np.int64)
    return whole, np.clip(position - whole, 0, 1)
