"""How far a subscription was looked at saves work, and is never why somebody misses a notice."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine
from test_interleavings import DAILY, DAY, NOW, READER, Desk

from aggregator.model import Filter, Frequency

EAST, WEST = Filter(region=("500116",)), Filter(region=("110101",))


@pytest.fixture
def desk(engine: Engine) -> Desk:
    return Desk(engine)


def test_what_was_owed_under_a_wish_is_owed_when_it_is_wished_again(desk: Desk):
    """Meanwhile the subscription was looked at under another wish, beyond that notice."""
    [mine] = desk.reader(EAST).subscriptions
    desk.announce("第甲号通知", "500116")
    desk.people.set_wish(mine.id, WEST, NOW)
    desk.announce("第乙号通知", "110101")
    desk.plan(NOW)
    assert desk.told() == ["乙"]

    desk.people.set_wish(mine.id, EAST, NOW)
    desk.plan(NOW + DAY)
    assert desk.told() == ["乙", "甲"]


def test_a_subscription_that_stands_for_two_owes_what_both_did(desk: Desk):
    """The younger was looked at beyond what only the older had asked for in time."""
    people = desk.people
    who = people.sign_up(READER, [EAST], Frequency.WEEKLY, NOW - DAY, confirmed=True)
    [older] = who.subscriptions
    desk.announce("第甲号通知", "500116")
    desk.reader(EAST)
    desk.announce("第乙号通知", "500116")
    desk.plan(NOW)
    assert desk.told() == ["乙"]

    people.set_frequency(older.id, DAILY)
    desk.plan(NOW + DAY)
    assert desk.told() == ["乙", "甲"]
