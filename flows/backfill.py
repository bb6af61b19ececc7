"""The backfill flow: a plan, its days as tasks of some hundred slots, a summary that adds up.

A task is as many days as make it worth its while: Prefect takes 50 ms per task, and decoding
processes start once per task. What a task does is `flaremon.backfill`, the same as on the command
line. Tasks go one after the other: the JSOC gives one connection, whoever asks. With a Dask
cluster it is one task, and a day is what a worker gets. On a work pool days are runs of this very
flow, which `flows.pool` hands out.
"""

import logging
import os
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run

from flaremon import truth, wiring
from flaremon.backfill import (
    Chunk,
    Plan,
    Tally,
    cluster,
    grouped,
    make_grid,
    make_plan,
)
from flaremon.config import Settings, read_settings
from flaremon.database import session_scope
from flaremon.errors import SourceUnavailableError
from flaremon.store import SlotRange
from flaremon.times import parse_utc, utc_now
from flows.tasks import RETRIED

log = logging.getLogger(__name__)

ARTIFACT_KEY = "backfill-run"
SLOTS_PER_TASK = 720
"""Six days of 12 minutes: ten minutes of work, 0.1 ms of Prefect per slot."""
SHOWN_FAILURES = 50


@flow(name="backfill")
def backfill(  # noqa: PLR0913, PLR0917 - the form that people fill in
    start: str,
    end: str,
    cadence_s: float | None = None,
    series: str | None = None,
    models: list[str] | None = None,
    order: Literal["newest", "oldest"] = "newest",
    workers: int | None = None,
    dask_address: str | None = None,
) -> dict[str, Any]:
    """Score every slot of a range that is not decided yet.

    Parameters
    ----------
    start, end
        ``2024``, ``2024-05``, ISO (UTC) or DRMS labels; half-open.
    cadence_s
        Time between slots, s; by default that of the series.
    series, models
        By default those of the settings.
    order
        What comes first.
    workers
        Processes that decode; by default one per core.
    dask_address
        ``tcp://host:8786``: have the workers of that scheduler do it.

    Returns
    -------
    dict
        Counts that add up to the plan.

    Raises
    ------
    SourceUnavailableError
        Slots failed or were not tried: the run is Failed, and the next one takes them up.
    FlaremonError
        Settings, database, disk or model are at fault.
    """
    found = plan(start, end, cadence_s, series, models, order)
    total = Tally(planned=found.todo)
    if dask_address is not None:
        total.add(scatter(dask_address, found))
    else:
        for chunks in grouped(found.chunks, SLOTS_PER_TASK):
            total.add(work_off(chunks, found.grid.series, [str(m) for m in found.models], workers))
    fill_baselines(found.grid.slots)
    _tell(found, total)
    if not total.finished:
        left = len(total.failures) + total.not_tried
        raise SourceUnavailableError(
            f"{left} of {found.todo} slots could not be had; run the backfill again to go on"
        )
    return {**total.as_json(), "slots": found.slots}


@task(name="plan", task_run_name="plan {start} to {end}", **RETRIED)
def plan(
    start: str,
    end: str,
    cadence_s: float | None,
    series: str | None,
    models: list[str] | None,
    order: Literal["newest", "oldest"],
) -> Plan:
    """Work out what is left of a range.

    Raises
    ------
    InputError, StoreError, ModelError
        The range makes no sense; database or model package fail.
    """
    configs = _per_model(models, series)
    grid = make_grid(
        configs[0].jsoc.series,
        parse_utc(start),
        parse_utc(end),
        cadence_s=cadence_s,
        now=utc_now(),
    )
    with wiring.opened(configs[0]) as engine, session_scope(engine) as session:
        return make_plan(
            session,
            grid,
            packages=[wiring.package(config) for config in configs],
            order=order,
            frames=wiring.frame_archive(configs[0]),
        )


@task(name="work-off", task_run_name="days from {chunks[0].day}", **RETRIED)
def work_off(
    chunks: Sequence[Chunk], series: str, models: Sequence[str], workers: int | None
) -> Tally:
    """Take all slots of some days to an outcome; done again, it finds what is left.

    Raises
    ------
    FlaremonError
        Database, disk or model fail for good.
    """
    cores = os.cpu_count() or 1 if workers is None else workers
    tally = wiring.backfill_days(
        chunks, series=series, models=models, workers=cores, run_id=flow_run.id
    )
    log.info("%s", tally.in_words())
    return tally


@task(name="scatter", task_run_name="days to {address}", **RETRIED)
def scatter(address: str, found: Plan) -> Tally:
    """Have a Dask cluster work off a plan: one task here, whatever it takes there.

    Raises
    ------
    SourceUnavailableError, ConfigurationError
        The cluster cannot be reached, or Dask is not installed.
    FlaremonError
        What a worker says.
    """
    work = partial(
        wiring.backfill_days, series=found.grid.series, models=[str(m) for m in found.models]
    )
    total = Tally(planned=found.todo)
    for tally in cluster.scatter(address, grouped(found.chunks, 1), work):
        total.add(tally)
    return total


@task(name="baselines", task_run_name="baselines", **RETRIED)
def fill_baselines(slots: SlotRange) -> int:
    """Store persistence and climatology beside what was predicted; done again, it adds nothing.

    Raises
    ------
    StoreError
        The database fails.
    """
    settings = read_settings()
    with wiring.opened(settings) as engine:
        new = truth.fill_baselines(
            engine,
            catalog=settings.truth.catalog,
            now=utc_now(),
            run_id=str(flow_run.id),
            slots=slots,
        )
    log.info("%d forecasts by the baselines", new)
    return new


def _per_model(models: list[str] | None, series: str | None) -> list[Settings]:
    given: dict[str, Any] = {} if series is None else {"jsoc": {"series": series}}
    names: Sequence[str | None] = models or [None]
    return [read_settings(**given, **({"model": name} if name else {})) for name in names]


def _tell(found: Plan, total: Tally) -> None:
    words = f"{found.grid.series}, {total.in_words()}"
    log.info(words)
    lines = [f"# {words}", ""]
    lines += [f"- `{miss.key}` {miss.reason}" for miss in total.failures[:SHOWN_FAILURES]]
    create_markdown_artifact("\n".join(lines), key=ARTIFACT_KEY, description=words)
