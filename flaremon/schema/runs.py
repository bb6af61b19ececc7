"""What runs were told to do, and how far they came."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from flaremon.schema.base import Base, LongText, RowId


class RunRow(Base):
    """The policy that was in force when the rows with its run id were written."""

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("run_id", name="one_per_id"),
        CheckConstraint("since <= until", name="range_runs_forward"),
        CheckConstraint("left_over >= 0", name="left_over_counts"),
        Index(None, "began_at"),
        Index(None, "job", "series", "listed_at"),
    )

    id: Mapped[RowId]
    run_id: Mapped[LongText]
    job: Mapped[str] = mapped_column(String(16))
    """monitor, now, backfill, rescore or files."""
    series: Mapped[str] = mapped_column(String(64))
    policy: Mapped[str] = mapped_column(String(16))
    """What came first, or alone: newest_first, newest_only or all of a look-back; newest or
    oldest of a range."""
    since: Mapped[datetime]
    """Slots from here on, and before `until`, were looked for."""
    until: Mapped[datetime]
    live_within_h: Mapped[float]
    """Hours after the observation from which a prediction was called a hindcast."""
    began_at: Mapped[datetime]
    listed_at: Mapped[datetime | None]
    """When the source had answered what there is."""
    ended_at: Mapped[datetime | None]
    """Missing in runs that go on, and in those that were killed."""
    left_over: Mapped[int | None]
    """Slots that the run did not come to."""
    error: Mapped[LongText | None]
    software: Mapped[LongText]
