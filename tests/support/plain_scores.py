"""Contingency, Brier, ROC and reliability figures by their definitions, hour by hour: an oracle.

Bloomfield et al. 2012 (arXiv:1202.5995) and Leka et al. 2019 (arXiv:1907.02905).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.float64]
Labels = NDArray[np.int8]
"""1 or 0; unknown hours are left out before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contingency:
    """Counts of yes/no answers against what happened."""

    tp: int
    fp: int
    fn: int
    tn: int

    @classmethod
    def of(cls, labels: Labels, answers: NDArray[np.bool_]) -> "Contingency":
        """Count."""
        yes = labels == 1
        return cls(
            tp=int(np.sum(yes & answers)),
            fp=int(np.sum(~yes & answers)),
            fn=int(np.sum(yes & ~answers)),
            tn=int(np.sum(~yes & ~answers)),
        )

    @property
    def tss(self) -> float:
        """True skill statistic: share of events found - share of quiet hours called."""
        return _ratio(self.tp, self.tp + self.fn) - _ratio(self.fp, self.fp + self.tn)

    @property
    def hss(self) -> float:
        """Heidke skill score: accuracy over that of random answers with the same totals."""
        p, n = self.tp + self.fn, self.fp + self.tn
        return _ratio(
            2 * (self.tp * self.tn - self.fn * self.fp),
            p * (self.fn + self.tn) + (self.tp + self.fp) * n,
        )


def brier(labels: Labels, probabilities: Probabilities) -> float:
    """Return the mean squared difference of probability and outcome."""
    return float(np.mean((probabilities - labels) ** 2))


def brier_skill(labels: Labels, probabilities: Probabilities, reference: Probabilities) -> float:
    """Return 1 - BS / BS of the reference: 0 is as good, 1 perfect, negative worse."""
    return 1 - _ratio(brier(labels, probabilities), brier(labels, reference))


def roc_auc(labels: Labels, probabilities: Probabilities) -> float:
    """Return the chance that an event's probability is above a quiet hour's (ties count half)."""
    _, place, count = np.unique(probabilities, return_inverse=True, return_counts=True)
    events = np.bincount(place, weights=labels == 1, minlength=len(count))
    quiet = count - events
    below = np.cumsum(quiet) - quiet / 2
    return _ratio(float(events @ below), float(events.sum() * quiet.sum()))


def reliability(
    labels: Labels, probabilities: Probabilities, bins: int = 10
) -> list[tuple[int, float, float]]:
    """Return (count, mean probability, observed share) of equal-width bins that are not empty."""
    which = np.minimum((probabilities * bins).astype(int), bins - 1)
    return [
        (int(here.sum()), float(probabilities[here].mean()), float(labels[here].mean()))
        for here in (which == index for index in range(bins))
        if here.any()
    ]


def calibration_error(labels: Labels, probabilities: Probabilities) -> float:
    """Return the expected calibration error over ten bins."""
    rows = reliability(labels, probabilities)
    return sum(count * abs(mean - share) for count, mean, share in rows) / len(labels)


def intervals(
    figures: Callable[[NDArray[np.intp]], NDArray[np.float64]],
    blocks: NDArray[np.int64],
    *,
    repeats: int = 1000,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Return 95 % intervals, shape (2, K), of K figures by resampling blocks.

    Figures that are computed together see the same draws, so a difference is a paired one.

    Parameters
    ----------
    figures : callable
        From the indices of samples, which repeat, to K numbers. NaN are left out; where all
        are NaN the interval is, too.
    blocks : ndarray of int64, shape (N,)
        Which block each sample is in.
    repeats, seed
        Of the bootstrap.
    """
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(blocks == block) for block in np.unique(blocks)]
    values = np.array(
        [
            figures(
                np.concatenate([members[k] for k in rng.integers(0, len(members), len(members))])
            )
            for _ in range(repeats)
        ]
    )
    found = np.full((2, values.shape[1]), np.nan)
    defined = np.isfinite(values).any(axis=0)
    found[:, defined] = np.nanquantile(values[:, defined], [0.025, 0.975], axis=0)
    return found


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
