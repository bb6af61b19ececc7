"""One run of the main job from the command line."""

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from flaremon.config import Settings
    from flaremon.job import Report


def run_once(config: "Settings", engine: "Engine", *, newest_only: bool) -> "Report":
    """Run the main job once, as the flow does it, and tidy the cache."""
    from flaremon import job, wiring
    from flaremon.pipeline import Run, new_run_id
    from flaremon.times import utc_now

    moment = utc_now()
    report = job.run_once(
        job.Job(
            source=wiring.source(config),
            engine=engine,
            package=wiring.package(config),
            load_predictor=lambda: wiring.predictor(config),
            series=config.jsoc.series,
            lookback=timedelta(hours=config.jsoc.lookback_h),
            keep_frame=wiring.frame_keeper(config),
            calibrating=wiring.calibrating(config),
            catalog=config.truth.catalog,
        ),
        Run(
            run_id=new_run_id("cli", moment),
            now=moment,
            live_within=timedelta(hours=config.live_within_h),
        ),
        newest_only=newest_only,
    )
    wiring.file_cache(config).prune(now=moment)
    frames = wiring.frame_archive(config)
    if frames is not None:
        frames.prune_if_due(now=moment)
    return report
