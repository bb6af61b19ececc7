"""Climatology and persistence for now: those that were issued lately, or computed on the spot."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from flaremon import store
from flaremon.domain import FlareEvent, Forecast, ModelId
from flaremon.goes import FORECASTER as NOAA
from flaremon.truth import PERSISTENCE, TRAILING_CLIMATOLOGY
from flaremon.verify.baselines import (
    LEAST_KNOWN,
    TRAILING,
    known_past,
    persistence,
    trailing_climatology,
)
from flaremon.verify.stored import instants, stored_flares

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from flaremon.verify.labels import FlareList

RECENT = timedelta(hours=3)
"""A baseline for a window that began longer ago is computed anew."""
_REACH = timedelta(days=33)
"""Trailing climatology looks 30 days back from a window that has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A number that stands beside ours."""

    probability: float | None
    """None when it is unknown."""
    at: datetime | None
    """Start of the window that it is for."""
    source: str
    """Where it is from, or why it is unknown."""


class Baselines:
    """Baselines of one moment; the flare list is read once, and only if it is needed.

    Parameters
    ----------
    session : Session
    catalog : str
        Flare list that they are computed from.
    now : datetime
        Aware UTC.
    """

    def __init__(self, session: "Session", *, catalog: str, now: datetime) -> None:
        self._session = session
        self._catalog = catalog
        self._now = now
        self._flares: FlareList | None = None

    def beside(self, event: FlareEvent, forecaster: ModelId) -> Beside:
        """Return what one of the two baselines says of an event now."""
        stored = self._newest(event, forecaster, since=self._now - RECENT)
        if stored is not None:
            return _of(stored)
        return self._computed(event, forecaster)

    def official(self, event: FlareEvent) -> Beside | None:
        """Return NOAA's own probability for the UT day that it is; None where none is stored."""
        stored = self._newest(event, NOAA, since=self._now - timedelta(days=1))
        return _of(stored) if stored is not None and self._now < stored.window.end else None

    def _newest(self, event: FlareEvent, who: ModelId, *, since: datetime) -> Forecast | None:
        found = store.forecasts(
            self._session,
            event=event,
            forecaster=who,
            since=since,
            until=self._now,
            newest_first=True,
        )
        return next(found, None)

    def _computed(self, event: FlareEvent, forecaster: ModelId) -> Beside:
        flares = self._list()
        at = _known_until(flares, event, self._now)
        if at is None or self._now - at > RECENT:
            at = at or self._answered_until()
            since = "" if at is None else f" since {at:%Y-%m-%dT%H:%MZ}"
            why = f"flare list {self._catalog} answers for nothing{since}"
            return Beside(probability=None, at=None, source=why)
        compute = persistence if forecaster == PERSISTENCE else trailing_climatology
        probability = float(compute(flares, event, instants([at]))[0])
        if np.isnan(probability):
            why = self._why_unknown(flares, event, forecaster, at)
            return Beside(probability=None, at=at, source=why)
        return Beside(
            probability=probability, at=at, source=f"computed now from flare list {self._catalog}"
        )

    def _why_unknown(
        self, flares: "FlareList", event: FlareEvent, forecaster: ModelId, at: datetime
    ) -> str:
        known = float(known_past(flares, event, instants([at]))[0])
        if forecaster == TRAILING_CLIMATOLOGY and known < LEAST_KNOWN:
            days = TRAILING / np.timedelta64(1, "D")
            # A window takes its whole length: a list of 7 days has 6 days of beginnings of 24 h.
            hours = (event.horizon or timedelta(0)) / timedelta(hours=1)
            return (
                f"flare list {self._catalog} answers for all {hours:.0f} h of windows that began "
                f"on {known * days:.1f} of the last {days:.0f} days, and a climatology needs "
                f"{LEAST_KNOWN * days:.0f}; they come with time"
            )
        return (
            f"flare list {self._catalog} has a gap, or a flare whose class is not known yet, in "
            "the past that counts"
        )

    def _answered_until(self) -> datetime | None:
        """Return up to when the list answers at all, where that is long ago."""
        span = store.answered_span(self._session, catalog=self._catalog)
        return None if span is None or self._now - span[1] <= RECENT else span[1]

    def _list(self) -> "FlareList":
        if self._flares is None:
            self._flares = stored_flares(
                self._session,
                catalog=self._catalog,
                since=self._now - _REACH,
                until=self._now + timedelta(seconds=1),
            )
        return self._flares


def _known_until(flares: "FlareList", event: FlareEvent, now: datetime) -> datetime | None:
    """Return the last moment up to now that the list answers for; it is minutes behind."""
    flux = event.threshold.flux_w_m2 * (1 + 1e-6)
    ends = [
        period.end.astype("datetime64[s]").item().replace(tzinfo=UTC)
        for period in flares.coverage
        if period.flux_w_m2 <= flux
    ]
    return min(now, max(ends)) if ends else None


def _of(forecast: Forecast) -> Beside:
    return Beside(
        probability=forecast.probability, at=forecast.window.start, source=forecast.source
    )
