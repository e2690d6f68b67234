"""Chats as places for digests: each is a row among subscribers, with an owner.

Revision ID: 0014
"""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SCHEMA = """
alter table subscribers add column owner_id bigint references subscribers on delete cascade;
create index subscribers_owner on subscribers (owner_id) where owner_id is not null;
alter table subscribers drop constraint subscribers_state_check;
alter table subscribers add constraint subscribers_state_check
  check (state in ('pending', 'confirmed', 'ended', 'paused')) not valid;

create table channels (
  subscriber_id bigint primary key references subscribers on delete cascade,
  owner_id bigint not null references subscribers on delete cascade,
  service text not null,
  address text not null,
  shown text not null,
  robot bytea not null,
  state text not null default 'active' check (state in ('active', 'paused', 'dead')),
  problem text,
  created_at timestamptz not null,
  failing_since timestamptz,
  taken_at timestamptz
);
create index channels_of on channels (owner_id);
create table robots (
  key bytea primary key,
  free_at timestamptz not null
);
"""


def upgrade() -> None:
    """Add what is missing; workers of the version before know no channel, and find none."""
    for statement in SCHEMA.split(";\n"):
        if statement.strip():
            op.execute(statement)
