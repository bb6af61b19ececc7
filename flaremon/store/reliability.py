"""How often a flare followed when a model said about so much; one query."""

from datetime import timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, aliased

from flaremon.domain import FlareEvent, Mode, ModelId, OutcomeState
from flaremon.schema import OutcomeRow, PredictionRow
from flaremon.store.prediction_table import knew_flares
from flaremon.store.rows import model_row_id


def said_and_happened(  # noqa: PLR0913 - one parameter per filter
    session: Session,
    *,
    model: ModelId,
    event: FlareEvent,
    between: tuple[float, float],
    catalog: str,
    reach: timedelta | None = None,
    mode: Mode | None = None,
    told: bool | None = None,
) -> tuple[int, int]:
    """Count windows with a probability in a range, and those of them in which it happened.

    Only windows whose newest outcome is scored. A window that several records speak about counts
    once.

    Parameters
    ----------
    between : (float, float)
        ``low <= probability < high``.
    reach : timedelta, optional
        Observed at most so long before the newest answer of the model.
    told : bool, optional
        Only answers with (True) or without recent flares, as `flaremon.domain.Prediction`
        has it with `knew_flares`.

    Returns
    -------
    tuple of int
        Windows, and windows with the event.
    """
    model_id = model_row_id(session, model)
    if model_id is None:
        return 0, 0
    row, outcome, later = PredictionRow, OutcomeRow, aliased(OutcomeRow)
    newer = select(later.id).where(
        later.catalog == outcome.catalog,
        later.event == outcome.event,
        later.window_start == outcome.window_start,
        later.revision > outcome.revision,
    )
    low, high = between
    statement = (
        select(
            func.count(row.window_start.distinct()),
            func.count(case((outcome.flare.is_(True), row.window_start)).distinct()),
        )
        .join(
            outcome,
            (outcome.catalog == catalog)
            & (outcome.event == row.event)
            & (outcome.window_start == row.window_start),
        )
        .where(
            row.model_id == model_id,
            row.event == str(event),
            row.probability >= low,
            row.probability < high,
            outcome.state == OutcomeState.SCORED.value,
            ~newer.exists(),
        )
    )
    if reach is not None:
        newest = session.scalar(
            select(func.max(row.t_obs)).where(row.model_id == model_id, row.event == str(event))
        )
        if newest is None:
            return 0, 0
        statement = statement.where(row.t_obs >= newest - reach)
    if mode is not None:
        statement = statement.where(row.mode == mode.value)
    if told is not None:
        statement = statement.where(knew_flares(row) if told else ~knew_flares(row))
    n, events = session.execute(statement).one()
    return n, events
