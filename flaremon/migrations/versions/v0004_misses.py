"""Why slots could not be had: no record at the source, off-line, outage, failed.

Decided here:

- a slot may have no record at all, so this points to none;
- one row per slot, of the last try: it explains a gap, it is not history;
- nobody deletes it when the slot is decided after all: the outcome makes it void.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "misses",
        # SQLite numbers rows by itself only in a column that is called INTEGER.
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("series", sa.String(64), nullable=False),
        sa.Column("harpnum", sa.Integer(), nullable=False),
        sa.Column("t_rec", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("misses_pk")),
        sa.UniqueConstraint("series", "harpnum", "t_rec", name=op.f("misses_one_per_slot")),
        sa.CheckConstraint(
            "reason IN ('no-record', 'off-line', 'outage', 'failed')",
            name=op.f("misses_reason_is_known"),
        ),
    )
