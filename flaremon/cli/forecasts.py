"""``flaremon forecasts``: what others said."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from flaremon.cli._app import app, print_rows, settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

COLUMNS = ("forecaster", "kind", "forecasts", "first_window", "last_window", "description")

forecasts = typer.Typer(
    help="Forecasts of others, to be judged beside ours.",
    epilog="Example:  flaremon forecasts import theirs.csv --forecaster alexnet-gsu@1.0.0",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)
app.add_typer(forecasts, name="forecasts")


@forecasts.command(
    "import",
    epilog="Example:  flaremon forecasts import theirs.csv --forecaster alexnet-gsu@1.0.0 "
    "--event M1+/24h",
)
def import_(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE.csv...", help="CSV with time_utc,probability.")
    ],
    forecaster: Annotated[
        str, typer.Option(metavar="NAME@VERSION", help="What to call who made them.")
    ],
    event: Annotated[str, typer.Option(metavar="ID", help="What was forecast.")] = "M1+/24h",
) -> None:
    """Import other people's forecasts; all of the files, or nothing when a row is bad.

    They count as hindcasts, since nobody can check when they were made. `flaremon verify --model
    NAME@VERSION` judges them beside ours, once `flaremon outcomes update` knows what happened.
    """
    from flaremon import truth
    from flaremon.database import session_scope
    from flaremon.domain import FlareEvent, ModelId
    from flaremon.pipeline import new_run_id
    from flaremon.times import utc_now
    from flaremon.wiring import opened

    who, what, now = ModelId.parse(forecaster), FlareEvent.parse(event), utc_now()
    run_id = new_run_id("cli", now)
    with opened(settings()) as engine, session_scope(engine) as session:
        done = [
            truth.import_forecasts(
                session, file, forecaster=who, event=what, now=now, run_id=run_id
            )
            for file in files
        ]
    for file, (read, new) in zip(files, done, strict=True):
        sys.stdout.write(
            f"{file}: {read} forecasts of {who} for {what}: {new} new, {read - new} known.\n"
        )


@forecasts.command(
    epilog="Example:  flaremon forecasts baselines --catalog hek   (after importing the list)"
)
def baselines(
    catalog: Annotated[
        str | None, typer.Option(metavar="NAME", help="Flare list [default: the setting].")
    ] = None,
) -> None:
    """Store persistence and climatology beside stored predictions that lack them.

    Backfills do so at their end; this is for flare lists that were imported later. Doing it again
    changes nothing. Windows whose past the list does not answer for stay without.
    """
    from flaremon.cli._baselines import fill, never_read
    from flaremon.wiring import opened

    config = settings()
    with opened(config) as engine:
        unread = never_read(engine, catalog or config.truth.catalog)
        new = fill(config, engine, catalog=catalog)
    if unread is not None:
        sys.stdout.write(unread)
    elif not new:
        sys.stdout.write("Nothing to store: every window that the list answers for has them.\n")


@forecasts.command("list")
def list_(
    form: Annotated[
        Literal["table", "json", "csv"], typer.Option("--format", help="How to print.")
    ] = "table",
) -> None:
    """Print who forecasts beside our models, and how much of it is stored.

    The forecasts themselves: flaremon predictions --model NAME@VERSION.
    """
    from flaremon import store
    from flaremon.database import session_scope
    from flaremon.times import iso_z
    from flaremon.wiring import opened

    with opened(settings(), reading=True) as engine, session_scope(engine) as session:
        spans = store.forecaster_spans(session)
        rows = []
        for who, kind, description in store.forecasters(session):
            span = spans.get(who)
            rows.append(
                {
                    "forecaster": str(who),
                    "kind": kind.value,
                    "forecasts": span.forecasts if span else 0,
                    "first_window": iso_z(span.first) if span else None,
                    "last_window": iso_z(span.last) if span else None,
                    "description": description,
                }
            )
        print_rows(rows, form=form, columns=COLUMNS, table=_table)
        if form == "table":
            sys.stdout.write(_silent(session, {row["forecaster"] for row in rows}))


def _silent(session: "Session", names: set[Any]) -> str:
    """Say which baseline, of those that forecast, says nothing now, and why."""
    from flaremon.domain import FlareEvent
    from flaremon.status.baselines import Baselines
    from flaremon.times import utc_now
    from flaremon.truth import PERSISTENCE, TRAILING_CLIMATOLOGY

    event = FlareEvent.parse("M1+/24h")
    now = Baselines(session, catalog=settings().truth.catalog, now=utc_now())
    return "".join(
        f"{who} says nothing about {event} now: {beside.source}.\n"
        for who in (PERSISTENCE, TRAILING_CLIMATOLOGY)
        if str(who) in names and (beside := now.beside(event, who)).probability is None
    )


def _table(rows: Iterable[dict[str, Any]]) -> None:
    head = f"{'forecaster':<28} {'kind':<9} {'forecasts':>9} {'first window':<20} "
    sys.stdout.write(head + f"{'last window':<20} description\n")
    for row in rows:
        sys.stdout.write(
            f"{row['forecaster']:<28} {row['kind']:<9} {row['forecasts']:>9} "
            f"{row['first_window'] or '-':<20} {row['last_window'] or '-':<20} "
            f"{row['description']}\n"
        )
