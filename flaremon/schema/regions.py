"""Which regions answers are from, and NOAA's summaries of regions."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from flaremon.schema.base import Base, LongText, RowId


class RegionShareRow(Base):
    """What a region contributes to a prediction; beside the predictions, so that they stay small.

    A prediction whose regions are kept has a row 0 with the share of the rest of the disk, and
    then its regions, greatest first: no row at all means "not kept".
    """

    __tablename__ = "region_shares"
    __table_args__ = (
        CheckConstraint("share BETWEEN 0 AND 1", name="share_is_0_to_1"),
        CheckConstraint("rate_per_day BETWEEN 0 AND 1e300", name="rate_is_finite"),
        CheckConstraint(
            "(number = 0) = (latitude_deg IS NULL) AND (number = 0) = (longitude_deg IS NULL)"
            " AND (number = 0) = (rate_per_day IS NULL)",
            name="regions_have_place_and_rate",
        ),
        # Rows of one prediction lie together, and need no number of their own.
        {"sqlite_with_rowid": False},
    )

    prediction_id: Mapped[int] = mapped_column(ForeignKey("predictions.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """From 1, greatest share first; 0 is the rest of the disk."""
    latitude_deg: Mapped[float | None]
    """On a disk seen from the solar equator, as `flaremon.domain.RegionShare` has it."""
    longitude_deg: Mapped[float | None]
    rate_per_day: Mapped[float | None]
    share: Mapped[float]


class NoaaRegionRow(Base):
    """What a summary said of a region from `seen_at` on, until its next revision."""

    __tablename__ = "noaa_regions"
    __table_args__ = (
        UniqueConstraint("valid_at", "noaa_ar", "source", "revision", name="one_per_revision"),
        CheckConstraint("revision >= 1", name="revision_counts_from_1"),
        CheckConstraint("latitude_deg BETWEEN -90 AND 90", name="latitude_is_possible"),
        CheckConstraint("longitude_deg BETWEEN -180 AND 180", name="longitude_is_possible"),
        CheckConstraint("area >= 0", name="area_is_not_negative"),
    )

    id: Mapped[RowId]
    valid_at: Mapped[datetime]
    """When the position held."""
    noaa_ar: Mapped[int]
    """NOAA's number, all five digits."""
    latitude_deg: Mapped[float]
    longitude_deg: Mapped[float]
    """Stonyhurst, west positive."""
    area: Mapped[int | None]
    """Of the spots, millionths of the hemisphere; missing for a plage without spots."""
    mount_wilson: Mapped[str] = mapped_column(String(32))
    source: Mapped[str] = mapped_column(String(64))
    revision: Mapped[int]
    seen_at: Mapped[datetime]
    run_id: Mapped[LongText]
