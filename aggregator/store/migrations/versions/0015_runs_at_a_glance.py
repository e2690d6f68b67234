"""What the operator's pages count by, what a run found, and the canary's mails.

Revision ID: 0015
"""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

SCHEMA = """
alter table runs add column if not exists people_due integer;
alter table runs add column if not exists people_planned integer;
create index outbox_of_run on outbox (run_id, state, id) where run_id is not null;
create index outbox_troubled on outbox (state, id) where state in ('failed', 'ambiguous');

create table canary_checks (
  mail_id bigint primary key,
  run_id bigint,
  message_id text not null unique,
  wanted_by timestamptz not null,
  arrived_at timestamptz,
  problem text
);
create index canary_checks_open on canary_checks (wanted_by) where arrived_at is null
"""


def upgrade() -> None:
    """Add columns, indexes and a table; workers of the version before know none of it."""
    for statement in SCHEMA.split(";\n"):
        if statement.strip():
            op.execute(statement)
