"""What a search looks up: pairs of characters of the text, and fields as words.

Triggers write both columns, so whoever writes an announcement (a worker of the version before,
a ruling, a restore) leaves nothing that a search would miss. Rows that were stored before hold
the word ``any`` and are looked through until ``store.migrate`` has filled them in.

Revision ID: 0006
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0009"
branch_labels = None
depends_on = None

SCHEMA = (
    "alter table house add column search_version integer not null default 0",
    "alter table announcements add column grams tsvector not null default '''any'''",
    "alter table announcements add column facets tsvector not null default '''any'''",
    # Every two neighbouring characters; every whole Latin word after ``=``, and of those of a head
    # every character after ``^``, every two and three after ``h``. A body of more than a hundred pages is looked through.
    """
create function quxun_grams(words text) returns tsvector
language plpgsql immutable strict parallel safe as $$
declare
  letters text[] := string_to_array(words, null);
  size integer := coalesce(cardinality(letters), 0);
  head integer := strpos(words, chr(30));
  pairs text[];
  heads text[] := '{}';
begin
  if size > 60000 then return '''any'''; end if;
  for i in 1..size loop
    pairs[i] := letters[i] || coalesce(letters[i + 1], '');
    if i < head and letters[i] ~ '^[a-z0-9]$' then
      heads := heads || ('^' || letters[i]);
      if pairs[i] ~ '^[a-z0-9]{2}$' then
        heads := heads || ('h' || pairs[i]);
        if letters[i + 2] ~ '^[a-z0-9]$' then
          heads := heads || ('h' || pairs[i] || letters[i + 2]);
        end if;
      end if;
    end if;
  end loop;
  return coalesce(array_to_tsvector(pairs || heads || array(
    select '=' || left(run[1], 40) from regexp_matches(words, '[a-z0-9]+', 'g') run
  )), '');
end $$
""",
    # Days and numbers of changes as words of several lengths: any span is a few of them.
    """
create function quxun_facets(
  region_roll text[], kind text, categories text[], authority text, excluded boolean,
  gone boolean, merged boolean, sort_at timestamptz, change bigint, deadline_on date,
  amount_yuan double precision
) returns tsvector
language plpgsql stable parallel safe as $$
declare
  day text := to_char(
    least(greatest((sort_at at time zone 'Asia/Shanghai')::date, '1990-01-01'), '2099-12-31'),
    'YYYYMMDD');
  due text := to_char(least(greatest(deadline_on, '1990-01-01'), '2099-12-31'), 'YYYYMMDD');
begin
  return array_to_tsvector(
    array(select 'r' || one from unnest(region_roll) one)
    || array(select 'c' || one from unnest(categories) one)
    || array['k' || kind, 'a' || authority,
      'd' || day, 'd' || left(day, 6), 'd' || left(day, 4),
      'n9:' || (change >> 9), 'n12:' || (change >> 12), 'n15:' || (change >> 15), 'n20:' || (change >> 20)]
    || case when excluded then array['x'] else '{}' end
    || case when gone then array['w'] else '{}' end
    || case when merged then array['m'] else '{}' end
    || case when deadline_on is null then '{}'
      else array['t' || due, 't' || left(due, 6), 't' || left(due, 4)] end
    || case when amount_yuan > 0
      then array['y' || least(64, greatest(0, floor(4 * log(amount_yuan))))] else '{}' end
  );
end $$
""",
    # A row is written with no number of a change, and gets one when its transaction publishes it:
    # its text goes into the index then, once.
    """
create function quxun_search_columns() returns trigger language plpgsql as $$
begin
  if new.change = 0 then
    new.grams := '''any''';
  elsif tg_op = 'INSERT' then
    new.grams := quxun_grams(new.search);
  elsif new.search is distinct from old.search or new.grams = '''any''' then
    new.grams := quxun_grams(new.search);
  end if;
  new.facets := quxun_facets(
    new.region_roll, new.kind, new.categories, new.authority, new.excluded,
    new.withdrawn_at is not null, new.merged_into is not null, new.sort_at, new.change,
    new.deadline_on, new.amount_yuan
  );
  return new;
end $$
""",
    """
create trigger announcements_search before insert or update on announcements
for each row execute function quxun_search_columns()
""",
    # The planner is not offered another way; windows and the order do all that these did.
    "drop index announcements_regions",
    "drop index announcements_categories",
    "drop index announcements_kind",
    # What was written last waits in a list of 4 MB: with an eighth of it, a write cost four times more.
    "create index announcements_search on announcements using gin (facets, grams)",
)


def upgrade() -> None:
    """Add columns, triggers and the index; rows are filled in afterwards, in batches."""
    for statement in SCHEMA:
        op.execute(statement)
