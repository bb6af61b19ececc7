"""What the regions of answers cost: beside the network, in the database, and when asked for.

::

    python -m tests.benchmarks.regions [--records 2000]

CPU time of this process, medians of 9; planes have two to nine bipoles and noise. Limit: 2 ms
per plane, for all classes together.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import rows
from support.disks import plane
from support.packages import write_rate_package

from flaremon import store
from flaremon.database import open_engine, session_scope, upgrade
from flaremon.domain import NoaaRegion, Prediction
from flaremon.inference import Predictor
from flaremon.inference.regions import regions_of
from flaremon.network.rates import M1, cell_axes
from flaremon.package import ModelPackage, build_network
from flaremon.regions import locate

START = datetime(2026, 2, 1, tzinfo=UTC)
LIMIT_MS = 2.0


def cpu_ms(call: Callable[[], Any], repeat: int = 9) -> float:
    """Return the median CPU time of some calls, ms."""
    spent = []
    for _ in range(repeat):
        began = time.process_time()
        call()
        spent.append((time.process_time() - began) * 1e3)
    return statistics.median(spent)


def say(what: str, value: float, unit: str) -> None:
    """Print a figure."""
    sys.stdout.write(f"{what:<58} {value:9.2f} {unit}\n")


def of_planes(package: ModelPackage) -> float:
    """Measure the computation; return what regions take of a plane, ms."""
    rng = np.random.default_rng(0)
    planes = np.stack(
        [
            plane(*zip(rng.uniform(-75, 75, n), rng.uniform(-35, 35, n), strict=True))
            for n in range(2, 10)
        ]
    )
    # A disk without noise is a plain, and has as many peaks as cells; no real one is.
    planes += rng.normal(0, 0.03, planes.shape).astype(np.float32)
    predictor, network = Predictor(package, device="cpu"), build_network(package)
    axes = [axis.numpy() for axis in cell_axes(network.config)]
    with torch.inference_mode():
        maps = network.rates(torch.from_numpy(planes)).mean(dim=1).double().numpy()
    say("a plane to its answers, regions included", cpu_ms(lambda: predictor.predict(planes)) / 8,
        "ms")  # fmt: skip
    apart = cpu_ms(lambda: [regions_of(one, *axes, drawn_by=M1) for one in maps]) / 8
    say("of it the regions of all classes", apart, "ms")
    return apart


def said(predictor: Predictor, n: int) -> tuple[list[Any], list[Prediction]]:
    """Return records and their predictions, five with regions for each record."""
    (scores,) = predictor.predict(plane((-20.0, 17.0), (35.0, -12.0), (60.0, 20.0))[None])
    records = [rows.record(START + k * timedelta(minutes=12)) for k in range(n)]
    return records, [
        rows.prediction(record, score.event, regions=score.regions)
        for record in records
        for score in scores
    ]


def in_database(folder: Path, package: ModelPackage, n: int) -> None:
    """Measure storing, reading and locating, per prediction."""
    records, predictions = said(Predictor(package, device="cpu"), n)
    bare = [replace(p, regions=None) for p in predictions]
    sizes = []
    for name, what in (("warming up", bare), ("without", bare), ("with", predictions)):
        url = f"sqlite:///{folder / name}.db"
        upgrade(url)
        engine = open_engine(url)
        rows.store_all(engine, records, [])
        spent = cpu_ms(lambda e=engine, w=what: rows.store_all(e, [], w), repeat=1)
        say(f"storing predictions {name} regions", spent * 1e3 / len(what), "us each")
        engine.dispose()
        sizes.append((folder / f"{name}.db").stat().st_size)
    say("size of a prediction's regions", (sizes[2] - sizes[1]) / len(bare), "bytes")
    engine = open_engine(f"sqlite:///{folder / 'with'}.db")
    with session_scope(engine) as session:
        summaries = [
            NoaaRegion(number=14000 + k, valid_at=START + timedelta(days=day), latitude_deg=14,
                       longitude_deg=10.0 * k, area=1, source="swpc")
            for day in range(int(n / 120) + 2)
            for k in range(12)
        ]  # fmt: skip
        store.add_noaa_regions(session, summaries, seen_at=START, run_id="benchmark")
        read = cpu_ms(lambda: store.with_regions(session, bare), repeat=3)
        say("reading regions", read * 1e3 / len(bare), "us each")
        batch = store.with_regions(session, bare)[:200]
        locate(session, batch)  # imports sunpy
        say(
            "place and number, 200 at once", cpu_ms(lambda: locate(session, batch)) / 200, "ms each"
        )
        scan = cpu_ms(lambda: sum(1 for _ in store.predictions(session)), repeat=3)
        say("a scan that does not ask for regions", scan * 1e3 / len(bare), "us each")
    engine.dispose()


def main() -> int:
    """Measure; 1 if the limit is not kept."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=2000)
    n = parser.parse_args().records
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        package = write_rate_package(Path(name) / "models")
        apart = of_planes(package)
        in_database(Path(name), package, n)
    sys.stdout.write(f"limit {LIMIT_MS} ms: {'kept' if apart < LIMIT_MS else 'NOT KEPT'}\n")
    return 0 if apart < LIMIT_MS else 1


if __name__ == "__main__":
    raise SystemExit(main())
