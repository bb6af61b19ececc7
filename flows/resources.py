"""From the settings of this machine to engines, sources, packages and predictors.

Every task opens what it needs here and closes it again; only the predictor is kept, since
loading it takes seconds.
"""

from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from flaremon.cache import FileCache
from flaremon.config import Settings
from flaremon.database import check_schema, open_engine
from flaremon.errors import ModelError
from flaremon.jsoc import Jsoc
from flaremon.package import ModelPackage, find_package, load_package, shipped_models

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from flaremon.inference import Predictor


@contextmanager
def ready_engine(settings: Settings) -> "Iterator[Engine]":
    """Open the database and close it again.

    Raises
    ------
    SchemaMismatchError
        The database is at another version; a run never migrates it.
    StoreUnavailableError
        It cannot be reached.
    """
    engine = open_engine(settings.database_url.get_secret_value())
    try:
        check_schema(engine)
        yield engine
    finally:
        engine.dispose()


def source(settings: Settings) -> Jsoc:
    """Return the source of records; it connects when it is first asked."""
    return Jsoc(settings.jsoc, file_cache(settings))


def file_cache(settings: Settings) -> FileCache:
    """Return the cache of downloaded files."""
    return FileCache(
        settings.cache.dir,
        max_bytes=int(settings.cache.max_gb * 1e9),
        max_age=timedelta(days=settings.cache.max_age_days),
    )


def package(settings: Settings) -> ModelPackage:
    """Return the package of the configured model, without its weights.

    Raises
    ------
    ModelError
        If it is missing or malformed.
    """
    return find_package(settings.models_dir or shipped_models(), settings.model_id)


def predictor(settings: Settings) -> "Predictor":
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

    model = load_package(folder)
    if model.weights_sha256 != weights_sha256:
        raise ModelError(f"{folder} was replaced while it was being loaded; run again")
    return Predictor(model, device=device, batch_size=batch_size)
