"""How long it takes to verify a million stored, scored predictions, from the database.

::

    python -m tests.benchmarks.verify_stored [--predictions 1000000] [--repeats 1000]

One model, one event, every 12 minutes, with outcomes, a flare list and its period, on SQLite. The
rows are written in bulk, not through `flaremon.store`, which `tests.benchmarks.store` times. The
limits on two cores: 30 s for a verification with a thousand draws, reading included, and 0.1 s
for the sentence of `flaremon status`.
"""

import argparse
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine, insert

from flaremon.database import open_engine, session_scope, upgrade
from flaremon.domain import CatalogPeriod, ClassScale, Flare, FlareClass, Mode, ModelId
from flaremon.schema import OutcomeRow, PredictionRow, RecordRow
from flaremon.store import add_flares, add_periods, outcome_table, register_model
from flaremon.store.rows import batched
from flaremon.verify import Bootstrap, Forecast, in_words, verify
from flaremon.verify.archive import Choice, stored_forecasts
from flaremon.verify.labels import FlareList, label
from flaremon.verify.sentence import reliability
from flaremon.verify.stored import stored_flares
from tests.benchmarks.verify import EVENT, LIMIT_S, make, peak_gb, say

MODEL = ModelId("synthetic", "1.0.0")
CATALOG = "synthetic"
SENTENCE_LIMIT_S = 0.1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def main() -> None:
    """Make, store, verify, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--predictions", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'flaremon.db'}"
        upgrade(url)
        engine = open_engine(url)
        flares, forecast = make(options.predictions)
        fill(engine, flares, forecast)
        del flares, forecast
        judge(engine, options.repeats)
        sentence(engine)
        engine.dispose()


def judge(engine: Engine, repeats: int) -> None:
    """Time what `flaremon verify` does."""
    begun = time.perf_counter()
    with session_scope(engine) as session:
        (said,) = stored_forecasts(session, event=EVENT, choice=Choice())
        outcomes = outcome_table(session, event=EVENT, catalog=CATALOG)
        flares = stored_flares(session, catalog=CATALOG)
    read_s = time.perf_counter() - begun
    done = verify([said.forecast], flares, bootstrap=Bootstrap(repeats=repeats), outcomes=outcomes)
    took_s = time.perf_counter() - begun
    say(f"{done.n:,} stored predictions, {repeats:,} draws of {done.blocks:,} blocks "
        f"({done.block}): {took_s:.1f} s, {read_s:.1f} s of it reading (limit {LIMIT_S:.0f} s), "
        f"{peak_gb():.2f} GB at most with the filling")  # fmt: skip
    say(in_words(done, scale="true", truth="a synthetic list"))


def sentence(engine: Engine) -> None:
    """Time the sentence about reliability, for every bin."""
    took = []
    with session_scope(engine) as session:
        for probability in (0.1, 0.3, 0.5, 0.7, 0.9):
            begun = time.perf_counter()
            found = reliability(
                session, model=MODEL, event=EVENT, probability=probability, catalog=CATALOG,
                mode=Mode.LIVE,
            )  # fmt: skip
            took.append(time.perf_counter() - begun)
            say(f"  {found}: {took[-1] * 1000:.0f} ms")
    say(f"the sentence: {max(took):.3f} s at most (limit {SENTENCE_LIMIT_S} s)")


def fill(engine: Engine, flares: FlareList, forecast: Forecast) -> None:
    """Store a forecast as predictions of `MODEL`, and what became of them."""
    begun = time.perf_counter()
    first, last = (_aware(forecast.times[k]) for k in (0, -1))
    with session_scope(engine) as session:
        register_model(session, model=MODEL, weights_sha256="0" * 64, events=[EVENT], now=last)
        add_flares(session, map(_flare, flares.start), catalog=CATALOG, seen_at=last, run_id="x")
        period = CatalogPeriod(
            catalog=CATALOG, start=first - timedelta(days=60), end=last + timedelta(days=5),
            flux_w_m2=1e-6, has_ends=True,
        )  # fmt: skip
        add_periods(session, [period], seen_at=last, run_id="x")
    happened = label(flares, EVENT, forecast.times)
    columns = zip(range(len(happened)), forecast.times, forecast.probabilities, happened,
                  strict=True)  # fmt: skip
    for chunk in batched(columns, 20_000):
        with engine.begin() as connection:
            rows = [_rows(*item) for item in chunk]
            for table, part in zip((RecordRow, PredictionRow, OutcomeRow), zip(*rows, strict=True),
                                   strict=True):  # fmt: skip
                connection.execute(insert(table.__table__), list(part))
    say(f"filled with {len(happened):,} predictions in {time.perf_counter() - begun:.0f} s")


def _rows(
    number: int, time_: np.datetime64, probability: float, happened: int
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return the rows of record, prediction and outcome."""
    t_obs = _aware(time_)
    window = EVENT.window(t_obs)
    record = {
        "id": number + 1, "series": "hmi.M_720s_nrt", "harpnum": 0, "t_rec": f"{number:09}",
        "slot_at": t_obs, "recnum": number, "calibration": "near-real-time", "quality": 0,
        "t_obs": t_obs, "keywords": {}, "source": "x", "base_url": "x", "listed_at": t_obs,
        "run_id": "x",
    }  # fmt: skip
    prediction = {
        "record_id": number + 1, "model_id": 1, "event": str(EVENT), "series": "hmi.M_720s_nrt",
        "t_obs": t_obs, "score": 0.0, "probability": float(probability), "threshold": 0.5,
        "flare": bool(probability >= 0.5), "window_start": window.start, "window_end": window.end,
        "issued_at": t_obs, "latency_s": 0.0, "mode": "live", "device": "cpu", "software": "x",
        "run_id": "x", "recnum": number, "quality": 0,
    }  # fmt: skip
    outcome = {
        "catalog": CATALOG, "event": str(EVENT), "window_start": window.start,
        "window_end": window.end, "revision": 1, "state": "scored" if happened >= 0 else "unknown",
        "flare": bool(happened) if happened >= 0 else None, "catalog_as_of": window.end,
        "decided_at": window.end, "run_id": "x",
    }  # fmt: skip
    return record, prediction, outcome


def _aware(time_: np.datetime64) -> datetime:
    return EPOCH + timedelta(seconds=int(time_.astype(np.int64)))


def _flare(start: np.datetime64) -> Flare:
    begin = _aware(start)
    return Flare(
        start=begin, peak=begin + timedelta(minutes=5), end=begin + timedelta(minutes=15),
        flare_class=FlareClass("M", 2.0), peak_flux_w_m2=2e-5, source="x",
        class_scale=ClassScale.TRUE_FLUX,
    )  # fmt: skip


if __name__ == "__main__":
    main()
