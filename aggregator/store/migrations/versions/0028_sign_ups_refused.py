"""How many requests for mail each limit turned away, by the hour: numbers, nobody's address.

Revision ID: 0028
"""

from __future__ import annotations

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table; workers of the version before count nothing."""
    op.execute(
        "create table if not exists sign_ups_refused ("
        " hour timestamptz not null, by_limit text not null,"
        " refused bigint not null default 0, asked bigint not null default 0,"
        " primary key (hour, by_limit))"
    )
