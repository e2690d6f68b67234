"""What was sent, as which revision; and who wishes to be reminded of deadlines.

``ledger.revision`` is that of the announcement as a mail told it: later ones are changes. Rows
without it were written by workers of the version before: there the time decides.

Revision ID: 0020
"""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

SCHEMA = """
alter table ledger add column revision integer;
alter table subscribers add column reminders boolean not null default false;
create index revisions_at on revisions (at);
"""


def upgrade() -> None:
    """Add the columns and the index."""
    for statement in SCHEMA.split(";\n"):
        if statement.strip():
            op.execute(statement)
