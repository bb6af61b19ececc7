"""A candidate against the model that answers, by what became of their windows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flaremon.domain import FlareEvent, Mode, ModelId
from flaremon.errors import InputError
from flaremon.verify import Bootstrap, Verification, verify
from flaremon.verify.archive import Choice, stored_forecasts
from flaremon.verify.evidence import Evidence, from_store

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two models on the hours that both have: the candidate first, its differences paired."""

    event: FlareEvent
    mode: Mode | None
    """What ran live and what was made up for later never mix; None where neither has both."""
    done: Verification | None
    truth: str
    """Which flare list, and how many windows it has decided."""
    why_none: str | None = None
    """Set iff there is nothing to compare."""


def compare(
    session: "Session",
    candidate: ModelId,
    serving: ModelId,
    *,
    events: Iterable[FlareEvent],
    catalog: str,
    bootstrap: Bootstrap,
) -> list[Comparison]:
    """Judge two models by the stored outcomes, event by event, live and hindcast apart.

    Parameters
    ----------
    events : iterable of FlareEvent
        Those of the candidate.
    catalog : str
        Flare list of the outcomes.
    bootstrap : Bootstrap
        Of the 95 % intervals; both models see the same draws.

    Returns
    -------
    list of Comparison
        At least one per event; one without hours that both have says why.

    Raises
    ------
    StoreError
        The database fails.
    """
    pair = (candidate, serving)
    return [
        found
        for event in events
        for found in _of_event(session, pair, event, catalog=catalog, bootstrap=bootstrap)
    ]


def _of_event(
    session: "Session",
    pair: tuple[ModelId, ModelId],
    event: FlareEvent,
    *,
    catalog: str,
    bootstrap: Bootstrap,
) -> Iterator[Comparison]:
    try:
        evidence = from_store(session, event=event, catalog=catalog)
        stored = stored_forecasts(session, event=event, choice=Choice(models=pair))
    except InputError as exc:
        yield Comparison(event=event, mode=None, done=None, truth="", why_none=str(exc))
        return
    by_mode = {
        mode: [item.forecast for item in stored if item.mode is mode]
        for mode in Mode
    }  # fmt: skip
    both = {mode: group for mode, group in by_mode.items() if len(group) == len(pair)}
    for mode, group in both.items():
        done = verify(group, evidence.flares, bootstrap=bootstrap, outcomes=evidence.outcomes)
        yield Comparison(event=event, mode=mode, done=done, truth=evidence.truth)
    if not both:
        yield _apart(event, evidence)


def _apart(event: FlareEvent, evidence: Evidence) -> Comparison:
    why = "one of the two is stored as live only, the other as hindcast only"
    return Comparison(event=event, mode=None, done=None, truth=evidence.truth, why_none=why)
