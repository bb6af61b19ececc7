"""What the members say about whole disks, hour by hour, each about years it was not fitted to.

A disk is a window of the strip, so the rates of a whole cycle of disks are sums of one map of
rates. As in `Rendering.AS_RENDERED` the east half of the window is ahead of its time; `causal`
disks have there what passed a rotation earlier, as in `Rendering.CAUSAL`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from flaremon.network.rates import RateMember
from flaremon.network.surface import CELL_DEG
from flaremon.training.rates.strip import Cells
from flaremon.training.synoptic import carrington_time
from flaremon.verify.labels import Times

_ROTATION_DEG = 360.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Disks:
    """Rates of whole disks; all arrays have length N."""

    times: Times
    totals: NDArray[np.float64]
    """Nested rates per day, shape (N, N_CLASSES)."""
    years: NDArray[np.int64]


def totals_of(
    member: RateMember,
    inputs: torch.Tensor,
    cells: Cells,
    times: Times,
    half_deg: float,
    *,
    causal: bool = False,
) -> NDArray[np.float64]:
    """Return nested rates (N, N_CLASSES) of the disks at `times`; NaN where maps are missing.

    Parameters
    ----------
    member : RateMember
        One network.
    inputs : Tensor, shape (width, rows, columns)
        The strip before it.
    cells : Cells
        For the columns' times.
    times : ndarray of datetime64[s]
    half_deg : float
        The disk reaches this far from the central meridian.
    causal : bool
        Nothing is shown that had not passed the meridian: the east half is a rotation old.
    """
    with torch.no_grad():
        apart = member(inputs[None])[0].double().sum(dim=1).numpy()
    nested = apart[::-1].cumsum(axis=0)[::-1]
    return window_sums(nested, cells, times, half_deg, causal=causal)


def window_sums(
    per_column: NDArray[np.float64],
    cells: Cells,
    times: Times,
    half_deg: float,
    *,
    causal: bool = False,
) -> NDArray[np.float64]:
    """Return sums (N, K) over the windows of disks; NaN where maps are missing.

    Parameters
    ----------
    per_column : ndarray, shape (K, columns)
    cells, times, half_deg, causal
        As for `totals_of`.
    """
    at, half = cells.column(carrington_times(times)), half_deg / CELL_DEG
    if causal:
        east = at - _ROTATION_DEG / CELL_DEG
        return _sums(per_column, cells, at - half, at) + _sums(per_column, cells, east, east + half)
    return _sums(per_column, cells, at - half, at + half)


def _sums(
    per_column: NDArray[np.float64],
    cells: Cells,
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> NDArray[np.float64]:
    edges = np.arange(per_column.shape[1] + 1)

    def between(row: NDArray[np.float64]) -> NDArray[np.float64]:
        running = np.concatenate([[0], np.cumsum(row)])
        return np.asarray(np.interp(high, edges, running) - np.interp(low, edges, running))

    covered = between(cells.observed.astype(np.float64)) / (high - low) > 0.999
    whole = covered & (low >= 0) & (high <= per_column.shape[1])
    sums = np.stack([between(row) for row in per_column], axis=1)
    return np.where(whole[:, None], sums, np.nan)


def out_of_fold(
    per_member: Sequence[NDArray[np.float64]],
    folds: Sequence[Sequence[int]],
    times: Times,
) -> Disks:
    """Keep what members say about years that they were not fitted to.

    Parameters
    ----------
    per_member : sequence of ndarray, shape (N, N_CLASSES)
        From `totals_of`, one per fold.
    folds : sequence of sequence of int
        The years that each member was not fitted to.
    times : ndarray of datetime64[s], shape (N,)
        Of a year in no fold the mean of all members is kept.
    """
    of = times.astype("datetime64[Y]").astype(int) + 1970
    totals = np.mean(per_member, axis=0)
    for member, fold in zip(per_member, folds, strict=True):
        here = np.isin(of, fold)
        totals[here] = member[here]
    kept = np.isfinite(totals).all(axis=1)
    return Disks(times=times[kept], totals=totals[kept], years=of[kept])


def carrington_times(times: Times) -> NDArray[np.float64]:
    """Return `flaremon.training.synoptic.carrington_time` of instants, degrees."""
    return np.array([_carrington_time(time) for time in times])


@lru_cache(maxsize=100_000)
def _carrington_time(time: np.datetime64) -> float:
    return carrington_time(time.astype("datetime64[s]").item().replace(tzinfo=UTC))
