"""What comes back of our mails, and why an address gets none.

Revision ID: 0013
"""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

SCHEMA = """
create table returns (
  mail_id bigint not null references outbox on delete cascade,
  kind text not null,
  status text,
  diagnostic text not null,
  evidence text not null,
  via text not null,
  effect text not null,
  address_hash bytea,
  at timestamptz not null,
  cleared_at timestamptz,
  primary key (mail_id, kind)
);
create index returns_by_time on returns (at desc);
create index returns_soft on returns (address_hash, at) where kind = 'soft';

create table returns_counted (
  kind text primary key,
  count bigint not null,
  last_at timestamptz not null
);

alter table outbox add column bounced text;
alter table outbox add column bounced_at timestamptz;
create index outbox_sent_to on outbox (subscriber_id, created_at) where state = 'sent';
create index outbox_sent_as on outbox using hash (message_id) where state = 'sent';

alter table suppressions add column kind text not null default 'hard';
alter table suppressions add column evidence text not null default '';
alter table suppressions add column tried_at timestamptz;
alter table suppressions add column tried_key text;
update suppressions set kind = 'operator' where reason not like 'hard bounce%';

create table suppressions_lifted (
  id bigint generated always as identity primary key,
  email_key text not null,
  kind text not null,
  reason text not null,
  evidence text not null,
  at timestamptz not null,
  lifted_at timestamptz not null,
  lifted_by text not null
);
create index suppressions_lifted_of on suppressions_lifted (email_key, lifted_at);
"""


def upgrade() -> None:
    """Add what is missing; an older worker writes suppressions as before, as hard bounces."""
    for statement in SCHEMA.split(";\n"):
        if statement.strip():
            op.execute(statement)
