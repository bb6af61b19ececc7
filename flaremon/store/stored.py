"""Stored predictions, as domain objects."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from flaremon.domain import (
    ActivityLevel,
    Calibration,
    FlareEvent,
    Mode,
    ModelId,
    Prediction,
    QualityClass,
    RecordKey,
    Window,
    quality_class,
)
from flaremon.schema import CalibratorRow, ModelRow, PredictionRow, RecordRow
from flaremon.store.rows import STREAM

_event = lru_cache(maxsize=256)(FlareEvent.parse)

_COLUMNS = (
    RecordRow.series,
    RecordRow.harpnum,
    RecordRow.t_rec,
    RecordRow.recnum.label("listed_recnum"),
    RecordRow.calibration,
    RecordRow.file_url,
    RecordRow.processed_at,
    ModelRow.name,
    ModelRow.version,
    PredictionRow.event,
    PredictionRow.t_obs,
    PredictionRow.score,
    PredictionRow.probability,
    PredictionRow.threshold,
    PredictionRow.window_start,
    PredictionRow.window_end,
    PredictionRow.issued_at,
    PredictionRow.mode,
    PredictionRow.device,
    PredictionRow.software,
    PredictionRow.run_id,
    PredictionRow.recnum,
    PredictionRow.quality,
    PredictionRow.sha256,
    PredictionRow.raw_probability,
    PredictionRow.activity,
    PredictionRow.activity_source,
    PredictionRow.spread,
    CalibratorRow.sha256.label("calibrator_sha256"),
)
"""Plain columns: making ORM objects of a thousand rows takes ten times as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPrediction:
    """A prediction, and the facts of the record it was made from that a reader wants."""

    prediction: Prediction
    recnum: int
    quality: int
    calibration: Calibration
    sha256: str | None
    """Hash of the file that was scored."""
    file_url: str | None
    """Where that file came from; None when JSOC has made the record anew since."""
    processed_at: datetime | None
    """When JSOC made that record; None when it has made another one since."""

    @property
    def quality_class(self) -> QualityClass:
        """What may be done with the record."""
        return quality_class(self.quality, self.calibration)


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
    """
    wanted: list[tuple[Callable[[Any], Any], Any]] = [
        (PredictionRow.t_obs.__ge__, since),
        (PredictionRow.t_obs.__lt__, until),
        (PredictionRow.event.in_, None if events is None else [str(event) for event in events]),
        (ModelRow.name.__eq__, model and model.name),
        (ModelRow.version.__eq__, model and model.version),
        (PredictionRow.series.__eq__, series),
        (PredictionRow.probability.__ge__, min_probability),
        (PredictionRow.mode.__eq__, mode and mode.value),
    ]
    statement = (
        _select()
        .where(*(compare(value) for compare, value in wanted if value is not None))
        .order_by(PredictionRow.t_obs.desc(), PredictionRow.event, PredictionRow.id.desc())
        .limit(limit)
    )
    return map(_stored, session.execute(statement, execution_options=STREAM))


def latest(
    session: Session, *, event: FlareEvent, model: ModelId, series: str | None = None
) -> StoredPrediction | None:
    """Return the prediction from the newest observation, if there is any."""
    model_id = (
        select(ModelRow.id)
        .where(ModelRow.name == model.name, ModelRow.version == model.version)
        .scalar_subquery()
    )
    newest = (
        select(PredictionRow.id)
        .where(PredictionRow.model_id == model_id, PredictionRow.event == str(event))
        .order_by(PredictionRow.t_obs.desc(), PredictionRow.id.desc())
        .limit(1)
    )
    if series is not None:
        newest = newest.where(PredictionRow.series == series)
    row = session.execute(
        _select().where(PredictionRow.id == newest.scalar_subquery())
    ).one_or_none()
    return None if row is None else _stored(row)


def predictions_of(session: Session, key: RecordKey) -> list[StoredPrediction]:
    """Return all predictions from one record, by model and event."""
    rows = session.execute(
        _select()
        .where(
            RecordRow.series == key.series,
            RecordRow.harpnum == key.harpnum,
            RecordRow.t_rec == key.t_rec,
        )
        .order_by(ModelRow.name, ModelRow.version, PredictionRow.id)
    )
    return [_stored(row) for row in rows]


def _select() -> Select[Any]:
    return (
        select(*_COLUMNS)
        .select_from(PredictionRow)
        .join(RecordRow, PredictionRow.record_id == RecordRow.id)
        .join(ModelRow, PredictionRow.model_id == ModelRow.id)
        .join(CalibratorRow, PredictionRow.calibrator_id == CalibratorRow.id, isouter=True)
    )


def _stored(row: Row[Any]) -> StoredPrediction:
    # By position in `_COLUMNS`, which takes a third less time than by name.
    series, harpnum, t_rec, listed_recnum, calibration, file_url, processed_at = row[:7]
    name, version = row[7:9]
    event, t_obs, score, probability, threshold, window_start, window_end = row[9:16]
    issued_at, mode, device, software, run_id, recnum, quality, sha256 = row[16:24]
    raw_probability, activity, activity_source, spread, calibrator = row[24:]
    same_record = recnum == listed_recnum
    return StoredPrediction(
        prediction=Prediction(
            key=RecordKey(series=series, harpnum=harpnum, t_rec=t_rec),
            t_obs=t_obs,
            model=ModelId(name, version),
            event=_event(event),
            window=Window(start=window_start, end=window_end),
            score=score,
            probability=probability,
            threshold=threshold,
            issued_at=issued_at,
            mode=Mode(mode),
            device=device,
            software=software,
            run_id=run_id,
            raw_probability=raw_probability,
            calibrator=calibrator and calibrator[:12],
            activity=activity and ActivityLevel(activity),
            activity_source=activity_source,
            spread=spread,
        ),
        recnum=recnum,
        quality=quality,
        calibration=Calibration(calibration),
        sha256=sha256,
        file_url=file_url if same_record else None,
        processed_at=processed_at if same_record else None,
    )
