"""Synthetic forecasts and flare lists for verification."""

from pathlib import Path

import numpy as np

from flaremon.domain import FlareEvent
from flaremon.verify import Forecast, read_flares
from flaremon.verify.labels import FlareList
from support.maps import write_flares

M_DAY = FlareEvent.parse("M1+/24h")
DAY = np.timedelta64(1, "D")


def flare_list(folder: Path, *, seed: int = 0, days: int = 365, note: str = "") -> FlareList:
    """Read a list of 2023 whose activity comes and goes; M flares on a quarter of the days."""
    return read_flares(flare_file(folder, seed=seed, days=days, note=note))


def flare_file(folder: Path, *, seed: int = 0, days: int = 365, note: str = "") -> Path:
    """Write that list; coverage is of the whole year, however early the list ends."""
    rng = np.random.default_rng(seed)
    first = np.datetime64("2023-01-01T00:00:00", "s")
    rows = []
    for day in range(days):
        busy = np.sin(day / 9) > 0.2
        for _ in range(rng.poisson(0.7 if busy else 0.05)):
            start = first + day * DAY + np.timedelta64(int(rng.integers(86400)), "s")
            end = start + np.timedelta64(1200, "s")
            rows.append((f"{start}Z", f"{end}Z", "M2.0"))
        noon = first + day * DAY + DAY // 2
        rows.append((f"{noon}Z", f"{noon + DAY // 100}Z", "B5.0"))
    write_flares(folder, rows, coverage=[("2023-01-01", "2023-12-31", "C1+", note)])
    return folder / "flares.csv"


def forecast(
    name: str = "ours", *, seed: int = 0, start: str = "2023-03-01", end: str = "2023-11-01"
) -> Forecast:
    """Make hourly probabilities with some skill."""
    times = np.arange(start, end, 3600, dtype="datetime64[s]")
    days = (times - np.datetime64("2023-01-01", "s")) / DAY
    rng = np.random.default_rng(seed)
    logit = 2 * np.sin(days / 9) - 1 + rng.normal(0, 1, len(times))
    return Forecast(name=name, event=M_DAY, times=times, probabilities=1 / (1 + np.exp(-logit)))


def write_forecast(path: Path, item: Forecast) -> Path:
    """Write it as others do."""
    lines = ["time_utc,probability"]
    lines += [f"{t}Z,{p:.6f}" for t, p in zip(item.times, item.probabilities, strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
