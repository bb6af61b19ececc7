"""The monitoring flow: whatever is not decided yet, newest first, within a time budget.

A schedule only wakes it up. What is missing is worked out from our own database, so missed,
doubled and killed runs need no care, and two monitors at once are wasteful, not harmful: every
write is idempotent. Overlap is refused all the same: by a concurrency limit of the deployment
(one run, the newcomer is cancelled), or by a runner that takes one run at a time.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run
from prefect.settings import get_current_settings

from flaremon import __version__
from flaremon.config import Settings, read_settings
from flaremon.domain import Outcome, Record
from flaremon.errors import FlaremonError, SourceError, SourceUnavailableError
from flaremon.job import Report, Shadows, chunks
from flaremon.pipeline import Run, new_run_id
from flaremon.serving import serving_as_json
from flaremon.status import FactState
from flaremon.store import Job, RunNote
from flaremon.times import iso_z, utc_now
from flows import ledger, shadows, summary, tasks

log = logging.getLogger(__name__)

ARTIFACT_KEY = "monitor-run"
CatchUp = Literal["newest_first", "newest_only", "all"]
CHUNK_RECORDS = 8
"""Records per task after the first, which has one so that the newest answer comes first."""


@flow(name="monitor")
def monitor(
    series: str | None = None,
    lookback_h: float | None = None,
    catch_up: CatchUp = "newest_first",
    time_budget_s: float = 600,
) -> dict[str, Any]:
    """Find, download, score and store what is not decided; say what was done.

    Parameters
    ----------
    series
        Series to monitor; by default that of the settings.
    lookback_h
        Hours to look back for undecided slots; by default that of the settings.
    catch_up
        What comes of the slots of the look-back that were missed: ``newest_first`` takes all,
        the latest answer first; ``newest_only`` stops after the first record that could be
        scored; ``all`` goes through them as they were, oldest first. Whatever is scored later
        than the setting ``live_within_h`` after its observation is stored as hindcast.
    time_budget_s
        No chunk of work is begun after so many seconds; the next run takes the rest.

    Returns
    -------
    dict
        The summary of the run (see `flows.summary.as_json`). A run that was late, and whose work
        another one has done since, asks nobody and has the id of that one under ``done_by``.

    Raises
    ------
    SourceError
        Nothing could be decided because the source could not be reached: the run is Failed.
    FlaremonError
        Database, model or settings are at fault.
    """
    _send_library_log()
    settings = read_settings()
    run = _this_run(settings)
    series = series or settings.jsoc.series
    since = run.now - timedelta(hours=lookback_h or settings.jsoc.lookback_h)
    end = time.monotonic() + time_budget_s
    report, left, error, answers = Report(), 0, None, None
    try:
        other = ledger.begin(_note(run, series, catch_up, since), flow_run.scheduled_start_time)
        if other is not None:
            log.info("run %s has done what this one was due for", other.run_id)
            told = summary.as_json(report, None, series=series, run=run, left=0, error=None)
            return told | {"done_by": other.run_id}
        answers = tasks.who_answers()
        model = str(answers.model)
        beside = shadows.of_run(model, run)
        report.shadows = beside.told
        report.listed, todo = tasks.find(series, since, run, model)
        report.undecided = left = len(todo)
        for chunk in _in_time(_work(todo, catch_up), end):
            _decide(chunk, report, run, model, beside)
            left -= len(chunk)
            if catch_up == "newest_only" and report.predictions:
                break
        _refuse_to_call_an_outage_a_success(report)
        tasks.tidy(run.now)
    except FlaremonError as exc:
        error = exc
    facts = None
    if answers is not None and _database_works(error):
        # Also without a magnetogram: what the flare list alone says goes on.
        tasks.baselines(report.predictions, run, model)
        facts = tasks.answer(series, run.now, model)
    if error is None and report.shadows:
        limit = 1 if catch_up == "newest_only" else None
        shadows.catch_up(beside, model, series, since, limit, end)
    if _database_works(error):
        ledger.end(run.run_id, utc_now(), left, None if error is None else str(error))
    told = summary.as_json(report, facts, series=series, run=run, left=left, error=error)
    told |= {"model": answers and serving_as_json(answers)}
    told |= {"catch_up": catch_up, "since": iso_z(since)}
    _tell(told)
    if error is not None:
        raise error
    return told


def _decide(chunk: Sequence[Record], report: Report, run: Run, model: str, beside: Shadows) -> None:
    """Take one chunk from the list to the database."""
    got = tasks.download(chunk, run)
    outcomes: list[Outcome] = list(got.rejections)
    failures = list(got.failures)
    if got.fetched:
        scored, lost = tasks.score(got.fetched, got.known, run, model, beside)
        outcomes += tasks.calibrate(scored, run, model) if scored else []
        failures += lost
    if outcomes or got.fetched:
        report.stored += tasks.store(outcomes, got.fetched)
    report.add(outcomes, failures)
    if got.fetched and report.shadows:
        shadows.score(beside, model)


def _this_run(settings: Settings) -> Run:
    now = utc_now()
    return Run(
        run_id=flow_run.id or new_run_id("flow", now),
        now=now,
        live_within=timedelta(hours=settings.live_within_h),
    )


def _note(run: Run, series: str, catch_up: CatchUp, since: datetime) -> RunNote:
    return RunNote(
        run_id=run.run_id,
        job=Job.MONITOR,
        series=series,
        policy=catch_up,
        since=since,
        until=run.now,
        live_within=run.live_within,
        began_at=run.now,
        software=__version__,
    )


def _work(todo: Sequence[Record], catch_up: CatchUp) -> list[Sequence[Record]]:
    in_order = todo[::-1] if catch_up == "all" else todo
    return chunks(in_order, 1 if catch_up == "newest_only" else CHUNK_RECORDS)


def _in_time(work: list[Sequence[Record]], end: float) -> Iterator[Sequence[Record]]:
    """Hand out work until the budget is spent; the first piece is always handed out."""
    for k, chunk in enumerate(work):
        if k and time.monotonic() > end:
            log.warning("the time budget is spent; the next run takes the rest")
            return
        yield chunk


def _refuse_to_call_an_outage_a_success(report: Report) -> None:
    decided = report.predictions or report.rejections
    if report.failures and not decided and all(f.retriable for f in report.failures):
        raise SourceUnavailableError(
            f"none of {len(report.failures)} records could be had; first {report.failures[0].error}"
        )


def _database_works(error: FlaremonError | None) -> bool:
    return error is None or isinstance(error, SourceError)


def _tell(told: dict[str, Any]) -> None:
    for item in told["answers"]:
        # A stale or missing answer must be seen in the run, not only by who asks for status.
        level = logging.INFO if item["state"] == FactState.OK else logging.WARNING
        log.log(level, item["in_words"])
    if told["error"]:
        log.error("RUN FAILED: %s", told["error"])
    log.info(summary.in_a_line(told))
    create_markdown_artifact(
        summary.as_markdown(told), key=ARTIFACT_KEY, description=summary.in_a_line(told)
    )


def _send_library_log() -> None:
    """Let INFO lines of the library reach the log of the run, unless somebody set a level."""
    names = get_current_settings().logging.extra_loggers or []
    for name in names:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(get_current_settings().logging.level)
