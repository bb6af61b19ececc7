"""The answer in words, its age, and exit codes.

An answer is never stale without saying so, and "no data" never reads as "no flare": when the
newest scored observation is too old, missing, or from the future, the verdict is UNKNOWN and
the sentence begins with that word.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from flaremon import store
from flaremon.domain import FlareEvent, ModelId, QualityClass, RecordKey, Rejection, Verdict
from flaremon.times import SLOT_TOLERANCE, iso_z

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

CLOCK_TOLERANCE = timedelta(minutes=10)
"""An observation further in the future than this means that some clock is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is known now about one event."""

    event: FlareEvent
    verdict: Verdict
    prediction: store.StoredPrediction | None
    age: timedelta | None
    """Age of the observation that the answer rests on."""
    why_unknown: str | None = None
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
            why_unknown=f"nothing of {series} was ever scored by {model} in this database",
            rejected_since=_rejected(session, series, now - stale_after),
            waiting_since=_waiting(session, series, model, now - stale_after),
        )
    prediction = latest.prediction
    age = now - prediction.t_obs
    why = None
    if age > stale_after:
        why = (
            f"STALE: the newest scored observation is {in_hours(age)} old "
            f"(limit {in_hours(stale_after)})"
        )
    elif age < -CLOCK_TOLERANCE:
        why = f"the newest observation is {in_hours(-age)} in the future; check this clock"
    verdict = Verdict.FLARE if prediction.flare else Verdict.NO_FLARE
    return Answer(
        event=event,
        verdict=verdict if why is None else Verdict.UNKNOWN,
        prediction=latest,
        age=age,
        why_unknown=why,
        rejected_since=_rejected(session, series, prediction.t_obs),
        waiting_since=_waiting(session, series, model, prediction.t_obs + SLOT_TOLERANCE),
    )


def exit_code(answers: Sequence[Answer]) -> int:
    """Return 1 if any answer is "flare", else 2 if any is unknown or there is none, else 0."""
    verdicts = {item.verdict for item in answers}
    if Verdict.FLARE in verdicts:
        return Verdict.FLARE.value
    if Verdict.UNKNOWN in verdicts or not verdicts:
        return Verdict.UNKNOWN.value
    return Verdict.NO_FLARE.value


def in_words(item: Answer) -> str:
    """Say one answer: the verdict on the first line, what it rests on below."""
    margin = " " * 9
    lines = [f"{item.event!s:<8} {_WORDS[item.verdict]}"]
    if item.why_unknown is not None:
        lines[0] += f" - {item.why_unknown}"
    if item.prediction is not None and item.age is not None:
        p = item.prediction.prediction
        figures = f"{p.probability:.1%} for a {p.event.in_words} (flare from {p.threshold:.1%})"
        if item.verdict is Verdict.UNKNOWN:
            lines.append(f"{margin}it said {figures}")
        else:
            lines[0] += f" - {figures}"
        lines.append(
            f"{margin}observed {iso_z(p.t_obs)}, {in_hours(item.age)} ago; {p.model}, {p.mode}"
        )
        if item.prediction.quality_class is not QualityClass.CLEAN:
            lines.append(
                f"{margin}the record is {item.prediction.quality_class} "
                f"(QUALITY {item.prediction.quality:#x}): usable, with flaws"
            )
        if p.event.horizon is None:
            lines.append(
                f"{margin}a magnetogram tells how active the Sun is; only X-rays see a flare"
            )
    newer = "newer " if item.prediction is not None else ""
    if item.rejected_since:
        newest = max(item.rejected_since, key=lambda r: r.key.t_rec)
        lines.append(
            f"{margin}{len(item.rejected_since)} {newer}record(s) were rejected, the newest "
            f"{newest.key}: {newest.reason}, {newest.detail}"
        )
    if item.waiting_since:
        lines.append(
            f"{margin}{len(item.waiting_since)} {newer}record(s) are listed and not scored yet, "
            f"the newest {item.waiting_since[0]}"
        )
    return "\n".join(lines)


_WORDS = {
    Verdict.FLARE: "FLARE",
    Verdict.NO_FLARE: "no flare",
    Verdict.UNKNOWN: "UNKNOWN",
}


def as_json(item: Answer, now: datetime) -> dict[str, Any]:
    """Return one answer for machines; times in UTC with Z, ages in seconds."""
    p = item.prediction.prediction if item.prediction is not None else None
    return {
        "event": str(item.event),
        "verdict": item.verdict.name.lower().replace("_", "-"),
        "flare": p.flare if p and item.verdict is not Verdict.UNKNOWN else None,
        "why_unknown": item.why_unknown,
        "checked_at": iso_z(now),
        "t_obs": iso_z(p.t_obs) if p else None,
        "age_s": round(item.age.total_seconds()) if item.age is not None else None,
        "issued_at": iso_z(p.issued_at) if p else None,
        "window": {"start": iso_z(p.window.start), "end": iso_z(p.window.end)} if p else None,
        "probability": p.probability if p else None,
        "threshold": p.threshold if p else None,
        "score": p.score if p else None,
        "mode": str(p.mode) if p else None,
        "model": str(p.model) if p else None,
        "record": str(p.key) if p else None,
        "quality": item.prediction.quality if item.prediction else None,
        "quality_class": str(item.prediction.quality_class) if item.prediction else None,
        "rejected_since": [
            {"record": str(r.key), "reason": str(r.reason), "detail": r.detail}
            for r in item.rejected_since
        ],
        "waiting_since": [str(key) for key in item.waiting_since],
    }


def in_hours(age: timedelta) -> str:
    """Write a duration for people: ``47 min``, ``3.2 h``, ``12 d``."""
    minutes = age.total_seconds() / 60
    if minutes < 120:
        return f"{minutes:.0f} min"
    if minutes < 3 * 24 * 60:
        return f"{minutes / 60:.1f} h"
    return f"{minutes / 1440:.0f} d"


def _rejected(session: "Session", series: str, since: datetime) -> tuple[Rejection, ...]:
    return tuple(store.rejections(session, since=since, series=series))


def _waiting(
    session: "Session", series: str, model: ModelId, since: datetime
) -> tuple[RecordKey, ...]:
    return tuple(store.waiting(session, series=series, model=model, since=since))
