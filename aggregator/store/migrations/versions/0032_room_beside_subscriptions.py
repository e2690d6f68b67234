"""Room beside every subscription, for each run notes on it how far was looked (``settled``).

That changes no index where the new row fits beside the old one (HOT), which half a page of room
lets it do for all readers of a run at once. Pages that are written from now on have it.

Revision ID: 0032
"""

from __future__ import annotations

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change how pages are filled; workers of the version before need not know."""
    op.execute("alter table subscriptions set (fillfactor = 45)")
