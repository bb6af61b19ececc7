"""Records, and what became of them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from flaremon.schema.base import Base, Json, LongText, Number64, RowId, Sha256


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

    id: Mapped[RowId]
    series: Mapped[str] = mapped_column(String(64))
    harpnum: Mapped[int]
    """HMI patch number; 0 for the full disk."""
    t_rec: Mapped[str] = mapped_column(String(32))
    """Slot label in TAI; labels of one series sort in time."""
    slot_at: Mapped[datetime]
    """The same slot in UTC."""
    recnum: Mapped[Number64]
    """DRMS record number; 0 where the source has none."""
    calibration: Mapped[str] = mapped_column(String(16))
    quality: Mapped[Number64]
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
    keywords: Mapped[Json]
    """Keywords as the source wrote them, all strings."""
    source: Mapped[LongText]
    base_url: Mapped[LongText]
    """Where the source was."""
    segment_path: Mapped[LongText | None]
    """Path of the file at the source, as listed."""
    file_url: Mapped[LongText | None]
    """Where the file was fetched from."""
    size_bytes: Mapped[Number64 | None]
    sha256: Mapped[Sha256 | None]
    listed_at: Mapped[datetime]
    """When this record number was first listed."""
    fetched_at: Mapped[datetime | None]
    run_id: Mapped[LongText]
    """Run that first listed the key."""


class ModelRow(Base):
    """A version of a model whose predictions are stored; its weights can never change."""

    __tablename__ = "models"
    __table_args__ = (
        UniqueConstraint("name", "version", name="one_per_version"),
        CheckConstraint("length(weights_sha256) = 64", name="sha256_is_whole"),
    )

    id: Mapped[RowId]
    name: Mapped[str] = mapped_column(String(64))
    version: Mapped[str] = mapped_column(String(32))
    weights_sha256: Mapped[Sha256]
    events: Mapped[Json]
    """Ids of the events it answers, a list of strings."""
    registered_at: Mapped[datetime]
    frame: Mapped[Json | None]
    """Frame that its planes are made for, as in ``model.toml``; missing in older rows."""


class CalibratorRow(Base):
    """A map from what a model says to a probability; its document can never change."""

    __tablename__ = "calibrators"
    __table_args__ = (
        UniqueConstraint("sha256", name="one_per_document"),
        CheckConstraint("length(sha256) = 64", name="sha256_is_whole"),
        Index(None, "model_id", "fitted_at"),
    )

    id: Mapped[RowId]
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"))
    sha256: Mapped[Sha256]
    """Of the document as `flaremon.calibration` writes it."""
    document: Mapped[Json]
    fitted_at: Mapped[datetime]
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

    id: Mapped[RowId]
    record_id: Mapped[int] = mapped_column(ForeignKey("records.id"))
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"))
    event: Mapped[str] = mapped_column(String(32))
    series: Mapped[str] = mapped_column(String(64))
    """Copied from the record, which can never change it, for the sake of the indexes."""
    t_obs: Mapped[datetime]
    score: Mapped[float]
    probability: Mapped[float]
    """The one that stands: calibrated where there was a calibrator."""
    threshold: Mapped[float]
    flare: Mapped[bool]
    window_start: Mapped[datetime]
    window_end: Mapped[datetime]
    issued_at: Mapped[datetime]
    latency_s: Mapped[float]
    mode: Mapped[str] = mapped_column(String(16))
    device: Mapped[LongText]
    software: Mapped[LongText]
    run_id: Mapped[LongText]
    recnum: Mapped[Number64]
    """Record number, quality and file hash of the record at the moment of writing."""
    quality: Mapped[Number64]
    sha256: Mapped[Sha256 | None]
    raw_probability: Mapped[float | None]
    """What the network says, before calibration; missing where there was no calibrator."""
    calibrator_id: Mapped[int | None] = mapped_column(ForeignKey("calibrators.id"))
    activity: Mapped[str | None] = mapped_column(String(16))
    """Recent activity that network or calibrator was given: active, quiet or unknown."""
    activity_source: Mapped[LongText | None]
    """Flare list that told it, and as of when."""
    spread: Mapped[float | None]
    """Standard deviation of the probability over the members of an ensemble."""


class RejectionRow(Base):
    """Why a record was not predicted, per record number: a newer one is tried again."""

    __tablename__ = "rejections"
    __table_args__ = (UniqueConstraint("record_id", "recnum", name="one_per_record_number"),)

    id: Mapped[RowId]
    record_id: Mapped[int] = mapped_column(ForeignKey("records.id"))
    recnum: Mapped[Number64]
    reason: Mapped[str] = mapped_column(String(32))
    detail: Mapped[LongText]
    t_obs: Mapped[datetime | None]
    decided_at: Mapped[datetime]
    software: Mapped[LongText]
    run_id: Mapped[LongText]


class MissRow(Base):
    """Why a slot could not be had when it was last tried; void once the slot is decided."""

    __tablename__ = "misses"
    __table_args__ = (
        UniqueConstraint("series", "harpnum", "t_rec", name="one_per_slot"),
        CheckConstraint(
            "reason IN ('no-record', 'off-line', 'outage', 'failed')", name="reason_is_known"
        ),
    )

    id: Mapped[RowId]
    series: Mapped[str] = mapped_column(String(64))
    harpnum: Mapped[int]
    t_rec: Mapped[str] = mapped_column(String(32))
    reason: Mapped[str] = mapped_column(String(16))
    detail: Mapped[LongText]
    seen_at: Mapped[datetime]
    run_id: Mapped[LongText]
