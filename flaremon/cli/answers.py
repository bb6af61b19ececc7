"""``flaremon now`` and ``flaremon status``: the question that people ask."""

import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from flaremon.cli._app import (
    ERROR,
    AnswerExit,
    Events,
    Json,
    Series,
    Verbose,
    app,
    parse_events,
    print_json,
    report_error,
    settings,
    start_logging,
)
from flaremon.errors import InputError, SourceError, SourceUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from flaremon.config import Settings
    from flaremon.domain import FlareEvent
    from flaremon.job import Report
    from flaremon.status import Answer


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
    series: Series = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Fetch and score the newest magnetogram; print the answer.

    Takes the newest slot that is not decided yet and can be predicted. Running it again before
    the next slot arrives changes nothing and prints the stored answer with its age.
    """
    from flaremon.cli._now import run_once
    from flaremon.wiring import ready_engine

    start_logging(verbose=verbose)
    chosen = parse_events(events)
    config = settings(series=series)
    engine = ready_engine(config)
    try:
        report = run_once(config, engine, newest_only=not catch_up)
    except SourceError as exc:
        if as_json:
            # Machines get the stored answers too, each with its age; people get the sentence.
            _print(_answers(config, engine, chosen), code=ERROR, as_json=True, error=str(exc))
        raise
    answers = _answers(config, engine, chosen)
    code = _code(answers, lost=bool(report.failures) and not report.predictions)
    _print(answers, code=code, as_json=as_json, report=report)
    for failure in report.failures:
        report_error(SourceUnavailableError(failure.error))
    _finish(code)


@app.command(
    epilog="Examples:  flaremon status   |   flaremon status --event M1+/24h --json   |   "
    "flaremon status --stale-after-h 2"
)
def status(
    events: Events = None,
    stale_after_h: Annotated[
        float | None,
        typer.Option(min=0.01, help="Age in hours from which an answer is STALE [default: 3]."),
    ] = None,
    series: Series = None,
    as_json: Json = False,
) -> None:
    """Say the newest stored answers and how old they are.

    Talks to the database only. Exit codes: 0 no flare, 1 flare, 2 stale or unknown, 3 error.
    """
    from flaremon.wiring import reading_engine

    chosen = parse_events(events)
    config = settings(series=series, stale_after_h=stale_after_h)
    answers = _answers(config, reading_engine(config), chosen)
    code = _code(answers, lost=False)
    _print(answers, code=code, as_json=as_json)
    _finish(code)


def _answers(
    config: "Settings", engine: "Engine", events: "Sequence[FlareEvent] | None"
) -> "list[Answer]":
    from flaremon.database import session_scope
    from flaremon.status import answer
    from flaremon.times import utc_now
    from flaremon.wiring import package

    model = package(config)
    offered = [spec.event for spec in model.events]
    for event in events or []:
        if event not in offered:
            raise InputError(
                f"{model.id} does not answer {event}; it answers {', '.join(map(str, offered))}"
            )
    wanted = events or offered
    with session_scope(engine) as session:
        return [
            answer(
                session,
                event,
                model=config.model_id,
                series=config.jsoc.series,
                now=utc_now(),
                stale_after=timedelta(hours=config.stale_after_h),
            )
            for event in wanted
        ]


def _print(
    answers: "Sequence[Answer]",
    *,
    code: int,
    as_json: bool,
    report: "Report | None" = None,
    error: str | None = None,
) -> None:
    from flaremon.status import as_json as to_json
    from flaremon.status import in_words
    from flaremon.times import utc_now

    if as_json:
        document = {
            "exit_code": code,
            "answers": [to_json(item, utc_now()) for item in answers],
        }
        if error is not None:
            document["error"] = error
        if report is not None:
            document["run"] = {
                "listed": report.listed,
                "undecided": report.undecided,
                "predicted": len({p.key for p in report.predictions}),
                "rejected": [
                    {"record": str(r.key), "reason": str(r.reason), "detail": r.detail}
                    for r in report.rejections
                ],
                "failed": [{"record": str(f.key), "error": f.error} for f in report.failures],
            }
        print_json(document)
        return
    if report is not None:
        sys.stdout.write(_summary(report) + "\n")
    for item in answers:
        sys.stdout.write(in_words(item) + "\n")


def _summary(report: "Report") -> str:
    scored = len({p.key for p in report.predictions})
    words = f"{report.listed} slots listed, {report.undecided} not decided before; {scored} scored"
    if report.rejections:
        reasons = sorted({str(r.reason) for r in report.rejections})
        words += f", {len(report.rejections)} rejected ({', '.join(reasons)})"
    if report.failures:
        words += f", {len(report.failures)} failed"
    return words + "."


def _code(answers: "Sequence[Answer]", *, lost: bool) -> int:
    from flaremon.domain import Verdict
    from flaremon.status import exit_code

    code = exit_code(answers)
    # Unknown because something failed is an error.
    return ERROR if lost and code == Verdict.UNKNOWN.value else code


def _finish(code: int) -> None:
    if code:
        raise AnswerExit(code)
