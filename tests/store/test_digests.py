"""Who is owed what: a set without seams, and in nobody's mail twice."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Engine, text

from aggregator import store
from aggregator.model import (
    AnnouncementId,
    Draft,
    Edition,
    Filter,
    Flag,
    Frequency,
    Kind,
    Novelty,
    Run,
    RunId,
    Subscriber,
)
from aggregator.store import publish, rows
from aggregator.store.planning import Batch

NOW = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)  # 08:30 in Shanghai, a Monday
HOUR = timedelta(hours=1)
DAILY = Frequency.DAILY


def announce(
    engine: Engine, title: str, *, at: datetime = NOW, novelty: Novelty = Novelty.NEWS,
    region: str = "500116", kind: Kind = Kind.POLICY, excluded: bool = False,
) -> AnnouncementId:  # fmt: skip
    """Put a finished announcement there, as storing an article does."""
    with engine.begin() as connection:
        one = begun(
            connection, title, at=at, novelty=novelty, region=region, kind=kind, excluded=excluded
        )
        publish.number(connection, [one])
        return one


def begun(
    connection: Connection, title: str, *, at: datetime = NOW, novelty: Novelty = Novelty.NEWS,
    region: str = "500116", kind: Kind = Kind.POLICY, excluded: bool = False,
) -> AnnouncementId:  # fmt: skip
    """What a transaction writes that is about to announce something."""
    draft = Draft(
        title=title, url=f"http://a.example/{title}", posted_at=at, kind=kind,
        flags=(Flag.EXCLUDED,) if excluded else (),
    )  # fmt: skip
    statement = text(
        "insert into announcements (uuid, source_name, title, title_key, url, posted_at, sort_at,"
        " kind, categories, regions, region_roll, authority, excluded, novelty,"
        " substance_hash, draft, search, change, first_seen_at, announced_at, changed_at) values"
        " (:uuid, '', :title, '', :title, :at, :at, :kind, '{}', array[:region], array[:region],"
        " 'official', :excluded, :novelty, '', cast(:draft as jsonb), :title,"
        " nextval('change_number'), :at, :at, :at) returning id"
    )
    values = {
        "uuid": uuid4(), "title": title, "at": at, "kind": kind, "region": region,
        "excluded": excluded, "novelty": novelty, "draft": rows.to_json(draft),
    }  # fmt: skip
    return AnnouncementId(connection.execute(statement, values).scalar_one())


def commit(connection: Connection, one: AnnouncementId) -> None:
    """Announce at last: the number is taken with the commit."""
    publish.number(connection, [one])
    connection.commit()


def subscriber(
    engine: Engine, *filters: Filter, at: datetime = NOW - 24 * HOUR,
    frequency: Frequency = DAILY, email: str = "reader@mail.example",
) -> Subscriber:  # fmt: skip
    people = store.Subscribers(engine)
    return people.sign_up(email, filters or [Filter()], frequency, at, confirmed=True)


def owed(engine: Engine, who: Subscriber, now: datetime = NOW, frequency: Frequency = DAILY):
    fresh = store.Subscribers(engine).get(who.id)
    _, found = store.Digests(engine).owed(fresh, frequency, now)
    return sorted(a.draft.title for a in found)


def send(engine: Engine, who: Subscriber, due_at: datetime, frequency: Frequency = DAILY) -> bool:
    """Plan a run for one person: what is owed becomes a mail."""
    digests = store.Digests(engine)
    digests.match(due_at)
    run = digests.open_run(frequency, due_at)
    assert run is not None
    planned = planned_by(engine, run, who)
    digests.close_run(run.id, due_at)
    return bool(planned)


def planned_by(engine: Engine, run: Run, *people: Subscriber) -> int:
    with store.Digests(engine).planning(run, [one.id for one in people], run.due_at) as batch:
        return write(batch, run)


def write(batch: Batch, run: Run) -> int:
    """Put every share of a batch into words that these tests need not read."""
    written = [
        (share, Edition(key=f"{run.id} {share.selection.items}", subject="s", text="t", html="h"))
        for share in batch.shares
    ]
    return batch.write(written, lambda one: (f"{run.id}:{one}", f"<{run.id}.{one}@x>"))[0]


@contextmanager
def uncommitted(engine: Engine) -> Iterator[Connection]:
    """A transaction of another worker that has begun and not ended."""
    with engine.connect() as connection:
        yield connection


def test_what_commits_after_the_run_is_in_the_next_and_only_there(engine: Engine):
    """Two transactions commit in the other order than they began: no seam, no double."""
    who = subscriber(engine)
    with uncommitted(engine) as late:
        first = begun(late, "先开始后提交", at=NOW - HOUR)
        announce(engine, "后开始先提交", at=NOW - HOUR / 2)
        assert owed(engine, who) == ["后开始先提交"]
        assert send(engine, who, NOW)
        commit(late, first)

    assert owed(engine, who, NOW + 24 * HOUR) == ["先开始后提交"]
    assert send(engine, who, NOW + 24 * HOUR)
    assert owed(engine, who, NOW + 48 * HOUR) == []


def test_what_was_not_yet_visible_at_confirmation_is_owed(engine: Engine):
    """It was on no page when the person subscribed: by clocks it would be in no mail either."""
    with uncommitted(engine) as slow:
        one = begun(slow, "确认时尚未提交", at=NOW - timedelta(seconds=2))
        announce(engine, "确认时已可见", at=NOW - timedelta(seconds=1))
        who = subscriber(engine, at=NOW)
        commit(slow, one)

    assert owed(engine, who, NOW + HOUR) == ["确认时尚未提交"]


@pytest.mark.parametrize(
    "rule", [Novelty.LATE, Novelty.FIRST_POLL, Novelty.HELD, "withdrawn", "excluded", "old"]
)
def test_named_rules_leave_an_announcement_out(engine: Engine, rule: str):
    """Nothing is missing from a mail but by a rule that has a name."""
    who = subscriber(engine, at=NOW - timedelta(days=60))
    novelty = Novelty(rule) if rule in set(Novelty) else Novelty.NEWS
    at = NOW - timedelta(days=36) if rule == "old" else NOW - HOUR
    one = announce(engine, "x", novelty=novelty, excluded=rule == "excluded", at=at)
    announce(engine, "其余", novelty=Novelty.LATE_NEWS, at=NOW - HOUR)
    if rule == "withdrawn":
        with engine.begin() as connection:
            connection.execute(
                text("update announcements set withdrawn_at = now() where id = :i"), {"i": one}
            )

    assert owed(engine, who) == ["其余"]


def test_one_announcement_is_one_line_however_many_wishes_match(engine: Engine):
    """Three wishes that all want it are one person who wants it once."""
    wishes = [Filter(), Filter(region=("500116",)), Filter(kind=(Kind.POLICY,))]
    who = subscriber(engine, *wishes)
    announce(engine, "一条", at=NOW - HOUR)

    assert owed(engine, who) == ["一条"]


def test_changing_the_frequency_resets_nothing(engine: Engine):
    """What the daily mail brought does not come again weekly; what it did not bring does."""
    who = subscriber(engine)
    announce(engine, "已发送", at=NOW - HOUR)
    assert send(engine, who, NOW)
    announce(engine, "未发送", at=NOW + HOUR)
    store.Subscribers(engine).set_frequency(who.subscriptions[0].id, Frequency.WEEKLY)

    assert owed(engine, who, NOW + 2 * HOUR, Frequency.WEEKLY) == ["未发送"]


def test_a_frequency_that_ended_before_can_be_chosen_again(engine: Engine):
    """Daily once, ended, weekly now, daily again: the old one must not stand in the way."""
    people = store.Subscribers(engine)
    who = subscriber(engine)
    people.end(who.id, reason="unsubscribed", now=NOW)
    weekly = subscriber(engine, at=NOW, frequency=Frequency.WEEKLY)
    [active] = [s for s in weekly.subscriptions if s.state == "active"]
    people.set_frequency(active.id, DAILY)

    assert [(s.frequency, s.state) for s in people.get(who.id).subscriptions] == [(DAILY, "active")]


def test_widening_a_filter_is_not_retroactive(engine: Engine):
    """Nobody wants last month's news of a district they asked for today."""
    who = subscriber(engine, Filter(region=("110101",)))
    announce(engine, "放宽前", at=NOW - HOUR)
    store.Subscribers(engine).set_wish(who.subscriptions[0].id, Filter(), NOW)
    announce(engine, "放宽后", at=NOW + HOUR)

    assert owed(engine, who, NOW + 2 * HOUR) == ["放宽后"]


def test_a_pause_leaves_out_what_came_during_it_and_nothing_else(engine: Engine):
    """What was owed before the pause is not lost by it."""
    people, who = store.Subscribers(engine), subscriber(engine)
    announce(engine, "之前", at=NOW - 3 * HOUR)
    people.pause(who.subscriptions[0].id, NOW - 2 * HOUR)
    announce(engine, "期间", at=NOW - HOUR)
    assert owed(engine, who) == []
    people.resume(who.subscriptions[0].id, NOW)
    announce(engine, "之后", at=NOW + HOUR)

    assert owed(engine, who, NOW + 2 * HOUR) == ["之前", "之后"]


def test_two_planners_write_one_mail(engine: Engine):
    """Two schedulers at once: one mail, and the loser leaves no trace in the ledger."""
    who = subscriber(engine)
    for number in range(20):
        announce(engine, f"n{number}", at=NOW - HOUR)
    digests = store.Digests(engine)
    digests.match(NOW)
    run = digests.open_run(DAILY, NOW)
    other = digests.open_run(DAILY, NOW + 24 * HOUR)
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda r: planned_by(engine, r, who), [run, other, run, other]))

    with engine.connect() as connection:
        ledger = connection.execute(text("select count(*), count(distinct mail_id) from ledger"))
        assert tuple(ledger.one()) == (20, 1)
    assert sorted(done) == [0, 0, 0, 1]
    assert store.Outbox(engine).states() == {"queued": 1}


@pytest.mark.parametrize(
    ("frequency", "wish", "due_at", "is_due"),
    [
        (DAILY, ("Asia/Shanghai", 8, 30), NOW, True),
        (DAILY, ("Asia/Shanghai", 8, 44), NOW, True),
        (DAILY, ("Asia/Shanghai", 8, 45), NOW, False),
        (DAILY, ("Asia/Kathmandu", 6, 15), NOW, True),
        (DAILY, ("Europe/Berlin", 1, 30), NOW, True),
        (Frequency.WEEKLY, ("Asia/Shanghai", 8, 30), NOW, True),
        (Frequency.WEEKLY, ("Asia/Shanghai", 8, 30), NOW + timedelta(days=1), False),
        (Frequency.IMMEDIATE, ("Asia/Shanghai", 8, 30), NOW + timedelta(minutes=7), True),
    ],
)
def test_runs_reach_those_whose_quarter_of_an_hour_it_is(engine, frequency, wish, due_at, is_due):
    """A mail for breakfast comes at breakfast, where the reader has it."""
    zone, hour, minute = wish
    who = subscriber(engine, frequency=frequency)
    people = store.Subscribers(engine)
    people.set_preferences(who.id, timezone=zone, hour=hour, minute=minute, weekday=0)
    announce(engine, "一条")
    digests = store.Digests(engine)
    digests.match(NOW)
    run = digests.open_run(frequency, due_at)
    assert run is not None

    found = digests.subscribers_due(run, NOW, after=None, limit=9)
    assert found == ([who.id] if is_due else [])


@pytest.mark.parametrize(
    ("zone", "hour", "minute", "day"),
    [
        ("America/New_York", 2, 30, date(2026, 3, 8)),  # there is no half past two
        ("America/New_York", 1, 30, date(2026, 11, 1)),  # there are two
        ("Europe/Berlin", 2, 0, date(2026, 3, 29)),
        ("Europe/Berlin", 2, 45, date(2026, 10, 25)),
        ("Australia/Lord_Howe", 2, 15, date(2026, 10, 4)),  # half an hour is left out
        ("Africa/Cairo", 0, 15, date(2026, 4, 24)),  # the day begins at one
        ("Asia/Shanghai", 8, 30, date(2026, 3, 8)),
    ],
)
def test_there_is_one_run_a_day_where_clocks_are_changed(engine: Engine, zone, hour, minute, day):
    """A reader abroad misses no digest in spring and gets none twice in autumn."""
    who = subscriber(engine)
    store.Subscribers(engine).set_preferences(who.id, timezone=zone, hour=hour, minute=minute)
    announce(engine, "一条")
    digests = store.Digests(engine)
    digests.match(NOW)
    start = datetime.combine(day - timedelta(days=1), time(12), UTC)
    days = []
    for slot in range(4 * 72):
        due_at = start + slot * timedelta(minutes=15)
        run = Run(id=RunId(1), frequency=DAILY, due_at=due_at)
        if digests.subscribers_due(run, NOW, after=None, limit=9):
            days.append(due_at.astimezone(ZoneInfo(zone)).date())

    assert len(days) == 3
    assert sorted(set(days)) == days
    assert day in days


@pytest.mark.parametrize("frequency", [DAILY, Frequency.WEEKLY])
def test_the_last_hour_of_a_day_that_clocks_leave_out_is_the_first_of_the_next(engine, frequency):
    """In Nuuk clocks go from eleven in the evening to midnight: no digest waits a day, or a week."""
    zone = ZoneInfo("America/Nuuk")
    who = subscriber(engine, frequency=frequency)
    people = store.Subscribers(engine)
    people.set_preferences(who.id, timezone=str(zone), hour=23, minute=15, weekday=5)
    announce(engine, "一条")
    digests = store.Digests(engine)
    digests.match(NOW)
    start = datetime(2026, 3, 27, 12, tzinfo=UTC)
    due = []
    for slot in range(4 * 72):
        due_at = start + slot * timedelta(minutes=15)
        run = Run(id=RunId(1), frequency=frequency, due_at=due_at)
        if digests.subscribers_due(run, NOW, after=None, limit=9):
            due.append(f"{due_at.astimezone(zone):%Y-%m-%d %H:%M}")

    daily = ["2026-03-27 23:15", "2026-03-29 00:15", "2026-03-29 23:15"]
    assert due == (daily if frequency is DAILY else daily[1:2])


def test_a_closed_run_is_not_planned_again(engine: Engine):
    """The scheduler looks at every slot of the last days; each is planned once."""
    digests = store.Digests(engine)
    run = digests.open_run(DAILY, NOW)
    assert run == digests.open_run(DAILY, NOW)
    assert run is not None
    digests.close_run(run.id, NOW)

    assert digests.open_run(DAILY, NOW) is None
