"""The crew under everything that goes wrong: faults, kills, rivals, restarts, a full disk."""

import errno
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import func, select
from support import small_suns
from support.backfills import SERIES, backfill, count_steps, facts, grid_of, model

from flaremon.backfill import Tally
from flaremon.database import open_engine, session_scope, upgrade
from flaremon.errors import StoreFullError
from flaremon.replica import Fault, Replica
from flaremon.schema import PredictionRow, RecordRow, RejectionRow
from flaremon.store import MissReason

N = 300
LABELS = small_suns.labels(N, end="2017.01.01_12:00:00_TAI")
"""Across a leap second, the end of a year, and the slots of four days."""
TESTS = Path(__file__).parent


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small-archive")
    small_suns.archive(folder, LABELS)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def engine(tmp_path):
    return new_engine(tmp_path / "flaremon.db")


def new_engine(path: Path):
    url = f"sqlite:///{path}"
    upgrade(url)
    return open_engine(url)


def files_sent(replica: Replica) -> Counter[str]:
    return Counter(
        call.path for call in replica.calls if call.endpoint == "sums" and call.status == 200
    )


def test_every_slot_of_a_faulty_source_is_decided_or_listed_as_failed(
    archive, tiny, engine, tmp_path
):
    def often(kind, **more):
        return Fault(kind, probability=0.05, seed=7, **more)

    nodata = [Fault("nodata", record=number) for number in range(10, N, 20)]
    faults = [
        often("http-500", on="sums"),
        often("hang", on="sums", value=0.3),
        often("truncated"),
        often("wrong-file"),
        often("missing-file"),
        Fault("malformed-json", at=(2,)),
        Fault("http-500", on="rs_list", at=(5,)),
        *nodata,
        Fault("duplicate-rows", at=(3,)),
    ]
    grid = grid_of(LABELS[0], LABELS[-1])
    seen: list[int] = []
    with Replica(archive, faults=faults) as replica:
        work = backfill(
            engine,
            replica.base_url,
            tmp_path,
            models=[tiny],
            workers=2,
            jsoc={"attempts": 2},
        )
        work.progress = lambda tally: seen.append(tally.done)
        plan = work.plan(grid)
        assert plan.todo == N
        first = work.work_off(plan.chunks)
    assert first.planned == N
    assert first.done + first.not_tried == N
    assert first.not_tried == 0
    assert first.rejected == {"quality": len(nodata)}
    assert first.predicted > 0.8 * N
    assert not first.finished
    assert {miss.reason for miss in first.failures} <= set(MissReason) - {MissReason.NO_RECORD}
    assert all(miss.detail for miss in first.failures)
    assert seen == sorted(seen)

    for lane in (tmp_path / "cache").glob(".lane-*"):
        lane.unlink()  # the breaker may be open, and waits for a minute
    with Replica(archive) as replica:
        work = backfill(engine, replica.base_url, tmp_path, models=[tiny])
        plan = work.plan(grid)
        assert plan.todo == len(first.failures) + first.absent
        second = work.work_off(plan.chunks)
        assert max(files_sent(replica).values()) == 1
        assert work.plan(grid).todo == 0
    assert second.finished
    assert second.predicted == second.planned
    with session_scope(engine) as session:
        predicted = session.scalar(select(func.count()).select_from(PredictionRow))
        rejected = session.scalar(select(func.count()).select_from(RejectionRow))
        assert predicted == 2 * (first.predicted + second.predicted)
        assert rejected == first.rejected.total()
        assert predicted // 2 + rejected == N


FEW = LABELS[-14:]


@pytest.fixture(scope="module")
def undisturbed(archive, tiny, tmp_path_factory):
    """What the tables hold after a run that nobody disturbed, and how many steps that took."""
    folder = tmp_path_factory.mktemp("undisturbed")
    engine = new_engine(folder / "flaremon.db")
    steps = count_steps(engine)
    with Replica(archive) as replica:
        work = backfill(engine, replica.base_url, folder, models=[tiny])
        assert work.work_off(work.plan(grid_of(FEW[0], FEW[-1])).chunks).predicted == len(FEW)
        assert set(files_sent(replica).values()) == {1}
    return facts(engine), steps[0]


def to_be_killed(folder: Path, replica: Replica, step: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "support.backfills", f"sqlite:///{folder / 'flaremon.db'}",
         replica.base_url, str(folder), FEW[0], FEW[-1], "--kill-at", str(step)],
        cwd=TESTS,
        env={**os.environ, "PYTHONPATH": f"{TESTS.parent}{os.pathsep}{TESTS}"},
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def test_a_backfill_that_is_killed_and_run_again_ends_with_the_same_tables(
    archive, tiny, undisturbed, tmp_path
):
    wanted, steps = undisturbed
    folders = {share: tmp_path / str(share) for share in (0.3, 0.7)}
    engines = {}
    for share, folder in folders.items():
        folder.mkdir()
        engines[share] = new_engine(folder / "flaremon.db")
    with ExitStack() as stack:
        replicas = {share: stack.enter_context(Replica(archive)) for share in folders}
        running = {
            share: to_be_killed(folder, replicas[share], int(steps * share))
            for share, folder in folders.items()
        }
        for share, process in running.items():
            _, said = process.communicate()
            assert process.returncode == -signal.SIGKILL, said
            work = backfill(engines[share], replicas[share].base_url, folders[share], models=[tiny])
            left = work.plan(grid_of(FEW[0], FEW[-1]))
            assert 0 < left.todo < len(FEW) or share < 0.5
            assert work.work_off(left.chunks).finished
            assert facts(engines[share]) == wanted
            sent = files_sent(replicas[share])
            assert len(sent) == len(FEW)
            # Nothing twice, but for the file that was on its way when the process died.
            assert sum(sent.values()) <= len(FEW) + 1


def test_two_backfills_at_once_do_the_work_of_one(archive, tiny, tmp_path, undisturbed):
    wanted, _ = undisturbed
    engine = new_engine(tmp_path / "flaremon.db")
    tallies: list[Tally] = []
    with Replica(archive) as replica:

        def run() -> None:
            work = backfill(engine, replica.base_url, tmp_path, models=[tiny])
            plan = work.plan(grid_of(FEW[0], FEW[-1]))
            ready.wait()
            tallies.append(work.work_off(plan.chunks))

        ready = threading.Barrier(2)
        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(files_sent(replica).values()) == {1}
    assert facts(engine) == wanted
    assert all(tally.finished for tally in tallies)
    assert sum(tally.predicted for tally in tallies) == len(FEW)


def test_an_outage_that_lasts_ends_the_run_and_leaves_the_rest_for_the_next(
    archive, tiny, engine, tmp_path
):
    with Replica(archive, faults=[Fault("http-500", on="sums", at=tuple(range(9, 9999)))]) as away:
        work = backfill(
            engine, away.base_url, tmp_path, models=[tiny], outage_s=0.2, jsoc={"attempts": 1}
        )
        tally = work.work_off(work.plan(grid_of(LABELS[-60], LABELS[-1])).chunks)
    assert tally.predicted == 8
    assert tally.not_tried > 0
    assert tally.done + tally.not_tried == 60
    assert {miss.reason for miss in tally.failures} == {MissReason.OUTAGE}


@pytest.mark.parametrize(
    ("decode", "predicted"), [(small_suns.die_once, 8), (small_suns.die_always, 7)]
)
def test_a_decoding_process_that_dies_costs_its_own_file_at_most(
    archive, tiny, engine, tmp_path, decode, predicted
):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / small_suns.VICTIM).write_text(LABELS[-3])
    with Replica(archive) as replica:
        work = backfill(engine, replica.base_url, tmp_path, models=[tiny], workers=1, decode=decode)
        plan = work.plan(grid_of(LABELS[-8], LABELS[-1]))
        tally = work.work_off(plan.chunks)
    assert tally.predicted == predicted
    assert tally.done == 8
    assert all("died, twice" in miss.detail for miss in tally.failures)


def test_a_full_disk_ends_the_run_in_words_and_the_next_one_goes_on(
    archive, tiny, engine, tmp_path, monkeypatch
):
    grid = grid_of(FEW[0], FEW[-1])
    real, left = os.fsync, [7]

    def full(descriptor: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    with Replica(archive) as replica:
        work = backfill(engine, replica.base_url, tmp_path, models=[tiny], frames=None)
        tally = Tally(planned=len(FEW))
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full)
            with pytest.raises(StoreFullError, match="FLAREMON_CACHE__DIR"):
                work.work_off(work.plan(grid).chunks, tally=tally)
        assert tally.predicted == 3  # two flushes to the disk per file
        assert tally.not_tried == len(FEW) - 3
        again = backfill(engine, replica.base_url, tmp_path, models=[tiny])
        done = again.work_off(again.plan(grid).chunks)
    assert done.finished
    assert done.predicted == len(FEW) - 3


@pytest.mark.postgres
def test_a_postgresql_server_that_restarts_in_the_middle_is_waited_for(
    archive, tiny, tmp_path, postgres_server
):
    url = postgres_server.url_of(postgres_server.create_database())
    upgrade(url)
    engine = open_engine(url)
    restarted = []

    def restart(tally: Tally) -> None:
        if tally.predicted >= 4 and not restarted:
            restarted.append(True)
            postgres_server.stop()
            threading.Timer(0.7, postgres_server.start).start()

    with Replica(archive) as replica:
        work = backfill(engine, replica.base_url, tmp_path, models=[tiny], progress=restart)
        tally = work.work_off(work.plan(grid_of(FEW[0], FEW[-1])).chunks)
    assert restarted
    assert tally.finished
    with session_scope(engine) as session:
        assert session.scalar(select(func.count()).select_from(PredictionRow)) == 2 * len(FEW)
        series = session.scalars(select(RecordRow.series).distinct()).all()
    assert series == [SERIES]
    engine.dispose()


def test_stopping_keeps_what_is_done_and_says_what_is_left(archive, tiny, engine, tmp_path):
    with Replica(archive) as replica:
        work = backfill(engine, replica.base_url, tmp_path, models=[tiny])
        work.progress = lambda tally: tally.predicted and work.stop.set()
        tally = work.work_off(work.plan(grid_of(LABELS[-60], LABELS[-1])).chunks)
    assert 0 < tally.predicted < 60
    assert tally.predicted + tally.not_tried == 60
    with session_scope(engine) as session:
        rows = session.scalar(select(func.count()).select_from(PredictionRow))
    assert rows == 2 * tally.predicted
