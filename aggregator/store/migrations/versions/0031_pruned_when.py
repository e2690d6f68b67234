"""When the pruning of a journal came somewhere last, so that it rests once it was gone through.

Revision ID: 0031
"""

from __future__ import annotations

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column; workers of the version before go through the journals without a rest."""
    op.execute("alter table pruned add column done_at timestamptz")
