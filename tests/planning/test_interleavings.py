"""Two transactions at once, step by step: whoever comes first, each notice is sent once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine, event, text

from aggregator import store
from aggregator.errors import NotFoundError
from aggregator.filters import search_text
from aggregator.flow.digests import Planner
from aggregator.flow.subscribe import house_of
from aggregator.model import AnnouncementId, Draft, Filter, Frequency, Kind, Region, Subscriber
from aggregator.settings import Settings
from aggregator.store import publish, rows
from aggregator.store.members import merge_into
from aggregator.templates import environment

NOW = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
DAY = timedelta(days=1)
DAILY = Frequency.DAILY
READER = "reader@inbox.example"
SETTINGS = Settings(public_url="https://quxun.example", secret_key="a-secret-for-these-tests")
SOON = 60


class Desk:
    """A store with one reader of everything, and short words for what is done to it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.people = store.Subscribers(engine)
        self.digests = store.Digests(engine)

    def reader(self, *wishes: Filter) -> Subscriber:
        return self.people.sign_up(
            READER, list(wishes) or [Filter()], DAILY, NOW - DAY, confirmed=True
        )

    def begin(self, connection: Connection, title: str, region: str = "500116") -> AnnouncementId:
        draft = Draft(
            title=title, url="http://a.example/x", posted_at=NOW, kind=Kind.POLICY,
            regions=(Region(code=region, name="甲区", path=("甲区",)),),
        )  # fmt: skip
        return AnnouncementId(
            connection.execute(
                text(
                    "insert into announcements (uuid, source_name, title, title_key, url,"
                    " posted_at, sort_at, kind, categories, regions, region_roll, authority,"
                    " excluded, novelty, substance_hash, draft, search, change, first_seen_at,"
                    " announced_at, changed_at) values (:uuid, '甲区', :title, '', 'x', :at, :at,"
                    " 'policy', '{}', array[:region], array[:region], 'official', false, 'news',"
                    " '', cast(:draft as jsonb), :search, 0, :at, :at, :at) returning id"
                ),
                {
                    "uuid": uuid4(), "title": title, "at": NOW, "region": region,
                    "draft": rows.to_json(draft), "search": search_text(draft),
                },
            ).scalar_one()
        )  # fmt: skip

    def announce(self, title: str, region: str = "500116") -> AnnouncementId:
        with self.engine.begin() as connection:
            one = self.begin(connection, title, region)
            publish.publish(connection, [one], NOW)
        return one

    def plan(self, now: datetime) -> int:
        digests = store.Digests(self.engine)
        digests.match(now)
        run = digests.open_run(DAILY, now)
        assert run is not None
        house = house_of(SETTINGS)
        return Planner(run, store=digests, env=environment(), house=house, now=now).plan_all()

    def mails(self) -> list[str]:
        with self.engine.connect() as connection:
            found = connection.execute(
                text(
                    "select e.text from outbox o join editions e on e.id = o.edition_id"
                    " where o.state <> 'merged' order by o.id"
                )
            )
            return list(found.scalars())

    def told(self) -> list[str]:
        """Titles in all mails, as often as they stand there."""
        found = "\n".join(self.mails())
        return sorted(
            title for title in ("甲", "乙", "丙") for _ in range(found.count(f"第{title}号通知\n"))
        )


@pytest.fixture
def desk(engine: Engine) -> Desk:
    return Desk(engine)


@contextmanager
def paused_at(engine: Engine, words: str) -> Iterator[tuple[Event, Event]]:
    """Whoever is about to execute a statement with these words for the first time waits there."""
    there, go_on = Event(), Event()

    def wait(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        if words in statement and not there.is_set():
            there.set()
            assert go_on.wait(SOON)

    event.listen(engine, "before_cursor_execute", wait)
    try:
        yield there, go_on
    finally:
        go_on.set()
        event.remove(engine, "before_cursor_execute", wait)


#: Points of planning between which anything may be committed by others.
POINTS = (
    "select p.id, p.email", "select n.id, n.subscriber_id", "with seen as", "select id, change",
    "insert into outbox", "insert into ledger",
)  # fmt: skip


def while_planning(
    desk: Desk, point: str, other: Callable[[], object], *, waits: bool = False
) -> None:
    """Do something else when a planner has come to a point; it may have to wait for it."""
    with ThreadPoolExecutor(2) as pool, paused_at(desk.engine, point) as (there, go_on):
        planning = pool.submit(desk.plan, NOW)
        assert there.wait(SOON)
        done = pool.submit(other)
        if not waits:
            done.result(SOON)
        go_on.set()
        planning.result(SOON)
        done.result(SOON)


@pytest.mark.parametrize("point", POINTS)
def test_what_is_announced_while_a_run_is_planned_is_in_the_next(desk: Desk, point: str):
    """Wherever the planner stands, what it could not see is owed afterwards, and what it saw is not."""
    desk.reader()
    desk.announce("第甲号通知")
    while_planning(desk, point, lambda: desk.announce("第乙号通知"))
    desk.plan(NOW + DAY)

    assert desk.told() == ["乙", "甲"]


@pytest.mark.parametrize("point", POINTS[2:])
@pytest.mark.parametrize("change", ["pause", "filter", "frequency", "end"])
def test_what_a_reader_changes_while_a_run_is_planned_loses_and_doubles_nothing(
    desk: Desk, point: str, change: str
):
    """The change waits for the planner or the planner for it; the ledger knows which."""
    who = desk.reader()
    [mine] = who.subscriptions
    desk.announce("第甲号通知")

    def changed() -> None:
        people = store.Subscribers(desk.engine)
        if change == "pause":
            people.pause(mine.id, NOW)
            people.resume(mine.id, NOW)
        elif change == "filter":
            people.set_wish(mine.id, Filter(region=("500116",)), NOW)
        elif change == "frequency":
            people.set_frequency(mine.id, Frequency.IMMEDIATE)
            people.set_frequency(mine.id, DAILY)
        else:
            people.end(who.id, reason="x", now=NOW)

    while_planning(desk, point, changed, waits=True)
    desk.announce("第乙号通知")
    desk.plan(NOW + DAY)

    assert desk.told() == (["甲"] if change == "end" else ["乙", "甲"])


@pytest.mark.parametrize("point", POINTS[2:])
def test_a_reader_erased_while_a_run_is_planned_leaves_nothing_behind(desk: Desk, point: str):
    """Nobody's ledger and address may outlive them, whoever was writing to them just then."""
    who = desk.reader()
    desk.announce("第甲号通知")
    while_planning(desk, point, lambda: store.Subscribers(desk.engine).erase(who.id), waits=True)

    with desk.engine.connect() as connection:
        left = connection.execute(
            text(
                "select (select count(*) from ledger), (select count(*) from outbox where"
                " recipient <> '' or subscriber_id is not null)"
            )
        ).one()
    assert tuple(left) == (0, 0)
    with pytest.raises(NotFoundError):
        desk.people.get(READER)


@pytest.mark.parametrize("point", POINTS)
def test_two_notices_that_become_one_while_a_run_is_planned_are_told_once(desk: Desk, point: str):
    """Both were owed; whichever line goes out, the other is never sent after it."""
    desk.reader()
    heir = desk.announce("第甲号通知")
    lost = desk.announce("第乙号通知")

    def merge() -> None:
        with desk.engine.begin() as connection:
            publish.lock(connection, [heir, lost])
            one = store.Announcements(desk.engine).get(heir)
            merge_into(connection, lost, one, NOW)
            publish.publish(connection, [heir, lost], NOW)

    while_planning(desk, point, merge, waits=True)
    before = desk.told()
    desk.plan(NOW + DAY)

    assert desk.told() == before
    assert before in (["甲"], ["乙", "甲"])  # merged before, or after both lines had gone


def test_two_planners_at_once_write_to_each_reader_once(desk: Desk):
    """Two schedulers, four workers: the second finds nothing left to do."""
    for number in range(30):
        desk.people.sign_up(
            f"r{number}@inbox.example", [Filter()], DAILY, NOW - DAY, confirmed=True
        )
    desk.announce("第甲号通知")
    with ThreadPoolExecutor(4) as pool:
        planned = list(pool.map(desk.plan, [NOW, NOW, NOW, NOW]))

    assert sum(planned) == len(desk.mails()) == 30


def test_who_confirms_between_two_commits_gets_the_second(desk: Desk):
    """The one was on a page already, the other was not: by clocks both came before."""
    with desk.engine.connect() as slow:
        late = desk.begin(slow, "第乙号通知")
        desk.announce("第甲号通知")
        desk.reader()
        publish.publish(slow, [late], NOW)
        slow.commit()
    desk.plan(NOW)

    assert desk.told() == ["乙"]
