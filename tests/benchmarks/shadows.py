"""What shadows cost the main job: ``python -m tests.benchmarks.shadows [--records N]``.

CPU time of one process per record, files in the cache and networks loaded, so that what is left is
reading, making frames, scoring and storing. A shadow that looks at the frame of the model that
answers costs its network and its rows; one that looks at another frame costs that frame too.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from flaremon import job as main_job
from flaremon import wiring
from flaremon.cli._now import run_once
from flaremon.config import read_settings
from flaremon.preprocess import FrameSpec
from flaremon.replica import Replica
from tests.support import suns
from tests.support.packages import write_package

MAIN = "tiny-main@1.0.0"
CASES = {
    "alone": "",
    "one shadow, the same frame": "tiny-twin@1.0.0",
    "one shadow, a frame of its own": "tiny-small@1.0.0",
    "both": "tiny-twin@1.0.0,tiny-small@1.0.0",
}


def shelf(folder: Path) -> None:
    """Write three packages with small networks."""
    write_package(folder, name="tiny-main", version="1.0.0")
    write_package(folder, name="tiny-twin", version="1.0.0", seed=1)
    small = FrameSpec(size_px=256)
    write_package(folder, name="tiny-small", version="1.0.0", seed=2, frame=small)


def per_record(shadow: str, database: Path) -> tuple[float, main_job.Report]:
    """Run the main job on an empty database; CPU s per record."""
    url = f"sqlite:///{database}"
    os.environ["FLAREMON_DATABASE_URL"] = url
    settings = read_settings(shadow=shadow)
    for model in (MAIN, *map(str, settings.shadows)):
        wiring.predictor(settings.model_copy(update={"model": model}))
    with wiring.opened(settings) as engine:
        start = time.process_time()
        report = run_once(settings, engine, newest_only=False)
        spent = time.process_time() - start
    return spent / len({p.key for p in report.predictions}), report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=12)
    n = parser.parse_args().records
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        suns.archive(folder / "archive", n)
        shelf(folder / "models")
        with Replica(folder / "archive", latest_as_now=True) as server:
            os.environ.update(
                {
                    "FLAREMON_JSOC__BASE_URL": server.base_url,
                    "FLAREMON_JSOC__MIN_INTERVAL_S": "0",
                    "FLAREMON_CACHE__DIR": str(folder / "cache"),
                    "FLAREMON_FRAMES__DIR": str(folder / "frames"),
                    "FLAREMON_MODELS_DIR": str(folder / "models"),
                    "FLAREMON_MODEL": MAIN,
                    "FLAREMON_DEVICE": "cpu",
                }
            )
            per_record("", folder / "warm.db")  # fills the cache, compiles the resampling
            alone = 0.0
            for number, (case, shadow) in enumerate(CASES.items()):
                spent, report = per_record(shadow, folder / f"{number}.db")
                alone = alone or spent
                assert all(told.error is None for told in report.shadows), report.shadows
                sys.stdout.write(f"{case:<34} {spent:.3f} s per record, x {spent / alone:.2f}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
