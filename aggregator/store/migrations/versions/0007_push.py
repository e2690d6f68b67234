"""Followers of our feeds (WebSub), webhooks, and what came of calling them.

Revision ID: 0007
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None

SCHEMA = """
create table push_cursors (
  name text primary key,
  change bigint not null
);

create table websub_topics (
  address text primary key,
  name text not null,
  form text not null,
  url text not null,
  search boolean not null,
  version bigint not null default 0,
  suspect bigint not null default 0,
  measured bigint not null default -1
);
create index websub_topics_name on websub_topics (name);
create index websub_topics_search on websub_topics (address) where search;
create index websub_topics_unmeasured on websub_topics (address) where measured < suspect;

create table websub_requests (
  id bigint generated always as identity primary key,
  mode text not null check (mode in ('subscribe', 'unsubscribe', 'denied')),
  address text not null,
  name text not null,
  form text not null,
  url text not null,
  callback text not null,
  callback_host text not null,
  secret text,
  lease_seconds integer not null,
  network text not null,
  change bigint not null,
  reason text,
  asked_at timestamptz not null,
  attempts integer not null default 0,
  lease_until timestamptz,
  outcome text
);
create index websub_requests_asked on websub_requests (asked_at);
create index websub_requests_open on websub_requests (id) where outcome is null;

create table websub_subscriptions (
  id bigint generated always as identity primary key,
  key bytea not null unique,
  address text not null references websub_topics,
  callback text not null,
  callback_host text not null,
  secret text,
  lease_seconds integer not null,
  request_id bigint not null,
  created_at timestamptz not null,
  renewed_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz,
  why text,
  sent_version bigint not null,
  sent_at timestamptz,
  due_at timestamptz not null,
  attempts integer not null default 0,
  failing_since timestamptz,
  lease_until timestamptz,
  generation integer not null default 0,
  last_status integer,
  last_answer text
);
create index websub_subscriptions_topic on websub_subscriptions (address) where ended_at is null;
create index websub_subscriptions_host on websub_subscriptions (callback_host);
create index websub_subscriptions_busy on websub_subscriptions (callback_host)
  where lease_until is not null;

create table webhooks (
  id bigint generated always as identity primary key,
  url text not null unique,
  filter text not null,
  secret text not null,
  state text not null check (state in ('active', 'paused', 'given_up')),
  created_at timestamptz not null,
  cursor bigint not null,
  through bigint,
  due_at timestamptz not null,
  attempts integer not null default 0,
  failing_since timestamptz,
  problem text,
  lease_until timestamptz,
  generation integer not null default 0
);

create table webhook_deliveries (
  id bigint generated always as identity primary key,
  webhook_id bigint not null references webhooks on delete cascade,
  message_id text not null,
  at timestamptz not null,
  attempt integer not null,
  events integer not null,
  first_change bigint not null,
  last_change bigint not null,
  status integer not null,
  took_ms integer not null,
  answer text not null
);
create index webhook_deliveries_of on webhook_deliveries (webhook_id, id desc);
create index webhook_deliveries_at on webhook_deliveries (at);
"""


def upgrade() -> None:
    """Add the tables; workers of the version before know nothing of them."""
    for statement in SCHEMA.split(";\n"):
        if statement.strip():
            op.execute(statement)
