"""What GOES observed, and what that makes of the windows of forecasts."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from flaremon.schema.base import Base, LongText, RowId


class FlareRow(Base):
    """A flare of a list; all that is known of it is in its revisions."""

    __tablename__ = "flares"
    __table_args__ = (
        UniqueConstraint("catalog", "first_start_at", "number", name="one_per_start_and_number"),
    )

    id: Mapped[RowId]
    catalog: Mapped[str] = mapped_column(String(64))
    """The list: flares of two lists are never the same flare."""
    first_start_at: Mapped[datetime]
    """Start in the first revision; a later one may date it otherwise."""
    number: Mapped[int]
    """1, or more where the list has several flares that start in one minute."""


class FlareRevisionRow(Base):
    """What a list said of a flare from `seen_at` on, until its next revision."""

    __tablename__ = "flare_revisions"
    __table_args__ = (
        UniqueConstraint("flare_id", "revision", name="one_per_flare_and_number"),
        CheckConstraint("revision >= 1", name="revision_counts_from_1"),
        CheckConstraint("start_at <= peak_at", name="peak_is_not_before_start"),
        CheckConstraint("start_at <= end_at", name="end_is_not_before_start"),
        CheckConstraint("peak_flux_w_m2 > 0 AND peak_flux_w_m2 < 1", name="flux_is_possible"),
        CheckConstraint(
            "class_scale IN ('swpc_operational_x0.7', 'true_flux')", name="class_scale_is_known"
        ),
        Index(None, "start_at"),
    )

    id: Mapped[RowId]
    flare_id: Mapped[int] = mapped_column(ForeignKey("flares.id"))
    revision: Mapped[int]
    start_at: Mapped[datetime]
    peak_at: Mapped[datetime | None]
    end_at: Mapped[datetime | None]
    flare_class: Mapped[str | None] = mapped_column(String(16))
    """As published; missing while the maximum is not known, which is not "no flare"."""
    peak_flux_w_m2: Mapped[float | None]
    noaa_ar: Mapped[int | None]
    location: Mapped[LongText]
    source: Mapped[LongText]
    satellite: Mapped[str] = mapped_column(String(16))
    class_scale: Mapped[str] = mapped_column(String(32))
    edited: Mapped[bool]
    seen_at: Mapped[datetime]
    run_id: Mapped[LongText]


class XraySampleRow(Base):
    """The Sun's soft X-ray flux in one minute; a minute without a row is a gap, not quiet."""

    __tablename__ = "xray_samples"
    __table_args__ = (
        UniqueConstraint("satellite", "observed_at", name="one_per_satellite_and_time"),
        CheckConstraint("flux_w_m2 > 0 AND flux_w_m2 < 1", name="flux_is_possible"),
        Index(None, "observed_at"),
    )

    id: Mapped[RowId]
    satellite: Mapped[str] = mapped_column(String(16))
    observed_at: Mapped[datetime]
    flux_w_m2: Mapped[float]
    contaminated: Mapped[bool | None]
    """Whether electrons contaminate it; missing where the product does not say."""
    seen_at: Mapped[datetime]
    run_id: Mapped[LongText]


class CatalogPeriodRow(Base):
    """A period that a flare list answers for, or a gap in one.

    A list does not say of itself whether an hour without flare was quiet or not watched. Outside
    every period, and inside a gap, it is unknown.
    """

    __tablename__ = "catalog_periods"
    __table_args__ = (
        UniqueConstraint("catalog", "gap", "start_at", "flux_w_m2", name="one_per_start"),
        CheckConstraint("start_at < end_at", name="period_runs_forward"),
        CheckConstraint("flux_w_m2 > 0 AND flux_w_m2 < 1", name="flux_is_possible"),
        Index(None, "catalog", "end_at"),
    )

    id: Mapped[RowId]
    catalog: Mapped[str] = mapped_column(String(64))
    gap: Mapped[bool]
    start_at: Mapped[datetime]
    end_at: Mapped[datetime]
    """Exclusive; grows while the list is read again and again."""
    flux_w_m2: Mapped[float]
    """Complete from this flux on; of a gap the least flux, since nothing is known."""
    has_ends: Mapped[bool]
    source: Mapped[LongText]
    seen_at: Mapped[datetime]
    """When the list was last read."""
    run_id: Mapped[LongText]


class OutcomeRow(Base):
    """What became of a window, by a flare list; a revised list adds a revision.

    Outcomes belong to windows and not to predictions: several models speak about the same one.
    Pending windows have no row.
    """

    __tablename__ = "outcomes"
    __table_args__ = (
        UniqueConstraint(
            "catalog", "event", "window_start", "revision", name="one_per_window_and_revision"
        ),
        CheckConstraint("state IN ('scored', 'unknown')", name="state_is_known"),
        CheckConstraint("(state = 'scored') = (flare IS NOT NULL)", name="flare_iff_scored"),
        CheckConstraint("window_start <= window_end", name="window_runs_forward"),
        CheckConstraint("revision >= 1", name="revision_counts_from_1"),
        Index(None, "event", "window_start"),
    )

    id: Mapped[RowId]
    catalog: Mapped[str] = mapped_column(String(64))
    event: Mapped[str] = mapped_column(String(32))
    window_start: Mapped[datetime]
    window_end: Mapped[datetime]
    revision: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    flare: Mapped[bool | None]
    flares: Mapped[int | None]
    """How many flares of the event are in the window."""
    largest: Mapped[str | None] = mapped_column(String(16))
    """Class of the largest of them, on the scale of true flux."""
    location: Mapped[str | None] = mapped_column(String(16))
    """Heliographic position of the largest, as ``N12E32``; missing when unknown."""
    why: Mapped[LongText | None]
    """Why it is unknown."""
    catalog_as_of: Mapped[datetime]
    """When the list had last been read or changed: its version."""
    decided_at: Mapped[datetime]
    run_id: Mapped[LongText]
