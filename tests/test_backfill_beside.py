"""A backfill beside others: a whole live job, another backfill; in processes of their own."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import func, select
from support import small_suns
from support.backfills import facts, model
from support.packages import write_package

from flaremon.database import open_engine, session_scope, upgrade
from flaremon.domain import Mode
from flaremon.replica import Replica
from flaremon.schema import PredictionRow

TESTS = Path(__file__).parent
N_SLOTS = 3
INTERVAL_S = 0.5
"""Between two requests: long enough for the other to be waiting."""
READY = """
import sys
from flaremon import jsoc, wiring
from flaremon.cli import main
from flaremon.inference import Predictor

print("ready", flush=True)
sys.stdin.readline()
"""
BACKFILL = (
    READY
    + """
main(["backfill", "-5h", "now", "--workers", "0"])
"""
)
LIVE = (
    READY
    + """
import contextlib, time
from flaremon.politeness.lane import Lane
from flaremon.web import client

hold = Lane._hold

@contextlib.contextmanager
def noted(lane):
    began = time.time()
    with hold(lane) as file:
        print("waited", began, time.time(), file=sys.stderr, flush=True)
        yield file

Lane._hold = noted
client.__version__ = "live"
main(["now", "--catch-up"])
"""
)


@pytest.fixture
def process():
    """A function that starts Python; what still runs ends with the test."""
    running = []

    def start(*arguments: str) -> "subprocess.Popen[str]":
        running.append(
            subprocess.Popen(
                [sys.executable, *arguments],
                cwd=TESTS,
                env={**os.environ, "PYTHONPATH": f"{TESTS.parent}{os.pathsep}{TESTS}"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return running[-1]

    yield start
    for started in running:
        started.kill()
        started.communicate()


def requests_waited_for(said: str, replica: Replica) -> list[int]:
    """Per turn of the live job, how many requests of the backfill arrived while it waited."""
    others = [
        call.time.timestamp()
        for call in replica.calls
        if call.headers["user-agent"] != "flaremon/live"
    ]
    waits = [tuple(map(float, line.split()[1:])) for line in said.splitlines() if "waited" in line]
    return [sum(began < time <= ended for time in others) for began, ended in waits]


def test_a_backfill_and_a_whole_live_job_share_the_slots_the_connection_and_the_database(
    hmi_archive, process, database_url, tmp_path, monkeypatch
):
    upgrade(database_url)
    write_package(tmp_path / "models")
    with Replica(hmi_archive, latest_as_now=True) as replica:
        for name, value in {
            "JSOC__BASE_URL": replica.base_url,
            "JSOC__MIN_INTERVAL_S": str(INTERVAL_S),
            "MODELS_DIR": str(tmp_path / "models"),
            "MODEL": "tiny-cnn@0.0.1",
            "DEVICE": "cpu",
            "DATABASE_URL": database_url,
            "CACHE__DIR": str(tmp_path / "cache"),
            "FRAMES__DIR": str(tmp_path / "frames"),
        }.items():
            monkeypatch.setenv(f"FLAREMON_{name}", value)
        backfill, live = process("-c", BACKFILL), process("-c", LIVE)
        for either in (backfill, live):
            assert either.stdout.readline() == "ready\n"
        for either in (backfill, live):
            either.stdin.write("go\n")
            either.stdin.flush()
        _, said = live.communicate()
        told, failed = backfill.communicate()
        assert live.returncode in {0, 1}, said
        assert backfill.returncode == 0, told + failed
        sent = Counter(call.path for call in replica.calls if call.endpoint == "sums")
        both = Counter(call.headers["user-agent"] for call in replica.calls)
        waited = requests_waited_for(said, replica)
        assert replica.max_in_flight == 1
    assert len(sent) == N_SLOTS
    assert set(sent.values()) == {1}
    assert len(both) == 2
    assert len(waited) == both["flaremon/live"]
    assert max(waited) <= 1
    engine = open_engine(database_url)
    with session_scope(engine) as session:
        rows = session.execute(select(PredictionRow.run_id, PredictionRow.mode)).all()
        assert session.scalar(select(func.count()).select_from(PredictionRow)) == 2 * N_SLOTS
    engine.dispose()
    # All are younger than 6 h: whoever came first to a slot, the answer was in time.
    assert {mode for _, mode in rows} == {Mode.LIVE}


def test_two_backfills_in_two_processes_do_the_work_of_one(process, database_url, tmp_path):
    upgrade(database_url)
    labels = small_suns.labels(60, end="2024.06.27_05:48:00_TAI")  # half of them on each day
    model(tmp_path)
    small_suns.archive(tmp_path / "archive", labels)
    with Replica(tmp_path / "archive") as replica:
        rivals = [
            process(
                "-m", "support.backfills", database_url, replica.base_url, str(tmp_path),
                labels[0], labels[-1],
            )
            for _ in range(2)
        ]  # fmt: skip
        for rival in rivals:
            _, said = rival.communicate()
            assert rival.returncode == 0, said
        sent = Counter(call.path for call in replica.calls if call.endpoint == "sums")
        assert replica.max_in_flight == 1
    assert len(sent) == len(labels)
    assert set(sent.values()) == {1}
    engine = open_engine(database_url)
    held = facts(engine)
    engine.dispose()
    assert len(held["predictions"]) == 2 * len(labels)
    assert len(held["records"]) == len(labels)
