"""Merged records: a patient's row says into which other record it was merged, and whether others were merged into it.

Rows that say neither keep their seals: an absent statement is not covered (``seals.OPTIONAL``).
"""

import sqlalchemy as sa
from alembic import op

from dosetwin.errors import InputError

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two columns."""
    op.add_column("patients", sa.Column("merged_into", sa.String(length=36), nullable=True))
    op.add_column("patients", sa.Column("merges", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Take them out again. Raises InputError where a record was merged: an older program would read half of it."""
    if op.get_bind().execute(sa.text("SELECT COUNT(*) FROM patients WHERE merges IS NOT NULL")).scalar():
        raise InputError("records were merged, which the older program cannot read", where="store back", value=revision,
                         remedy="restore the backup that was made before the upgrade")  # fmt: skip
    op.drop_column("patients", "merged_into")
    op.drop_column("patients", "merges")
