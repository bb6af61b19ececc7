"""Coverage as a calendar: a square per day, a row per month, its colour the share predicted."""

from calendar import monthrange
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from flaremon.coverage.days import Day, Gap
from flaremon.disk import disk_errors
from flaremon.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_TROUBLE = frozenset({Gap.OUTAGE, Gap.FAILED, Gap.OFF_LINE})
_NAMES = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_COLOURS = "YlGnBu"
_NO_SLOTS = "#eeeeee"
_ROW_INCHES = 0.26
_WIDTH_INCHES = 10.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.85, 1.0, 0.65, 0.85
"""Margins, inches."""


def draw_calendar(days: Sequence[Day], path: Path, *, title: str) -> None:
    """Write a picture of coverage (PNG, or what the name of the file says).

    Parameters
    ----------
    days : sequence of Day
        Oldest first.
    title : str
        What is covered, by whom.

    Raises
    ------
    InputError
        There is no day, or no such kind of picture.
    StoreFullError, ConfigurationError
        The file cannot be written.
    """
    if not days:
        raise InputError("there is no day to draw")
    from matplotlib.figure import Figure  # noqa: PLC0415 - 0.5 s

    months = sorted({day.day[:7] for day in days})
    rows_inches = _ROW_INCHES * len(months)
    height = rows_inches + _TOP + _BOTTOM
    figure = Figure(figsize=(_WIDTH_INCHES, height), dpi=120)
    inner = _WIDTH_INCHES - _LEFT - _RIGHT
    box = (_LEFT / _WIDTH_INCHES, _BOTTOM / height, inner / _WIDTH_INCHES, rows_inches / height)
    axes = figure.add_axes(box)
    bar_inches = min(max(rows_inches, 1.0), 3.0)
    bar_left = (_LEFT + inner + 0.15) / _WIDTH_INCHES
    bar = figure.add_axes(
        (bar_left, 1 - (_TOP + bar_inches) / height, 0.15 / _WIDTH_INCHES, bar_inches / height)
    )
    _squares(figure, axes, bar, _shares(days, months), _days_of(months))
    _scales(axes, months)
    _marks(figure, axes, days, months)
    axes.set_title(f"{title}\n{_in_words(days)}", fontsize=10, loc="left")
    with disk_errors(path.parent, setting="--plot"):
        try:
            figure.savefig(path)
        except ValueError as exc:
            raise InputError(f"{path} cannot be drawn: {exc}") from exc


def _shares(days: Sequence[Day], months: list[str]) -> "NDArray[np.float64]":
    """Return the share predicted, shape (months, 31); NaN where there is no such day."""
    share = np.full((len(months), 31), np.nan)
    for day in days:
        share[_place(day, months)] = day.predicted / day.expected if day.expected else np.nan
    return share


def _days_of(months: list[str]) -> "NDArray[np.bool_]":
    """Tell which days there are in each month, shape (months, 31)."""
    lengths = [monthrange(int(name[:4]), int(name[5:]))[1] for name in months]
    return np.arange(31) < np.array(lengths)[:, np.newaxis]


def _squares(
    figure: "Figure",
    axes: "Axes",
    bar_axes: "Axes",
    share: "NDArray[np.float64]",
    exists: "NDArray[np.bool_]",
) -> None:
    from matplotlib.colors import ListedColormap  # noqa: PLC0415

    x, y = np.arange(32) + 0.5, np.arange(len(share) + 1) - 0.5
    # Days without slots are grey; what is no day of its month stays blank.
    axes.pcolormesh(
        x, y, np.where(exists, 1.0, np.nan), cmap=ListedColormap([_NO_SLOTS]),
        edgecolors="white", linewidth=1.0,
    )  # fmt: skip
    mesh = axes.pcolormesh(
        x,
        y,
        np.ma.masked_invalid(share),
        cmap=_COLOURS,
        vmin=0,
        vmax=1,
        edgecolors="white",
        linewidth=1.0,
    )
    bar = figure.colorbar(mesh, cax=bar_axes, ticks=[0, 0.5, 1])
    bar.set_label("share predicted", fontsize=8)
    bar.ax.tick_params(labelsize=8)


def _scales(axes: "Axes", months: list[str]) -> None:
    axes.invert_yaxis()
    axes.set_xticks([1, 5, 10, 15, 20, 25, 31])
    axes.set_xlabel("day of the month (TAI)", fontsize=9)
    axes.set_yticks(range(len(months)), [_month(name, months) for name in months], fontsize=8)
    axes.tick_params(length=0, labelsize=8)
    axes.spines[:].set_visible(False)


def _marks(figure: "Figure", axes: "Axes", days: Sequence[Day], months: list[str]) -> None:
    """Mark days on which something went wrong, apart from what was never there."""
    wrong = [day for day in days if _TROUBLE & day.missing.keys()]
    refused = [day for day in days if day.rejected.total() > 0.25 * day.expected]
    for found, marker, colour, words in (
        (wrong, "x", "#d62728", "a slot could not be had (outage, off-line, failed)"),
        (refused, "o", "#ff7f0e", "more than a quarter rejected"),
    ):
        if found:
            rows, columns = zip(*(_place(day, months) for day in found), strict=True)
            x = [column + 1 for column in columns]
            axes.scatter(x, rows, marker=marker, s=14, color=colour, label=words, zorder=3)
    if wrong or refused:
        figure.legend(loc="lower center", ncols=2, fontsize=8, frameon=False)


def _place(day: Day, months: list[str]) -> tuple[int, int]:
    return months.index(day.day[:7]), int(day.day[8:]) - 1


def _month(name: str, months: list[str]) -> str:
    year, month = name.split("-")
    words = _NAMES[int(month) - 1]
    return f"{year} {words}" if month == "01" or name == months[0] else words


def _in_words(days: Sequence[Day]) -> str:
    expected = sum(day.expected for day in days)
    predicted = sum(day.predicted for day in days)
    rejected = sum(day.rejected.total() for day in days)
    missing = sum(day.missing.total() for day in days)
    return (
        f"{days[0].day} to {days[-1].day}: {expected:,} slots, {predicted / expected:.1%} "
        f"predicted, {rejected / expected:.1%} rejected, {missing / expected:.1%} missing"
    )
