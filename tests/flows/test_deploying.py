"""Deployments on a real server: the scheduler must really make runs.

A Prefect server whose FastAPI or SQLAlchemy is too new either does not start, or starts and
silently never schedules anything; these tests are where that shows.
"""

import contextvars
import itertools
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, StateType
from prefect.runner import Runner
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.states import Scheduled

from flaremon.errors import FlaremonError
from flaremon.times import utc_now
from flows import runner
from flows.automations import ZOMBIES, ensure_zombie_automation
from flows.monitor import monitor

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def client(prefect_server):
    with get_client(sync_client=True) as client:
        yield client


def scheduled(client, deployment_id):
    runs = client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment_id])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED]))
        ),
    )
    return [run for run in runs if run.auto_scheduled]


def wait_for_scheduled(client, deployment_id, *, limit_s=120):
    end = time.monotonic() + limit_s
    while not (runs := scheduled(client, deployment_id)):
        assert time.monotonic() < end, "the scheduler made no run"
        time.sleep(0.2)
    return runs


def assert_one_at_a_time(deployment):
    assert deployment.global_concurrency_limit.limit == 1
    strategy = deployment.concurrency_options.collision_strategy
    assert strategy is ConcurrencyLimitStrategy.CANCEL_NEW


def prefect(*arguments, server, folder):
    """Run Prefect's command line where the code is not: workers have it installed."""
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
        cwd=folder,
        env={**os.environ, "PREFECT_API_URL": server.api_url, "PREFECT_HOME": str(folder),
             "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_prefect_yaml_deploys_schedules_and_refuses_a_second_run_at_once(
    client, prefect_server, tmp_path, station
):
    client.create_work_pool(WorkPoolCreate(name="flaremon", type="process"))
    document = str(ROOT / "deployments" / "prefect.yaml")
    prefect("deploy", "--all", "--prefect-file", document, server=prefect_server, folder=tmp_path)
    deployment = client.read_deployment_by_name("monitor/monitor")
    assert deployment.entrypoint == "flows.monitor.monitor"
    assert deployment.pull_steps == []
    assert_one_at_a_time(deployment)
    runs = wait_for_scheduled(client, deployment.id)
    assert {run.next_scheduled_start_time.minute % 12 for run in runs} == {4}
    # Whether one of those is due just now must not matter to what follows.
    for name in ("monitor/monitor", "truth/truth"):
        client.pause_deployment(client.read_deployment_by_name(name).id)
    # The worker was away: four runs are late when it comes back, and it takes them all at once.
    asked = [late_run(client, deployment.id, minutes=12 * k) for k in range(4)]
    worker = ("worker", "start", "--pool", "flaremon", "--type", "process", "--run-once")
    prefect(*worker, server=prefect_server, folder=tmp_path)
    states = {id_: client.read_flow_run(id_).state.name for id_ in asked}
    assert set(states.values()) == {"Cancelled", "Completed"}
    # Whichever of them ran asked the JSOC once; the others asked nobody.
    assert station.calls("rs_list") == 1
    assert station.calls("sums") == 3
    (ran,) = {prediction.run_id for prediction in station.predictions}
    assert states[UUID(ran)] == "Completed"


def late_run(client, deployment_id, *, minutes):
    """Give a run that was due so many minutes ago and that nobody has taken."""
    due = Scheduled(scheduled_time=utc_now() - timedelta(minutes=minutes))
    return client.create_flow_run_from_deployment(deployment_id, state=due).id


def test_serving_schedules_at_the_interval_and_asks_for_a_first_run_now(client):
    every = timedelta(minutes=7)
    runner._register(Runner(name="test", limit=1), runner.Served(monitor, every), shared=True)
    deployment = client.read_deployment_by_name("monitor/served")
    assert_one_at_a_time(deployment)
    runs = wait_for_scheduled(client, deployment.id)
    times = sorted(run.next_scheduled_start_time for run in runs)
    gaps = {(later - earlier).total_seconds() for earlier, later in itertools.pairwise(times)}
    assert gaps == {every.total_seconds()}
    asked_for = [
        run
        for run in client.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id]))
        )
        if not run.auto_scheduled
    ]
    assert len(asked_for) == 1
    # A restart begins with one run, not with everything that was missed.
    runner._drop_backlog("monitor")
    assert scheduled(client, deployment.id) == []


def test_the_automation_against_silent_runs_is_made_once(client):
    ensure_zombie_automation()
    assert ensure_zombie_automation() is False
    (automation,) = client.read_automations_by_name(ZOMBIES)
    assert automation.enabled
    assert automation.trigger.within == timedelta(seconds=540)


class RunnerOfAnAbsentServer:
    """Fails as Prefect's runner does (10 s later than here) when nobody listens."""

    async def start(self, *, run_once):
        assert run_once
        inner = ExceptionGroup("tasks", [httpx.ConnectError("All connection attempts failed")])
        raise ExceptionGroup("tasks", [inner])


def test_a_server_that_is_away_for_a_while_does_not_end_the_monitor(caplog):
    assert runner._look_once(RunnerOfAnAbsentServer()) is False
    assert "cannot be asked for runs: All connection attempts failed" in caplog.text


def test_a_server_that_is_configured_but_absent_is_an_error_that_names_it():
    away = {PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}
    with temporary_settings(away), ThreadPoolExecutor(1) as pool:
        inherit = contextvars.copy_context()
        served = pool.submit(
            inherit.run,
            runner.serve,
            [runner.Served(monitor, timedelta(minutes=12))],
            None,
            threading.Event(),
        )
        with pytest.raises(FlaremonError, match=r"http://127\.0\.0\.1:9/api cannot be used"):
            served.result()
