"""The parts of the benchmark of a backfill; see `tests.benchmarks.backfill`."""

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import numpy as np

from flaremon import store, wiring
from flaremon.backfill import Backfill, Grid, Model, Tally, find_files, make_grid, make_plan
from flaremon.cache import FileCache
from flaremon.config import JsocSettings, read_settings
from flaremon.database import open_engine, session_scope, upgrade
from flaremon.frames import FrameArchive, to_tenths
from flaremon.gates import screen_magnetogram
from flaremon.jsoc import Jsoc
from flaremon.pipeline import Run
from flaremon.preprocess import FrameSpec, to_frame
from flaremon.times import tai_label_to_utc, utc_now
from tests.benchmarks.processes import Stopwatch, served, watched
from tests.support import rolled, small_suns, suns

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = Path(os.environ.get("FLAREMON_TEST_DATA", ROOT.parent / "shared" / "data"))
LAST = "2024.06.28_00:00:00_TAI"
FULL, SMALL = "hmi.M_720s", "hmi.M_720s_nrt"
MS = 1e3


def say(name: str, value: str, limit: str = "") -> None:
    sys.stdout.write(f"{name:<66} {value:>14} {limit:>12}\n")
    sys.stdout.flush()


def bare(path: Path) -> int:
    """Decode the stored integers, and nothing else."""
    from astropy.io import fits  # noqa: PLC0415

    with fits.open(path, memmap=False, do_not_scale_image_data=True) as hdus:
        return int(hdus[1].data[2048, 2048])


def by_sunpy(path: Path) -> np.ndarray:
    """Return a frame as most people make one."""
    import sunpy.map  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        turned = sunpy.map.Map(path).rotate(order=3, missing=0.0)
    side = min(turned.data.shape) // 512 * 512
    data = np.nan_to_num(turned.data[:side, :side])
    return data.reshape(512, side // 512, 512, side // 512).mean(axis=(1, 3), dtype=np.float32)


def make(folder: Path, base_url: str, models: list[Model], **changes: object) -> Backfill:
    """Return a backfill with state of its own in `folder`."""
    folder.mkdir(exist_ok=True)
    url = f"sqlite:///{folder / 'flaremon.db'}"
    upgrade(url)
    cache = FileCache(folder / "cache", max_bytes=10**11, max_age=timedelta(days=30))
    settings = JsocSettings(base_url=base_url, min_interval_s=0)
    given = {
        "engine": open_engine(url),
        "run": Run(run_id="benchmark", now=utc_now()),
        "frames": FrameArchive(folder / "frames", max_bytes=10**11),
        "source": Jsoc(settings, cache, background=True),
        "cache": cache,
        "workers": 2,
    }
    return Backfill(models=models, **(given | changes))  # type: ignore[arg-type]


def newest(series: str, n: int) -> Grid:
    end = tai_label_to_utc(LAST) + timedelta(seconds=1)
    return make_grid(series, end - timedelta(seconds=720 * n), end, now=utc_now())


def sources(folder: Path) -> tuple[str, list[Path]]:
    real = sorted((DATA / "fits").glob("*.fits"))
    if real:
        return "real", real
    return "synthetic", suns.archive(folder, 3, series=FULL, quality=0)


def floor(paths: Sequence[Path]) -> tuple[float, float]:
    """Return the rate of the bare decode in two processes, and its processor time per file, s."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        list(pool.map(bare, paths[:4]))
        watch = Stopwatch()
        list(pool.map(bare, paths))
        wall, _, below, _ = watch.read()
    return len(paths) / wall, below / len(paths)


def full_size(folder: Path, models: list[Model], n: int, sunpy_files: int) -> None:
    """Compare a backfill of files with the bare decode, and the archive with the files."""
    kind, few = sources(folder / "sources")
    paths = rolled.archive(few, folder / "full", n, series=FULL, last=LAST)
    # Code is compiled once per machine.
    subprocess.run([sys.executable, "-c", "import flaremon.backfill.preloaded"], check=True)
    floor_rate, floor_cpu = floor(paths)
    say(f"(a) bare astropy decode of {n} {kind} files, two processes", f"{floor_rate:.2f}/s")
    say("    processor time per file", f"{floor_cpu * MS:.0f} ms")
    with served(folder / "full") as replica:
        work = make(folder / "files", replica.base_url, models)
        chunks = work.plan(newest(FULL, n)).chunks
        tally = Tally(planned=n)
        with watched(lambda: tally.done, without=replica.pid) as samples:
            watch = Stopwatch(replica)
            work.work_off(chunks, tally=tally)
            wall, ours, below, beside = watch.read()
    if tally.predicted != n:
        raise SystemExit(tally.in_words())
    rate = n / wall
    say(f"backfill of {n} {kind} files through a replica, two workers", f"{rate:.2f}/s")
    say("    over (a)", f"{rate / floor_rate:.2f}", ">= 0.6")
    say("    processor time per file: this process", f"{ours / n * MS:.0f} ms")
    say("    processor time per file: workers, their start included", f"{below / n * MS:.0f} ms")
    say("    processor time per file: replica", f"{beside / n * MS:.0f} ms")
    every = (ours + below + beside) / n
    say("    (a) over it in processor time, replica counted", f"{floor_cpu / every:.2f}", ">= 0.6")
    without = (ours + below) / n
    say("    (a) over it in processor time, without replica", f"{floor_cpu / without:.2f}")
    tell_memory(samples, n, every=max(1, n // 4))
    stages(paths[:6])
    rescoring(folder, work, n, rate)
    if sunpy_files:
        loop(paths[:sunpy_files], models[0], rate)


def stages(paths: Sequence[Path]) -> None:
    """Show what a worker does with a file; the least of some."""
    from flaremon.fits import reading  # noqa: PLC0415
    from flaremon.fits.identity import check_statistics  # noqa: PLC0415

    least: dict[str, float] = {}

    def timed(name: str, began: float) -> None:
        least[name] = min(least.get(name, 1e9), time.process_time() - began)

    for path in paths:
        began = time.process_time()
        bare(path)
        timed("astropy's decoder, for comparison", began)
        began = time.process_time()
        pixels, header = reading._decode(path, required=True)
        timed("file to integers", began)
        began = time.process_time()
        field = reading._to_gauss(pixels, header)
        timed("integers to gauss", began)
        began = time.process_time()
        check_statistics(field, header, reading.geometry_from(header), definitive=True)
        timed("are they the record's?", began)
        magnetogram = reading.read_fits(path)
        began = time.process_time()
        screen_magnetogram(magnetogram)
        timed("gates", began)
        began = time.process_time()
        to_tenths(to_frame(magnetogram, FrameSpec()))
        timed("standard frame", began)
    for name, spent_s in least.items():
        say(f"    one thread: {name}", f"{spent_s * MS:.1f} ms")


def rescoring(folder: Path, work: Backfill, n: int, rate: float) -> None:
    """Score the same history from the archive of frames, into an empty database."""
    slots = newest(FULL, n).slots
    url = f"sqlite:///{folder / 'again.db'}"
    upgrade(url)
    with session_scope(work.engine) as session:
        records = list(store.stored_records(session, slots).values())
    again = Backfill(
        engine=open_engine(url), models=work.models, run=work.run, frames=work.frames, workers=0
    )
    with session_scope(again.engine) as session:
        store.add_records(
            session, records, source="x", base_url="x", run_id="x", listed_at=utc_now()
        )
    began = time.perf_counter()
    tally = again.rescore(slots)
    fast = tally.predicted / (time.perf_counter() - began)
    say(f"rescoring {tally.predicted} of them from the archive of frames", f"{fast:.1f}/s")
    say("    over the rate from files", f"{fast / rate:.1f}", ">= 10")


def loop(paths: Sequence[Path], model: Model, rate: float) -> None:
    """Do as most people do."""
    began = time.perf_counter()
    for path in paths:
        frame = np.clip(by_sunpy(path), -250, 250) / np.float32(250)
        model.predictor.predict(frame[None, None])
    slow = len(paths) / (time.perf_counter() - began)
    say(f"(b) sunpy Map, rotate(order=3), block mean, network; {len(paths)} files",
        f"{slow:.3f}/s")  # fmt: skip
    say("    backfill over (b)", f"{rate / slow:.1f}", ">= 15")


def pictures(folder: Path, models: list[Model], n: int) -> None:
    """Score a folder of real pictures."""
    source = DATA / "hmi_jpg"
    if not source.is_dir():
        say("pictures by --from-dir", f"none in {DATA}")
        return
    found = find_files(source)[:n]
    work = make(folder / "pictures", "http://127.0.0.1:9", models)
    tally = Tally(planned=len(found))
    watch = Stopwatch()
    work.work_off_files(found, source, tally=tally)
    wall, ours, below, _ = watch.read()
    spent = f"{tally.done / wall:.1f}/s"
    say(f"{tally.predicted} of {len(found)} real pictures by --from-dir, two workers", spent)
    say("    wall clock", f"{wall:.1f} s")
    say("    processor time per picture: this process, workers",
        f"{ours / tally.done * MS:.0f}, {below / tally.done * MS:.0f} ms")  # fmt: skip


def tell_memory(samples: list[tuple[int, float]], n: int, *, every: int) -> None:
    """Show the peak memory of all processes but the replica, over the slots done."""
    for first in range(0, n, every):
        held = [mb for done, mb in samples if first <= done < first + every]
        if held:
            say(f"    peak memory, slots {first} to {min(first + every, n)}",
                f"{max(held):.0f} MB", "<= 1500 MB")  # fmt: skip


def memory(folder: Path, models: list[Model], n: int) -> None:
    """Watch memory over a long backfill of small records."""
    small_suns.archive(folder / "small", small_suns.labels(n, end=LAST), series=SMALL)
    with served(folder / "small") as replica:
        work = make(folder / "memory", replica.base_url, models, decode=small_suns.decode)
        chunks = work.plan(newest(SMALL, n)).chunks
        tally = Tally(planned=n)
        began = time.perf_counter()
        with watched(lambda: tally.done, without=replica.pid) as samples:
            work.work_off(chunks, tally=tally)
        rate = tally.predicted / (time.perf_counter() - began)
    say(f"backfill of {n} small records, two workers", f"{rate:.1f}/s")
    tell_memory(samples, n, every=200)
    early = max(mb for done, mb in samples if done < 200)
    late = max((mb for done, mb in samples if done >= 200), default=early)
    say("    growth after the first 200", f"{late - early:+.0f} MB", "none")


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


def measure(given: argparse.Namespace) -> None:
    """Measure what was asked for, and print a table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = [Model(predictor=wiring.predictor(read_settings(device="cpu")))]
        if given.files:
            full_size(folder, models, given.files, given.sunpy)
        if given.pictures:
            pictures(folder, models, given.pictures)
        if given.slots:
            memory(folder, models, given.slots)
        if given.planning:
            planning()
