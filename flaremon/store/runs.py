"""What runs were told to do and how far they came: which policy rows were written under."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import case, select, update
from sqlalchemy.orm import Session

from flaremon.schema import RunRow
from flaremon.store.rows import insert, storable


class Job(StrEnum):
    """What kind of run it was."""

    MONITOR = "monitor"
    NOW = "now"
    BACKFILL = "backfill"
    RESCORE = "rescore"
    FILES = "files"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNote:
    """What a run was told to do, and how far it came."""

    run_id: str
    job: Job
    series: str
    policy: str
    """What came first, or alone: ``newest_first``, ``newest_only`` or ``all`` of a look-back;
    ``newest`` or ``oldest`` of a range."""
    since: datetime
    until: datetime
    """Exclusive."""
    live_within: timedelta
    """Age of an observation from which its prediction was called a hindcast."""
    began_at: datetime
    software: str
    listed_at: datetime | None = None
    ended_at: datetime | None = None
    """None while it goes on, and for ever if it was killed."""
    left_over: int | None = None
    """Slots that it did not come to."""
    error: str | None = None


def begin_run(session: Session, note: RunNote) -> None:
    """Store that a run begins; a run that comes in pieces is noted with the range of them all."""
    session.execute(
        insert(session, RunRow).on_conflict_do_nothing(index_elements=["run_id"]),
        [
            {
                "run_id": storable(note.run_id),
                "job": note.job.value,
                "series": note.series,
                "policy": note.policy,
                "since": note.since,
                "until": note.until,
                "live_within_h": note.live_within / timedelta(hours=1),
                "began_at": note.began_at,
                "software": storable(note.software),
            }
        ],
    )
    session.execute(
        update(RunRow)
        .where(RunRow.run_id == note.run_id)
        .values(
            since=case((RunRow.since > note.since, note.since), else_=RunRow.since),
            until=case((RunRow.until < note.until, note.until), else_=RunRow.until),
        )
        .execution_options(synchronize_session=False)
    )


def run_listed(session: Session, run_id: str, *, at: datetime) -> None:
    """Store when the source had told a run what there is."""
    session.execute(
        update(RunRow)
        .where(RunRow.run_id == run_id)
        .values(listed_at=at)
        .execution_options(synchronize_session=False)
    )


def end_run(
    session: Session, run_id: str, *, at: datetime, left_over: int, error: str | None = None
) -> None:
    """Store how a run ended."""
    session.execute(
        update(RunRow)
        .where(RunRow.run_id == run_id)
        .values(
            ended_at=at,
            left_over=left_over,
            error=None if error is None else storable(error),
        )
        .execution_options(synchronize_session=False)
    )


def runs(
    session: Session,
    *,
    run_id: str | None = None,
    job: Job | None = None,
    since: datetime | None = None,
    limit: int | None = None,
) -> Sequence[RunNote]:
    """Return runs, those that began last first.

    Parameters
    ----------
    run_id, job, since : optional
        Only this one; only of this kind; only those that began from here on.
    """
    statement = select(RunRow).order_by(RunRow.began_at.desc(), RunRow.id.desc()).limit(limit)
    if run_id is not None:
        statement = statement.where(RunRow.run_id == run_id)
    if job is not None:
        statement = statement.where(RunRow.job == job.value)
    if since is not None:
        statement = statement.where(RunRow.began_at >= since)
    return [_note(row) for row in session.scalars(statement)]


def did_it_already(session: Session, note: RunNote, *, due: datetime) -> RunNote | None:
    """Return a run that did the work of one that was due some time ago and begins now, if any.

    It is of the same kind and series, asked the source after the other one was due, looked at
    least as far back and left nothing: whatever the late one would find, it has found.
    """
    row = session.scalars(
        select(RunRow)
        .where(
            RunRow.job == note.job.value,
            RunRow.series == note.series,
            RunRow.run_id != note.run_id,
            RunRow.listed_at >= due,
            RunRow.since <= note.since,
            RunRow.left_over.is_(None) | (RunRow.left_over == 0),
            RunRow.error.is_(None),
        )
        .order_by(RunRow.listed_at.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _note(row)


def _note(row: RunRow) -> RunNote:
    return RunNote(
        run_id=row.run_id,
        job=Job(row.job),
        series=row.series,
        policy=row.policy,
        since=row.since,
        until=row.until,
        live_within=timedelta(hours=row.live_within_h),
        began_at=row.began_at,
        software=row.software,
        listed_at=row.listed_at,
        ended_at=row.ended_at,
        left_over=row.left_over,
        error=row.error,
    )
