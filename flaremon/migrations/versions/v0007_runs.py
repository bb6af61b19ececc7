"""What runs were told to do: the policy under which rows were written.

Decided here:

- rows name their run as they always did, by an id that need not be here: runs before this
  version left none, and a run that is lost must not keep its rows from being read;
- a row is written when a run begins, so that a run that was killed is known too.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    # SQLite numbers rows by itself only in a column that is called INTEGER.
    row_number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "runs",
        sa.Column("id", row_number, nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("job", sa.String(16), nullable=False),
        sa.Column("series", sa.String(64), nullable=False),
        sa.Column("policy", sa.String(16), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("live_within_h", sa.Double(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_over", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("software", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("runs_pk")),
        sa.UniqueConstraint("run_id", name=op.f("runs_one_per_id")),
        sa.CheckConstraint("since <= until", name=op.f("runs_range_runs_forward")),
        sa.CheckConstraint("left_over >= 0", name=op.f("runs_left_over_counts")),
    )
    op.create_index(op.f("runs_by_began_at"), "runs", ["began_at"])
    op.create_index(op.f("runs_by_job_series_listed_at"), "runs", ["job", "series", "listed_at"])
