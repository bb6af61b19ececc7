"""Settings to engines, sources, packages and predictors; the command line and the flows use it.

Whatever is slow to import is imported when it is first asked for.
"""

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from flaremon.database.opening import (
    missing_database,
    opened,
    opened_or_empty,
    reading_engine,
    ready_engine,
)
from flaremon.errors import ConfigurationError, StoreFullError
from flaremon.serving.packages import (
    answering,
    calibrating,
    calibrator,
    calibrator_of,
    models_dir,
    package,
    predictor,
    promotions,
    serving,
    settled,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy import Engine

    from flaremon.backfill import Backfill, Chunk, Tally
    from flaremon.cache import FileCache
    from flaremon.config import Settings
    from flaremon.domain import ModelId, Record, StoredFile
    from flaremon.frames import FrameArchive
    from flaremon.goes import Swpc
    from flaremon.job import Shadow
    from flaremon.jsoc import Jsoc
    from flaremon.pipeline import KeepFrame, Run
    from flaremon.regions import Tools

__all__ = [
    "answering",
    "backfill",
    "backfill_days",
    "calibrating",
    "calibrator",
    "calibrator_of",
    "explaining",
    "file_cache",
    "frame_archive",
    "frame_keeper",
    "missing_database",
    "models_dir",
    "opened",
    "opened_or_empty",
    "package",
    "predictor",
    "promotions",
    "reading_engine",
    "ready_engine",
    "serving",
    "settled",
    "shadows",
    "source",
    "swpc",
]
log = logging.getLogger(__name__)


def file_cache(settings: "Settings") -> "FileCache":
    """Return the cache of downloaded files."""
    from flaremon.cache import FileCache  # noqa: PLC0415

    return FileCache(
        settings.cache.dir,
        max_bytes=int(settings.cache.max_gb * 1e9),
        max_age=timedelta(days=settings.cache.max_age_days),
    )


def source(settings: "Settings", *, background: bool = False) -> "Jsoc":
    """Return the source of records; it connects when it is first asked.

    Parameters
    ----------
    background : bool
        Stand behind the live job of this machine, as a backfill does.
    """
    from flaremon.jsoc import Jsoc  # noqa: PLC0415

    return Jsoc(settings.jsoc, file_cache(settings), background=background)


def frame_archive(settings: "Settings") -> "FrameArchive | None":
    """Return the archive of standard frames; None where none are kept."""
    from flaremon.frames import FrameArchive  # noqa: PLC0415

    if not settings.frames.keep:
        return None
    return FrameArchive(settings.frames.dir, max_bytes=int(settings.frames.max_gb * 1e9))


def frame_keeper(settings: "Settings") -> "KeepFrame | None":
    """Return what archives the frames of the live job; None where none are kept.

    An archive that cannot be written is logged and does not cost the answer.
    """
    from flaremon.backfill.scoring import frame_of  # noqa: PLC0415
    from flaremon.frames import to_tenths  # noqa: PLC0415

    archive = frame_archive(settings)
    if archive is None:
        return None
    spec = package(settings).frame

    def keep(record: "Record", file: "StoredFile", frame: "NDArray[np.float32]") -> None:
        try:
            archive.put(frame_of(record, file, to_tenths(frame)), spec)
        except (StoreFullError, ConfigurationError) as exc:
            log.warning("the frame of %s is not archived: %s", record.key, exc)

    return keep


def swpc(settings: "Settings") -> "Swpc":
    """Return the source of what GOES observed; it connects when it is first asked."""
    from flaremon.goes import Swpc  # noqa: PLC0415

    return Swpc(settings.swpc, settings.cache.dir)


def shadows(settings: "Settings") -> "list[Shadow]":
    """Return the models that score silently beside the one that answers.

    Nothing of them is read here: what is wrong with one is found out while it is guarded.

    Parameters
    ----------
    settings : Settings
        As `settled`; the model that answers is no shadow of itself.
    """
    from flaremon.job import Shadow  # noqa: PLC0415

    def shadow(model: "ModelId") -> Shadow:
        own = settings.model_copy(
            update={
                "model": str(model),
                # The id of a calibrator is one of the model that answers.
                "calibrator": "none" if settings.calibrator == "none" else "auto",
            }
        )
        return Shadow(
            model=model,
            load_package=lambda: package(own),
            load_predictor=lambda: predictor(own),
            calibrating=calibrating(own),
        )

    return [shadow(model) for model in settings.shadows if str(model) != settings.model]


def explaining(settings: "Settings") -> "Tools":
    """Return what it takes to say which regions answers of any model are from."""
    from flaremon.regions import Tools  # noqa: PLC0415

    def of(model: "ModelId") -> "Settings":
        return settings.model_copy(update={"model": str(model)})

    return Tools(
        package=lambda model: package(of(model)),
        predictor=lambda model: predictor(of(model)),
        frames=frame_archive(settings),
    )


def backfill(
    per_model: "Sequence[Settings]", engine: "Engine", *, run: "Run", workers: int
) -> "Backfill":
    """Return what a backfill works with.

    Parameters
    ----------
    per_model : sequence of Settings
        One per model, equal but for that; the networks are loaded here.
    workers : int
        Processes that decode.

    Raises
    ------
    ModelError, ConfigurationError
        A model or the device is missing.
    """
    from flaremon.backfill import Backfill, Model  # noqa: PLC0415

    settings = per_model[0]
    return Backfill(
        engine=engine,
        models=[
            # One model for both, whatever is promoted meanwhile.
            Model(predictor=predictor(s, background=True), calibrating=calibrating(s))
            for s in (settled(s, engine) for s in per_model)
        ],
        run=run,
        workers=workers,
        frames=frame_archive(settings),
        source=source(settings, background=True),
        cache=file_cache(settings),
    )


def backfill_days(
    chunks: "Sequence[Chunk]",
    *,
    series: str,
    models: "Sequence[str]",
    workers: int = 0,
    run_id: str | None = None,
) -> "Tally":
    """Work off some days with the settings of this machine: what a worker of a cluster does.

    Raises
    ------
    FlaremonError
        Settings, database, disk or model fail for good.
    """
    from flaremon.config import read_settings  # noqa: PLC0415
    from flaremon.pipeline import Run, new_run_id  # noqa: PLC0415
    from flaremon.times import utc_now  # noqa: PLC0415

    configs = [read_settings(model=model, jsoc={"series": series}) for model in models]
    now = utc_now()
    run = Run(
        run_id=run_id or new_run_id("backfill", now),
        now=now,
        live_within=timedelta(hours=configs[0].live_within_h),
    )
    with opened(configs[0]) as engine:
        return backfill(configs, engine, run=run, workers=workers).work_off(chunks)
