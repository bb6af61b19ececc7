"""What Prefect takes per slot of a backfill: ``python -m tests.benchmarks.prefect_overhead``.

The same slots are worked off by the plain function (`flaremon.wiring.backfill_days`, what the
command line does) and by the flow on a private server of its own, in turn, each time into an empty
database. Their frames are in the archive, so nothing is downloaded or decoded, which would only
hide the difference. Given are medians of the rounds: wall-clock time, CPU time of this process,
and of the server. A flow takes 1.1 s once, for its heartbeat, so the figure falls with the number
of slots. Asked: 5 ms per slot at most; of the wall clock believe it only on a quiet machine.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

from flaremon import wiring
from flaremon.backfill import make_grid, make_plan
from flaremon.backfill.scoring import frame_of
from flaremon.config import read_settings
from flaremon.database import session_scope, upgrade
from flaremon.domain import StoredFile
from flaremon.preprocess import FrameSpec
from flaremon.replica import Replica
from flaremon.times import iso_z, slot_index, slot_label, tai_label_to_utc, utc_now
from flows.backfill import backfill
from flows.private_server import PrivateServer
from tests.support import small_suns
from tests.support.packages import write_package

LIMIT_MS = 5.0
END = "2024.06.28_00:00:00_TAI"
MODEL = "tiny-cnn@0.0.1"


@dataclass
class Spent:
    """What a round took, s."""

    wall: float
    ours: float
    server: float


def configure(folder: Path, base_url: str) -> None:
    """Point this process, and the flow in it, to the replica and the folder."""
    for name, value in {
        "JSOC__BASE_URL": base_url,
        "JSOC__MIN_INTERVAL_S": "0",
        "MODELS_DIR": str(folder / "models"),
        "MODEL": MODEL,
        "DEVICE": "cpu",
        "CACHE__DIR": str(folder / "cache"),
        "FRAMES__DIR": str(folder / "frames"),
    }.items():
        os.environ[f"FLAREMON_{name}"] = value
    os.environ.setdefault("DO_NOT_TRACK", "1")


def fill_archive(start: str, end: str) -> None:
    """Archive a frame of noise for every record that the replica lists."""
    settings = read_settings()
    archive, spec = wiring.frame_archive(settings), wiring.package(settings).frame
    assert archive is not None
    rng = np.random.default_rng(1)
    for record in wiring.source(settings).find(
        settings.jsoc.series, start=tai_label_to_utc(start), end=tai_label_to_utc(end)
    ):
        tenths = rng.integers(-2000, 2000, (spec.size_px, spec.size_px)).astype(np.int16)
        file = StoredFile(
            path=Path("frame"), size_bytes=1, sha256=f"{record.recnum:064x}",
            url="http://127.0.0.1/", fetched_at=utc_now(),
        )  # fmt: skip
        archive.put(frame_of(record, file, tenths), spec)


def by_function(start: str, end: str) -> None:
    """Plan and work off without Prefect."""
    settings = read_settings()
    grid = make_grid(
        settings.jsoc.series, tai_label_to_utc(start), tai_label_to_utc(end), now=utc_now()
    )
    with wiring.opened(settings) as engine, session_scope(engine) as session:
        plan = make_plan(session, grid, packages=[wiring.package(settings)])
    tally = wiring.backfill_days(plan.chunks, series=grid.series, models=[MODEL])
    assert tally.predicted == tally.planned == len(grid), tally.in_words()


def by_flow(start: str, end: str) -> None:
    """Plan and work off by the flow, as a deployment does."""
    told = backfill(start, end, workers=0)
    assert told["predicted"] == told["planned"] == told["slots"], told


def measured(work: Callable[[], None], database: Path, server: int) -> Spent:
    """Run something on an empty database."""
    url = f"sqlite:///{database}"
    upgrade(url)
    os.environ["FLAREMON_DATABASE_URL"] = url
    before = time.perf_counter(), time.process_time(), cpu_of(server)
    work()
    after = time.perf_counter(), time.process_time(), cpu_of(server)
    return Spent(*(b - a for a, b in zip(before, after, strict=True)))


def cpu_of(pid: int) -> float:
    """Return the CPU time of a process, s."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure, print, and fail where the limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slots", type=int, default=1440)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    labels = small_suns.labels(given.slots, end=END)
    start, end = labels[0], slot_label(slot_index(END, 720) + 1, 720)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small_suns.archive(folder / "suns", labels)
        write_package(folder / "models", frame=FrameSpec(size_px=128))
        with (
            Replica(folder / "suns") as replica,
            PrivateServer(folder / "prefect", ui=False) as server,
            temporary_settings({PREFECT_API_URL: server.api_url, PREFECT_HOME: server.home}),
        ):
            configure(folder, replica.base_url)
            fill_archive(start, end)
            pid = server._process.pid
            by_function_, by_flow_ = [], []
            for k in range(-1, given.rounds):  # the first round loads and compiles
                plain = measured(lambda: by_function(start, end), folder / f"plain{k}.db", pid)
                flow = measured(lambda: by_flow(start, end), folder / f"flow{k}.db", pid)
                if k >= 0:
                    by_function_.append(plain)
                    by_flow_.append(flow)
    report(by_function_, by_flow_, given.slots)


def report(plain: list[Spent], flow: list[Spent], slots: int) -> None:
    """Print milliseconds per slot, and the difference."""
    sys.stdout.write(f"{iso_z(utc_now())}, {slots} slots, {len(plain)} rounds, ms per slot:\n")
    worst = 0.0
    for name in ("wall", "ours", "server"):
        a, b = (
            statistics.median(getattr(spent, name) for spent in of) / slots * 1e3
            for of in (plain, flow)
        )
        sys.stdout.write(f"  {name:6}  function {a:6.2f}   flow {b:6.2f}   more {b - a:5.2f}\n")
        worst = max(worst, b - a)
    words = "kept" if worst <= LIMIT_MS else "MISSED"
    sys.stdout.write(f"asked: {LIMIT_MS:g} ms at most: {words}\n")
    sys.exit(worst > LIMIT_MS)


if __name__ == "__main__":
    main()
