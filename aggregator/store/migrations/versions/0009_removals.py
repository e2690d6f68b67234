"""Announcements taken out because the law demands it: by whom, why, and when.

Revision ID: 0009
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SCHEMA = """
alter table announcements add column removed_at timestamptz;

create table removals (
  announcement_id bigint primary key references announcements on delete cascade,
  by text not null,
  why text not null,
  at timestamptz not null
);
"""


def upgrade() -> None:
    """Add the column and the table."""
    for statement in SCHEMA.split(";\n"):
        if statement.strip():
            op.execute(statement)
