"""Jobs: twins that are behind, and which process has taken which. Derived, and empty when nothing is behind."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "twin_jobs",
        sa.Column("patient_id", sa.String(length=36), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("taken_by", sa.String(length=32), nullable=True),
        sa.Column("until", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_twin_jobs")),
    )


def downgrade() -> None:
    """Nobody misses it."""
    op.drop_table("twin_jobs")
