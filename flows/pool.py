"""Days of a backfill as runs on a Prefect work pool: workers on any number of machines.

A run is told a range and works out for itself what is left of it, so a run may be lost, doubled or
given out again and nothing is done twice. What became of the slots is read from our own database;
Prefect only says which runs have ended. No more runs are out than there are workers for, so the
newest days come first, and whoever stops us leaves no pile behind.
"""

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import State, StateType, WorkerStatus
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound, PrefectException
from prefect.settings import get_current_settings
from prefect.states import Crashed

from flaremon import wiring
from flaremon.backfill import Chunk, Plan, Tally, grouped
from flaremon.backfill.patience import insist
from flaremon.backfill.reckoning import reckon, span
from flaremon.backfill.tally import Progress, no_progress
from flaremon.config import Settings
from flaremon.database import session_scope
from flaremon.errors import ConfigurationError, FlaremonError
from flaremon.times import utc_now

log = logging.getLogger(__name__)

DEPLOYMENT = "backfill/days"
LEAST_SLOTS, MOST_SLOTS = 120, 1440
"""Of a run: it takes 8 s to start, and at best 7 s for 120 slots, from the JSOC 8 min."""
SHARES = 4
"""Runs for each worker, within these limits: enough that all are done at about the same time."""
PER_WORKER = 2
"""Runs that are out for each worker: one that it works on, one that it need not wait for."""
TRIES = 3
"""Of days whose run died."""
POLL_S = 1.0
OUTAGE_POLL_S = 10.0
SLOWEST = 3.0
"""A run that takes so many times longer than any other did, while nothing else is left to wait
for, is taken for lost: its machine may be gone, which Prefect alone finds out in 9 minutes. If it
is not, two do the same days, which costs time and nothing else."""


@dataclass(kw_only=True)
class _Group:
    """Some days, and the run that works on them."""

    chunks: Sequence[Chunk]
    tries: int = 0
    run_id: UUID | None = None
    since: datetime | None = None
    rows_before: int = 0
    taken_at: float | None = None
    """When a worker was first seen to have taken the run, s of the monotonic clock."""


@dataclass(kw_only=True)
class Pool:
    """Has the workers of a pool work off a plan.

    Parameters
    ----------
    found : Plan
        What is left to do.
    configs : sequence of Settings
        One per model; database and model packages are read here too.
    order, workers
        As the flow `backfill` takes them.
    tally : Tally
        To count in; it can be read after an error too.
    """

    found: Plan
    configs: Sequence[Settings]
    tally: Tally
    order: str = "newest"
    workers: int | None = None
    progress: Progress = no_progress
    stop: threading.Event = field(default_factory=threading.Event)
    """Set it to hand out no more; what workers have taken is waited for."""
    _waiting: deque[_Group] = field(default_factory=deque)
    _out: list[_Group] = field(default_factory=list)
    _longest_s: float = 0.0
    _lonely: bool = False

    def work_off(self) -> Tally:
        """Hand out the days, wait for their ends, and count what the database has then.

        Raises
        ------
        ConfigurationError
            No Prefect server is configured, or the deployment is not on it.
        FlaremonError
            The server cannot be reached to begin with, or the database fails.
        """
        if get_current_settings().api.url is None:
            raise ConfigurationError(
                "--runner prefect needs a Prefect server: set PREFECT_API_URL; "
                "deployments/README.md says how to start one and its workers"
            )
        with get_client(sync_client=True) as client:
            deployment = _deployment(client)
            shares = SHARES * max(1, _online(client, deployment))
            slots = min(MOST_SLOTS, max(LEAST_SLOTS, self.found.todo // shares))
            self._waiting.extend(_Group(chunks=days) for days in grouped(self.found.chunks, slots))
            while self._waiting or self._out:
                try:
                    self._step(client, deployment)
                    pause_s = POLL_S
                except (httpx.HTTPError, PrefectException) as exc:
                    # Workers go on without it for a while, and so do we.
                    log.warning("the Prefect server does not answer: %s", exc)
                    pause_s = OUTAGE_POLL_S
                if self._waiting or self._out:
                    time.sleep(pause_s)
        return self.tally

    def _step(self, client: SyncPrefectClient, deployment: DeploymentResponse) -> None:
        """Look once what has ended, and hand out what there are workers for."""
        if self.stop.is_set():
            self._waiting.clear()
        else:
            self._hand_out(client, deployment)
        ids = [group.run_id for group in self._out if group.run_id is not None]
        runs = client.read_flow_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=ids)))
        states = {run.id: run.state for run in runs}
        for group in list(self._out):
            self._look(client, group, states.get(group.run_id) if group.run_id else None)

    def _hand_out(self, client: SyncPrefectClient, deployment: DeploymentResponse) -> None:
        online = _online(client, deployment)
        if not online and not self._lonely:
            sys.stderr.write(
                f"flaremon: no worker of the pool {deployment.work_pool_name} is there yet; on "
                f"each machine: prefect worker start --pool {deployment.work_pool_name} "
                f"--work-queue {deployment.work_queue_name} --type process --limit 1\n"
            )
        self._lonely = not online
        while self._waiting and len(self._out) < PER_WORKER * max(1, online):
            group = self._waiting[0]
            group.since = group.since or utc_now()
            if not group.tries:
                group.rows_before = self._reckon(group).new_rows
            run = client.create_flow_run_from_deployment(
                deployment.id,
                parameters=self._parameters(group.chunks),
                name=f"days from {group.chunks[0].day}",
            )
            group.run_id, group.taken_at, group.tries = run.id, None, group.tries + 1
            self._out.append(self._waiting.popleft())

    def _parameters(self, chunks: Sequence[Chunk]) -> dict[str, Any]:
        slots = span(chunks)
        return {
            "start": slots.low,
            "end": slots.high,
            "cadence_s": self.found.grid.cadence_s,
            "series": slots.series,
            "models": [str(model) for model in self.found.models],
            "order": self.order,
            "workers": self.workers,
        }

    def _look(self, client: SyncPrefectClient, group: _Group, state: State[Any] | None) -> None:
        """Take note of where a run stands; count its slots when it has ended."""
        now = time.monotonic()
        if state is None:
            log.warning("the run of %s was deleted", group.chunks[0].day)
            self._settle(group, again=False)
        elif state.is_final():
            if group.taken_at is not None and state.type is not StateType.CRASHED:
                self._longest_s = max(self._longest_s, now - group.taken_at)
            if state.type is not StateType.COMPLETED:
                log.warning("days from %s: %s: %s", group.chunks[0].day, state.name, state.message)
            self._settle(group, again=state.type is StateType.CRASHED)
        elif state.type is StateType.SCHEDULED:
            if self.stop.is_set() and group.run_id is not None:
                client.delete_flow_run(group.run_id)
                self._settle(group, again=False)
        elif group.taken_at is None:
            group.taken_at = now
        elif self._lost(now - group.taken_at):
            words = f"no end after {now - group.taken_at:.0f} s; its days were given out again"
            if group.run_id is not None:
                client.set_flow_run_state(group.run_id, Crashed(message=words), force=True)
            log.warning("days from %s: %s", group.chunks[0].day, words)
            self._settle(group, again=True)

    def _lost(self, taken_s: float) -> bool:
        """Tell whether a run is to be given up: every other one has ended, and long ago."""
        alone = not self._waiting and len(self._out) == 1
        return alone and 0 < SLOWEST * self._longest_s < taken_s

    def _settle(self, group: _Group, *, again: bool) -> None:
        """Count what has become of a group, or put what is left of it back into the row."""
        self._out.remove(group)
        became = self._reckon(group)
        if again and not became.finished and group.tries < TRIES and not self.stop.is_set():
            self._waiting.appendleft(group)
            return
        self.tally.add(replace(became, new_rows=became.new_rows - group.rows_before))
        self.progress(self.tally)

    def _reckon(self, group: _Group) -> Tally:
        packages = [wiring.package(config) for config in self.configs]

        def ask() -> Tally:
            with wiring.opened(self.configs[0]) as engine, session_scope(engine) as session:
                return reckon(session, group.chunks, packages, since=group.since or utc_now())

        return insist(ask)


def _deployment(client: SyncPrefectClient) -> DeploymentResponse:
    url = get_current_settings().api.url
    try:
        return client.read_deployment_by_name(DEPLOYMENT)
    except ObjectNotFound as exc:
        raise ConfigurationError(
            f"the Prefect server at {url} has no deployment {DEPLOYMENT}; make it: "
            "prefect --no-prompt deploy --all --prefect-file deployments/prefect.yaml"
        ) from exc
    except (httpx.HTTPError, PrefectException) as exc:
        raise FlaremonError(f"the Prefect server at {url} cannot be used: {exc}") from exc


def _online(client: SyncPrefectClient, deployment: DeploymentResponse) -> int:
    """Return how many workers of the pool have been heard of within the last 90 s."""
    workers = client.read_workers_for_work_pool(deployment.work_pool_name or "")
    return sum(worker.status is WorkerStatus.ONLINE for worker in workers)
