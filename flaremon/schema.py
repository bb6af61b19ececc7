"""The tables.

::

    records ──< predictions >── models
       └─────< rejections

    flares ──< flare_revisions        xray_samples

One row of `records` per record key. What became of it is told by the rows that exist:
predicted, rejected, or neither (still to do). There is no status column that could
contradict them. Nothing is ever deleted or overwritten, with one exception: when JSOC makes
a record anew (a higher record number under the same key), `records` describes the new one.
Predictions therefore carry the record number, quality and file hash they were made from.

What GOES observed stands beside it. A flare is its revisions: lists change classes, times and
regions for days, each change adds a row, and what was known at any earlier instant can be told.

Surrogate keys never leave this room, `store` and the database; everybody else says
`RecordKey` and `ModelId`.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.exc import DontWrapMixin
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from flaremon.errors import InputError


class NaiveTimeError(InputError, DontWrapMixin):
    """A time without a zone was about to be written; SQLAlchemy lets it pass unwrapped."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC `datetime` on every database, to the microsecond.

    PostgreSQL keeps the zone, SQLite does not: there the UTC clock reading is written as text,
    which sorts in time.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware instant into what the database keeps.

        Raises
        ------
        NaiveTimeError
            If the instant has no time zone.
        """
        if value is None:
            return None
        if value.utcoffset() is None:
            raise NaiveTimeError(
                f"{value.isoformat()} has no time zone; the database takes aware times only"
            )
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn what the database kept into an aware UTC instant."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return value.replace(tzinfo=UTC)
        return value.astimezone(UTC)


# SQLite numbers rows by itself only in a column that is called INTEGER.
_Id = Annotated[
    int, mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)
]
_Number64 = Annotated[int, mapped_column(BigInteger())]
_Text = Annotated[str, mapped_column(Text())]
_Sha256 = Annotated[str, mapped_column(String(64))]
_Json = Annotated[Any, mapped_column(JSON())]


class Base(DeclarativeBase):
    """Declares the tables; constraints are named by what they promise."""

    metadata = MetaData(
        naming_convention={
            "pk": "%(table_name)s_pk",
            "fk": "%(table_name)s_%(column_0_name)s_exists",
            "uq": "%(table_name)s_%(constraint_name)s",
            "ck": "%(table_name)s_%(constraint_name)s",
            "ix": "%(table_name)s_by_%(column_0_N_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), float: Double()}  # noqa: RUF012 - read once


class RecordRow(Base):
    """A DRMS record as its source last listed it."""

    __tablename__ = "records"
    __table_args__ = (
        UniqueConstraint("series", "harpnum", "t_rec", name="one_per_key"),
        CheckConstraint("quality BETWEEN 0 AND 4294967295", name="quality_is_a_32_bit_word"),
        CheckConstraint("length(sha256) = 64", name="sha256_is_whole"),
        Index(None, "slot_at"),
        Index(None, "sha256"),
    )

    id: Mapped[_Id]
    series: Mapped[str] = mapped_column(String(64))
    harpnum: Mapped[int]
    """HMI patch number; 0 for the full disk."""
    t_rec: Mapped[str] = mapped_column(String(32))
    """Slot label in TAI; labels of one series sort in time."""
    slot_at: Mapped[datetime]
    """The same slot in UTC."""
    recnum: Mapped[_Number64]
    """DRMS record number; 0 where the source has none."""
    calibration: Mapped[str] = mapped_column(String(16))
    quality: Mapped[_Number64]
    """QUALITY as an unsigned word, which does not fit 32-bit integers."""
    t_obs: Mapped[datetime | None]
    processed_at: Mapped[datetime | None]
    """When JSOC made the record (DATE)."""
    centre_x_px: Mapped[float | None]
    centre_y_px: Mapped[float | None]
    radius_px: Mapped[float | None]
    arcsec_per_px: Mapped[float | None]
    roll_deg: Mapped[float | None]
    b0_deg: Mapped[float | None]
    carrington_deg: Mapped[float | None]
    keywords: Mapped[_Json]
    """Keywords as the source wrote them, all strings."""
    source: Mapped[_Text]
    base_url: Mapped[_Text]
    """Where the source was."""
    segment_path: Mapped[_Text | None]
    """Path of the file at the source, as listed."""
    file_url: Mapped[_Text | None]
    """Where the file was fetched from."""
    size_bytes: Mapped[_Number64 | None]
    sha256: Mapped[_Sha256 | None]
    listed_at: Mapped[datetime]
    """When this record number was first listed."""
    fetched_at: Mapped[datetime | None]
    run_id: Mapped[_Text]
    """Run that first listed the key."""


class ModelRow(Base):
    """A version of a model whose predictions are stored; its weights can never change."""

    __tablename__ = "models"
    __table_args__ = (
        UniqueConstraint("name", "version", name="one_per_version"),
        CheckConstraint("length(weights_sha256) = 64", name="sha256_is_whole"),
    )

    id: Mapped[_Id]
    name: Mapped[str] = mapped_column(String(64))
    version: Mapped[str] = mapped_column(String(32))
    weights_sha256: Mapped[_Sha256]
    events: Mapped[_Json]
    """Ids of the events it answers, a list of strings."""
    registered_at: Mapped[datetime]


class PredictionRow(Base):
    """What a model said about an event, from a record."""

    __tablename__ = "predictions"
    __table_args__ = (
        UniqueConstraint("record_id", "model_id", "event", name="one_per_record_model_event"),
        CheckConstraint("probability BETWEEN 0 AND 1", name="probability_is_0_to_1"),
        # NaN counts as larger than any number on PostgreSQL, and as NULL on SQLite.
        CheckConstraint("score BETWEEN -1e300 AND 1e300", name="score_is_finite"),
        CheckConstraint("window_start <= window_end", name="window_runs_forward"),
        CheckConstraint("mode IN ('live', 'hindcast')", name="mode_is_live_or_hindcast"),
        Index(None, "t_obs"),
        # The latest answer: of any series, and of one that is not the newest.
        Index(None, "model_id", "event", "t_obs"),
        Index(None, "model_id", "event", "series", "t_obs"),
    )

    id: Mapped[_Id]
    record_id: Mapped[int] = mapped_column(ForeignKey("records.id"))
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"))
    event: Mapped[str] = mapped_column(String(32))
    series: Mapped[str] = mapped_column(String(64))
    """Copied from the record, which can never change it, for the sake of the indexes."""
    t_obs: Mapped[datetime]
    score: Mapped[float]
    probability: Mapped[float]
    threshold: Mapped[float]
    flare: Mapped[bool]
    window_start: Mapped[datetime]
    window_end: Mapped[datetime]
    issued_at: Mapped[datetime]
    latency_s: Mapped[float]
    mode: Mapped[str] = mapped_column(String(16))
    device: Mapped[_Text]
    software: Mapped[_Text]
    run_id: Mapped[_Text]
    recnum: Mapped[_Number64]
    """Record number, quality and file hash of the record at the moment of writing."""
    quality: Mapped[_Number64]
    sha256: Mapped[_Sha256 | None]


class RejectionRow(Base):
    """Why a record was not predicted, per record number: a newer one is tried again."""

    __tablename__ = "rejections"
    __table_args__ = (UniqueConstraint("record_id", "recnum", name="one_per_record_number"),)

    id: Mapped[_Id]
    record_id: Mapped[int] = mapped_column(ForeignKey("records.id"))
    recnum: Mapped[_Number64]
    reason: Mapped[str] = mapped_column(String(32))
    detail: Mapped[_Text]
    t_obs: Mapped[datetime | None]
    decided_at: Mapped[datetime]
    software: Mapped[_Text]
    run_id: Mapped[_Text]


class FlareRow(Base):
    """A flare of a list; all that is known of it is in its revisions."""

    __tablename__ = "flares"
    __table_args__ = (
        UniqueConstraint("catalog", "first_start_at", "number", name="one_per_start_and_number"),
    )

    id: Mapped[_Id]
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

    id: Mapped[_Id]
    flare_id: Mapped[int] = mapped_column(ForeignKey("flares.id"))
    revision: Mapped[int]
    start_at: Mapped[datetime]
    peak_at: Mapped[datetime | None]
    end_at: Mapped[datetime | None]
    flare_class: Mapped[str | None] = mapped_column(String(16))
    """As published; missing while the maximum is not known, which is not "no flare"."""
    peak_flux_w_m2: Mapped[float | None]
    noaa_ar: Mapped[int | None]
    location: Mapped[_Text]
    source: Mapped[_Text]
    satellite: Mapped[str] = mapped_column(String(16))
    class_scale: Mapped[str] = mapped_column(String(32))
    edited: Mapped[bool]
    seen_at: Mapped[datetime]
    run_id: Mapped[_Text]


class XraySampleRow(Base):
    """The Sun's soft X-ray flux in one minute; a minute without a row is a gap, not quiet."""

    __tablename__ = "xray_samples"
    __table_args__ = (
        UniqueConstraint("satellite", "observed_at", name="one_per_satellite_and_time"),
        CheckConstraint("flux_w_m2 > 0 AND flux_w_m2 < 1", name="flux_is_possible"),
        Index(None, "observed_at"),
    )

    id: Mapped[_Id]
    satellite: Mapped[str] = mapped_column(String(16))
    observed_at: Mapped[datetime]
    flux_w_m2: Mapped[float]
    contaminated: Mapped[bool | None]
    """Whether electrons contaminate it; missing where the product does not say."""
    seen_at: Mapped[datetime]
    run_id: Mapped[_Text]
