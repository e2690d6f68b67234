"""Keys of clusters, drafts of sightings, an operator's rulings, and names that cite.

The columns that keys replace stay, with defaults: workers of the version before still write
them while they are replaced one by one (RELIABILITY.md, row 23). A later migration drops them.

Revision ID: 0003
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = """
alter table house add column keys_version integer not null default 0;

drop index announcements_bands;
drop index announcements_number;
drop index announcements_title;
drop index announcements_url;
alter table announcements alter column bands set default '{}';
alter table announcements alter column fingerprint set default 0;
alter table announcements add column keys bigint[] not null default '{}';
alter table announcements add column names text[] not null default '{}';
alter table announcements add column cites text[] not null default '{}';
create index announcements_unkeyed on announcements (id) where keys = '{}';
create index announcements_keys on announcements using gin (keys);
create index announcements_names on announcements using gin (names);
create index announcements_cites on announcements using gin (cites);
create index announcements_merged on announcements (merged_into) where merged_into is not null;

alter table sightings add column draft jsonb;

create table rulings (
  id bigint generated always as identity primary key,
  verdict text not null check (verdict in ('split', 'merge')),
  announcement_id bigint not null references announcements on delete cascade,
  other_id bigint not null references announcements on delete cascade,
  by text not null,
  why text not null,
  at timestamptz not null
);
create index rulings_of on rulings (announcement_id);
create index rulings_of_other on rulings (other_id);

create table ruled_pairs (
  one bigint not null references entries on delete cascade,
  two bigint not null references entries on delete cascade,
  together boolean not null,
  ruling_id bigint not null references rulings on delete cascade,
  primary key (one, two),
  check (one < two)
);
create index ruled_pairs_two on ruled_pairs (two);
create index ruled_pairs_of on ruled_pairs (ruling_id);

create table crowded (
  key bigint primary key,
  candidates integer not null,
  looked_at integer not null,
  example text not null,
  at timestamptz not null
);
"""


def upgrade() -> None:
    """Add the columns; ``store.migrate`` fills in the keys afterwards, in batches."""
    for statement in SCHEMA.split(";\n"):
        if statement.strip():
            op.execute(statement)
