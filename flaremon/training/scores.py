"""The figures of cards: those of `flaremon.verify`, all forecasters on the same draws of blocks.

What is added here is the best threshold, in hindsight and for packages, and that areas under the
ROC curve are exact in every draw: a card has thousands of hours, where verification has millions
and joins neighbouring ranks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from flaremon.verify.blocks import draws
from flaremon.verify.skill import brier_skill, figures
from flaremon.verify.sums import Labels, Probabilities, Sums, area, block_sums, unpack

if TYPE_CHECKING:
    from scipy.sparse import csr_array

FIGURES = ("tss", "tss_hindsight", "hss", "bss", "auc", "ece")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One forecaster on the hours themselves, and on draws of their blocks."""

    whole: Sums
    """Of the hours themselves."""
    values: Mapping[str, NDArray[np.float64]]
    """By the names of `FIGURES`, and ``squared_error``: first on the hours themselves, then on
    every draw, shape (1 + draws,); NaN where undefined."""

    def skill_over(self, other: "Scored") -> NDArray[np.float64]:
        """Return the Brier skill score over another forecaster, as `values` are."""
        return brier_skill(self.values["squared_error"], other.values["squared_error"])


def score(
    labels: Labels,
    forecasts: Mapping[str, tuple[Probabilities, float]],
    blocks: NDArray[np.int64],
    *,
    repeats: int = 1000,
    seed: int = 0,
) -> Mapping[str, Scored]:
    """Score forecasters on hours, and on draws of their blocks.

    Parameters
    ----------
    labels : ndarray of int8, shape (N,)
        1 or 0; unknown hours are left out before.
    forecasts : mapping
        By name: probabilities, shape (N,), and the threshold from which they say yes.
    blocks : ndarray of int64, shape (N,)
        Which block each hour is in. Hourly samples are not independent, so intervals resample
        whole blocks (a solar rotation, a day).
    repeats, seed : int
        Of the bootstrap. All forecasters see the same draws, so a difference is a paired one.
    """
    names, numbers = np.unique(blocks, return_inverse=True)
    found = {}
    for name, (said, threshold) in forecasts.items():
        sums = block_sums(labels, said, said, threshold=threshold, blocks=numbers)
        ranks = _ranks(labels, said, numbers)
        parts = [
            _figures(unpack(weights.T @ sums.dense), ranks @ weights)
            for weights in (
                np.ones((len(names), 1)),
                *draws(len(names), repeats, seed),
            )
        ]
        values = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        found[name] = Scored(whole=unpack(sums.dense.sum(axis=0, keepdims=True)), values=values)
    return found


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % interval of drawn figures; draws that have none are left out.

    NaN where none has one.
    """
    defined = values[np.isfinite(values)]
    if not defined.size:
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [0.025, 0.975]).tolist()
    return low, high


def best_threshold(labels: Labels, probabilities: Probabilities) -> float:
    """Return the probability that gives the greatest TSS, half way to the next lower one."""
    values = np.unique(probabilities)
    if len(values) < 2:
        return float(values[0])
    cuts = (values[1:] + values[:-1]) / 2
    yes = np.sort(probabilities[labels == 1])
    no = np.sort(probabilities[labels == 0])
    missed = np.searchsorted(yes, cuts) / max(len(yes), 1)
    quiet = np.searchsorted(no, cuts) / max(len(no), 1)
    return float(cuts[np.argmax(quiet - missed)])


def _ranks(labels: Labels, said: Probabilities, blocks: NDArray[np.int64]) -> "csr_array":
    """Return events, then quiet hours, per distinct probability, shape (2 K, blocks)."""
    from scipy.sparse import coo_array  # noqa: PLC0415

    distinct, rank = np.unique(said, return_inverse=True)
    place = np.where(labels == 1, rank, rank + len(distinct))
    shape = (2 * len(distinct), int(blocks.max()) + 1)
    return coo_array((np.ones(len(labels)), (place, blocks)), shape=shape).tocsr()


def _figures(sums: Sums, ranks: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return figures (R,) of R samples; `ranks` has shape (2 K, R)."""
    events, quiet = np.split(np.asarray(ranks), 2)
    standard = figures(sums)
    return {
        "tss": standard["tss"],
        "tss_hindsight": _best_tss(events, quiet),
        "hss": standard["hss"],
        "bss": standard["bss"],
        "auc": area(events, quiet),
        "ece": standard["ece"],
        "squared_error": sums.squared_error,
    }


def _best_tss(events: NDArray[np.float64], quiet: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the TSS (R,) of the best threshold between two probabilities that were said.

    Parameters
    ----------
    events, quiet : ndarray, shape (K, R)
        Hours per distinct probability, ascending.
    """
    missed, refused = np.cumsum(events, axis=0), np.cumsum(quiet, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):  # a draw without events has no TSS
        tss = refused / refused[-1] - missed / missed[-1]
    below = missed + refused
    between = (below > 0) & (below < below[-1])
    best = np.where(between, tss, -np.inf).max(axis=0)
    # Where all hours have one probability every threshold calls all of them, or none.
    best = np.where(between.any(axis=0), best, 0.0)
    return np.where((missed[-1] > 0) & (refused[-1] > 0), best, np.nan)
