"""Messages as bytes: the standard library reads back what was meant."""

import email
import email.policy
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.deliver import as_bytes
from aggregator.model import Lane, Mail

AT = datetime(2026, 9, 13, 0, 30, tzinfo=UTC)


def make(**changes):
    fields = {
        "key": "digest:1",
        "lane": Lane.DIGEST,
        "to": "reader@inbox.example",
        "subject": "江津区:3条新政策",
        "text": "你好\n.\n..点\n",
        "html": "<p>你好</p>",
        "message_id": "<1@quxun.example>",
        "headers": {
            "From": "Quxun 区讯 <digest@quxun.example>",
            "List-Unsubscribe": "<https://quxun.example/unsubscribe/" + "x" * 120 + ">",
        },
    }
    return Mail(**{**fields, **changes})


def parsed(mail):
    return email.message_from_bytes(as_bytes(mail, AT), policy=email.policy.default)


printable = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=200)


@given(printable, st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\0")))
def test_what_was_written_is_read_back(subject, text):
    """Every subject and body survives the wire, whatever letters it is in."""
    message = parsed(make(subject=subject, text=text, html=text))

    assert not message.defects
    assert str(message["Subject"]) == subject
    for kind in ("plain", "html"):
        assert message.get_body((kind,)).get_content().replace("\r\n", "\n") == text


def test_headers_say_who_writes_to_whom():
    """One sender, one recipient, a date with an offset, parts in the right order."""
    message = parsed(make())

    assert message["From"].addresses[0].display_name == "Quxun 区讯"
    assert message["From"].addresses[0].addr_spec == "digest@quxun.example"
    assert [a.addr_spec for a in message["To"].addresses] == ["reader@inbox.example"]
    assert message["Date"].datetime == AT
    assert [p.get_content_type() for p in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


def test_lines_are_what_servers_take():
    """CRLF only, ASCII only, no line a server would cut."""
    raw = as_bytes(make(html="长" * 20_000, subject="长" * 100), AT)

    assert raw.isascii()
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    assert max(map(len, raw.split(b"\r\n"))) < 200
    assert raw.endswith(b"--\r\n")


def test_the_same_mail_is_the_same_bytes():
    """A second copy can be told from a second mail."""
    assert as_bytes(make(), AT) == as_bytes(make(), AT)


@pytest.mark.parametrize(
    "changes",
    [
        {"to": "a@b.example\r\nBcc: v@c.example"},
        {"to": "a@b.example, v@c.example"},
        {"message_id": "<1@x>\nBcc: v@c.example"},
        {"headers": {"From": "a@b.example", "X": "y\r\nBcc: v@c.example"}},
        {"headers": {"From": "a@b.example", "X: y\r\nBcc": "v@c.example"}},
        {"headers": {"From": "a@b.example, v@c.example"}},
        {"headers": {}},
    ],
)
def test_no_value_can_begin_another_header(changes):
    """Injection is refused where the message is made, not only where it was typed."""
    with pytest.raises(ValueError, match=r"header|address|line break"):
        as_bytes(make(**changes), AT)


def test_a_subject_with_line_breaks_stays_a_subject():
    """They are encoded like any other sign, and are no header of their own."""
    message = parsed(make(subject="通知\r\nBcc: v@c.example"))

    assert message["Bcc"] is None
