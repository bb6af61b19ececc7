"""A network against hours it has not seen, beside climatology and persistence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import FlareEvent
from flaremon.package import EventSpec
from flaremon.training.baselines import persistence, trailing_climatology
from flaremon.training.labels import UNKNOWN, YES, FlareList, Times, label
from flaremon.training.report import Contingency, Figure, Forecaster, Verification
from flaremon.training.scores import FIGURES, Scored, interval, score
from flaremon.verify.sums import Sums

ROTATION_D = 27.2753
NETWORK, TRAILING, PERSISTENCE = "network", "trailing climatology", "persistence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Observations that were scored."""

    name: str
    times: Times
    logits: NDArray[np.float64]
    """Of the network, shape (N, events)."""
    others: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    """Probabilities of other forecasters, shape (N, events); NaN in the column of an event that
    one does not answer: it is left out there, and so is what would be paired with it."""
    pairs: tuple[tuple[str, str], ...] = ()
    """Forecasters whose Brier skill over another is wanted, beside the usual ones."""
    tss_pairs: tuple[tuple[str, str], ...] = ()
    """Forecasters whose TSS, each at its own threshold, is wanted less another's."""
    thresholds: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Per event, of forecasters that have other thresholds than the network."""
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
    if not 0 < summary.positives < summary.n:
        return summary
    forecasts = {
        NETWORK: 1 / (1 + np.exp(-hours.logits[known, column])),
        TRAILING: trailing_climatology(flares, spec.event, times),
        PERSISTENCE: persistence(flares, spec.event, times),
        **{
            name: values[known, column]
            for name, values in hours.others.items()
            if np.isfinite(values[known, column]).all()
        },
    }
    cuts = {
        name: hours.thresholds[name][column] if name in hours.thresholds else spec.threshold
        for name in forecasts
    }
    scored = score(
        labels, {name: (said, cuts[name]) for name, said in forecasts.items()}, blocks,
        repeats=repeats,
    )  # fmt: skip
    return replace(
        summary,
        forecasters=tuple(
            Forecaster(
                name=name,
                threshold=cuts[name],
                mean_probability=float(forecasts[name].mean()),
                contingency=_contingency(found.whole),
                figures={figure: _figure(found.values[figure]) for figure in FIGURES},
            )
            for name, found in scored.items()
        ),
        paired={name: _figure(values) for name, values in _paired(scored, hours).items()},
        reliability=tuple(
            (int(n), float(total / n), float(events / n))
            for n, total, events in scored[NETWORK].whole.bins[0]
            if n
        ),
    )


def _paired(scored: Mapping[str, Scored], hours: Hours) -> Mapping[str, NDArray[np.float64]]:
    """Return figures of two forecasters on the same hours and draws, shape (1 + draws,)."""
    skills = [(NETWORK, TRAILING), *(p for p in hours.pairs if set(p) <= set(scored))]
    gains = [(NETWORK, PERSISTENCE), *(p for p in hours.tss_pairs if set(p) <= set(scored))]
    over = [scored[one].skill_over(scored[other]) for one, other in skills]
    more = [scored[one].values["tss"] - scored[other].values["tss"] for one, other in gains]
    names = (
        f"bss over {TRAILING}",
        f"tss minus {PERSISTENCE}",
        *(f"bss of {one} over {other}" for one, other in skills[1:]),
        *(f"tss of {one} minus {other}" for one, other in gains[1:]),
    )
    return dict(zip(names, [over[0], more[0], *over[1:], *more[1:]], strict=True))


def _figure(values: NDArray[np.float64]) -> Figure:
    """Return the figure of the hours themselves, first, and the interval of the draws."""
    low, high = interval(values[1:])
    return Figure(value=float(values[0]), low=low, high=high)


def _contingency(sums: Sums) -> Contingency:
    tp, fp, fn, tn = (int(count[0]) for count in (sums.tp, sums.fp, sums.fn, sums.tn))
    return Contingency(tp=tp, fp=fp, fn=fn, tn=tn)


def climatology(flares: FlareList, event: FlareEvent, times: Times) -> float:
    """Return the share of known hours with the event."""
    outcome = label(flares, event, times)
    return float(np.mean(outcome[outcome != UNKNOWN] == YES))


def _blocks(times: Times, length_d: float) -> NDArray[np.int64]:
    days = (times - np.datetime64("2010-01-01", "s")) / np.timedelta64(1, "D")
    return np.asarray(np.floor(days / length_d), dtype=np.int64)
