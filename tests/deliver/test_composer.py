"""What goes over the wire for an edition that many readers share, and for whole mails."""

from __future__ import annotations

import email
import email.policy
import re
from pathlib import Path

import dkim
import pytest
from desks import NOW, SENDER, row
from hypothesis import given
from hypothesis import strategies as st

from aggregator.deliver import Composer, Signer
from aggregator.deliver.composer import UnwritableError
from aggregator.deliver.mime import Printed
from aggregator.errors import SettingsError
from aggregator.model import Edition, EditionId, Frequency, RunId, SubscriberId
from aggregator.notify import House, Keys
from aggregator.notify.marks import MANAGE, MARKS, STOP, fill
from aggregator.notify.render import own_tokens
from aggregator.notify.tokens import Purpose, read
from aggregator.notify.verp import returned_mail

HOUSE = House(
    public_url="https://quxun.example",
    mail_from=SENDER,
    contact="operator@quxun.example",
    keys=Keys.of("one_secret_for_tests"),
)
words = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\0~"), max_size=300)


def edition(text, html="<p>正文</p>", subject="江津区:3条新政策"):
    return Edition(key=f"{text}{html}", subject=subject, text=text, html=html)


def shared(words_, number=1, **more):
    """A row of an edition."""
    fields = {
        "mail": None, "edition": words_, "edition_id": EditionId(number), "run_id": RunId(1),
        "subscriber_id": SubscriberId(7), "epoch": 2, "frequency": Frequency.DAILY,
    }  # fmt: skip
    return row(number, **{**fields, **more})


def composed(mail, **options):
    """The letter, and what the standard library reads of it."""
    letter = Composer("digest@quxun.example", house=HOUSE, **options).compose(mail)
    wire = letter.payload.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
    return letter, email.message_from_bytes(wire, policy=email.policy.default)


def body(message, kind):
    return message.get_body((kind,)).get_content().replace("\r\n", "\n")


@given(words, words, words)
def test_an_edition_reads_for_each_reader_as_if_it_were_written_for_them(before, between, after):
    """Spliced base64 is the plain words with the reader's own tokens, wherever the marks stand."""
    text = f"{before}{STOP}{between}{MANAGE}{after}"
    html = f"<p>{after}{MANAGE}{STOP}</p>{before}"
    mail = shared(edition(text, html))
    own = own_tokens(
        HOUSE, mail.subscriber_id, mail.epoch, Frequency.DAILY, run_id=mail.run_id, at=NOW
    )

    _, message = composed(mail)

    assert not message.defects
    assert body(message, "plain") == fill(text, own)
    assert body(message, "html") == fill(html, own)


@given(words, st.integers(0, 200))
def test_no_reader_gets_the_token_of_another(text, shift):
    """One composer prints an edition once and fills it for all: nothing stays of the last one."""
    made = Composer("digest@quxun.example", house=HOUSE)
    words_ = edition("x" * shift + STOP + text)
    for reader in (1, 2, 1):
        mail = shared(words_, subscriber_id=SubscriberId(reader))
        payload = made.compose(mail).payload.removesuffix(b".\r\n")
        message = email.message_from_bytes(payload, policy=email.policy.default)
        token = body(message, "plain")[shift : shift + len(STOP)]
        assert read(HOUSE.keys, token, purpose=Purpose.STOP, now=NOW).subscriber_id == reader
        assert token in message["List-Unsubscribe"]


def test_headers_of_a_digest():
    """Who writes, who answers, which list, how to stop: what mailboxes look at."""
    _, message = composed(shared(edition(f"{STOP}{MANAGE}")))

    assert message["From"].addresses[0].display_name == "Quxun 区讯"
    assert str(message["Reply-To"]) == "operator@quxun.example"
    assert [a.addr_spec for a in message["To"].addresses] == ["reader@inbox.example"]
    assert str(message["List-Id"]) == "Quxun daily <daily.quxun.quxun.example>"
    assert str(message["List-Unsubscribe"]).startswith("<https://quxun.example/unsubscribe/")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Message-ID"] == "<1@quxun.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == NOW
    assert len(message.keys()) == len(set(message.keys()))


def test_lines_are_what_servers_take():
    """ASCII, CRLF, short lines; a second copy is the same bytes."""
    mail = shared(edition("长" * 5_000 + STOP, subject="长" * 100))
    letter, _ = composed(mail)

    assert letter.payload.isascii()
    assert letter.payload.endswith(b"--\r\n.\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", letter.payload)
    assert max(map(len, letter.payload.split(b"\r\n"))) < 250
    assert composed(mail)[0].payload == letter.payload


@pytest.mark.parametrize(
    "to",
    [
        "a@b.example\r\nBcc: v@c.example", "a@b.example, v@c.example", "a@b.example v@c.example",
        "a\0@b.example", "读者@b.example", "\u202eelpmaxe.b@a", "a" * 65 + "@b.example",
        "a@" + "b." * 130 + "example", '"a b"@c.example', "a@b.example>", "<a@b.example>", "a@@b.c",
        "a", "", "a@", "@b.example",
    ],
)  # fmt: skip
@pytest.mark.parametrize("make", [shared, lambda _, to: row(to=to)])
def test_an_address_that_is_not_exactly_one_is_never_shown_to_a_server(make, to):
    """However it came into the outbox: it is refused in words, and nobody else gets the mail."""
    with pytest.raises(UnwritableError, match="we cannot write this mail"):
        composed(make(edition("x"), to=to))


def test_an_idn_domain_goes_as_its_wire_form():
    """One recipient, spelled as every server takes it."""
    letter, message = composed(shared(edition("x"), to="a@例え.example"))

    assert letter.recipient == "a@xn--r8jz45g.example"
    assert [a.addr_spec for a in message["To"].addresses] == ["a@xn--r8jz45g.example"]


@pytest.mark.parametrize("sign", ["\r\nBcc: v@c.example", "\n", "\0", "\u2028", "\x0b"])
def test_a_subject_begins_no_header(sign):
    """What strangers wrote in a title stays in the subject, on one line."""
    _, message = composed(shared(edition("x", subject=f"通知{sign}完")))

    assert message["Bcc"] is None
    assert str(message["Subject"]).startswith("通知 ")
    assert "\n" not in str(message["Subject"])


@pytest.mark.parametrize(
    "broken",
    [
        {"message_id": "<1@x>\r\nBcc: v@c.example"}, {"edition": None}, {"frequency": None},
        {"subscriber_id": None},
    ],
)  # fmt: skip
def test_a_row_that_some_bug_broke_is_refused(broken):
    """With a reason, before any server sees it."""
    with pytest.raises(UnwritableError, match="we cannot write this mail"):
        composed(shared(edition("x"), **broken))


@pytest.mark.parametrize("words_", [edition(""), edition("正文", html=""), edition(" \n")])
def test_an_edition_whose_words_were_deleted_is_not_sent(words_):
    """An empty mail with a valid signature is worse than none."""
    with pytest.raises(UnwritableError, match="deleted"):
        Composer(SENDER, house=HOUSE).compose(shared(words_))


def test_a_mark_that_nobody_fills_is_not_sent():
    """A mail with a broken link is worse than none; the row says why."""
    printed = Printed(edition(STOP + MANAGE), MARKS)

    with pytest.raises(KeyError):
        printed.fill({STOP: b"x" * len(STOP)})
    with pytest.raises(ValueError, match="as long as its mark"):
        printed.fill({STOP: b"short", MANAGE: b"short"})


def test_each_mail_comes_back_to_an_address_of_its_own():
    """A bounce names its mail; without a domain for bounces they go to the sender."""
    own, _ = composed(shared(edition("x"), number=35), bounce_domain="b.quxun.example")
    plain, _ = composed(shared(edition("x")))

    assert returned_mail(HOUSE.keys, own.sender, domain="b.quxun.example") == 35
    assert plain.sender == "digest@quxun.example"


#: Made for these tests alone; the short one is of a length that receivers refuse.
KEY = (Path(__file__).parent / "dkim.pem").read_bytes()
SHORT_KEY = (Path(__file__).parent / "dkim_short.pem").read_bytes()


@pytest.mark.parametrize("mail", [shared(edition(f"{STOP}你好\n.\n")), row()])
def test_a_signed_mail_is_verified_by_its_published_key(mail):
    """Receivers find our signature good, and every header that we sign covered."""
    signer = Signer("quxun.example", "s1", KEY)
    letter, message = composed(mail, signer=signer)
    name, value = signer.record()
    asked = []

    def look_up(query, timeout=5):
        asked.append(query.decode())
        return value.encode()

    wire = letter.payload.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
    assert dkim.verify(wire, dnsfunc=look_up)
    assert asked == [f"{name}."]
    signed = (
        re.search(r"\bh=([^;]+)", str(message["DKIM-Signature"]))[1].replace(" ", "").split(":")
    )
    there = {header.lower() for header in message} - {"dkim-signature"}
    assert there <= set(signed)
    assert not dkim.verify(wire.replace(b"Subject:", b"Subject: x"), dnsfunc=look_up)
    assert not dkim.verify(b"From: evil@c.example\r\n" + wire, dnsfunc=look_up)
    assert max(map(len, letter.payload.split(b"\r\n"))) < 250


@pytest.mark.parametrize("pem", [b"", b"nonsense", b"-----BEGIN X-----\nAAAA\n-----END X-----\n"])
def test_a_key_that_is_none_stops_the_start(tmp_path, pem):
    """The operator reads which variable is wrong, and how to make a key."""
    path = tmp_path / "dkim.pem"
    path.write_bytes(pem)
    for file in (path, tmp_path / "missing"):
        with pytest.raises(SettingsError, match="QUXUN_DKIM_KEY_FILE"):
            Signer.of(file, domain="quxun.example", selector="s1")
    with pytest.raises(SettingsError, match="too short"):
        Signer("quxun.example", "s1", SHORT_KEY)
