"""How long the main job takes: ``python -m tests.benchmarks.main_job [--records N]``.

Commands are timed as users start them, in fresh processes; peak memory is that of the process
(Linux ``ru_maxrss`` of the child). The replica on loopback serves synthetic full-size records, so
no network is in the figures. Politeness (one request per second) is off for the warm figure,
which is about the work per record, and on where a row says so.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from flaremon import job as main_job
from flaremon import wiring
from flaremon.config import read_settings
from flaremon.pipeline import Run
from flaremon.replica import Replica
from flaremon.times import utc_now
from tests.support import suns


@dataclass
class Timing:
    wall_s: float
    peak_mb: float
    code: int


_STOPWATCH = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
wall = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
print(json.dumps([wall, peak, done.returncode]))
"""


def command(*arguments: str, env: dict[str, str]) -> Timing:
    """Run flaremon in a process of its own, started by a small one.

    Linux hands the peak of the process that starts it on to a child, and this one is large.
    """
    done = subprocess.run(
        [sys.executable, "-c", _STOPWATCH, sys.executable, "-m", "flaremon", *arguments],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=True,
    )
    return Timing(*json.loads(done.stdout))


def repeat(n: int, *arguments: str, env: dict[str, str]) -> tuple[Timing, float]:
    """Return the median run and the largest peak."""
    runs = [command(*arguments, env=env) for _ in range(n)]
    return sorted(runs, key=lambda t: t.wall_s)[n // 2], max(t.peak_mb for t in runs)


def warm(env: dict[str, str], n: int) -> float:
    """Seconds per record in one process after the first answer."""
    os.environ.update(env)
    settings = read_settings()
    engine = wiring.ready_engine(settings)
    predictor = wiring.predictor(settings)
    job = main_job.Job(
        source=wiring.source(settings),
        engine=engine,
        package=predictor.package,
        load_predictor=lambda: predictor,
        series=settings.jsoc.series,
        lookback=timedelta(hours=settings.jsoc.lookback_h),
    )

    def run(*, newest_only: bool) -> main_job.Report:
        moment = utc_now()
        return main_job.run_once(job, Run(run_id="benchmark", now=moment), newest_only=newest_only)

    run(newest_only=True)
    start = time.perf_counter()
    report = run(newest_only=False)
    elapsed = time.perf_counter() - start
    done = len({p.key for p in report.predictions})
    assert done == n - 1, f"scored {done} of {n - 1}: {report.rejections} {report.failures}"
    return elapsed / done


def row(name: str, value: str, limit: str = "") -> None:
    sys.stdout.write(f"{name:<58} {value:>18} {limit:>16}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=12)
    n = parser.parse_args().records
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        suns.archive(folder / "archive", n)
        with Replica(folder / "archive", latest_as_now=True) as server:
            row("machine", f"{os.cpu_count()} cores, {platform.machine()}", "asked")

            def env(k: int, interval: float) -> dict[str, str]:
                return {
                    "FLAREMON_JSOC__BASE_URL": server.base_url,
                    "FLAREMON_JSOC__MIN_INTERVAL_S": str(interval),
                    "FLAREMON_DATABASE_URL": f"sqlite:///{folder}/{k}.db",
                    "FLAREMON_CACHE__DIR": f"{folder}/cache{k}",
                }

            help_, _ = repeat(5, "--help", env=env(0, 1))
            row("flaremon --help, median of 5", f"{help_.wall_s:.2f} s", "<= 0.3 s")
            cold = [command("now", env=env(k, 1)) for k in range(3)]
            wall = statistics.median(t.wall_s for t in cold)
            row("flaremon now, cold, one record, polite, median of 3", f"{wall:.2f} s", "<= 8 s")
            peak = max(t.peak_mb for t in cold)
            row("  peak memory", f"{peak:.0f} MB", "<= 1200 MB")
            codes = {t.code for t in cold}
            assert codes <= {0, 1}, codes
            status, _ = repeat(5, "status", env=env(0, 1))
            row("flaremon status, median of 5", f"{status.wall_s:.2f} s", "<= 1 s")
            per_record = warm(env(99, 0), n)
            row(f"warm, per further record ({n - 1} records)", f"{per_record:.3f} s", "<= 0.4 s")
            catch_up = command("now", "--catch-up", env=env(98, 0))
            row(f"flaremon now --catch-up, {n} records, peak memory", f"{catch_up.peak_mb:.0f} MB")


if __name__ == "__main__":
    main()
