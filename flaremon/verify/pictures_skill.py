"""Pictures of skill: the reliability diagram and the ROC curve."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from flaremon.verify.blocks import MIN_BLOCKS, draws
from flaremon.verify.canvas import CLIMATE_COLOUR, Story, at, bounds, canvas, words
from flaremon.verify.judging import Figure, Hours
from flaremon.verify.sums import Probabilities, block_sums

if TYPE_CHECKING:
    from matplotlib import figure

BAND_DRAWS = 200
"""Draws for the shaded band of a curve; the figures in the legend have all draws."""


def draw_reliability(story: Story) -> "figure.Figure":
    """Draw observed shares against probabilities with the hours per bin below."""
    picture, (axes, counts) = canvas(story, "Reliability", size=(7.2, 8.6), heights=(3, 1))
    rate = story.done.base_rate
    # The base rate twice, since the shaded area jumps there.
    line = np.sort([*np.linspace(0, 1, 3), rate, np.nextafter(rate, 1)])
    axes.plot(line, line, color="black", lw=0.8, label="perfect")
    axes.fill_between(
        line, (line + rate) / 2, np.where(line > rate, 1, 0), color="black", alpha=0.05, lw=0,
        label="better than climatology (BSS > 0)",
    )  # fmt: skip
    axes.axhline(rate, color=CLIMATE_COLOUR, ls=":", lw=1, label=f"base rate {rate:.1%}")
    own = story.rows[: len(story.forecasts)]
    for k, (judgement, _, colour) in enumerate([*own, story.rows[-1]]):
        rows = judgement.reliability
        x = np.array([row.mean_probability for row in rows])
        y = np.array([row.share.value for row in rows], dtype=float)
        climate = judgement is story.rows[-1][0]
        axes.plot(
            x, y, "o--" if climate else "o-", color=colour, ms=3 if climate else 5, lw=1.4,
            label=f"{judgement.name}: ECE {words(judgement.figures['ece'])}",
        )  # fmt: skip
        if not climate:
            low, high = np.array([bounds(row.share) for row in rows]).T
            axes.fill_between(x, low, high, color=colour, alpha=0.18, lw=0)
        share = 1 / (len(own) + 1)
        counts.bar(
            [row.low + (k + 0.5) * share * 0.1 for row in rows], [row.n for row in rows],
            width=0.094 * share, color=colour, alpha=0.8,
        )  # fmt: skip
    axes.set(xlim=(0, 1), ylim=(0, 1), ylabel="observed share with the event")
    # Below both panels, where no points are.
    picture.legend(*axes.get_legend_handles_labels(), loc="outside lower center", fontsize=8.5)
    counts.set(xlim=(0, 1), yscale="log", ylabel="forecasts in the bin", ylim=(0.8, None))
    counts.set_xlabel("forecast probability")
    return picture


def draw_roc(story: Story) -> "figure.Figure":
    """Draw POD against POFD, with the thresholds in force marked."""
    picture, (axes,) = canvas(story, "ROC", size=(7.2, 7.6))
    axes.plot([0, 1], [0, 1], color="black", lw=0.8, label="no skill")
    for k, (judgement, values, colour) in enumerate(story.rows):
        own = k < len(story.forecasts)
        grid = np.linspace(0, 1, 201)
        curve, band = roc_curve(story.hours, values, grid, seed=story.done.bootstrap.seed)
        axes.plot(
            *curve, color=colour, lw=1.8 if own else 1.0, ls="-" if own else "--",
            label=f"{judgement.name}: area {words(judgement.figures['auc'])}",
        )  # fmt: skip
        if own and band is not None and story.done.bootstrap.repeats:
            axes.fill_between(grid, *band, color=colour, alpha=0.18, lw=0)
        if own or judgement.name == "persistence":
            pofd, pod = judgement.figures["pofd"], judgement.figures["pod"]
            axes.errorbar(
                [pofd.value or 0], [pod.value or 0], xerr=_arms(pofd), yerr=_arms(pod),
                fmt="o" if own else "s", color=colour, mec="black", capsize=3, zorder=3,
                label=f"{judgement.name} at {at(judgement)}: TSS "
                f"{words(judgement.figures['tss'])}",
            )  # fmt: skip
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set_xlabel("POFD: share of times without event that were called a flare")
    axes.set_ylabel("POD: share of times with event that were called a flare")
    axes.legend(loc="lower right", fontsize=8.5)
    return picture


def roc_curve(
    hours: Hours, probabilities: Probabilities, grid: NDArray[np.float64], *, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Return the curve, shape (2, K): POFD and POD, and a 95 % band of POD at `grid`, (2, M).

    The band is None with fewer than `MIN_BLOCKS` blocks.
    """
    sums = block_sums(
        hours.labels, probabilities, hours.reference, threshold=0.5, blocks=hours.blocks
    )
    size = sums.ranks.shape[0] // 2

    def rates(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (2, K + 1, R): quiet and event shares at or above each rank, from the top."""
        counts = np.asarray(sums.ranks @ weights)
        both = np.stack([counts[size:], counts[:size]])[:, ::-1]
        total = np.maximum(both.sum(axis=1, keepdims=True), 1)
        start = np.zeros((2, 1, weights.shape[1]))
        return np.concatenate([start, np.cumsum(both, axis=1) / total], axis=1)

    curve = rates(np.ones((hours.count, 1)))[:, :, 0]
    if hours.count < MIN_BLOCKS:
        return curve, None
    pods = [
        np.interp(grid, pofd, pod)
        for weights in draws(hours.count, BAND_DRAWS, seed)
        for pofd, pod in np.moveaxis(rates(weights), 2, 0)
    ]
    return curve, np.quantile(pods, [0.025, 0.975], axis=0)


def _arms(figure: Figure) -> NDArray[np.float64] | None:
    if figure.value is None or figure.low is None or figure.high is None:
        return None
    return np.maximum([[figure.value - figure.low], [figure.high - figure.value]], 0)
