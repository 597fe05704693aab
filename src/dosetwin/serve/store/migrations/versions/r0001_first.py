"""The first schema."""

from alembic import op

from dosetwin.serve.store.schema import append_only
from dosetwin.serve.store.tables import APPEND_ONLY, metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table, and make the append-only ones so."""
    metadata.create_all(op.get_bind())
    for table in APPEND_ONLY:
        append_only(op, table)
