"""Days on a Dask cluster of two workers; skips where dask.distributed is not installed."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from support import suns
from support.packages import write_package

from flaremon import store
from flaremon.cli import main
from flaremon.database import open_engine, session_scope
from flaremon.errors import ConfigurationError, SourceUnavailableError
from flaremon.replica import Replica

pytest.importorskip("distributed", reason="dask.distributed is not installed (extra dask)")

ROOT = Path(__file__).parent.parent
DAYS = ("2024.06.26_23:48:00_TAI", "2024.06.27_23:48:00_TAI", "2024.06.28_00:00:00_TAI")


@pytest.fixture(scope="module")
def archive(tmp_path_factory, hmi_archive):
    """Slots on three days: what a chunk is."""
    folder = tmp_path_factory.mktemp("days")
    for path in sorted(hmi_archive.iterdir())[-2:]:
        (folder / path.name).symlink_to(path)
    suns.archive(folder, 1, end=DAYS[0], noise_gauss=4.0)
    return folder


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A function that starts a scheduler and workers as people do; they end with the test."""
    running = []

    def start(environment: dict[str, str]) -> tuple[str, list[subprocess.Popen[bytes]]]:
        for name, value in environment.items():
            monkeypatch.setenv(f"FLAREMON_{name}", value)
        file = tmp_path / "scheduler.json"
        clean = {**os.environ, "PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__DASHBOARD__LINK": ""}
        common = {"env": clean, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

        def spawn(*command: str) -> "subprocess.Popen[bytes]":
            running.append(subprocess.Popen([sys.executable, "-m", *command], **common))
            return running[-1]

        spawn(
            "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0",
            "--no-dashboard", "--scheduler-file", str(file),
        )  # fmt: skip
        workers = [
            spawn(
                "distributed.cli.dask_worker", "--scheduler-file", str(file), "--nthreads", "1",
                "--no-nanny", "--no-dashboard", "--host", "127.0.0.1",
                "--local-directory", str(tmp_path),
            )
            for _ in range(2)
        ]  # fmt: skip
        deadline = time.monotonic() + 60
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        return json.loads(file.read_text())["address"], workers

    yield start
    for process in running:
        process.kill()
        process.wait()


def kill_when_busy(worker, replica: Replica) -> None:
    """Kill a worker once days are on the way."""
    while not replica.calls:
        time.sleep(0.02)
    worker.send_signal(signal.SIGKILL)


def test_two_workers_do_the_days_of_a_plan_and_one_that_dies_costs_nothing(
    archive, cluster, tmp_path, monkeypatch, capsys
):
    models = tmp_path / "models"
    write_package(models)
    with Replica(archive) as replica:
        url = f"sqlite:///{tmp_path / 'flaremon.db'}"
        address, workers = cluster(
            {
                "JSOC__BASE_URL": replica.base_url,
                "JSOC__MIN_INTERVAL_S": "0",
                "MODELS_DIR": str(models),
                "MODEL": "tiny-cnn@0.0.1",
                "DEVICE": "cpu",
                "DATABASE_URL": url,
                "CACHE__DIR": str(tmp_path / "cache"),
                "FRAMES__DIR": str(tmp_path / "frames"),
            }
        )
        victim = threading.Thread(target=kill_when_busy, args=(workers[0], replica))
        victim.start()
        with pytest.raises(SystemExit) as ended:
            main(["backfill", DAYS[0], "2024.06.28_00:12:00_TAI", "--cadence", "12m",
                  "--runner", "dask", "--dask-address", address])  # fmt: skip
        victim.join()
    told = capsys.readouterr()
    assert not ended.value.code, told
    assert "3 predicted" in told.out
    engine = open_engine(url)
    with session_scope(engine) as session:
        found = {row.prediction.key.t_rec for row in store.predictions(session)}
    engine.dispose()
    assert found == set(DAYS)


def test_a_scheduler_that_is_not_there_is_said_in_words(monkeypatch):
    from flaremon.backfill import cluster as ours  # noqa: PLC0415

    monkeypatch.setattr(ours, "CONNECT_S", 0.5)
    with pytest.raises(SourceUnavailableError, match="no Dask scheduler answers"):
        list(ours.scatter("tcp://127.0.0.1:9", [[]], len))
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigurationError, match=r"flaremon\[dask\]"):
        list(ours.scatter("tcp://127.0.0.1:9", [[]], len))
