"""Which frequency a subscription left and when: a link to stop of its older mails finds it.

Revision ID: 0027
"""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table; workers of the version before write no row into it."""
    op.execute(
        "create table if not exists frequency_switches ("
        " subscription_id bigint not null references subscriptions (id) on delete cascade,"
        " frequency text not null, at timestamptz not null)"
    )
    op.execute(
        "create index if not exists frequency_switches_of on frequency_switches (subscription_id)"
    )
