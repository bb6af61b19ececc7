"""Flares of the past from the HEK, a month at a time, into the database."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from flaremon import store
from flaremon.domain import CatalogPeriod, FlareClass
from flaremon.errors import InputError
from flaremon.goes import HEK_CATALOG, Observed

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

Span = tuple[datetime, datetime]

COMPLETE_FROM = FlareClass("C", 1.0)
FILLED_AFTER = timedelta(days=14)
"""NOAA's edited reports reach the HEK late: those of 1 January 2012 were filed ten days after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMonth:
    """What storing a month came to."""

    added: store.Added
    period: CatalogPeriod | None
    """What the list now answers for; None where the answer was empty, or is too fresh."""


def months(start: datetime, end: datetime) -> Iterator[Span]:
    """Cut a span at the beginnings of UTC months.

    Raises
    ------
    InputError
        It ends before it begins.
    """
    if end <= start:
        raise InputError(f"END {end.isoformat()} is not after START {start.isoformat()}")
    first = start.astimezone(UTC)
    while first < end:
        # 32 days after the first of a month is in the next one.
        later = first.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        next_first = (later + timedelta(days=32)).replace(day=1)
        yield first, min(next_first, end)
        first = next_first


def keep_month(
    session: "Session", observed: Observed, span: Span, *, now: datetime, run_id: str
) -> KeptMonth:
    """Store the flares of a month, and that the list answers for it.

    It does not for the last `FILLED_AFTER`, and not for a month without a single flare: at the
    least of solar activity B flares are listed, so that more likely the HEK has not got it.
    """
    added = store.add_flares(
        session, observed.flares, catalog=HEK_CATALOG, seen_at=now, run_id=run_id
    )
    start, end = span[0], min(span[1], now - FILLED_AFTER)
    if not observed.flares:
        log.warning(
            "the HEK has no flare from %s to %s: that is taken for a hole, not for quiet",
            *(f"{instant:%Y-%m-%d}" for instant in span),
        )
    if not observed.flares or end <= start:
        return KeptMonth(added=added, period=None)
    period = CatalogPeriod(
        catalog=HEK_CATALOG,
        start=start,
        end=end,
        flux_w_m2=COMPLETE_FROM.flux_w_m2,
        has_ends=all(flare.end is not None for flare in observed.flares),
        source="HEK, FRM SWPC",
    )
    store.add_periods(session, [period], seen_at=now, run_id=run_id)
    return KeptMonth(added=added, period=period)
