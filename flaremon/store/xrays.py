"""X-ray samples of GOES."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from flaremon.domain import XrayState
from flaremon.schema import XraySampleRow
from flaremon.store.rows import batched, insert


def add_xray(
    session: Session, states: Iterable[XrayState], *, seen_at: datetime, run_id: str
) -> int:
    """Store X-ray samples; of one satellite and time the first stands.

    Returns
    -------
    int
        How many were new.
    """
    statement = (
        insert(session, XraySampleRow)
        .on_conflict_do_nothing(index_elements=["satellite", "observed_at"])
        .returning(XraySampleRow.__table__.c.id)
    )
    new = 0
    for batch in batched(sorted(states, key=lambda s: (s.observed_at, s.satellite))):
        rows = [
            {
                "satellite": state.satellite,
                "observed_at": state.observed_at,
                "flux_w_m2": state.flux_w_m2,
                "contaminated": state.contaminated,
                "seen_at": seen_at,
                "run_id": run_id,
            }
            for state in batch
        ]
        new += len(session.execute(statement, rows).all())
    return new


def latest_xray(session: Session, *, at: datetime | None = None) -> XrayState | None:
    """Return the newest X-ray sample that is not contaminated by electrons.

    Parameters
    ----------
    at : datetime, optional
        The newest observed at or before this instant.
    """
    row = XraySampleRow
    statement = select(row.observed_at, row.satellite, row.flux_w_m2, row.contaminated).where(
        or_(row.contaminated.is_(None), row.contaminated.is_(False))
    )
    if at is not None:
        statement = statement.where(row.observed_at <= at)
    statement = statement.order_by(row.observed_at.desc(), row.satellite.desc()).limit(1)
    found = session.execute(statement).one_or_none()
    if found is None:
        return None
    return XrayState(
        observed_at=found.observed_at,
        satellite=found.satellite,
        flux_w_m2=found.flux_w_m2,
        contaminated=found.contaminated,
    )
