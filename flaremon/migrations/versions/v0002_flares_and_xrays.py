"""What GOES observed: flares with their revisions, and X-ray samples.

Decided here:

- a flare belongs to a list (catalog) and is its revisions; a changed class, time or region adds
  a revision, and none is ever altered, so "what was known then" can be asked;
- a list may have several flares that start in one minute (2024-06-10 10:18), hence the number;
- the maximum's class may be missing (a flare in progress), flux of 0 and NaN may not be stored;
- nothing of the tables that exist is touched.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "flares",
        sa.Column("id", _row_number(), nullable=False),
        sa.Column("catalog", sa.String(64), nullable=False),
        sa.Column("first_start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("flares_pk")),
        sa.UniqueConstraint(
            "catalog", "first_start_at", "number", name=op.f("flares_one_per_start_and_number")
        ),
    )
    _create_revisions()
    op.create_table(
        "xray_samples",
        sa.Column("id", _row_number(), nullable=False),
        sa.Column("satellite", sa.String(16), nullable=False),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("flux_w_m2", sa.Double(), nullable=False),
        sa.Column("contaminated", sa.Boolean(), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("xray_samples_pk")),
        sa.UniqueConstraint(
            "satellite", "observed_at", name=op.f("xray_samples_one_per_satellite_and_time")
        ),
        sa.CheckConstraint(
            "flux_w_m2 > 0 AND flux_w_m2 < 1", name=op.f("xray_samples_flux_is_possible")
        ),
    )
    op.create_index(op.f("xray_samples_by_observed_at"), "xray_samples", ["observed_at"])


def _row_number() -> sa.types.TypeEngine[int]:
    # SQLite numbers rows by itself only in a column that is called INTEGER.
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _create_revisions() -> None:
    op.create_table(
        "flare_revisions",
        sa.Column("id", _row_number(), nullable=False),
        sa.Column("flare_id", _row_number(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("peak_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("flare_class", sa.String(16), nullable=True),
        sa.Column("peak_flux_w_m2", sa.Double(), nullable=True),
        sa.Column("noaa_ar", sa.Integer(), nullable=True),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("satellite", sa.String(16), nullable=False),
        sa.Column("class_scale", sa.String(32), nullable=False),
        sa.Column("edited", sa.Boolean(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("flare_revisions_pk")),
        sa.UniqueConstraint(
            "flare_id", "revision", name=op.f("flare_revisions_one_per_flare_and_number")
        ),
        sa.CheckConstraint("revision >= 1", name=op.f("flare_revisions_revision_counts_from_1")),
        sa.CheckConstraint(
            "start_at <= peak_at", name=op.f("flare_revisions_peak_is_not_before_start")
        ),
        sa.CheckConstraint(
            "start_at <= end_at", name=op.f("flare_revisions_end_is_not_before_start")
        ),
        sa.CheckConstraint(
            "peak_flux_w_m2 > 0 AND peak_flux_w_m2 < 1",
            name=op.f("flare_revisions_flux_is_possible"),
        ),
        sa.CheckConstraint(
            "class_scale IN ('swpc_operational_x0.7', 'true_flux')",
            name=op.f("flare_revisions_class_scale_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["flare_id"], ["flares.id"], name=op.f("flare_revisions_flare_id_exists")
        ),
    )
    op.create_index(op.f("flare_revisions_by_start_at"), "flare_revisions", ["start_at"])
