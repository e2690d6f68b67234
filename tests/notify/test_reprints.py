"""A mail that waits does not announce what was withdrawn meanwhile: it is printed anew."""

from __future__ import annotations

from datetime import date

import pytest
from offices import BEFORE, DAY, HOUR, MORNING, READER, SETTINGS
from sqlalchemy import text
from test_digest_faults import alarms, torn_for
from test_further_flow import Desk

from aggregator import store
from aggregator.errors import ConflictError
from aggregator.flow.reprints import reprint
from aggregator.templates import environment

NOON = MORNING + 4 * HOUR


class Patient(Desk):
    """An office whose mails wait until a test lets them go."""

    def reprint(self, now=NOON, env=None):
        return reprint(
            store=self.digests,
            alarms=store.Alarms(self.engine),
            env=env or environment(),
            settings=SETTINGS,
            now=now,
        )

    def waiting(self):
        """What waits: key, Message-ID and words, by reader."""
        with self.engine.connect() as connection:
            return {
                row.recipient: row
                for row in connection.execute(
                    text(
                        "select o.*, e.subject, e.text, e.html from outbox o"
                        " join editions e on e.id = o.edition_id"
                        " where o.state in ('queued', 'deferred', 'ambiguous')"
                    )
                )
            }

    def do(self, sql):
        with self.engine.begin() as connection:
            connection.execute(text(sql))


@pytest.fixture
def desk(engine):
    made = Patient(engine)
    made.sign_up(confirmed=True)
    return made


def test_a_mail_that_waits_does_not_tell_of_what_was_withdrawn_meanwhile(desk):
    """The rest of it leaves as the same mail; nobody hears that something they were never told
    of is no more, and should it come back it is news.
    """
    desk.announce("通知甲", "通知乙")
    desk.plan()
    before = desk.waiting()[READER]
    assert "通知甲" in before.text
    desk.withdraw("通知甲", MORNING + HOUR)

    assert desk.reprint() == 1
    after = desk.waiting()[READER]
    assert (after.id, after.key, after.message_id) == (before.id, before.key, before.message_id)
    for words in (after.subject, after.text, after.html):
        assert "通知甲" not in words
    assert "通知乙" in after.text
    assert "通知乙" in after.html
    assert desk.reprint() == 0

    assert [mail.subject for mail in desk.sent()] == [after.subject]
    assert desk.plan(MORNING + DAY) == 0
    desk.edit("通知甲", MORNING + DAY + HOUR)
    assert desk.plan(MORNING + 2 * DAY) == 1
    [told] = desk.sent()
    assert "通知甲" in told.text
    assert "恢复" not in told.text
    assert desk.reasons() == ["news", "news"]


def test_a_mail_of_which_nothing_is_left_ends(desk):
    """No mail without news; it says why it did not leave."""
    desk.announce("通知甲")
    desk.plan()
    mail = desk.waiting()[READER]
    canary = store.Canary(desk.engine)
    canary.expect(mail.subscriber_id, HOUR, MORNING)
    desk.withdraw("通知甲", MORNING + HOUR)

    assert desk.reprint() == 1
    assert desk.sent() == []
    canary.expect(mail.subscriber_id, HOUR, NOON)
    assert canary.late(NOON) == [], "a canary is not asked where it stays"
    assert store.Outbox(desk.engine).states() == {"failed": 1}
    with desk.engine.connect() as connection:
        said = connection.execute(text("select answer from outbox where state = 'failed'")).scalar()
    assert said == "all that it told of was withdrawn before it left"
    with pytest.raises(ConflictError, match="was withdrawn"):
        store.Runs(desk.engine).resend(mail.id, again=True, who="operator", now=NOON)
    assert desk.plan(MORNING + DAY) == 0


def test_a_run_that_is_held_is_released_with_what_still_stands(desk):
    """However long it was held: whoever else is in it, and whatever the others' mails tell."""
    desk.sign_up(email="other@inbox.example", confirmed=True)
    desk.announce("通知甲", "通知乙")
    desk.plan()
    run = desk.waiting()[READER].run_id
    holds = store.Holds(desk.engine)
    holds.hold_run(run, "wrong", who="operator", now=MORNING)
    desk.sign_up(email="later@inbox.example", confirmed=True, now=MORNING + HOUR)
    desk.announce("通知丙", at=MORNING + 2 * HOUR)
    desk.plan(MORNING + DAY)
    others = desk.waiting()["later@inbox.example"]
    desk.withdraw("通知乙", MORNING + 3 * DAY)

    assert desk.reprint(MORNING + 3 * DAY + HOUR) == 2
    holds.release_run(run, who="operator", now=MORNING + 4 * DAY)
    waits = desk.waiting()
    assert waits["later@inbox.example"] == others
    told = sorted(mail.text for mail in desk.sent())
    assert not [one for one in told if "通知乙" in one]
    assert len([one for one in told if "通知甲" in one]) == 2


@pytest.mark.parametrize(
    "fate",
    [
        "was_ambiguous = true, state = 'ambiguous'",
        "was_ambiguous = true, state = 'deferred'",
        "resends = 1",
    ],
)
def test_a_mail_that_may_have_arrived_is_left_as_it_is(desk, fate):
    """Both copies say the same, and its reader hears later that the notice is no more."""
    desk.announce("通知甲")
    desk.plan()
    desk.do(f"update outbox set {fate} where edition_id is not null")
    desk.withdraw("通知甲", MORNING + HOUR)

    assert desk.reprint() == 0
    assert "通知甲" in desk.waiting()[READER].text
    desk.plan(MORNING + DAY)
    assert any("原发布页面已撤下这条公告" in mail.text for mail in desk.sent())


def test_a_withdrawal_that_waits_is_still_told(desk):
    """It is what the mail is about."""
    desk.announce("通知甲", "通知乙", due=date(2026, 9, 30))
    desk.plan()
    desk.sent()
    desk.withdraw("通知甲", MORNING + HOUR)
    desk.announce("通知丙", at=MORNING + HOUR)
    desk.plan(MORNING + DAY)
    desk.withdraw("通知丙", MORNING + DAY + HOUR)

    assert desk.reprint(MORNING + DAY + 2 * HOUR) == 1
    words = desk.waiting()[READER].text
    assert "原发布页面已撤下这条公告" in words
    assert "通知丙" not in words


def test_what_was_removed_is_not_even_named(desk):
    """Who had it taken out wants it named nowhere, also where it is said to be withdrawn."""
    desk.announce("通知甲", "通知乙")
    desk.plan()
    desk.sent()
    desk.withdraw("通知甲", MORNING + HOUR)
    desk.withdraw("通知乙", MORNING + HOUR)
    desk.plan(MORNING + DAY)
    assert "通知甲" in desk.waiting()[READER].text
    desk.do(
        "update announcements set removed_at = timestamptz '2026-09-15 01:00Z' where title = '通知甲'"
    )

    assert desk.reprint(MORNING + DAY + 2 * HOUR) == 1
    words = desk.waiting()[READER].text
    assert "通知甲" not in words
    assert "通知乙" in words


def test_nothing_is_printed_anew_while_nothing_was_withdrawn_since(desk):
    """Most mornings: no row is written."""
    desk.announce("通知甲", "通知乙")
    desk.withdraw("通知甲", BEFORE + 2 * HOUR)
    desk.plan()

    assert desk.reprint() == 0


def test_words_that_cannot_be_made_anew_are_an_alarm_until_they_can(desk):
    """The mail leaves and announces what is no more: an operator who wants that held must hear."""
    desk.announce("通知甲", "通知乙")
    desk.plan()
    desk.withdraw("通知甲", MORNING + HOUR)

    assert desk.reprint(env=torn_for("通知")) == 0
    assert alarms(desk)["reprints"].startswith("1 mails that wait")
    assert desk.reprint() == 1
    assert alarms(desk) == {}


def test_mails_that_cannot_even_be_read_are_an_alarm_and_keep_nobody_elses_back(desk):
    """A fault of the whole batch has no number, and must not be in the log alone."""
    desk.announce("通知甲", "通知乙")
    desk.plan()
    desk.withdraw("通知甲", MORNING + HOUR)
    desk.do("update wishes set filter = '[]'")

    assert desk.reprint() == 0
    assert "some mails (" in alarms(desk)["reprints"]
    assert len(desk.sent()) == 1
    assert desk.reprint() == 0
    assert alarms(desk) == {}
