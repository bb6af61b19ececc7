"""What became of the windows that were forecast, by a stored flare list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from flaremon import store
from flaremon.domain import EventOutcome, FlareEvent, OutcomeState
from flaremon.truth.judging import judge
from flaremon.verify.stored import stored_flares

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from flaremon.store import WindowToDecide

REVISED_WITHIN = timedelta(days=90)
"""Lists are edited for weeks; windows that began longer ago keep their outcome. One that is
unknown is tried again at any age, since history may be imported later."""

AT_ONCE = 20_000
"""Windows that get their first outcome in one call, which is one transaction: others wait for
SQLite's lock for seconds, not for minutes."""

_BEFORE = timedelta(hours=24)
"""What is in progress may have begun so much earlier; the longest flares last half a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What deciding the windows of one event came to."""

    scored: int = 0
    """Windows that got their first outcome, yes or no."""
    flares: int = 0
    """Of these, how many saw the event."""
    unknown: int = 0
    """Windows that got their first outcome, and it is that the list does not say."""
    revised: int = 0
    """Windows whose outcome changed, because the list did."""
    pending: int = 0
    """Windows that are over, but reach beyond what the list has been read for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What deciding came to."""

    catalog: str
    catalog_as_of: datetime | None
    """None if the list was never read: then all is pending."""
    by_event: Mapping[FlareEvent, Tally] = field(default_factory=dict)
    more: bool = False
    """Whether there is more to decide than was taken on at once; call again."""

    @property
    def scored(self) -> int:
        """Windows that got their first outcome, yes or no."""
        return sum(tally.scored for tally in self.by_event.values())

    @property
    def unknown(self) -> int:
        """Windows that got "unknown" as their first outcome."""
        return sum(tally.unknown for tally in self.by_event.values())

    @property
    def revised(self) -> int:
        """Windows whose outcome changed."""
        return sum(tally.revised for tally in self.by_event.values())

    @property
    def pending(self) -> int:
        """Windows that are over, but that the list has not caught up with."""
        return sum(tally.pending for tally in self.by_event.values())


def decide(
    session: "Session", *, now: datetime, catalog: str, lag: timedelta, run_id: str
) -> Decided:
    """Give windows their outcome, and give another one where the list was revised since.

    Looked at are windows that predictions or forecasts speak about, each once, that ended at
    least `lag` ago and have no outcome yet or an unknown one; and those scored within
    `REVISED_WITHIN`. A window that reaches beyond what the list has been read for stays
    pending. The same again changes nothing.

    Parameters
    ----------
    catalog : str
        Name of the stored flare list.
    lag : timedelta
        Time that the list gets to become complete after the end of a window.

    Raises
    ------
    StoreError
        The database fails.
    """
    as_of = store.catalog_as_of(session, catalog=catalog)
    span, over = store.answered_span(session, catalog=catalog), now - lag
    todo: list[WindowToDecide] = []
    more = False
    if span is not None:
        until = min(over, span[1])
        todo += store.windows_to_decide(session, catalog=catalog, until=until, limit=AT_ONCE)
        more = sum(not item.tried for item in todo) == AT_ONCE
        if not more:  # revisions can wait until the first outcomes are there
            since = over - REVISED_WITHIN
            todo += store.scored_windows(session, catalog=catalog, since=since, until=until)
    tallies = _decide(session, todo, as_of=as_of, now=now, run_id=run_id, catalog=catalog)
    if span is None or span[1] < over:
        behind = store.pending_windows(session, catalog=catalog, over_at=over)
        for event, waiting in behind.items():
            tallies[event] = replace(tallies.get(event, Tally()), pending=waiting.windows)
    return Decided(catalog=catalog, catalog_as_of=as_of, by_event=tallies, more=more)


def _decide(
    session: "Session",
    todo: Sequence["WindowToDecide"],
    *,
    as_of: datetime | None,
    now: datetime,
    run_id: str,
    catalog: str,
) -> dict[FlareEvent, Tally]:
    if not todo:
        return {}
    flares = stored_flares(
        session,
        catalog=catalog,
        since=min(item.window.start for item in todo) - _BEFORE,
        until=max(item.window.end for item in todo) + timedelta(seconds=1),
    )
    judged: dict[FlareEvent, tuple[list[EventOutcome], list[EventOutcome]]] = {}
    for event in sorted({item.event for item in todo}, key=str):
        fresh = [item.window for item in todo if item.event == event and not item.tried]
        again = [item.window for item in todo if item.event == event and item.tried]
        judged[event] = (
            judge(flares, event, fresh, as_of=as_of, now=now),
            judge(flares, event, again, as_of=as_of, now=now),
        )
    # All writing at the end: on SQLite nobody else can write meanwhile.
    tallies = {}
    for event, (new, old) in judged.items():
        store.add_event_outcomes(session, new, run_id=run_id)
        tallies[event] = _tally(new, store.add_event_outcomes(session, old, run_id=run_id))
    return tallies


def _tally(new: Sequence[EventOutcome], revised: int) -> Tally:
    scored = [outcome for outcome in new if outcome.state is OutcomeState.SCORED]
    return Tally(
        scored=len(scored),
        flares=sum(bool(outcome.flare) for outcome in scored),
        unknown=len(new) - len(scored),
        revised=revised,
    )
