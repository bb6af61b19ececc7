"""What forecasts were worth: outcomes, calibrators, forecasts of others, what lists answer for.

Decided here:

- an outcome belongs to a window of an event, not to a prediction: models share windows, and a
  million predictions of a year have 45,000; each revision of the list adds a revision of it;
- what a flare list answers for is stored, since a list without it cannot say "no flare";
- baselines, NOAA and other people are forecasters of their own: they have no record, and the
  promises about records stay as strict as they were;
- columns added to tables that exist may be missing, so that no table is copied: a missing
  `raw_probability` and calibrator say that the probability is the network's own.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and add the columns."""
    op.add_column("models", sa.Column("frame", sa.JSON(), nullable=True))
    _create_calibrators()
    op.add_column("predictions", sa.Column("raw_probability", sa.Double(), nullable=True))
    _point_to_calibrators()
    op.add_column("predictions", sa.Column("activity", sa.String(16), nullable=True))
    op.add_column("predictions", sa.Column("activity_source", sa.Text(), nullable=True))
    op.add_column("predictions", sa.Column("spread", sa.Double(), nullable=True))
    _create_periods()
    _create_outcomes()
    _create_forecasts()


def _row_number() -> sa.types.TypeEngine[int]:
    # SQLite numbers rows by itself only in a column that is called INTEGER.
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _point_to_calibrators() -> None:
    name = "predictions_calibrator_id_exists"
    if op.get_bind().dialect.name == "sqlite":
        # Nothing can be promised of a column afterwards, and alembic cannot name it on the way.
        op.execute(
            f"ALTER TABLE predictions ADD COLUMN calibrator_id INTEGER "
            f"CONSTRAINT {name} REFERENCES calibrators (id)"
        )
        return
    op.add_column("predictions", sa.Column("calibrator_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f(name), "predictions", "calibrators", ["calibrator_id"], ["id"])


def _create_calibrators() -> None:
    op.create_table(
        "calibrators",
        sa.Column("id", _row_number(), nullable=False),
        sa.Column("model_id", _row_number(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("fitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("calibrators_pk")),
        sa.UniqueConstraint("sha256", name=op.f("calibrators_one_per_document")),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("calibrators_sha256_is_whole")),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("calibrators_model_id_exists")
        ),
    )
    op.create_index(
        op.f("calibrators_by_model_id_fitted_at"), "calibrators", ["model_id", "fitted_at"]
    )


def _create_periods() -> None:
    op.create_table(
        "catalog_periods",
        sa.Column("id", _row_number(), nullable=False),
        sa.Column("catalog", sa.String(64), nullable=False),
        sa.Column("gap", sa.Boolean(), nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("flux_w_m2", sa.Double(), nullable=False),
        sa.Column("has_ends", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("catalog_periods_pk")),
        sa.UniqueConstraint(
            "catalog", "gap", "start_at", "flux_w_m2", name=op.f("catalog_periods_one_per_start")
        ),
        sa.CheckConstraint(
            "start_at < end_at", name=op.f("catalog_periods_period_runs_forward")
        ),
        sa.CheckConstraint(
            "flux_w_m2 > 0 AND flux_w_m2 < 1", name=op.f("catalog_periods_flux_is_possible")
        ),
    )
    op.create_index(
        op.f("catalog_periods_by_catalog_end_at"), "catalog_periods", ["catalog", "end_at"]
    )


def _create_outcomes() -> None:
    op.create_table(
        "outcomes",
        sa.Column("id", _row_number(), nullable=False),
        sa.Column("catalog", sa.String(64), nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("flare", sa.Boolean(), nullable=True),
        sa.Column("flares", sa.Integer(), nullable=True),
        sa.Column("largest", sa.String(16), nullable=True),
        sa.Column("location", sa.String(16), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("catalog_as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("outcomes_pk")),
        sa.UniqueConstraint(
            "catalog",
            "event",
            "window_start",
            "revision",
            name=op.f("outcomes_one_per_window_and_revision"),
        ),
        sa.CheckConstraint(
            "state IN ('scored', 'unknown')", name=op.f("outcomes_state_is_known")
        ),
        sa.CheckConstraint(
            "(state = 'scored') = (flare IS NOT NULL)", name=op.f("outcomes_flare_iff_scored")
        ),
        sa.CheckConstraint(
            "window_start <= window_end", name=op.f("outcomes_window_runs_forward")
        ),
        sa.CheckConstraint("revision >= 1", name=op.f("outcomes_revision_counts_from_1")),
    )
    op.create_index(op.f("outcomes_by_event_window_start"), "outcomes", ["event", "window_start"])


def _create_forecasts() -> None:
    op.create_table(
        "forecasters",
        sa.Column("id", _row_number(), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("forecasters_pk")),
        sa.UniqueConstraint("name", "version", name=op.f("forecasters_one_per_version")),
        sa.CheckConstraint(
            "kind IN ('baseline', 'official', 'external')", name=op.f("forecasters_kind_is_known")
        ),
    )
    op.create_table(
        "forecasts",
        sa.Column("id", _row_number(), nullable=False),
        sa.Column("forecaster_id", _row_number(), nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("forecasts_pk")),
        sa.UniqueConstraint(
            "forecaster_id", "event", "window_start", name=op.f("forecasts_one_per_window")
        ),
        sa.CheckConstraint(
            "probability BETWEEN 0 AND 1", name=op.f("forecasts_probability_is_0_to_1")
        ),
        sa.CheckConstraint(
            "window_start <= window_end", name=op.f("forecasts_window_runs_forward")
        ),
        sa.CheckConstraint(
            "mode IN ('live', 'hindcast')", name=op.f("forecasts_mode_is_live_or_hindcast")
        ),
        sa.ForeignKeyConstraint(
            ["forecaster_id"], ["forecasters.id"], name=op.f("forecasts_forecaster_id_exists")
        ),
    )
    op.create_index(
        op.f("forecasts_by_event_window_start"), "forecasts", ["event", "window_start"]
    )
