"""How fast history goes: ``python -m tests.benchmarks.backfill [--files 60] [--slots 2000]``.

Rates are of this machine, with everything else that runs on it; what counts are their ratios, so
reference and candidate are measured in one go:

(a) the bare integer decode of the same files by astropy in two processes;
(b) one process: sunpy's Map, rotate(order=3), block mean and the network (``--sunpy``, slow);
a backfill of full-size files through a replica on loopback; the same history from the archive of
frames; Prefect's share per slot; planning a year of 12 minutes beside a million predictions; and
the peak memory of a backfill of small files, at the end and after a tenth.
"""

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np

from flaremon import wiring
from flaremon.backfill import Backfill, Model, Tally, make_grid, make_plan
from flaremon.cache import FileCache
from flaremon.config import JsocSettings, read_settings
from flaremon.database import open_engine, session_scope, upgrade
from flaremon.frames import FrameArchive
from flaremon.jsoc import Jsoc
from flaremon.pipeline import Run
from flaremon.replica import Replica
from flaremon.times import slot_index, slot_label, tai_label_to_utc, utc_now
from tests.support import small_suns, suns

SERIES = "hmi.M_720s_nrt"
LAST = "2024.06.28_00:00:00_TAI"


def say(name: str, value: str, limit: str = "") -> None:
    sys.stdout.write(f"{name:<62} {value:>16} {limit:>12}\n")
    sys.stdout.flush()


def bare(path: Path) -> int:
    """Decode the stored integers, and nothing else."""
    from astropy.io import fits  # noqa: PLC0415

    with fits.open(path, memmap=False, do_not_scale_image_data=True) as hdus:
        return int(hdus[1].data[2048, 2048])


def by_sunpy(path: Path, spec: object) -> np.ndarray:
    """Return a frame as most people make one."""
    import warnings  # noqa: PLC0415

    import sunpy.map  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rotated = sunpy.map.Map(path).rotate(order=3, missing=0.0)
    side = min(rotated.data.shape) // 512 * 512
    data = np.nan_to_num(rotated.data[:side, :side])
    return data.reshape(512, side // 512, 512, side // 512).mean(axis=(1, 3))


def archive(folder: Path, n: int) -> list[Path]:
    """Write `n` different full-size files: a few Suns, each under many dates."""
    last = slot_index(LAST, 720)
    paths = []
    for k in range(n):
        view = suns.View(t_rec=slot_label(last - k, 720), series=SERIES, seed=k % 4)
        # No two files may be equal: a feed that repeats itself is stale.
        sun = suns.Sun(bipoles=((0.2, 0.3, 900.0), (-0.5, -0.25, 500.0)))
        values = suns.field_gauss(sun, view) if k < 4 else values_of[k % 4].copy()
        if k < 4:
            values_of[k] = values
        values[2000, 2000] = float(k)
        stamp = view.t_rec.replace(".", "").replace(":", "")
        path = folder / f"{SERIES}.{stamp}.magnetogram.fits"
        paths.append(suns.write_field(path, values, view))
    return paths


values_of: dict[int, np.ndarray] = {}


def make(folder: Path, replica: Replica, models: list[Model], **changes: object) -> Backfill:
    """Return a backfill with state of its own in `folder`."""
    folder.mkdir(exist_ok=True)
    url = f"sqlite:///{folder / 'flaremon.db'}"
    upgrade(url)
    cache = FileCache(folder / "cache", max_bytes=10**11, max_age=timedelta(days=30))
    settings = JsocSettings(base_url=replica.base_url, min_interval_s=0)
    given = {
        "engine": open_engine(url),
        "run": Run(run_id="benchmark", now=utc_now()),
        "frames": FrameArchive(folder / "frames", max_bytes=10**11),
        "source": Jsoc(settings, cache, background=True),
        "cache": cache,
        "workers": 2,
    }
    return Backfill(models=models, **(given | changes))  # type: ignore[arg-type]


def all_of(work: Backfill, n: int) -> Tally:
    """Work off the newest `n` slots."""
    end = tai_label_to_utc(LAST) + timedelta(seconds=1)
    grid = make_grid(SERIES, end - timedelta(seconds=720 * n), end, now=utc_now())
    return work.work_off(work.plan(grid).chunks)


def full_size(folder: Path, models: list[Model], n: int, *, sunpy: bool) -> None:
    """Compare a backfill of files with the bare decode, and the archive with the files."""
    paths = archive(folder / "archive", n)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        list(pool.map(bare, paths[:4]))
        began = time.perf_counter()
        list(pool.map(bare, paths))
        floor = n / (time.perf_counter() - began)
    say("(a) bare astropy decode, two processes", f"{floor:.2f}/s")
    with Replica(folder / "archive") as replica:
        work = make(folder / "files", replica, models)
        warm = replace(make(folder / "warm", replica, models), workers=2)
        all_of(warm, 4)  # numba compiles once per machine
        began = time.perf_counter()
        tally = all_of(work, n)
        rate = n / (time.perf_counter() - began)
    if tally.predicted != n:
        raise SystemExit(tally.in_words())
    say(f"backfill of {n} files through a replica, two workers", f"{rate:.2f}/s")
    say("  over (a)", f"{rate / floor:.2f}", ">= 0.6")
    again = replace(work, engine=make(folder / "again", replica, models).engine)
    end = tai_label_to_utc(LAST) + timedelta(seconds=1)
    grid = make_grid(SERIES, end - timedelta(seconds=720 * n), end, now=utc_now())
    with session_scope(work.engine) as session:
        from flaremon import store  # noqa: PLC0415

        records = list(store.stored_records(session, grid.slots).values())
    with session_scope(again.engine) as session:
        store.add_records(
            session, records, source="x", base_url=replica.base_url, run_id="x",
            listed_at=utc_now(),
        )  # fmt: skip
    began = time.perf_counter()
    rescored = again.rescore(grid.slots)
    fast = rescored.predicted / (time.perf_counter() - began)
    say(f"rescoring {rescored.predicted} of them from the archive of frames", f"{fast:.1f}/s")
    say("  over the rate from files", f"{fast / rate:.1f}", ">= 10")
    if sunpy:
        began = time.perf_counter()
        for path in paths[:3]:
            frame = by_sunpy(path, None).astype(np.float32)
            models[0].predictor.predict((np.clip(frame, -250, 250) / 250)[None, None])
        slow = 3 / (time.perf_counter() - began)
        say("(b) sunpy Map, rotate(order=3), block mean, network", f"{slow:.3f}/s")
        say("  backfill over (b)", f"{rate / slow:.1f}", ">= 15")


def memory(folder: Path, models: list[Model], n: int) -> None:
    """Watch the peak over a long backfill of small files."""
    small_suns.archive(folder / "small", small_suns.labels(n, end=LAST))
    peaks: dict[int, float] = {}

    def watch(tally: Tally) -> None:
        for share in (n // 10, n):
            if tally.done >= share:
                peaks.setdefault(share, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)

    with Replica(folder / "small") as replica:
        work = make(folder / "memory", replica, models, decode=small_suns.decode, progress=watch)
        began = time.perf_counter()
        tally = all_of(work, n)
        spent = time.perf_counter() - began
    say(f"backfill of {n} small files", f"{tally.predicted / spent:.1f}/s")
    say("  peak memory after a tenth", f"{peaks[n // 10]:.0f} MB")
    say("  peak memory at the end (replica included)", f"{peaks[n]:.0f} MB", "<= 1500 MB")


def planning() -> None:
    """Plan a year beside a million predictions, on both databases."""
    from tests.benchmarks import store as bench  # noqa: PLC0415
    from tests.support.postgres import PostgresServer, find_programs  # noqa: PLC0415

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = {"SQLite": f"sqlite:///{folder / 'flaremon.db'}"}
        programs = find_programs()
        if programs is not None:
            server = stack.enter_context(PostgresServer(programs))
            urls["PostgreSQL"] = server.url_of(server.create_database())
        slots = 1_000_000 // (len(bench.EVENTS) * len(bench.MODELS))
        for name, url in urls.items():
            upgrade(url)
            engine = open_engine(url)
            records = [bench.record(number) for number in range(slots)]
            bench.fill(engine, records)
            events = tuple(type("Spec", (), {"event": event}) for event in bench.EVENTS)
            package = type("Package", (), {"id": bench.MODELS[0], "events": events})
            last = records[-1].t_obs
            assert last is not None
            end = last + timedelta(minutes=10)
            grid = make_grid(bench.NRT, end - timedelta(days=365), end, now=end)
            times = []
            for _ in range(3):
                with session_scope(engine) as session:
                    began = time.perf_counter()
                    plan = make_plan(session, grid, packages=[package])
                    times.append(time.perf_counter() - began)
            say(f"planning {plan.slots} slots, {name}, 1e6 predictions, median of 3",
                f"{sorted(times)[1]:.2f} s", "<= 3 s")  # fmt: skip
            engine.dispose()


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--slots", type=int, default=2000)
    parser.add_argument("--sunpy", action="store_true")
    parser.add_argument("--planning", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.planning:
            planning()
        models = [Model(predictor=wiring.predictor(read_settings(device="cpu")))]
        if given.files:
            full_size(folder, models, given.files, sunpy=given.sunpy)
        if given.slots:
            memory(folder, models, given.slots)


if __name__ == "__main__":
    main()
