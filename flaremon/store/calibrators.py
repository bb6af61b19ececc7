"""Calibrators of models: documents that are added and never changed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from flaremon.domain import ModelId
from flaremon.errors import StoreError
from flaremon.schema import CalibratorRow, ModelRow
from flaremon.store.rows import insert, model_row_id


def add_calibrator(
    session: Session,
    *,
    model: ModelId,
    document: Mapping[str, Any],
    sha256: str,
    fitted_at: datetime,
    now: datetime,
) -> bool:
    """Store a calibrator of a registered model; the same document again changes nothing.

    Parameters
    ----------
    document : mapping
        As `flaremon.calibration` writes it.
    sha256 : str
        Of the document, 64 digits.
    fitted_at, now : datetime
        When it was fitted, and when it is stored.

    Returns
    -------
    bool
        Whether it is new.

    Raises
    ------
    StoreError
        If the model was never registered: it has no stored predictions either.
    """
    model_id = model_row_id(session, model)
    if model_id is None:
        raise StoreError(
            f"calibrator {sha256[:12]}: its model {model} is not in this database; run it first"
        )
    row = {
        "model_id": model_id,
        "sha256": sha256,
        "document": dict(document),
        "fitted_at": fitted_at,
        "registered_at": now,
    }
    statement = (
        insert(session, CalibratorRow)
        .on_conflict_do_nothing(index_elements=["sha256"])
        .returning(CalibratorRow.__table__.c.id)
    )
    return bool(session.execute(statement, [row]).all())


def calibrator_documents(
    session: Session, *, model: ModelId | None = None
) -> list[tuple[str, Mapping[str, Any], datetime]]:
    """Return SHA-256, document and time of fitting of the calibrators of a model, newest first.

    Parameters
    ----------
    model : ModelId, optional
        By default those of all models.
    """
    statement = select(
        CalibratorRow.sha256, CalibratorRow.document, CalibratorRow.fitted_at
    ).order_by(CalibratorRow.fitted_at.desc(), CalibratorRow.id.desc())
    if model is not None:
        statement = statement.join(ModelRow).where(
            ModelRow.name == model.name, ModelRow.version == model.version
        )
    return [(sha256, document, at) for sha256, document, at in session.execute(statement)]
