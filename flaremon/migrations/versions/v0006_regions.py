"""Which regions answers are from, and NOAA's summaries of regions.

Decided here:

- shares stand beside the predictions and not in them: most readers of millions of predictions
  never ask for them;
- their key is the prediction and a rank, so they need no number of their own, and on SQLite no
  second tree;
- predictions that are there already get none: nothing but their frame could tell.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    # SQLite numbers rows by itself only in a column that is called INTEGER.
    row_number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "region_shares",
        sa.Column("prediction_id", row_number, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("latitude_deg", sa.Double(), nullable=True),
        sa.Column("longitude_deg", sa.Double(), nullable=True),
        sa.Column("rate_per_day", sa.Double(), nullable=True),
        sa.Column("share", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("prediction_id", "number", name=op.f("region_shares_pk")),
        sa.ForeignKeyConstraint(
            ["prediction_id"],
            ["predictions.id"],
            name=op.f("region_shares_prediction_id_exists"),
        ),
        sa.CheckConstraint("share BETWEEN 0 AND 1", name=op.f("region_shares_share_is_0_to_1")),
        sa.CheckConstraint(
            "rate_per_day BETWEEN 0 AND 1e300", name=op.f("region_shares_rate_is_finite")
        ),
        sa.CheckConstraint(
            "(number = 0) = (latitude_deg IS NULL) AND (number = 0) = (longitude_deg IS NULL)"
            " AND (number = 0) = (rate_per_day IS NULL)",
            name=op.f("region_shares_regions_have_place_and_rate"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "noaa_regions",
        sa.Column("id", row_number, nullable=False),
        sa.Column("valid_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noaa_ar", sa.Integer(), nullable=False),
        sa.Column("latitude_deg", sa.Double(), nullable=False),
        sa.Column("longitude_deg", sa.Double(), nullable=False),
        sa.Column("area", sa.Integer(), nullable=True),
        sa.Column("mount_wilson", sa.String(32), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("noaa_regions_pk")),
        sa.UniqueConstraint(
            "valid_at", "noaa_ar", "source", "revision", name=op.f("noaa_regions_one_per_revision")
        ),
        sa.CheckConstraint("revision >= 1", name=op.f("noaa_regions_revision_counts_from_1")),
        sa.CheckConstraint(
            "latitude_deg BETWEEN -90 AND 90", name=op.f("noaa_regions_latitude_is_possible")
        ),
        sa.CheckConstraint(
            "longitude_deg BETWEEN -180 AND 180", name=op.f("noaa_regions_longitude_is_possible")
        ),
        sa.CheckConstraint("area >= 0", name=op.f("noaa_regions_area_is_not_negative")),
    )
