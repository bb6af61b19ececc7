"""Fit the maps of one event, and choose its threshold; the only place that needs scikit-learn.

How many days are needed, and why days: cases of neighbouring hours share most of their window, so
ten thousand of them can be three weeks of one active region. All that guards against too much
faith in few events counts days.
"""

import numpy as np

from flaremon.calibration.calibrator import EventCalibration
from flaremon.calibration.cases import LEVELS, Cases
from flaremon.calibration.curves import Basis, Curve, Method, Numbers, logit
from flaremon.domain import ActivityLevel, FlareEvent
from flaremon.errors import InputError

LEAST_DAYS = {Method.LOGISTIC: 10, Method.ISOTONIC: 30}
"""Days with the event, and days without, from which a map can be fitted.

Ten for two numbers, the usual rule of ten events per two parameters at its most lenient; isotonic
regression has as many parameters as steps, and overtakes Platt's only with much more data
(Niculescu-Mizil and Caruana 2005, ICML)."""

_FEW = LEAST_DAYS[Method.LOGISTIC]

PRIOR_DAYS = 2.0
"""Days of base rate that each step of an isotonic map is mixed with (as Laplace's two cases).

A step that three quiet days make is not a probability of 0."""

THRESHOLD_DAYS = 365
"""The threshold is chosen on so many last days of the fit period, if they have events enough.

Maps hold in every climate; the threshold with the greatest TSS lies near the base rate, which
changes tenfold within a solar cycle. One that was chosen on quiet years too says "flare" at every
hour of a maximum: refitted each quarter of 2022 to 2024 to all there was since 2020, the first
model had a TSS of 0.04 with that of the whole period and of 0.2 with that of its last year.
"""


def fit_event(cases: Cases, event: FlareEvent, method: Method) -> EventCalibration:
    """Fit the unconditional map and those by activity that have events enough.

    Parameters
    ----------
    cases : Cases
        Of the fit period and of no other.
    event : FlareEvent
    method : Method
        A level with too few days for isotonic gets a logistic map, if it has enough for that.

    Raises
    ------
    InputError
        Too few days even for the unconditional map; the message has the numbers.
    """
    basis, least = cases.basis, LEAST_DAYS[method]
    if min(basis.event_days, basis.quiet_days) < least:
        raise InputError(
            f"{event}: too few events to calibrate: {basis.event_days} days with and "
            f"{basis.quiet_days} days without in {basis.cases:,} cases; {method} needs "
            f"{least} of either{_other(method, basis)}"
        )
    curves = {ActivityLevel.UNKNOWN: _fit(cases, method)}
    if event.horizon is not None:  # see Calibrator.asks
        for level in (ActivityLevel.ACTIVE, ActivityLevel.QUIET):
            curve = _fit_level(cases.where(cases.levels == LEVELS[level]), method)
            if curve is not None:
                curves[level] = curve
    recent, when = _recent(cases)
    said = probabilities(EventCalibration(curves=curves, threshold=0, threshold_from=""), recent)
    threshold, tss = best_threshold(recent, said)
    return EventCalibration(
        curves=curves,
        threshold=threshold,
        threshold_from=f"greatest TSS on {when}, {tss:.3f}; base rate there "
        f"{recent.labels.mean():.3f}",
    )


def probabilities(item: EventCalibration, cases: Cases) -> Numbers:
    """Return calibrated probabilities of cases, shape (N,), each by its recent activity."""
    found = item.curve(ActivityLevel.UNKNOWN).apply(cases.raw)
    for level, curve in item.curves.items():
        here = cases.levels == LEVELS[level]
        found[here] = curve.apply(cases.raw[here])
    return found


def best_threshold(cases: Cases, said: Numbers) -> tuple[float, float]:
    """Return the probability with the greatest TSS, half way to the next lower one, and that TSS.

    For well calibrated probabilities it lies near the base rate; of equals the lowest is taken.
    """
    values = np.unique(said)
    cuts = np.concatenate([values[:1], (values[1:] + values[:-1]) / 2])
    found = np.sort(said[cases.labels == 1])
    quiet = np.sort(said[cases.labels == 0])
    tss = np.searchsorted(quiet, cuts) / len(quiet) - np.searchsorted(found, cuts) / len(found)
    best = int(np.argmax(tss))
    return _short(cuts[best]), float(tss[best])


def _recent(cases: Cases) -> tuple[Cases, str]:
    """Return the cases that the threshold is chosen on, and which they are."""
    last = cases.where(cases.times > cases.times[-1] - np.timedelta64(THRESHOLD_DAYS, "D"))
    basis = last.basis
    if len(last) < len(cases) and min(basis.event_days, basis.quiet_days) >= _FEW:
        return last, f"the last {THRESHOLD_DAYS} days of the fit period"
    return cases, "the fit period"


def _fit_level(cases: Cases, method: Method) -> Curve | None:
    basis = cases.basis
    days = min(basis.event_days, basis.quiet_days)
    if days >= LEAST_DAYS[method]:
        return _fit(cases, method)
    return _fit(cases, Method.LOGISTIC) if days >= _FEW else None


def _fit(cases: Cases, method: Method) -> Curve:
    basis = cases.basis
    fit = _logistic if method is Method.LOGISTIC else _isotonic
    return Curve(
        method=method,
        numbers=tuple(map(_short, fit(cases, basis))),
        # Laplace's rule of succession: nobody saw fewer than one event in so many days.
        least=_short(1 / (basis.days + 2)),
        basis=basis,
    )


def _logistic(cases: Cases, basis: Basis) -> list[float]:
    """Platt 1999: logistic regression on the logit, towards targets a little off 0 and 1."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - only fitting pays for it

    # Platt's targets, with days for cases, as weights of both answers for each case.
    high = (basis.event_days + 1) / (basis.event_days + 2)
    low = 1 / (basis.quiet_days + 2)
    share = np.where(cases.labels == 1, high, low)
    x = logit(cases.raw)[:, None]
    model = LogisticRegression(C=np.inf, max_iter=1000).fit(
        np.concatenate([x, x]),
        np.repeat([1, 0], len(cases)),
        sample_weight=np.concatenate([share, 1 - share]),
    )
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope > 0:
        return [intercept, slope]
    # A network that says less before flares has nothing to say here: the base rate stands.
    return [float(logit(np.asarray(share.mean()))), 0.0]


def _isotonic(cases: Cases, basis: Basis) -> list[float]:
    """Pool adjacent violators; each step mixed with `PRIOR_DAYS` of base rate, then once more."""
    from sklearn.isotonic import isotonic_regression  # noqa: PLC0415

    x, place, n = np.unique(cases.raw, return_inverse=True, return_counts=True)
    k = np.bincount(place, weights=cases.labels)
    step = _steps(isotonic_regression(k / n, sample_weight=n))
    n, k = np.bincount(step, weights=n), np.bincount(step, weights=k)
    prior = PRIOR_DAYS * basis.cases / basis.days
    mixed = (k + prior * basis.events / basis.cases) / (n + prior)
    again = isotonic_regression(mixed, sample_weight=n + prior)
    y, step = np.unique(again), _steps(again)[step]
    first = np.searchsorted(step, np.arange(len(y)))
    last = np.searchsorted(step, np.arange(len(y)), side="right") - 1
    knots: list[float] = []
    for low, high, value in zip(x[first], x[last], y, strict=True):
        knots += [low, value] if low == high else [low, value, high, value]
    return knots


def _steps(rising: Numbers) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
    """Return the number of the step that each place of a rising row is on, from 0."""
    return np.unique(rising, return_inverse=True)[1]


def _short(value: float) -> float:
    """Return a number with ten digits: what is applied is exactly what the document says."""
    return float(f"{value:.10g}")


def _other(method: Method, basis: Basis) -> str:
    enough = min(basis.event_days, basis.quiet_days) >= _FEW
    return f"; {Method.LOGISTIC} would do" if method is Method.ISOTONIC and enough else ""
