"""Which regions answers are from."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias, cast

from sqlalchemy import Table, select
from sqlalchemy import insert as table_insert
from sqlalchemy.orm import Session

from flaremon.domain import ModelId, Prediction, RecordKey, RegionShare
from flaremon.schema import (
    ModelRow,
    PredictionRow,
    RecordRow,
    RegionShareRow,
)
from flaremon.store.rows import slots_of

_Answer: TypeAlias = tuple[RecordKey, ModelId, str]


def add_shares(session: Session, regions: Mapping[int, Sequence[RegionShare]]) -> None:
    """Store the regions of predictions that were stored just now, by the number of their row."""
    rows = [row for number in sorted(regions) for row in _share_columns(number, regions[number])]
    if rows:
        # The table and not its class: 5 us a row instead of 60, and a backfill has many.
        session.execute(table_insert(cast("Table", RegionShareRow.__table__)), rows)


def _share_columns(prediction_id: int, regions: Sequence[RegionShare]) -> list[dict[str, Any]]:
    """Return the rows of a prediction's regions, and that of the rest of the disk."""
    names = ("latitude_deg", "longitude_deg", "rate_per_day", "share")
    left = max(0.0, 1 - sum(region.share for region in regions))
    rows: list[dict[str, Any]] = [{**dict.fromkeys(names), "share": left}]
    rows += [{name: getattr(region, name) for name in names} for region in regions]
    return [
        {"prediction_id": prediction_id, "number": number, **row} for number, row in enumerate(rows)
    ]


def with_regions(session: Session, predictions: Sequence[Prediction]) -> list[Prediction]:
    """Return predictions with the regions that were kept; None where none were."""
    kept: dict[_Answer, list[RegionShare]] = {}
    models = {p.model.name for p in predictions}
    events = {str(p.event) for p in predictions}
    for series, harpnum, labels in slots_of(p.key for p in predictions):
        rows = session.execute(
            select(
                RecordRow.t_rec,
                ModelRow.name,
                ModelRow.version,
                PredictionRow.event,
                RegionShareRow.number,
                RegionShareRow.latitude_deg,
                RegionShareRow.longitude_deg,
                RegionShareRow.rate_per_day,
                RegionShareRow.share,
            )
            .select_from(RecordRow)
            .join(PredictionRow, PredictionRow.record_id == RecordRow.id)
            .join(ModelRow, ModelRow.id == PredictionRow.model_id)
            .join(RegionShareRow, RegionShareRow.prediction_id == PredictionRow.id)
            .where(
                RecordRow.series == series,
                RecordRow.harpnum == harpnum,
                RecordRow.t_rec.in_(labels),
                ModelRow.name.in_(models),
                PredictionRow.event.in_(events),
            )
            .order_by(RegionShareRow.prediction_id, RegionShareRow.number)
        )
        for t_rec, name, version, event, number, latitude, longitude, rate, share in rows:
            key = RecordKey(series=series, harpnum=harpnum, t_rec=t_rec)
            found = kept.setdefault((key, ModelId(name, version), event), [])
            if number:
                found.append(
                    RegionShare(
                        latitude_deg=latitude,
                        longitude_deg=longitude,
                        rate_per_day=rate,
                        share=share,
                    )
                )
    return [_with(prediction, kept) for prediction in predictions]


def _with(prediction: Prediction, kept: Mapping[_Answer, list[RegionShare]]) -> Prediction:
    found = kept.get((prediction.key, prediction.model, str(prediction.event)))
    return replace(prediction, regions=None if found is None else tuple(found))


def disk_centres(
    session: Session, keys: Collection[RecordKey]
) -> Mapping[RecordKey, tuple[float, float]]:
    """Return B0 and the Carrington longitude of the disk centre of records that have them, deg."""
    found = {}
    for series, harpnum, labels in slots_of(keys):
        rows = session.execute(
            select(RecordRow.t_rec, RecordRow.b0_deg, RecordRow.carrington_deg).where(
                RecordRow.series == series,
                RecordRow.harpnum == harpnum,
                RecordRow.t_rec.in_(labels),
                RecordRow.b0_deg.is_not(None),
                RecordRow.carrington_deg.is_not(None),
            )
        )
        for t_rec, b0_deg, carrington_deg in rows:
            key = RecordKey(series=series, harpnum=harpnum, t_rec=t_rec)
            found[key] = (b0_deg, carrington_deg)
    return found
