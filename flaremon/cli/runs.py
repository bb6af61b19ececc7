"""``flaremon runs``: what runs were told to do, and how they ended."""

import sys
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from flaremon.cli._app import app, print_rows, settings

if TYPE_CHECKING:
    from flaremon.store import RunNote

COLUMNS = (
    "began_at", "job", "series", "policy", "since", "until", "live_within_h", "listed_at",
    "ended_at", "left_over", "error", "software", "run_id",
)  # fmt: skip

HISTORY = {"backfill", "files", "rescore"}
"""Jobs that end only when everything is done, unless they are interrupted."""
LONGEST_ERROR = 160
"""In the table; characters."""


@app.command(
    epilog="Examples:  flaremon runs   |   flaremon runs --since -24h --job monitor   |   "
    "flaremon runs --id RUN_ID   (as predictions, rejections and receipts name it)"
)
def runs(
    run_id: Annotated[
        str | None, typer.Option("--id", metavar="RUN_ID", help="Only this run.")
    ] = None,
    job: Annotated[
        Literal["monitor", "now", "backfill", "rescore", "files"] | None,
        typer.Option(help="Only runs of this kind."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Begun at or after: ISO (UTC) or -24h.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the last ones.")] = 20,
    form: Annotated[
        Literal["table", "json", "csv"], typer.Option("--format", help="How to print.")
    ] = "table",
) -> None:
    """Print which policy was in force when rows were written: what each run was told to do.

    That is: which slots it looked for, in which order (newest_first, newest_only, all), and from
    which age on it called a prediction a hindcast. A run without an end goes on, or was killed.
    """
    from flaremon import store
    from flaremon.database import session_scope
    from flaremon.times import parse_utc
    from flaremon.wiring import opened

    begun = None if since is None else parse_utc(since)
    with opened(settings(), reading=True) as engine, session_scope(engine) as session:
        found = store.runs(
            session, run_id=run_id, job=job and store.Job(job), since=begun, limit=limit
        )
    print_rows(map(_row, found), form=form, columns=COLUMNS, table=_table)


def _row(note: "RunNote") -> dict[str, Any]:
    from datetime import timedelta

    from flaremon.store import Job
    from flaremon.times import iso_z

    times = ("since", "until", "began_at", "listed_at", "ended_at")
    row: dict[str, Any] = {name: getattr(note, name) for name in COLUMNS if hasattr(note, name)}
    row |= {name: None if row[name] is None else iso_z(row[name]) for name in times}
    if note.job is Job.FILES:  # before they are read nobody knows of when files are
        row |= {"since": None, "until": None}
    return row | {"job": str(note.job), "live_within_h": note.live_within / timedelta(hours=1)}


def _table(rows: Iterable[dict[str, Any]]) -> None:
    first = list(islice(rows, 1))
    if not first:
        sys.stdout.write("no run is noted\n")
        return
    for row in (*first, *rows):
        range_ = "a folder" if row["since"] is None else f"{row['since']} to {row['until']}"
        sys.stdout.write(
            f"{row['began_at']}  {row['job']:8} {row['policy']:12} {row['series']} "
            f"{range_}, live within {row['live_within_h']:g} h: {_ended(row)}"
            f"  [{row['run_id']}]\n"
        )


def _ended(row: dict[str, Any]) -> str:
    """Say how a run ended; the live job leaves slots to its next run, history is interrupted."""
    if row["error"]:
        return _in_short(row["error"])
    if row["ended_at"] is None:
        return "goes on, or was killed"
    if row["left_over"] and row["job"] in HISTORY:
        return f"interrupted, {row['left_over']} slots left"
    return f"done, {row['left_over']} slot(s) left"


def _in_short(error: str) -> str:
    """Return the sentence of an error, without the document that a service answered with."""
    words = " ".join(error.replace("\\n", " ").split())
    sentence = words.partition("{")[0].rstrip(" :('\"")
    if sentence == words and len(words) <= LONGEST_ERROR:
        return words
    return f"{sentence[:LONGEST_ERROR].rstrip()} ... (--format json has all)"
