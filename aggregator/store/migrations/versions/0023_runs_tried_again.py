"""When a run was first planned with somebody left out, so that it is tried again for a while.

Revision ID: 0023
"""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column; workers of the version before know nothing of it."""
    op.execute("alter table runs add column if not exists tried_at timestamptz")
