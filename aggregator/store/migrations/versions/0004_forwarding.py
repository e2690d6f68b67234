"""Where a source's address leads for good, and when its list was last read in full.

Revision ID: 0004
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both; what was stored before has neither, and is read in full at its next poll."""
    op.execute("alter table sources add column forwarding jsonb")
    op.execute("alter table sources add column full_at timestamptz")
