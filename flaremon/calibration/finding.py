"""Which calibrator a model uses, and the file of one in a model package.

A package folder may hold ``calibration.json``::

    {"fitted_at": "2026-11-24T10:00:00Z", "sha256": "...", "document": {...}}

The hash is that of the document (see `flaremon.calibration.document`), so a change of one digit is
noticed; ``model.toml`` knows nothing of the file, and a package can get one later.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flaremon import store
from flaremon.calibration.calibrator import Calibrator
from flaremon.calibration.document import as_document, from_document
from flaremon.domain import ModelId
from flaremon.errors import ConfigurationError, ModelError
from flaremon.times import iso_z

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.orm import Session

    from flaremon.package import ModelPackage

FILE = "calibration.json"


def find_calibrator(
    session: "Session", package: "ModelPackage", *, choice: str
) -> Calibrator | None:
    """Return the calibrator that a model is to use.

    Parameters
    ----------
    choice : str
        ``auto``: the newest stored one, else the package's own, else none. ``none``: none. Or the
        id of one of the two kinds.

    Raises
    ------
    ConfigurationError
        There is none with this id for this model.
    ModelError
        It is damaged, or of other weights.
    """
    if choice == "none":
        return None
    stored = store.calibrator_documents(session, model=package.id)
    if choice == "auto":
        if stored:
            return _checked(_stored(*stored[0]), package)
        return package_calibrator(package)
    for sha256, document, fitted_at in stored:
        if sha256.startswith(choice):
            return _checked(_stored(sha256, document, fitted_at), package)
    shipped = package_calibrator(package)
    if shipped is not None and shipped.id == choice:
        return shipped
    raise ConfigurationError(
        f"{package.id} has no calibrator {choice}; `flaremon calibrators` lists those there are"
    )


def stored_calibrators(session: "Session", *, model: ModelId | None = None) -> list[Calibrator]:
    """Return all stored calibrators, newest first.

    Raises
    ------
    ModelError
        One is damaged.
    """
    return [_stored(*row) for row in store.calibrator_documents(session, model=model)]


def package_calibrator(package: "ModelPackage") -> Calibrator | None:
    """Return the calibrator that a package brings; None if it brings none.

    Raises
    ------
    ModelError
        The file is damaged, or of another model or other weights.
    """
    path = package.folder / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as exc:
        raise ModelError(f"{path} cannot be read: {exc}") from exc
    return _checked(read_calibrator(text, path), package)


def without_database(package: "ModelPackage", *, choice: str) -> Calibrator | None:
    """Return the calibrator of a package for files that are scored without a database.

    None for a network that reads recent flares: nobody tells it any, and what it says without them
    is left as it is.

    Raises
    ------
    ConfigurationError
        Another one than the package's was asked for by its id.
    ModelError
        It is damaged.
    """
    found = None if choice == "none" else package_calibrator(package)
    if choice not in {"auto", "none"} and (found is None or found.id != choice):
        raise ConfigurationError(
            f"{package.folder} does not hold calibrator {choice}; without a database there is no "
            "other, so set FLAREMON_CALIBRATOR to auto or none"
        )
    return None if package.reads_activity else found


def read_calibrator(text: str, path: "Path") -> Calibrator:
    """Read the text of a calibrator's file.

    Raises
    ------
    ModelError
        It is no calibrator, or was changed after it was written.
    """
    try:
        table = json.loads(text)
        # Not times.parse_utc: it would import astropy for a form that is only ever ISO's.
        fitted_at = datetime.fromisoformat(table["fitted_at"])
        if fitted_at.tzinfo is None:
            raise ValueError(f"fitted_at {fitted_at} has no time zone")  # noqa: TRY301
        return _stored(table["sha256"], table["document"], fitted_at)
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise ModelError(f"{path} holds no calibrator: {exc!r}") from exc
    except ModelError as exc:
        raise ModelError(f"{path}: {exc}") from exc


def to_text(calibrator: Calibrator) -> str:
    """Write a calibrator's file."""
    table = {
        "fitted_at": iso_z(calibrator.fitted_at),
        "sha256": calibrator.sha256,
        "document": as_document(calibrator),
    }
    return json.dumps(table, indent=1, allow_nan=False) + "\n"


def _stored(sha256: str, document: Mapping[str, Any], fitted_at: datetime) -> Calibrator:
    calibrator = from_document(document, fitted_at=fitted_at)
    if calibrator.sha256 != sha256:
        raise ModelError(
            f"calibrator {sha256[:12]} was altered: its document has SHA-256 {calibrator.id}..."
        )
    return calibrator


def _checked(calibrator: Calibrator, package: "ModelPackage") -> Calibrator:
    if (calibrator.model, calibrator.weights_sha256) != (str(package.id), package.weights_sha256):
        weights = (calibrator.weights_sha256 or "none")[:12]
        raise ModelError(
            f"calibrator {calibrator.id} is of {calibrator.model} with weights {weights}, not of "
            f"{package.id} with weights {package.weights_sha256[:12]}; fit it again or set "
            "FLAREMON_CALIBRATOR=none"
        )
    return calibrator
