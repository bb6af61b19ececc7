"""A network against hours it has not seen, beside climatology and persistence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import FlareEvent
from flaremon.package import EventSpec
from flaremon.training.baselines import persistence, trailing_climatology
from flaremon.training.labels import UNKNOWN, YES, FlareList, Times, label
from flaremon.training.report import Figure, Forecaster, Verification
from flaremon.training.scores import (
    Contingency,
    Labels,
    Probabilities,
    best_threshold,
    brier_skill,
    calibration_error,
    intervals,
    reliability,
    roc_auc,
)

ROTATION_D = 27.2753
NETWORK, TRAILING, PERSISTENCE = "network", "trailing climatology", "persistence"
_FIGURES = ("tss", "tss_hindsight", "hss", "bss", "auc", "ece")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Observations that were scored."""

    name: str
    times: Times
    logits: NDArray[np.float64]
    """Of the network, shape (N, events)."""
    others: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    """Probabilities of other forecasters, shape (N, events)."""
    pairs: tuple[tuple[str, str], ...] = ()
    """Forecasters whose Brier skill over another is wanted, beside the usual ones."""
    block: str = "solar rotation"
    block_d: float = ROTATION_D


def verify(
    hours: Hours, specs: Sequence[EventSpec], flares: FlareList, *, repeats: int = 1000
) -> list[Verification]:
    """Judge a network on some hours, one verification per event.

    Parameters
    ----------
    hours : Hours
        Times and logits, with events in the order of `specs`.
    specs : sequence of EventSpec
        Events and thresholds.
    flares : FlareList
        What happened.
    repeats : int
        Of the bootstrap.
    """
    return [
        _verify_event(hours, column, spec, flares, repeats) for column, spec in enumerate(specs)
    ]


def _verify_event(
    hours: Hours, column: int, spec: EventSpec, flares: FlareList, repeats: int
) -> Verification:
    outcome = label(flares, spec.event, hours.times)
    known = outcome != UNKNOWN
    times, labels = hours.times[known], outcome[known]
    blocks = _blocks(times, hours.block_d)
    summary = Verification(
        hours=hours.name,
        event=str(spec.event),
        start=f"{hours.times.min()}Z",
        end=f"{hours.times.max()}Z",
        n=int(known.sum()),
        positives=int(np.sum(labels == YES)),
        unknown=int(np.sum(~known)),
        blocks=len(np.unique(blocks)),
        block=hours.block,
    )
    if not known.any():
        return summary
    forecasts = {
        NETWORK: 1 / (1 + np.exp(-hours.logits[known, column])),
        TRAILING: trailing_climatology(flares, spec.event, times),
        PERSISTENCE: persistence(flares, spec.event, times),
        **{name: values[known, column] for name, values in hours.others.items()},
    }
    draws = _Draws(blocks=blocks, repeats=repeats)
    forecasters, paired = _compare(labels, forecasts, spec.threshold, hours.pairs, draws)
    return replace(
        summary,
        forecasters=forecasters,
        paired=paired,
        reliability=tuple(reliability(labels, forecasts[NETWORK])),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draws:
    """Of the bootstrap."""

    blocks: NDArray[np.int64]
    repeats: int


def _compare(
    labels: Labels,
    forecasts: Mapping[str, Probabilities],
    threshold: float,
    wanted: tuple[tuple[str, str], ...],
    draws: _Draws,
) -> tuple[tuple[Forecaster, ...], Mapping[str, Figure]]:
    """Return figures of all forecasters at one threshold, and paired ones of the network."""
    keys = [(name, figure) for name in forecasts for figure in _FIGURES]
    pairs = (
        f"bss over {TRAILING}",
        f"tss minus {PERSISTENCE}",
        *(f"bss of {one} over {other}" for one, other in wanted),
    )

    def figures(index: NDArray[np.intp]) -> NDArray[np.float64]:
        y = labels[index]
        p = {name: values[index] for name, values in forecasts.items()}
        row = {name: _figures(y, values, threshold) for name, values in p.items()}
        over_trailing = brier_skill(y, p[NETWORK], p[TRAILING])
        tss_gain = row[NETWORK]["tss"] - row[PERSISTENCE]["tss"]
        over = [brier_skill(y, p[one], p[other]) for one, other in wanted]
        return np.array([*(row[name][key] for name, key in keys), over_trailing, tss_gain, *over])

    values = figures(np.arange(len(labels)))
    low, high = intervals(figures, draws.blocks, repeats=draws.repeats)
    found = [
        Figure(value=v, low=lo, high=hi)
        for v, lo, hi in zip(values.tolist(), low.tolist(), high.tolist(), strict=True)
    ]
    by_key = dict(zip([*keys, *pairs], found, strict=True))
    forecasters = tuple(
        Forecaster(
            name=name,
            threshold=threshold,
            mean_probability=float(p.mean()),
            contingency=Contingency.of(labels, p >= threshold),
            figures={figure: by_key[name, figure] for figure in _FIGURES},
        )
        for name, p in forecasts.items()
    )
    return forecasters, {pair: by_key[pair] for pair in pairs}


def _figures(labels: Labels, probabilities: Probabilities, threshold: float) -> dict[str, float]:
    counts = Contingency.of(labels, probabilities >= threshold)
    best = Contingency.of(labels, probabilities >= best_threshold(labels, probabilities))
    sample = np.full(len(labels), labels.mean())
    return {
        "tss": counts.tss,
        "tss_hindsight": best.tss,
        "hss": counts.hss,
        "bss": brier_skill(labels, probabilities, sample),
        "auc": roc_auc(labels, probabilities),
        "ece": calibration_error(labels, probabilities),
    }


def climatology(flares: FlareList, event: FlareEvent, times: Times) -> float:
    """Return the share of known hours with the event."""
    outcome = label(flares, event, times)
    return float(np.mean(outcome[outcome != UNKNOWN] == YES))


def _blocks(times: Times, length_d: float) -> NDArray[np.int64]:
    days = (times - np.datetime64("2010-01-01", "s")) / np.timedelta64(1, "D")
    return np.asarray(np.floor(days / length_d), dtype=np.int64)
