"""Predictions with the network's own numbers in, predictions with calibrated ones out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from flaremon import store
from flaremon.calibration.calibrator import Calibrator
from flaremon.calibration.document import as_document
from flaremon.domain import ActivityLevel, ModelId, Outcome, Prediction, RecentActivity
from flaremon.truth import recent_activity

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrating:
    """How the predictions of a run are calibrated before they are stored."""

    find: "Callable[[Session], Calibrator | None]"
    """Returns the calibrator to use; None leaves the network's own numbers."""
    catalog: str
    """Flare list that tells recent activity."""


def calibrated(
    session: "Session",
    outcomes: Iterable[Outcome],
    *,
    calibrator: Calibrator | None,
    catalog: str,
    now: datetime,
) -> list[Outcome]:
    """Calibrate predictions that are about to be stored, by what was known of recent activity.

    Activity is what the flare list says of the time up to the observation. Where it does not
    answer, the unconditional map is used and the prediction says ``unknown``.

    Parameters
    ----------
    outcomes : iterable of Prediction or Rejection
        Rejections, events that the calibrator does not know and predictions that are calibrated
        already come back as they are. So do those that a network which reads recent flares made
        without them: it has others for that, which no calibrator is fitted to (see
        `flaremon.calibration.stored`).
    calibrator : Calibrator or None
        Stored on the way, if it is not yet; None changes nothing.
    catalog : str
        Flare list that is asked.
    now : datetime
        Of the run.

    Raises
    ------
    StoreError
        The database fails.
    """
    found = list(outcomes)
    if calibrator is None:
        return found
    todo = [item for item in found if isinstance(item, Prediction) and _waits(item, calibrator)]
    if not todo:
        return found
    save(session, calibrator, now=now)
    times = sorted({item.t_obs for item in todo if calibrator.asks(item.event)})
    known = dict(zip(times, recent_activity(session, times, catalog=catalog), strict=True))
    return [
        _replaced(item, calibrator, known, catalog)
        if isinstance(item, Prediction) and _waits(item, calibrator)
        else item
        for item in found
    ]


def save(session: "Session", calibrator: Calibrator, *, now: datetime) -> bool:
    """Store a calibrator of a registered model; return whether it is new.

    Raises
    ------
    StoreError
        The model is not registered, or the database fails.
    """
    return store.add_calibrator(
        session,
        model=ModelId.parse(calibrator.model),
        document=as_document(calibrator),
        sha256=calibrator.sha256,
        fitted_at=calibrator.fitted_at,
        now=now,
    )


def _waits(item: Prediction, calibrator: Calibrator) -> bool:
    return (
        item.calibrator is None
        and str(item.model) == calibrator.model
        and calibrator.answers(item.event)
        and (item.knew_flares or not item.in_training)
    )


def _replaced(
    item: Prediction,
    calibrator: Calibrator,
    known: Mapping[datetime, RecentActivity | None],
    catalog: str,
) -> Prediction:
    level, source = item.activity, item.activity_source
    if calibrator.asks(item.event):
        activity = known[item.t_obs]
        level = ActivityLevel.UNKNOWN if activity is None else activity.level(item.event)
        source = f"{catalog}: no answer for these hours" if activity is None else activity.source
    return replace(
        item,
        probability=calibrator.apply(item.event, item.probability, level or ActivityLevel.UNKNOWN),
        threshold=calibrator.threshold(item.event),
        raw_probability=item.probability,
        calibrator=calibrator.id,
        activity=level,
        activity_source=source,
    )
