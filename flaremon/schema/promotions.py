"""Which model answers since when, who decided it, and on what grounds."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from flaremon.schema.base import Base, Json, LongText, RowId


class PromotionRow(Base):
    """A model was made the one that answers; the newest row is in force, none is ever changed.

    Its weights are those of its row in ``models``, which can never change either.
    """

    __tablename__ = "promotions"
    __table_args__ = (CheckConstraint("length(trim(reason)) > 0", name="reason_is_given"),)

    id: Mapped[RowId]
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"))
    replaced: Mapped[str] = mapped_column(String(97))
    """NAME@VERSION that answered before; it need not have a row, having perhaps never run here."""
    promoted_at: Mapped[datetime]
    promoted_by: Mapped[LongText]
    """user@host."""
    reason: Mapped[LongText]
    figures: Mapped[Json]
    """The comparison that was shown when it was decided, as printed with ``--json``."""
