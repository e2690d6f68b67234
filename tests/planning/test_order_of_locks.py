"""Planners lock their readers by number, then what these have; nobody waits for them in a circle."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text

from aggregator import store
from aggregator.channels import Robot, Service
from aggregator.model import Filter, Frequency, Lane, Mail, Subscriber

NOW = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
SOON = 60
WISHES = [Filter(q=(word,)) for word in ("储能", "氢能")]


@pytest.fixture
def reader(engine: Engine) -> Subscriber:
    return store.Subscribers(engine).sign_up(
        "reader@inbox.example", WISHES, Frequency.DAILY, NOW, confirmed=True
    )


def waits(engine: Engine, done: Future[object]) -> bool:
    """Whether somebody comes to wait for a lock, and is not done without."""
    while not wait([done], 0.02).done:
        with engine.connect() as connection:
            if connection.execute(
                text(
                    "select 1 from pg_stat_activity where wait_event_type = 'Lock'"
                    " and datname = current_database()"
                )
            ).first():
                return True
    return False


def beside_planner(engine: Engine, who: Subscriber, deed: Callable[[], object]) -> None:
    """Do something to a person whom a planner has locked, who then locks all that is theirs."""
    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as planner:
            planner.execute(
                text("select 1 from subscribers where id = :id for no key update"), {"id": who.id}
            )
            done = pool.submit(deed)
            assert waits(engine, done)
            for theirs in (
                "select 1 from subscribers where owner_id = :id order by id for no key update",
                "select 1 from subscriptions where subscriber_id = :id order by id for no key update",
            ):
                planner.execute(text("set local lock_timeout = '500ms'"))
                planner.execute(text(theirs), {"id": who.id})
        done.result(SOON)


def test_a_stop_waits_for_the_person_and_holds_nothing(engine: Engine, reader: Subscriber):
    """It ends several subscriptions, in whatever order they lie on the disk."""
    people = store.Subscribers(engine)
    beside_planner(engine, reader, lambda: people.end(reader.id, reason="page", now=NOW))

    assert {one.state for one in people.get(reader.id).subscriptions} == {"ended"}


def test_a_wish_that_is_asked_for_again_waits_for_the_person(engine: Engine, reader: Subscriber):
    """It looks at the subscription that is there, and then confirms its person."""
    persons = store.Persons(engine)
    beside_planner(
        engine, reader, lambda: persons.add_wish(reader.id, WISHES[0], Frequency.DAILY, NOW)
    )


def test_an_erasure_waits_for_the_person_before_their_chats(engine: Engine, reader: Subscriber):
    """A planner has both in one batch, the person first."""
    robot = Robot(service=Service.WECOM, address="wecombot://a", shown="wecombot://…", key=b"k")
    store.Channels(engine).add(reader.id, robot, NOW)
    people = store.Subscribers(engine)
    beside_planner(engine, reader, lambda: people.erase(reader.id))

    assert people.count() == 0


def test_who_moves_waits_for_the_lower_number_first(engine: Engine, reader: Subscriber):
    """Whoever gives way at the new address may be the older of the two."""
    people, persons = store.Subscribers(engine), store.Persons(engine)
    people.end(reader.id, reason="page", now=NOW)
    mover = people.sign_up("m@inbox.example", WISHES, Frequency.DAILY, NOW, confirmed=True)
    persons.ask_move(mover.id, reader.email, b"token", NOW)
    told = Mail(
        key="told", lane=Lane.CONFIRMATION, to=mover.email, subject="s", text="t", html="h",
        message_id="<told@x>",
    )  # fmt: skip
    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as planner:
            lock = "select 1 from subscribers where id = :id for no key update"
            planner.execute(text(lock), {"id": reader.id})
            done = pool.submit(persons.move, b"token", told, NOW)
            assert waits(engine, done)
            planner.execute(text("set local lock_timeout = '500ms'"))
            planner.execute(text(lock), {"id": mover.id})
        moved = done.result(SOON)

    assert moved is not None
    assert moved.email == reader.email
