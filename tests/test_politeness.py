"""One request at a time, in threads and in processes; patience with an end."""

import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flaremon.errors import (
    DownloadIncompleteError,
    SourceProtocolError,
    SourceUnavailableError,
)
from flaremon.politeness import LEAST_INTERVAL_S, Lane, Turn
from flaremon.politeness.circuit import FAILURES_TO_OPEN, FIRST_PAUSE_S

URL = "http://127.0.0.1:8080"
USER = """
import sys, time
from pathlib import Path
from flaremon.politeness import Lane
lane = Lane(Path(sys.argv[1]), "http://127.0.0.1:8080", min_interval_s=0.05)
def call(turn):
    began = time.time()
    time.sleep(0.01)
    print(began, time.time(), flush=True)
for _ in range(6):
    lane.ask(call, limit_s=60, attempts=1)
"""


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lane(tmp_path: Path, clock: Clock) -> Lane:
    return Lane(tmp_path, URL, min_interval_s=1.0, clock=clock, sleep=clock.sleep)


def failing(*errors: Exception) -> Callable[[Turn], int]:
    """Return a call that raises these in turn and then returns how often it was called."""
    plan: Iterator[Exception] = iter(errors)
    calls = 0

    def call(_turn: Turn) -> int:
        nonlocal calls
        calls += 1
        for error in plan:
            raise error
        return calls

    return call


def test_two_requests_start_at_least_the_interval_apart(lane: Lane, clock: Clock):
    starts = []
    for _ in range(3):
        lane.ask(lambda _turn: starts.append(clock.now), limit_s=60, attempts=1)
        clock.now += 0.25
    gaps = [b - a for a, b in itertools.pairwise(starts)]
    assert gaps == pytest.approx([1.0, 1.0])


def test_a_clock_that_was_set_back_costs_one_interval_at_most(lane: Lane, clock: Clock):
    lane.ask(failing(), limit_s=60, attempts=1)
    clock.now -= 1e6
    lane.ask(failing(), limit_s=60, attempts=1)
    assert clock.slept == pytest.approx([1.0])


def test_a_foreign_host_is_never_asked_faster_than_once_a_second(tmp_path: Path):
    lane = Lane(tmp_path, "http://jsoc.stanford.edu", min_interval_s=0)
    assert lane.interval_s == LEAST_INTERVAL_S
    assert Lane(tmp_path, URL, min_interval_s=0).interval_s == 0


def test_a_passing_failure_is_tried_again_after_growing_pauses(lane: Lane, clock: Clock):
    call = failing(*[SourceUnavailableError("no")] * 3)
    assert lane.ask(call, limit_s=60, attempts=4) == 4
    pauses = clock.slept[::2]
    for exponent, pause in enumerate(pauses):
        assert 0.5 * 2**exponent <= pause <= 2**exponent


def test_the_last_failure_comes_out_with_its_type_and_the_number_of_tries(lane: Lane):
    call = failing(*[DownloadIncompleteError("too short")] * 9)
    with pytest.raises(DownloadIncompleteError, match=r"too short \(3 tries in \d+ s\)"):
        lane.ask(call, limit_s=60, attempts=3)


def test_a_failure_that_will_not_pass_is_not_tried_again(lane: Lane, clock: Clock):
    with pytest.raises(SourceProtocolError):
        lane.ask(failing(SourceProtocolError("nonsense")), limit_s=60, attempts=3)
    assert clock.slept == []


def test_no_pause_leads_past_the_time_limit(lane: Lane, clock: Clock):
    call = failing(*[SourceUnavailableError("no")] * 9)
    with pytest.raises(SourceUnavailableError, match="1 try"):
        lane.ask(call, limit_s=0.4, attempts=9)
    assert clock.slept == []


def test_a_pause_that_the_server_asks_for_is_kept_between_two_tries(lane: Lane, clock: Clock):
    def call(turn: Turn) -> str:
        if not clock.slept:
            turn.rest_s = 7.0
            raise SourceUnavailableError("HTTP 503")
        return "done"

    assert lane.ask(call, limit_s=60, attempts=2) == "done"
    assert clock.slept[0] == pytest.approx(7.0)


def test_a_pause_beyond_the_limit_ends_the_call_and_closes_the_lane(lane: Lane, clock: Clock):
    def call(turn: Turn) -> None:
        turn.rest_s = 600.0
        raise SourceUnavailableError("HTTP 429")

    with pytest.raises(SourceUnavailableError, match="HTTP 429"):
        lane.ask(call, limit_s=20, attempts=3)
    with pytest.raises(SourceUnavailableError, match="asked for a pause"):
        lane.ask(failing(), limit_s=20, attempts=3)
    clock.now += 601
    assert lane.ask(failing(), limit_s=20, attempts=1) == 1


def test_after_five_failures_nothing_is_sent_until_a_probe_succeeds(lane: Lane, clock: Clock):
    down = failing(*[SourceUnavailableError("down")] * 100)
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(SourceUnavailableError, match="down"):
            lane.ask(down, limit_s=60, attempts=1)
    untouched = failing()
    with pytest.raises(SourceUnavailableError, match=r"5 times in a row .* until .*Z; remove"):
        lane.ask(untouched, limit_s=60, attempts=3)
    clock.now += FIRST_PAUSE_S + 1
    with pytest.raises(SourceUnavailableError, match="down"):  # the probe, once
        lane.ask(down, limit_s=60, attempts=3)
    with pytest.raises(SourceUnavailableError, match="6 times"):
        lane.ask(untouched, limit_s=60, attempts=3)
    clock.now += 2 * FIRST_PAUSE_S + 1
    assert lane.ask(untouched, limit_s=60, attempts=1) == 1
    assert lane.ask(untouched, limit_s=60, attempts=1) == 2


def test_the_failure_that_opens_the_circuit_ends_the_call_however_long_it_may_last(
    lane: Lane, clock: Clock
):
    down = failing(*[SourceUnavailableError("down")] * 100)
    with pytest.raises(SourceUnavailableError, match="5 tries"):
        lane.ask(down, limit_s=1e9, attempts=100)
    assert sum(clock.slept) < FIRST_PAUSE_S


def test_an_open_circuit_is_known_to_other_processes_with_the_same_folder(
    lane: Lane, clock: Clock, tmp_path: Path
):
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(SourceUnavailableError):
            lane.ask(failing(SourceUnavailableError("down")), limit_s=60, attempts=1)
    other = Lane(tmp_path, URL, min_interval_s=1.0, clock=clock, sleep=clock.sleep)
    with pytest.raises(SourceUnavailableError, match="in a row"):
        other.ask(failing(), limit_s=60, attempts=1)
    elsewhere = Lane(tmp_path, "http://127.0.0.1:9", min_interval_s=1.0, clock=clock)
    assert elsewhere.ask(failing(), limit_s=60, attempts=1) == 1
    lane.path.unlink()  # as the message says
    assert other.ask(failing(), limit_s=60, attempts=1) == 1


def test_an_answer_that_makes_no_sense_is_an_answer_to_the_circuit(lane: Lane):
    for _ in range(2 * FAILURES_TO_OPEN):
        with pytest.raises(SourceProtocolError, match="nonsense"):
            lane.ask(failing(SourceProtocolError("nonsense")), limit_s=60, attempts=1)
    assert json.loads(lane.path.read_text())["failures"] == 0


def test_waiting_for_others_is_not_taken_off_the_time_limit_but_ends(tmp_path: Path):
    lane = Lane(tmp_path, URL, min_interval_s=0, patience_s=0.1)

    def greedy(_turn: Turn) -> None:
        with pytest.raises(SourceUnavailableError, match="other processes"):
            lane.ask(failing(), limit_s=0.01, attempts=1)

    lane.ask(greedy, limit_s=60, attempts=1)


def test_processes_take_turns_at_the_interval(tmp_path: Path):
    command = [sys.executable, "-c", USER, str(tmp_path)]
    users = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    turns = []
    for user in users:
        out, _ = user.communicate(timeout=60)
        assert user.returncode == 0
        turns += [tuple(map(float, line.split())) for line in out.splitlines()]
    turns.sort()
    assert len(turns) == 18
    for (_, ended), (next_began, _) in itertools.pairwise(turns):
        assert next_began >= ended
    # Of all turns together, since a loaded machine can delay each between its turn and its clock.
    assert turns[-1][0] - turns[0][0] >= 0.8 * 17 * 0.05


def test_the_live_job_goes_before_a_backfill_that_waits_longer(tmp_path: Path) -> None:
    order: list[str] = []
    first, second, waiting = threading.Event(), threading.Event(), threading.Event()

    def lane(*, background: bool) -> Lane:
        return Lane(tmp_path, URL, min_interval_s=0.0, background=background)

    def hold(_turn: Turn) -> None:
        first.set()
        assert second.wait(20)

    def ask(name: str, *, background: bool, then: Callable[[], None] = lambda: None) -> None:
        waiting.set()
        lane(background=background).ask(
            lambda _turn: (order.append(name), then()), limit_s=20, attempts=1
        )

    def backfill() -> None:
        for number in range(3):
            ask(f"backfill {number}", background=True, then=lambda: time.sleep(0.1))

    holder = threading.Thread(
        target=lambda: lane(background=True).ask(hold, limit_s=20, attempts=1)
    )
    holder.start()
    assert first.wait(20)
    rival = threading.Thread(target=backfill)
    rival.start()
    assert waiting.wait(20)
    time.sleep(0.2)  # it has been waiting for a while when the live job comes
    live = threading.Thread(target=lambda: ask("live", background=False))
    live.start()
    time.sleep(0.2)
    second.set()
    for thread in (holder, rival, live):
        thread.join()
    # One request of the backfill was in front already; from then on it stands behind.
    assert order.index("live") <= 1
    assert len(order) == 4
