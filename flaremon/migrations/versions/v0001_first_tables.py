"""First tables: records, models, predictions, rejections.

Decided here, once and for all rows to come:

- a record is its key (series, HARP number, slot label); a higher record number under the same
  key updates the row;
- a prediction is unique per record, model version and event, a rejection per record and record
  number, so that writing an outcome twice cannot make a second row;
- QUALITY and record numbers are 64 bit wide: QUALITY is an unsigned 32-bit word;
- times are aware UTC: TIMESTAMP WITH TIME ZONE on PostgreSQL, UTC as text on SQLite;
- indexes serve the latest answer (per model and event, and per series besides), ranges of
  observation times, ranges of slots, and the search for a file's hash. What is not decided yet is
  found through the unique constraints.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _create_records()
    op.create_table(
        "models",
        sa.Column("id", _row_number(), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("weights_sha256", sa.String(64), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("models_pk")),
        sa.UniqueConstraint("name", "version", name=op.f("models_one_per_version")),
        sa.CheckConstraint("length(weights_sha256) = 64", name=op.f("models_sha256_is_whole")),
    )
    _create_predictions()
    op.create_table(
        "rejections",
        sa.Column("id", _row_number(), nullable=False),
        sa.Column("record_id", _row_number(), nullable=False),
        sa.Column("recnum", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("t_obs", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("software", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("rejections_pk")),
        sa.UniqueConstraint(
            "record_id", "recnum", name=op.f("rejections_one_per_record_number")
        ),
        sa.ForeignKeyConstraint(
            ["record_id"], ["records.id"], name=op.f("rejections_record_id_exists")
        ),
    )


def _row_number() -> sa.types.TypeEngine[int]:
    # SQLite numbers rows by itself only in a column that is called INTEGER.
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _create_records() -> None:
    op.create_table(
        "records",
        sa.Column("id", _row_number(), nullable=False),
        sa.Column("series", sa.String(64), nullable=False),
        sa.Column("harpnum", sa.Integer(), nullable=False),
        sa.Column("t_rec", sa.String(32), nullable=False),
        sa.Column("slot_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recnum", sa.BigInteger(), nullable=False),
        sa.Column("calibration", sa.String(16), nullable=False),
        sa.Column("quality", sa.BigInteger(), nullable=False),
        sa.Column("t_obs", sa.DateTime(timezone=True), nullable=True),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("centre_x_px", sa.Double(), nullable=True),
        sa.Column("centre_y_px", sa.Double(), nullable=True),
        sa.Column("radius_px", sa.Double(), nullable=True),
        sa.Column("arcsec_per_px", sa.Double(), nullable=True),
        sa.Column("roll_deg", sa.Double(), nullable=True),
        sa.Column("b0_deg", sa.Double(), nullable=True),
        sa.Column("carrington_deg", sa.Double(), nullable=True),
        sa.Column("keywords", sa.JSON(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("segment_path", sa.Text(), nullable=True),
        sa.Column("file_url", sa.Text(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("records_pk")),
        sa.UniqueConstraint("series", "harpnum", "t_rec", name=op.f("records_one_per_key")),
        sa.CheckConstraint(
            "quality BETWEEN 0 AND 4294967295", name=op.f("records_quality_is_a_32_bit_word")
        ),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("records_sha256_is_whole")),
    )
    op.create_index(op.f("records_by_slot_at"), "records", ["slot_at"])
    op.create_index(op.f("records_by_sha256"), "records", ["sha256"])


def _create_predictions() -> None:
    op.create_table(
        "predictions",
        sa.Column("id", _row_number(), nullable=False),
        sa.Column("record_id", _row_number(), nullable=False),
        sa.Column("model_id", _row_number(), nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("series", sa.String(64), nullable=False),
        sa.Column("t_obs", sa.DateTime(timezone=True), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("flare", sa.Boolean(), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("latency_s", sa.Double(), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("software", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("recnum", sa.BigInteger(), nullable=False),
        sa.Column("quality", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("predictions_pk")),
        sa.UniqueConstraint(
            "record_id", "model_id", "event", name=op.f("predictions_one_per_record_model_event")
        ),
        sa.CheckConstraint(
            "probability BETWEEN 0 AND 1", name=op.f("predictions_probability_is_0_to_1")
        ),
        sa.CheckConstraint(
            "score BETWEEN -1e300 AND 1e300", name=op.f("predictions_score_is_finite")
        ),
        sa.CheckConstraint(
            "window_start <= window_end", name=op.f("predictions_window_runs_forward")
        ),
        sa.CheckConstraint(
            "mode IN ('live', 'hindcast')", name=op.f("predictions_mode_is_live_or_hindcast")
        ),
        sa.ForeignKeyConstraint(
            ["record_id"], ["records.id"], name=op.f("predictions_record_id_exists")
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("predictions_model_id_exists")
        ),
    )
    op.create_index(op.f("predictions_by_t_obs"), "predictions", ["t_obs"])
    op.create_index(
        op.f("predictions_by_model_id_event_t_obs"), "predictions", ["model_id", "event", "t_obs"]
    )
    op.create_index(
        op.f("predictions_by_model_id_event_series_t_obs"),
        "predictions",
        ["model_id", "event", "series", "t_obs"],
    )
