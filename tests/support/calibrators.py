"""Calibrators, and cases with a known truth, for tests."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from flaremon.calibration.calibrator import Calibrator, EventCalibration, Origin
from flaremon.calibration.cases import Cases
from flaremon.calibration.curves import Basis, Curve, Method, sigmoid
from flaremon.domain import ActivityLevel, FlareEvent

BASIS = Basis(cases=1000, events=100, days=300, event_days=40, quiet_days=280)


def curve(intercept: float, slope: float = 1.0) -> Curve:
    """Return a logistic map."""
    return Curve(method=Method.LOGISTIC, numbers=(intercept, slope), least=0.001, basis=BASIS)


def calibrator(*events: str, weights_sha256: str = "0" * 64, **changes: Any) -> Calibrator:
    """Return one whose active hours are likelier and whose quiet hours are less likely."""
    maps = {
        ActivityLevel.UNKNOWN: curve(0.0),
        ActivityLevel.ACTIVE: curve(1.0),
        ActivityLevel.QUIET: curve(-1.0),
    }
    values: dict[str, Any] = {
        "model": "tiny-cnn@0.0.1",
        "weights_sha256": weights_sha256,
        "method": Method.LOGISTIC,
        "events": {
            FlareEvent.parse(name): EventCalibration(
                curves=maps, threshold=0.25, threshold_from="for tests"
            )
            for name in events or ("M1+/24h",)
        },
        "origin": Origin(
            since="2024-01-01T00:00:00Z", until="2025-01-01T00:00:00Z", source="tests",
            modes="hindcast", truth="none", cases_sha256="0" * 64,
        ),
        "software": "tests",
        "fitted_at": datetime(2026, 1, 1, tzinfo=UTC),
    }  # fmt: skip
    return Calibrator(**{**values, **changes})


def cases(*, days: int = 800, seed: int = 0, active: float = 0.3, shift: float = 2.0) -> Cases:
    """Return four cases a day whose truth is known: see the code.

    The raw log odds say too much by 1.5 and are too flat by 2; active days are likelier by `shift`.
    All cases of a day share its activity, as on the Sun.
    """
    rng = np.random.default_rng(seed)
    times = np.datetime64("2020-01-01", "s") + np.arange(days * 4) * np.timedelta64(6, "h")
    levels = np.repeat(rng.random(days) < active, 4).astype(np.int8)
    skill = rng.normal(0, 1.2, len(times))
    truth = sigmoid(2 * skill - 2.0 + shift * levels)
    return Cases(
        times=times,
        raw=sigmoid(skill + 1.5),
        labels=(rng.random(len(times)) < truth).astype(np.int8),
        levels=levels,
    )
