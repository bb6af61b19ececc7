"""The answers to one question, newest first, as far back as somebody cares to read."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from flaremon.domain import FlareEvent, ModelId
from flaremon.schema import ModelRow, PredictionRow
from flaremon.store.rows import STREAM, row_number


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What was said of one observation, and when."""

    t_obs: datetime
    issued_at: datetime
    flare: bool


def answer_trail(
    session: Session, *, event: FlareEvent, model: ModelId, series: str, limit: int
) -> Iterator[Said]:
    """Read the yes/no answers of a model about an event, newest observation first.

    Rows are fetched as they are asked for, so stopping early costs little.
    """
    row = PredictionRow
    model_id = row_number(ModelRow, model)
    statement = (
        select(row.t_obs, row.issued_at, row.flare)
        .where(row.model_id == model_id, row.event == str(event), row.series == series)
        .order_by(row.t_obs.desc(), row.id.desc())
        .limit(limit)
    )
    with session.execute(statement, execution_options=STREAM) as found:
        for t_obs, issued_at, flare in found:
            yield Said(t_obs=t_obs, issued_at=issued_at, flare=flare)
