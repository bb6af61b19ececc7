"""Fact (c): the next 24 h, beside climatology, persistence and NOAA's own forecast."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from flaremon.domain import FlareEvent, Mode
from flaremon.status.ages import FactState
from flaremon.status.baselines import Baselines, Beside
from flaremon.status.cnn import Answer
from flaremon.truth import PERSISTENCE, TRAILING_CLIMATOLOGY
from flaremon.verify.sentence import reliability

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

UNUSUAL_RATIO = 1.5
UNUSUAL_DIFFERENCE = 0.02
"""A probability is lower or higher than usual if it differs from climatology by both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """What followed when we said something like this before; live answers with outcomes."""

    low: float
    """The answers counted are those from here on ..."""
    high: float
    """... to below here."""
    n: int
    events: int

    @property
    def share(self) -> float:
        """How often a flare followed."""
        return self.events / self.n


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is to be expected, and what others expect."""

    event: FlareEvent
    state: FactState
    """Of our own probability; it is that of the network's answer."""
    why: str | None
    age: timedelta | None
    probability: float | None
    """The newest one there is, also when it is stale."""
    calibrated: bool
    climatology: Beside
    """How often such a window had a flare in the last 30 days."""
    persistence: Beside
    """1 if the last 24 h (or as long as the event's window) had a flare of the class, else 0."""
    official: Beside | None
    """NOAA's own for the UT day that it is; None where none is stored."""
    reliability: Reliability | None
    """None where there are not enough outcomes yet."""

    @property
    def usual(self) -> str | None:
        """Say how ours compares with climatology; None where either is missing or not comparable.

        A network's own number is no probability, so it is not compared.
        """
        usual = self.climatology.probability
        if self.state is not FactState.OK or not self.calibrated or usual is None:
            return None
        assert self.probability is not None  # noqa: S101 - there is one when the state is OK
        if abs(self.probability - usual) >= UNUSUAL_DIFFERENCE:
            if self.probability * UNUSUAL_RATIO <= usual:
                return "lower than usual"
            if self.probability >= usual * UNUSUAL_RATIO:
                return "higher than usual"
        return "about as usual"


def look_ahead(
    session: "Session", answer: Answer, *, baselines: Baselines, catalog: str
) -> Outlook:
    """Put the newest answer about an event with a horizon beside what others say.

    Parameters
    ----------
    answer : Answer
        As `flaremon.status.answer` gives it.
    baselines : Baselines
        Of the same moment.
    catalog : str
        Flare list by which outcomes are scored.
    """
    stored = answer.prediction
    probability = None if stored is None else stored.prediction.probability
    return Outlook(
        event=answer.event,
        state=answer.state,
        why=answer.why_unknown,
        age=answer.age,
        probability=probability,
        calibrated=stored is not None and stored.prediction.calibrated,
        climatology=baselines.beside(answer.event, TRAILING_CLIMATOLOGY),
        persistence=baselines.beside(answer.event, PERSISTENCE),
        official=baselines.official(answer.event),
        reliability=_reliability(session, answer, catalog),
    )


def _reliability(session: "Session", answer: Answer, catalog: str) -> Reliability | None:
    if answer.prediction is None:
        return None
    said = answer.prediction.prediction
    found = reliability(
        session,
        model=said.model,
        event=said.event,
        probability=said.probability,
        catalog=catalog,
        mode=Mode.LIVE,
        # A model that asks for recent flares has two kinds of answers, of unlike reliability.
        told=said.knew_flares if said.in_training else None,
    )
    if found is None:
        return None
    low, high, n, events = found
    return Reliability(low=low, high=high, n=n, events=events)
