"""A forecast's hours as sums per block, from which every figure follows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Probabilities = NDArray[np.float64]
Threshold = float | NDArray[np.float64]
"""For all hours, or of each hour, shape (N,)."""
Labels = NDArray[np.int8]
"""1 or 0; unknown hours are left out before."""

BINS = 10
"""Bins of the reliability diagram, of equal width."""
RANKS = 1024
"""Bins of the ranks for the ROC area in the bootstrap; pairs within one count half, which moves
an area by less than 0.0005."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Sums of R samples of hours (R = 1, the number of blocks, or of draws).

    All arrays are float64, since draws weigh blocks with whole numbers.
    """

    tp: NDArray[np.float64]
    """Answers "flare" with an event, shape (R,); `fp`, `fn`, `tn` likewise."""
    fp: NDArray[np.float64]
    fn: NDArray[np.float64]
    tn: NDArray[np.float64]
    squared_error: NDArray[np.float64]
    """Of the probabilities, shape (R,)."""
    reference_error: NDArray[np.float64]
    """Squared error of the trailing climatology on the same hours, shape (R,)."""
    bins: NDArray[np.float64]
    """Hours, sum of probabilities, and events per bin, shape (R, BINS, 3)."""

    @property
    def n(self) -> NDArray[np.float64]:
        """Hours, shape (R,)."""
        return self.tp + self.fp + self.fn + self.tn

    @property
    def events(self) -> NDArray[np.float64]:
        """Hours with an event, shape (R,)."""
        return self.tp + self.fn


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSums:
    """The sums of every block."""

    dense: NDArray[np.float64]
    """Shape (blocks, 6 + 3 BINS), see `unpack`."""
    ranks: "csr_array"
    """Events, then quiet hours per rank bin, shape (2 K, blocks)."""

    def drawn(self, weights: NDArray[np.float64]) -> tuple[Sums, NDArray[np.float64]]:
        """Return the sums and ROC areas of R draws; weights have shape (blocks, R)."""
        counts = np.asarray(self.ranks @ weights)
        events, quiet = np.split(counts, 2)
        return unpack(weights.T @ self.dense), area(events, quiet)


def block_sums(
    labels: Labels,
    probabilities: Probabilities,
    reference: Probabilities,
    *,
    threshold: Threshold,
    blocks: NDArray[np.intp],
) -> BlockSums:
    """Reduce hours to the sums of their blocks; all arrays have shape (N,)."""
    from scipy.sparse import coo_array  # noqa: PLC0415 - only verification pays for it

    count = int(blocks.max()) + 1
    yes, said = labels == 1, probabilities >= threshold
    columns = [yes & said, ~yes & said, yes & ~said, ~yes & ~said]
    columns += [(probabilities - labels) ** 2, (reference - labels) ** 2]
    dense = [np.bincount(blocks, weights=column, minlength=count) for column in columns]
    cell = blocks * BINS + bin_of(probabilities)
    for weights in (None, probabilities, labels):
        total = np.bincount(cell, weights=weights, minlength=count * BINS)
        dense += list(total.reshape(count, BINS).T.astype(np.float64))
    rank, size = rank_bins(probabilities)
    place = np.where(yes, rank, rank + size)
    sparse = coo_array((np.ones(len(labels)), (place, blocks)), shape=(2 * size, count))
    return BlockSums(dense=np.stack(dense, axis=1), ranks=sparse.tocsr())


def unpack(dense: NDArray[np.float64]) -> Sums:
    """Name the columns of `BlockSums.dense`, or of weighted sums of its rows, shape (R, ...)."""
    names = ("tp", "fp", "fn", "tn", "squared_error", "reference_error")
    bins = dense[:, len(names) :].reshape(len(dense), 3, BINS).transpose(0, 2, 1)
    return Sums(**dict(zip(names, dense.T, strict=False)), bins=bins)


def bin_of(probabilities: Probabilities) -> NDArray[np.intp]:
    """Return the reliability bin of each probability; the last one includes 1."""
    return np.minimum((probabilities * BINS).astype(np.intp), BINS - 1)


def rank_bins(probabilities: Probabilities) -> tuple[NDArray[np.intp], int]:
    """Rank probabilities, equal ones alike; where more than `RANKS` differ, neighbours share.

    Returns
    -------
    ndarray of int, shape (N,)
    int
        How many numbers there are.
    """
    values, rank, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
    if len(values) <= RANKS:
        return rank, len(values)
    middle = np.cumsum(counts) - counts / 2
    joined = np.minimum((middle * RANKS / len(probabilities)).astype(np.intp), RANKS - 1)
    return joined[rank], RANKS


def area(events: NDArray[np.float64], quiet: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the area under the ROC curve: Mann-Whitney's U over all pairs, ties half.

    Parameters
    ----------
    events, quiet : ndarray, shape (K, R)
        Hours per rank, ascending.
    """
    below = np.cumsum(quiet, axis=0) - quiet / 2
    pairs = events.sum(axis=0) * quiet.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):  # a draw without events has no area
        return np.asarray((events * below).sum(axis=0) / pairs)
