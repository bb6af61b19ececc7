"""How fast the store answers with a million predictions in it, on SQLite and PostgreSQL.

::

    python -m tests.benchmarks.store [--predictions 1000000]

Fills an empty database of each kind through `flaremon.store` as a backfill would: records of
hmi.M_720s_nrt every 12 minutes, five events, four models, and a flare list of 31,000 flares beside
a short one. Times are medians (and the worst) of 15 repetitions, and the median of this process's
own CPU time, which other work on the machine lengthens less; limits are those that the store is
meant to keep on two cores.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from flaremon.database import check_schema, open_engine, session_scope, upgrade
from flaremon.domain import ClassScale, Flare, FlareClass, FlareEvent, ModelId, Record
from flaremon.schema import PredictionRow
from flaremon.store import (
    add_flares,
    add_outcomes,
    add_records,
    latest,
    newest_flare,
    predictions,
    register_model,
    undecided,
)
from flaremon.store.prediction_rows import COLUMNS, assembled
from tests.support.postgres import PostgresServer, find_programs
from tests.support.slots import (
    DEFINITIVE,
    LISTING,
    M_24H,
    NRT,
    START,
    prediction,
    record,
)

EVENTS = [
    FlareEvent.parse(text) for text in ("M1+/24h", "C1+/24h", "X1+/24h", "M1+/48h", "C1+/now")
]
FLARES = 31_000
SHORT_LIST, LONG_LIST = "short", "long"
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
            register_model(session, model=model, weights_sha256="ab" * 32, events=EVENTS, now=START)
        fill_flares(session, records[-1].t_obs)
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
    if engine.dialect.name == "postgresql":  # it does so by itself within a minute; SQLite never
        with engine.begin() as connection:
            connection.execute(text("ANALYZE"))
    say(f"  add_records   {len(records) / spent['add_records']:9,.0f} rows/s")
    say(f"  add_outcomes  {written / spent['add_outcomes']:9,.0f} rows/s")


def fill_flares(session: Session, newest: datetime | None) -> None:
    """Store a long list up to now, and one that ended before it began to be read."""
    assert newest is not None
    for name, last in ((LONG_LIST, newest), (SHORT_LIST, newest - timedelta(days=30))):
        flares = []
        for number in range(FLARES if name == LONG_LIST else 100):
            size = FlareClass("BCM"[number % 3], 1 + number % 9)
            flares.append(
                Flare(
                    start=last - timedelta(hours=4 * number),
                    flare_class=size,
                    peak_flux_w_m2=size.flux_w_m2,
                    source=name,
                    class_scale=ClassScale.TRUE_FLUX,
                )
            )
        add_flares(session, flares, catalog=name, seen_at=START, run_id="bench")


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
            "one day, one model": (
                20,
                lambda: list(predictions(session, **day, model=MODELS[1])),
            ),
            "one day, everything": (20, lambda: list(predictions(session, **day))),
            "newest 100": (20, lambda: list(predictions(session, limit=100))),
            "newest 100 of a model": (
                20,
                lambda: list(predictions(session, limit=100, model=MODELS[1])),
            ),
            "newest flare of a list": (
                5,
                lambda: newest_flare(session, catalog=LONG_LIST, until=newest),
            ),
            "newest C flare, other list is newer": (
                5,
                lambda: newest_flare(
                    session, catalog=SHORT_LIST, until=newest, at_least=FlareClass("C", 1.0)
                ),
            ),
            "newest flare of a list without any": (
                5,
                lambda: newest_flare(session, catalog="none", until=newest),
            ),
            "a year undecided? all decided": (
                3000,
                lambda: undecided(session, year, model=MODELS[0], events=EVENTS),
            ),
            "a year undecided? half decided": (
                3000,
                lambda: undecided(session, mixed, model=MODELS[0], events=EVENTS),
            ),
        }
        say(f"  {'question':<36} {'median':>9} {'worst':>9} {'CPU':>9} {'limit':>9}   answer")
        for name, (limit_ms, question) in questions.items():
            took, answer = measure(question, 3 if limit_ms > 1000 else REPETITIONS)
            size = f"{len(answer):,}" if isinstance(answer, list) else type(answer).__name__
            say(f"  {name:<36} {in_ms(took)} {limit_ms:6.0f} ms   {size}")
        parts(session, day)
        stream(session)


def parts(session: Session, day: dict[str, datetime]) -> None:
    """Say what the day of everything is made of."""
    row = PredictionRow
    statement = (
        select(*COLUMNS)
        .where(row.t_obs >= day["since"], row.t_obs < day["until"])
        .order_by(row.t_obs.desc(), row.event, row.id.desc())
    )
    connection = session.connection()
    rows = connection.execute(statement).all()
    took, _ = measure(lambda: connection.execute(statement).all(), REPETITIONS)
    say(f"  {'  of it: query, driver and rows':<36} {in_ms(took)}")
    took, _ = measure(lambda: list(assembled(session, [rows])), REPETITIONS)
    say(f"  {'  of it: objects':<36} {in_ms(took)}")


def stream(session: Any) -> None:
    """Read everything once."""
    start = time.perf_counter()
    number = sum(1 for _ in predictions(session))
    say(f"  reading all: {number / (time.perf_counter() - start):,.0f} predictions/s")


class Took(NamedTuple):
    """Milliseconds: of the clock, median and worst, and of this process's CPU time, median."""

    median: float
    worst: float
    cpu: float


def in_ms(took: Took) -> str:
    """Return the three as columns."""
    return " ".join(f"{ms:6.1f} ms" for ms in took)


def measure(question: Callable[[], Any], repetitions: int) -> tuple[Took, Any]:
    """Return how long an answer takes, and the answer."""
    answer = question()
    times = []
    for _ in range(repetitions):
        start, cpu = time.perf_counter(), time.process_time()
        answer = question()
        times.append((time.perf_counter() - start, time.process_time() - cpu))
    clock, busy = ([1000 * time for time in of] for of in zip(*times, strict=True))
    return Took(statistics.median(clock), max(clock), statistics.median(busy)), answer


def say(line: str) -> None:
    """Print at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
