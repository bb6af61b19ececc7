"""Record, answer and outcome as plain JSON values."""

import hashlib
import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from flaremon import store
from flaremon.domain import (
    SEGMENT,
    EventOutcome,
    Prediction,
    Rejection,
    quality_class,
)
from flaremon.errors import InputError
from flaremon.times import parse_utc
from flaremon.truth import recent_activity

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def canonical(value: Any) -> bytes:
    """Return the bytes that are hashed: sorted keys, no spaces, ASCII."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def record_part(listed: store.ListedRecord) -> dict[str, Any]:
    """Return a record as it was listed, with its file and its keywords."""
    record = listed.record
    file = {
        "url": listed.file_url,
        "sha256": listed.sha256,
        "size_bytes": listed.size_bytes,
        "fetched_at": _instant(listed.fetched_at),
    }
    return {
        "key": str(record.key),
        "query": f"{record.key}{{{SEGMENT}}}",
        "recnum": record.recnum,
        "source": listed.source,
        "base_url": listed.base_url,
        "segment_path": record.segment_path,
        "slot_at": _instant(listed.slot_at),
        "t_obs": _instant(record.t_obs),
        "processed_at": _instant(record.processed_at),
        "calibration": str(record.calibration),
        "quality": record.quality,
        "quality_class": str(record.quality_class),
        "listed_at": _instant(listed.listed_at),
        "run_id": listed.run_id,
        "file": file if listed.sha256 is not None else None,
        "geometry": asdict(record.geometry) if record.geometry is not None else None,
        "keywords": dict(record.keywords),
    }


def answer_part(session: "Session", item: store.StoredPrediction, catalog: str) -> dict[str, Any]:
    """Return an answer, what it was made with, and what became of its window."""
    p = item.prediction
    model = store.registered_model(session, p.model)
    assert model is not None  # noqa: S101 - predictions are stored of registered models only
    frame = None if model.frame is None else dict(model.frame)
    start = p.window.start
    history = store.event_outcomes(
        session, event=p.event, catalog=catalog, history=True,
        since=start, until=start + timedelta(microseconds=1),
    )  # fmt: skip
    return {
        "event": str(p.event),
        "window": {"start": _instant(p.window.start), "end": _instant(p.window.end)},
        "t_obs": _instant(p.t_obs),
        "recnum": item.recnum,
        "quality": item.quality,
        "quality_class": str(quality_class(item.quality, item.calibration)),
        "file_sha256": item.sha256,
        "file_url": item.file_url,
        "model": str(p.model),
        "weights_sha256": model.weights_sha256,
        "frame": frame,
        "frame_sha256": None if frame is None else hashlib.sha256(canonical(frame)).hexdigest(),
        "software": f"flaremon {p.software}",
        "device": p.device,
        "run_id": p.run_id,
        "mode": str(p.mode),
        "issued_at": _instant(p.issued_at),
        "latency_s": p.latency.total_seconds(),
        "score": p.score,
        "raw_probability": p.probability if p.raw_probability is None else p.raw_probability,
        "calibrator": _calibrator(session, p),
        "activity": None if p.activity is None else str(p.activity),
        "activity_source": p.activity_source,
        "recent_flares": _recent_flares(session, p),
        "probability": p.probability,
        "spread": p.spread,
        "threshold": p.threshold,
        "flare": p.flare,
        "outcome": _outcome(history, catalog),
    }


def _recent_flares(session: "Session", p: Prediction) -> list[list[Any]] | None:
    """Return start and flux of the flares that were known then, as network and calibrator saw them.

    The list is asked for its version of that time, so a later revision changes nothing.
    """
    if p.activity is None or p.activity_source is None or not p.knew_flares:
        return None
    catalog, _, as_of = p.activity_source.partition(" as of ")
    # Versions are written to the second, and rows are seen within it.
    at = parse_utc(as_of) + timedelta(seconds=1)
    (known,) = recent_activity(session, [p.t_obs], catalog=catalog, at=at)
    return None if known is None else [[_instant(start), flux] for start, flux in known.flares]


def _calibrator(session: "Session", p: Prediction) -> dict[str, Any] | None:
    if p.calibrator is None:
        return None
    for sha256, document, fitted_at in store.calibrator_documents(session, model=p.model):
        if sha256.startswith(p.calibrator):
            return {
                "id": p.calibrator,
                "sha256": sha256,
                "fitted_at": _instant(fitted_at),
                "document": dict(document),
            }
    raise InputError(f"{p.key}: its calibrator {p.calibrator} is not one of {p.model}'s")


def _outcome(history: list[EventOutcome], catalog: str) -> dict[str, Any]:
    return {
        "state": str(history[-1].state) if history else "pending",
        "catalog": catalog,
        "revisions": [
            {
                "revision": item.revision,
                "state": str(item.state),
                "flare": item.flare,
                "flares": item.flares,
                "largest": None if item.largest is None else str(item.largest),
                "location": item.location,
                "why": item.why,
                "catalog_as_of": _instant(item.catalog_as_of),
                "decided_at": _instant(item.decided_at),
            }
            for item in history
        ],
    }


def rejection_part(item: Rejection) -> dict[str, Any]:
    """Return why a record was not predicted."""
    return {
        "recnum": item.recnum,
        "reason": str(item.reason),
        "detail": item.detail,
        "t_obs": _instant(item.t_obs),
        "decided_at": _instant(item.decided_at),
        "software": f"flaremon {item.software}",
        "run_id": item.run_id,
    }


def _instant(instant: datetime | None) -> str | None:
    """Write an instant to the microsecond, so that nothing is lost on the way."""
    return None if instant is None else instant.isoformat().replace("+00:00", "Z")
