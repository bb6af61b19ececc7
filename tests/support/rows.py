"""Records, predictions and rejections for tests that need rows rather than files."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from flaremon import store
from flaremon.database import session_scope
from flaremon.domain import (
    Calibration,
    FlareEvent,
    Geometry,
    Mode,
    ModelId,
    Outcome,
    Prediction,
    Record,
    RecordKey,
    Rejection,
    RejectionReason,
)
from flaremon.times import utc_to_tai_label

MODEL = ModelId.parse("tiny-cnn@0.0.1")
EVENTS = (FlareEvent.parse("M1+/24h"), FlareEvent.parse("C1+/now"))


def record(
    t_obs: datetime, *, series: str = "hmi.M_720s_nrt", recnum: int = 1, **changes: Any
) -> Record:
    values: dict[str, Any] = {
        "key": RecordKey(series=series, t_rec=utc_to_tai_label(t_obs)),
        "quality": 0x400,
        "calibration": Calibration.NEAR_REAL_TIME,
        "recnum": recnum,
        "t_obs": t_obs,
        "processed_at": t_obs + timedelta(minutes=60),
        "geometry": Geometry(
            centre_x_px=2037.9, centre_y_px=2045.8, radius_px=1873.1, arcsec_per_px=0.5043,
            roll_deg=180.01,
        ),
        "segment_path": "/SUM1/D1/S00000/magnetogram.fits",
        "keywords": {"T_REC": utc_to_tai_label(t_obs)},
    }  # fmt: skip
    return Record(**{**values, **changes})


def prediction(
    rec: Record,
    event: FlareEvent,
    *,
    probability: float = 0.2,
    threshold: float = 0.3,
    **changes: Any,
) -> Prediction:
    assert rec.t_obs is not None
    values: dict[str, Any] = {
        "key": rec.key,
        "t_obs": rec.t_obs,
        "model": MODEL,
        "event": event,
        "window": event.window(rec.t_obs),
        "score": -1.0,
        "probability": probability,
        "threshold": threshold,
        "issued_at": rec.t_obs + timedelta(minutes=70),
        "mode": Mode.LIVE,
        "device": "cpu",
        "software": "0.0.0",
        "run_id": "test",
    }
    return Prediction(**{**values, **changes})


def rejection(rec: Record, reason: RejectionReason) -> Rejection:
    return Rejection(
        key=rec.key,
        reason=reason,
        detail="for a test",
        decided_at=datetime(2026, 2, 1, 12, tzinfo=UTC),
        run_id="test",
        recnum=rec.recnum,
        t_obs=rec.t_obs,
        software="0.0.0",
    )


def store_all(engine: Any, records: Sequence[Record], outcomes: Sequence[Outcome]) -> int:
    with session_scope(engine) as session:
        store.register_model(
            session, model=MODEL, weights_sha256="0" * 64, events=EVENTS, now=datetime.now(tz=UTC)
        )
        store.add_records(
            session,
            records,
            source="test",
            base_url="http://127.0.0.1",
            run_id="test",
            listed_at=datetime.now(tz=UTC),
        )
        return store.add_outcomes(session, outcomes)
