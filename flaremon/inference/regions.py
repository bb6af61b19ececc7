"""From a map of flare rates to regions and their shares of it.

Every cell belongs to the peak that one reaches from it by always stepping to the neighbour with
the greatest (slightly smoothed) rate; peaks that are nearer than two regions ever are count as
one. A region's position is the mean of those of its cells that have half its greatest rate or
more, weighted with their rates; its share is that of all its cells.

The rate of M1+ flares draws the borders, for all classes: a region is where it is, whatever is
asked, and only its share differs.
"""

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import RegionShare

LEAST_SHARE = 0.03
"""Regions with less than this share of the disk's rate are not worth a line."""
MERGE_DEG = 8.0
"""Peaks that are nearer than this are one region."""


def regions_of(
    rates: NDArray[np.float64],
    latitudes_deg: NDArray[np.float64],
    longitudes_deg: NDArray[np.float64],
    *,
    drawn_by: int = 0,
) -> list[tuple[RegionShare, ...]]:
    """Return per class the regions with a share of `LEAST_SHARE` or more, greatest first.

    Parameters
    ----------
    rates : ndarray, shape (classes, rows, columns)
        Flares per day and cell.
    latitudes_deg, longitudes_deg : ndarray, shapes (rows,), (columns,)
        Middles of the cells.
    drawn_by : int
        The class whose rates draw the regions.
    """
    drawing = rates[drawn_by]
    columns = len(longitudes_deg)
    peaks, of_cell = _peaks(drawing)
    strengths = np.stack(
        [np.bincount(of_cell, one.ravel(), len(peaks)).astype(np.float64) for one in rates]
    )
    merged = _merged(
        latitudes_deg[peaks // columns],
        longitudes_deg[peaks % columns],
        strengths,
        strengths[drawn_by],
    )
    owner = merged[of_cell]  # (rows * columns,)
    parts = np.stack([np.bincount(merged, one, len(peaks)) for one in strengths])
    shares = parts / rates.sum(axis=(1, 2))[:, None]  # (classes, peaks)
    places = {}
    for k in np.flatnonzero((shares >= LEAST_SHARE).any(axis=0)).tolist():
        inside = np.flatnonzero(owner == k)
        core = inside[drawing.flat[inside] >= drawing.flat[inside].max() / 2]
        weights = drawing.flat[core] / drawing.flat[core].sum()
        places[k] = (
            float(weights @ latitudes_deg[core // columns]),
            float(weights @ longitudes_deg[core % columns]),
        )
    return [
        tuple(
            RegionShare(
                latitude_deg=places[k][0],
                longitude_deg=places[k][1],
                rate_per_day=float(part[k]),
                share=float(share[k]),
            )
            for k in np.argsort(-share, kind="stable").tolist()
            if share[k] >= LEAST_SHARE
        )
        for part, share in zip(parts, shares, strict=True)
    ]


def _merged(
    latitudes_deg: NDArray[np.float64],
    longitudes_deg: NDArray[np.float64],
    strengths: NDArray[np.float64],
    first: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Return for each peak the one that it is counted with: weak peaks join strong ones.

    What is left when no region can be large enough any more stays as it is: a plain has as many
    peaks as cells.

    Parameters
    ----------
    latitudes_deg, longitudes_deg : ndarray, shapes (peaks,)
    strengths : ndarray, shape (classes, peaks)
        Rates of all that belongs to a peak.
    first : ndarray, shape (peaks,)
        What makes one stronger than another.
    """
    joins = np.arange(len(first))
    left = np.argsort(-first, kind="stable")
    least = LEAST_SHARE * strengths.sum(axis=1)
    while left.size and (strengths[:, left].sum(axis=1) >= least).any():
        k = left[0]
        # Distances are flat; near enough within 45 degrees of the equator.
        north = latitudes_deg[left] - latitudes_deg[k]
        west = (longitudes_deg[left] - longitudes_deg[k]) * np.cos(np.deg2rad(latitudes_deg[k]))
        near = north**2 + west**2 < MERGE_DEG**2
        joins[left[near]] = k
        left = left[~near]
    return joins


def _peaks(rates: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the flat indices of all peaks, and per cell which of them is above it.

    Shapes (peaks,) and (rows * columns,).
    """
    rows, columns = rates.shape
    padded = np.pad(rates, 1, mode="edge")
    tall = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    soft = tall[:, :-2] + 2 * tall[:, 1:-1] + tall[:, 2:]
    walls = np.pad(soft, 1, constant_values=-np.inf)
    # A tie goes to the first, the cell itself: nothing runs in circles or across a plain.
    steps = [(0, 0), *((i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j)]
    around = np.stack([walls[1 + i : 1 + i + rows, 1 + j : 1 + j + columns] for i, j in steps])
    offsets = np.array([i * columns + j for i, j in steps])
    above = np.arange(rates.size) + offsets[around.argmax(axis=0)].ravel()
    # Each pass doubles the length of the walk, until all have arrived.
    while not np.array_equal(above, further := above[above]):
        above = further
    return np.unique(above, return_inverse=True)
