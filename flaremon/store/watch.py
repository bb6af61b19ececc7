"""What GOES sees now: the newest minutes of X-rays, and the newest flares of a list."""

from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from flaremon.domain import Flare, FlareClass
from flaremon.schema import FlareRevisionRow, FlareRow, XraySampleRow
from flaremon.store.flare_rows import all_revisions, flare_of


def newest_minute(session: Session, *, until: datetime) -> datetime | None:
    """Return the newest minute up to an instant that has an X-ray flux, contaminated or not."""
    row = XraySampleRow
    return session.scalar(select(func.max(row.observed_at)).where(row.observed_at <= until))


def peak_flux(session: Session, *, since: datetime, until: datetime) -> float | None:
    """Return the largest uncontaminated X-ray flux in ``since <= t <= until``, W m-2."""
    row = XraySampleRow
    return session.scalar(
        select(func.max(row.flux_w_m2)).where(
            row.observed_at.between(since, until),
            or_(row.contaminated.is_(None), row.contaminated.is_(False)),
        )
    )


def newest_flare(
    session: Session, *, catalog: str, until: datetime, at_least: FlareClass | None = None
) -> Flare | None:
    """Return the flare of a list that started last, as it is known now.

    Parameters
    ----------
    until : datetime
        Started up to here.
    at_least : FlareClass, optional
        From this class on, as published; flares whose class is not known yet are then left out.
    """
    if session.scalar(select(FlareRow.id).where(FlareRow.catalog == catalog).limit(1)) is None:
        return None
    row, later = FlareRevisionRow, aliased(FlareRevisionRow)
    newer = select(later.id).where(later.flare_id == row.flare_id, later.revision > row.revision)
    # Of each revision and not by a join: a database that begins with the list sorts all of it.
    list_ = select(FlareRow.catalog).where(FlareRow.id == row.flare_id).scalar_subquery()
    newest = select(row.id).where(row.start_at <= until, ~newer.exists(), list_ == catalog)
    if at_least is not None:
        # Fluxes in lists have two digits; 1e-5 and 1.0 * 1e-5 need not be the same number.
        flux = at_least.flux_w_m2 * (1 - 1e-6)
        newest = newest.where(row.flare_class.is_not(None), row.peak_flux_w_m2 >= flux)
    newest = newest.order_by(row.start_at.desc(), row.id.desc()).limit(1)
    found = session.execute(all_revisions().where(row.id == newest.scalar_subquery())).one_or_none()
    return None if found is None else flare_of(found)
