"""A backfill of small records, in this process or, to be killed, in one of its own.

``python -m support.backfills URL BASE_URL FOLDER FIRST LAST [--kill-at N]`` works off a range and,
with ``--kill-at N``, sends itself SIGKILL before statement N of the database.
"""

import argparse
import os
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from flaremon.backfill import Backfill, Grid, Model, make_grid
from flaremon.cache import FileCache
from flaremon.config import JsocSettings
from flaremon.database import open_engine
from flaremon.frames import FrameArchive
from flaremon.inference import Predictor
from flaremon.jsoc import Jsoc
from flaremon.package import load_package
from flaremon.pipeline import Run
from flaremon.preprocess import FrameSpec
from flaremon.times import tai_label_to_utc, utc_now
from support import small_suns
from support.packages import write_package
from support.slots import contents

SERIES = "hmi.M_720s_nrt"
FRAME = FrameSpec(size_px=128)

_OF_THE_MOMENT = frozenset(
    {"issued_at", "latency_s", "listed_at", "fetched_at", "decided_at", "registered_at"}
    | {"seen_at", "run_id", "base_url", "file_url", "began_at", "ended_at"}
)


def facts(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table without the times and the run that wrote it."""
    return {
        table: [tuple(item for item in row if item[0] not in _OF_THE_MOMENT) for row in found]
        for table, found in contents(engine).items()
    }


def model(folder: Path, **changes: Any) -> Model:
    """Return a tiny network for small frames, the same in every process; made if need be."""
    name = changes.pop("name", "tiny-cnn")
    made = folder / "models" / name / "0.0.1"
    if made.exists():
        package = load_package(made)
    else:
        package = write_package(folder / "models", frame=FRAME, name=name, **changes)
    return Model(predictor=Predictor(package, device="cpu", batch_size=4))


def backfill(
    engine: Engine, base_url: str, folder: Path, *, models: list[Model], **changes: Any
) -> Backfill:
    """Return a backfill with cache and archive below `folder`."""
    jsoc = {"min_interval_s": 0.0, "deadline_s": 20.0, "attempts": 3, **changes.pop("jsoc", {})}
    cache = FileCache(folder / "cache", max_bytes=10**9, max_age=timedelta(days=30))
    given = {
        "workers": 0,
        "frames": FrameArchive(folder / "frames", max_bytes=10**9),
        "source": Jsoc(JsocSettings(base_url=base_url, **jsoc), cache, background=True),
        "cache": cache,
        "decode": small_suns.decode,
        "run": Run(run_id="backfill-test", now=utc_now()),
        "first_pause_s": 0.1,
        "outage_s": 1.0,
    }
    return Backfill(engine=engine, models=models, **(given | changes))


def count_steps(engine: Engine, *, kill_at: int = 0) -> list[int]:
    """Return a list whose one number counts statements and commits; at `kill_at` we die."""
    steps = [0]

    def count(*_: Any) -> None:
        steps[0] += 1
        if steps[0] == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(engine, "before_cursor_execute", count)
    event.listen(engine, "commit", count)
    return steps


def grid_of(first: str, last: str) -> Grid:
    """Return the slots from one label to another, both included."""
    end = tai_label_to_utc(last) + timedelta(seconds=1)
    return make_grid(SERIES, tai_label_to_utc(first), end, now=utc_now())


def main() -> None:
    """Work off a range; die on cue."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("base_url")
    parser.add_argument("folder", type=Path)
    parser.add_argument("first")
    parser.add_argument("last")
    parser.add_argument("--kill-at", type=int, default=0)
    given = parser.parse_args()
    engine = open_engine(given.url)
    count_steps(engine, kill_at=given.kill_at)
    work = backfill(engine, given.base_url, given.folder, models=[model(given.folder)])
    work.work_off(work.plan(grid_of(given.first, given.last)).chunks)


if __name__ == "__main__":
    main()
