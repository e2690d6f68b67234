"""Alarms, the operator's sessions and deeds, and the switches that hold mail.

Revision ID: 0010
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0006"
branch_labels = None
depends_on = None

SCHEMA = """
create table alarms (
  id bigint generated always as identity primary key,
  kind text not null,
  text text not null,
  at timestamptz not null,
  told_at timestamptz,
  cleared_at timestamptz
);
create unique index alarms_open on alarms (kind) where cleared_at is null;
create index alarms_by_time on alarms (at desc);

alter table house add column mail_held_at timestamptz;
alter table house add column mail_held_why text;

alter table runs add column if not exists held text;
alter table outbox add column if not exists resends integer not null default 0;

create table operator_sessions (
  id_hash bytea primary key,
  created_at timestamptz not null,
  used_at timestamptz not null
);
create table operator_tries (
  network text not null,
  at timestamptz not null
);
create index operator_tries_of on operator_tries (network, at);

create table audit (
  id bigint generated always as identity primary key,
  who text not null,
  what text not null,
  about text not null,
  at timestamptz not null
);
create index audit_by_time on audit (at desc);
"""


def upgrade() -> None:
    """Add what is missing; workers of the version before know none of it."""
    for statement in SCHEMA.split(";\n"):
        if statement.strip():
            op.execute(statement)
