"""Real SMTP on loopback: every kind of answer, and the order that makes "once" true."""

import os
import socket
import threading

import pytest
from aiosmtpd.controller import Controller
from desks import SENDER, Desk, row

from aggregator.deliver import SmtpMailer
from aggregator.errors import SettingsError


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


def sent_by(sender, *rows, **more):
    """Deliver rows; the desk that was told of them."""
    desk = Desk(*rows, **more)
    sender.deliver(desk)
    return desk


def test_each_mail_goes_alone_and_connections_are_kept(serve, mailer):
    """One recipient a mail, so that no reader sees another, and no new handshake for each."""
    inbox = Inbox()
    rows = [row(n, to=f"reader{n}@inbox.example") for n in range(1, 6)]
    sender = mailer(serve(inbox), connections=1)

    first, second = sent_by(sender, *rows[:3]), sent_by(sender, *rows[3:])

    assert set((first.states | second.states).values()) == {"sent"}
    assert [rcpt for _, rcpt, _ in inbox.mails] == [[r.to] for r in rows]
    assert {sender for sender, _, _ in inbox.mails} == {"digest@quxun.example"}
    assert len(inbox.connections) == 1
    assert sorted(first.handed + second.handed) == [1, 2, 3, 4, 5]


def test_what_arrives_is_what_was_written(serve, mailer):
    """Dots at line begins and Chinese text survive the way."""
    import email
    import email.policy

    inbox = Inbox()
    sent_by(mailer(serve(inbox)), row())

    message = email.message_from_bytes(inbox.mails[0][2], policy=email.policy.default)
    assert message.get_body(("plain",)).get_content().replace("\r\n", "\n") == "正文\n.\n..点\n"


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ({"mail": "421 HL:REP come back"}, "deferred"),
        ({"mail": "553 we do not know this sender"}, "deferred"),
        ({"rcpt": {"reader@inbox.example": "450 greylisted"}}, "deferred"),
        ({"rcpt": {"reader@inbox.example": "550 5.1.1 user unknown"}}, "failed"),
        ({"data": "451 DT:SPM 163"}, "deferred"),
        ({"data": "550 Domain frequency limited"}, "deferred"),
        ({"data": "554 5.7.1 spam"}, "failed"),
        ({"data": "drop"}, "ambiguous"),
        ({"data": "999 what"}, "ambiguous"),
    ],
)
def test_every_answer_ends_in_the_right_state(serve, mailer, answers, state):
    """Put off, given up or in doubt: each for its own reason, and never silently."""
    desk = sent_by(mailer(serve(Inbox(**answers))), row())

    [told] = desk.told.values()
    assert told.state == state
    assert (told.retry_at is not None) is (state == "deferred")
    assert bool(told.suppress) is ("5.1.1" in str(answers))
    assert told.answer


def test_one_refused_reader_holds_up_no_other(serve, mailer):
    """The next mails go on over the same server, whatever it said of this one."""
    answers = {"b@inbox.example": "550 5.1.1 no such user", "c@inbox.example": "450 later"}
    inbox = Inbox(rcpt=answers)
    rows = [row(n, to=f"{name}@inbox.example") for n, name in enumerate("abcd", 1)]

    desk = sent_by(mailer(serve(inbox)), *rows)

    assert desk.states == {1: "sent", 2: "failed", 3: "deferred", 4: "sent"}
    assert len(inbox.mails) == 2


@pytest.mark.parametrize("in_doubt", [False, True])
def test_a_mail_that_another_worker_took_does_not_leave(serve, mailer, in_doubt):
    """A lost lease means that another sends it: two finished dots would be two mails."""
    inbox = Inbox()
    desk = Desk(row(1, in_doubt=in_doubt), row(2), answer=lambda mail: mail.id == 2)

    mailer(serve(inbox)).deliver(desk)

    assert desk.states == {1: "queued", 2: "sent"}
    assert len(inbox.mails) == 1


def test_when_the_store_fails_no_half_mail_leaves(serve, mailer):
    """Without the commit there is no dot; the next call works as before."""
    inbox = Inbox()
    sender = mailer(serve(inbox))

    with pytest.raises(RuntimeError, match="database"):
        sent_by(sender, row(), answer=RuntimeError("the database is gone"))
    good = sent_by(sender, row(2))

    assert good.states == {2: "sent"}
    assert len(inbox.mails) == 1


def test_a_server_that_is_not_there_puts_all_off(mailer):
    """Eight hours without a relay delay mails; they lose none."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"smtp://127.0.0.1:{taken.getsockname()[1]}"
        desk = sent_by(mailer(url), row(1), row(2))

    assert desk.states == {1: "deferred", 2: "deferred"}
    assert all(one.retry_at > desk.now() for one in desk.told.values())


def test_a_connection_closed_meanwhile_is_made_anew(serve, mailer):
    """Relays hang up on quiet clients; the next mail must not notice."""
    inbox = Inbox()
    sender = mailer(serve(inbox))
    sent_by(sender, row(1))
    number = sender.idle[0]._transport.get_extra_info("socket").fileno()
    with socket.socket(fileno=os.dup(number)) as theirs:
        theirs.shutdown(socket.SHUT_RDWR)

    assert sent_by(sender, row(2)).states == {2: "sent"}
    assert len(inbox.connections) == 2


def test_the_connection_is_renewed_before_a_server_counts_too_many(serve, mailer):
    """163 allows few mails a connection."""
    inbox = Inbox()

    sent_by(mailer(serve(inbox), per_connection=2, connections=1), *(row(n) for n in range(1, 6)))

    assert len(inbox.mails) == 5
    assert len(inbox.connections) == 3


def test_mails_are_paced(serve, mailer):
    """No more a second than the operator allowed."""
    waits, at = [], [0.0]

    async def pause(seconds):
        waits.append(seconds)
        at[0] += seconds

    sender = mailer(serve(Inbox()), per_second=4, connections=1, pause=pause, ticks=lambda: at[0])
    sent_by(sender, *(row(n) for n in range(1, 4)))

    assert waits == [0.25, 0.25]


def test_a_silent_server_costs_one_timeout_and_no_mail():
    """A relay that accepts and never greets must not hold a worker for ever."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        sender = SmtpMailer(url, mail_from=SENDER, timeout=0.2)
        desk = sent_by(sender, row())
        sender.close()

    assert desk.states == {1: "deferred"}


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
            f"smtp://127.0.0.1:{server.getsockname()[1]}", mail_from=SENDER, timeout=60
        )
        desk = sent_by(sender, row())
        sender.close()
        thread.join()

    assert desk.states == {1: "deferred"}
    assert len(desk.told[1].answer) <= 300


def test_a_mail_that_cannot_be_written_fails_alone(serve, mailer):
    """A row broken by some bug is reported and does not hold up the queue."""
    inbox = Inbox()

    desk = sent_by(mailer(serve(inbox)), row(1, to="a@b.example, victim@inbox.example"), row(2))

    assert desk.states == {1: "failed", 2: "sent"}
    assert desk.told[1].meaning == "unwritable"
    assert len(inbox.mails) == 1


@pytest.mark.parametrize("url", ["http://mail.example", "smtp://", "mail.example:25", "smtp://x:y"])
def test_an_address_of_no_mail_server_stops_the_start(url):
    """The operator learns which variable is wrong before a mail is lost."""
    with pytest.raises(SettingsError, match="QUXUN_SMTP_URL"):
        SmtpMailer(url, mail_from=SENDER)


def test_without_a_server_mails_wait(mailer):
    """An empty setting delays mails and says why."""
    desk = sent_by(mailer(""), row())

    assert desk.states == {1: "deferred"}
    assert "QUXUN_SMTP_URL" in desk.told[1].answer
