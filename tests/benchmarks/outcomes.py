"""How fast outcomes are decided: a year of windows, a list of flares, a million predictions.

::

    python -m tests.benchmarks.outcomes [--models 8]

A year of 12-minute cadence and three events, forecast by several models, in a SQLite file with a
list of as many flares as at solar maximum. Deciding all of it is meant to take 30 s on two cores.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import Engine, insert

from flaremon import store
from flaremon.database import open_engine, session_scope, upgrade
from flaremon.domain import CatalogPeriod, ClassScale, Flare, FlareEvent, ModelId, class_of_flux
from flaremon.schema import ModelRow, PredictionRow, RecordRow
from flaremon.truth import decide, recent_activity
from tests.support.slots import LISTING, START, STEP, record

EVENTS = [FlareEvent.parse(text) for text in ("M1+/24h", "C1+/24h", "C1+/now")]
SLOTS = 365 * 120
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
NOTE = {"seen_at": START + 366 * DAY, "run_id": "benchmark"}


def main() -> None:
    """Fill, decide, decide again."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=int, default=8)
    models = parser.parse_args().models
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'flaremon.db'}"
        upgrade(url)
        engine = open_engine(url)
        fill(engine, models)
        say(f"{SLOTS * len(EVENTS) * models:,} predictions, {SLOTS * len(EVENTS):,} windows")
        ask(engine)
        engine.dispose()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say(f"peak memory {peak:.0f} MiB")


def fill(engine: Engine, models: int) -> None:
    """Write a year of predictions past the store, and its flares through it."""
    records = [record(number) for number in range(SLOTS)]
    with session_scope(engine) as session:
        store.add_records(session, records, **LISTING)
        ids = [ModelId("benchmark-cnn", f"{k}.0.0") for k in range(models)]
        for model in ids:
            store.register_model(
                session, model=model, weights_sha256="ab" * 32, events=EVENTS, now=START
            )
        numbers = session.query(RecordRow.id).order_by(RecordRow.t_rec).all()
        for (model_id,) in session.query(ModelRow.id).all():
            for event in EVENTS:
                rows = [
                    {
                        "record_id": number,
                        "model_id": model_id,
                        "event": str(event),
                        "series": item.key.series,
                        "t_obs": item.t_obs,
                        "score": 0.0,
                        "probability": 0.3,
                        "threshold": 0.3,
                        "flare": True,
                        "window_start": item.t_obs,
                        "window_end": event.window(item.t_obs).end,
                        "issued_at": item.t_obs,
                        "latency_s": 0.0,
                        "mode": "hindcast",
                        "device": "cpu",
                        "software": "0",
                        "run_id": "benchmark",
                        "recnum": item.recnum,
                        "quality": 0,
                    }
                    for (number,), item in zip(numbers, records, strict=True)
                ]
                session.execute(insert(PredictionRow), rows)
        store.add_flares(session, flares(), catalog="swpc", **NOTE)
        store.add_periods(session, [period()], **NOTE)


def flares() -> list[Flare]:
    """Five thousand flares in a year, a tenth of them from M1 on."""
    rng = np.random.default_rng(0)
    starts = np.unique(rng.integers(0, 365 * 1440, 5000))
    return [
        Flare(
            start=START + int(minute) * MINUTE,
            peak=START + (int(minute) + 8) * MINUTE,
            end=START + (int(minute) + 20) * MINUTE,
            flare_class=class_of_flux(float(flux)),
            peak_flux_w_m2=float(flux),
            location="N12E32",
            source="benchmark",
            class_scale=ClassScale.TRUE_FLUX,
        )
        for minute, flux in zip(
            starts, 1e-6 * 10 ** rng.exponential(0.43, len(starts)), strict=True
        )
        if flux < 1e-2
    ]


def period() -> CatalogPeriod:
    """All of the time, from C1 on."""
    return CatalogPeriod(
        catalog="swpc", start=START - 40 * DAY, end=START + 366 * DAY, flux_w_m2=1e-6, has_ends=True
    )


def ask(engine: Engine) -> None:
    """Decide everything, then again with nothing to do, then with one flare revised."""
    now = START + 366 * DAY + DAY

    def run(what: str) -> None:
        scored = unknown = revised = calls = 0
        with clock(what):
            more = True
            while more:
                with session_scope(engine) as session:
                    done = decide(session, now=now, catalog="swpc", lag=DAY, run_id="benchmark")
                scored, unknown = scored + done.scored, unknown + done.unknown
                revised, calls, more = revised + done.revised, calls + 1, done.more
        say(f"  {scored:,} scored, {unknown:,} unknown, {revised:,} revised in {calls} calls")

    run("decide all")
    run("decide again")
    with session_scope(engine) as session:
        last = next(store.flares(session, since=START + 360 * DAY)).flare
        bigger = Flare(
            **{
                **{name: getattr(last, name) for name in Flare.__slots__},
                "flare_class": class_of_flux(2e-4),
                "peak_flux_w_m2": 2e-4,
            }
        )
        store.add_flares(session, [bigger], catalog="swpc", **NOTE)
    run("decide after a revision")
    with clock("recent activity of 120 slots"), session_scope(engine) as session:
        times = [START + 300 * DAY + k * STEP for k in range(120)]
        recent_activity(session, times, catalog="swpc")
    with clock("pending windows"), session_scope(engine) as session:
        store.pending_windows(session, catalog="swpc")
    with clock("outcomes of a month, one event"), session_scope(engine) as session:
        store.event_outcomes(
            session, event=EVENTS[0], catalog="swpc", since=START, until=START + 30 * DAY
        )


@contextmanager
def clock(what: str) -> Iterator[None]:
    """Say how long it took."""
    start, busy = time.perf_counter(), time.process_time()
    yield
    say(
        f"{what}: {time.perf_counter() - start:.2f} s, of these {time.process_time() - busy:.2f} s "
        "on the processor"
    )


def say(text: str) -> None:
    """Print at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
