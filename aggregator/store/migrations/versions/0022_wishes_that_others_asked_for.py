"""A wish that somebody changes to is matched with all that was announced while they asked.

It may be another's already, matched only since that one began to ask.

Revision ID: 0022
"""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

FOLLOW = """
create function follow_anew() returns trigger language plpgsql as $$
begin
  update wishes set followed = false where id = new.wish_id and followed;
  return null;
end $$
"""


def upgrade() -> None:
    """Have every change of a wish looked at, and those there were, too."""
    op.execute(FOLLOW)
    op.execute(
        "create trigger follow_anew after update of wish_id on subscriptions"
        " for each row when (new.wish_id <> old.wish_id) execute function follow_anew()"
    )
    op.execute("update wishes set followed = false")
