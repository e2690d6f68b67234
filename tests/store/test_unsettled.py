"""Mails that only an operator can settle: an alarm tells of them until each is dealt with."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from test_sending import LEASE, MINUTE, NOW, end, queue, run_of

from aggregator import store
from aggregator.errors import ConflictError, NotFoundError
from aggregator.model import MailState

DAY = timedelta(days=1)


@pytest.fixture
def outbox(engine):
    return store.Outbox(engine)


@pytest.fixture
def unsettled(engine):
    return store.Unsettled(engine)


def lose_answers(engine, outbox, times, *, vanish=False, now=NOW):
    """Hand over what is due, so often, and never hear of it."""
    found = []
    for number in range(times):
        at = now + number * 5 * MINUTE
        found = outbox.claim_mails(at, limit=99, lease=LEASE)
        assert len(outbox.turn([], found, now=at)) == len(found) > 0
        if vanish:
            outbox.doubt_lost(at + 2 * LEASE)
        else:
            done = [replace(end(one, MailState.AMBIGUOUS, "lost"), at=at) for one in found]
            outbox.record_deliveries(done)
    return [one.id for one in found]


def alarms(engine, unsettled, now=NOW + 20 * MINUTE):
    """What is open after the next look: kinds with their words."""
    unsettled.watch(now)
    return {one.kind: one.text for one in store.Alarms(engine).open_alarms()}


@pytest.mark.parametrize("vanish", [False, True], ids=["no answer", "no sender"])
def test_mails_in_doubt_twice_are_told_of_until_each_is_resent_or_dismissed(
    engine, outbox, unsettled, vanish
):
    """Some of them never arrived, and nobody else will ever know."""
    run_of(engine, outbox, 3)
    mails = lose_answers(engine, outbox, 1, vanish=vanish)
    assert alarms(engine, unsettled, NOW + 4 * MINUTE) == {}
    lose_answers(engine, outbox, 1, vanish=vanish, now=NOW + 5 * MINUTE)

    said = alarms(engine, unsettled)["in-doubt"]
    assert "arrived: 3." in said
    assert all(str(one) in said for one in mails)
    assert [one.kind for one in store.Alarms(engine).untold()] == ["in-doubt"], "it is mailed"

    now = NOW + 30 * MINUTE
    unsettled.dismiss(mails[0], who="operator", now=now)
    store.Runs(engine).resend(mails[1], again=False, who="operator", now=now)
    assert "arrived: 1." in alarms(engine, unsettled)["in-doubt"]
    unsettled.dismiss(mails[2], who="operator", now=now)

    assert store.Alarms(engine).open_alarms() == []
    assert [store.Runs(engine).mail(one).state for one in mails] == [
        "ambiguous", "queued", "ambiguous",
    ]  # fmt: skip
    deeds = [one.what for one in store.audit.Audit(engine).last_deeds()]
    assert deeds == ["dismiss", "resend", "dismiss"]


def test_a_mail_that_is_resent_and_lost_again_is_told_of_again(engine, outbox, unsettled):
    """Dealing with it once does not say that it arrived."""
    run_of(engine, outbox, 1)
    [mail] = lose_answers(engine, outbox, 2)
    unsettled.dismiss(mail, who="operator", now=NOW)
    store.Runs(engine).resend(mail, again=False, who="operator", now=NOW + 20 * MINUTE)
    assert alarms(engine, unsettled) == {}
    lose_answers(engine, outbox, 1, now=NOW + 20 * MINUTE)

    assert "in-doubt" in alarms(engine, unsettled, NOW + 30 * MINUTE)


def test_what_is_a_week_old_is_told_of_no_more(engine, outbox, unsettled):
    """Its words are deleted by then: nothing can be done."""
    queue(outbox, 1)
    lose_answers(engine, outbox, 2)
    with engine.begin() as connection:
        connection.execute(text("update outbox set created_at = :now"), {"now": NOW})

    assert "in-doubt" in alarms(engine, unsettled, NOW + 6 * DAY)
    assert alarms(engine, unsettled, NOW + 8 * DAY) == {}


def test_mails_given_up_are_told_of_until_each_is_dealt_with(engine, outbox, unsettled):
    """The domain is well again, and its readers have their mails."""
    run_of(engine, outbox, 2)
    mails = outbox.claim_mails(NOW, limit=9, lease=LEASE)
    outbox.turn(
        [
            replace(end(one, MailState.FAILED, "later"), answer="given up after 72 h: 450 x")
            for one in mails
        ],
        now=NOW,
    )
    store.Runs(engine).resend(mails[0].id, again=False, who="operator", now=NOW)
    assert list(alarms(engine, unsettled)) == ["mail-given-up"]
    store.Runs(engine).resend(mails[1].id, again=False, who="operator", now=NOW)

    assert alarms(engine, unsettled) == {}


def test_clearing_the_alarm_dismisses_what_it_is_about_and_nothing_else(engine, outbox, unsettled):
    """An operator who has looked at thirty need not press thirty buttons."""
    queue(outbox, 1, 2)
    lost = lose_answers(engine, outbox, 2)
    queue(outbox, 3)
    [given_up] = outbox.claim_mails(NOW + 30 * MINUTE, limit=9, lease=LEASE)
    outbox.turn(
        [replace(end(given_up, MailState.FAILED, "later"), answer="given up after 72 h: x")],
        now=NOW,
    )
    assert len(alarms(engine, unsettled)) == 2

    assert unsettled.dismiss_all("in-doubt", who="operator", now=NOW) == 2
    assert unsettled.dismiss_all("canary", who="operator", now=NOW) == 0
    assert list(alarms(engine, unsettled)) == ["mail-given-up"]
    assert [unsettled.waits(one, NOW) for one in (*lost, given_up.id)] == [False, False, True]


def test_only_what_waits_for_an_operator_is_dismissed(engine, outbox, unsettled):
    """A number mistyped is told."""
    queue(outbox, 1)
    [mail] = outbox.claim_mails(NOW, limit=9, lease=LEASE)
    outbox.turn([end(mail, MailState.SENT, "taken")], now=NOW)

    with pytest.raises(ConflictError, match=r"sent\) does not wait"):
        unsettled.dismiss(mail.id, who="operator", now=NOW)
    with pytest.raises(NotFoundError, match="no mail 99999"):
        unsettled.dismiss(99_999, who="operator", now=NOW)
