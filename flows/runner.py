"""The deployments on a Prefect server, and the loops that start their runs one at a time."""

import asyncio
import contextvars
import logging
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import resource_tracker
from typing import Any

import httpx
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import (
    ConcurrencyLimitConfig,
    ConcurrencyLimitStrategy,
    StateType,
)
from prefect.deployments import run_deployment
from prefect.exceptions import PrefectException
from prefect.runner import Runner
from prefect.schedules import Interval
from prefect.settings import PREFECT_API_URL

from flaremon.errors import FlaremonError
from flaremon.times import utc_now
from flows.automations import ensure_zombie_automation
from flows.private_server import PrivateServer
from flows.surroundings import end_with_parent

log = logging.getLogger(__name__)

DEPLOYMENT = "served"
"""Not the name in deployments/prefect.yaml, since both may end up on one shared server."""
OUTAGE_POLL_S = 30.0
"""Pause before a server that did not answer is asked again; otherwise Prefect's own setting
``PREFECT_RUNNER_POLL_FREQUENCY`` (10 s) holds. Asking takes 0.1 s."""


@dataclass(frozen=True, slots=True)
class Served:
    """A flow and its schedule."""

    flow: Flow[..., Any]
    every: timedelta
    """Time between the starts of two runs."""


def serve(flows: Sequence[Served], server: PrivateServer | None, stop: threading.Event) -> None:
    """Register the deployments, ask for first runs, then start what is due until told to stop.

    Each flow has a runner and a thread of its own, so that a long run of one does not keep the
    other waiting; the first flow's also looks after the private server.

    Runs on a thread of its own. There SIGINT is blocked, and children inherit that: Ctrl-C in
    a terminal reaches every process of the group, but must not kill a run that drains.
    """
    # Spawning starts this helper first, and starting it unblocks SIGINT.
    resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    runners = [Runner(name=DEPLOYMENT, limit=1, pause_on_shutdown=False) for _ in flows]
    try:
        for served, runner in zip(flows, runners, strict=True):
            _drop_backlog(served.flow.name)
            _register(runner, served, shared=server is None)
    except (httpx.HTTPError, PrefectException) as exc:
        raise FlaremonError(
            f"the Prefect server at {PREFECT_API_URL.value()} cannot be used: {exc}"
        ) from exc
    with ThreadPoolExecutor(len(flows), thread_name_prefix="runner") as pool:
        loops = [
            pool.submit(
                contextvars.copy_context().run, _keep_looking, runner, None if k else server, stop
            )
            for k, runner in enumerate(runners)
        ]
        for loop in loops:
            loop.result()


def _keep_looking(runner: Runner, server: PrivateServer | None, stop: threading.Event) -> None:
    """Start the runs of one deployment; whatever ends this loop ends the others too."""
    try:
        while not stop.is_set():
            if server is not None:
                server.ensure()
            # One look for runs that are due, and their end: public, and it drains by itself,
            # where Runner.stop() kills the run and its SIGTERM handler only drains by accident.
            stop.wait(runner.query_seconds if _look_once(runner) else OUTAGE_POLL_S)
    finally:
        stop.set()


def _drop_backlog(flow: str) -> None:
    """Delete what an earlier schedule left to do: one run finds all the work there is."""
    with get_client(sync_client=True) as client:
        backlog = client.read_flow_runs(
            deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=[DEPLOYMENT])),
            flow_filter=FlowFilter(name=FlowFilterName(any_=[flow])),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED]))
            ),
        )
        for run in backlog:
            if run.auto_scheduled:
                client.delete_flow_run(run.id)


def _register(runner: Runner, served: Served, *, shared: bool) -> None:
    limit = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)
    runner.add_flow(
        served.flow.with_options(on_running=[end_with_parent]),
        name=DEPLOYMENT,
        schedule=Interval(served.every, anchor_date=utc_now() + served.every, slug="every"),
        # With a private server this runner is the only one and takes one run at a time. A slot
        # on top would outlive a kill -9 by 5 minutes, in which a restart could do nothing.
        concurrency_limit=limit if shared else None,
    )
    ensure_zombie_automation()
    run_deployment(f"{served.flow.name}/{DEPLOYMENT}", timeout=0, as_subflow=False)


def _look_once(runner: Runner) -> bool:
    """Start what is due and wait for its end; return whether the server could be asked."""
    reached = True
    try:
        asyncio.run(runner.start(run_once=True))
    except* (httpx.HTTPError, PrefectException, RuntimeError) as group:
        # A server that restarts is no reason to stop monitoring; should it never come back,
        # `flaremon status` goes stale, which is the alarm that counts.
        log.warning("the Prefect server cannot be asked for runs: %s", _first_leaf(group))
        reached = False
    return reached


def _first_leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
