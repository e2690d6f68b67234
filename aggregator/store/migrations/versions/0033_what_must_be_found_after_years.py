"""Indexes for what is asked of an outbox of tens of millions of mails.

None of them is touched while a mail is claimed and handed over (0019). ``outbox_kept`` holds the
mails whose address and words are still known, by when they were done with; its predicate names
``recipient``, so that forgetting these, a week later, writes the row's other indexes once more.
``outbox_unsent_of`` holds what ``outbox_of`` and ``outbox_sent_to`` leave out: few mails.

Revision ID: 0033
"""

from __future__ import annotations

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

SCHEMA = """
create index outbox_kept on outbox ((coalesce(sent_at, created_at)))
  where not waiting and recipient <> '';
create index outbox_unsent_of on outbox (subscriber_id) where not waiting and sent_at is null;
create index outbox_to_domain on outbox (domain, id) where not waiting;
create index editions_made on editions (created_at);
create index confirmations_of on confirmations (subscriber_id);
create index subscribers_confirmed on subscribers (confirmed_at) where confirmed_at is not null
"""


def upgrade() -> None:
    """Add indexes; workers of the version before need not know."""
    for statement in SCHEMA.split(";\n"):
        op.execute(statement)
