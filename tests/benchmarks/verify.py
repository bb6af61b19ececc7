"""How long it takes to verify a million scored predictions with a thousand bootstrap samples.

::

    python -m tests.benchmarks.verify [--predictions 1000000] [--repeats 1000]

The forecasts are for every 12 minutes from 2001 on, with probabilities that all differ; the flare
list is synthetic and as dense as a real one. The limit on two cores is 30 s for blocks of a
rotation and of a day, reading not included; that is timed apart.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from flaremon.domain import FlareEvent
from flaremon.verify import Bootstrap, Forecast, in_words, read_forecasts, verify
from flaremon.verify.blocks import BlockName
from flaremon.verify.labels import Coverage, FlareList

LIMIT_S = 30.0
FIRST = np.datetime64("2001-01-01", "s")
EVENT = FlareEvent.parse("M1+/24h")
BLOCKS: tuple[BlockName, ...] = ("rotation", "day")


def main() -> None:
    """Make, verify, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--predictions", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=1000)
    options = parser.parse_args()
    flares, forecast = make(options.predictions)
    for block in BLOCKS:
        begun = time.perf_counter()
        done = verify([forecast], flares, bootstrap=Bootstrap(repeats=options.repeats, block=block))
        took_s = time.perf_counter() - begun
        say(f"{done.n:,} hours, {options.repeats:,} draws of {done.blocks:,} blocks ({block}): "
            f"{took_s:.1f} s (limit {LIMIT_S:.0f} s), {peak_gb():.2f} GB at most")  # fmt: skip
    say(in_words(done, scale="true", truth="a synthetic list"))
    read(forecast)


def make(number: int) -> tuple[FlareList, Forecast]:
    """Return a flare list whose activity comes and goes, and a forecast that knows it in part."""
    rng = np.random.default_rng(0)
    times = FIRST + np.arange(number) * np.timedelta64(720, "s")
    days = number // 120 + 40
    activity = np.exp(1.2 * np.sin(np.arange(days) / 300) + np.sin(np.arange(days) / 4.3) - 1.7)
    day = np.repeat(np.arange(days), rng.poisson(activity))
    start = np.sort(
        FIRST + day * np.timedelta64(86400, "s") + rng.integers(0, 86400, len(day))
    ).astype("datetime64[s]")
    period = Coverage(
        start=FIRST - np.timedelta64(60, "D"),
        end=times[-1] + np.timedelta64(5, "D"),
        flux_w_m2=1e-6,
        has_ends=True,
    )
    flares = FlareList(
        start=start,
        end=start + np.timedelta64(900, "s"),
        flux_w_m2=np.full(len(start), 2e-5),
        coverage=(period,),
        missing_days=np.array([], dtype="datetime64[s]"),
    )
    logit = np.repeat(np.log(activity), 120)[:number] + rng.normal(0, 1, number)
    forecast = Forecast(
        name="synthetic", event=EVENT, times=times, probabilities=1 / (1 + np.exp(-logit))
    )
    return flares, forecast


def read(forecast: Forecast) -> None:
    """Time the way through a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "million.csv"
        rows = zip(forecast.times, forecast.probabilities, strict=True)
        path.write_text("time_utc,probability\n" + "".join(f"{t}Z,{p:.6f}\n" for t, p in rows))
        begun = time.perf_counter()
        read_forecasts(path, EVENT)
        say(f"reading them from a file: {time.perf_counter() - begun:.1f} s")


def peak_gb() -> float:
    """Return the greatest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def say(line: str) -> None:
    """Print at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
