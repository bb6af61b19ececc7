"""Probabilities of one event by one model or forecaster, as arrays."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, and_, case, exists, func, literal, select
from sqlalchemy.orm import Session

from flaremon.domain import FlareEvent, ForecasterKind, Mode, ModelId
from flaremon.schema import ForecasterRow, ForecastRow, ModelRow, PredictionRow
from flaremon.store.columns import Times, arrays, instants
from flaremon.store.rows import row_number, within


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbabilityTable:
    """Probabilities by start of their window, then in the order in which they were stored.

    All arrays have shape (N,). Two records of one slot (near-real-time and definitive) give two
    rows with the same start.
    """

    times: Times
    """Starts of the windows: times of observation of predictions."""
    ends: Times
    """Ends of the windows."""
    issued: Times
    probability: NDArray[np.float64]
    """The one that stands."""
    raw_probability: NDArray[np.float64]
    """What the network says before calibration; NaN where there was no calibrator."""
    threshold: NDArray[np.float64]
    """NaN where the forecaster says none."""
    live: NDArray[np.bool_]
    in_training: NDArray[np.bool_]
    """`flaremon.domain.Prediction.in_training`; never of forecasters."""
    knew_flares: NDArray[np.bool_]
    """`flaremon.domain.Prediction.knew_flares`; never of forecasters."""

    @property
    def informed(self) -> NDArray[np.bool_] | None:
        """Whether recent flares were known, where a model answers otherwise without them.

        None of a model that has one answer. One that was fitted to say probabilities given recent
        flares has another network for when nobody knows them.
        """
        return self.knew_flares if self.in_training.any() else None


def prediction_table(  # noqa: PLR0913 - one parameter per filter
    session: Session,
    *,
    model: ModelId,
    event: FlareEvent,
    since: datetime | None = None,
    until: datetime | None = None,
    mode: Mode | None = None,
    series: str | None = None,
) -> ProbabilityTable:
    """Read what a model said about an event; nothing where it is not stored.

    Parameters
    ----------
    since, until : datetime, optional
        Observed in this range, end exclusive.
    mode, series : optional
        Only of these.
    """
    row = PredictionRow
    statement: Any = select(
        instants(session, row.t_obs),
        instants(session, row.window_end),
        instants(session, row.issued_at),
        row.probability,
        row.raw_probability,
        row.threshold,
        case((row.mode == Mode.LIVE.value, 1), else_=0),
        case((and_(row.calibrator_id.is_(None), row.activity.is_not(None)), 1), else_=0),
        case((knew_flares(row), 1), else_=0),
    ).where(row.model_id == row_number(ModelRow, model), row.event == str(event))
    if series is not None:
        statement = statement.where(row.series == series)
    return _table(session, statement, row.t_obs, row, (since, until, mode))


def forecast_table(
    session: Session,
    *,
    forecaster: ModelId,
    event: FlareEvent,
    since: datetime | None = None,
    until: datetime | None = None,
    mode: Mode | None = None,
) -> ProbabilityTable:
    """Read what a forecaster without records of ours said; as `prediction_table`."""
    row = ForecastRow
    statement: Any = select(
        instants(session, row.window_start),
        instants(session, row.window_end),
        instants(session, row.issued_at),
        row.probability,
        row.probability,
        row.threshold,
        case((row.mode == Mode.LIVE.value, 1), else_=0),
        literal(0),
        literal(0),
    ).where(row.forecaster_id == row_number(ForecasterRow, forecaster), row.event == str(event))
    return _table(session, statement, row.window_start, row, (since, until, mode))


def who_said(session: Session, *, event: FlareEvent) -> list[tuple[ModelId, ForecasterKind | None]]:
    """Return the models, then the forecasters, that have anything stored about an event.

    Returns
    -------
    list of (ModelId, ForecasterKind or None)
        None for models; both by name and version.
    """
    said = exists().where(PredictionRow.model_id == ModelRow.id, PredictionRow.event == str(event))
    models = session.execute(
        select(ModelRow.name, ModelRow.version)
        .where(said)
        .order_by(ModelRow.name, ModelRow.version)
    )
    told = exists().where(
        ForecastRow.forecaster_id == ForecasterRow.id, ForecastRow.event == str(event)
    )
    others = session.execute(
        select(ForecasterRow.name, ForecasterRow.version, ForecasterRow.kind)
        .where(told)
        .order_by(ForecasterRow.name, ForecasterRow.version)
    )
    found: list[tuple[ModelId, ForecasterKind | None]] = [
        (ModelId(name, version), None) for name, version in models
    ]
    return found + [
        (ModelId(name, version), ForecasterKind(kind)) for name, version, kind in others
    ]


def knew_flares(row: Any) -> ColumnElement[bool]:
    """Return `flaremon.domain.Prediction.knew_flares` of rows, also of those without a source."""
    return func.coalesce(row.activity_source, "").contains(" as of ")


def _table(
    session: Session,
    statement: Any,
    start: Any,
    row: Any,
    wanted: tuple[datetime | None, datetime | None, Mode | None],
) -> ProbabilityTable:
    since, until, mode = wanted
    statement = statement.where(*within(start, since, until))
    if mode is not None:
        statement = statement.where(row.mode == mode.value)
    dtypes = {
        "times": "datetime64[s]",
        "ends": "datetime64[s]",
        "issued": "datetime64[s]",
        "probability": np.float64,
        "raw_probability": np.float64,
        "threshold": np.float64,
        "live": np.bool_,
        "in_training": np.bool_,
        "knew_flares": np.bool_,
    }
    return ProbabilityTable(**arrays(session, statement.order_by(start, row.id), dtypes))
