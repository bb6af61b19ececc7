"""``flaremon now`` and ``flaremon status``: the question that people ask."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flaremon.cli._app import (
    ERROR,
    AnswerExit,
    Json,
    Series,
    Verbose,
    app,
    print_json,
    report_error,
    settings,
    start_logging,
)
from flaremon.cli._facts import look_up, read_events
from flaremon.errors import SourceError, SourceUnavailableError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from flaremon.config import Settings
    from flaremon.job import Report
    from flaremon.status import Facts

Events = Annotated[
    list[str] | None,
    typer.Option(
        "--event",
        metavar="ID",
        help="Only this counts: M1+/24h of the model, or M1+/goes, a flare that GOES sees in "
        "progress; may be repeated.",
    ),
]


@app.command(
    epilog="Examples:  flaremon now   |   flaremon now --json --event M1+/24h   |   "
    "flaremon now --catch-up"
)
def now(
    events: Events = None,
    catch_up: Annotated[
        bool,
        typer.Option("--catch-up", help="Score every undecided slot of the look-back, not one."),
    ] = False,
    picture: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Draw the newest scored magnetogram, with regions."),
    ] = None,
    series: Series = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Fetch and score the newest magnetogram; print the answer.

    Takes the newest slot that is not decided yet and can be predicted. Running it again before
    the next slot arrives changes nothing and prints the stored answer with its age; so does trouble
    with the JSOC, with exit code 3. A picture that cannot be drawn is said, and changes neither
    answer nor exit code.
    """
    from flaremon.cli._now import run_once
    from flaremon.domain import Verdict
    from flaremon.wiring import answering, opened

    start_logging(verbose=verbose)
    config = settings(series=series)
    with opened(config) as engine:
        served = answering(config, engine)
        config = config.model_copy(update={"model": str(served.model)})
        asked = read_events(config, events)
        try:
            report = run_once(config, engine, newest_only=not catch_up)
        except SourceError as exc:
            # What is stored is told with its age, as `status` does; the error ends it.
            facts, _ = look_up(config, engine, asked, served)
            _print(facts, code=ERROR, as_json=as_json, error=str(exc))
            _draw(config, engine, picture)  # of the newest answer there is, with its age
            raise
        facts, _ = look_up(config, engine, asked, served)
        _draw(config, engine, picture)
    code = facts.exit_code
    if code == Verdict.UNKNOWN.value and report.failures and not report.predictions:
        code = ERROR  # unknown because something failed is an error
    _print(facts, code=code, as_json=as_json, report=report)
    for failure in report.failures:
        report_error(SourceUnavailableError(failure.error))
    _finish(code)


def _draw(config: "Settings", engine: "Engine", picture: Path | None) -> None:
    """Draw the newest answer where a picture is wanted; say what went wrong, if anything did."""
    from flaremon.cli._now import draw_newest

    trouble = draw_newest(config, engine, picture) if picture is not None else None
    if trouble is not None:
        report_error(trouble)


@app.command(
    epilog="Examples:  flaremon status   |   flaremon status --event M1+/24h --json   |   "
    "flaremon status --event M1+/goes   |   flaremon status --since-last-change"
)
def status(
    events: Events = None,
    stale_after_h: Annotated[
        float | None,
        typer.Option(min=0.01, help="Age in hours from which an answer is STALE [default: 3]."),
    ] = None,
    since_last_change: Annotated[
        bool,
        typer.Option("--since-last-change", help="Say since when each answer has been so."),
    ] = False,
    series: Series = None,
    as_json: Json = False,
) -> None:
    """Say what is known now and how old it is: outlook, network, GOES.

    Talks to the database only. Exit codes: 0 no flare, 1 flare, 2 stale or unknown, 3 error. They
    are the network's answers; what GOES sees counts only for --event M1+/goes.
    """
    from flaremon.status import changes_as_json, changes_in_words
    from flaremon.wiring import answering, missing_database, opened_or_empty

    config = settings(series=series, stale_after_h=stale_after_h)
    missing = missing_database(config)
    if missing is not None:
        sys.stderr.write(
            f"flaremon: there is no database at {missing} yet; `flaremon now`, `flaremon "
            "backfill` or `flaremon db upgrade` makes it\n"
        )
    with opened_or_empty(config) as engine:
        served = answering(config, engine)
        config = config.model_copy(update={"model": str(served.model)})
        asked = read_events(config, events)
        facts, changes = look_up(config, engine, asked, served, changes=since_last_change)
    if changes is None:
        _print(facts, code=facts.exit_code, as_json=as_json)
    elif as_json:
        print_json(changes_as_json(changes, facts))
    else:
        sys.stdout.write(changes_in_words(changes, facts) + "\n")
    _finish(facts.exit_code)


def _print(
    facts: "Facts",
    *,
    code: int,
    as_json: bool,
    report: "Report | None" = None,
    error: str | None = None,
) -> None:
    from flaremon.status import facts_as_json, facts_in_words

    if as_json:
        document: dict[str, Any] = {**facts_as_json(facts), "exit_code": code}
        if error is not None:
            document["error"] = error
        if report is not None:
            document["run"] = report.as_json()
        print_json(document)
        return
    if report is not None:
        sys.stdout.write(_summary(report) + "\n")
    sys.stdout.write(facts_in_words(facts) + "\n")


def _summary(report: "Report") -> str:
    scored = len({p.key for p in report.predictions})
    words = f"{report.listed} slots listed, {report.undecided} not decided before; {scored} scored"
    if report.rejections:
        reasons = sorted({str(r.reason) for r in report.rejections})
        words += f", {len(report.rejections)} rejected ({', '.join(reasons)})"
    if report.failures:
        words += f", {len(report.failures)} failed"
    return words + "."


def _finish(code: int) -> None:
    if code:
        raise AnswerExit(code)
