"""Persistence and trailing climatology, stored like the forecasts of any model."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from flaremon import store
from flaremon.domain import FlareEvent, Forecast, ForecasterKind, Mode, ModelId
from flaremon.truth.instants import list_version
from flaremon.verify.baselines import TRAILING, persistence, trailing_climatology
from flaremon.verify.labels import FlareList
from flaremon.verify.stored import instants, stored_flares

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

PERSISTENCE = ModelId("persistence", "1.0.0")
TRAILING_CLIMATOLOGY = ModelId("trailing-climatology", "1.0.0")

_DESCRIPTIONS: Mapping[ModelId, str] = {
    PERSISTENCE: "What the last 24 h say: 1 if the event occurred in the window that ended when "
    "this one began, else 0; for an event in progress the share of the last 24 h in which one was.",
    TRAILING_CLIMATOLOGY: "How often the event occurred in the windows of the last 30 days.",
}
_THRESHOLDS: Mapping[ModelId, float | None] = {PERSISTENCE: 0.5, TRAILING_CLIMATOLOGY: None}
_ROOM = timedelta(days=2)
"""Raster and windows of the baselines reach a little further back than 30 days."""


def issue_baselines(  # noqa: PLR0913 - whose windows, when, by what list
    session: "Session",
    *,
    times: Iterable[datetime],
    events: Iterable[FlareEvent],
    now: datetime,
    catalog: str,
    mode: Mode,
    run_id: str,
) -> int:
    """Store what persistence and trailing climatology say about windows; the first stands.

    Only flares that started up to the beginning of a window count, as the list has them now.
    Where it does not answer for enough of the past (`flaremon.verify.baselines`), nothing is
    stored: unknown is not quiet. Persistence says yes or no (of an event in progress: more than
    half of the last day); climatology has no threshold of its own.

    Parameters
    ----------
    times : iterable of datetime
        Starts of windows, aware.
    now : datetime
        When the baselines are issued.
    catalog : str
        Name of the stored flare list.

    Returns
    -------
    int
        How many forecasts were not stored before.

    Raises
    ------
    StoreError
        The database fails.
    """
    starts = sorted(set(times))
    wanted = list(events)
    if not starts or not wanted:
        return 0
    longest = max((event.horizon or timedelta(0) for event in wanted), default=timedelta(0))
    reach = timedelta(seconds=int(TRAILING / np.timedelta64(1, "s"))) + longest + _ROOM
    flares = stored_flares(
        session, catalog=catalog, since=starts[0] - reach, until=starts[-1] + timedelta(seconds=1)
    )
    if np.isnat(flares.ends):
        return 0
    for who, description in _DESCRIPTIONS.items():
        store.register_forecaster(
            session, forecaster=who, kind=ForecasterKind.BASELINE, description=description, now=now
        )
    said = (
        forecast
        for event in wanted
        for forecast in _said(flares, event, starts, issued_at=now, mode=mode)
    )
    return store.add_forecasts(session, said, run_id=run_id)


def _said(
    flares: FlareList,
    event: FlareEvent,
    starts: Sequence[datetime],
    *,
    issued_at: datetime,
    mode: Mode,
) -> Iterator[Forecast]:
    times = instants(starts)
    source = list_version(flares)
    probabilities = {
        PERSISTENCE: persistence(flares, event, times),
        TRAILING_CLIMATOLOGY: trailing_climatology(flares, event, times),
    }
    for who, values in probabilities.items():
        for start, value in zip(starts, values.tolist(), strict=True):
            if not np.isnan(value):
                yield Forecast(
                    forecaster=who,
                    event=event,
                    window=event.window(start),
                    probability=value,
                    threshold=_THRESHOLDS[who],
                    issued_at=issued_at,
                    mode=mode,
                    source=source,
                )
