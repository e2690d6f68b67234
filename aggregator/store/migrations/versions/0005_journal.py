"""The journal of what is published, and where every feed was cut (docs/adr/0018).

Workers of the version before go on writing announcements without it; ``store.migrate`` and the
sweeper publish what they wrote.

Revision ID: 0005
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SCHEMA = """
create table changes (
  change bigint primary key,
  at timestamptz not null,
  announcement_id bigint not null,
  uuid uuid not null,
  news boolean not null,
  terms text[] not null,
  eras bigint[] not null,
  record text not null
);
create index changes_of on changes (announcement_id, change desc);
create index changes_eras on changes using gin (eras);

create table cuts (
  change bigint primary key,
  at timestamptz not null,
  why text not null
);
"""


def upgrade() -> None:
    """Make the tables; ``store.migrate`` publishes what is there, in batches."""
    for statement in SCHEMA.split(";\n"):
        if statement.strip():
            op.execute(statement)
