"""Fact (a): what the network says of the newest magnetogram."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from flaremon import store
from flaremon.domain import FlareEvent, ModelId, RecordKey, Rejection, Verdict
from flaremon.status.ages import FactState, judge_age
from flaremon.times import SLOT_TOLERANCE

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is known now about one event."""

    event: FlareEvent
    verdict: Verdict
    prediction: store.StoredPrediction | None
    age: timedelta | None
    """Age of the observation that the answer rests on."""
    state: FactState = FactState.OK
    base_url: str | None = None
    """Where the record was listed that it rests on; None where there is none."""
    why_unknown: str | None = None
    """Set iff the verdict is UNKNOWN, because the answer is stale or there is none."""
    rejected_since: tuple[Rejection, ...] = ()
    """Newer records that were deliberately not predicted."""
    waiting_since: tuple[RecordKey, ...] = ()
    """Newer records that are listed and not decided: they could not be had, or not yet."""


def answer(
    session: "Session",
    event: FlareEvent,
    *,
    model: ModelId,
    series: str,
    now: datetime,
    stale_after: timedelta,
) -> Answer:
    """Look up the newest answer for an event and judge its age."""
    latest = store.latest(session, event=event, model=model, series=series)
    if latest is None:
        return Answer(
            event=event,
            verdict=Verdict.UNKNOWN,
            prediction=None,
            age=None,
            state=FactState.UNKNOWN,
            why_unknown=f"nothing of {series} was ever scored by {model} in this database",
            rejected_since=_rejected(session, series, now - stale_after),
            waiting_since=_waiting(session, series, model, now - stale_after),
        )
    prediction = latest.prediction
    listed = store.listed_record(session, prediction.key)
    age = now - prediction.t_obs
    state, why = judge_age(age, stale_after, "the newest scored observation")
    verdict = Verdict.FLARE if prediction.flare else Verdict.NO_FLARE
    return Answer(
        event=event,
        verdict=verdict if state is FactState.OK else Verdict.UNKNOWN,
        prediction=latest,
        age=age,
        state=state,
        base_url=None if listed is None else listed.base_url,
        why_unknown=why,
        rejected_since=_rejected(session, series, prediction.t_obs),
        waiting_since=_waiting(session, series, model, prediction.t_obs + SLOT_TOLERANCE),
    )


def _rejected(session: "Session", series: str, since: datetime) -> tuple[Rejection, ...]:
    return tuple(store.rejections(session, since=since, series=series))


def _waiting(
    session: "Session", series: str, model: ModelId, since: datetime
) -> tuple[RecordKey, ...]:
    return tuple(store.waiting(session, series=series, model=model, since=since))
