"""Where one answer comes from: the record as listed, its answers, what they were made with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from flaremon.domain import (
    Calibration,
    Geometry,
    ModelId,
    Record,
    RecordKey,
    Rejection,
)
from flaremon.schema import ModelRow, RecordRow
from flaremon.store.queries import rejections
from flaremon.store.rows import key_of

_GEOMETRY = (
    "centre_x_px", "centre_y_px", "radius_px", "arcsec_per_px", "roll_deg", "b0_deg",
    "carrington_deg",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRecord:
    """A record as its source last listed it, and the file that came."""

    record: Record
    slot_at: datetime
    source: str
    base_url: str
    listed_at: datetime
    run_id: str
    """Run that first listed the key."""
    file_url: str | None
    size_bytes: int | None
    sha256: str | None
    fetched_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredModel:
    """A model version as it was registered when it first predicted."""

    model: ModelId
    weights_sha256: str
    frame: Mapping[str, Any] | None
    """As in ``model.toml``; None in rows that are older than the column."""


def listed_record(session: Session, key: RecordKey) -> ListedRecord | None:
    """Return the record of a key; None if it was never listed."""
    row = session.execute(
        select(RecordRow.__table__).where(
            RecordRow.series == key.series,
            RecordRow.harpnum == key.harpnum,
            RecordRow.t_rec == key.t_rec,
        )
    ).one_or_none()
    return None if row is None else _listed(row)


def nearest_keys(
    session: Session, slot_at: datetime, *, series: str | None = None, limit: int = 4
) -> list[RecordKey]:
    """Return the keys of the records nearest to an instant, nearest first."""
    statement: Select[Any] = select(
        RecordRow.series, RecordRow.harpnum, RecordRow.t_rec, RecordRow.slot_at
    ).limit(limit)
    if series is not None:
        statement = statement.where(RecordRow.series == series)
    before = statement.where(RecordRow.slot_at <= slot_at).order_by(RecordRow.slot_at.desc())
    after = statement.where(RecordRow.slot_at > slot_at).order_by(RecordRow.slot_at)
    rows = [*session.execute(before), *session.execute(after)]
    rows.sort(key=lambda row: abs(row.slot_at - slot_at))
    return [key_of(row) for row in rows[:limit]]


def rejections_of(session: Session, listed: ListedRecord) -> list[Rejection]:
    """Return why a record was not predicted, one per record number, newest first."""
    key, slot_at = listed.record.key, listed.slot_at
    found = rejections(
        session, since=slot_at, until=slot_at + timedelta(microseconds=1), series=key.series
    )
    return [rejection for rejection in found if rejection.key == key]


def registered_models(session: Session) -> Mapping[ModelId, frozenset[str]]:
    """Return the ids of the events that each registered model answers."""
    rows = session.execute(select(ModelRow.name, ModelRow.version, ModelRow.events))
    return {ModelId(name, version): frozenset(events) for name, version, events in rows}


def registered_model(session: Session, model: ModelId) -> RegisteredModel | None:
    """Return what a model version was registered with."""
    row = session.execute(
        select(ModelRow.weights_sha256, ModelRow.frame).where(
            ModelRow.name == model.name, ModelRow.version == model.version
        )
    ).one_or_none()
    if row is None:
        return None
    return RegisteredModel(model=model, weights_sha256=row.weights_sha256, frame=row.frame)


def _listed(row: Row[Any]) -> ListedRecord:
    geometry = None
    if row.radius_px is not None:
        geometry = Geometry(**{name: getattr(row, name) or 0.0 for name in _GEOMETRY})
    return ListedRecord(
        record=Record(
            key=key_of(row),
            quality=row.quality,
            calibration=Calibration(row.calibration),
            recnum=row.recnum,
            t_obs=row.t_obs,
            processed_at=row.processed_at,
            geometry=geometry,
            segment_path=row.segment_path,
            keywords=row.keywords,
        ),
        slot_at=row.slot_at,
        source=row.source,
        base_url=row.base_url,
        listed_at=row.listed_at,
        run_id=row.run_id,
        file_url=row.file_url,
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        fetched_at=row.fetched_at,
    )
