"""The stored flare list, with what it answers for, as arrays."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from flaremon import store
from flaremon.domain import CatalogPeriod, ClassScale, Flare
from flaremon.verify.labels import Coverage, FlareList, Times

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_SWPC_FACTOR = 0.7
"""True flux is that of an operational class before 2019-12-07 divided by this."""


def stored_flares(
    session: "Session",
    *,
    catalog: str,
    since: datetime | None = None,
    until: datetime | None = None,
    at: datetime | None = None,
) -> FlareList:
    """Read a stored flare list and the periods it answers for; classes are of true flux.

    Flares whose class is not known yet have a flux of NaN: `flaremon.verify.labels.label` calls
    their windows unknown and not negative.

    Parameters
    ----------
    catalog : str
        Name of the list.
    since, until : datetime, optional
        Only flares that start in ``since <= start < until``. Nothing outside is covered, so
        what was not read cannot be taken for quiet; events in progress need the list from
        `LONGEST_FLARE` before their first instant on.
    at : datetime, optional
        As the flares were known at this instant. Periods are those that the list answers for
        now, cut at this instant: a list that was read later had no later flares then.

    Returns
    -------
    FlareList
        Without any period where the list does not say what it answers for.
    """
    revisions = store.flares(session, catalog=catalog, since=since, until=until, at=at)
    flares = [revision.flare for revision in revisions]
    ends = [end for end in (until, at) if end is not None]
    periods = [
        cut
        for period in store.periods(session, catalog=catalog)
        if (cut := _cut(period, since, min(ends, default=None))) is not None
    ]
    as_of = at or store.catalog_as_of(session, catalog=catalog)
    return FlareList(
        start=instants(flare.start for flare in flares),
        end=instants(flare.end for flare in flares),
        flux_w_m2=np.array([true_flux(flare) for flare in flares], dtype=np.float64),
        coverage=tuple(coverage_of(period) for period in periods if not period.gap),
        missing_days=instants([]),
        gaps=tuple((instant(p.start), instant(p.end)) for p in periods if p.gap),
        location=np.array([flare.location for flare in flares], dtype=np.str_),
        catalog=catalog,
        as_of=None if as_of is None else instant(as_of),
    )


def coverage_of(period: CatalogPeriod) -> Coverage:
    """Return a period that is no gap as labels are made with it."""
    return Coverage(
        start=instant(period.start),
        end=instant(period.end),
        flux_w_m2=period.flux_w_m2,
        has_ends=period.has_ends,
    )


def true_flux(flare: Flare) -> float:
    """Return the peak 1-8 Å flux on the scale of true flux, W m-2; NaN while it is not known."""
    flux = flare.peak_flux_w_m2
    if flux is None:
        if flare.flare_class is None:
            return float("nan")
        flux = flare.flare_class.flux_w_m2
    return flux / _SWPC_FACTOR if flare.class_scale is ClassScale.OPERATIONAL else flux


def instant(time: datetime) -> np.datetime64:
    """Return an aware instant as datetime64[s], UTC."""
    return np.datetime64(time.astimezone(UTC).replace(tzinfo=None), "s")


def instants(times: Iterable[datetime | None]) -> Times:
    """Return aware instants as datetime64[s], UTC; NaT for None."""
    nat = np.datetime64("NaT", "s")
    found = [nat if time is None else instant(time) for time in times]
    return np.array(found, dtype="datetime64[s]")


def _cut(
    period: CatalogPeriod, since: datetime | None, until: datetime | None
) -> CatalogPeriod | None:
    start = period.start if since is None else max(period.start, since)
    end = period.end if until is None else min(period.end, until)
    return replace(period, start=start, end=end) if start < end else None
