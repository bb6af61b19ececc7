"""Days of a backfill on a work pool: two workers as people start them, one of which dies."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectAlreadyExists
from prefect.settings import PREFECT_API_URL, temporary_settings
from support import suns

from flaremon import store
from flaremon.backfill import Tally, grouped, make_grid, make_plan
from flaremon.cli import main
from flaremon.database import open_engine, session_scope, upgrade
from flaremon.replica import Fault, Replica
from flaremon.times import parse_utc, utc_now
from flaremon.wiring import opened, package
from flows import pool
from flows.backfill import backfill

ROOT = Path(__file__).resolve().parents[2]
DAYS = ("2024.06.26_23:48:00_TAI", "2024.06.27_23:48:00_TAI", "2024.06.28_00:00:00_TAI")
RANGE = (DAYS[0], "2024.06.28_00:12:00_TAI")


@pytest.fixture
def replica(tmp_path, hmi_archive):
    """Slots on three days: what a run takes."""
    folder = tmp_path / "days"
    folder.mkdir()
    for path in sorted(hmi_archive.iterdir())[-2:]:
        (folder / path.name).symlink_to(path)
    suns.archive(folder, 1, end=DAYS[0], noise_gauss=4.0)
    with Replica(folder) as replica:
        yield replica


@pytest.fixture
def prefect(prefect_server, tmp_path):
    """A function that starts Prefect's command line; what still runs ends with the test."""
    running = []

    def start(*arguments: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
            cwd=tmp_path,
            env={
                **os.environ,
                "PREFECT_API_URL": prefect_server.api_url,
                "PREFECT_HOME": str(tmp_path / "prefect"),
                "PREFECT_WORKER_QUERY_SECONDS": "1",
                "PYTHONPATH": str(ROOT),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        kill_machine(process)


def kill_machine(process: "subprocess.Popen[str]") -> None:
    """End a worker and the runs it has started as a power cut does."""
    runs = runs_of(process)
    process.kill()
    for pid in runs:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def runs_of(process: "subprocess.Popen[str]") -> list[int]:
    """Return the processes of the runs of a worker; each is in a group of its own."""
    threads = Path(f"/proc/{process.pid}/task").glob("*/children")
    return [int(pid) for path in threads for pid in path.read_text().split()]


def kill_one_at_work(workers, replica: Replica) -> str:
    """Kill a worker and its run while a file is on its way; return the name of the run."""
    end = time.monotonic() + 150
    while not any(call.endpoint == "sums" for call in replica.calls):
        assert time.monotonic() < end, "no run asked for a file"
        time.sleep(0.05)
    with get_client(sync_client=True) as client:
        run = min(
            (run for run in days_of(client) if run.state.type is StateType.RUNNING),
            key=lambda run: run.name,
        )
    pid = int(run.infrastructure_pid.rpartition(":")[2])
    (victim,) = (worker for worker in workers if pid in runs_of(worker))
    kill_machine(victim)
    return run.name


def days_of(client):
    return [run for run in client.read_flow_runs() if run.name.startswith("days from ")]


@pytest.fixture
def url(replica, postgres_server, tiny_models, tmp_path, monkeypatch):
    """A PostgreSQL database, and the settings of this machine and of its workers."""
    url = postgres_server.url_of(postgres_server.create_database())
    upgrade(url)
    for name, value in {
        "JSOC__BASE_URL": replica.base_url,
        "JSOC__MIN_INTERVAL_S": "0",
        "MODELS_DIR": str(tiny_models),
        "MODEL": "tiny-cnn@0.0.1",
        "DEVICE": "cpu",
        "DATABASE_URL": url,
        "CACHE__DIR": str(tmp_path / "cache"),
        "FRAMES__DIR": str(tmp_path / "frames"),
    }.items():
        monkeypatch.setenv(f"FLAREMON_{name}", value)
    return url


@pytest.mark.postgres
def test_two_workers_do_the_days_of_a_plan_and_one_that_dies_costs_nothing(
    replica, prefect, url, monkeypatch, capsys
):
    monkeypatch.setattr(pool, "MOST_SLOTS", 1)
    replica.faults.append(Fault("hang", on="sums", at=(1,), value=5))
    with get_client(sync_client=True) as client, contextlib.suppress(ObjectAlreadyExists):
        client.create_work_pool(WorkPoolCreate(name="flaremon", type="process"))
    document = str(ROOT / "deployments" / "prefect.yaml")
    deployed = prefect("deploy", "--name", "days", "--prefect-file", document)
    listen = (
        "worker", "start", "--pool", "flaremon", "--work-queue", "backfill",
        "--type", "process", "--limit", "1",
    )  # fmt: skip
    assert deployed.wait(60) == 0, deployed.stdout.read()
    workers = [prefect(*listen, "--name", f"machine {k}") for k in range(2)]
    with ThreadPoolExecutor(1) as killer:
        killing = killer.submit(copy_context().run, kill_one_at_work, workers, replica)
        with pytest.raises(SystemExit) as ended:
            main(["backfill", *RANGE, "--cadence", "12m", "--runner", "prefect", "--workers", "0"])
        told = capsys.readouterr()
        assert not ended.value.code, told
        killed = killing.result()
    counts = "122 slots: 3 predicted, 0 rejected, 119 without a record, 0 failed; 6 new rows"
    assert counts in told.out
    engine = open_engine(url)
    with session_scope(engine) as session:
        found = [row.prediction for row in store.predictions(session)]
    engine.dispose()
    assert {p.key.t_rec for p in found} == set(DAYS)
    assert len(found) == 6
    with get_client(sync_client=True) as client:
        runs = Counter((run.name, run.state.type) for run in days_of(client))
    assert runs.pop((killed, StateType.CRASHED)) == 1
    assert set(runs.values()) == {1}
    assert {state for _, state in runs} == {StateType.COMPLETED}
    assert len(runs) == 3
    # Nothing is fetched twice, but for the file that never came.
    assert sum(call.endpoint == "sums" for call in replica.calls) == 4


def test_without_a_server_or_without_the_deployment_it_is_said_what_to_do(
    station, prefect_server, capsys, monkeypatch
):
    def backfill() -> str:
        with pytest.raises(SystemExit) as ended:
            main(["backfill", "-2h", "now", "--runner", "prefect"])
        assert ended.value.code == 3
        return capsys.readouterr().err

    monkeypatch.setattr(pool, "DEPLOYMENT", "backfill/nights")
    assert "has no deployment backfill/nights" in backfill()
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        assert "set PREFECT_API_URL" in backfill()


def test_days_that_no_worker_has_begun_are_taken_back_when_stopped(
    station, prefect_server, capsys, monkeypatch
):
    settings = station.settings
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name="nobody", type="process"))
        flow_id = client.create_flow(backfill)
        client.create_deployment(flow_id, name="unserved", work_pool_name="nobody")
        before = {run.name for run in days_of(client)}
    monkeypatch.setattr(pool, "DEPLOYMENT", "backfill/unserved")
    monkeypatch.setattr(pool, "POLL_S", 0.1)
    grid = make_grid(settings.jsoc.series, parse_utc("-40d"), parse_utc("now"), now=utc_now())
    with opened(settings) as engine, session_scope(engine) as session:
        plan = make_plan(session, grid, packages=[package(settings)])
    work = pool.Pool(found=plan, configs=[settings], tally=Tally(planned=plan.todo))

    def stop_when_out() -> set[str]:
        with get_client(sync_client=True) as client:
            while len(out := {run.name for run in days_of(client)} - before) < pool.PER_WORKER:
                time.sleep(0.1)
        work.stop.set()
        return out

    with ThreadPoolExecutor(1) as stopper:
        stopping = stopper.submit(copy_context().run, stop_when_out)
        tally = work.work_off()
    # The newest days, in shares for one worker; none of them is left behind.
    shares = grouped(plan.chunks, plan.todo // pool.SHARES)
    assert stopping.result() == {f"days from {days[0].day}" for days in shares[: pool.PER_WORKER]}
    with get_client(sync_client=True) as client:
        assert {run.name for run in days_of(client)} == before
    assert tally.not_tried == plan.todo == len(grid)
    assert "prefect worker start --pool nobody --work-queue" in capsys.readouterr().err
