"""Flares with all their revisions: what lists said, and when."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from flaremon.domain import Flare, FlareClass, FlareRevision, pair_up
from flaremon.errors import InputError
from flaremon.schema import FlareRevisionRow, FlareRow
from flaremon.store.flare_rows import all_revisions, columns, flare_of, revision_of
from flaremon.store.rows import STREAM, batched, be_the_only_writer_of_truth, insert, within

_AROUND = timedelta(hours=12)
"""Reports of one flare do not differ by more; only flares so near are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What storing a list came to."""

    new: int
    revised: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class _Known:
    flare_id: int
    revision: int
    flare: Flare


def add_flares(
    session: Session, flares: Iterable[Flare], *, catalog: str, seen_at: datetime, run_id: str
) -> Added:
    """Store what a list says now; the same again changes nothing.

    A flare that the list has changed (class, times, region, position) gets a revision. What a
    report leaves out stays as it was, and an automatic report does not revise an edited one.

    Parameters
    ----------
    flares : iterable of Flare
        One report per flare (`flaremon.domain.one_per_flare`).
    catalog : str
        Name of the list.
    seen_at : datetime
        When it was read.

    Raises
    ------
    InputError
        If the name of the list is empty or longer than 64 characters.
    """
    if not 0 < len(catalog) <= 64:
        raise InputError(f"{catalog!r} cannot name a flare list; take 1 to 64 characters")
    reports = sorted(flares, key=lambda flare: flare.start)
    if not reports:
        return Added(new=0, revised=0, unchanged=0)
    be_the_only_writer_of_truth(session)
    known = _known(session, catalog, reports)
    note = {"seen_at": seen_at, "run_id": run_id}
    fresh: list[Flare] = []
    rows: list[dict[str, Any]] = []
    for report, pair in zip(reports, pair_up(reports, [k.flare for k in known]), strict=True):
        if pair is None:
            fresh.append(report)
            continue
        old = known[pair]
        changed = _revised(old.flare, report)
        if changed is not None:
            rows.append({**columns(changed, old.flare_id, old.revision + 1), **note})
    revised = len(rows)
    numbers = _make(session, fresh, catalog)
    rows += [{**columns(f, n, 1), **note} for f, n in zip(fresh, numbers, strict=True)]
    for batch in batched(rows):
        session.execute(insert(session, FlareRevisionRow), batch)
    return Added(new=len(fresh), revised=revised, unchanged=len(reports) - len(rows))


def flares(
    session: Session,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    at: datetime | None = None,
    catalog: str | None = None,
    at_least: FlareClass | None = None,
) -> Iterator[FlareRevision]:
    """Read flares by their start, oldest first.

    Parameters
    ----------
    since, until : datetime, optional
        ``since <= start < until``.
    at : datetime, optional
        As they were known at this instant; by default as they are known now.
    at_least : FlareClass, optional
        Only from this class on, as published. Flares whose class is not known yet (in progress)
        are given too: they may turn out to be large.
    """
    row, later = FlareRevisionRow, aliased(FlareRevisionRow)
    newer = select(later.id).where(later.flare_id == row.flare_id, later.revision > row.revision)
    if at is not None:
        newer = newer.where(later.seen_at <= at)
    statement = all_revisions().where(~newer.exists())
    if at is not None:
        statement = statement.where(row.seen_at <= at)
    statement = statement.where(*within(row.start_at, since, until))
    if catalog is not None:
        statement = statement.where(FlareRow.catalog == catalog)
    statement = statement.order_by(row.start_at, FlareRow.catalog, row.flare_id)
    found = map(revision_of, session.execute(statement, execution_options=STREAM))
    return (item for item in found if _counts(item.flare, at_least))


def flare_history(session: Session, start: datetime, *, catalog: str) -> list[list[FlareRevision]]:
    """Return all revisions of the flares of a list that any revision dates at `start`."""
    ids = (
        select(FlareRevisionRow.flare_id)
        .join(FlareRow)
        .where(FlareRevisionRow.start_at == start, FlareRow.catalog == catalog)
    )
    rows = session.execute(
        all_revisions()
        .where(FlareRevisionRow.flare_id.in_(ids))
        .order_by(FlareRevisionRow.flare_id, FlareRevisionRow.revision)
    )
    return [
        [revision_of(row) for row in group] for _, group in groupby(rows, key=lambda r: r.flare_id)
    ]


def _known(session: Session, catalog: str, reports: Sequence[Flare]) -> list[_Known]:
    """Return the current revisions of flares that the reports may be about."""
    later = aliased(FlareRevisionRow)
    newer = select(later.id).where(
        later.flare_id == FlareRevisionRow.flare_id, later.revision > FlareRevisionRow.revision
    )
    rows = session.execute(
        all_revisions().where(
            ~newer.exists(),
            FlareRow.catalog == catalog,
            FlareRevisionRow.start_at >= reports[0].start - _AROUND,
            FlareRevisionRow.start_at <= reports[-1].start + _AROUND,
        )
    )
    return [_Known(row.flare_id, row.revision, flare_of(row)) for row in rows]


def _revised(old: Flare, report: Flare) -> Flare | None:
    """Return the flare with what the report changes; None if that is nothing."""
    if old.edited and not report.edited:
        return None
    kept = {
        name: getattr(old, name)
        for name in ("peak", "end", "flare_class", "peak_flux_w_m2", "noaa_ar", "location")
        if getattr(report, name) in {None, ""}
    }
    merged = replace(report, **kept)
    return None if merged.facts == old.facts else merged


def _make(session: Session, fresh: Sequence[Flare], catalog: str) -> list[int]:
    """Make rows for new flares and return their numbers, in the order of `fresh`."""
    ids: list[int] = []
    taken: dict[datetime, int] = {}
    if fresh:
        rows = session.execute(
            select(FlareRow.first_start_at, func.max(FlareRow.number).label("number"))
            .where(
                FlareRow.catalog == catalog,
                FlareRow.first_start_at.between(fresh[0].start, fresh[-1].start),
            )
            .group_by(FlareRow.first_start_at)
        )
        taken.update((row.first_start_at, row.number) for row in rows)
    statement = insert(session, FlareRow).returning(
        FlareRow.__table__.c.id, FlareRow.__table__.c.first_start_at, FlareRow.__table__.c.number
    )
    for batch in batched(fresh):
        rows_in = []
        for flare in batch:
            taken[flare.start] = taken.get(flare.start, 0) + 1
            rows_in.append(
                {"catalog": catalog, "first_start_at": flare.start, "number": taken[flare.start]}
            )
        made = {(start, number): id_ for id_, start, number in session.execute(statement, rows_in)}
        ids += [made[row["first_start_at"], row["number"]] for row in rows_in]
    return ids


def _counts(flare: Flare, at_least: FlareClass | None) -> bool:
    if at_least is None or flare.flare_class is None:
        return True
    # 1e-5 and 1.0 * 1e-5 need not be the same number.
    return flare.flare_class.flux_w_m2 >= at_least.flux_w_m2 * (1 - 1e-9)
