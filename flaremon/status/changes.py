"""Since when each fact has been so: for scripts that act on changes.

What counts is what `flaremon status` would have said at the time: an answer holds from the
moment it was issued, an older slot that was scored after a newer one was never shown, and
between two answers it was UNKNOWN for as long as the older one was stale. The outlook rests on the
network's answers, so it changes with them. GOES's verdict is whether a flare is in progress, of
whatever class.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from flaremon import store
from flaremon.domain import FlareEvent, Verdict
from flaremon.status.ages import FactState
from flaremon.status.cnn import Answer
from flaremon.status.facts import Facts, Question
from flaremon.status.goes import STALE_AFTER, Observed

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

FURTHEST = 20_000
"""Answers that are looked back through at most: half a year of 12-minute slots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is so now, and since when."""

    verdict: Verdict
    since: datetime | None
    """None when nothing was ever known."""
    at_least: bool = False
    """Whether it has been so for longer: the look-back ended before a change was found."""
    predictions: int = 0
    """Answers since then that said so."""
    before: Verdict | None = None
    """What was so before; None when nothing is known of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Since when the facts have been so."""

    cnn: tuple[tuple[FlareEvent, Change], ...]
    goes: Change


def find_changes(session: "Session", question: Question, facts: Facts) -> Changes:
    """Find when each verdict began.

    Parameters
    ----------
    question : Question
        That `facts` answer.
    """
    return Changes(
        cnn=tuple((item.event, _of_answer(session, question, item)) for item in facts.cnn),
        goes=_of_goes(facts.goes),
    )


def _of_answer(session: "Session", question: Question, item: Answer) -> Change:
    if item.prediction is None:
        return Change(verdict=Verdict.UNKNOWN, since=None)
    newest = item.prediction.prediction
    if item.state is FactState.STALE:
        return Change(
            verdict=Verdict.UNKNOWN,
            since=newest.t_obs + question.stale_after,
            before=Verdict.FLARE if newest.flare else Verdict.NO_FLARE,
        )
    if item.state is FactState.UNKNOWN:
        return Change(verdict=Verdict.UNKNOWN, since=newest.issued_at)
    trail = store.answer_trail(
        session,
        event=item.event,
        model=question.model,
        series=question.series,
        limit=FURTHEST,
    )
    return _walk_back(trail, question, item.verdict)


def _walk_back(trail: Iterator[store.Said], question: Question, verdict: Verdict) -> Change:
    """Go from the newest answer to older ones until one differs or was stale."""
    since: datetime | None = None
    shown = seen = 0
    before: Verdict | None = None
    for said in trail:
        seen += 1
        if since is not None:
            if said.issued_at >= since:
                continue  # scored after a newer slot: nobody was ever shown it
            if said.t_obs + question.stale_after < since:
                before = Verdict.UNKNOWN
                break
            if said.flare is not (verdict is Verdict.FLARE):
                before = Verdict.NO_FLARE if verdict is Verdict.FLARE else Verdict.FLARE
                break
        since = said.issued_at
        shown += 1
    return Change(
        verdict=verdict,
        since=since,
        at_least=before is None and seen >= FURTHEST,
        predictions=shown,
        before=before,
    )


def _of_goes(item: Observed) -> Change:
    was = Verdict.FLARE if item.in_progress is not None else Verdict.NO_FLARE
    if item.list_state is not FactState.OK:
        if item.list_as_of is None:
            return Change(verdict=Verdict.UNKNOWN, since=None)
        return Change(verdict=Verdict.UNKNOWN, since=item.list_as_of + STALE_AFTER, before=was)
    if item.in_progress is not None:
        return Change(verdict=was, since=item.in_progress.since, before=Verdict.NO_FLARE)
    before = None if item.ended_at is None else Verdict.FLARE
    return Change(verdict=was, since=item.ended_at, before=before)
