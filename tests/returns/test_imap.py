"""The bounce mailbox is read over IMAP, and marked only after what it says is committed."""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import quote

import pytest
from imap_server import Server, serving
from returned_mail import NOW, address_of, mail_of, report

from aggregator import store
from aggregator.errors import MailboxError, SettingsError
from aggregator.flow import returns as flow
from aggregator.receive import Mailbox
from aggregator.receive.imap import KEPT_BYTES

CERTIFICATE = Path(__file__).resolve().parents[1] / "fetch" / "strong.pem"


def mailbox(box: Server, scheme: str = "imap", query: str = "") -> Mailbox:
    login = f"{quote(box.user, safe='')}:{quote(box.password, safe='')}"
    return Mailbox(
        f"{scheme}://{login}@127.0.0.1:{box.port}/{quote(box.folder)}{query}", timeout=60
    )


def read(post, reader: Mailbox) -> int:
    return flow.read_mailbox(
        mailbox=reader,
        store=post.returns,
        alarms=store.Alarms(post.engine),
        mail_of=mail_of,
        clock=lambda: NOW,
    )


def alarms(post) -> list[str]:
    return [one.text for one in store.Alarms(post.engine).open_alarms()]


@pytest.mark.parametrize("uid_behind", [False, True])
def test_what_waits_is_recorded_and_marked(post, uid_behind):
    """A report among letters of strangers; the next look finds nothing to do."""
    mail_id = post.sent(post.reader())
    with serving(Server(uid_behind=uid_behind)) as box:
        box.deliver(b"To: us\r\n\r\nhello", report(address_of(mail_id)), b"", b"\xff" * 2_000)
        assert read(post, mailbox(box)) == 4
        assert (box.unread(), len(box.mails)) == (0, 4)
        assert read(post, mailbox(box)) == 0

    assert post.held_back() == {"reader@inbox.example": "hard"}
    assert post.returns.of_mail(mail_id)[0].via == "imap"
    assert post.returns.counted() == {"foreign": 3, "hard": 1}


def test_what_the_server_kept_back_is_asked_for_again(post):
    """A message that was not handed over was not read, whatever the server says of the rest."""
    mail_id = post.sent(post.reader())
    with serving(Server()) as box:
        box.deliver(b"To: us\r\n\r\nhello", report(address_of(mail_id)))
        box.withheld = {8}
        assert read(post, mailbox(box)) == 1
        assert (box.unread(), post.held_back()) == (1, {})
        assert read(post, mailbox(box)) == 0
        box.withheld = set()
        assert read(post, mailbox(box)) == 1

    assert post.held_back() == {"reader@inbox.example": "hard"}


@pytest.mark.parametrize("refuse", [set(), {"ID"}])
def test_a_server_that_wants_to_know_who_we_are_is_told(post, refuse):
    """NetEase's servers select no folder for who does not say; to others it is all the same."""
    with serving(Server(wants_id=True, refuse=refuse)) as box:
        box.deliver(b"To: us\r\n\r\nhello")

        assert read(post, mailbox(box)) == 1


def test_a_folder_may_have_a_chinese_name(post):
    """As providers here name them; the name on the wire is RFC 3501's."""
    with serving(
        Server(folder="其他/退信 & 拒收", wire_folder="&UXZO1g-/&kABP4Q- &- &YtJlNg-")
    ) as box:
        box.deliver(b"x")
        assert read(post, mailbox(box)) == 1


@pytest.mark.parametrize("charset", ["rot13", "zlib", "uu"])
def test_a_strangers_letter_does_not_stop_those_behind_it(post, charset):
    """Who bounced for good is held back, whatever else was written to the mailbox."""
    mail_id = post.sent(post.reader())
    odd = f"From: mailer-daemon@x.example\r\nContent-Type: text/plain; charset={charset}\r\n\r\n"
    with serving(Server()) as box:
        box.deliver(odd.encode() + b"\xff550 5.1.1", report(address_of(mail_id)))
        assert (read(post, mailbox(box)), box.unread()) == (2, 0)

    assert post.held_back() == {"reader@inbox.example": "hard"}
    assert alarms(post) == []


def test_a_letter_that_breaks_the_reading_is_recorded_and_passed(post, monkeypatch):
    """A bug of ours with one letter is no reason to leave all others unread."""
    mail_id, other = post.sent(post.reader()), post.sent(post.reader("b@inbox.example"))
    whole = flow.read_return

    def breaking(message, **more):
        if b"breaks us" in message:
            raise TypeError("a bug")
        return whole(message, **more)

    monkeypatch.setattr(flow, "read_return", breaking)
    arrived = [
        flow.Arrived(message=b"this breaks us"),
        flow.Arrived(message=b"this breaks us", recipients=(address_of(other),)),
        flow.Arrived(message=report(address_of(mail_id))),
    ]
    flow.take_in(arrived, store=post.returns, mail_of=mail_of, via="imap", now=NOW)

    assert post.held_back() == {"reader@inbox.example": "hard"}
    assert [one.kind.value for one in post.returns.of_mail(other)] == ["unclear"]
    assert post.returns.counted() == {"foreign": 1, "hard": 1, "unclear": 1}


def test_what_was_not_recorded_stays_unread(post):
    """A database that goes away between reading and recording loses no bounce."""
    mail_id = post.sent(post.reader())

    def away(_):
        raise OSError("the database is away")

    with serving(Server()) as box:
        box.deliver(report(address_of(mail_id)))
        with pytest.raises(MailboxError):
            mailbox(box).read(away, more=lambda: True)
        assert box.unread() == 1
        assert read(post, mailbox(box)) == 1

    assert post.held_back() == {"reader@inbox.example": "hard"}


def test_a_death_between_recording_and_marking_counts_once(post):
    """The message comes again, and changes nothing."""
    mail_id = post.sent(post.reader())
    with serving(Server(refuse={"STORE"})) as box:
        box.deliver(report(address_of(mail_id), "4.2.2"))
        assert read(post, mailbox(box)) == 0
        assert "STORE" in alarms(post)[0]
        box.refuse.clear()
        assert read(post, mailbox(box)) == 1
    assert (post.rows(), post.returns.counted()["again"]) == (1, 1)
    assert alarms(post) == []


@pytest.mark.parametrize("uidplus", [True, False])
def test_what_was_read_can_be_deleted(post, uidplus):
    """A mailbox that nobody empties fills, and bounces the bounces."""
    with serving(Server(uidplus=uidplus)) as box:
        box.deliver(*[b"To: us\r\n\r\nhello"] * 45)
        assert read(post, mailbox(box, query="?after=delete")) == 45
        assert box.mails == []


def test_of_a_huge_message_only_the_beginning_is_fetched(post):
    """Fifty megabytes in the mailbox are half of one on the wire."""
    mail_id = post.sent(post.reader())
    sizes: list[int] = []
    with serving(Server()) as box:
        box.deliver(report(address_of(mail_id)) + b"x" * 50_000_000)
        mailbox(box).read(lambda batch: sizes.extend(map(len, batch)), more=lambda: True)
        assert sizes == [KEPT_BYTES]


def test_reading_ends_when_its_time_is_up(post):
    """The sweeper waits behind us; the rest is read the next time."""
    turns = iter([True, False])
    with serving(Server()) as box:
        box.deliver(*[b"x"] * 50)
        assert mailbox(box).read(lambda _: None, more=lambda: next(turns)) == 20
        assert box.unread() == 30


@pytest.mark.parametrize(
    "trouble",
    [
        {"password": "another"}, {"wire_folder": "Other"}, {"refuse": {"SEARCH"}}, {"refuse": {"FETCH"}},
        {"cut_after": 0}, {"cut_after": 3}, {"cut_after": 4},
    ],
    ids=str,
)  # fmt: skip
def test_a_mailbox_that_cannot_be_read_is_an_alarm_that_names_no_secret(post, trouble):
    """An operator hears of it within minutes, and nobody reads the password in a log."""
    box = Server()
    with serving(box):
        box.deliver(b"x")
        reader = mailbox(box)
        for name, value in trouble.items():
            setattr(box, name, value)
        assert read(post, reader) == 0
        [words] = alarms(post)
        assert "127.0.0.1" in words
        assert "pass word" not in words
        assert "us@er" not in words
        assert box.unread() == 1


def test_nobody_there_is_an_alarm_too(post):
    """The server moved, or its firewall closed."""
    with serving(Server()) as box:
        reader = mailbox(box)
    assert read(post, reader) == 0
    assert "cannot be read" in alarms(post)[0]


def test_a_certificate_that_nobody_vouches_for_is_refused(post):
    """The password must not go to whoever answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with serving(Server(), context) as box:
        assert read(post, mailbox(box, "imaps")) == 0
        assert "LOGIN" not in box.commands
    assert "certificate" in alarms(post)[0].lower()


@pytest.mark.parametrize(
    "url",
    ["imap://host/", "http://u:p@host/", "imaps://u:p@/", "imaps://u:p@h:x/", "imaps://u:p@h/?after=x",
     "imaps://u%0d%0a:p@h/", "imaps://u:密码@h/", "imaps://u:p@h/a%22%0d%0ab"],
)  # fmt: skip
def test_what_is_no_mailbox_is_told(url):
    """One line that names the variable."""
    with pytest.raises(SettingsError, match="QUXUN_BOUNCE_IMAP"):
        Mailbox(url)
