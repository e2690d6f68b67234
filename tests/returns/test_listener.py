"""Relays hand over what came back by SMTP or LMTP, and keep what we could not record."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from returned_mail import DOMAIN, NOW, SECRET, address_of, report

from aggregator.errors import SettingsError
from aggregator.model import ReturnKind
from aggregator.receive import Listener, listen_address
from aggregator.settings import Settings
from aggregator.wiring import Parts
from quxun.bounces import Taker

PATIENCE = 60


@contextmanager
def listening(take, *, silence: float = PATIENCE) -> Iterator[int]:
    """A listener on a free port of loopback; its port."""
    loop = asyncio.new_event_loop()
    listener = Listener(take, silence=silence)
    port = loop.run_until_complete(listener.start("127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield port
    finally:
        asyncio.run_coroutine_threadsafe(listener.close(), loop).result(PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def hand_over(client: smtplib.LMTP, recipients: list[str], message: bytes) -> list[int]:
    """What a relay does in LMTP; the answers, one for each recipient."""
    client.ehlo("relay.example")
    client.docmd("MAIL", "FROM:<>")
    for one in recipients:
        assert client.docmd("RCPT", f"TO:<{one}>")[0] == 250
    client.docmd("DATA")
    client.send(message + b".\r\n")
    return [client.getreply()[0] for _ in recipients]


class Kept:
    """What was taken; perhaps nothing can be."""

    def __init__(self, *, away: bool = False) -> None:
        self.away = away
        self.messages: list[tuple[bytes, tuple[str, ...]]] = []

    def __call__(self, message: bytes, recipients) -> None:
        if self.away:
            raise OSError("the database is away")
        self.messages.append((message, tuple(recipients)))


def test_a_relay_hands_over_by_smtp_from_the_empty_sender():
    """Bounces come from <>: that is kept, and their recipient is what matters."""
    kept = Kept()
    with listening(kept) as port, smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
        assert client.sendmail("", ["bounces+1-a@b.example"], b"To: x\r\n\r\n.dots\r\n..\r\n") == {}

    [(message, recipients)] = kept.messages
    assert message == b"Return-Path: <>\r\nTo: x\r\n\r\n.dots\r\n..\r\n"
    assert recipients == ("bounces+1-a@b.example",)


def test_lmtp_answers_for_every_recipient():
    """RFC 2033 §4.2: a relay waits for one answer each, or hangs."""
    kept = Kept()
    with listening(kept) as port, smtplib.LMTP("127.0.0.1", port, timeout=PATIENCE) as client:
        to = [f"bounces+{number}-a@b.example" for number in range(3)]
        assert hand_over(client, to, b"To: x\r\n\r\nx\r\n") == [250, 250, 250]
        assert client.noop()[0] == 250

    assert len(kept.messages[0][1]) == 3


def test_what_cannot_be_recorded_stays_with_the_relay():
    """A database that is away for an hour loses no bounce."""
    kept = Kept(away=True)
    with listening(kept) as port, smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("", ["a@b.example"], b"x\r\n")
        assert refused.value.smtp_code == 451
        kept.away = False
        assert client.sendmail("", ["a@b.example"], b"x\r\n") == {}

    assert len(kept.messages) == 1


def test_fifty_megabytes_are_taken_and_half_of_one_is_kept():
    """Lines of any length, or none; a relay is never stuck with a message."""
    kept = Kept()
    with listening(kept) as port, smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
        assert client.sendmail("", ["a@b.example"], b"x" * 25_000_000 + b"\r\n" * 12_500_000) == {}
        assert client.sendmail("", ["a@b.example"], b"after\r\n") == {}

    assert [len(message) <= 600_000 for message, _ in kept.messages] == [True, True]
    assert kept.messages[1][0].endswith(b">\r\nafter\r\n")


def test_who_breaks_off_leaves_nothing_and_who_is_silent_is_let_go():
    """Half a message is no message."""
    kept = Kept()
    with listening(kept, silence=0.2) as port:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as raw:
            raw.sendall(
                b"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA\r\nTo: x\r\n\r\nhalf"
            )
            while raw.recv(4096):  # until it is let go for its silence
                pass
        with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
            assert client.sendmail("", ["a@b.example"], b"whole\r\n") == {}

    assert [message for message, _ in kept.messages] == [b"Return-Path: <>\r\nwhole\r\n"]


def test_the_service_takes_a_report_and_counts_forged_ones(post, database_url, tmp_path):
    """The whole way from a relay to the list of suppressions."""
    settings = Settings(
        home=tmp_path, database_url=database_url, secret_key=SECRET, bounce_domain=DOMAIN
    )
    parts = Parts(settings=settings, clock=lambda: NOW)
    taker = Taker(parts)
    first, second = post.sent(post.reader()), post.sent(post.reader("b@inbox.example"))
    with (
        listening(taker.take) as port,
        smtplib.LMTP("127.0.0.1", port, timeout=PATIENCE) as client,
    ):
        to = [address_of(first), address_of(second)]
        assert hand_over(client, to, report("digest@quxun.example", "5.1.1")) == [250, 250]
        for number in range(5):
            forged = f"bounces+{number}-{'b' * 16}@{DOMAIN}"
            assert client.sendmail("", [forged], report(forged)) == {}
    taker.count()
    parts.close()

    assert post.held_back() == {"reader@inbox.example": "hard", "b@inbox.example": "hard"}
    assert [row.kind for row in post.returns.latest()] == [ReturnKind.HARD, ReturnKind.HARD]
    assert post.returns.counted() == {"foreign": 5, "hard": 2}


@pytest.mark.parametrize(
    ("word", "address"),
    [("127.0.0.1:2424", ("127.0.0.1", 2424)), ("[::1]:25", ("::1", 25)), ("mx:0", ("mx", 0))],
)
def test_where_to_listen(word, address):
    """As it is written everywhere else."""
    assert listen_address(word) == address


@pytest.mark.parametrize("word", ["2424:", "host", "host:99999", "host:-1", ":x"])
def test_where_nobody_can_listen_is_told(word):
    """One line that names the variable."""
    with pytest.raises(SettingsError, match="QUXUN_BOUNCE_LISTEN"):
        listen_address(word)
