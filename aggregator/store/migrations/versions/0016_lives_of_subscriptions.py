"""Pauses that end by themselves, moves to another address, and the reason of every ending.

A trigger keeps the endings, so whoever ends a subscription (a worker of the version before, a bounce, an
operator) leaves its reason behind. They name no person once that person is erased.

Revision ID: 0016
"""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

SCHEMA = (
    "alter table subscribers add column consent text",
    "alter table subscriptions add column paused_until timestamptz",
    """
create index subscriptions_paused on subscriptions (paused_until) where paused_until is not null
""",
    """
create table moves (
  token_hash bytea primary key,
  subscriber_id bigint not null references subscribers on delete cascade,
  email text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz
)
""",
    "create index moves_of on moves (subscriber_id)",
    """
create table endings (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  reason text not null,
  why text,
  frequency text not null,
  subscriber_id bigint,
  subscription_id bigint
)
""",
    "create index endings_of on endings (subscriber_id)",
    """
insert into endings (at, reason, frequency, subscriber_id, subscription_id)
select coalesce(ended_at, active_from), coalesce(end_reason, 'unknown'), frequency, subscriber_id, id
from subscriptions where state = 'ended'
""",
    """
create function keep_endings() returns trigger language plpgsql as $$
begin
  insert into endings (at, reason, frequency, subscriber_id, subscription_id)
    values (coalesce(new.ended_at, now()), coalesce(new.end_reason, 'unknown'), new.frequency,
      new.subscriber_id, new.id);
  return null;
end $$
""",
    """
create trigger keep_endings after update of state on subscriptions
for each row when (new.state = 'ended' and old.state in ('active', 'paused'))
execute function keep_endings()
""",
)


def upgrade() -> None:
    """Add them; endings of before are taken over as far as they are known."""
    for statement in SCHEMA:
        op.execute(statement)
