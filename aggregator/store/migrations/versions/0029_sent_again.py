"""What a journal of sent mails outside of the database needs, and what is read back from it.

``editions.items`` names the notices of an edition by their sources' rows, which are the same
after a restore; ``house.journal_key`` makes of an address what only this database can tell again.
``recalled_mails`` and ``recalled_items`` hold what left after the backup that was restored.

Revision ID: 0029
"""

from __future__ import annotations

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

SCHEMA = """
alter table editions add column items text not null default '';
alter table house add column journal_key bytea;
update house set journal_key = uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
alter table house add column backed_up_at timestamptz;
create table recalled_mails (
  message_id text primary key,
  edition text not null,
  person text not null,
  subscriber_id bigint,
  mail_id bigint,
  at timestamptz not null
);
create index recalled_mails_of on recalled_mails (subscriber_id);
create index recalled_mails_person on recalled_mails (person) where subscriber_id is null;
create table recalled_items (
  edition text not null,
  name text not null,
  reason text not null,
  substance text not null,
  primary key (name, edition, reason)
)
"""


def upgrade() -> None:
    """Add what is missing; editions of workers of the version before name no notices."""
    for statement in SCHEMA.split(";\n"):
        op.execute(statement)
