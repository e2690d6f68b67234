"""The times of day at which readers want their mail, found without asking every reader.

Revision ID: 0021
"""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add an index."""
    op.execute("create index subscribers_clock on subscribers (timezone, hour, minute, weekday)")
