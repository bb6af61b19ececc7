"""Fact (b): what GOES observes now, by the stored X-rays and the near-real-time flare list."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from flaremon import store
from flaremon.domain import Flare, FlareClass, Verdict, XrayState, class_of_flux
from flaremon.status.ages import CLOCK_TOLERANCE, FactState, judge_age
from flaremon.verify.labels import LONGEST_FLARE

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

STALE_AFTER = timedelta(minutes=15)
"""SWPC's products are 1 to 2 minutes old, and fetched every 10."""
BEHIND = timedelta(minutes=10)
"""A list is read up to now and answers up to this much earlier: flares are listed late."""
_LONGEST: timedelta = LONGEST_FLARE.astype(timedelta)
"""A flare without an end that began longer ago is over, and its end was never reported."""
LEAST_TOLD = FlareClass("C", 1.0)
"""The last flare that is told is from this class on."""
_LEAST_FLUX_W_M2 = LEAST_TOLD.flux_w_m2 * (1 - 1e-6)
"""1e-6 and 1.0 * 1e-6 need not be the same number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InProgress:
    """A flare that has begun and not ended."""

    since: datetime
    peak: FlareClass | None
    """Largest flux since then, or what the list says; None when neither is known."""
    noaa_ar: int | None
    location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What GOES observes; the flux and the list turn stale each on its own."""

    state: FactState
    """Of the X-ray flux."""
    why: str | None
    xray: XrayState | None
    """The newest minute that electrons do not contaminate."""
    age: timedelta | None
    contaminated: bool
    """Whether there are newer minutes, all contaminated."""
    list_state: FactState
    """Of the flare list, without which nobody knows what is in progress."""
    list_why: str | None
    list_as_of: datetime | None
    """Up to when it tells what is in progress, as it was last read."""
    in_progress: InProgress | None
    """By the list as it was last read; stale with it."""
    last_flare: Flare | None
    """The last one from `LEAST_TOLD` on that is over or whose end is not known."""
    ended_at: datetime | None
    """When the newest flare of any class ended; None while one is in progress."""

    def verdict(self, at_least: FlareClass) -> Verdict:
        """Say whether a flare from this class on is in progress, by its peak so far."""
        if self.list_state is not FactState.OK:
            return Verdict.UNKNOWN
        if self.in_progress is None:
            return Verdict.NO_FLARE
        peak = self.in_progress.peak
        if peak is not None and peak.flux_w_m2 >= at_least.flux_w_m2 * (1 - 1e-6):
            return Verdict.FLARE
        return Verdict.NO_FLARE if self.state is FactState.OK else Verdict.UNKNOWN


def observe(session: "Session", *, catalog: str, now: datetime) -> Observed:
    """Look up the newest X-rays and flares.

    Parameters
    ----------
    catalog : str
        The near-real-time list: of no other one is a flare without an end in progress.
    now : datetime
        Aware UTC.
    """
    xray = store.latest_xray(session, at=now + CLOCK_TOLERANCE)
    newest = store.newest_minute(session, until=now + CLOCK_TOLERANCE)
    age = None if xray is None else now - xray.observed_at
    state, why = _judge_flux(age, newest)
    as_of = store.catalog_as_of(session, catalog=catalog)
    span = store.answered_span(session, catalog=catalog)
    # A list that was read just now may have come from a product, or a file, that is old.
    as_of = None if as_of is None or span is None else min(as_of, span[1] + BEHIND)
    list_state, list_why = _judge_list(catalog, as_of, now)
    flare = store.newest_flare(session, catalog=catalog, until=now + CLOCK_TOLERANCE)
    lasts = flare is not None and flare.end is None and now - flare.start <= _LONGEST
    # The one in progress is told by itself.
    until = flare.start - timedelta(seconds=1) if flare is not None and lasts else now
    return Observed(
        state=state,
        why=why,
        xray=xray,
        age=age,
        contaminated=newest is not None and (xray is None or newest > xray.observed_at),
        list_state=list_state,
        list_why=list_why,
        list_as_of=as_of,
        in_progress=_in_progress(session, flare, now) if flare is not None and lasts else None,
        last_flare=_last_told(session, flare, catalog=catalog, until=until),
        ended_at=None if flare is None else flare.end,
    )


def _last_told(
    session: "Session", newest: Flare | None, *, catalog: str, until: datetime
) -> Flare | None:
    """Return the last flare from `LEAST_TOLD` on, which mostly is the newest one itself."""
    if newest is None:
        return None
    size = newest.flare_class
    if newest.start <= until and size is not None and size.flux_w_m2 >= _LEAST_FLUX_W_M2:
        return newest
    return store.newest_flare(session, catalog=catalog, until=until, at_least=LEAST_TOLD)


def _judge_flux(age: timedelta | None, newest: datetime | None) -> tuple[FactState, str | None]:
    if age is not None:
        return judge_age(age, STALE_AFTER, "the newest X-ray minute that counts")
    if newest is not None:
        return FactState.UNKNOWN, "electrons contaminate every X-ray minute that is stored"
    why = "no X-ray flux is stored; the flow truth or `flaremon flares fetch` gets it"
    return FactState.UNKNOWN, why


def _judge_list(
    catalog: str, as_of: datetime | None, now: datetime
) -> tuple[FactState, str | None]:
    if as_of is None:
        return FactState.UNKNOWN, f"flare list {catalog} was never read, or answers for nothing"
    return judge_age(now - as_of, STALE_AFTER, f"what flare list {catalog} says")


def _in_progress(session: "Session", flare: Flare, now: datetime) -> InProgress:
    flux = store.peak_flux(session, since=flare.start, until=now)
    peak = flare.flare_class if flux is None else class_of_flux(flux)
    return InProgress(since=flare.start, peak=peak, noaa_ar=flare.noaa_ar, location=flare.location)
