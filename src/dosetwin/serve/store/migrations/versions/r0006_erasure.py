"""Keys of patients' own, which seal who they are from now on, and when a patient was erased.

Identities that are there keep their seal with a data key until ``store rotate-keys`` is run.
"""

import sqlalchemy as sa
from alembic import op

from dosetwin.errors import InputError

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the column."""
    op.add_column("patients", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "patient_keys",
        sa.Column("patient_id", sa.String(length=36), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_patient_keys")),
    )


def downgrade() -> None:
    """Take them out again. Raises InputError where an identity could then not be opened, or somebody was erased."""
    conn = op.get_bind()
    if conn.execute(sa.text("SELECT COUNT(*) FROM patient_keys")).scalar():
        raise InputError("identities have keys of their own, which the older program does not know", where="store back",
                         value=revision, remedy="restore the backup that was made before the upgrade")  # fmt: skip
    if conn.execute(sa.text("SELECT COUNT(*) FROM patients WHERE erased_at IS NOT NULL")).scalar():
        raise InputError("patients were erased, which the older program takes for tampering", where="store back", value=revision)
    op.drop_table("patient_keys")
    op.drop_column("patients", "erased_at")
