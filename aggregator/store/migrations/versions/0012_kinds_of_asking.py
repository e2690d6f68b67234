"""What a mail was asked for, counted apart for an address.

Revision ID: 0012
"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Workers of the version before count sign-ups only."""
    op.execute("alter table sign_ups add column kind text not null default 'sign-up'")
    op.execute("create index sign_ups_at on sign_ups (at)")
