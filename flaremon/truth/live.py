"""The baselines beside a run of the main job."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from flaremon.database import session_scope
from flaremon.domain import FlareEvent, Mode, Prediction
from flaremon.truth.baselines import issue_baselines

if TYPE_CHECKING:
    from sqlalchemy import Engine


def keep_baselines(
    predictions: Sequence[Prediction],
    engine: "Engine",
    *,
    events: Iterable[FlareEvent],
    catalog: str,
    now: datetime,
    run_id: str,
) -> int:
    """Store what the baselines say about the windows that were predicted; returns how many rows.

    And about the window that began with this hour, so that they go on without magnetograms too.

    Parameters
    ----------
    catalog : str
        Flare list that they are computed from, as it is stored now.
    now : datetime
        Of the run, aware.

    Raises
    ------
    StoreError
        The database fails.
    """
    times = {mode: {p.t_obs for p in predictions if p.mode is mode} for mode in Mode}
    times[Mode.LIVE].add(now.replace(minute=0, second=0, microsecond=0))
    wanted = list(events)
    with session_scope(engine) as session:
        return sum(
            issue_baselines(
                session,
                times=starts,
                events=wanted,
                now=now,
                catalog=catalog,
                mode=mode,
                run_id=run_id,
            )
            for mode, starts in times.items()
        )
