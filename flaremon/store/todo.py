"""What is left to do: listed records without an outcome."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from flaremon.domain import FlareEvent, ModelId, Record, RecordKey
from flaremon.schema import ModelRow, PredictionRow, RecordRow, RejectionRow
from flaremon.store.rows import model_row_id, row_number, slots_of


def undecided(
    session: Session, records: Sequence[Record], *, model: ModelId, events: Sequence[FlareEvent]
) -> list[Record]:
    """Return the records that have neither been predicted nor rejected, in the order given.

    Predicted means by this model version and for every one of `events`, from whichever record
    number; rejected means at the very record number that is listed now.
    """
    keys = [record.key for record in records]
    model_id = model_row_id(session, model)
    predicted = set() if model_id is None else _predicted(session, keys, model_id, events)
    rejected = _rejected(session, keys)
    return [
        record
        for record in records
        if record.key not in predicted and record.recnum not in rejected.get(record.key, ())
    ]


def waiting(session: Session, *, series: str, model: ModelId, since: datetime) -> list[RecordKey]:
    """Return full-disk slots from `since` on that are listed, but neither scored nor rejected.

    Newest first. Such a slot could not be had, or its run has not come to it yet.
    """
    scored = select(PredictionRow.id).where(
        PredictionRow.record_id == RecordRow.id,
        PredictionRow.model_id == row_number(ModelRow, model),
    )
    rejected = select(RejectionRow.id).where(
        RejectionRow.record_id == RecordRow.id, RejectionRow.recnum == RecordRow.recnum
    )
    labels = session.scalars(
        select(RecordRow.t_rec)
        .where(
            RecordRow.series == series,
            RecordRow.harpnum == 0,
            RecordRow.slot_at >= since,
            ~scored.exists(),
            ~rejected.exists(),
        )
        .order_by(RecordRow.slot_at.desc())
    )
    return [RecordKey(series=series, t_rec=t_rec) for t_rec in labels]


def _predicted(
    session: Session, keys: Sequence[RecordKey], model_id: int, events: Sequence[FlareEvent]
) -> set[RecordKey]:
    wanted = {str(event) for event in events}
    found: set[RecordKey] = set()
    for series, harpnum, labels in slots_of(keys):
        rows = session.scalars(
            select(RecordRow.t_rec)
            .join(PredictionRow, PredictionRow.record_id == RecordRow.id)
            .where(
                RecordRow.series == series,
                RecordRow.harpnum == harpnum,
                RecordRow.t_rec.in_(labels),
                PredictionRow.model_id == model_id,
                PredictionRow.event.in_(wanted),
            )
            .group_by(RecordRow.t_rec)
            .having(func.count() == len(wanted))
        )
        found.update(RecordKey(series=series, harpnum=harpnum, t_rec=t_rec) for t_rec in rows)
    return found


def _rejected(session: Session, keys: Sequence[RecordKey]) -> Mapping[RecordKey, Collection[int]]:
    found: dict[RecordKey, set[int]] = {}
    for series, harpnum, labels in slots_of(keys):
        rows = session.execute(
            select(RecordRow.t_rec, RejectionRow.recnum)
            .join(RejectionRow, RejectionRow.record_id == RecordRow.id)
            .where(
                RecordRow.series == series,
                RecordRow.harpnum == harpnum,
                RecordRow.t_rec.in_(labels),
            )
        )
        for t_rec, recnum in rows:
            key = RecordKey(series=series, harpnum=harpnum, t_rec=t_rec)
            found.setdefault(key, set()).add(recnum)
    return found
