"""How fast the store answers with a million predictions in it, on SQLite and PostgreSQL.

::

    python -m tests.benchmarks.store [--predictions 1000000]

Fills an empty database of each kind through `flaremon.store` as a backfill would: records of
hmi.M_720s_nrt every 12 minutes, two events, four models. Times are medians (and the worst) of 15
repetitions; limits are those that the store is meant to keep on two cores.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from flaremon.database import check_schema, open_engine, session_scope, upgrade
from flaremon.domain import ModelId, Record
from flaremon.store import add_outcomes, add_records, latest, predictions, undecided
from tests.support.postgres import PostgresServer, find_programs
from tests.support.slots import (
    DEFINITIVE,
    EVENTS,
    LISTING,
    M_24H,
    NRT,
    prediction,
    record,
    register,
)

MODELS = [ModelId("fulldisk-cnn", f"{major}.0.0") for major in range(1, 5)]
YEAR_SLOTS = 365 * 120
REPETITIONS = 15
CHUNK = 600
"""Slots per transaction: five days."""


def main() -> None:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--predictions", type=int, default=1_000_000)
    slots = parser.parse_args().predictions // (len(EVENTS) * len(MODELS))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = {"SQLite": f"sqlite:///{folder / 'flaremon.db'}"}
        programs = find_programs()
        if programs is not None:
            server = stack.enter_context(PostgresServer(programs))
            urls["PostgreSQL"] = server.url_of(server.create_database())
        for name, url in urls.items():
            say(f"\n{name}, {slots * len(EVENTS) * len(MODELS):,} predictions of {slots:,} records")
            upgrade(url)
            engine = open_engine(url)
            records = [record(number) for number in range(slots)]
            fill(engine, records)
            ask(engine, url, records)
            engine.dispose()
        file = folder / "flaremon.db"
        say(f"\nSQLite file: {file.stat().st_size / 1e6:.0f} MB")


def fill(engine: Engine, records: list[Record]) -> None:
    """Write everything, and say how fast that went."""
    spent = {"add_records": 0.0, "add_outcomes": 0.0}

    @contextmanager
    def clock(what: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        spent[what] += time.perf_counter() - start

    with session_scope(engine) as session:
        for model in MODELS:
            register(session, model)
    written = 0
    for start in range(0, len(records), CHUNK):
        chunk = records[start : start + CHUNK]
        outcomes = [
            prediction(item, event, model=model, probability=(number % 97) / 96)
            for number, item in enumerate(chunk)
            for event in EVENTS
            for model in MODELS
        ]
        with session_scope(engine) as session:
            with clock("add_records"):
                add_records(session, chunk, **LISTING)
            with clock("add_outcomes"):
                written += add_outcomes(session, outcomes)
    with engine.begin() as connection:
        connection.execute(text("ANALYZE"))  # PostgreSQL does so by itself within a minute
    say(f"  add_records   {len(records) / spent['add_records']:9,.0f} rows/s")
    say(f"  add_outcomes  {written / spent['add_outcomes']:9,.0f} rows/s")


def ask(engine: Engine, url: str, records: list[Record]) -> None:
    """Ask what the live job, its readers and a backfill ask."""
    newest, middle = records[-1].t_obs, records[len(records) // 2].t_obs
    assert newest is not None
    assert middle is not None
    day = {"since": middle, "until": middle + timedelta(days=1)}
    year = records[-YEAR_SLOTS:]
    absent = [record(-1 - number) for number in range(len(year))]
    mixed = [pair for both in zip(year, absent, strict=True) for pair in both][: len(year)]

    def cold() -> Any:
        fresh = open_engine(url)
        check_schema(fresh)
        with session_scope(fresh) as session:
            found = latest(session, event=M_24H, model=MODELS[0], series=NRT)
        fresh.dispose()
        return found

    with session_scope(engine) as session:
        questions: dict[str, tuple[float, Callable[[], Any]]] = {
            "open, check_schema, latest": (100, cold),
            "latest": (20, lambda: latest(session, event=M_24H, model=MODELS[0])),
            "latest of a series": (
                20,
                lambda: latest(session, event=M_24H, model=MODELS[0], series=NRT),
            ),
            "latest of a series without any": (
                20,
                lambda: latest(session, event=M_24H, model=MODELS[0], series=DEFINITIVE),
            ),
            "one day, one model and event": (
                20,
                lambda: list(predictions(session, **day, model=MODELS[1], events=[M_24H])),
            ),
            "one day, everything": (100, lambda: list(predictions(session, **day))),
            "newest 100": (20, lambda: list(predictions(session, limit=100))),
            "a year undecided? all decided": (
                3000,
                lambda: undecided(session, year, model=MODELS[0], events=EVENTS),
            ),
            "a year undecided? half decided": (
                3000,
                lambda: undecided(session, mixed, model=MODELS[0], events=EVENTS),
            ),
        }
        say(f"  {'question':<34} {'median':>9} {'worst':>9} {'limit':>9}   answer")
        for name, (limit_ms, question) in questions.items():
            ms, worst_ms, answer = measure(question, 3 if limit_ms > 1000 else REPETITIONS)
            size = f"{len(answer):,}" if isinstance(answer, list) else type(answer).__name__
            say(f"  {name:<34} {ms:6.1f} ms {worst_ms:6.1f} ms {limit_ms:6.0f} ms   {size}")
        stream(session)


def stream(session: Any) -> None:
    """Read everything once."""
    start = time.perf_counter()
    number = sum(1 for _ in predictions(session))
    say(f"  reading all: {number / (time.perf_counter() - start):,.0f} predictions/s")


def measure(question: Callable[[], Any], repetitions: int) -> tuple[float, float, Any]:
    """Return median and worst milliseconds, and the answer."""
    answer = question()
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        answer = question()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times), max(times), answer


def say(line: str) -> None:
    """Print at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
