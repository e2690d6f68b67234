"""How far the pruning of each journal has come (store/pruning.py).

Revision ID: 0025
"""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table; workers of the version before prune no journal."""
    op.execute("create table pruned (journal text primary key, last_id bigint not null)")
