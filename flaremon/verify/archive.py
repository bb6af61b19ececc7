"""Stored forecasts: of our models, of baselines, of others, and NOAA's that were in force."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from flaremon import store
from flaremon.domain import FlareEvent, ForecasterKind, Mode, ModelId
from flaremon.errors import InputError
from flaremon.verify.forecasts import Forecast
from flaremon.verify.labels import Times

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from flaremon.store import ProbabilityTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which stored forecasts."""

    models: Sequence[ModelId] = ()
    """Models and forecasters; without any, all models and all forecasts of others. Baselines
    and NOAA's stand beside them anyway, so they are forecasts of their own only when named."""
    mode: Mode | None = None
    series: str | None = None
    """Of the records of models."""
    since: datetime | None = None
    until: datetime | None = None
    """``since <= start of the window < until``."""
    raw: bool = False
    """Probabilities before calibration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A stored forecast."""

    forecast: Forecast
    """By one model in one mode, named ``name@version, mode``."""
    model: ModelId
    mode: Mode
    again: int
    """Probabilities left out since their window had one already, from another record of the slot:
    the first that was stored counts."""


def stored_forecasts(session: "Session", *, event: FlareEvent, choice: Choice) -> list[Stored]:
    """Read stored forecasts of an event; each model and mode is a forecast of its own.

    What ran live and what was made up for later never mix.

    Raises
    ------
    InputError
        If nothing is stored, of a named model or at all; the message says what is.
    """
    known = store.who_said(session, event=event)
    chosen = known
    if choice.models:
        # In the order in which they were named: a comparison is of the first with the others.
        kinds = dict(known)
        chosen = [(model, kinds[model]) for model in choice.models if model in kinds]
    else:
        chosen = [item for item in known if item[1] in {None, ForecasterKind.EXTERNAL}]
    found = [
        item
        for model, kind in chosen
        for item in _by_mode(model, event, _read(session, model, kind, event, choice), choice)
    ]
    missing = [model for model in choice.models if model not in {item.model for item in found}]
    if missing or not found:
        who = ", ".join(str(model) for model in missing) or "any model"
        there = ", ".join(str(model) for model, _ in known) or "nothing"
        raise InputError(
            f"no forecast of {event} by {who} is stored with these options; "
            f"about {event} the database has: {there}"
        )
    return found


def comparable(stored: Sequence[Stored]) -> list[list[Forecast]] | None:
    """Return which forecasts to compare, where some model has both modes; else None.

    An hour is either live or hindcast for a model, so all together have no hour in common.
    """
    models = [item.model for item in stored]
    if len(set(models)) == len(models):
        return None
    of_mode = [[item.forecast for item in stored if item.mode is mode] for mode in Mode]
    return [group for group in of_mode if len(group) > 1] or None


def in_force(session: "Session", *, event: FlareEvent, times: Times) -> Forecast | None:
    """Return the official probability that was in force at each time.

    NOAA says once a day, at about 22 UT, how likely a flare is on the next UT day. At a time t the
    probability of the UT day that t is in is in force, as long as it was issued by t. Its window
    is that day and not ours, the 24 h from t on: the comparison is what somebody at t had at
    hand, and a little unfair to NOAA late in a day.

    Parameters
    ----------
    times : ndarray of datetime64[s], shape (N,)
        Ascending.

    Returns
    -------
    Forecast or None
        At the times that have one; None where there is none at all.
    """
    official = ForecasterKind.OFFICIAL
    for forecaster in (m for m, kind in store.who_said(session, event=event) if kind is official):
        table = store.forecast_table(session, forecaster=forecaster, event=event)
        place = np.searchsorted(table.times, times, side="right") - 1
        latest = np.maximum(place, 0)
        fits = (place >= 0) & (times < table.ends[latest]) & (table.issued[latest] <= times)
        if fits.any():
            return Forecast(
                name=f"{forecaster} in force",
                event=event,
                times=times[fits],
                probabilities=table.probability[latest[fits]],
            )
    return None


def _read(
    session: "Session",
    model: ModelId,
    kind: ForecasterKind | None,
    event: FlareEvent,
    choice: Choice,
) -> "ProbabilityTable":
    if kind is None:
        return store.prediction_table(
            session, model=model, event=event, since=choice.since, until=choice.until,
            mode=choice.mode, series=choice.series,
        )  # fmt: skip
    return store.forecast_table(
        session, forecaster=model, event=event, since=choice.since, until=choice.until,
        mode=choice.mode,
    )  # fmt: skip


def _by_mode(
    model: ModelId, event: FlareEvent, table: "ProbabilityTable", choice: Choice
) -> Iterator[Stored]:
    calibrated = ~np.isnan(table.raw_probability)
    probability, threshold, informed = table.probability, table.threshold, table.informed
    if choice.raw:
        probability = np.where(calibrated, table.raw_probability, probability)
        # The stored threshold is for the calibrated probability.
        threshold = np.where(calibrated & (probability != table.probability), np.nan, threshold)
    for mode in Mode:
        rows = np.flatnonzero(table.live == (mode is Mode.LIVE))
        times, first = np.unique(table.times[rows], return_index=True)
        if not len(times):
            continue
        chosen = rows[first]
        one, each = _thresholds(threshold[chosen])
        yield Stored(
            forecast=Forecast(
                name=f"{model}, {mode}{', raw' if choice.raw else ''}",
                event=event,
                times=times,
                probabilities=probability[chosen],
                threshold=one,
                thresholds=each,
                informed=None if informed is None else informed[chosen],
            ),
            model=model,
            mode=mode,
            again=len(rows) - len(chosen),
        )


def _thresholds(
    values: NDArray[np.float64],
) -> tuple[float | None, NDArray[np.float64] | None]:
    """Return the one threshold, or the threshold of each; neither where some have none."""
    if np.isnan(values).any():
        return None, None
    different = np.unique(values)
    return (float(different[0]), None) if len(different) == 1 else (None, values)
