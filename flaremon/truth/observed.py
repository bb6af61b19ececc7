"""What SWPC's products say, into the database: flares, X-rays, periods, forecasts, regions."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from flaremon import store
from flaremon.domain import Flare, ForecasterKind, Mode, pair_up
from flaremon.goes import (
    CATALOG,
    FORECASTER,
    FORECASTER_DESCRIPTION,
    PRODUCTS,
    SECOND_LIST,
    SECOND_XRAYS,
    Covered,
    Observed,
    covered,
    only_unseen,
    unseen,
)

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

_SHORT = timedelta(hours=5)
"""The usual X-ray product reaches back 6 h; after a longer pause the long one is needed too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What storing a product came to."""

    flares_new: int = 0
    flares_revised: int = 0
    flares_reported_twice: int = 0
    flares_withdrawn: int = 0
    xrays_new: int = 0
    forecasts_new: int = 0
    regions_new: int = 0
    """Regions of summaries that are new, or have changed."""


def wanted(session: "Session", *, now: datetime) -> list[str]:
    """Return the names of the products to fetch, in order; `wanted_after` may add some.

    After a pause of hours, and at the very first, the long product of X-rays is among them:
    else nobody would know whether there were gaps.
    """
    newest = store.latest_xray(session, at=now)
    paused = newest is None or now - newest.observed_at > _SHORT
    return [
        name
        for name, product in PRODUCTS.items()
        if product.usual or (paused and name == "xrays-7-day")
    ]


def wanted_after(observed: Mapping[str, Observed], *, now: datetime) -> list[str]:
    """Return what the second satellite has to be asked, after the first one's products.

    Twice a year each satellite is in the Earth's shadow for up to an hour every day; a window
    of 24 h without a gap would not exist for weeks. Where it cannot be had, the gap stays one.
    """
    return [SECOND_XRAYS, SECOND_LIST] if unseen(observed, now=now) else []


def worth_keeping(name: str, read: Mapping[str, Observed], *, now: datetime) -> Observed:
    """Return what of a product is to be stored: of the second satellite's, little."""
    if name in {SECOND_XRAYS, SECOND_LIST}:
        return only_unseen(read[name], read, now=now)
    return read[name]


def keep_product(session: "Session", observed: Observed, *, now: datetime, run_id: str) -> Kept:
    """Store what one product says (see `worth_keeping`); the same again changes nothing.

    Forecasts that are seen after their window began are hindcasts: that nobody changed them
    since cannot be shown.
    """
    added = store.add_flares(session, observed.flares, catalog=CATALOG, seen_at=now, run_id=run_id)
    gone = withdrawn(session, observed, now=now)
    if gone:
        log.warning("%s", _in_words(gone))
    samples = store.add_xray(session, observed.xrays, seen_at=now, run_id=run_id)
    regions = store.add_noaa_regions(session, observed.regions, seen_at=now, run_id=run_id)
    forecasts = 0
    if observed.forecasts:
        store.register_forecaster(
            session,
            forecaster=FORECASTER,
            kind=ForecasterKind.OFFICIAL,
            description=FORECASTER_DESCRIPTION,
            now=now,
        )
        seen = [
            replace(
                forecast,
                issued_at=min(forecast.issued_at, now),
                mode=Mode.LIVE if now <= forecast.window.start else Mode.HINDCAST,
            )
            for forecast in observed.forecasts
        ]
        forecasts = store.add_forecasts(session, seen, run_id=run_id)
    return Kept(
        flares_new=added.new,
        flares_revised=added.revised,
        flares_reported_twice=len(observed.duplicates),
        flares_withdrawn=len(gone),
        xrays_new=samples,
        forecasts_new=forecasts,
        regions_new=regions.new + regions.revised,
    )


def keep_coverage(
    session: "Session", observed: Mapping[str, Observed], *, now: datetime, run_id: str
) -> Covered:
    """Store what the list answers for, by all products of one reading, and its gaps.

    A gap that has been filled since is one no more.
    """
    found = covered(observed, now=now)
    if found.within is not None:
        store.replace_gaps(
            session, found.gaps, catalog=CATALOG, within=found.within, seen_at=now, run_id=run_id
        )
    if found.period is not None:
        store.add_periods(session, [found.period], seen_at=now, run_id=run_id)
    if found.why:
        log.warning("the flare list %s was not read up to now: %s", CATALOG, found.why)
    return found


def withdrawn(session: "Session", observed: Observed, *, now: datetime) -> list[Flare]:
    """Return automatic flares that the 7-day list had, or should have, and has not.

    They stay stored and count: the program's word was never checked by anybody, and neither was
    its silence. Only people can settle it, and an edited report does. A flare whose class never
    became known keeps its windows unknown until then.
    """
    listed = observed.flares
    # Rows that cannot be read may be the very flares that seem to be gone.
    if observed.canary.product != "xray-flares-7-day" or not listed or observed.canary.trouble:
        return []
    since = max(min(flare.start for flare in listed), now - timedelta(days=7))
    until = max(flare.start for flare in listed)
    known = [
        item.flare
        for item in store.flares(session, since=since, until=until, catalog=CATALOG)
        if not item.flare.edited and item.flare.source != SECOND_LIST
    ]
    pairs = pair_up(known, [*listed, *(twice.dropped for twice in observed.duplicates)])
    return [flare for flare, pair in zip(known, pairs, strict=True) if pair is None]


def _in_words(gone: Sequence[Flare]) -> str:
    named = ", ".join(
        f"{flare.start:%Y-%m-%dT%H:%MZ} ({flare.flare_class or 'class unknown'})"
        for flare in gone[:5]
    )
    more = f" and {len(gone) - 5} more" if len(gone) > 5 else ""
    return (
        f"SWPC's 7-day list no longer has {len(gone)} flare(s) that it had: {named}{more}; they "
        "stay stored until an edited report says otherwise"
    )
