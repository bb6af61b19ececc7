"""The steps of a run as Prefect tasks: from find and download to store, answer and tidy.

A task is a chunk of work, not a record. It opens its own client or engine from the settings
and closes it; what goes in and out is small. `if_retriable` is the only retry rule there is.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import task_run
from prefect.tasks import exponential_backoff

from flaremon import job, status
from flaremon.config import read_settings
from flaremon.database import session_scope
from flaremon.domain import Outcome, Prediction, Record, RecordKey, Rejection
from flaremon.errors import FlaremonError, SourceUnavailableError
from flaremon.job import Failure, Fetched, Shadows
from flaremon.pipeline import Run
from flaremon.serving import Serving
from flaremon.store import run_listed
from flaremon.times import utc_now
from flaremon.truth import keep_baselines
from flaremon.wiring import (
    answering,
    calibrating,
    file_cache,
    frame_archive,
    frame_keeper,
    opened,
    package,
    predictor,
    source,
)

log = logging.getLogger(__name__)

RETRIES = 2
"""Few and soon: the client below has retried already, and the next run is minutes away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """What the download of some records came to."""

    fetched: tuple[Fetched, ...]
    known: Mapping[str, RecordKey]
    """Which of the files' SHA-256 other records hold already."""
    rejections: tuple[Rejection, ...]
    failures: tuple[Failure, ...]


def if_retriable(_task: Any, _run: TaskRun, state: State[Any]) -> bool:
    """Retry iff the error says that trying again can help; bugs are never retried."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, FlaremonError) and error.retriable


RETRIED: dict[str, Any] = {
    "retries": RETRIES,
    "retry_delay_seconds": exponential_backoff(backoff_factor=2),  # 2 s, 4 s
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": if_retriable,
    # Prefect would hand out the answer of an earlier call with equal arguments, for ever.
    "cache_policy": NO_CACHE,
}


def _named(verb: str, parameter: str) -> Any:
    """Return a namer of task runs: ``download hmi.M_720s_nrt[2026.02.01_00:00:00_TAI] + 7``."""

    def name() -> str:
        keys = [_key(item) for item in task_run.get_parameters()[parameter]]
        more = f" + {len(keys) - 1}" if len(keys) > 1 else ""
        return f"{verb} {keys[0]}{more}" if keys else verb

    return name


def _key(item: Record | Fetched | Outcome) -> RecordKey:
    return item.record.key if isinstance(item, Fetched) else item.key


@task(name="who answers", **RETRIED)
def who_answers() -> Serving:
    """Return which model answers in this run: a promotion takes effect between two runs.

    Raises
    ------
    StoreError, ModelError
        The database fails; the promoted package is missing or was altered.
    """
    settings = read_settings()
    with opened(settings) as engine:
        return answering(settings, engine)


@task(name="find", task_run_name="find {series} since {since:%Y-%m-%dT%H:%MZ}", **RETRIED)
def find(series: str, since: datetime, run: Run, model: str) -> tuple[int, list[Record]]:
    """List the slots since an instant; return how many there are and those not decided.

    Raises
    ------
    SourceError, StoreError, ModelError
        Source, database or model package fail.
    """
    settings = read_settings(model=model)
    with opened(settings) as engine:
        found = job.find(
            source(settings), engine, package(settings), series=series, since=since, run=run
        )
        with session_scope(engine) as session:
            run_listed(session, run.run_id, at=utc_now())
        return found


@task(name="download", task_run_name=_named("download", "records"), **RETRIED)
def download(records: Sequence[Record], run: Run) -> Chunk:
    """Screen records, get the files of those that may be scored, and look up their hashes.

    Files that are complete stay in the cache, so a retry asks only for the others. The last
    try returns what there is: one record's failure does not stop the others.

    Raises
    ------
    SourceUnavailableError
        While there are retries left, when a file failed for a passing reason.
    """
    settings = read_settings()
    fetched, rejections, failures = job.fetch(records, source(settings), run)
    passing = [failure for failure in failures if failure.retriable]
    if passing and 0 < task_run.run_count <= RETRIES:
        raise SourceUnavailableError(
            f"{len(passing)} of {len(records)} files did not arrive; first {passing[0].error}"
        )
    with opened(settings) as engine:
        known = job.known_files(fetched, engine) if fetched else {}
    return Chunk(
        fetched=tuple(fetched),
        known=known,
        rejections=tuple(rejections),
        failures=tuple(failures),
    )


@task(name="score", task_run_name=_named("score", "fetched"), cache_policy=NO_CACHE)
def score(
    fetched: Sequence[Fetched],
    known: Mapping[str, RecordKey],
    run: Run,
    model: str,
    beside: Shadows,
) -> tuple[list[Outcome], list[Failure]]:
    """Score complete files; not retried, since the same file would give the same error.

    The shadows take what they need of the magnetograms, and score it later.

    Raises
    ------
    ModelError, ConfigurationError
        The model or the device fails.
    """
    settings = read_settings(model=model)
    with opened(settings) as engine:
        return job.score(
            fetched,
            source(settings),
            predictor(settings),
            known=known,
            run=run,
            keep_frame=frame_keeper(settings),
            recent=job.recent_flares(engine, settings.truth.catalog),
            look_on=beside.look_on,
        )


@task(name="calibrate", task_run_name=_named("calibrate", "outcomes"), **RETRIED)
def calibrate(outcomes: Sequence[Outcome], run: Run, model: str) -> list[Outcome]:
    """Turn the network's numbers into calibrated ones, by recent activity as it is known.

    Raises
    ------
    StoreError, ConfigurationError, ModelError
        The database fails, or the calibrator is missing or damaged.
    """
    settings = read_settings(model=model)
    with opened(settings) as engine:
        return job.calibrate(outcomes, engine, calibrating(settings), run=run)


@task(name="store", task_run_name=_named("store", "outcomes"), **RETRIED)
def store(outcomes: Sequence[Outcome], fetched: Sequence[Fetched]) -> int:
    """Store files and outcomes in one transaction; return how many rows were new.

    Raises
    ------
    StoreError
        Nothing of the chunk was stored.
    """
    with opened(read_settings()) as engine:
        return job.keep(outcomes, fetched, engine)


@task(name="baselines", **RETRIED)
def baselines(predictions: Sequence[Prediction], run: Run, model: str) -> int:
    """Store what persistence and trailing climatology say about the same windows; how many rows.

    Raises
    ------
    StoreError, ModelError
        Database or model package fail.
    """
    settings = read_settings(model=model)
    events = [spec.event for spec in package(settings).events]
    with opened(settings) as engine:
        return keep_baselines(
            predictions,
            engine,
            events=events,
            catalog=settings.truth.catalog,
            now=run.now,
            run_id=run.run_id,
        )


@task(name="answer", task_run_name="answer for {series}", **RETRIED)
def answer(series: str, now: datetime, model: str) -> status.Facts:
    """Return what is known now: the network's answers, GOES, the outlook.

    Raises
    ------
    StoreError, ModelError
        Database or model package fail.
    """
    settings = read_settings(model=model)
    answers = package(settings)
    question = status.Question(
        model=answers.id,
        events=tuple(spec.event for spec in answers.events),
        series=series,
        catalog=settings.truth.catalog,
        now=now,
        stale_after=timedelta(hours=settings.stale_after_h),
    )
    with opened(settings) as engine, session_scope(engine) as session:
        return status.gather(session, question)


@task(name="tidy", cache_policy=NO_CACHE)
def tidy(now: datetime) -> int:
    """Remove downloaded files that are too old or too much; return how many."""
    settings = read_settings()
    removed = len(file_cache(settings).prune(now=now))
    frames = frame_archive(settings)
    if frames is not None:
        removed += frames.prune_if_due(now=now)
    if removed:
        log.info("%d files removed from the cache", removed)
    return removed
