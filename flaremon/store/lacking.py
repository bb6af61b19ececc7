"""What a shadow has still to catch up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from flaremon.domain import ModelId
from flaremon.schema import ModelRow, PredictionRow, RecordRow
from flaremon.store.provenance import ListedRecord, listed_record
from flaremon.store.rows import key_of, row_number


def lacking(
    session: Session, *, series: str, since: datetime, has: ModelId, lacks: ModelId
) -> Sequence[ListedRecord]:
    """Return full-disk records from `since` on that one model has scored and another has not.

    Newest first. Rejected records are not among them: no model has scored those.
    """

    def scored_by(model: ModelId) -> Any:
        return (
            select(PredictionRow.id)
            .where(
                PredictionRow.record_id == RecordRow.id,
                PredictionRow.model_id == row_number(ModelRow, model),
            )
            .exists()
        )

    rows = session.execute(
        select(RecordRow.series, RecordRow.harpnum, RecordRow.t_rec)
        .where(
            RecordRow.series == series,
            RecordRow.harpnum == 0,
            RecordRow.slot_at >= since,
            scored_by(has),
            ~scored_by(lacks),
        )
        .order_by(RecordRow.slot_at.desc())
    ).all()
    found = (listed_record(session, key_of(row)) for row in rows)
    return [record for record in found if record is not None]
