"""Shadows as tasks: after the answer is stored, and whatever goes wrong, without consequences."""

import logging
import time
from collections.abc import Callable
from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE

from flaremon import job
from flaremon.config import read_settings
from flaremon.errors import FlaremonError
from flaremon.pipeline import Run
from flaremon.wiring import opened, package, shadows, source

log = logging.getLogger(__name__)


def of_run(model: str, run: Run) -> job.Shadows:
    """Return the shadows of a run.

    Parameters
    ----------
    model : str
        The one that answers, NAME@VERSION.

    Raises
    ------
    ModelError
        Its package cannot be read.
    """
    settings = read_settings(model=model)
    return job.Shadows(shadows(settings), frame=package(settings).frame, run=run)


@task(name="shadows", cache_policy=NO_CACHE)
def score(beside: job.Shadows, model: str) -> None:
    """Let the shadows score what the model that answers has just scored; never raises."""
    _harmless(lambda: _score(beside, model))


@task(name="shadows catch up", cache_policy=NO_CACHE)
def catch_up(
    beside: job.Shadows,
    model: str,
    series: str,
    since: datetime,
    limit: int | None,
    until: float,
) -> None:
    """Let the shadows score what they lack of the look-back; never raises.

    Parameters
    ----------
    limit
        At most so many records per shadow; None for all.
    until
        No record is begun when the monotonic clock is past this, s.
    """
    _harmless(lambda: _catch_up(beside, model, series, since, limit, until))


def _score(beside: job.Shadows, model: str) -> None:
    settings = read_settings(model=model)
    with opened(settings) as engine:
        beside.score(engine, recent=job.recent_flares(engine, settings.truth.catalog))


def _catch_up(
    beside: job.Shadows,
    model: str,
    series: str,
    since: datetime,
    limit: int | None,
    until: float,
) -> None:
    settings = read_settings(model=model)
    with opened(settings) as engine:
        beside.catch_up(
            source(settings),
            engine,
            model=package(settings).id,
            series=series,
            since=since,
            recent=job.recent_flares(engine, settings.truth.catalog),
            limit=limit,
            until=lambda: time.monotonic() > until,
        )


def _harmless(work: Callable[[], None]) -> None:
    try:
        work()
    except FlaremonError as exc:
        log.warning("the shadows did not score: %s", exc)
