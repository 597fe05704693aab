"""Merged records: a patient's row says into which other record it was merged, and whether others were merged into it.

Rows that say neither keep their seals: an absent statement is not covered (``seals.OPTIONAL``).
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two columns."""
    op.add_column("patients", sa.Column("merged_into", sa.String(length=36), nullable=True))
    op.add_column("patients", sa.Column("merges", sa.Integer(), nullable=True))
