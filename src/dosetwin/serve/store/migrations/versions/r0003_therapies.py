"""Twins by patient and therapy: a patient may be followed for more than one.

The table holds derived states only; it is made anew, and twins are computed again. Facts, advice and the trail are not touched.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table of states with its two keys."""
    op.drop_table("twin_states")
    op.create_table(
        "twin_states",
        sa.Column("patient_id", sa.String(length=36), nullable=False),
        sa.Column("therapy", sa.String(length=100), nullable=False),
        sa.Column("state_hash", sa.String(length=64), nullable=False),
        sa.Column("through_seq", NUMBER, nullable=False),
        sa.Column("computed_at", MOMENT, nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.Column("answer_hash", sa.String(length=64), nullable=True),
        sa.Column("seal", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_twin_states_patient_id")),
        sa.PrimaryKeyConstraint("patient_id", "therapy", name=op.f("pk_twin_states")),
    )
