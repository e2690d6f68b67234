"""What was withdrawn or removed last, for mails that wait and tell of it.

Revision ID: 0030
"""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a small index."""
    op.execute(
        "create index announcements_gone on announcements ((greatest(withdrawn_at, removed_at)))"
        " where withdrawn_at is not null"
    )
