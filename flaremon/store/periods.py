"""What flare lists answer for: periods, the gaps in them, and when a list was last read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Row, Select, delete, func, select
from sqlalchemy.orm import Session

from flaremon.domain import LEAST_FLUX_W_M2, CatalogPeriod
from flaremon.errors import InputError
from flaremon.schema import CatalogPeriodRow, FlareRevisionRow, FlareRow
from flaremon.store.rows import be_the_only_writer_of_truth, insert, storable


@dataclass(frozen=True, slots=True)
class _Stored:
    id: int
    period: CatalogPeriod
    seen_at: datetime


def add_periods(
    session: Session, periods: Iterable[CatalogPeriod], *, seen_at: datetime, run_id: str
) -> int:
    """Store periods that lists answer for, and gaps.

    A period that overlaps or touches a stored one of the same list and flux makes it longer, so
    that a list which is read every few minutes has one row and not thousands. Where end times
    are known from one reading and not from another, they are known.

    Parameters
    ----------
    seen_at : datetime
        When the list was read; stored periods take the newest.

    Returns
    -------
    int
        How many rows are new or longer than before.

    Raises
    ------
    InputError
        A period ends before it begins, or its list has no name.
    """
    new = sorted(periods, key=_kind)
    for period in new:
        _check(period)
    if new:
        be_the_only_writer_of_truth(session)
    changed = 0
    for _, group in groupby(new, key=_kind):
        changed += _merge(session, list(group), seen_at=seen_at, run_id=run_id)
    return changed


def replace_gaps(
    session: Session,
    gaps: Iterable[CatalogPeriod],
    *,
    catalog: str,
    within: tuple[datetime, datetime],
    seen_at: datetime,
    run_id: str,
) -> None:
    """Make these the only gaps of a list within a span that has been read anew.

    What a satellite sends late fills gaps. Gaps that reach out of the span keep their part
    outside of it.

    Parameters
    ----------
    within : (datetime, datetime)
        The span, end exclusive.
    """
    since, until = within
    be_the_only_writer_of_truth(session)
    row = CatalogPeriodRow
    touching = session.execute(
        _select().where(
            row.catalog == catalog, row.gap.is_(True), row.start_at < until, row.end_at > since
        )
    )
    old = [_stored(found) for found in touching]
    session.execute(delete(row).where(row.id.in_([item.id for item in old])))
    for item in old:
        outside = _subtract([(item.period.start, item.period.end)], [within])
        kept = [replace(item.period, start=start, end=end) for start, end in outside]
        add_periods(session, kept, seen_at=item.seen_at, run_id=run_id)
    add_periods(session, gaps, seen_at=seen_at, run_id=run_id)


def periods(session: Session, *, catalog: str) -> list[CatalogPeriod]:
    """Return what a list answers for and its gaps, in the order of their start.

    Periods of one flux do not overlap; those that are complete from different fluxes may. Gaps
    lie anywhere, and win: inside one nothing is known.
    """
    statement = _select().where(CatalogPeriodRow.catalog == catalog)
    return [_stored(row).period for row in session.execute(statement)]


def catalog_as_of(session: Session, *, catalog: str) -> datetime | None:
    """Return when a list was last read or last changed; None if it never was."""
    read = session.scalar(
        select(func.max(CatalogPeriodRow.seen_at)).where(CatalogPeriodRow.catalog == catalog)
    )
    changed = session.scalar(
        select(func.max(FlareRevisionRow.seen_at))
        .join(FlareRow, FlareRevisionRow.flare_id == FlareRow.id)
        .where(FlareRow.catalog == catalog)
    )
    return max((at for at in (read, changed) if at is not None), default=None)


def catalogs(session: Session) -> list[str]:
    """Return the names of the lists that were read, in their order."""
    statement = select(CatalogPeriodRow.catalog).union(select(FlareRow.catalog))
    return sorted(session.scalars(statement))


_Span = tuple[datetime, datetime]


def _merge(
    session: Session, new: Sequence[CatalogPeriod], *, seen_at: datetime, run_id: str
) -> int:
    """Store periods of one list and flux together with what they touch."""
    row, first = CatalogPeriodRow, new[0]
    found = session.execute(
        _select().where(
            row.catalog == first.catalog,
            row.gap.is_(first.gap),
            row.flux_w_m2 == first.flux_w_m2,
            row.start_at <= max(period.end for period in new),
            row.end_at >= min(period.start for period in new),
        )
    )
    old = [_stored(item) for item in found]
    everything = [*(item.period for item in old), *new]
    with_ends = _union([(p.start, p.end) for p in everything if p.has_ends])
    without = _union([(p.start, p.end) for p in everything if not p.has_ends])
    spans = [(span, True) for span in with_ends]
    spans += [(span, False) for span in _subtract(without, with_ends)]
    session.execute(delete(row).where(row.id.in_([item.id for item in old])))
    rows, changed = [], 0
    for (start, end), has_ends in spans:
        inside = [item for item in old if item.period.start < end and item.period.end > start]
        fresh = [p for p in new if p.start < end and p.end > start]
        times = [item.seen_at for item in inside] + [seen_at] * bool(fresh)
        source = (fresh or [item.period for item in inside])[-1].source
        same = any((i.period.start, i.period.end) == (start, end) for i in inside)
        changed += not same
        rows.append({
            "catalog": first.catalog, "gap": first.gap, "start_at": start, "end_at": end,
            "flux_w_m2": first.flux_w_m2, "has_ends": has_ends, "source": storable(source),
            "seen_at": max(times), "run_id": run_id,
        })  # fmt: skip
    session.execute(insert(session, row), rows)
    return changed


def _union(spans: Iterable[_Span]) -> list[_Span]:
    """Join spans that overlap or touch; in order."""
    joined: list[_Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _subtract(spans: Iterable[_Span], others: Iterable[_Span]) -> list[_Span]:
    """Return what of the spans is in none of the others."""
    left = list(spans)
    for since, until in others:
        left = [
            piece
            for start, end in left
            for piece in ((start, min(end, since)), (max(start, until), end))
            if piece[0] < piece[1]
        ]
    return left


def _kind(period: CatalogPeriod) -> tuple[str, bool, float]:
    return (period.catalog, period.gap, period.flux_w_m2)


def _check(period: CatalogPeriod) -> None:
    if not 0 < len(period.catalog) <= 64:
        raise InputError(f"{period.catalog!r} cannot name a flare list; take 1 to 64 characters")
    if period.end <= period.start:
        raise InputError(
            f"list {period.catalog}: a period ends at {period.end.isoformat()}, which is not "
            f"after its start {period.start.isoformat()}"
        )
    if period.gap and period.flux_w_m2 != LEAST_FLUX_W_M2:
        raise InputError(f"list {period.catalog}: a gap has flux {LEAST_FLUX_W_M2}, by definition")


def _select() -> Select[Any]:
    row = CatalogPeriodRow
    return select(
        row.id, row.catalog, row.gap, row.start_at, row.end_at, row.flux_w_m2, row.has_ends,
        row.source, row.seen_at,
    ).order_by(row.start_at, row.flux_w_m2)  # fmt: skip


def _stored(row: Row[Any]) -> _Stored:
    return _Stored(
        id=row.id,
        period=CatalogPeriod(
            catalog=row.catalog,
            start=row.start_at,
            end=row.end_at,
            flux_w_m2=row.flux_w_m2,
            has_ends=row.has_ends,
            gap=row.gap,
            source=row.source,
        ),
        seen_at=row.seen_at,
    )
