"""Settings to engines, sources, packages and predictors; the command line and the flows use it.

Whatever is slow to import is imported when it is first asked for.
"""

from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from flaremon.errors import ModelError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from flaremon.cache import FileCache
    from flaremon.config import Settings
    from flaremon.goes import Swpc
    from flaremon.inference import Predictor
    from flaremon.jsoc import Jsoc
    from flaremon.package import ModelPackage


def ready_engine(settings: "Settings") -> "Engine":
    """Open the database; the caller disposes of the engine.

    A SQLite file that does not exist yet is made, since there is nothing in it to lose; a
    schema that exists is never changed on the way.

    Raises
    ------
    SchemaMismatchError
        The database is at another version; the message has the command to run.
    StoreError
        It cannot be opened.
    """
    from flaremon.database import open_engine, sqlite_file, upgrade  # noqa: PLC0415

    url = settings.database_url.get_secret_value()
    file = sqlite_file(url)
    if file is not None and not file.exists():
        upgrade(url)
    engine = open_engine(url)
    return _checked(engine)


def reading_engine(settings: "Settings") -> "Engine":
    """Open the database for questions only: nothing of flaremon's can be written through it.

    On PostgreSQL a role that may only read is enough. SQLite itself must be able to make its
    ``-shm`` file in the folder, unless a writer holds the database open at that moment.

    A SQLite file that does not exist is made as by `ready_engine`, so that a question before
    the first run is answered with "unknown" and not with an error.

    Raises
    ------
    StoreError
        As `ready_engine`.
    """
    from flaremon.database import open_engine, sqlite_file  # noqa: PLC0415

    url = settings.database_url.get_secret_value()
    file = sqlite_file(url)
    if file is None or not file.exists():
        return ready_engine(settings)
    engine = open_engine(url, read_only=True)
    return _checked(engine)


def _checked(engine: "Engine") -> "Engine":
    from flaremon.database import check_schema  # noqa: PLC0415

    try:
        check_schema(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def file_cache(settings: "Settings") -> "FileCache":
    """Return the cache of downloaded files."""
    from flaremon.cache import FileCache  # noqa: PLC0415

    return FileCache(
        settings.cache.dir,
        max_bytes=int(settings.cache.max_gb * 1e9),
        max_age=timedelta(days=settings.cache.max_age_days),
    )


def source(settings: "Settings") -> "Jsoc":
    """Return the source of records; it connects when it is first asked."""
    from flaremon.jsoc import Jsoc  # noqa: PLC0415

    return Jsoc(settings.jsoc, file_cache(settings))


def swpc(settings: "Settings") -> "Swpc":
    """Return the source of what GOES observed; it connects when it is first asked."""
    from flaremon.goes import Swpc  # noqa: PLC0415

    return Swpc(settings.swpc, settings.cache.dir)


def models_dir(settings: "Settings") -> Path:
    """Return the folder of model packages."""
    from flaremon.package import shipped_models  # noqa: PLC0415

    return settings.models_dir or shipped_models()


def package(settings: "Settings") -> "ModelPackage":
    """Return the package of the configured model, without its weights.

    Raises
    ------
    ModelError
        If it is missing or malformed.
    """
    from flaremon.package import find_package  # noqa: PLC0415

    return find_package(models_dir(settings), settings.model_id)


def predictor(settings: "Settings") -> "Predictor":
    """Return the configured model on its device, loaded once per process.

    Raises
    ------
    ModelError
        If its weights are missing, altered or do not fit.
    ConfigurationError
        If the device does not exist.
    """
    model = package(settings)
    return _load(model.folder, model.weights_sha256, settings.device, settings.batch_size)


@cache
def _load(folder: Path, weights_sha256: str, device: str, batch_size: int) -> "Predictor":
    """Load a package once per process; new weights in the same folder are another model."""
    from flaremon.inference import Predictor  # noqa: PLC0415 - imports torch, 1.6 s
    from flaremon.package import load_package  # noqa: PLC0415

    model = load_package(folder)
    if model.weights_sha256 != weights_sha256:
        raise ModelError(f"{folder} was replaced while it was being loaded; run again")
    return Predictor(model, device=device, batch_size=batch_size)
