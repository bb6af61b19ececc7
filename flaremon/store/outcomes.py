"""What became of records: predictions by registered models, and rejections."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from flaremon.domain import (
    FlareEvent,
    ModelId,
    Outcome,
    Prediction,
    RecordKey,
    RegionShare,
    Rejection,
)
from flaremon.errors import StoreError
from flaremon.schema import Base, CalibratorRow, ModelRow, PredictionRow, RejectionRow
from flaremon.store.regions import add_shares
from flaremon.store.rows import KnownRecord, batched, insert, known_records, storable


def register_model(
    session: Session,
    *,
    model: ModelId,
    weights_sha256: str,
    events: Sequence[FlareEvent],
    now: datetime,
    frame: Mapping[str, Any] | None = None,
) -> None:
    """Store which model version is about to predict; the same again changes nothing.

    Parameters
    ----------
    frame : mapping, optional
        What its planes are made by, as in ``model.toml``; kept for receipts.

    Raises
    ------
    StoreError
        If that version is registered with other weights or for other events: its stored
        predictions would no longer be those of one model.
    """
    ids = sorted(str(event) for event in events)
    if not _agrees(session, model, weights_sha256, ids):
        row = {
            "name": model.name,
            "version": model.version,
            "weights_sha256": weights_sha256,
            "events": ids,
            "registered_at": now,
            "frame": None if frame is None else dict(frame),
        }
        session.execute(
            insert(session, ModelRow).on_conflict_do_nothing(index_elements=["name", "version"]),
            [row],
        )
        _agrees(session, model, weights_sha256, ids)  # somebody else may have been first


def add_outcomes(session: Session, outcomes: Iterable[Outcome]) -> int:
    """Store predictions and rejections of listed records.

    An outcome that is stored already is left as it is: the first answer stands.

    Parameters
    ----------
    outcomes : iterable of Prediction or Rejection
        Read in batches, so it may be long.

    Returns
    -------
    int
        How many were not stored before.

    Raises
    ------
    StoreError
        If a record was never listed, a model never registered, or a value breaks a promise of
        the tables (a probability of 1.2).
    """
    models, calibrators = _model_ids(session), _calibrator_ids(session)
    written = 0
    for batch in batched(outcomes):
        records = known_records(session, (outcome.key for outcome in batch))
        predictions, rejections = [], []
        regions: dict[tuple[Any, ...], Sequence[RegionShare]] = {}
        for outcome in batch:
            record = _listed(records, outcome.key)
            if isinstance(outcome, Prediction):
                columns = _prediction_columns(outcome, record, models, calibrators)
                predictions.append(columns)
                if outcome.regions is not None:
                    regions[tuple(columns[name] for name in _ONE_PREDICTION)] = outcome.regions
            else:
                rejections.append(_rejection_columns(outcome, record))
        new = _insert_new(session, PredictionRow, predictions, _ONE_PREDICTION)
        written += len(new) + len(_insert_new(session, RejectionRow, rejections, _ONE_REJECTION))
        add_shares(session, {new[key]: regions[key] for key in new.keys() & regions.keys()})
    return written


_ONE_PREDICTION = ("record_id", "model_id", "event")
_ONE_REJECTION = ("record_id", "recnum")


def _insert_new(
    session: Session, row: type[Base], columns: list[dict[str, Any]], names: tuple[str, ...]
) -> dict[tuple[Any, ...], int]:
    """Insert rows whose `names` are not there yet; return the numbers of these by their names."""
    if not columns:
        return {}
    # One order for everybody, so that two processes cannot wait for each other.
    columns.sort(key=lambda column: [column[name] for name in names])
    statement = (
        insert(session, row)
        .on_conflict_do_nothing(index_elements=names)
        .returning(row.__table__.c.id, *(row.__table__.c[name] for name in names))
    )
    return {tuple(key): number for number, *key in session.execute(statement, columns)}


def _agrees(session: Session, model: ModelId, weights_sha256: str, events: list[str]) -> bool:
    """Tell whether a model is registered; raise if it is another one under the same name."""
    found = session.execute(
        select(ModelRow.weights_sha256, ModelRow.events).where(
            ModelRow.name == model.name, ModelRow.version == model.version
        )
    ).one_or_none()
    if found is None:
        return False
    if found.weights_sha256 != weights_sha256:
        raise StoreError(
            f"{model} is registered with weights {found.weights_sha256[:12]}... and not with "
            f"{weights_sha256[:12]}...; other weights need another version"
        )
    if found.events != events:
        raise StoreError(
            f"{model} is registered for {', '.join(found.events)} and not for "
            f"{', '.join(events)}; other events need another version"
        )
    return True


def _model_ids(session: Session) -> Mapping[ModelId, int]:
    rows = session.execute(select(ModelRow.name, ModelRow.version, ModelRow.id))
    return {ModelId(name, version): number for name, version, number in rows}


def _calibrator_ids(session: Session) -> Mapping[str, int]:
    rows = session.execute(select(CalibratorRow.sha256, CalibratorRow.id))
    return {sha256[:12]: number for sha256, number in rows}


def _listed(records: Mapping[RecordKey, KnownRecord], key: RecordKey) -> KnownRecord:
    try:
        return records[key]
    except KeyError:
        raise StoreError(
            f"{key}: its outcome cannot be stored before the record is listed"
        ) from None


def _prediction_columns(
    prediction: Prediction,
    record: KnownRecord,
    models: Mapping[ModelId, int],
    calibrators: Mapping[str, int],
) -> dict[str, Any]:
    model_id = models.get(prediction.model)
    if model_id is None:
        raise StoreError(f"{prediction.key}: {prediction.model} predicted it but is not registered")
    if prediction.calibrator is not None and prediction.calibrator not in calibrators:
        raise StoreError(
            f"{prediction.key}: its probability is by calibrator {prediction.calibrator}, "
            "which is not registered"
        )
    return {
        "record_id": record.id,
        "model_id": model_id,
        "event": str(prediction.event),
        "series": prediction.key.series,
        "t_obs": prediction.t_obs,
        "score": prediction.score,
        "probability": prediction.probability,
        "threshold": prediction.threshold,
        "flare": prediction.flare,
        "window_start": prediction.window.start,
        "window_end": prediction.window.end,
        "issued_at": prediction.issued_at,
        "latency_s": prediction.latency.total_seconds(),
        "mode": prediction.mode.value,
        "device": prediction.device,
        "software": prediction.software,
        "run_id": prediction.run_id,
        "recnum": record.recnum,
        "quality": record.quality,
        "sha256": record.sha256,
        "raw_probability": prediction.raw_probability,
        "calibrator_id": prediction.calibrator and calibrators[prediction.calibrator],
        "activity": prediction.activity and prediction.activity.value,
        "activity_source": prediction.activity_source,
        "spread": prediction.spread,
    }


def _rejection_columns(rejection: Rejection, record: KnownRecord) -> dict[str, Any]:
    return {
        "record_id": record.id,
        "recnum": rejection.recnum,
        "reason": rejection.reason.value,
        "detail": storable(rejection.detail),
        "t_obs": rejection.t_obs,
        "decided_at": rejection.decided_at,
        "software": rejection.software,
        "run_id": rejection.run_id,
    }
