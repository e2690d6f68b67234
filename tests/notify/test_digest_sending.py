"""Planned mails leave: once, in order, whatever the mail server does; and why says so."""

import socket
from datetime import timedelta

import pytest
from aiosmtpd.controller import Controller
from offices import BEFORE, DAY, HOUR, MORNING, READER, SETTINGS
from sqlalchemy import text

from aggregator import store
from aggregator.deliver import SmtpMailer
from aggregator.flow import mail
from aggregator.model import (
    Delivery,
    MailState,
)


def test_what_has_not_left_when_the_next_is_due_goes_with_it(office):
    """A mail server that was away for two mornings is not followed by three mails."""
    office.sign_up(confirmed=True)
    for day in range(3):
        office.announce(f"通知第{day}天", at=BEFORE + day * DAY + HOUR)
        assert office.plan(MORNING + day * DAY) == 1

    [digest] = office.mails()
    assert all(digest.text.count(f" 通知第{day}天\n") == 1 for day in range(3))
    assert office.outbox.states() == {"merged": 2, "sent": 1}
    assert office.plan(MORNING + 3 * DAY) == 0


def test_a_mail_that_is_being_sent_is_not_merged_with_the_next(office):
    """It may be in the mailbox already: what it brought must not come again."""
    office.sign_up(confirmed=True)
    office.announce("通知甲")
    office.plan()
    office.outbox.claim_mails(MORNING, limit=9, lease=HOUR)
    office.announce("通知乙", at=MORNING + HOUR)
    office.plan(MORNING + DAY)

    [later] = [m for m in office.mails() if "通知乙" in m.text]
    assert "通知甲" not in later.text


def test_a_mail_that_is_sent_again_is_not_merged_with_the_next(office):
    """The reader has it: in another mail its news would come twice, and unmarked."""
    office.sign_up(confirmed=True)
    office.announce("通知甲")
    office.plan()
    [first] = office.mails()
    with office.engine.connect() as connection:
        number = connection.execute(text("select id from outbox")).scalar_one()
    store.Runs(office.engine).resend(number, again=True, who="operator", now=MORNING + HOUR)
    office.announce("通知乙", at=MORNING + HOUR)
    office.plan(MORNING + DAY)

    copy, later = office.mails()
    assert copy.message_id == first.message_id
    assert "通知甲" not in later.text


def test_a_run_that_is_held_does_not_leave_with_the_next(office):
    """What was wrong with it is read first: only its release lets it go, and then whole."""
    office.sign_up(confirmed=True)
    office.announce("通知甲")
    office.plan()
    holds, [first] = store.Holds(office.engine), store.Runs(office.engine).runs()
    holds.hold_run(first.id, "wrong words", who="operator", now=MORNING)
    office.announce("通知乙", at=MORNING + HOUR)
    office.plan(MORNING + DAY)

    [next_day] = office.mails()
    assert "通知乙" in next_day.text
    assert "通知甲" not in next_day.text
    assert holds.release_run(first.id, who="operator", now=MORNING + DAY)
    [released] = office.mails()
    assert "通知甲" in released.text


class Relay:
    """A mailer that hands over and answers as it is told; what left is kept."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.left = []

    def deliver(self, desk):
        while mails := desk.take(9):
            for row in mails:
                assert desk.turn([], [row], []) == {row.id}
                self.left.append(row.message_id)
                state = self.answers.pop(0) if self.answers else MailState.SENT
                if state is None:
                    raise KeyboardInterrupt
                retry_at = desk.now() + HOUR if state is MailState.DEFERRED else None
                done = Delivery(
                    mail_id=row.id, generation=row.generation, state=state, answer="x",
                    at=desk.now(), retry_at=retry_at,
                )  # fmt: skip
                desk.turn([done], [], [])


def test_a_crash_after_the_dot_makes_at_most_one_more_copy(office):
    """The one gap that cannot be closed: the same Message-ID again, once, and never a third."""
    office.sign_up()
    relay = Relay(None, None)
    for wait in (timedelta(0), 2 * HOUR):
        with pytest.raises(KeyboardInterrupt):
            mail.deliver_all(store=office.outbox, mailer=relay, clock=lambda w=wait: BEFORE + w)
    for hours in (4, 400):
        mail.deliver_all(store=office.outbox, mailer=relay, clock=lambda h=hours: BEFORE + h * HOUR)

    assert len(relay.left) == 2
    assert len(set(relay.left)) == 1
    assert office.outbox.states() == {"ambiguous": 1}


def test_what_was_put_off_goes_later_and_only_once(office):
    """A greylisting server delays a mail; it loses and doubles none."""
    office.sign_up()
    relay = Relay(MailState.DEFERRED)
    states = []
    for hours in (0, 0.5, 2, 3):
        done = mail.deliver_all(
            store=office.outbox, mailer=relay, clock=lambda h=hours: BEFORE + h * HOUR
        )
        states.append(dict(done.states))

    assert states == [{"deferred": 1}, {}, {"sent": 1}, {}]


def test_many_mails_leave_in_one_call_confirmations_first(office):
    """Who just signed up waits for nobody's digest."""
    for number in range(45):
        office.sign_up(email=f"reader{number}@inbox.example", confirmed=True)
    office.announce("通知甲")
    office.plan()
    office.sign_up(email="new@inbox.example", now=MORNING)
    relay = Relay()

    done = mail.deliver_all(
        store=office.outbox, mailer=relay, clock=lambda: MORNING + timedelta(minutes=1)
    )

    assert done.total == len(set(relay.left)) == 46
    question = office.outbox.states()
    assert question == {"sent": 46}


def test_a_mail_is_marked_before_the_server_has_its_dot(office):
    """When the server has a whole mail, the store already knows that it may have it."""
    office.sign_up()
    seen = []

    class Inbox:
        async def handle_DATA(self, server, session, envelope):  # noqa: N802
            seen.append((office.outbox.states(), envelope.rcpt_tos))
            return "250 queued"

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(Inbox(), hostname="127.0.0.1", port=port)
    controller.start()
    sender = SmtpMailer(f"smtp://127.0.0.1:{port}", mail_from=SETTINGS.mail_from)
    try:
        mail.deliver_all(store=office.outbox, mailer=sender, clock=lambda: BEFORE)
    finally:
        sender.close()
        controller.stop()

    assert seen == [({"handed": 1}, [READER])]
    assert office.outbox.states() == {"sent": 1}


@pytest.mark.parametrize(
    ("fate", "rule"),
    [
        ("state = 'sent'", "sent"),
        ("state = 'failed', answer = '550 no'", "failed"),
        ("state = 'failed', answer = 'stopped by its reader before it left'", "stopped"),
        ("state = 'sent', bounced = 'hard', bounced_at = now()", "bounced"),
    ],
)
def test_why_names_what_became_of_the_mail(office, fate, rule):
    """Nothing that never arrived is called sent."""
    office.sign_up(confirmed=True)
    office.announce("通知甲")
    office.plan()
    with office.engine.begin() as connection:
        connection.execute(text(f"update outbox set {fate}"))
        [number] = connection.execute(text("select id from announcements")).scalars()

    assert store.System(office.engine).why(str(number), READER, MORNING).rule == rule


def test_a_held_digest_of_who_stopped_and_came_back_stays_and_says_why(office):
    """New subscribers get nothing from before they confirmed, and may ask what became of it."""
    office.sign_up(confirmed=True)
    office.announce("通知甲")
    office.plan()
    holds, who = store.Holds(office.engine), office.subscribers.get(READER)
    holds.hold_all("wrong", who="operator", now=MORNING)
    office.subscribers.end(who.id, reason="one-click", now=MORNING)
    office.sign_up(confirmed=True, now=MORNING)
    holds.release_all(who="operator", now=MORNING)

    assert office.mails() == []
    with office.engine.connect() as connection:
        [number] = connection.execute(text("select id from announcements")).scalars()
    assert store.System(office.engine).why(str(number), READER, MORNING).rule == "stopped"
