"""The first schema.

Revision ID: 0001
"""

from __future__ import annotations

from alembic import context, op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = """
create table house (
  only_row boolean primary key default true check (only_row),
  tag_authority text not null,
  tag_date date not null
);

create sequence change_number;

create table sources (
  id bigint generated always as identity primary key,
  slug text not null unique,
  name text not null,
  kind text not null check (kind in ('feed', 'column', 'jpage', 'jpaas', 'json')),
  url text not null unique,
  host text not null,
  region text,
  authority text not null check (authority in ('official', 'media', 'commercial')),
  settings jsonb not null default '{}',
  state text not null check (state in ('active', 'paused', 'untested')),
  learned jsonb not null default '{}',
  etag text,
  last_modified text,
  body_hash bytea,
  generation integer not null default 0,
  attempts integer not null default 0,
  lease_until timestamptz,
  failures integer not null default 0,
  first_polled_at timestamptz,
  last_polled_at timestamptz,
  last_ok_at timestamptz,
  last_new_at timestamptz,
  next_poll_at timestamptz not null,
  usual_gap interval,
  usual_rows integer not null default 0,
  health text not null default 'new',
  problem text,
  problem_class text,
  gap_open text,
  held boolean not null default false,
  created_at timestamptz not null
);
create index sources_due on sources (next_poll_at) where state = 'active';

create table polls (
  id bigint generated always as identity primary key,
  source_id bigint not null references sources on delete cascade,
  at timestamptz not null,
  outcome text not null,
  status integer,
  found integer not null,
  new integer not null,
  changed integer not null,
  pages integer not null,
  page_bytes bigint not null,
  took_ms integer not null,
  problem text,
  notes text[] not null default '{}'
);
create index polls_of_source on polls (source_id, id desc);
create index polls_by_time on polls (at);

create table pages (
  hash bytea primary key,
  url text not null,
  content_type text,
  body bytea not null,
  body_bytes integer not null,
  fetched_at timestamptz not null
);

create table announcements (
  id bigint generated always as identity primary key,
  uuid uuid not null unique,
  source_id bigint references sources on delete set null,
  source_name text not null,
  title text not null,
  title_key text not null,
  url text not null,
  posted_at timestamptz,
  sort_at timestamptz not null,
  deadline_on date,
  amount_yuan double precision,
  kind text not null,
  categories text[] not null,
  regions text[] not null,
  region_roll text[] not null,
  authority text not null,
  doc_number text,
  fingerprint bigint not null,
  bands integer[] not null,
  excluded boolean not null,
  novelty text not null,
  substance_hash text not null,
  draft jsonb not null,
  search text not null,
  revision integer not null default 1,
  change bigint not null,
  first_seen_at timestamptz not null,
  announced_at timestamptz not null,
  announced_in xid8 not null default pg_current_xact_id(),
  changed_at timestamptz not null,
  withdrawn_at timestamptz,
  merged_into uuid
);
create index announcements_change on announcements (change desc);
create index announcements_sort on announcements (sort_at desc, id desc);
create index announcements_announced on announcements (announced_at);
create index announcements_regions on announcements using gin (region_roll);
create index announcements_categories on announcements using gin (categories);
create index announcements_kind on announcements (kind, change desc);
create index announcements_bands on announcements using gin (bands);
create index announcements_number on announcements using hash (doc_number);
create index announcements_title on announcements using hash (title_key);
create index announcements_url on announcements using hash (url);

create table entries (
  id bigint generated always as identity primary key,
  source_id bigint not null references sources on delete cascade,
  key text not null,
  url text,
  title text not null,
  entry jsonb not null,
  raw_hash text not null,
  first_seen_at timestamptz not null,
  first_poll boolean not null,
  held boolean not null default false,
  announcement_id bigint references announcements on delete set null,
  due_at timestamptz,
  lease_until timestamptz,
  generation integer not null default 0,
  attempts integer not null default 0,
  reads integer not null default 0,
  etag text,
  last_modified text,
  page_hash bytea references pages,
  gone_since timestamptz,
  problem text,
  problem_class text,
  unique (source_id, key)
);
create index entries_of_source on entries (source_id, id desc);
create index entries_due on entries (due_at) where due_at is not null;
create index entries_of_announcement on entries (announcement_id);

create table sightings (
  announcement_id bigint not null references announcements on delete cascade,
  entry_id bigint not null unique references entries on delete cascade,
  source_id bigint not null references sources on delete cascade,
  source_name text not null,
  url text not null,
  title text not null,
  authority text not null,
  seen_at timestamptz not null
);
create index sightings_of on sightings (announcement_id);

create table revisions (
  announcement_id bigint not null references announcements on delete cascade,
  revision integer not null,
  at timestamptz not null,
  changes jsonb not null,
  primary key (announcement_id, revision)
);

create table wishes (
  id bigint generated always as identity primary key,
  canonical text not null unique,
  filter jsonb not null
);

create table subscribers (
  id bigint generated always as identity primary key,
  email text not null,
  email_key text not null unique,
  state text not null check (state in ('pending', 'confirmed', 'ended')),
  language text not null default 'zh',
  timezone text not null default 'Asia/Shanghai',
  hour integer not null default 8 check (hour between 0 and 23),
  minute integer not null default 30 check (minute between 0 and 59),
  weekday integer not null default 0 check (weekday between 0 and 6),
  epoch integer not null default 0,
  confirmed_at timestamptz,
  confirmed_from text,
  created_at timestamptz not null
);

create table subscriptions (
  id bigint generated always as identity primary key,
  subscriber_id bigint not null references subscribers on delete cascade,
  wish_id bigint not null references wishes,
  frequency text not null check (frequency in ('immediate', 'daily', 'weekly')),
  state text not null check (state in ('pending', 'active', 'paused', 'ended')),
  active_from timestamptz not null,
  seen pg_snapshot not null default pg_current_snapshot(),
  ended_at timestamptz,
  end_reason text,
  unique (subscriber_id, wish_id, frequency)
);
create index subscriptions_active on subscriptions (frequency, subscriber_id) where state = 'active';

create table pauses (
  subscription_id bigint not null references subscriptions on delete cascade,
  from_at timestamptz not null,
  until_at timestamptz
);
create index pauses_of on pauses (subscription_id);

create table confirmations (
  token_hash bytea primary key,
  subscriber_id bigint not null references subscribers on delete cascade,
  subscription_ids bigint[] not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz
);
create table sign_ups (
  email_key text not null,
  network text,
  mail_domain text not null,
  at timestamptz not null
);
create index sign_ups_email on sign_ups (email_key, at);
create index sign_ups_network on sign_ups (network, at);

create table suppressions (
  email_key text primary key,
  reason text not null,
  at timestamptz not null
);

create table runs (
  id bigint generated always as identity primary key,
  frequency text not null,
  due_at timestamptz not null,
  planned_at timestamptz,
  unique (frequency, due_at)
);

create table outbox (
  id bigint generated always as identity primary key,
  key text not null unique,
  lane integer not null,
  state text not null default 'queued'
    check (state in ('queued', 'claimed', 'handed', 'sent', 'deferred', 'failed', 'ambiguous')),
  subscriber_id bigint references subscribers on delete set null,
  recipient text not null,
  mail jsonb not null,
  message_id text not null,
  created_at timestamptz not null,
  due_at timestamptz not null,
  lease_until timestamptz,
  generation integer not null default 0,
  attempts integer not null default 0,
  was_ambiguous boolean not null default false,
  answer text,
  sent_at timestamptz
);
create index outbox_due on outbox (lane, due_at)
  where state in ('queued', 'claimed', 'handed', 'deferred', 'ambiguous');

create table ledger (
  subscriber_id bigint not null references subscribers on delete cascade,
  announcement_id bigint not null references announcements on delete cascade,
  reason text not null,
  run_id bigint references runs,
  mail_id bigint references outbox on delete set null,
  at timestamptz not null,
  primary key (subscriber_id, announcement_id, reason)
);
create index ledger_of_announcement on ledger (announcement_id);

create table heartbeats (
  name text primary key,
  at timestamptz not null
);
create table hosts (
  host text primary key,
  free_at timestamptz not null
);
"""


def upgrade() -> None:
    """Make every table; fix the authority and date of our feed ids for good (RFC 4151)."""
    for statement in SCHEMA.split(";\n"):
        if statement.strip():
            op.execute(statement)
    authority = context.config.attributes["tag_authority"].replace("'", "''")
    op.execute(
        "insert into house (tag_authority, tag_date) values "
        f"('{authority}', (now() at time zone 'Asia/Shanghai')::date)"  # our own word
    )
