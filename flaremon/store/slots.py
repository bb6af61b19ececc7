"""Slots of a series in bulk: which are decided, by whom, and why others could not be had.

A backfill plans with these over years: a query per kind of row, ranges of labels instead of
lists of keys, plain strings instead of objects.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from flaremon.domain import Calibration, FlareEvent, ModelId, Quality, Record, RecordKey
from flaremon.schema import MissRow, PredictionRow, RecordRow, RejectionRow
from flaremon.store.rows import batched, insert, model_row_id, storable


class MissReason(StrEnum):
    """Why a slot could not be had."""

    NO_RECORD = "no-record"
    """The source lists none."""
    OFF_LINE = "off-line"
    """The file is not on disk at the source."""
    OUTAGE = "outage"
    """The source did not answer, or not in full."""
    FAILED = "failed"
    """Anything else; see the detail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A slot that could not be had."""

    key: RecordKey
    reason: MissReason
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotRange:
    """Full-disk slots of a series with ``low <= T_REC < high``; labels of a series sort in time."""

    series: str
    low: str
    high: str

    def of(self, row: type[RecordRow] | type[MissRow]) -> ColumnElement[bool]:
        """Return the condition that the unique index of the table serves."""
        return and_(
            row.series == self.series,
            row.harpnum == 0,
            row.t_rec >= self.low,
            row.t_rec < self.high,
        )


def predicted_slots(
    session: Session, slots: SlotRange, *, model: ModelId, events: Collection[FlareEvent]
) -> set[str]:
    """Return the labels that a model has predicted, every one of `events`."""
    model_id = model_row_id(session, model)
    if model_id is None:
        return set()
    wanted = sorted({str(event) for event in events})
    statement = (
        select(RecordRow.t_rec)
        .join(PredictionRow, PredictionRow.record_id == RecordRow.id)
        .where(
            slots.of(RecordRow),
            PredictionRow.model_id == model_id,
            PredictionRow.event.in_(wanted),
        )
        .group_by(RecordRow.id)
        .having(func.count() == len(wanted))
    )
    return set(session.scalars(statement))


def rejected_slots(session: Session, slots: SlotRange) -> Mapping[str, str]:
    """Return label and reason of the slots whose record, as last listed, was rejected."""
    statement = (
        select(RecordRow.t_rec, RejectionRow.reason)
        .join(RejectionRow, RejectionRow.record_id == RecordRow.id)
        .where(slots.of(RecordRow), RejectionRow.recnum == RecordRow.recnum)
    )
    return {row.t_rec: row.reason for row in session.execute(statement)}


def imageless_slots(session: Session, slots: SlotRange) -> set[str]:
    """Return the labels whose record says that there is no image (bit 31 of QUALITY)."""
    statement = select(RecordRow.t_rec).where(
        slots.of(RecordRow), RecordRow.quality >= int(Quality.NO_DATA)
    )
    return set(session.scalars(statement))


def listed_slots(session: Session, slots: SlotRange) -> set[str]:
    """Return the labels that have a record."""
    return set(session.scalars(select(RecordRow.t_rec).where(slots.of(RecordRow))))


def stored_records(session: Session, slots: SlotRange) -> Mapping[str, Record]:
    """Return by label what a prediction must know of a record: no keywords, no geometry."""
    rows = session.execute(
        select(
            RecordRow.t_rec,
            RecordRow.recnum,
            RecordRow.quality,
            RecordRow.calibration,
            RecordRow.t_obs,
        ).where(slots.of(RecordRow))
    )
    return {
        t_rec: Record(
            key=RecordKey(series=slots.series, t_rec=t_rec),
            recnum=recnum,
            quality=quality,
            calibration=Calibration(calibration),
            t_obs=t_obs,
        )
        for t_rec, recnum, quality, calibration, t_obs in rows
    }


def mean_file_bytes(session: Session, series: str) -> float | None:
    """Return the mean size of the files of a series, of the newest thousand; None without any."""
    newest = (
        select(RecordRow.size_bytes)
        .where(
            RecordRow.series == series,
            RecordRow.harpnum == 0,
            RecordRow.size_bytes.is_not(None),
        )
        .order_by(RecordRow.t_rec.desc())
        .limit(1000)
        .subquery()
    )
    mean = session.scalar(select(func.avg(newest.c.size_bytes)))
    return None if mean is None else float(mean)


def add_misses(session: Session, misses: Iterable[Miss], *, seen_at: datetime, run_id: str) -> None:
    """Note why slots could not be had; what was noted of them before is replaced."""
    for batch in batched(sorted(misses, key=lambda miss: miss.key)):
        statement = insert(session, MissRow)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["series", "harpnum", "t_rec"],
                set_={
                    name: statement.excluded[name]
                    for name in ("reason", "detail", "seen_at", "run_id")
                },
            ),
            [
                {
                    "series": miss.key.series,
                    "harpnum": miss.key.harpnum,
                    "t_rec": miss.key.t_rec,
                    "reason": miss.reason.value,
                    "detail": storable(miss.detail),
                    "seen_at": seen_at,
                    "run_id": run_id,
                }
                for miss in batch
            ],
        )


def misses(
    session: Session, slots: SlotRange, *, since: datetime | None = None
) -> Mapping[str, Miss]:
    """Return by label why slots could not be had, tried from `since` on, decided by now or not."""
    statement = select(MissRow.t_rec, MissRow.reason, MissRow.detail).where(slots.of(MissRow))
    if since is not None:
        statement = statement.where(MissRow.seen_at >= since)
    rows = session.execute(statement)
    return {
        t_rec: Miss(
            key=RecordKey(series=slots.series, t_rec=t_rec),
            reason=MissReason(reason),
            detail=detail,
        )
        for t_rec, reason, detail in rows
    }
