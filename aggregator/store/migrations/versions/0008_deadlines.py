"""Deadlines as rows, each with an identity that outlives its day (docs/adr/0020).

Rows follow the journal: whoever publishes a change follows its deadlines. What is stored already
is followed from its present record on.

Revision ID: 0008
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SCHEMA = """
create table deadlines (
  announcement_id bigint not null references announcements on delete cascade,
  number integer not null,
  day date not null,
  sentence text not null,
  sequence integer not null default 0,
  born_at timestamptz not null,
  changed_at timestamptz not null,
  cancelled_at timestamptz,
  primary key (announcement_id, number)
);
create index deadlines_day on deadlines (day);
create index deadlines_changed on deadlines (changed_at);

insert into deadlines
  (announcement_id, number, day, sentence, sequence, born_at, changed_at, cancelled_at)
select a.id, d.place - 1, cast(d.stated ->> 'value' as date), d.stated ->> 'sentence',
  case when a.withdrawn_at is null then 0 else 1 end, a.first_seen_at, a.changed_at,
  a.withdrawn_at
from announcements a, jsonb_array_elements(a.draft -> 'facts' -> 'deadlines')
  with ordinality as d (stated, place)
where a.deadline_on is not null;
"""


def upgrade() -> None:
    """Make the table and fill it."""
    for statement in SCHEMA.split(";\n"):
        if statement.strip():
            op.execute(statement)
