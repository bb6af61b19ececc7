"""Which model was made the one that answers, when, by whom and why: added, never changed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from flaremon.domain import FlareEvent, ModelId
from flaremon.errors import StoreError
from flaremon.schema import ModelRow, PromotionRow
from flaremon.store.rows import model_row_id, storable
from flaremon.times import iso_z


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """The decision that a model answers from now on."""

    model: ModelId
    weights_sha256: str
    """Of the weights that were promoted."""
    replaced: ModelId
    """The model that answered before."""
    promoted_at: datetime
    promoted_by: str
    """user@host."""
    reason: str
    figures: Any
    """The comparison that it rests on, as plain values."""

    def __str__(self) -> str:
        return f"promotion of {self.model} at {iso_z(self.promoted_at)} by {self.promoted_by}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenure:
    """A time in which a model was the one that answers; what it issued then was said."""

    model: ModelId
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive; None on either side for no end."""


def add_promotion(session: Session, promotion: Promotion) -> None:
    """Store a promotion; it is in force from the next run on.

    Raises
    ------
    StoreError
        The model is not registered with these weights (`flaremon.store.register_model`).
    """
    registered = session.scalar(
        select(ModelRow.weights_sha256).where(
            ModelRow.name == promotion.model.name, ModelRow.version == promotion.model.version
        )
    )
    if registered != promotion.weights_sha256:
        raise StoreError(
            f"{promotion.model} cannot be promoted: it is registered with weights "
            f"{(registered or 'none')[:12]}, not {promotion.weights_sha256[:12]}"
        )
    session.add(
        PromotionRow(
            model_id=model_row_id(session, promotion.model),
            replaced=str(promotion.replaced),
            promoted_at=promotion.promoted_at,
            promoted_by=storable(promotion.promoted_by),
            reason=storable(promotion.reason),
            figures=promotion.figures,
        )
    )
    session.flush()


def events_of(session: Session, model: ModelId) -> list[FlareEvent]:
    """Return the events that a model is registered for; none where it never ran here."""
    events = session.scalar(
        select(ModelRow.events).where(
            ModelRow.name == model.name, ModelRow.version == model.version
        )
    )
    return [FlareEvent.parse(text) for text in events or []]


def promotions(session: Session, *, limit: int | None = None) -> list[Promotion]:
    """Return promotions, the newest first: the one that is in force.

    They are in the order in which they were stored, which a clock that was set back cannot change.
    """
    rows = session.execute(
        select(
            ModelRow.name,
            ModelRow.version,
            ModelRow.weights_sha256,
            PromotionRow.replaced,
            PromotionRow.promoted_at,
            PromotionRow.promoted_by,
            PromotionRow.reason,
            PromotionRow.figures,
        )
        .join(ModelRow, PromotionRow.model_id == ModelRow.id)
        .order_by(PromotionRow.id.desc())
        .limit(limit)
    )
    return [
        Promotion(
            model=ModelId(row.name, row.version),
            weights_sha256=row.weights_sha256,
            replaced=ModelId.parse(row.replaced),
            promoted_at=row.promoted_at,
            promoted_by=row.promoted_by,
            reason=row.reason,
            figures=row.figures,
        )
        for row in rows
    ]
