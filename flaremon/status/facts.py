"""All three facts at one moment, and the exit code."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from flaremon.domain import FlareClass, FlareEvent, ModelId, Verdict
from flaremon.goes import CATALOG
from flaremon.serving import Serving
from flaremon.status.baselines import Baselines
from flaremon.status.cnn import Answer, answer
from flaremon.status.goes import Observed, observe
from flaremon.status.outlook import Outlook, look_ahead

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, and of whom."""

    model: ModelId
    events: tuple[FlareEvent, ...]
    """Events of the model that count."""
    watched: tuple[FlareClass, ...] = ()
    """Classes of which GOES's flare in progress counts too."""
    series: str
    catalog: str
    """Flare list for outcomes and baselines."""
    now: datetime
    stale_after: timedelta
    """Age from which the network's answer is stale."""
    served: Serving | None = None
    """Why it is this model that is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Whether GOES sees a flare from a class on in progress."""

    at_least: FlareClass
    verdict: Verdict

    def __str__(self) -> str:
        return f"{self.at_least}+/goes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known now."""

    cnn: tuple[Answer, ...]
    goes: Observed
    outlook: tuple[Outlook, ...]
    watched: tuple[Watch, ...]
    """GOES's verdicts, for those who asked for them."""
    now: datetime
    served: Serving | None = None
    """Which model answers, and why it does; None where nobody asked."""

    @property
    def exit_code(self) -> int:
        """What the command line ends with: see `exit_code`."""
        return exit_code([*self.cnn, *self.watched])


class _Decided(Protocol):
    @property
    def verdict(self) -> Verdict: ...


def gather(session: "Session", question: Question) -> Facts:
    """Look up all three facts."""
    answers = tuple(
        answer(
            session,
            event,
            model=question.model,
            series=question.series,
            now=question.now,
            stale_after=question.stale_after,
        )
        for event in question.events
    )
    observed = observe(session, catalog=CATALOG, now=question.now)
    baselines = Baselines(session, catalog=question.catalog, now=question.now)
    return Facts(
        cnn=answers,
        goes=observed,
        outlook=tuple(
            look_ahead(session, item, baselines=baselines, catalog=question.catalog)
            for item in _ahead(answers)
        ),
        watched=tuple(
            Watch(at_least=at_least, verdict=observed.verdict(at_least))
            for at_least in question.watched
        ),
        now=question.now,
        served=question.served,
    )


def exit_code(items: Sequence[_Decided]) -> int:
    """Return 1 if any verdict is "flare", else 2 if any is unknown or there is none, else 0.

    The network's answers count, and GOES only for those who ask for it (``--event M1+/goes``):
    a flare that GOES sees is not what the network said, and the other way round.
    """
    verdicts = {item.verdict for item in items}
    if Verdict.FLARE in verdicts:
        return Verdict.FLARE.value
    if Verdict.UNKNOWN in verdicts or not verdicts:
        return Verdict.UNKNOWN.value
    return Verdict.NO_FLARE.value


def _ahead(answers: Iterable[Answer]) -> list[Answer]:
    return [item for item in answers if item.event.horizon is not None]
