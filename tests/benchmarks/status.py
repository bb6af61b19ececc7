"""How long an answer takes with a million predictions and their truth in the database.

::

    python -m tests.benchmarks.status [--predictions 1000000]

Fills SQLite through `flaremon.store` (four models, two events, every 12 minutes up to an hour
ago), with an outcome per window of 24 h, a flare every 50 minutes and a week of X-rays; then asks
for all three facts, for since when they have been so, and runs the command in a process of its
own. Medians of 15.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from flaremon import store
from flaremon.database import open_engine, session_scope, upgrade
from flaremon.domain import EventOutcome, FlareEvent, OutcomeState, Record
from flaremon.status import Question, facts_in_words, find_changes, gather
from flaremon.times import utc_now
from tests.benchmarks.store import MODELS, fill, say
from tests.support import sky
from tests.support.slots import EVENTS, M_24H, NRT, START, STEP, record

REPETITIONS = 15
LIMIT_S = 1.0


def main() -> None:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--predictions", type=int, default=1_000_000)
    slots = parser.parse_args().predictions // (len(EVENTS) * len(MODELS))
    with tempfile.TemporaryDirectory() as name:
        url = f"sqlite:///{Path(name) / 'flaremon.db'}"
        upgrade(url)
        engine = open_engine(url)
        last = (utc_now() - START) // STEP - 5  # an hour ago, as live answers are
        records = [record(last - slots + number) for number in range(slots)]
        say(f"SQLite, {slots * len(EVENTS) * len(MODELS):,} predictions of {slots:,} records")
        fill(engine, records)
        see(engine, records)
        ask(engine, url, records)
        engine.dispose()


def see(engine: Engine, records: list[Record]) -> None:
    """Store flares, X-rays, what the list answers for, and what became of windows."""
    newest, oldest = utc_now(), _t_obs(records[0])
    step = timedelta(minutes=50)
    flares = (newest - oldest) // step
    sizes = ("C1.4", "C5.2", "M1.1", "C2.3", "X1.0")
    sky.see(
        engine,
        seen_at=newest,
        flares=[sky.flare(oldest + k * step, sizes[k % 5], minutes=12) for k in range(flares)],
        states=sky.xrays(newest, [2e-6] * 10_080),
        periods=[sky.covered(oldest - timedelta(days=40), newest)],
    )
    became = (
        EventOutcome(
            event=M_24H,
            window=M_24H.window(_t_obs(item)),
            state=OutcomeState.SCORED,
            flare=k % 3 == 0,
            flares=int(k % 3 == 0),
            catalog="swpc",
            catalog_as_of=newest,
            decided_at=newest,
        )
        for k, item in enumerate(records)
    )
    with session_scope(engine) as session:
        written = store.add_event_outcomes(session, became, run_id="benchmark")
    with engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    say(f"  {written:,} outcomes, {flares:,} flares, 10,080 minutes of X-rays")


def ask(engine: Engine, url: str, records: list[Record]) -> None:
    """Ask as the command does, within one process and in a process of its own."""
    question = Question(
        model=MODELS[0],
        events=tuple(FlareEvent.parse(str(event)) for event in EVENTS),
        series=NRT,
        catalog="swpc",
        now=utc_now(),
        stale_after=timedelta(hours=3),
    )
    with session_scope(engine) as session:
        facts = gather(session, question)
        say(facts_in_words(facts))
        _row("all three facts", lambda: gather(session, question))
        _row("since when", lambda: find_changes(session, question, facts))
    environment = {**os.environ, "FLAREMON_DATABASE_URL": url}
    for options in ([], ["--since-last-change"]):
        command = [sys.executable, "-m", "flaremon", "status", *options]

        def run(command: list[str] = command) -> None:
            subprocess.run(command, env=environment, capture_output=True, check=False)

        _row(" ".join(["flaremon status", *options]), run)


def _row(name: str, question: Callable[[], Any]) -> None:
    times = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        question()
        times.append(time.perf_counter() - start)
    median, worst = statistics.median(times), max(times)
    say(f"  {name:<36} {median:6.3f} s, worst {worst:6.3f} s   limit {LIMIT_S:.1f} s")


def _t_obs(item: Record) -> Any:
    assert item.t_obs is not None
    return item.t_obs


if __name__ == "__main__":
    main()
