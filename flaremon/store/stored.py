"""Stored predictions, as domain objects."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.orm import Session

from flaremon.domain import FlareEvent, Mode, ModelId, RecordKey, RejectionReason
from flaremon.schema import ModelRow, PredictionRow, RecordRow, RejectionRow
from flaremon.store.prediction_rows import COLUMNS, StoredPrediction, assembled
from flaremon.store.promotions import Tenure
from flaremon.store.rows import row_number

_STREAM = {"yield_per": 5000}
"""Rows held at once: a day of four models. What rows point to is read once for so many."""


def predictions(  # noqa: PLR0913 - one parameter per filter
    session: Session,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    events: Iterable[FlareEvent] | None = None,
    model: ModelId | None = None,
    series: str | None = None,
    min_probability: float | None = None,
    mode: Mode | None = None,
    limit: int | None = None,
    tenures: Iterable[Tenure] | None = None,
) -> Iterator[StoredPrediction]:
    """Read stored predictions, newest observation first.

    The query runs at once; rows are fetched as they are asked for, within the session.

    Parameters
    ----------
    since, until : datetime, optional
        Observed in this range.
    events, model, series, mode : optional
        Only of these; an empty list of events finds nothing.
    min_probability : float, optional
        Only probabilities from here on.
    limit : int, optional
        At most so many, the newest.
    tenures : iterable of Tenure, optional
        Only what a model issued while it was the one that answers.
    """
    wanted: list[tuple[Callable[[Any], Any], Any]] = [
        (PredictionRow.t_obs.__ge__, since),
        (PredictionRow.t_obs.__lt__, until),
        (PredictionRow.event.in_, None if events is None else [str(event) for event in events]),
        (partial(_by, indexed=events is not None), model),
        (PredictionRow.series.__eq__, series),
        (PredictionRow.probability.__ge__, min_probability),
        (PredictionRow.mode.__eq__, mode and mode.value),
        (_issued_within, tenures),
    ]
    statement = (
        select(*COLUMNS)
        .where(*(compare(value) for compare, value in wanted if value is not None))
        .order_by(PredictionRow.t_obs.desc(), PredictionRow.event, PredictionRow.id.desc())
        .limit(limit)
    )
    # By the connection: the session would wrap every row once more.
    result = session.connection().execute(statement, execution_options=_STREAM)
    return assembled(session, result.partitions())


def _by(model: ModelId, *, indexed: bool) -> ColumnElement[bool]:
    """Return the condition that a model said it, to be looked up by the index of models or not.

    SQLite, which nobody tells how rows are distributed, takes that index where it can: all rows of
    the model, sorted, and not the newest ones by the index of times.
    """
    number = PredictionRow.model_id if indexed else PredictionRow.model_id + 0
    return number == row_number(ModelRow, model)


def _issued_within(tenures: Iterable[Tenure]) -> ColumnElement[bool]:
    issued = PredictionRow.issued_at
    return or_(
        false(),
        *(
            and_(
                _by(tenure.model, indexed=False),
                *([] if tenure.since is None else [issued >= tenure.since]),
                *([] if tenure.until is None else [issued < tenure.until]),
            )
            for tenure in tenures
        ),
    )


def latest(
    session: Session, *, event: FlareEvent, model: ModelId, series: str | None = None
) -> StoredPrediction | None:
    """Return the prediction from the newest observation, if there is any.

    One from a file that turned out to be an earlier slot's is no answer about its own.
    """
    row = PredictionRow
    copied = (
        select(RejectionRow.id)
        .join(RecordRow, RejectionRow.record_id == RecordRow.id)
        .where(
            RejectionRow.record_id == row.record_id,
            RejectionRow.recnum == RecordRow.recnum,
            RejectionRow.reason == RejectionReason.DUPLICATE_IMAGE.value,
        )
    )
    statement = (
        select(*COLUMNS)
        .where(
            row.model_id == row_number(ModelRow, model),
            row.event == str(event),
            ~copied.exists(),
        )
        .order_by(row.t_obs.desc(), row.id.desc())
        .limit(1)
    )
    if series is not None:
        statement = statement.where(row.series == series)
    found = session.execute(statement).all()
    return next(assembled(session, [found]), None)


def predictions_of(session: Session, key: RecordKey) -> list[StoredPrediction]:
    """Return all predictions from one record, by model and event."""
    found = session.execute(
        select(*COLUMNS)
        .join(RecordRow, PredictionRow.record_id == RecordRow.id)
        .join(ModelRow, PredictionRow.model_id == ModelRow.id)
        .where(
            RecordRow.series == key.series,
            RecordRow.harpnum == key.harpnum,
            RecordRow.t_rec == key.t_rec,
        )
        .order_by(ModelRow.name, ModelRow.version, PredictionRow.id)
    ).all()
    return list(assembled(session, [found]))
