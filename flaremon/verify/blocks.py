"""Block bootstrap over sums: hourly samples are not independent, so whole blocks are drawn.

A forecast's figures depend on its hours only through sums (counts, squared errors, sums per
probability bin, counts per rank), so each block is reduced to its sums once, and a draw of blocks
is a weighted sum of them: one matrix product instead of a million rows per draw. Blocks as in
Künsch 1989 (Ann. Statist. 17, 1217), without overlap; percentile intervals.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from flaremon.verify.labels import Times

BlockName = Literal["auto", "day", "rotation"]
DAY_D, ROTATION_D = 1.0, 27.2753
"""Lengths of blocks: a synodic (Carrington) rotation is the longest memory the Sun has here."""
ENOUGH_ROTATIONS = 20
"""With fewer blocks a percentile interval is clearly too narrow, so days are the lesser evil."""
MIN_BLOCKS = 10
"""With fewer blocks there is no interval: the 2.5 % quantile of so few is not worth printing."""
CHUNK = 100
"""Draws at once: 33 MB of weights for a century of days."""


def blocks_of(times: Times, block: BlockName = "auto") -> tuple[NDArray[np.intp], str]:
    """Return the number of the block of each of ascending times, counted from 0.

    Parameters
    ----------
    times : ndarray of datetime64[s], shape (N,)
    block
        ``auto`` takes rotations where there are `ENOUGH_ROTATIONS` of them, else days.

    Returns
    -------
    ndarray of int, shape (N,)
        Without holes.
    str
        ``day`` or ``rotation``.
    """
    days = (times - np.datetime64("2010-01-01", "s")) / np.timedelta64(1, "D")
    if block == "auto":
        rotations = np.unique(np.floor(days / ROTATION_D)).size
        block = "rotation" if rotations >= ENOUGH_ROTATIONS else "day"
    length_d = ROTATION_D if block == "rotation" else DAY_D
    _, numbers = np.unique(np.floor(days / length_d), return_inverse=True)
    return numbers, block


def draws(blocks: int, repeats: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Yield how often each block is drawn, in chunks of shape (blocks, <= `CHUNK`)."""
    rng = np.random.default_rng(seed)
    for start in range(0, repeats, CHUNK):
        chunk = min(CHUNK, repeats - start)
        weights = np.empty((chunk, blocks))
        for row in weights:
            row[:] = np.bincount(rng.integers(0, blocks, blocks), minlength=blocks)
        yield np.ascontiguousarray(weights.T)


def interval(values: NDArray[np.float64]) -> tuple[float, float] | None:
    """Return the 95 % interval of drawn figures.

    None where more than one draw in twenty had no such figure (no event was drawn): the
    interval of the others would be one of another, luckier sample.
    """
    finite = values[np.isfinite(values)]
    if len(finite) == 0 or len(finite) < 0.95 * len(values):
        return None
    low, high = np.quantile(finite, [0.025, 0.975]).tolist()
    return low, high
