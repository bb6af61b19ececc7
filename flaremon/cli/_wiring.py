"""Settings to objects: engines, packages, sources. Everything heavy is imported here, late."""

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from flaremon.cache import FileCache
    from flaremon.config import Settings
    from flaremon.inference import Predictor
    from flaremon.package import ModelPackage
    from flaremon.pipeline import Report


def ready_engine(config: "Settings") -> "Engine":
    """Return an engine at the right schema; a SQLite file that does not exist yet is made."""
    from flaremon.database import check_schema, open_engine, sqlite_file, upgrade

    url = config.database_url.get_secret_value()
    file = sqlite_file(url)
    if file is not None and not file.exists():
        upgrade(url)
    engine = open_engine(url)
    check_schema(engine)
    return engine


def models_dir(config: "Settings") -> "Path":
    """Return the folder of model packages."""
    from flaremon.package import shipped_models

    return config.models_dir or shipped_models()


def package(config: "Settings") -> "ModelPackage":
    """Return the package of the configured model."""
    from flaremon.package import find_package

    return find_package(models_dir(config), config.model_id)


def predictor(config: "Settings") -> "Predictor":
    """Load the configured model onto its device."""
    from flaremon.inference import Predictor

    return Predictor(package(config), device=config.device, batch_size=config.batch_size)


def run_once(config: "Settings", *, newest_only: bool) -> "tuple[Report, Engine]":
    """Run the main job once, as the flow does it."""
    from flaremon import pipeline
    from flaremon.jsoc import Jsoc
    from flaremon.times import utc_now

    engine = ready_engine(config)
    moment = utc_now()
    cache = file_cache(config)
    job = pipeline.Job(
        source=Jsoc(config.jsoc, cache),
        engine=engine,
        package=package(config),
        load_predictor=lambda: predictor(config),
        series=config.jsoc.series,
        lookback=timedelta(hours=config.jsoc.lookback_h),
    )
    run = pipeline.Run(
        run_id=pipeline.new_run_id("cli", moment),
        now=moment,
        live_within=timedelta(hours=config.live_within_h),
    )
    report = pipeline.run_once(job, run, newest_only=newest_only)
    cache.prune(now=moment)
    return report, engine


def file_cache(config: "Settings") -> "FileCache":
    """Return the cache of downloaded files."""
    from flaremon.cache import FileCache

    return FileCache(
        config.cache.dir,
        max_bytes=int(config.cache.max_gb * 1e9),
        max_age=timedelta(days=config.cache.max_age_days),
    )
