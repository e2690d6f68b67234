"""What delivery needs: paces of mail domains, why mails failed, and an outbox that stays quick.

A row of the outbox changes three times on its way out. ``waiting`` says what the partial indexes
ask for without naming ``state`` itself, so that the first two changes touch no index at all
(HOT). Workers of the version before write states as ever; the column follows.

Revision ID: 0017
"""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

SCHEMA = """
create table paces (
  domain text primary key,
  per_minute double precision,
  connections integer,
  wait_until timestamptz,
  free_at timestamptz not null,
  slowed_at timestamptz not null,
  raised_at timestamptz not null,
  answer text not null default ''
);

alter table outbox add column waiting boolean generated always as
  (state in ('queued', 'claimed', 'handed', 'deferred', 'ambiguous')) stored,
  add column meaning text, add column answered_at timestamptz;
alter table outbox set (fillfactor = 70);
drop index outbox_due;
create index outbox_due on outbox (lane, due_at, id) where waiting;
drop index outbox_of;
create index outbox_of on outbox (subscriber_id) where waiting;
update outbox set domain = lower(split_part(recipient, '@', 2)) where domain is null and waiting;
create index outbox_domain on outbox (domain, lane, due_at, id) where waiting;
create index if not exists outbox_of_run on outbox (run_id) where run_id is not null
"""


def upgrade() -> None:
    """Add what is missing; nothing is taken away that workers of the version before use."""
    for statement in SCHEMA.split(";\n"):
        if statement.strip():
            op.execute(statement)
