"""What an operator settled, and a small index of the mails that were ever in doubt.

The index does not name the state: a mail on its way out changes none (0019).

Revision ID: 0026
"""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

SCHEMA = """
alter table outbox add column dismissed_at timestamptz;
create index outbox_in_doubt on outbox (id) where was_ambiguous and dismissed_at is null
"""


def upgrade() -> None:
    """Add a column that is empty everywhere, without writing the table anew, and the index."""
    for statement in SCHEMA.split(";\n"):
        op.execute(statement)
