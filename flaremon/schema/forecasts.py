"""Forecasts that were not made from a record: baselines, NOAA's own, other people's."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from flaremon.schema.base import Base, LongText, RowId


class ForecasterRow(Base):
    """Who forecasts without a magnetogram of ours; named and versioned as models are."""

    __tablename__ = "forecasters"
    __table_args__ = (
        UniqueConstraint("name", "version", name="one_per_version"),
        CheckConstraint("kind IN ('baseline', 'official', 'external')", name="kind_is_known"),
    )

    id: Mapped[RowId]
    name: Mapped[str] = mapped_column(String(64))
    version: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(16))
    description: Mapped[LongText]
    registered_at: Mapped[datetime]


class ForecastRow(Base):
    """A probability for an event; the first that a forecaster gives for a window stands."""

    __tablename__ = "forecasts"
    __table_args__ = (
        UniqueConstraint("forecaster_id", "event", "window_start", name="one_per_window"),
        CheckConstraint("probability BETWEEN 0 AND 1", name="probability_is_0_to_1"),
        CheckConstraint("window_start <= window_end", name="window_runs_forward"),
        CheckConstraint("mode IN ('live', 'hindcast')", name="mode_is_live_or_hindcast"),
        Index(None, "event", "window_start"),
    )

    id: Mapped[RowId]
    forecaster_id: Mapped[int] = mapped_column(ForeignKey("forecasters.id"))
    event: Mapped[str] = mapped_column(String(32))
    window_start: Mapped[datetime]
    window_end: Mapped[datetime]
    probability: Mapped[float]
    threshold: Mapped[float | None]
    """Probability from which the forecaster says "flare"; missing where it says none."""
    issued_at: Mapped[datetime]
    """When the forecaster said it, or when we computed or imported it."""
    mode: Mapped[str] = mapped_column(String(16))
    source: Mapped[LongText]
    """Product, file or flare list that it is from."""
    run_id: Mapped[LongText]
