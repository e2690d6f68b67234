"""Notices told as news that become one with a notice that is no news."""

from datetime import date

import pytest
from news_desk import Desk
from offices import BEFORE, DAY, HOUR, MORNING
from sqlalchemy import text

from aggregator import store

OLD, NEWS = "关于申报设备补助的通知", "甲区设备补助今日起申报"


@pytest.fixture(params=["first-poll", "held", "late"])
def desk(request, engine):
    """A notice that is mailed to nobody, and later one that is news."""
    made = Desk(engine)
    made.sign_up(confirmed=True)
    made.announce(OLD, due=date(2026, 9, 30))
    with engine.begin() as connection:
        connection.execute(text("update announcements set novelty = :it"), {"it": request.param})
    made.announce(NEWS, at=BEFORE + 2 * HOUR, due=date(2026, 9, 30))
    return made


def become_one(desk, at):
    """Somebody finds that both are the same notice: the older goes on."""
    with desk.engine.connect() as connection:
        older, younger = connection.execute(
            text("select id from announcements order by id")
        ).scalars()
    store.Rulings(desk.engine).merge(younger, older, by="值班员", why="同一事项", now=at)


def test_a_change_is_told_to_who_was_sent_it_as_news_whatever_it_is_one_with_now(desk):
    """A reader works towards the old day, whichever of the two rows we keep."""
    desk.plan()
    [news] = desk.sent()
    assert NEWS in news.text
    become_one(desk, MORNING + HOUR)
    desk.move(OLD, MORNING + 2 * HOUR, date(2026, 10, 15))

    assert desk.plan(MORNING + DAY) == 1
    [mail] = desk.sent()
    assert "截止时间由 9月30日 改为 10月15日" in mail.text
    assert desk.plan(MORNING + 2 * DAY) == 0


def test_a_reminder_comes_to_who_was_sent_it_as_news_whatever_it_is_one_with_now(desk):
    """The day does not go away with a row of ours."""
    desk.remind()
    desk.plan()
    desk.sent()
    become_one(desk, MORNING + HOUR)

    assert desk.plan(MORNING + 9 * DAY) == 1
    [mail] = desk.sent()
    assert "9月30日" in mail.text


def test_news_that_waits_is_not_lost_when_it_becomes_one_with_what_is_none(desk):
    """The ledger says that it was told; so the mail that takes the place of the first tells it."""
    desk.plan()
    become_one(desk, MORNING + HOUR)
    desk.announce("另一份申报通知", at=MORNING + 2 * HOUR)

    assert desk.plan(MORNING + DAY) == 1
    [mail] = desk.sent()
    assert OLD in mail.text
    assert "另一份申报通知" in mail.text
    assert desk.reasons().count("news") == 3


def test_who_was_not_sent_it_is_sent_none_of_it(desk):
    """What is no news stays none for whoever comes to it later."""
    become_one(desk, BEFORE + 3 * HOUR)
    desk.move(OLD, BEFORE + 4 * HOUR, date(2026, 10, 15))

    assert [desk.plan(MORNING + n * DAY) for n in range(3)] == [0, 0, 0]
