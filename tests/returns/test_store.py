"""What follows from what came back: for its mail's own address, once, and for nobody else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from returned_mail import DAY, NOW, address_of, mail_of, report

from aggregator import store
from aggregator.errors import NotFoundError
from aggregator.flow import returns as flow
from aggregator.model import (
    Filter,
    Frequency,
    MailId,
    Return,
    ReturnEvent,
    ReturnKind,
    SuppressionKind,
)

HARD, SOFT, COMPLAINT = ReturnKind.HARD, ReturnKind.SOFT, ReturnKind.COMPLAINT
READER = "reader@inbox.example"


def test_a_hard_bounce_ends_the_mail_and_says_why(post):
    """Mail to an address that is gone costs us the trust of its provider."""
    who = post.reader()
    mail_id = post.sent(who)

    assert post.came(mail_id, HARD, status="5.1.1") == "suppressed"
    [held] = post.suppressions.list()
    assert (held.email_key, held.kind) == (READER, SuppressionKind.HARD)
    assert (held.reason, held.evidence, held.at) == ("hard bounce 5.1.1", "5.1.1 said", NOW)
    assert post.bounced(mail_id) == ("sent", "hard")
    assert post.active()
    [row] = post.returns.of_mail(mail_id)
    assert (row.kind, row.status, row.via, row.effect) == (HARD, "5.1.1", "listener", "suppressed")


def test_a_return_touches_its_own_mails_address_and_nobody_elses(post):
    """Whoever holds a token of one mail holds nothing of another's."""
    who, other = post.reader(), post.reader("other@inbox.example")
    mine, theirs = post.sent(who), post.sent(other)

    post.came(mine, COMPLAINT)
    assert post.held_back() == {READER: "complaint"}
    assert post.states("other@inbox.example") == [("active", None)]
    assert post.bounced(theirs) == ("sent", None)


def test_replays_count_once(post):
    """A relay that was told to come again, a mailbox that is read again, an attacker who repeats."""
    mail_id = post.sent(post.reader())
    for hour in range(40):
        post.came(mail_id, SOFT, NOW + timedelta(hours=hour * 6))

    assert post.held_back() == {}
    assert post.rows() == 1
    assert post.returns.counted()["again"] == 39


def test_two_at_once_count_once(post):
    """The listener and the mailbox may bring the same report at the same moment."""
    mails = [post.sent(post.reader(f"r{number}@inbox.example")) for number in range(6)]
    batch = [Return(kind=HARD, mail_id=one) for one in mails]

    with ThreadPoolExecutor(4) as pool:
        done = list(
            pool.map(
                lambda turn: post.returns.record(
                    batch if turn % 2 else batch[::-1], via="imap", now=NOW
                ),
                range(8),
            )
        )
    flat = [effect for one in done for effect in one]
    assert (flat.count("suppressed"), flat.count("again")) == (6, 42)


def test_soft_bounces_on_five_days_hold_mail_back(post):
    """A mailbox that stays full for weeks is nobody's."""
    who = post.reader()
    said = [
        post.came(post.sent(who, NOW + DAY * day), SOFT, NOW + DAY * day, "4.2.2")
        for day in range(5)
    ]

    assert said[:4] == [f"counted: {day} of 5 days" for day in (1, 2, 3, 4)]
    assert said[4] == "suppressed"
    assert post.held_back() == {READER: "soft"}
    assert "5 days" in post.suppressions.list()[0].reason


def test_many_soft_bounces_of_one_day_are_one(post):
    """Immediate mails of one busy morning must not suspend somebody whose mailbox is full today."""
    who = post.reader()
    for number in range(12):
        at = NOW + timedelta(minutes=5 * number)
        post.came(post.sent(who, at), SOFT, at)

    assert post.held_back() == {}


def test_soft_bounces_of_two_months_are_not_added_up(post):
    """A server that is down now and then is a server."""
    who = post.reader()
    for week in range(9):
        at = NOW + DAY * 10 * week
        post.came(post.sent(who, at), SOFT, at)

    assert post.held_back() == {}


@pytest.mark.parametrize("how", ["told so", "nothing came back"])
def test_a_mail_that_arrived_ends_the_count(post, how: str):
    """Four soft bounces, one mail read, one soft bounce: the mailbox is alive."""
    who = post.reader()
    for day in range(4):
        post.came(post.sent(who, NOW + DAY * day), SOFT, NOW + DAY * day)
    arrived = post.sent(who, NOW + DAY * 5)
    if how == "told so":
        assert post.came(arrived, ReturnKind.DELIVERED, NOW + DAY * 5) == "cleared"
    at = NOW + DAY * 12
    assert post.came(post.sent(who, at), SOFT, at) == "counted: 1 of 5 days"
    assert post.held_back() == {}


def test_delays_and_what_is_unclear_change_nothing(post):
    """A mail that is still tried has not failed."""
    who = post.reader()
    for day in range(8):
        mail_id = post.sent(who, NOW + DAY * day)
        post.came(mail_id, ReturnKind.DELAYED, NOW + DAY * day)
        post.came(mail_id, ReturnKind.UNCLEAR, NOW + DAY * day)
        assert post.came(mail_id, ReturnKind.AUTO_REPLY) == "ignored"

    assert post.held_back() == {}
    assert post.bounced(mail_id) == ("sent", None)


def test_a_complaint_ends_the_subscriptions_and_keeps_the_reason(post):
    """Who calls our mail unwanted gets none, and we know why."""
    mail_id = post.sent(post.reader())

    assert post.came(mail_id, COMPLAINT) == "suppressed, 1 subscriptions ended"
    assert post.states() == [("ended", "complaint")]
    assert post.held_back() == {READER: "complaint"}
    assert post.bounced(mail_id) == ("sent", "complaint")


def test_a_stronger_reason_stays(post):
    """A hard bounce that comes after a complaint does not make it liftable."""
    who = post.reader()
    earlier, mail_id = post.sent(who, NOW - DAY), post.sent(who)
    post.came(mail_id, HARD)
    post.came(mail_id, COMPLAINT)
    assert post.came(earlier, HARD) == "suppressed already"

    assert post.held_back() == {READER: "complaint"}
    assert post.bounced(mail_id) == ("sent", "complaint")


def test_a_hundred_thousand_forged_reports_suspend_nobody_and_store_nothing(post):
    """RELIABILITY.md, hostile input 112; a sample of them, each well made but for its token."""
    post.sent(post.reader())
    for start in range(0, 2_000, 500):
        arrived = [
            flow.Arrived(message=report(f"bounces+{number}-{'a' * 16}@bounces.quxun.example"))
            for number in range(start, start + 500)
        ]
        flow.take_in(arrived, store=post.returns, mail_of=mail_of, via="listener", now=NOW)

    assert post.held_back() == {}
    assert post.rows() == 0
    assert post.returns.counted() == {"foreign": 2_000}


def test_a_report_with_its_token_is_believed(post):
    """The whole way: a message, its token, its mail, its address."""
    mail_id = post.sent(post.reader())
    message = report(address_of(mail_id), "5.1.1")
    for _ in range(2):
        flow.take_in(
            [flow.Arrived(message=message)],
            store=post.returns,
            mail_of=mail_of,
            via="imap",
            now=NOW,
        )

    assert post.held_back() == {READER: "hard"}
    assert post.rows() == 1


def test_a_token_of_a_mail_that_is_no_more_names_nobody(post):
    """After a restore, tokens of mails that are not in the store are as good as forged."""
    assert post.came(MailId(99), HARD) == "foreign"
    assert (post.rows(), post.returns.counted()) == (0, {"foreign": 1})


def test_who_confirms_again_gets_mail_again_and_the_history_stays(post):
    """A mailbox that was full in spring is read in autumn."""
    who = post.reader()
    old = post.sent(who)
    post.came(old, HARD, status="5.1.1")
    post.people.sign_up(READER, [Filter()], Frequency.DAILY, NOW, token_hash=b"t" * 32)
    assert post.people.confirm(b"t" * 32, NOW + DAY) is not None

    assert post.held_back() == {}
    [lifted] = post.suppressions.list(lifted=True)
    assert (lifted.reason, lifted.lifted_at) == ("hard bounce 5.1.1", NOW + DAY)
    assert lifted.lifted_by == "confirmed anew"
    # What comes late of an earlier mail says nothing about now.
    late = post.sent(who, NOW + timedelta(hours=1))
    assert post.came(late, HARD, NOW + DAY * 2) == "older than the lifting of its suppression"
    assert post.came(post.sent(who, NOW + DAY * 3), HARD, NOW + DAY * 3) == "suppressed"


@pytest.mark.parametrize("kind", [SuppressionKind.COMPLAINT, SuppressionKind.OPERATOR])
def test_confirming_does_not_lift_a_complaint_or_an_operators_word(post, kind):
    """Neither is ours to take back because a form was filled in."""
    post.reader()
    post.suppressions.add(READER, "r", NOW, kind)
    post.people.sign_up(READER, [], Frequency.DAILY, NOW, token_hash=b"t" * 32)
    post.people.confirm(b"t" * 32, NOW)

    assert post.held_back() == {READER: kind.value}
    assert not post.suppressions.may_try(READER, "key", NOW)


def test_an_operator_takes_anything_back(post):
    """Somebody telephones: it was a mistake."""
    post.came(post.sent(post.reader()), COMPLAINT)
    post.suppressions.remove(" Reader@Inbox.Example", NOW, by="operator")

    assert post.held_back() == {}
    assert [one.lifted_by for one in post.suppressions.list(lifted=True)] == ["operator"]
    with pytest.raises(NotFoundError):
        post.suppressions.remove(READER, NOW, by="operator")


def test_trying_again_is_one_mail_a_week(post):
    """A button on a page must not become a way to hammer a dead mailbox."""
    post.came(post.sent(post.reader()), HARD)

    tries = [post.suppressions.may_try(READER, f"k{day}", NOW + DAY * day) for day in range(15)]
    assert [day for day, tried in enumerate(tries) if tried] == [0, 7, 14]
    assert not post.suppressions.may_try("nobody@inbox.example", "k", NOW)


def test_trying_again_is_bounded_in_all(post):
    """However many dead addresses somebody knows."""
    for number in range(90):
        domain = f"d{number // 30}.example"
        post.suppressions.add(f"r{number}@{domain}", "gone", NOW, SuppressionKind.HARD)

    tried = [
        post.suppressions.may_try(one.email_key, one.email_key, NOW)
        for one in post.suppressions.list()
    ]
    assert sum(tried) == 60


def test_erasing_a_person_leaves_no_trace_of_their_address(post):
    """Only that no mail goes there stays."""
    who = post.reader()
    mail_id = post.sent(who)
    post.came(mail_id, SOFT)
    post.suppressions.add(READER, "r", NOW)
    post.suppressions.remove(READER, NOW, by="operator")
    post.suppressions.add(READER, "r", NOW)
    post.people.erase(who.id)

    assert post.held_back() == {READER: "operator"}
    assert post.suppressions.list(lifted=True) == []
    assert post.returns.of_mail(mail_id)[0].diagnostic == ""
    assert post.came(mail_id, HARD, NOW + DAY) == "its address was forgotten already"


def test_a_providers_event_finds_its_mail(post):
    """By Message-ID, in angle brackets or not, or the last mail to the address."""
    who = post.reader()
    first, last = post.sent(who), post.sent(who, NOW + DAY)

    def event(message_id: str | None = None, address: str | None = None) -> ReturnEvent:
        return ReturnEvent(
            kind=HARD, message_id=message_id, address=address, status=None, diagnostic=""
        )

    asked = [
        event(f"<{who.id}-{NOW.isoformat()}@quxun.example>"),
        event(f"{who.id}-{NOW.isoformat()}@quxun.example", "somebody@else.example"),
        event(address="Reader@inbox.example"),
        event("<unknown@x>", READER),
        event("<unknown@x>"),
        event(address="other@inbox.example"),
    ]
    assert post.returns.mails_of(asked) == [first, first, last, last, None, None]


def test_old_returns_are_forgotten(post):
    """Delivery journals live ninety days."""
    mail_id = post.sent(post.reader())
    post.came(mail_id, SOFT)
    post.returns.prune(NOW + DAY * 89)
    assert post.rows() == 1
    post.returns.prune(NOW + DAY * 91)
    assert post.rows() == 0


def test_many_returns_are_an_alarm_until_they_are_few(post):
    """A provider that refuses us, or a list that was bought, shows within minutes."""
    alarms = store.Alarms(post.engine)
    mails = [post.sent(post.reader(f"r{number}@inbox.example")) for number in range(30)]

    def look(at) -> list[str]:
        flow.watch(store=post.returns, alarms=alarms, now=at)
        return [one.kind for one in alarms.open_alarms()]

    for mail_id in mails[:19]:
        post.came(mail_id, HARD, NOW + timedelta(hours=1))
    assert look(NOW + timedelta(hours=2)) == []
    post.came(mails[19], HARD, NOW + timedelta(hours=1))
    for mail_id in mails[20:25]:
        post.came(mail_id, COMPLAINT, NOW + timedelta(hours=1))
    assert look(NOW + timedelta(hours=2)) == ["bounces:risen"]
    [alarm] = alarms.open_alarms()
    assert "20 hard bounces and 5 complaints on 30 mails" in alarm.text
    assert "@" not in alarm.text
    assert look(NOW + DAY * 2) == []
