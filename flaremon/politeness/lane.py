"""The one connection of this machine to one host.

All threads and processes of this machine that share a cache folder share one *lane* per host: a
locked file that holds when the last request started and how many failed in a row. The lane is
held for one request, from before it starts until its last byte has arrived, never while
somebody sleeps between two tries.

A backfill gives way to the live job at a second lock, the turnstile: the live job holds it while
it waits for the lane, and a background lane takes and drops it before each turn, so it stands
behind any waiting live job, which waits for one request of the backfill at most.
"""

import contextlib
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, TypeVar
from urllib.parse import urlsplit

from flaremon.disk import FileLock, disk_errors
from flaremon.errors import SourceError, SourceUnavailableError
from flaremon.politeness.circuit import Circuit

_T = TypeVar("_T")

LEAST_INTERVAL_S = 1.0
"""Between two requests to a host that is not this machine, whatever the settings say."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Deadline:
    """How much wall-clock time a call has left."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._end = time.monotonic() + limit_s

    @property
    def remaining_s(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - time.monotonic())

    def extend(self, seconds: float) -> None:
        """Do not count time that was spent waiting for somebody else."""
        self._end += seconds


@dataclass
class Turn:
    """One request's turn in the lane."""

    deadline: Deadline
    rest_s: float = 0.0
    """Set by the caller when the server asked for a pause (Retry-After)."""


class Lane:
    """The one connection of this machine to one host.

    Parameters
    ----------
    folder : Path
        Where the lane's file is; processes with the same folder share the lane.
    base_url : str
        The host (and port) to be polite to.
    min_interval_s : float
        Least time between the starts of two requests, in s; `LEAST_INTERVAL_S` at least unless
        the host is this machine.
    patience_s : float
        How long others may hold the lane before we give up, in s.
    background : bool
        Let others go first who wait for the lane.
    """

    def __init__(  # noqa: PLR0913 - how polite, how patient, and the clocks of tests
        self,
        folder: Path,
        base_url: str,
        *,
        min_interval_s: float,
        patience_s: float = 600.0,
        background: bool = False,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(base_url)
        self.host = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
        floor_s = 0.0 if parts.hostname in LOOPBACK else LEAST_INTERVAL_S
        self.interval_s = max(min_interval_s, floor_s)
        self.path = folder / f".lane-{re.sub(r'[^A-Za-z0-9.-]', '_', self.host)}.json"
        self._patience_s = patience_s
        self._lock = FileLock(self.path, sleep=sleep)
        self._turnstile = FileLock(self.path.with_suffix(".turnstile"), sleep=sleep)
        self._background = background
        self._clock = clock
        self.sleep = sleep

    def ask(self, call: Callable[[Turn], _T], *, limit_s: float, attempts: int) -> _T:
        """Make a request, again after a growing pause while it fails for a passing reason.

        Parameters
        ----------
        call
            Does one try within ``turn.deadline`` and raises a retriable error when it failed.
        limit_s : float
            Wall-clock limit of all tries and pauses together; waiting for the lane is free.
        attempts : int
            Tries at most.

        Raises
        ------
        SourceUnavailableError
            The circuit is open, or other processes kept the lane.
        SourceError
            What `call` raised last, with the number of tries.
        """
        deadline = Deadline(limit_s)
        began = time.monotonic()
        attempt = 0
        while True:
            attempt += 1
            with self._turn(deadline) as (turn, circuit, file):
                try:
                    answer = call(turn)
                except SourceError as exc:
                    failure = exc
                    self._note(circuit, file, turn.rest_s, failed=exc.retriable)
                    if not exc.retriable:
                        raise
                else:
                    self._note(circuit, file, 0.0, failed=False)
                    return answer
            pause_s = max(self._backoff_s(attempt), circuit.closed_until - self._clock())
            if attempt >= attempts or circuit.is_open or pause_s >= deadline.remaining_s:
                spent_s = time.monotonic() - began
                tries = "1 try" if attempt == 1 else f"{attempt} tries"
                raise type(failure)(f"{failure} ({tries} in {spent_s:.0f} s)") from failure
            self.sleep(pause_s)

    @contextlib.contextmanager
    def _turn(self, deadline: Deadline) -> Iterator[tuple[Turn, Circuit, TextIO]]:
        self._refuse_if_open(self._peek())
        waiting_since = time.monotonic()
        with contextlib.ExitStack() as stack:
            try:
                file = stack.enter_context(self._hold())
            except TimeoutError as exc:
                raise SourceUnavailableError(
                    f"other processes have kept the connection to {self.host} for "
                    f"{self._patience_s:.0f} s; try again later"
                ) from exc
            circuit = Circuit.read(file)
            self._refuse_if_open(circuit)
            # A start in the future means that the clock was set back: wait no longer than once.
            since_s = self._clock() - circuit.started
            if since_s < self.interval_s:
                self.sleep(min(self.interval_s, self.interval_s - since_s))
            deadline.extend(time.monotonic() - waiting_since)
            circuit.started = self._clock()
            with disk_errors(self.path.parent):
                circuit.write(file)
            yield Turn(deadline), circuit, file

    @contextlib.contextmanager
    def _hold(self) -> Iterator[TextIO]:
        """Wait for the turnstile, then for the lane."""
        with contextlib.ExitStack() as waiting:
            waiting.enter_context(self._turnstile.hold(limit_s=self._patience_s))
            if self._background:
                waiting.close()
            with self._lock.hold(limit_s=self._patience_s) as file:
                waiting.close()
                yield file

    def _peek(self) -> Circuit:
        """Look without waiting for the lane, so that an open circuit is heard of at once."""
        try:
            with self.path.open() as file:
                return Circuit.read(file)
        except OSError:
            return Circuit()

    def _refuse_if_open(self, circuit: Circuit) -> None:
        if self._clock() < circuit.closed_until:
            raise SourceUnavailableError(
                f"{self.host} {circuit.in_words}; remove {self.path} to ask at once"
            )

    def _note(self, circuit: Circuit, file: TextIO, rest_s: float, *, failed: bool) -> None:
        circuit.note(self._clock(), rest_s, failed=failed)
        with disk_errors(self.path.parent):
            circuit.write(file)

    def _backoff_s(self, attempt: int) -> float:
        """Exponential with jitter, so that clients that failed together do not return together."""
        jitter = random.uniform(0.5, 1.0)  # noqa: S311 - not a secret
        return self.interval_s * 2.0 ** (attempt - 1) * jitter
