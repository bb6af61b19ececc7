"""What one model said of the same slots in two series."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from flaremon.domain import ModelId
from flaremon.schema import PredictionRow, RecordRow
from flaremon.store.prediction_table import knew_flares
from flaremon.store.rows import STREAM, model_row_id
from flaremon.store.slots import SlotRange


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A slot and an event, predicted from both series."""

    t_rec: str
    event: str
    before: float
    """Probability from the first series."""
    after: float
    flare_before: bool
    flare_after: bool
    same_flares: bool = True
    """Whether recent flares were known for both, or for neither."""
    same_calibrator: bool = True
    """Whether both are by the same calibrator, or both by none."""


def pairs(session: Session, slots: SlotRange, *, other: str, model: ModelId) -> Iterator[Pair]:
    """Yield what a model said of slots, first of their own series, then of another.

    Parameters
    ----------
    slots : SlotRange
        Of the first series.
    other : str
        The second series, with the same labels.
    """
    model_id = model_row_id(session, model)
    first, second = aliased(RecordRow), aliased(RecordRow)
    before, after = aliased(PredictionRow), aliased(PredictionRow)
    statement = (
        select(
            first.t_rec,
            before.event,
            before.probability,
            after.probability,
            before.flare,
            after.flare,
            knew_flares(before) == knew_flares(after),
            func.coalesce(before.calibrator_id, 0) == func.coalesce(after.calibrator_id, 0),
        )
        .join(before, before.record_id == first.id)
        .join(second, second.t_rec == first.t_rec)
        .join(after, after.record_id == second.id)
        .where(
            slots.of(first),
            second.series == other,
            second.harpnum == 0,
            before.model_id == model_id,
            after.model_id == model_id,
            after.event == before.event,
        )
        .order_by(first.t_rec, before.event)
    )
    for row in session.execute(statement, execution_options=STREAM):
        t_rec, event, p_before, p_after, flare_before, flare_after, flares, calibrator = row
        yield Pair(
            t_rec=t_rec,
            event=event,
            before=p_before,
            after=p_after,
            flare_before=flare_before,
            flare_after=flare_after,
            same_flares=flares,
            same_calibrator=calibrator,
        )
