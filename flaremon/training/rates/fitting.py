"""From the disk's rates and recent flares to numbers of flares in a window, and thresholds.

Two parameters per event without recent flares, eight with them, fitted to hours that no member
was fitted to. The slope makes up for flares that come in clusters and for what the map's age
hides; the offset for the part of the Sun that is not seen, and for the length of the window.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from flaremon.domain import FlareEvent
from flaremon.training.labels import UNKNOWN, YES, FlareList, Times, label
from flaremon.training.rates.disks import Disks
from flaremon.training.scores import best_threshold

_CLASS_FLUX = (1e-6, 1e-5, 1e-4)
_BACK_H = (24, 72)
_TINY_RATE = 1e-6
"""As in `flaremon.network.rates`."""
_RIDGE = 1e-3
_LEAST_SLOPE = 0.2


def recent_counts(flares: FlareList, times: Times) -> NDArray[np.float64]:
    """Return counts (N, 6) of recent flares as `flaremon.inference.activity_counts` orders them.

    NaN where the list does not answer for all of the last 72 h.
    """
    columns = []
    for hours in _BACK_H:
        since = times - np.timedelta64(hours * 3600, "s")
        for flux in _CLASS_FLUX:
            start = flares.start[flares.flux_w_m2 >= flux * (1 - 1e-6)]
            until, before = (np.searchsorted(start, t, side="right") for t in (times, since))
            columns.append(until - before)
    counts = np.stack(columns, axis=1).astype(np.float64)
    longest = FlareEvent.parse(f"C1+/{max(_BACK_H)}h")
    since = times - np.timedelta64(max(_BACK_H) * 3600, "s")
    counts[label(flares, longest, since) == UNKNOWN] = np.nan
    return counts


def fit_events(
    disks: Disks, events: Sequence[FlareEvent], levels: Sequence[int], flares: FlareList
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the weights ``plain`` (E, 2) and ``informed`` (E, 8) of `RateMap`.

    Parameters
    ----------
    disks : Disks
        Hours that the rates were not fitted to.
    events, levels
        What is answered, and of which class's rate.
    flares : FlareList
        What happened.
    """
    counts = recent_counts(flares, disks.times)
    plain, informed = [], []
    for event, level in zip(events, levels, strict=True):
        rate = np.log(disks.totals[:, [level]] + _TINY_RATE)
        both = np.concatenate([rate, np.log1p(counts)], axis=1)
        plain.append(fit_inputs(rate, event, disks.times, flares))
        informed.append(fit_inputs(both, event, disks.times, flares))
    return np.array(plain, np.float32), np.array(informed, np.float32)


def fit_inputs(
    inputs: NDArray[np.float64], event: FlareEvent, times: Times, flares: FlareList
) -> NDArray[np.float64]:
    """Return weights (1 + K,) of any inputs (N, K) of hours; NaN and unknown hours do not count."""
    outcome = label(flares, event, times)
    known = (outcome != UNKNOWN) & np.isfinite(inputs).all(axis=1)
    return _fit(inputs[known], outcome[known] == YES)


def numbers(weights: NDArray[np.float64], inputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log numbers of flares (N,) from weights (1 + K,) and inputs (N, K)."""
    return np.asarray(weights[0] + inputs @ weights[1:])


def _fit(inputs: NDArray[np.float64], yes: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return offset, slope and other weights by likelihood, with a light ridge on the latter."""

    def cost(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        number = np.exp(np.clip(numbers(weights, inputs), -20, 5))
        none = np.exp(-number)
        some = np.maximum(-np.expm1(-number), 1e-12)
        loss = np.where(yes, -np.log(some), number).mean() + _RIDGE * (weights[2:] ** 2).sum()
        slope = np.where(yes, -number * none / some, number) / len(yes)
        gradient = np.concatenate([[slope.sum()], slope @ inputs])
        gradient[2:] += 2 * _RIDGE * weights[2:]
        return float(loss), gradient

    start = np.zeros(1 + inputs.shape[1])
    start[1] = 1.0
    bounds = [(None, None), (_LEAST_SLOPE, None)] + [(None, None)] * (inputs.shape[1] - 1)
    return np.asarray(minimize(cost, start, jac=True, method="L-BFGS-B", bounds=bounds).x)


def thresholds(
    disks: Disks, plain: NDArray[np.float32], events: Sequence[FlareEvent],
    levels: Sequence[int], flares: FlareList, years: Sequence[int],
) -> list[float]:  # fmt: skip
    """Return per event the probability that had the best TSS in the out-of-fold hours of years."""
    found = []
    there = np.isin(disks.years, years)
    for event, level, weights in zip(events, levels, plain, strict=True):
        outcome = label(flares, event, disks.times)
        known = there & (outcome != UNKNOWN)
        rate = np.log(disks.totals[known][:, [level]] + _TINY_RATE)
        probability = -np.expm1(-np.exp(numbers(weights.astype(np.float64), rate)))
        found.append(best_threshold((outcome[known] == YES).astype(np.int8), probability))
    return found
