"""Forecasts in CSV files, of flaremon and of others.

Two formats, told apart by their header:

``time_utc,probability`` (further columns are ignored)
    Others' forecasts for the event that the caller names. Times are UTC by the column's name, so
    one without offset is UTC; one with an offset is converted.
``t_obs,event,probability,threshold,mode,model`` (and more)
    What ``flaremon predictions --format csv`` prints. Times have a ``Z``; one without offset is
    refused, since nobody knows whose clock it was. Rows of other events are left out; each model
    and mode is a forecast of its own, because what ran live and what was made up for later must
    not be mixed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import FlareEvent
from flaremon.errors import InputError
from flaremon.verify.columns import Row, read_rows
from flaremon.verify.labels import Times

OTHERS = ("time_utc", "probability")
OURS = ("t_obs", "event", "probability", "threshold", "mode", "model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Probabilities of one event by one forecaster, in the order of their times."""

    name: str
    event: FlareEvent
    times: Times
    """Shape (N,), ascending, each once."""
    probabilities: NDArray[np.float64]
    """Shape (N,)."""
    threshold: float | None = None
    """From which on the forecaster itself says "flare"; None where it does not say."""
    thresholds: NDArray[np.float64] | None = None
    """Where that changed in the course of time: of each probability, shape (N,)."""
    informed: NDArray[np.bool_] | None = None
    """Of a model that answers otherwise where recent flares are not known: whether they were, of
    each probability, shape (N,). None of all others."""
    answers: bool = False
    """Whether it is of the model that answers now; baselines beside several have its threshold."""


def read_forecasts(path: Path, event: FlareEvent) -> list[Forecast]:
    """Read a file in either format.

    Raises
    ------
    InputError
        The file cannot be read, has another header, no row for the event, two different rows for
        one time, or a cell that makes no sense; it is named with line and column.
    """
    header = _header(path)
    if set(OURS) <= header:
        rows = _ours(path, event)
    elif set(OTHERS) <= header:
        rows = ((path.stem, row, None) for row in read_rows(path, OTHERS))
    else:
        raise InputError(
            f"{path}, line 1: has neither the columns {', '.join(OTHERS)} nor those of "
            "`flaremon predictions --format csv`"
        )
    found: dict[str, dict[np.datetime64, tuple[float, float | None]]] = {}
    for name, row, threshold in rows:
        cell = row["time_utc"] if "time_utc" in row else row["t_obs"]
        time = cell.instant(naive_is_utc="time_utc" in row)
        value = (row["probability"].number(0, 1), threshold)
        if found.setdefault(name, {}).setdefault(time, value) != value:
            raise cell.error(f"is there twice, with different probabilities by {name}")
    if not found:
        raise InputError(f"{path} has no forecast for {event}")
    return [_forecast(name, event, values) for name, values in found.items()]


def pool(forecasts: Sequence[Forecast], name: str) -> Forecast:
    """Join forecasts of different hours, such as the folds of a cross-validation.

    Raises
    ------
    InputError
        If they are for different events, or two of them speak about the same hour.
    """
    if len({forecast.event for forecast in forecasts}) != 1:
        raise InputError("forecasts of different events cannot be pooled")
    times = np.concatenate([forecast.times for forecast in forecasts])
    order = np.argsort(times, kind="stable")
    twice = np.flatnonzero(np.diff(times[order]) == np.timedelta64(0, "s"))
    if twice.size:
        raise InputError(
            f"{len(twice)} hours have more than one forecast, {times[order][twice[0]]}Z first; "
            "only forecasts of different hours can be pooled"
        )
    thresholds = {forecast.threshold for forecast in forecasts}
    return Forecast(
        name=name,
        event=forecasts[0].event,
        times=times[order],
        probabilities=np.concatenate([f.probabilities for f in forecasts])[order],
        threshold=thresholds.pop() if len(thresholds) == 1 else None,
    )


def only(forecast: Forecast, name: str, chosen: NDArray[np.bool_]) -> Forecast:
    """Return the chosen part of a forecast under another name; `chosen` has shape (N,)."""
    thresholds, informed = forecast.thresholds, forecast.informed
    return replace(
        forecast,
        name=name,
        times=forecast.times[chosen],
        probabilities=forecast.probabilities[chosen],
        thresholds=None if thresholds is None else thresholds[chosen],
        informed=None if informed is None else informed[chosen],
    )


def _header(path: Path) -> set[str]:
    first = next(read_rows(path, ()), None)
    if first is None:
        raise InputError(f"{path} has no rows")
    return set(first)


def _ours(path: Path, event: FlareEvent) -> Iterator[tuple[str, Row, float | None]]:
    for row in read_rows(path, OURS):
        if row["event"].text == str(event):
            name = f"{row['model'].text}, {row['mode'].text}"
            says = row["threshold"]
            # Climatology and others say a probability and never "flare".
            yield name, row, says.number(0, 1) if says.text else None


def _forecast(
    name: str, event: FlareEvent, values: dict[np.datetime64, tuple[float, float | None]]
) -> Forecast:
    times = sorted(values)
    thresholds = {values[time][1] for time in times}
    return Forecast(
        name=name,
        event=event,
        times=np.array(times, dtype="datetime64[s]"),
        probabilities=np.array([values[time][0] for time in times]),
        threshold=thresholds.pop() if len(thresholds) == 1 else None,
    )
