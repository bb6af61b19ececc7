"""NOAA's own forecast: the probabilities that SWPC issues once a day."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flaremon.domain import FlareEvent, Forecast, Mode, ModelId, Window
from flaremon.errors import InputError
from flaremon.goes.canary import Canary, objects
from flaremon.goes.values import swpc_time

FORECASTER = ModelId("noaa-swpc", "1.0.0")
DESCRIPTION = "NOAA SWPC's probabilities for the next UT day, json/solar_probabilities.json"

FIELDS: Mapping[str, str] = {
    "c_class_1_day": "C1+/24h",
    "m_class_1_day": "M1+/24h",
    "x_class_1_day": "X1+/24h",
}
_DAY = timedelta(days=1)
_ISSUED = timedelta(hours=22)
"""The report that the probabilities are from (RSGA) is issued at 22 UT."""


def read_probabilities(rows: Sequence[Any], canary: Canary) -> list[Forecast]:
    """Read ``solar_probabilities``: one row per day, percentages for the next three days.

    The product does not say what its ``date`` is: the day of issue, so that "1 day" is the day
    after, or the day that is forecast. We take the day of issue. ``solar_regions.json``, whose
    probabilities are for the day after its ``observed_date``, decides it: over the 29 days of
    September and October 2025 that were recorded, the chance of an M flare from any of the
    regions correlates with ``m_class_1_day`` of the same date with 0.92, and less (0.87 and
    0.68) with that of the day before and after.

    Windows are the UT day, from its first to its last moment. That the forecasts were issued
    in time is for whoever saw them to say: `mode` is live here.
    """
    forecasts = []
    for row in objects(rows, canary):
        date = canary.parse(row, "date", swpc_time)
        chances = {event: canary.parse(row, field, _percentage) for field, event in FIELDS.items()}
        known = {event: p for event, p in chances.items() if p is not None}
        if date is None or not known:
            continue
        canary.read += 1
        forecasts += [_forecast(event, p, date) for event, p in known.items()]
    return forecasts


def _forecast(event: str, probability: float, date: datetime) -> Forecast:
    day = date.replace(hour=0, minute=0, second=0, microsecond=0)
    return Forecast(
        forecaster=FORECASTER,
        event=FlareEvent.parse(event),
        window=Window(start=day + _DAY, end=day + 2 * _DAY),
        probability=probability,
        issued_at=day + _ISSUED,
        mode=Mode.LIVE,
        source=f"solar_probabilities of {day:%Y-%m-%d}",
    )


def _percentage(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise InputError(f"{value!r} is no percentage")
    return value / 100
