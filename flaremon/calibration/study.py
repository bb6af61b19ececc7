"""Fit on an earlier period, judge on a later one: the whole of ``flaremon calibrate``.

The periods never overlap: the last fitted window is over before the first judged one begins. Where
nobody says where to cut, two thirds of the time are fitted and a rotation of the Sun is left out,
so that the same active regions are not on both sides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from flaremon import __version__
from flaremon.calibration.calibrator import Calibrator, EventCalibration, Origin
from flaremon.calibration.cases import DAY, Cases, cases_of, levels_at, sha256_of_cases
from flaremon.calibration.curves import Method
from flaremon.calibration.fitting import fit_event, probabilities
from flaremon.domain import FlareEvent
from flaremon.errors import InputError
from flaremon.verify import Bootstrap, Forecast, Verification, verify
from flaremon.verify.labels import NO, YES, FlareList

FIT_SHARE = 2 / 3
ROTATION = np.timedelta64(27, "D") + np.timedelta64(6, "h")
ALONE = "recent activity alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """Observations to fit to, ``since <= t < until``, and to judge, from `judge_from` on."""

    since: np.datetime64
    until: np.datetime64
    judge_from: np.datetime64
    judge_until: np.datetime64


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to fit and judge; periods that are None are worked out."""

    method: Method
    since: np.datetime64 | None = None
    until: np.datetime64 | None = None
    judge_from: np.datetime64 | None = None
    judge_until: np.datetime64 | None = None
    bootstrap: Bootstrap = field(default_factory=Bootstrap)
    """Of the intervals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Whose forecasts they are, and by what truth: goes into the document as it is."""

    model: str
    weights_sha256: str | None
    source: str
    modes: str
    truth: str
    uninformed: Mapping[FlareEvent, int] = field(default_factory=dict)
    """Hours per event that are left out, since recent flares were not known to a network that reads
    them; not part of the document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A calibrator and what it is worth."""

    calibrator: Calibrator
    periods: Periods
    judged: Mapping[FlareEvent, Verification]
    """The calibrated forecast first, then the raw one and recent activity alone."""
    left_out: Mapping[FlareEvent, str]
    """Events that could not be calibrated, and why."""
    uninformed: Mapping[FlareEvent, int] = field(default_factory=dict)
    """See `Whose`."""


def study(
    forecasts: Sequence[Forecast],
    flares: FlareList,
    *,
    whose: Whose,
    plan: Plan,
    now: datetime,
) -> Study:
    """Fit and judge.

    Parameters
    ----------
    forecasts : sequence of Forecast
        Raw ones, one per event.
    flares : FlareList
        What happened, what had happened before, and what the baselines are made from.
    whose : Whose
    plan : Plan
    now : datetime
        When it is fitted.

    Raises
    ------
    InputError
        Periods overlap, or no event has enough days with and without it; with the numbers, and
        with the hours that are left out.
    """
    try:
        return _study(forecasts, flares, whose=whose, plan=plan, now=now)
    except InputError as exc:
        if not any(whose.uninformed.values()):
            raise
        raise InputError(f"{exc}; {left_out_in_words(whose.uninformed)}") from exc


def left_out_in_words(uninformed: Mapping[FlareEvent, int]) -> str:
    """Say which hours are left out, and why."""
    counts = ", ".join(f"{count:,} of {event}" for event, count in uninformed.items() if count)
    return (
        f"hours left out: {counts}, answered without recent flares, as if by another model, which "
        "no curve fits together with the rest"
    )


def _study(
    forecasts: Sequence[Forecast], flares: FlareList, *, whose: Whose, plan: Plan, now: datetime
) -> Study:
    cases = {item.event: cases_of(item, flares) for item in forecasts}
    periods = cut(cases, plan)
    fitted: dict[FlareEvent, EventCalibration] = {}
    left_out: dict[FlareEvent, str] = {}
    for event, item in cases.items():
        cases[event] = item.where((item.times >= periods.since) & (item.times < periods.until))
        try:
            fitted[event] = fit_event(cases[event], event, plan.method)
        except InputError as exc:
            left_out[event] = str(exc)
    if not fitted:
        raise InputError("; ".join(left_out.values()))
    return Study(
        calibrator=Calibrator(
            model=whose.model,
            weights_sha256=whose.weights_sha256,
            method=plan.method,
            events=fitted,
            origin=_origin({event: cases[event] for event in fitted}, whose),
            software=f"flaremon {__version__}",
            fitted_at=now,
        ),
        periods=periods,
        judged={
            item.event: judge(item, fitted[item.event], cases[item.event], flares,
                              periods=periods, bootstrap=plan.bootstrap)
            for item in forecasts if item.event in fitted
        },
        left_out=left_out,
        uninformed=whose.uninformed,
    )  # fmt: skip


def cut(cases: Mapping[FlareEvent, Cases], plan: Plan) -> Periods:
    """Work out the periods that nobody named, and refuse those that overlap.

    Raises
    ------
    InputError
        Nothing is known, a period is empty, or the last fitted window reaches into the judged one.
    """
    times = np.sort(np.concatenate([item.times for item in cases.values()]))
    if not len(times):
        raise InputError("there is no forecast whose outcome is known")
    window = max(_window(event) for event in cases)
    since = times[0] if plan.since is None else plan.since
    end = times[-1] + np.timedelta64(1, "s")
    if plan.until is not None:
        until, free = plan.until, plan.until + window
    elif plan.judge_from is not None:
        until, free = plan.judge_from - window, plan.judge_from
    else:
        until = since + ((end - since) * FIT_SHARE).astype("timedelta64[s]")
        free = until + window + ROTATION
    judge_from = free if plan.judge_from is None else plan.judge_from
    if judge_from < until + window:
        raise InputError(
            f"fitting to observations before {until}Z and judging from {judge_from}Z overlap: "
            f"windows are {window / np.timedelta64(1, 'h'):g} h long; judge later or end earlier"
        )
    if since >= until:
        raise InputError(f"nothing to fit to: from {since}Z until {until}Z is no time at all")
    last = end if plan.judge_until is None else plan.judge_until
    if judge_from >= last:
        raise InputError(
            f"nothing is left to judge: fitting to observations from {since}Z until {until}Z, the "
            f"first that may be judged is {judge_from}Z, and they end at {last}Z; wait for more "
            "outcomes, or say where to cut (--judge-from)"
        )
    return Periods(since=since, until=until, judge_from=judge_from, judge_until=last)


def judge(
    forecast: Forecast,
    item: EventCalibration,
    fitted: Cases,
    flares: FlareList,
    *,
    periods: Periods,
    bootstrap: Bootstrap,
) -> Verification:
    """Judge the calibrated forecast beside the raw one, recent activity alone and the baselines.

    "Recent activity alone" gives the base rates of active and quiet hours of the fit period: what
    a calibrator is worth that knows nothing of the network.
    """
    inside = (forecast.times >= periods.judge_from) & (forecast.times < periods.judge_until)
    times, raw = forecast.times[inside], forecast.probabilities[inside]
    levels = levels_at(flares, forecast.event, times)
    # Labels are not looked at by what forecasts: any will do.
    hours = Cases(times=times, raw=raw, labels=np.zeros(len(times), np.int8), levels=levels)
    rows = [
        replace(
            forecast, name=f"{forecast.name}, calibrated", times=times,
            probabilities=probabilities(item, hours), threshold=item.threshold,
        ),
        replace(forecast, name=f"{forecast.name}, raw", times=times, probabilities=raw),
    ]  # fmt: skip
    if forecast.event.horizon is not None:
        rows.append(_alone(rows[1], fitted, levels))
    return verify(rows, flares, bootstrap=bootstrap)


def _alone(
    raw: Forecast, fitted: Cases, levels: "np.ndarray[tuple[int], np.dtype[np.int8]]"
) -> Forecast:
    rates = {}
    for level in (YES, NO):
        labels = fitted.labels[fitted.levels == level]
        rates[level] = (labels.sum() + fitted.labels.mean()) / (len(labels) + 1)
    overall = float(fitted.labels.mean())
    return replace(
        raw,
        name=ALONE,
        probabilities=np.select([levels == k for k in rates], list(rates.values()), overall),
        threshold=float(np.mean(list(rates.values()))),
    )


def _origin(cases: dict[FlareEvent, Cases], whose: Whose) -> Origin:
    return Origin(
        since=f"{min(item.times[0] for item in cases.values())}Z",
        until=f"{max(item.times[-1] for item in cases.values())}Z",
        source=whose.source,
        modes=whose.modes,
        truth=whose.truth,
        cases_sha256=sha256_of_cases(cases),
    )


def _window(event: FlareEvent) -> np.timedelta64:
    # A flare in progress now may last on: a day apart is far enough for both kinds of event.
    horizon = max(event.horizon or timedelta(0), timedelta(days=1))
    return max(np.timedelta64(horizon // timedelta(seconds=1), "s"), DAY.astype("timedelta64[s]"))
