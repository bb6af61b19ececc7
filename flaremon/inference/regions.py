"""From a map of flare rates to regions and their shares of it.

Every cell belongs to the peak that one reaches from it by always stepping to the neighbour with
the greatest (slightly smoothed) rate; peaks that are nearer than two regions ever are count as
one. A region's position is the mean of those of its cells that have half its greatest rate or
more, weighted with their rates; its share is that of all its cells.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_SHARE = 0.02
"""Regions with less than this share of the disk's rate are not worth a line."""
MERGE_DEG = 8.0
"""Peaks that are nearer than this are one region."""
LIMB_DEG = 65.0
"""From this distance from disk centre on, a region is seen too much from the side to be judged
well: its field is foreshortened by more than half."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionShare:
    """A region, and what it contributes to the rate of M1+ flares.

    Positions are those on a disk that is seen from the solar equator. With the apparent position
    ``x = cos(latitude) sin(longitude)``, ``y = sin(latitude)`` in solar radii (west and north
    positive) whoever knows the time makes heliographic coordinates of them.
    """

    longitude_deg: float
    """From the central meridian, west positive."""
    latitude_deg: float
    """From the middle of the disk, north positive: heliographic latitude minus about B0."""
    rate_per_day: float
    """Of M1+ flares."""
    share: float
    """Of the disk's rate, 0 to 1."""
    near_limb: bool

    @property
    def x(self) -> float:
        """Apparent position in solar radii from disk centre, west positive."""
        lat, lon = np.deg2rad(self.latitude_deg), np.deg2rad(self.longitude_deg)
        return float(np.cos(lat) * np.sin(lon))

    @property
    def y(self) -> float:
        """Apparent position in solar radii from disk centre, north positive."""
        return float(np.sin(np.deg2rad(self.latitude_deg)))


def regions_of(
    rates: NDArray[np.float64],
    latitudes_deg: NDArray[np.float64],
    longitudes_deg: NDArray[np.float64],
) -> tuple[RegionShare, ...]:
    """Return regions with a share of `LEAST_SHARE` or more, greatest first.

    Parameters
    ----------
    rates : ndarray, shape (rows, columns)
        Flares per day and cell.
    latitudes_deg, longitudes_deg : ndarray, shapes (rows,), (columns,)
        Middles of the cells.
    """
    total = float(rates.sum())
    peaks = _peaks(rates)
    lat, lon = np.meshgrid(latitudes_deg, longitudes_deg, indexing="ij")
    places = np.unique(peaks)
    # The strongest first, so that weak peaks join strong ones.
    places = places[np.argsort(-np.bincount(peaks, rates.ravel(), rates.size)[places])]
    kept: list[int] = []
    joins = {}
    for place in places.tolist():
        near = [k for k in kept if _apart_deg(lat, lon, k, place) < MERGE_DEG]
        joins[place] = near[0] if near else place
        if not near:
            kept.append(place)
    belongs = np.array([joins[peak] for peak in peaks.tolist()]).reshape(rates.shape)
    found = [_region(rates, belongs == place, lat, lon, total) for place in kept]
    shown = [region for region in found if region.share >= LEAST_SHARE]
    return tuple(sorted(shown, key=lambda region: -region.share))


def _region(
    rates: NDArray[np.float64],
    inside: NDArray[np.bool_],
    lat: NDArray[np.float64],
    lon: NDArray[np.float64],
    total: float,
) -> RegionShare:
    rate = float(rates[inside].sum())
    core = inside & (rates >= rates[inside].max() / 2)
    latitude = float(np.average(lat[core], weights=rates[core]))
    longitude = float(np.average(lon[core], weights=rates[core]))
    mu = np.cos(np.deg2rad(latitude)) * np.cos(np.deg2rad(longitude))
    return RegionShare(
        longitude_deg=longitude,
        latitude_deg=latitude,
        rate_per_day=rate,
        share=rate / total,
        near_limb=bool(mu < np.cos(np.deg2rad(LIMB_DEG))),
    )


def _peaks(rates: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return for each cell the flat index of the peak above it, shape (rows * columns,)."""
    rows, columns = rates.shape
    padded = np.pad(rates, 1, mode="edge")
    kernel = np.array([0.25, 0.5, 0.25])
    soft = sum(
        kernel[i] * kernel[j] * padded[i : i + rows, j : j + columns]
        for i in range(3)
        for j in range(3)
    )
    walls = np.pad(soft, 1, constant_values=-np.inf)
    # A tie goes to the first, the cell itself: nothing runs in circles or across a plain.
    steps = np.array([(0, 0), *((i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j)])
    around = np.stack([walls[1 + i : 1 + i + rows, 1 + j : 1 + j + columns] for i, j in steps])
    chosen = steps[around.argmax(axis=0)]  # (rows, columns, 2)
    row, column = np.indices(rates.shape)
    above = ((row + chosen[..., 0]) * columns + column + chosen[..., 1]).ravel()
    # Each pass doubles the length of the walk; no walk is longer than there are cells.
    for _ in range(int(np.ceil(np.log2(rates.size)))):
        above = above[above]
    return np.asarray(above)


def _apart_deg(lat: NDArray[np.float64], lon: NDArray[np.float64], one: int, other: int) -> float:
    """Return the distance of two cells, flat; near enough within 45 degrees of the equator."""
    across = (lon.flat[one] - lon.flat[other]) * np.cos(np.deg2rad(lat.flat[one]))
    return float(np.hypot(across, lat.flat[one] - lat.flat[other]))
