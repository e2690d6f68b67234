"""Real SMTP on loopback: every kind of answer, and the order that makes "once" true."""

import socket
import threading
from datetime import UTC, datetime

import pytest
from aiosmtpd.controller import Controller

from aggregator.deliver import SmtpMailer
from aggregator.deliver.smtp import _stuffed
from aggregator.errors import SettingsError
from aggregator.model import Lane, Mail, MailId, MailState, OutboxMail

NOW = datetime(2026, 9, 13, 0, 30, tzinfo=UTC)
SENDER = "Quxun 区讯 <digest@quxun.example>"


class Outbox:
    """The one call that delivery makes, as the store answers it."""

    def __init__(self, *, answer=True):
        self.answer = answer
        self.handed = []

    def mark_handed(self, mail_id, generation):
        self.handed.append((mail_id, generation))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Inbox:
    """A server's side: keeps what arrived, answers as it was told to."""

    def __init__(self, **answers):
        self.answers = answers
        self.mails = []
        self.connections = set()

    def _says(self, step, address=""):
        answer = self.answers.get(step)
        return answer.get(address) if isinstance(answer, dict) else answer

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        self.connections.add(session.peer)
        envelope.mail_from = address
        return self._says("mail") or "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        refused = self._says("rcpt", address)
        if refused is None:
            envelope.rcpt_tos.append(address)
        return refused or "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        answer = self._says("data")
        if answer == "drop":
            server.transport.abort()
            return "250 nobody hears this"
        if answer is None:
            self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return answer or "250 queued"


@pytest.fixture
def serve():
    """Start a server that answers like this; gives its address."""
    started = []

    def made(inbox):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        controller = Controller(inbox, hostname="127.0.0.1", port=port)
        controller.start()
        started.append(controller)
        return f"smtp://127.0.0.1:{port}"

    yield made
    for controller in started:
        controller.stop()


@pytest.fixture
def mailer():
    """Make a mailer; its connection is closed afterwards."""
    made = []

    def make(url, **options):
        made.append(SmtpMailer(url, mail_from=SENDER, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def row(number=1, to="reader@inbox.example", text="正文\n.\n..点\n"):
    mail = Mail(
        key=f"digest:{number}",
        lane=Lane.DIGEST,
        to=to,
        subject="江津区:3条新政策",
        text=text,
        html="<p>正文</p>",
        message_id=f"<{number}@quxun.example>",
        headers={"From": SENDER},
    )
    return OutboxMail(
        id=MailId(number),
        mail=mail,
        state=MailState.CLAIMED,
        generation=3,
        attempts=1,
        created_at=NOW,
    )


def test_each_mail_goes_alone_over_one_connection(serve, mailer):
    """One recipient a mail, so that no reader sees another, and no new handshake for each."""
    inbox, outbox = Inbox(), Outbox()
    rows = [row(n, to=f"reader{n}@inbox.example") for n in range(1, 6)]
    sender = mailer(serve(inbox))

    first = sender.deliver(rows[:3], store=outbox, now=NOW)
    second = sender.deliver(rows[3:], store=outbox, now=NOW)

    assert {one.state for one in first + second} == {MailState.SENT}
    assert [rcpt for _, rcpt, _ in inbox.mails] == [[r.mail.to] for r in rows]
    assert {sender for sender, _, _ in inbox.mails} == {"digest@quxun.example"}
    assert len(inbox.connections) == 1
    assert outbox.handed == [(n, 3) for n in range(1, 6)]


def test_what_arrives_is_what_was_written(serve, mailer):
    """Dots at line begins and Chinese text survive the way."""
    import email
    import email.policy

    inbox = Inbox()
    mailer(serve(inbox)).deliver([row()], store=Outbox(), now=NOW)

    message = email.message_from_bytes(inbox.mails[0][2], policy=email.policy.default)
    assert message.get_body(("plain",)).get_content().replace("\r\n", "\n") == "正文\n.\n..点\n"


@pytest.mark.parametrize(
    ("answers", "state", "handed"),
    [
        ({"mail": "421 HL:REP come back"}, MailState.DEFERRED, False),
        ({"mail": "553 we do not know this sender"}, MailState.DEFERRED, False),
        ({"rcpt": {"reader@inbox.example": "450 greylisted"}}, MailState.DEFERRED, False),
        ({"rcpt": {"reader@inbox.example": "550 5.1.1 user unknown"}}, MailState.FAILED, False),
        ({"data": "451 DT:SPM 163"}, MailState.DEFERRED, True),
        ({"data": "550 Domain frequency limited"}, MailState.DEFERRED, True),
        ({"data": "554 5.7.1 spam"}, MailState.FAILED, True),
        ({"data": "drop"}, MailState.AMBIGUOUS, True),
        ({"data": "999 what"}, MailState.AMBIGUOUS, True),
    ],
)
def test_every_answer_ends_in_the_right_state(serve, mailer, answers, state, handed):
    """Put off, given up or in doubt: each for its own reason, and never silently."""
    inbox, outbox = Inbox(**answers), Outbox()

    (delivery,) = mailer(serve(inbox)).deliver([row()], store=outbox, now=NOW)

    assert delivery.state is state
    assert bool(outbox.handed) is handed
    assert (delivery.retry_at is not None) is (state is MailState.DEFERRED)
    assert bool(delivery.suppress) is ("5.1.1" in str(answers))
    assert delivery.answer


def test_one_refused_reader_holds_up_no_other(serve, mailer):
    """The next mails go on over the same server, whatever it said of this one."""
    answers = {"b@inbox.example": "550 5.1.1 no such user", "c@inbox.example": "450 later"}
    inbox = Inbox(rcpt=answers)
    rows = [row(n, to=f"{name}@inbox.example") for n, name in enumerate("abcd", 1)]

    done = mailer(serve(inbox)).deliver(rows, store=Outbox(), now=NOW)

    assert [one.state.value for one in done] == ["sent", "failed", "deferred", "sent"]
    assert len(inbox.mails) == 2


def test_a_mail_that_another_worker_took_does_not_leave(serve, mailer):
    """A lost lease means that another sends it: two finished dots would be two mails."""
    inbox = Inbox()
    sender = mailer(serve(inbox))

    (delivery,) = sender.deliver([row()], store=Outbox(answer=False), now=NOW)
    (good,) = sender.deliver([row(2)], store=Outbox(), now=NOW)

    assert delivery.state is MailState.DEFERRED
    assert good.state is MailState.SENT
    assert len(inbox.mails) == 1


def test_when_the_store_fails_no_half_mail_leaves(serve, mailer):
    """Without the commit there is no dot; the connection is as clean as before."""
    inbox = Inbox()
    sender = mailer(serve(inbox))

    with pytest.raises(RuntimeError, match="database"):
        sender.deliver([row()], store=Outbox(answer=RuntimeError("the database is gone")), now=NOW)
    (good,) = sender.deliver([row(2)], store=Outbox(), now=NOW)

    assert good.state is MailState.SENT
    assert len(inbox.mails) == 1


def test_a_server_that_is_not_there_puts_all_off(mailer):
    """Eight hours without a relay delay mails; they lose none."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"smtp://127.0.0.1:{taken.getsockname()[1]}"
        done = mailer(url).deliver([row(1), row(2)], store=Outbox(), now=NOW)

    assert [one.state for one in done] == [MailState.DEFERRED] * 2
    assert all(one.retry_at > NOW for one in done)


def test_a_connection_closed_meanwhile_is_made_anew(serve, mailer):
    """Relays hang up on quiet clients; the next mail must not notice."""
    inbox = Inbox()
    sender = mailer(serve(inbox))
    sender.deliver([row(1)], store=Outbox(), now=NOW)
    sender._connection.sock.shutdown(socket.SHUT_RDWR)

    (delivery,) = sender.deliver([row(2)], store=Outbox(), now=NOW)

    assert delivery.state is MailState.SENT
    assert len(inbox.connections) == 2


def test_the_connection_is_renewed_before_a_server_counts_too_many(serve, mailer):
    """163 allows few mails a connection."""
    inbox = Inbox()

    mailer(serve(inbox), per_connection=2).deliver(
        [row(n) for n in range(1, 6)], store=Outbox(), now=NOW
    )

    assert len(inbox.mails) == 5
    assert len(inbox.connections) == 3


def test_mails_are_paced(serve, mailer):
    """No more a second than the operator allowed."""
    waits, at = [], [0.0]

    def pause(seconds):
        waits.append(seconds)
        at[0] += seconds

    sender = mailer(serve(Inbox()), per_second=4, pause=pause, ticks=lambda: at[0])
    sender.deliver([row(n) for n in range(1, 4)], store=Outbox(), now=NOW)

    assert waits == [0.25, 0.25]


def test_a_silent_server_costs_one_timeout_and_no_mail():
    """A relay that accepts and never greets must not hold a worker for ever."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        sender = SmtpMailer(url, mail_from=SENDER, timeout=0.2)
        (delivery,) = sender.deliver([row()], store=Outbox(), now=NOW)

    assert delivery.state is MailState.DEFERRED


@pytest.mark.parametrize(
    "greeting", [b"421 too busy\r\n", b"HTTP/1.1 400 no\r\n", b"", b"5" * 9000]
)
def test_what_is_no_mail_server_is_put_off(greeting):
    """A port with something else on it, or a server too busy to greet, loses nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.sendall(greeting)

        thread = threading.Thread(target=answer)
        thread.start()
        sender = SmtpMailer(
            f"smtp://127.0.0.1:{server.getsockname()[1]}", mail_from=SENDER, timeout=5
        )
        (delivery,) = sender.deliver([row()], store=Outbox(), now=NOW)
        thread.join()

    assert delivery.state is MailState.DEFERRED
    assert len(delivery.answer) <= 300


def test_a_mail_that_cannot_be_written_fails_alone(serve, mailer):
    """A row broken by some bug is reported and does not hold up the queue."""
    inbox = Inbox()
    rows = [row(1, to="a@b.example, victim@inbox.example"), row(2)]

    done = mailer(serve(inbox)).deliver(rows, store=Outbox(), now=NOW)

    assert [one.state for one in done] == [MailState.FAILED, MailState.SENT]
    assert len(inbox.mails) == 1


@pytest.mark.parametrize("url", ["http://mail.example", "smtp://", "mail.example:25", "smtp://x:y"])
def test_an_address_of_no_mail_server_stops_the_start(url):
    """The operator learns which variable is wrong before a mail is lost."""
    with pytest.raises(SettingsError, match="QUXUN_SMTP_URL"):
        SmtpMailer(url, mail_from=SENDER)


def test_without_a_server_mails_wait(mailer):
    """An empty setting delays mails and says why."""
    (delivery,) = mailer("").deliver([row()], store=Outbox(), now=NOW)

    assert delivery.state is MailState.DEFERRED
    assert "QUXUN_SMTP_URL" in delivery.answer


def test_a_line_of_one_dot_does_not_end_a_mail():
    """Whatever encoding a body has, only our own dot ends it (RFC 5321 §4.5.2)."""
    assert _stuffed(b"a\r\n.\r\n.b\r\n") == b"a\r\n..\r\n..b\r\n"
