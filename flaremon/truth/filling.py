"""The baselines beside predictions of the past: after a backfill, or a flare list imported late."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from flaremon import store
from flaremon.database import session_scope
from flaremon.domain import Mode
from flaremon.store import SlotRange
from flaremon.times import tai_label_to_utc
from flaremon.truth.baselines import PERSISTENCE, TRAILING_CLIMATOLOGY, issue_baselines

if TYPE_CHECKING:
    from sqlalchemy import Engine

_AT_ONCE = 5000
"""Windows per transaction: others wait for SQLite's lock for about a second."""
_NEAR = timedelta(hours=1)
"""An image is observed in the slot that lists it, or next to it."""


def fill_baselines(
    engine: "Engine",
    *,
    catalog: str,
    now: datetime,
    run_id: str,
    slots: SlotRange | None = None,
) -> int:
    """Store what the baselines say about predicted windows that have none yet; how many rows.

    Whoever predicted them, and whenever that was interrupted: what is missing is looked up. They
    are hindcasts. Windows whose past the list does not answer for stay without, as they do live,
    and are looked at again the next time.

    Parameters
    ----------
    catalog : str
        Flare list that they are computed from, as it is stored now.
    slots : SlotRange, optional
        Only what was predicted of these slots, and at most an hour around them; by default all.

    Raises
    ------
    StoreError
        The database fails; what was stored before stays.
    """
    with session_scope(engine) as session:
        span = store.answered_span(session, catalog=catalog)
        if span is None:
            return 0
        since, until = span  # before and after it nothing is known anyway
        if slots is not None:
            since = max(since, tai_label_to_utc(slots.low) - _NEAR)
            until = min(until, tai_label_to_utc(slots.high) + _NEAR)
        lacking = store.windows_without(
            session, (PERSISTENCE, TRAILING_CLIMATOLOGY), since=since, until=until
        )
    new = 0
    for event, starts in lacking.items():
        for first in range(0, len(starts), _AT_ONCE):
            with session_scope(engine) as session:
                new += issue_baselines(
                    session,
                    times=starts[first : first + _AT_ONCE],
                    events=[event],
                    now=now,
                    catalog=catalog,
                    mode=Mode.HINDCAST,
                    run_id=run_id,
                )
    return new
