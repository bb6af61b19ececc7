"""From rows of predictions to stored predictions.

A row of `predictions` is read as it is, without joins: a day has a few thousand rows, but a
hundred records and a handful of models, which are looked up once each.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

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
from flaremon.store.rows import batched

COLUMNS = (
    PredictionRow.record_id,
    PredictionRow.model_id,
    PredictionRow.calibrator_id,
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
)
"""What `assembled` reads, in this order. Plain columns: making ORM objects takes ten times as
long."""

_event = lru_cache(maxsize=256)(FlareEvent.parse)
_MODES = {mode.value: mode for mode in Mode}


class StoredPrediction(NamedTuple):
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


class _Listed(NamedTuple):
    """What is told of a record."""

    key: RecordKey
    recnum: int
    calibration: Calibration
    file_url: str | None
    processed_at: datetime | None


def assembled(session: Session, parts: Iterable[Sequence[Row[Any]]]) -> Iterator[StoredPrediction]:
    """Yield the predictions of rows that have `COLUMNS`, in their order.

    Parameters
    ----------
    parts : iterable of sequences of rows
        Parts of a result that is too large to be held; what rows point to is read once a part.
    """
    models: dict[int, ModelId] = {}
    calibrators: dict[int | None, str | None] = {None: None}
    for rows in parts:
        models |= _models(session, {row[1] for row in rows} - models.keys())
        calibrators |= _calibrators(session, {row[2] for row in rows} - calibrators.keys())
        records = _records(session, {row[0] for row in rows})
        for row in rows:
            yield _stored(row, records[row[0]], models[row[1]], calibrators[row[2]])


def _records(session: Session, ids: Iterable[int]) -> Mapping[int, _Listed]:
    row = RecordRow
    statement = select(
        row.id, row.series, row.harpnum, row.t_rec, row.recnum, row.calibration, row.file_url,
        row.processed_at,
    )  # fmt: skip
    return {
        id_: _Listed(
            RecordKey(series=series, harpnum=harpnum, t_rec=t_rec),
            recnum,
            Calibration(calibration),
            *rest,
        )
        for id_, series, harpnum, t_rec, recnum, calibration, *rest in _of(session, statement, ids)
    }


def _models(session: Session, ids: Iterable[int]) -> Mapping[int, ModelId]:
    statement = select(ModelRow.id, ModelRow.name, ModelRow.version)
    return {id_: ModelId(*named) for id_, *named in _of(session, statement, ids)}


def _calibrators(session: Session, ids: Iterable[int | None]) -> Mapping[int | None, str | None]:
    statement = select(CalibratorRow.id, CalibratorRow.sha256)
    return {id_: sha256[:12] for id_, sha256 in _of(session, statement, ids)}


def _of(session: Session, statement: Select[Any], ids: Iterable[int | None]) -> Iterator[Row[Any]]:
    """Yield the rows with some numbers, which are the first column of the statement."""
    number = statement.selected_columns[0]
    for some in batched(ids):
        yield from session.execute(statement.where(number.in_(some)))


@lru_cache(maxsize=8192)
def _window(start: datetime, end: datetime) -> Window:
    return Window(start=start, end=end)


def _stored(
    row: Row[Any], record: _Listed, model: ModelId, calibrator: str | None
) -> StoredPrediction:
    made: Any = _Filled(row, record.key, model, calibrator)
    made.__class__ = Prediction
    recnum, quality, sha256 = row[15:18]
    same_record = recnum == record.recnum
    return StoredPrediction(
        made,
        recnum,
        quality,
        record.calibration,
        sha256,
        record.file_url if same_record else None,
        record.processed_at if same_record else None,
    )


class _Filled:
    """The slots of a prediction, filled by plain assignments, before it is called one.

    The initializer of a frozen dataclass calls `object.__setattr__` for every field: ten times as
    long, which of a day of predictions is longer than the database takes. Python lets an object
    change its class only where the slots of the two are the very same.
    """

    __slots__ = Prediction.__slots__

    def __init__(
        self, row: Row[Any], key: RecordKey, model: ModelId, calibrator: str | None
    ) -> None:
        # By position in `COLUMNS`, which takes a third less time than by name.
        event, self.t_obs, self.score, self.probability, self.threshold = row[3:8]
        window_start, window_end, self.issued_at, mode, self.device = row[8:13]
        self.software, self.run_id = row[13:15]
        self.raw_probability, activity, self.activity_source, self.spread = row[18:]
        self.key = key
        self.model = model
        self.event = _event(event)
        self.window = _window(window_start, window_end)
        self.mode = _MODES[mode]
        self.calibrator = calibrator
        self.activity = activity and ActivityLevel(activity)
        self.regions = None  # see `flaremon.store.with_regions`
