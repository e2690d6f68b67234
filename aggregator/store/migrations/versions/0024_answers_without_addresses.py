"""Answers of mail servers without the addresses that some of them repeat.

Revision ID: 0024
"""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

#: As aggregator/returns/read.py masks them from now on.
_MASK = r"""regexp_replace({0}, '[^\s<>"(),;:@]+@(?=[^\s<>"(),;:@])', '…@', 'g')"""


def upgrade() -> None:
    """Mask what is kept already; where a merged mail went is told by Message-ID."""
    for statement in (
        f"update outbox set answer = {_MASK.format('answer')} where state <> 'merged' and answer like '%@%'",
        f"update paces set answer = {_MASK.format('answer')} where answer like '%@%'",
        f"update suppressions set evidence = {_MASK.format('evidence')} where evidence like '%@%'",
    ):
        op.execute(statement)
