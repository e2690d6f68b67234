"""Spells, matches and editions: what digests are planned from (docs/adr/0028).

Announcements of the last 35 days are numbered in the order of ``announced_at``, and the spells
of the subscriptions there are follow from the times that were kept until now. Workers of the
version before know nothing of either: triggers keep spells in step with subscriptions whoever
writes them, and what they announce is numbered when it is matched.

Revision ID: 0011
"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

#: ``store.publish`` takes this lock before it takes numbers.
_LOCK = 7_405_117

TABLES = """
alter table announcements add column announced_change bigint default 0;
alter table announcements alter column announced_change drop default;
create index announcements_numbered on announcements (announced_change)
  where announced_change > 0;
create index announcements_unnumbered on announcements (id) where announced_change is null;

alter table wishes add column followed boolean not null default false;
alter table subscriptions add column settled bigint not null default 0;

create table spells (
  id bigint generated always as identity primary key,
  subscription_id bigint not null references subscriptions on delete cascade,
  wish_id bigint not null references wishes,
  from_change bigint not null,
  until_change bigint
);
create index spells_of on spells (subscription_id);
create index spells_of_wish on spells (wish_id);

create sequence match_number;
create table matches (
  wish_id bigint not null,
  announcement_id bigint not null,
  change bigint not null,
  number bigint not null,
  primary key (wish_id, announcement_id)
);
create index matches_in_order on matches (wish_id, number);
create index matches_of on matches (announcement_id);

create table stirred (
  id bigint generated always as identity primary key,
  announcement_id bigint not null
);

create table editions (
  id bigint generated always as identity primary key,
  run_id bigint,
  key text not null unique,
  subject text not null,
  text text not null,
  html text not null,
  created_at timestamptz not null
);

alter table outbox alter column mail drop not null;
alter table outbox add column edition_id bigint;
alter table outbox add column run_id bigint;
alter table outbox add column domain text;
alter table outbox add column waiting_since timestamptz;
alter table outbox drop constraint outbox_state_check;
alter table outbox add constraint outbox_state_check check (state in ('queued', 'claimed',
  'handed', 'sent', 'deferred', 'failed', 'ambiguous', 'merged'));
create index outbox_of on outbox (subscriber_id)
  where state in ('queued', 'claimed', 'handed', 'deferred', 'ambiguous');
alter table outbox drop constraint outbox_subscriber_id_fkey;

alter table ledger drop constraint ledger_subscriber_id_fkey;
alter table ledger drop constraint ledger_announcement_id_fkey;
alter table ledger drop constraint ledger_run_id_fkey;
alter table ledger drop constraint ledger_mail_id_fkey
"""

NUMBERS = """
with recent as (
  select id, row_number() over (order by announced_at, id) as place
  from announcements where announced_at > now() - interval '35 days'
), base as (
  select setval('change_number', nextval('change_number') + (select count(*) from recent) + 1)
    - (select count(*) from recent) - 1 as number
)
update announcements a set announced_change = base.number + recent.place
from recent, base where a.id = recent.id
"""

#: Times become numbers: the last one announced before that time.
SPELLS = """
with turns as (
  select s.id, s.wish_id, s.active_from as at, true as on_ from subscriptions s
    where s.state <> 'pending'
  union all select s.id, s.wish_id, p.from_at, false from subscriptions s
    join pauses p on p.subscription_id = s.id where s.state <> 'pending'
  union all select s.id, s.wish_id, p.until_at, true from subscriptions s
    join pauses p on p.subscription_id = s.id where s.state <> 'pending' and p.until_at is not null
  union all select s.id, s.wish_id, s.ended_at, false from subscriptions s
    where s.state = 'ended' and s.ended_at is not null
), told as (
  select t.*, lead(t.at) over (partition by t.id order by t.at, t.on_ desc) as next_at
  from turns t
)
insert into spells (subscription_id, wish_id, from_change, until_change)
select t.id, t.wish_id, coalesce(before.number, 0),
  case when t.next_at is not null then coalesce(after.number, 0) end
from told t
left join lateral (select a.announced_change as number from announcements a
  where a.announced_at < t.at and a.announced_change > 0
  order by a.announced_at desc, a.announced_change desc limit 1) before on true
left join lateral (select a.announced_change as number from announcements a
  where a.announced_at < t.next_at and a.announced_change > 0
  order by a.announced_at desc, a.announced_change desc limit 1) after on true
where t.on_
"""

TRIGGERS = (
    # Whatever a wish may ask of an announcement has changed: it is matched anew.
    """
    create function stir() returns trigger language plpgsql as $$
    begin
      insert into stirred (announcement_id) values (new.id);
      return null;
    end $$
    """,
    """
    create trigger stir after update of announced_change, novelty, withdrawn_at, merged_into,
      search, region_roll, kind, categories, authority, amount_yuan, sort_at, deadline_on, excluded
    on announcements for each row when (new.announced_change > 0) execute function stir()
    """,
    # A notice that was held is announced when it is let go, whoever does that.
    """
    create function let_go() returns trigger language plpgsql as $$
    begin
      if new.announced_change is not distinct from old.announced_change then
        new.announced_change := null;
      end if;
      return new;
    end $$
    """,
    """
    create trigger let_go before update of novelty on announcements
    for each row when (old.novelty = 'held' and new.novelty <> 'held') execute function let_go()
    """,
    # A spell is the time in which a subscription was active under one wish. Whoever sees a
    # number sees all lower ones (store.publish), so the highest one parts before from after.
    """
    create function keep_spells() returns trigger language plpgsql as $$
    declare
      last bigint;
    begin
      select coalesce(max(announced_change), 0) into last
        from announcements where announced_change > 0;
      update spells set until_change = last
        where subscription_id = new.id and until_change is null;
      if new.state = 'active' then
        if tg_op = 'UPDATE' and old.state in ('pending', 'ended') then
          delete from spells where subscription_id = new.id;
        end if;
        insert into spells (subscription_id, wish_id, from_change)
          values (new.id, new.wish_id, last);
      end if;
      return null;
    end $$
    """,
    """
    create trigger keep_spells_of_new after insert on subscriptions
    for each row when (new.state = 'active') execute function keep_spells()
    """,
    """
    create trigger keep_spells after update of state, wish_id on subscriptions
    for each row when (new.wish_id <> old.wish_id or new.state <> old.state)
    execute function keep_spells()
    """,
    # What was looked at under another wish, or before a pause, is looked at again.
    """
    create function look_again() returns trigger language plpgsql as $$
    begin
      new.settled := 0;
      return new;
    end $$
    """,
    """
    create trigger look_again before update of state, wish_id on subscriptions
    for each row when (new.wish_id <> old.wish_id or new.state <> old.state)
    execute function look_again()
    """,
)


def upgrade() -> None:
    """Make the tables, number what is there, and let triggers keep the rest."""
    for statement in TABLES.split(";\n"):
        op.execute(statement)
    op.execute(f"select pg_advisory_xact_lock({_LOCK})")
    op.execute(NUMBERS)
    op.execute(SPELLS)
    for statement in TRIGGERS:
        op.execute(statement)
