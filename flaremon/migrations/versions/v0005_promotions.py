"""Which model answers since when, who decided it, and on what grounds.

Decided here:

- a promotion belongs to a database: the figures it rests on are of what is stored there;
- rows are only added; the newest is in force, and going back is one more row;
- weights are those of the row in `models`, so that no hash is kept twice.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    # SQLite numbers rows by itself only in a column that is called INTEGER.
    row_number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "promotions",
        sa.Column("id", row_number, nullable=False),
        sa.Column("model_id", row_number, nullable=False),
        sa.Column("replaced", sa.String(97), nullable=False),
        sa.Column("promoted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("promoted_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("promotions_pk")),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("promotions_model_id_exists")
        ),
        sa.CheckConstraint("length(trim(reason)) > 0", name=op.f("promotions_reason_is_given")),
    )
