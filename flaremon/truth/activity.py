"""What the Sun did lately, for predictions that are about to be made or calibrated."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from flaremon.domain import ACTIVITY_REACH, FlareClass, FlareEvent, RecentActivity
from flaremon.truth.instants import aware, list_version
from flaremon.verify.labels import LONGEST_FLARE, count, covered, in_gap
from flaremon.verify.stored import instants, stored_flares

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_LEAST = FlareEvent(FlareClass.parse("C1"), ACTIVITY_REACH)
"""What a list must be able to answer: flares from C1 on, over all of the reach."""


def recent_activity(
    session: "Session",
    times: Sequence[datetime],
    *,
    catalog: str,
    at: datetime | None = None,
) -> list[RecentActivity | None]:
    """Return what a stored flare list knows of the `ACTIVITY_REACH` up to each instant.

    Flares count by their start, in ``(t - reach, t]`` and never later, with classes of true
    flux as the list has them now.

    Parameters
    ----------
    times : sequence of datetime
        Times of observation, aware, in any order; all are served by one query, so those of a
        chunk should be asked for together.
    at : datetime, optional
        As the list was known at this instant; by default as it is now.

    Returns
    -------
    list of RecentActivity or None
        In the order of `times`. None where the list does not answer for all of the reach from
        C1 on: outside its periods, across a gap, or where a flare in it never got a class. One
        in progress may still lack it, for hours: it counts as begun (`unclassed`), no more.
    """
    if not times:
        return []
    flares = stored_flares(
        session,
        catalog=catalog,
        since=min(times) - ACTIVITY_REACH,
        until=max(times) + timedelta(seconds=1),
        at=at,
    )
    until = instants(times)
    since = until - np.timedelta64(ACTIVITY_REACH // timedelta(seconds=1), "s")
    known = covered(flares, _LEAST, since, until) & ~in_gap(flares, since, until)
    unclassed = flares.start[flares.unclassed]
    known &= count(unclassed, since, until - LONGEST_FLARE) == 0
    large = flares.at_least(_LEAST.threshold)
    starts, fluxes = flares.start[large], flares.flux_w_m2[large].tolist()
    pairs = list(zip(aware(starts), fluxes, strict=True))
    first = np.searchsorted(starts, since, side="right")
    last = np.searchsorted(starts, until, side="right")
    rising = aware(unclassed)
    oldest = np.searchsorted(unclassed, until - LONGEST_FLARE, side="right")
    newest = np.searchsorted(unclassed, until, side="right")
    source = list_version(flares)
    return [
        RecentActivity(
            until=time,
            flares=tuple(pairs[low:high]),
            source=source,
            unclassed=tuple(rising[begun:latest]),
        )
        if sure
        else None
        for time, low, high, begun, latest, sure in zip(
            times, first, last, oldest, newest, known, strict=True
        )
    ]
