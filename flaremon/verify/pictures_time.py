"""Pictures along time: rolling skill, and the forecast above the flares that followed."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import FlareClass
from flaremon.verify.blocks import blocks_of
from flaremon.verify.canvas import CLIMATE_COLOUR, Story, bounds, canvas
from flaremon.verify.judging import Figure, Hours, Judgement, judge
from flaremon.verify.labels import Times
from flaremon.verify.verification import MIN_EVENTS

if TYPE_CHECKING:
    from matplotlib import axes as matplotlib_axes
    from matplotlib import figure

_DAY = np.timedelta64(1, "D")
ROLLING_DRAWS = 200
"""Draws for the intervals of each window."""
MIN_WINDOW = 12 * _DAY
"""Shorter windows have too few days for an interval."""
HOURLY_UP_TO = 60 * _DAY
"""A longer timeline shows the range of each day instead of every forecast."""
GAP = np.timedelta64(36, "h")
"""Lines do not cross longer gaps of a forecast."""
GAP_STEPS = 2.5
"""Nor longer ones than so many of its usual steps: hours of another part are left out there."""


def draw_rolling(story: Story) -> "figure.Figure":
    """Draw TSS and BSS of windows that move through time, with intervals."""
    span = story.hours.times[-1] - story.hours.times[0]
    length = 91 * _DAY if span > 365 * _DAY else max(span // 4, MIN_WINDOW)
    days = float(length / _DAY)
    what = f"Rolling skill, windows of {days:.3g} d"
    note = "shaded: 95 % intervals of each window, from blocks of days"
    picture, (upper, lower, counts) = canvas(
        story, what, size=(10, 8.4), heights=(1, 1, 0.4), note=note
    )
    centres, judged = _windows(story, length)
    _counts(counts, story, centres, length)
    for k, (whole, _, colour) in enumerate(story.rows):
        for axes, key in ((upper, "tss"), (lower, "bss")):
            if whole.name == "trailing climatology" and key == "tss":
                continue  # it hardly ever says "flare" at a forecast's threshold
            figures = [row[k].figures.get(key, Figure(value=None)) if row else None
                       for row in judged]  # fmt: skip
            found = [Figure(value=None) if item is None else item for item in figures]
            values = np.array([item.value for item in found], dtype=float)
            own = k < len(story.forecasts)
            axes.plot(
                centres, values, "o-" if own else "--", color=colour, ms=3, lw=1.3, label=whole.name
            )
            if own:
                low, high = np.array([bounds(item) for item in found]).T
                axes.fill_between(centres, low, high, color=colour, alpha=0.18, lw=0)
    for axes in (upper, lower):
        axes.axhline(0, color="black", lw=0.8)
    floor = max(-2.0, min(-0.2, lower.get_ylim()[0]))
    upper.set(ylabel="TSS", ylim=(max(-1.0, min(-0.2, upper.get_ylim()[0])), 1))
    lower.set(ylabel=f"BSS, window's climatology\n(cut at {floor:.2g})", ylim=(floor, 0.6))
    counts.set_xlabel(
        f"middle of the window, UTC; none with fewer than {MIN_EVENTS} forecasts of either outcome"
    )
    upper.legend(
        *lower.get_legend_handles_labels(), loc="lower right", bbox_to_anchor=(1, 1),
        fontsize=8.5, ncols=4, frameon=False,
    )  # fmt: skip
    return picture


def draw_timeline(story: Story) -> "figure.Figure":
    """Draw the forecasts over time, and below them the flares that followed."""
    note = story.done.why_no_figures or ""
    picture, (upper, lower) = canvas(
        story, "Forecast and flares", size=(12, 6.8), heights=(1.6, 1), note=note
    )
    for forecast, colour in zip(story.forecasts, _colours(story), strict=False):
        _line(upper, forecast.times, forecast.probabilities, (colour, forecast.name))
    times = story.forecasts[0].times
    _threshold(upper, story)
    if len(story.hours.times):
        climate = _broken(story.hours.times, story.probabilities[-1])
        upper.plot(*climate, color=CLIMATE_COLOUR, lw=1.2, label="trailing climatology")
    _not_judged(story, times, (upper, lower))
    upper.set(ylim=(0, 1), ylabel="forecast probability")
    upper.legend(loc="lower right", bbox_to_anchor=(1, 1), fontsize=8.5, ncols=5, frameon=False)
    horizon = story.done.event.horizon
    end = times[-1] + (np.timedelta64(horizon) if horizon else _DAY)
    flares, threshold = story.flares, story.done.event.threshold
    here = (flares.start >= times[0]) & (flares.start <= end)
    big = here & flares.at_least(threshold)
    small = here & ~big & flares.at_least(FlareClass("C", 1.0))
    for chosen, colour, name in (
        (small, "silver", "weaker"),
        (big, "firebrick", f"{threshold} or more"),
    ):
        lower.vlines(
            flares.start[chosen], 1e-6, flares.flux_w_m2[chosen], color=colour, lw=0.9,
            label=f"{chosen.sum():,} flares, {name}",
        )  # fmt: skip
    lower.axhline(threshold.flux_w_m2, color="firebrick", lw=0.7, ls="--")
    lower.set(yscale="log", ylim=(1e-6, 2e-3), xlim=(times[0], end))
    lower.set_ylabel("peak flux 1-8 Å [W m$^{-2}$]")
    lower.set_xlabel("time of the forecast, start of the flare, UTC")
    letters = lower.secondary_yaxis("right")
    letters.set_yticks([1e-6, 1e-5, 1e-4, 1e-3], ["C1", "M1", "X1", "X10"])
    lower.legend(loc="lower right", bbox_to_anchor=(1, 1), fontsize=8.5, ncols=2, frameon=False)
    return picture


def _counts(
    axes: "matplotlib_axes.Axes", story: Story, centres: Times, length: np.timedelta64
) -> None:
    """Draw how many forecasts each window has, and how many of them with the event."""
    hours = story.hours
    edges = np.searchsorted(hours.times, [centres - length // 2, centres + length // 2])
    events = np.concatenate([[0], np.cumsum(hours.labels)])
    width = length // 3 * 0.9
    n, positive = np.diff(edges, axis=0)[0], events[edges[1]] - events[edges[0]]
    axes.bar(centres, n, width=width, color="lightgray", label="forecasts, n")
    axes.bar(centres, positive, width=width, color="firebrick", label="with the event, P")
    axes.set(ylabel="in the window", yscale="log", ylim=(0.8, 8 * max(n.max(), 1)))
    axes.legend(loc="upper left", fontsize=8.5, ncols=2, frameon=False)


def _windows(
    story: Story, length: np.timedelta64
) -> tuple[Times, list[tuple[Judgement, ...] | None]]:
    """Judge windows that overlap by two thirds; None where there are too few events."""
    hours = story.hours
    begins = np.arange(hours.times[0], max(hours.times[-1] - length, hours.times[0]) + _DAY / 24,
                       length // 3)  # fmt: skip
    judged: list[tuple[Judgement, ...] | None] = []
    for begin in begins:
        here = slice(*np.searchsorted(hours.times, [begin, begin + length]))
        labels = hours.labels[here]
        if min(labels.sum(), len(labels) - labels.sum()) < MIN_EVENTS:
            judged.append(None)
            continue
        blocks, name = blocks_of(hours.times[here], "day")
        part = Hours(hours.times[here], labels, hours.reference[here], blocks, name)
        forecasters = {
            row.name: (values[here], (at if isinstance(at, float) else at[here], ""))
            for (row, values, _), at in zip(story.rows, story.thresholds, strict=True)
        }
        repeats = min(ROLLING_DRAWS, story.done.bootstrap.repeats)
        judged.append(judge(part, forecasters, repeats=repeats, seed=0)[0])
    return np.asarray(begins + length // 2, dtype="datetime64[s]"), judged


def _threshold(axes: "matplotlib_axes.Axes", story: Story) -> None:
    """Draw from where on the first forecast says "flare"."""
    first, changing = story.done.judgements[0], story.forecasts[0].thresholds
    if first.threshold is not None:
        name = f"flare from {first.threshold:.3g}"
        axes.axhline(first.threshold, color="black", ls="--", lw=0.9, label=name)
    elif changing is not None:
        line = _broken(story.forecasts[0].times, changing)
        axes.plot(*line, color="black", ls="--", lw=0.9, label="flare from here on")


def _colours(story: Story) -> list[str]:
    return [colour for _, _, colour in story.rows]


def _line(
    axes: "matplotlib_axes.Axes", times: Times, values: NDArray[np.float64], style: tuple[str, str]
) -> None:
    """Draw every forecast, or the mean and range of each day of a long record."""
    colour, name = style
    if times[-1] - times[0] <= HOURLY_UP_TO:
        # With dots, since an hour between two gaps has no line.
        axes.plot(*_broken(times, values), ".-", color=colour, lw=1.3, ms=2.5, label=name)
        return
    days, first = np.unique(times.astype("datetime64[D]"), return_index=True)
    counts = np.diff([*first, len(times)])
    mean = np.add.reduceat(values, first) / counts
    noon = np.asarray(days.astype("datetime64[s]") + _DAY // 2, dtype="datetime64[s]")
    at, low = _broken(noon, np.minimum.reduceat(values, first))
    _, high = _broken(noon, np.maximum.reduceat(values, first))
    axes.fill_between(at, low, high, color=colour, alpha=0.4, lw=0, label="its range in a day")
    axes.plot(*_broken(noon, mean), color=colour, lw=0.6, label=f"{name}, daily mean")


def _broken(times: Times, values: NDArray[np.float64]) -> tuple[Times, NDArray[np.float64]]:
    """Put a NaN into each gap, so that a line says nothing about it."""
    steps = np.diff(times)
    usual_s = float(np.median(steps.astype(float))) if len(steps) else 0.0
    gap_s = min(GAP_STEPS * usual_s, float(GAP / np.timedelta64(1, "s")))
    after = np.flatnonzero(steps.astype(float) > gap_s) + 1
    return np.insert(times, after, times[after]), np.insert(values, after, np.nan)


def _not_judged(story: Story, times: Times, panels: "tuple[matplotlib_axes.Axes, ...]") -> None:
    """Shade the forecasts that have no outcome."""
    judged = np.isin(times, story.hours.times)
    edges = np.flatnonzero(np.diff(np.concatenate([[True], judged, [True]]).astype(int)))
    for axes in panels:
        for number, (begin, end) in enumerate(edges.reshape(-1, 2)):
            axes.axvspan(
                times[begin], times[min(end, len(times) - 1)], color="gold", alpha=0.3, lw=0,
                label="not judged (pending or unknown)" if number == 0 else None,
            )  # fmt: skip
