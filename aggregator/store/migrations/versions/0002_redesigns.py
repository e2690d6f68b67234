"""Redesigns of portals, when an article was read last, and why there is a revision.

Revision ID: 0002
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = """
alter table sources add column redesign jsonb;
alter table entries add column read_at timestamptz;
alter table revisions add column why text not null default 'edited'
  check (why in ('edited', 'reread'));
"""


def upgrade() -> None:
    """Add what is known of redesigns; what was stored before has none."""
    for statement in SCHEMA.split(";\n"):
        if statement.strip():
            op.execute(statement)
