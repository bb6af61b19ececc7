"""Conservative area resampling of a rotated image.

A pixel of HMI is the mean field over its area, so a coarser pixel must be an *integral* over the
old ones; sampling or smoothing first costs up to 65 % of the flux. Resampling is done on the
primitive: along one axis the running sum of an image is known exactly at the edges of its pixels;
interpolated between them with a Catmull-Rom cubic, its difference between the two edges of a new
pixel is the integral wanted. What one new pixel loses its neighbour gains, so flux is conserved.

A rotation takes two such passes, along rows and then along columns, each sheared [1]_. The
footprint of a new pixel then is a parallelogram rather than a turned square, which is exact for
no roll and better than the noise up to 3 deg.

References
----------
.. [1] E. Catmull and A. R. Smith, "3-D transformations of images in scanline order",
   SIGGRAPH 1980, section 2.
"""

from dataclasses import dataclass
from math import cos, radians, sin, tan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flaremon.compiled import compiled

_KERNEL_REACH_PX = 2
"""The cubic at an edge reads the two old pixels on either side of it at most."""
_ROWS_TURNED = 16
"""As many float32 as a line of the processor's cache holds."""
_MIN_MEASURED = 0.5
"""A new pixel of which less than this was measured is missing."""

_Image = NDArray[np.float32]
_Rows = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """How the new pixels lie on the old ones: a square around the disk centre."""

    centre_x_px: float
    """Column of the old image that comes to the middle of the new one, counted from 0."""
    centre_y_px: float
    """Row of the old image that comes to the middle of the new one, counted from 0."""
    scale: float
    """Old pixels per new pixel, along one side; less than 1 enlarges."""
    roll_deg: float
    """Counter-clockwise turn of the content when x runs right and y up; at most a few degrees."""
    size_px: int
    """Side of the new image."""
    radius_px: float
    """New pixels are wanted whose middle is within this many old pixels of the centre."""


def resample(field: _Image, grid: Grid) -> _Image:
    """Average an image over new pixels.

    Parameters
    ----------
    field : ndarray of float32, shape (rows, columns)
        NaN where nothing was measured.
    grid : Grid
        Where the new pixels are.

    Returns
    -------
    ndarray of float32, shape (size_px, size_px)
        Means over the new pixels, by area and over what was measured. NaN outside the radius,
        and where less than half of a pixel was measured or lies in the image.
    """
    field = np.ascontiguousarray(field, dtype=np.float32)
    area = np.float32(grid.scale**2)
    wanted = _wanted(grid)
    mean = _integrals(field, grid) / area
    mean[~wanted] = np.nan
    if not np.isnan(mean[wanted]).any():
        return mean
    measured = np.isfinite(field)
    weight = _integrals(measured.astype(np.float32), grid, outside=0.0) / area
    total = _integrals(np.where(measured, field, np.float32(0)), grid, outside=0.0) / area
    mean.fill(np.nan)
    np.divide(total, weight, out=mean, where=wanted & (weight > _MIN_MEASURED))
    return mean


def _wanted(grid: Grid) -> NDArray[np.bool_]:
    """Return which new pixels have their middle within the radius."""
    offset = np.arange(grid.size_px) - (grid.size_px - 1) / 2
    return offset[:, None] ** 2 + offset**2 <= (grid.radius_px / grid.scale) ** 2


def _integrals(field: _Image, grid: Grid, outside: float = np.nan) -> _Image:
    """Integrate over the new pixels in two passes; `outside` is the value beyond the image."""
    roll, size, beyond = radians(grid.roll_deg), grid.size_px, np.float32(outside)
    # Pass 1: new columns of every old row. On old row y, new column i has its middle at
    # x = centre_x + (i - middle) scale / cos(roll) + (y - centre_y) tan(roll).
    step = grid.scale / cos(roll)
    dy = np.arange(field.shape[0]) - grid.centre_y_px
    shear = tan(roll) * dy
    reach = grid.radius_px + grid.scale + _KERNEL_REACH_PX + 1
    half = np.sqrt(np.clip(reach**2 - dy**2, 0, None))
    edges = _first_edges(grid, grid.centre_x_px + shear, step)
    columns = _sum_between_edges(
        field, edges, step, _spans(grid, -shear / step, half / step), size, beyond
    )
    # Pass 2: new rows of every new column. On new column i, new row j has its middle at
    # y = centre_y + (j - middle) scale cos(roll) - (i - middle) scale sin(roll).
    step = grid.scale * cos(roll)
    di = np.arange(size) - (size - 1) / 2
    half = np.sqrt(np.clip((grid.radius_px / grid.scale + 1) ** 2 - di**2, 0, None))
    edges = _first_edges(grid, grid.centre_y_px - grid.scale * sin(roll) * di, step)
    columns = _turned(columns)
    rows = _sum_between_edges(
        columns, edges, step, _spans(grid, np.zeros(size), half), size, beyond
    )
    return np.ascontiguousarray(rows.T)


def _turned(image: _Image) -> _Image:
    """Return the transpose, a few rows at a time: as a whole it would miss the cache throughout."""
    out = np.empty(image.shape[::-1], dtype=image.dtype)
    for row in range(0, image.shape[0], _ROWS_TURNED):
        out[:, row : row + _ROWS_TURNED] = image[row : row + _ROWS_TURNED].T
    return out


def _first_edges(grid: Grid, middles: _Rows, step: float) -> _Rows:
    """Return where new pixel 0 begins on each row, from the left edge of the old image."""
    return middles + 0.5 - grid.size_px / 2 * step


def _spans(grid: Grid, middles: _Rows, half: _Rows) -> NDArray[np.int64]:
    """Return the first and one past the last new pixel wanted on each row; shape (rows, 2)."""
    middles = middles + (grid.size_px - 1) / 2
    return np.stack([np.floor(middles - half), np.ceil(middles + half) + 1], axis=1).astype(
        np.int64
    )


# Sums may be reordered, but NaN and infinity must keep their meaning.
@compiled(fastmath=frozenset({"reassoc", "contract", "nsz"}))
def _sum_between_edges(
    image: _Image,
    first_edges: _Rows,
    step: float,
    spans: NDArray[np.int64],
    size_px: int,
    outside: np.float32,
) -> _Image:
    """Integrate every row of `image` over new pixels of width `step`.

    `first_edges[row]` is where new pixel 0 begins, counted in old pixels from the left edge of
    the image.
    """
    rows, columns = image.shape
    out = np.full((rows, size_px), outside, dtype=np.float32)
    for row in range(rows):
        begin = max(spans[row, 0], 0)
        end = min(spans[row, 1], size_px)
        # Whole kernel inside the image: 1 <= floor(edge) <= columns - 2.
        begin = max(begin, int(np.ceil((1.0 - first_edges[row]) / step)))
        end = min(end, int(np.floor((columns - 1.001 - first_edges[row]) / step)))
        if begin >= end:
            continue
        line = image[row]
        left, left_part = 0, np.float32(0.0)
        for new in range(begin, end + 1):
            edge = first_edges[row] + new * step
            right = int(edge)
            t = np.float32(edge - right)
            # Catmull-Rom on the primitive, written for the three pixels around the edge:
            # S(t) - S(0) = before * p[right - 1] + inside * p[right] + after * p[right + 1].
            half_t = np.float32(0.5) * t
            before = half_t * (np.float32(1.0) - t) * (np.float32(1.0) - t)
            after = half_t * t * (t - np.float32(1.0))
            inside = t - before - after
            right_part = before * line[right - 1] + inside * line[right] + after * line[right + 1]
            if new > begin:
                total = right_part - left_part
                for old in range(left, right):
                    total += line[old]
                out[row, new - 1] = total
            left, left_part = right, right_part
    return out
