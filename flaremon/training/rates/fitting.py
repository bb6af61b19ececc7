"""From the disk's rates and recent flares to numbers of flares in a window, and thresholds.

Two parameters per event without recent flares, five with them, fitted to hours that no member
was fitted to. The slope makes up for flares that come in clusters and for what the map's age
hides; the offset for the part of the Sun that is not seen, and for the length of the window.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from flaremon.domain import ACTIVITY_REACH, FlareClass, FlareEvent
from flaremon.inference.activity import decaying_sums
from flaremon.network import RateConfig
from flaremon.network.rates import SUM_FLOOR
from flaremon.training.labels import UNKNOWN, YES, FlareList, Times, label
from flaremon.training.rates.disks import Disks
from flaremon.training.scores import best_threshold

_LEAST = FlareEvent(FlareClass.parse("C1"), ACTIVITY_REACH)
TINY_RATE = 1e-6
"""As in `flaremon.network.rates`."""
_RIDGE = 1e-3
_LEAST_SLOPE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """A Gaussian about weights that are expected; the offset is free."""

    weights: NDArray[np.float64] | float = 0.0
    """Expected values of the weights from the number `first` on."""
    first: int = 2
    ridge: float = _RIDGE
    """Loss per square of the distance from them."""


def recent_sums(flares: FlareList, times: Times) -> NDArray[np.float64]:
    """Return sums (N, kinds, decays) over recent flares as `flaremon.inference.activity` has them.

    NaN where the list does not answer for all of the reach.
    """
    large = flares.at_least(_LEAST.threshold)
    start, flux = flares.start[large], flares.flux_w_m2[large]
    since = times - np.timedelta64(ACTIVITY_REACH // timedelta(seconds=1), "s")
    first, last = (np.searchsorted(start, t, side="right") for t in (since, times))
    counts = last - first
    rows = np.repeat(np.arange(len(times)), counts)
    # The flares of an answer are neighbours in the list.
    which = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts - first, counts)
    ages_h = (times[rows] - start[which]) / np.timedelta64(1, "h")
    sums = decaying_sums(rows, ages_h, flux[which], len(times))
    sums[label(flares, _LEAST, since) == UNKNOWN] = np.nan
    return sums


def recent_logs(sums: NDArray[np.float64], kind: int) -> NDArray[np.float64]:
    """Return the inputs (N, decays) that the network's last step has of sums of one kind."""
    return np.asarray(np.log(sums[:, kind] + SUM_FLOOR))


def rate_logs(totals: NDArray[np.float64], level: int) -> NDArray[np.float64]:
    """Return the input (N, 1) that the network's last step has of nested rates (N, classes)."""
    return np.asarray(np.log(totals[:, [level]] + TINY_RATE))


def fit_events(
    disks: Disks, events: Sequence[FlareEvent], config: RateConfig, flares: FlareList
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the weights ``plain`` (E, 2) and ``informed`` (E, 2 + decays) of `RateMap`.

    Parameters
    ----------
    disks : Disks
        Hours that the rates were not fitted to.
    events : sequence of FlareEvent
        What is answered.
    config : RateConfig
        Of which class's rate, and of which kind of sums over recent flares, each event is.
    flares : FlareList
        What happened.
    """
    sums = recent_sums(flares, disks.times)
    plain, informed = [], []
    for event, level, kind in zip(events, config.event_classes, config.event_kinds, strict=True):
        rate = rate_logs(disks.totals, level)
        both = np.concatenate([rate, recent_logs(sums, kind)], axis=1)
        plain.append(fit_inputs(rate, event, disks.times, flares))
        informed.append(fit_inputs(both, event, disks.times, flares))
    return np.array(plain, np.float32), np.array(informed, np.float32)


def fit_inputs(
    inputs: NDArray[np.float64], event: FlareEvent, times: Times, flares: FlareList
) -> NDArray[np.float64]:
    """Return weights (1 + K,) of any inputs (N, K) of hours; NaN and unknown hours do not count."""
    outcome = label(flares, event, times)
    known = (outcome != UNKNOWN) & np.isfinite(inputs).all(axis=1)
    return fit_weights(inputs[known], outcome[known] == YES)


def numbers(weights: NDArray[np.float64], inputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log numbers of flares (N,) from weights (1 + K,) and inputs (N, K)."""
    return np.asarray(weights[0] + inputs @ weights[1:])


def fit_weights(
    inputs: NDArray[np.float64], yes: NDArray[np.bool_], prior: Prior | None = None
) -> NDArray[np.float64]:
    """Return offset, slope and other weights by likelihood; by default a light ridge on the latter.

    Parameters
    ----------
    inputs : ndarray, shape (N, K)
        Finite.
    yes : ndarray of bool, shape (N,)
        Whether the event occurred.
    prior : Prior, optional
    """
    drawn = prior or Prior()

    def cost(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        number = np.exp(np.clip(numbers(weights, inputs), -20, 5))
        none = np.exp(-number)
        some = np.maximum(-np.expm1(-number), 1e-12)
        off = weights[drawn.first :] - drawn.weights
        loss = np.where(yes, -np.log(some), number).mean() + drawn.ridge * (off**2).sum()
        slope = np.where(yes, -number * none / some, number) / len(yes)
        gradient = np.concatenate([[slope.sum()], slope @ inputs])
        gradient[drawn.first :] += 2 * drawn.ridge * off
        return float(loss), gradient

    start = np.zeros(1 + inputs.shape[1])
    start[1] = 1.0
    bounds = [(None, None), (_LEAST_SLOPE, None)] + [(None, None)] * (inputs.shape[1] - 1)
    return np.asarray(minimize(cost, start, jac=True, method="L-BFGS-B", bounds=bounds).x)


def thresholds(
    probabilities: NDArray[np.float64],
    events: Sequence[FlareEvent],
    times: Times,
    flares: FlareList,
) -> tuple[float, ...]:
    """Return per event the probability that has the best TSS, to three digits.

    Parameters
    ----------
    probabilities : ndarray, shape (N, E)
        NaN does not count.
    events, times, flares
        What is answered, when, and what happened.
    """
    found = []
    for event, said in zip(events, probabilities.T, strict=True):
        outcome = label(flares, event, times)
        known = (outcome != UNKNOWN) & np.isfinite(said)
        best = best_threshold((outcome[known] == YES).astype(np.int8), said[known])
        found.append(round(min(max(best, 0.001), 0.999), 3))
    return tuple(found)


def probabilities(weights: NDArray[np.float64], inputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability of at least one flare (N,), as `numbers` says."""
    return np.asarray(-np.expm1(-np.exp(numbers(weights, inputs))))
