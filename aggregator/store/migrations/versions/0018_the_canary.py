"""Which subscriber is the canary.

Revision ID: 0018
"""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column; workers of the version before do not look at it."""
    op.execute("alter table house add column canary_id bigint")
