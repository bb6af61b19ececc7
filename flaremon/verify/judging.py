"""Several forecasters on the same hours and the same draws."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flaremon.verify.blocks import MIN_BLOCKS, draws, interval
from flaremon.verify.labels import Times
from flaremon.verify.skill import FIGURES, Values, brier_score, figures, roc_area
from flaremon.verify.sums import (
    BINS,
    BlockSums,
    Labels,
    Probabilities,
    Sums,
    Threshold,
    block_sums,
    unpack,
)

Drawn = Mapping[str, Values]
"""Of each forecaster: its figures, each of shape (draws,)."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours with a known outcome, in their order; all arrays have shape (N,)."""

    times: Times
    labels: Labels
    reference: Probabilities
    """Trailing climatology."""
    blocks: NDArray[np.intp]
    """Which block each is in."""
    block: str
    """What a block is."""

    @property
    def count(self) -> int:
        """Number of blocks."""
        return int(self.blocks.max()) + 1 if len(self.blocks) else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure with its 95 % interval."""

    value: float | None
    """None where it is undefined, such as FAR without any call."""
    low: float | None = None
    high: float | None = None
    """None without a bootstrap, with too few blocks, or where many draws have no such figure."""

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval is on one side of zero."""
        return self.low is not None and self.high is not None and self.low * self.high > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """One bin of the reliability diagram."""

    low: float
    high: float
    """Its edges."""
    n: int
    events: int
    mean_probability: float
    share: Figure
    """Share of its hours with an event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One forecaster's figures."""

    name: str
    threshold: float | None
    """None where it changed in the course of the hours."""
    threshold_from: str
    mean_probability: float
    tp: int
    fp: int
    fn: int
    tn: int
    figures: Mapping[str, Figure]
    """By the names of `flaremon.verify.skill.FIGURES`; empty with too few events."""
    reliability: tuple[Bin, ...]
    """Bins that are not empty."""


def judge(
    hours: Hours,
    forecasters: Mapping[str, tuple[Probabilities, tuple[Threshold, str]]],
    *,
    repeats: int,
    seed: int,
) -> tuple[tuple[Judgement, ...], Drawn]:
    """Judge forecasters on hours, with paired draws of blocks.

    Parameters
    ----------
    hours : Hours
    forecasters
        By name: probabilities, shape (N,), and the threshold with where it is from.
    repeats, seed : int
        Of the bootstrap; no draws with fewer than `MIN_BLOCKS` blocks.

    Returns
    -------
    tuple of Judgement
        In the order of `forecasters`.
    mapping
        Their drawn figures, for `differences`.
    """
    if len(hours.times) == 0:
        return tuple(_empty(name, *at) for name, (_, at) in forecasters.items()), {}
    sums = {
        name: block_sums(
            hours.labels, values, hours.reference, threshold=threshold, blocks=hours.blocks
        )
        for name, (values, (threshold, _)) in forecasters.items()
    }
    repeats = repeats if hours.count >= MIN_BLOCKS else 0
    drawn, shares = _draw(sums, hours.count, repeats, seed)
    judgements = []
    for name, (values, at) in forecasters.items():
        total = unpack(sums[name].dense.sum(axis=0, keepdims=True))
        exact = {
            **{key: float(found[0]) for key, found in figures(total).items()},
            "bs": brier_score(hours.labels, values),
            "auc": roc_area(hours.labels, values),
        }
        judgements.append(_judgement(name, at, total, exact, (drawn[name], shares[name])))
    return tuple(judgements), drawn


def differences(
    judgements: tuple[Judgement, ...], drawn: Drawn
) -> Mapping[str, Mapping[str, Figure]]:
    """Return the figures of the first minus those of each further one, draw by draw."""
    first = judgements[0]
    return {
        other.name: {
            key: _figure(
                _minus(first.figures[key].value, other.figures[key].value),
                drawn[first.name][key] - drawn[other.name][key],
            )
            for key in FIGURES
        }
        for other in judgements[1:]
    }


def _draw(
    sums: Mapping[str, BlockSums], count: int, repeats: int, seed: int
) -> tuple[dict[str, Values], dict[str, NDArray[np.float64]]]:
    """Return each forecaster's drawn figures, and shares of events per bin, (draws, BINS)."""
    parts: dict[str, list[Values]] = {name: [] for name in sums}
    for weights in draws(count, repeats, seed):
        for name, blocks in sums.items():
            sample, area = blocks.drawn(weights)
            one_sided = (sample.events == 0) | (sample.events == sample.n)
            found = {**figures(sample), "auc": area}
            parts[name].append(
                # Where only one outcome was drawn there is nothing to tell apart, though some
                # scores are 0 then: so events of one or two blocks never get an interval.
                {key: np.where(one_sided, np.nan, values) for key, values in found.items()}
                | {"shares": _shares(sample)}
            )
    drawn = {
        name: {key: np.concatenate([chunk[key] for chunk in chunks]) for key in chunks[0]}
        if chunks
        else {**dict.fromkeys(FIGURES, np.zeros(0)), "shares": np.zeros((0, BINS))}
        for name, chunks in parts.items()
    }
    return drawn, {name: values.pop("shares") for name, values in drawn.items()}


def _shares(sums: Sums) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):  # a bin that a draw left empty has no share
        return np.asarray(sums.bins[:, :, 2] / sums.bins[:, :, 0])


def _judgement(
    name: str,
    at: tuple[Threshold, str],
    total: Sums,
    exact: Mapping[str, float],
    drawn: tuple[Values, NDArray[np.float64]],
) -> Judgement:
    values, shares = drawn
    bins = total.bins[0]
    return Judgement(
        name=name,
        threshold=_one(at[0]),
        threshold_from=at[1],
        mean_probability=float(bins[:, 1].sum() / bins[:, 0].sum()),
        tp=int(total.tp[0]),
        fp=int(total.fp[0]),
        fn=int(total.fn[0]),
        tn=int(total.tn[0]),
        figures={key: _figure(exact[key], values[key]) for key in FIGURES},
        reliability=tuple(
            Bin(
                low=k / BINS,
                high=(k + 1) / BINS,
                n=int(n),
                events=int(events),
                mean_probability=float(probability / n),
                share=_figure(float(events / n), shares[:, k]),
            )
            for k, (n, probability, events) in enumerate(bins)
            if n
        ),
    )


def _figure(value: float | None, drawn: NDArray[np.float64]) -> Figure:
    if value is None or not np.isfinite(value):
        return Figure(value=None)
    low, high = interval(drawn) or (None, None)
    return Figure(value=value, low=low, high=high)


def _minus(one: float | None, other: float | None) -> float | None:
    return one - other if one is not None and other is not None else None


def _one(threshold: Threshold) -> float | None:
    return threshold if isinstance(threshold, float) else None


def _empty(name: str, threshold: Threshold, threshold_from: str) -> Judgement:
    return Judgement(
        name=name, threshold=_one(threshold), threshold_from=threshold_from,
        mean_probability=float("nan"), tp=0, fp=0, fn=0, tn=0, figures={}, reliability=(),
    )  # fmt: skip
