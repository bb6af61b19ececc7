"""``flaremon outcomes``: what became of the windows that were forecast."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from flaremon.cli._app import app, print_rows, settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from flaremon.domain import EventOutcome, FlareEvent
    from flaremon.store import Pending
    from flaremon.truth import Decided

COLUMNS = (
    "window_start", "window_end", "event", "state", "flare", "flares", "largest", "location",
    "why", "catalog", "catalog_as_of", "decided_at", "revision",
)  # fmt: skip

Catalog = Annotated[
    str | None, typer.Option(metavar="NAME", help="Flare list [default: the setting].")
]
Lag = Annotated[
    float | None,
    typer.Option(min=0.0, help="Hours that the list gets after a window [default: the setting]."),
]
Form = Annotated[Literal["table", "json", "csv"], typer.Option("--format", help="How to print.")]

outcomes = typer.Typer(
    help="What became of the windows that were forecast.",
    epilog="Examples:  flaremon outcomes update   |   flaremon outcomes list --since -7d",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)
app.add_typer(outcomes, name="outcomes")


@outcomes.command(
    epilog="Examples:  flaremon outcomes update   |   flaremon outcomes update --catalog hek "
    "--lag-h 0",
)
def update(catalog: Catalog = None, lag_h: Lag = None) -> None:
    """Give windows that are over their outcome, and revise those whose flares were revised.

    Yes, no, or unknown where the list does not answer. Doing it again changes nothing.
    """
    from flaremon import truth
    from flaremon.cli._baselines import never_read
    from flaremon.database import session_scope
    from flaremon.pipeline import new_run_id
    from flaremon.times import utc_now
    from flaremon.wiring import opened

    config, now = settings(), utc_now()
    name = catalog or config.truth.catalog
    run_id = new_run_id("cli", now)
    done: list[Decided] = []
    with opened(config) as engine:
        unread = never_read(engine, name)
        if unread is not None:
            sys.stdout.write(unread)
            return
        while not done or done[-1].more:
            with session_scope(engine) as session:
                done.append(
                    truth.decide(
                        session,
                        now=now,
                        catalog=name,
                        lag=timedelta(hours=config.truth.lag_h if lag_h is None else lag_h),
                        run_id=run_id,
                    )
                )
    sys.stdout.write(_told(done))


@outcomes.command(
    "list",
    epilog="Examples:  flaremon outcomes list --since -7d --event M1+/24h   |   flaremon outcomes "
    "list --history --format csv > outcomes.csv",
)
def list_(
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Windows from: ISO (UTC) or -7d.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Windows that start before; same forms.")
    ] = None,
    event: Annotated[
        str | None, typer.Option(metavar="ID", help="Only of this event, e.g. M1+/24h.")
    ] = None,
    catalog: Catalog = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="As it was known then, not now.")
    ] = None,
    history: Annotated[
        bool, typer.Option("--history", help="All revisions, not only the newest.")
    ] = False,
    form: Form = "table",
) -> None:
    """Print what became of windows, oldest first.

    The table ends with the windows that are pending and when they will be decided.
    """
    from flaremon import store
    from flaremon.database import session_scope
    from flaremon.domain import FlareEvent
    from flaremon.times import parse_range, parse_utc
    from flaremon.wiring import opened

    start, end = parse_range(since, until)
    known = None if at is None else parse_utc(at)
    config, what = settings(), None if event is None else FlareEvent.parse(event)
    name = catalog or config.truth.catalog
    with opened(config, reading=True) as engine, session_scope(engine) as session:
        rows = store.event_outcomes(
            session, event=what, catalog=name, since=start, until=end, at=known, history=history
        )
        print_rows(map(_flat, rows), form=form, columns=COLUMNS, table=_table)
        if form == "table":
            sys.stdout.write(_undecided(session, what, name, timedelta(hours=config.truth.lag_h)))


def _undecided(session: "Session", event: "FlareEvent | None", name: str, lag: timedelta) -> str:
    """Say which windows have no outcome yet: those that are over, and those that are not."""
    from flaremon import store
    from flaremon.times import utc_now

    over = store.pending_windows(session, catalog=name, over_at=utc_now() - lag)
    span = store.answered_span(session, catalog=name)
    lines = []
    for of, pending in store.pending_windows(session, catalog=name).items():
        if event is not None and of != event:
            continue
        late = over.get(of)
        if late is not None:
            lines.append(_overdue(of, late, name, span))
        windows = pending.windows - (late.windows if late is not None else 0)
        if windows:
            first_end = pending.first_end if late is None else late.last_end
            waiting = pending._replace(windows=windows, first_end=first_end)
            lines.append(_waiting(of, waiting, lag))
    return "".join(lines)


def _told(parts: "Sequence[Decided]") -> str:
    """Say what became of windows, by event; `parts` were decided one after the other."""
    from flaremon.times import iso_z

    last = parts[-1]
    assert last.catalog_as_of is not None  # noqa: S101 - what was never read is told before
    lines = [f"By the list {last.catalog} as of {iso_z(last.catalog_as_of)}:"]
    for event in sorted({event for part in parts for event in part.by_event}, key=str):
        tallies = [part.by_event[event] for part in parts if event in part.by_event]
        scored, flares = sum(t.scored for t in tallies), sum(t.flares for t in tallies)
        pending = last.by_event[event].pending if event in last.by_event else 0
        lines.append(
            f"{event!s:<8} {scored} scored ({flares} flare, {scored - flares} no flare), "
            f"{sum(t.unknown for t in tallies)} unknown, {sum(t.revised for t in tallies)} "
            f"revised, {pending} over and waiting for the list."
        )
    if len(lines) == 1:
        lines.append("Nothing to decide: no window is over that has not got its outcome.")
    return "\n".join(lines) + "\n"


def _flat(item: "EventOutcome") -> dict[str, Any]:
    from flaremon.times import iso_z

    return {
        "window_start": iso_z(item.window.start),
        "window_end": iso_z(item.window.end),
        "event": str(item.event),
        "state": item.state.value,
        "flare": item.flare,
        "flares": item.flares,
        "largest": item.largest and str(item.largest),
        "location": item.location,
        "why": item.why,
        "catalog": item.catalog,
        "catalog_as_of": iso_z(item.catalog_as_of),
        "decided_at": iso_z(item.decided_at),
        "revision": item.revision,
    }


def _table(rows: Iterable[dict[str, Any]]) -> None:
    head = f"{'window from':<20} {'to':<20} {'event':<8} {'outcome':<9} {'flares':>6} "
    sys.stdout.write(head + f"{'largest':<7} {'at':<7} {'rev.':>4} {'decided':<20} why\n")
    counts: dict[str, int] = {}
    for row in rows:
        outcome = {True: "FLARE", False: "no flare", None: "unknown"}[row["flare"]]
        counts[outcome] = counts.get(outcome, 0) + 1
        flares = "" if row["flares"] is None else row["flares"]
        sys.stdout.write(
            f"{row['window_start']:<20} {row['window_end']:<20} {row['event']:<8} {outcome:<9} "
            f"{flares:>6} {row['largest'] or '':<7} {row['location']:<7} {row['revision']:>4} "
            f"{row['decided_at']:<20} {row['why']}".rstrip()
            + "\n"
        )
    told = ", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items()))
    sys.stdout.write(f"{sum(counts.values())} outcome(s){': ' if told else ''}{told}.\n")


def _waiting(event: "FlareEvent", pending: "Pending", lag: timedelta) -> str:
    from flaremon.times import iso_z

    first, last = (iso_z(end + lag) for end in (pending.first_end, pending.last_end))
    return (
        f"{event}: {pending.windows} pending; to be decided from {first} to {last}, once the list "
        "has been read beyond their end (`flaremon outcomes update`).\n"
    )


def _overdue(
    event: "FlareEvent", late: "Pending", name: str, span: "tuple[datetime, datetime] | None"
) -> str:
    """Say what it takes to decide windows that are over, and that the list has had its time for."""
    from flaremon.times import iso_z

    words = f"{event}: {late.windows} over and not decided, the last since {iso_z(late.last_end)}"
    if span is not None and span[1] >= late.last_end:
        return f"{words}; `flaremon outcomes update` decides them.\n"
    read = f"is read until {iso_z(span[1])}" if span is not None else "answers for nothing yet"
    return (
        f"{words}: list {name} {read}; read it beyond their end with `flaremon flares fetch` or "
        "`flaremon flares import`, then `flaremon outcomes update`.\n"
    )
