"""Settings to packages, predictors and calibrators of the model that answers.

Whoever loads a model comes here, so that there is one answer to which one it is.
"""

from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from flaremon import store
from flaremon.calibration import Calibrating, Calibrator, find_calibrator, without_database
from flaremon.database import open_engine, session_scope
from flaremon.errors import ConfigurationError, ModelError, SchemaMismatchError, StoreError
from flaremon.package import find_package, load_package, shipped_models
from flaremon.politeness import Way
from flaremon.serving.choosing import (
    Serving,
    blaming,
    by_promotion,
    by_setting,
    in_force,
    kept,
)
from flaremon.store import Promotion

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from flaremon.config import Settings
    from flaremon.inference import Predictor
    from flaremon.package import ModelPackage


def models_dir(settings: "Settings") -> Path:
    """Return the folder of model packages."""
    return settings.models_dir or shipped_models()


def serving(settings: "Settings", engine: "Engine | None" = None) -> "Serving":
    """Return which model answers: a setting, else the newest promotion, else the one that ships.

    Whoever loads a model asks here, or by one of the functions below.

    Parameters
    ----------
    engine : Engine, optional
        Of the database, where it is open already; otherwise it is opened for this question.

    Raises
    ------
    StoreError
        The database cannot be asked; with a model in the settings it need not be.
    """
    if settings.model is not None:
        return by_setting(settings.model)
    if engine is not None:
        with session_scope(engine) as session:
            return by_promotion(session)
    return in_force(promotions(settings, limit=1))


def promotions(settings: "Settings", *, limit: int | None = None) -> list[Promotion]:
    """Return the promotions in the database of the settings, the newest first.

    Without a database, without tables or with an older schema there is none: nobody can have
    promoted anything. Nothing is made on the way.

    Raises
    ------
    StoreError
        The database cannot be asked.
    """
    try:
        engine = open_engine(settings.database_url.get_secret_value(), read_only=True)
        try:
            with session_scope(engine) as session:
                return store.promotions(session, limit=limit)
        finally:
            engine.dispose()
    except SchemaMismatchError:
        return []


def answering(settings: "Settings", engine: "Engine | None" = None) -> Serving:
    """Return which model answers, as `serving`, having seen that a promoted one is still itself.

    Raises
    ------
    StoreError
        As `serving`.
    ModelError
        The promoted package is missing, malformed, or was altered since; names the promotion.
    """
    found = serving(settings, engine)
    if found.promotion is not None:
        with blaming(found):
            promoted = find_package(models_dir(settings), found.model)
        kept(found, promoted)
    return found


def settled(settings: "Settings", engine: "Engine | None" = None) -> "Settings":
    """Return the settings with the model that answers in them, for all of a run.

    A promotion in the middle of a run waits for the next one: what was scored by one model must
    not be calibrated or stored as another's.

    Raises
    ------
    StoreError, ModelError
        As `answering`.
    """
    if settings.model is not None:
        return settings
    return settings.model_copy(update={"model": str(answering(settings, engine).model)})


def package(settings: "Settings") -> "ModelPackage":
    """Return the package of the model that answers, without its weights.

    Raises
    ------
    ModelError
        If it is missing or malformed, or was altered since it was promoted.
    StoreError
        As `serving`.
    """
    return find_package(models_dir(settings), answering(settings).model)


def calibrator(settings: "Settings", session: "Session") -> "Calibrator | None":
    """Return the calibrator that the model that answers is to use; None for none.

    Raises
    ------
    ConfigurationError
        There is none with the configured id.
    ModelError
        It, or the model package, is damaged.
    """
    return find_calibrator(session, package(settings), choice=settings.calibrator)


def calibrator_of(settings: "Settings", package: "ModelPackage") -> "Calibrator | None":
    """Return the calibrator that a package at hand would use; without a database its own.

    A configured id is that of the model that answers: another one uses none then.

    Raises
    ------
    ModelError
        It is damaged, or of other weights.
    StoreError
        The database cannot be asked.
    """
    choice = settings.calibrator
    try:
        with suppress(ConfigurationError):
            engine = open_engine(settings.database_url.get_secret_value(), read_only=True)
            try:
                with session_scope(engine) as session:
                    return find_calibrator(session, package, choice=choice)
            finally:
                engine.dispose()
    except SchemaMismatchError:
        with suppress(ConfigurationError):
            return without_database(package, choice=choice)
    return None


def calibrating(settings: "Settings") -> "Calibrating":
    """Return how predictions are calibrated before they are stored."""
    fixed = settled(settings)
    return Calibrating(
        find=lambda session: calibrator(fixed, session), catalog=settings.truth.catalog
    )


def predictor(settings: "Settings", *, background: bool = False) -> "Predictor":
    """Return the model that answers on its device, loaded once per process.

    Parameters
    ----------
    background : bool
        Let the live job of this machine go first on the device, batch by batch.

    Raises
    ------
    ModelError
        If its weights are missing, altered or do not fit; names the promotion by which the model
        answers, if it does by one.
    ConfigurationError
        If the device does not exist.
    """
    model = package(settings)
    try:
        return _load(
            model.folder,
            model.weights_sha256,
            settings.device,
            settings.batch_size,
            Way(settings.cache.dir, background=background),
        )
    except ModelError:
        with suppress(StoreError):  # the first error is the one to tell
            promoted = serving(settings.model_copy(update={"model": None}))
            if promoted.model == model.id:
                with blaming(promoted):
                    raise
        raise


@cache
def _load(folder: Path, weights_sha256: str, device: str, batch_size: int, way: Way) -> "Predictor":
    """Load a package once per process; new weights in the same folder are another model."""
    from flaremon.inference import Predictor  # noqa: PLC0415 - imports torch, 1.6 s

    model = load_package(folder)
    if model.weights_sha256 != weights_sha256:
        raise ModelError(f"{folder} was replaced while it was being loaded; run again")
    return Predictor(model, device=device, batch_size=batch_size, turn=way.turn)
