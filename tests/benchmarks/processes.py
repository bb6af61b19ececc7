"""Other processes, for benchmarks: a replica in one of its own, and what a tree of them costs.

Light to import: worker processes import the main module of whoever started them.
"""

import multiprocessing
import os
import resource
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def _serve(folder: Path, pipe: Connection) -> None:
    from flaremon.replica import Replica  # noqa: PLC0415 - in the new process only

    with Replica(folder) as replica:
        pipe.send(replica.base_url)
        while pipe.recv():
            used = resource.getrusage(resource.RUSAGE_SELF)
            pipe.send(used.ru_utime + used.ru_stime)


class ServedReplica:
    """A replica in a process of its own, so that its cost is not ours."""

    def __init__(self, process: multiprocessing.process.BaseProcess, pipe: Connection) -> None:
        self._pipe = pipe
        self.pid = process.pid
        self.base_url: str = pipe.recv()

    def cpu_s(self) -> float:
        """Return the processor time that it has used."""
        self._pipe.send(True)
        return float(self._pipe.recv())


@contextmanager
def served(folder: Path) -> Iterator[ServedReplica]:
    """Serve a folder."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(folder, theirs))
    process.start()
    try:
        yield ServedReplica(process, ours)
    finally:
        ours.send(False)
        process.join()


def _parents() -> dict[int, int]:
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            found[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    return found


def tree(without: int | None = None) -> list[int]:
    """Return the ids of this process and all below it, but for one and what is below that."""
    parents = _parents()
    below = [os.getpid()]
    for pid in below:
        below += [child for child, parent in parents.items() if parent == pid and child != without]
    return below


def cpu_s(pids: list[int]) -> float:
    """Return the processor time of processes and of those of their children that ended."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / _TICKS_PER_S


def memory_mb(pids: list[int]) -> float:
    """Return what processes hold together; a page that n of them share counts 1/n in each."""
    total_kb = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total_kb += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total_kb / 1e3


@contextmanager
def watched(
    done: Callable[[], int], *, without: int | None, every_s: float = 1.0
) -> Iterator[list[tuple[int, float]]]:
    """Give a list that grows while the block runs: how much was done, and MB held by the tree."""
    samples: list[tuple[int, float]] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(every_s):
            samples.append((done(), memory_mb(tree(without))))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


class Stopwatch:
    """Wall-clock and processor time of this process, those below it, and a replica beside them."""

    def __init__(self, replica: ServedReplica | None = None) -> None:
        self._replica = replica
        self._began = self._now()

    def _now(self) -> tuple[float, float, float, float]:
        served_s = self._replica.cpu_s() if self._replica else 0.0
        below = tree(self._replica.pid if self._replica else None)
        return (
            time.perf_counter(), time.process_time(), cpu_s(below[1:]) + _ended_s(), served_s
        )  # fmt: skip

    def read(self) -> tuple[float, float, float, float]:
        """Return seconds since the start: wall clock, ours, of those below, of the replica."""
        wall, ours, below, served_s = (
            now - began for now, began in zip(self._now(), self._began, strict=True)
        )
        return wall, ours, below, served_s


def _ended_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
