"""One record from start to end: a listed record in, predictions or a rejection out.

`process` is the function to read first. There is no database and no Prefect here, and the time
of issue is passed in, not read from a clock.
"""

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from flaremon import __version__
from flaremon.domain import (
    ActivityLevel,
    FlareEvent,
    Magnetogram,
    Mode,
    Prediction,
    RecentActivity,
    Record,
    Refusal,
    Rejection,
    RejectionReason,
    Source,
    StoredFile,
)
from flaremon.errors import FitsError, FlaremonError
from flaremon.fits import read_magnetogram
from flaremon.gates import screen_magnetogram, screen_record
from flaremon.preprocess import to_frame, to_plane

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from flaremon.inference import Predictor
    from flaremon.package import ModelPackage

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What all steps of one run share."""

    run_id: str
    now: datetime
    """When the run issues its answers; passed in, never read from a clock deep inside."""
    live_within: timedelta = timedelta(hours=6)
    """Predictions later than this after the observation are hindcasts."""


def process(
    record: Record, source: Source, predictor: "Predictor", run: Run
) -> list[Prediction] | Rejection:
    """Decide one record.

    Returns
    -------
    list of Prediction or Rejection
        One prediction per event of the model, or the reason why there is none.

    Raises
    ------
    SourceError
        The file could not be had; try again if ``retriable``.
    ModelError
        The network failed.
    """
    refusal = screen_record(record)
    if refusal is not None:
        return reject(record, refusal, run)
    plane = prepare(record, source.download(record), source, predictor.package)
    if isinstance(plane, Refusal):
        return reject(record, plane, run)
    return predict([record], [plane], predictor, run)


KeepFrame = Callable[[Record, StoredFile, "NDArray[np.float32]"], None]
"""Takes the standard frame of a record that may be scored, gauss, unclipped."""


LookOn = Callable[[Record, Magnetogram, "NDArray[np.float32]"], None]
"""Sees the magnetogram of a record that may be scored, and its standard frame; must not raise."""


RecentFlares = Callable[[Sequence[datetime]], Sequence[RecentActivity | None]]
"""Tells the flares before each of some observations, None where they are not known."""


def prepare(
    record: Record,
    file: StoredFile,
    source: Source,
    package: "ModelPackage",
    *,
    keep_frame: KeepFrame | None = None,
    look_on: LookOn | None = None,
) -> "NDArray[np.float32] | Refusal":
    """Turn a record's file into the network's plane, shape (1, size, size), dimensionless."""
    magnetogram = examine(record, file, source)
    if isinstance(magnetogram, Refusal):
        return magnetogram
    frame = to_frame(magnetogram, package.frame)
    if keep_frame is not None:
        keep_frame(record, file, frame)
    if look_on is not None:
        look_on(record, magnetogram, frame)
    return to_plane(frame, package.frame)


def examine(record: Record, file: StoredFile, source: Source) -> Magnetogram | Refusal:
    """Read a record's file; a magnetogram that may be scored, or why it must not be.

    A file that is not what the record says is fetched once more, since a mirror or a proxy can
    hand out another one; if it is still wrong the record is refused.
    """
    try:
        magnetogram = read_magnetogram(file.path, record)
    except FitsError as first:
        log.warning("%s; fetching it again", first)
        try:
            file = source.download(record, fresh=True)
            magnetogram = read_magnetogram(file.path, record)
        except FitsError as exc:
            return Refusal(RejectionReason.UNREADABLE, str(exc))
    return screen_magnetogram(magnetogram) or magnetogram


def predict(
    records: Sequence[Record],
    planes: Sequence["NDArray[np.float32]"],
    predictor: "Predictor",
    run: Run,
    *,
    recent: RecentFlares | None = None,
) -> list[Prediction]:
    """Score planes, each of shape (1, size, size), in one go: a prediction per record and event.

    Parameters
    ----------
    recent
        Tells the flares before each observation, to networks that read them; without it they
        answer from the disk alone.
    """
    asks = predictor.package.reads_activity
    known = recent([record.t_obs for record in records if record.t_obs]) if recent and asks else []
    activity = known or [None] * len(records)
    predictions = []
    scored = predictor.predict(np.stack(planes), activity)
    for record, before, scores in zip(records, activity, scored, strict=True):
        if record.t_obs is None:  # screen_record refuses these
            raise FlaremonError(f"{record.key}: no observation time")
        late = run.now - record.t_obs > run.live_within
        predictions += [
            Prediction(
                key=record.key,
                t_obs=record.t_obs,
                model=predictor.package.id,
                event=score.event,
                window=score.event.window(record.t_obs),
                score=score.score,
                probability=score.probability,
                threshold=score.threshold,
                issued_at=run.now,
                mode=Mode.HINDCAST if late else Mode.LIVE,
                device=predictor.device_name,
                software=__version__,
                run_id=run.run_id,
                activity=_level(before, score.event) if asks else None,
                activity_source=None if before is None else before.source,
                spread=score.spread,
                regions=score.regions,
            )
            for score in scores
        ]
    return predictions


def _level(recent: RecentActivity | None, event: FlareEvent) -> ActivityLevel:
    return ActivityLevel.UNKNOWN if recent is None else recent.level(event)


def reject(record: Record, refusal: Refusal, run: Run) -> Rejection:
    """Bind a refusal to its record and run."""
    return Rejection(
        key=record.key,
        reason=refusal.reason,
        detail=refusal.detail,
        decided_at=run.now,
        run_id=run.run_id,
        recnum=record.recnum,
        t_obs=record.t_obs,
        software=__version__,
    )


def new_run_id(prefix: str, now: datetime) -> str:
    """Return an id for a run that has none from Prefect: ``cli-20260201T000000Z-1a2b3c``."""
    return f"{prefix}-{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
