"""One address, never two, whatever is typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import UsageError
from aggregator.notify import check_address, shown_address


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("reader@inbox.example", "reader@inbox.example"),
        (" Reader+news@Inbox.EXAMPLE ", "Reader+news@inbox.example"),
        ("a.b-c_d@qq.example", "a.b-c_d@qq.example"),
        ("admin@inbox.example", "admin@inbox.example"),
        ("info@inbox.example", "info@inbox.example"),
        ("o'neil=a-b#1@inbox.example", "o'neil=a-b#1@inbox.example"),
        ("reply@inbox.example", "reply@inbox.example"),
        ("reader@江津.example", "reader@xn--7stx30k.example"),
    ],
)
def test_an_address_is_taken_in_the_form_of_the_wire(typed, address):
    """Ordinary and Chinese domains both reach their reader."""
    assert check_address(typed).rpartition("@")[0] == address.rpartition("@")[0]
    assert check_address(typed).isascii()
    assert check_address(check_address(typed)) == check_address(typed)
    if typed.isascii():
        assert check_address(typed) == address


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "reader",
        "@inbox.example",
        "reader@",
        "reader@localhost",
        "reader@127.0.0.1",
        "reader@[127.0.0.1]",
        "a@b.example, victim@c.example",
        "a@b.example,victim@c.example",
        "a@b.example;v@c.example",
        "a@b.example v@c.example",
        "a@b.example\r\nBcc: v@c.example",
        "a@b.example\nv@c.example",
        "a\0@b.example",
        "a@b.example\0",
        '"a,b"@c.example',
        "A <a@b.example>",
        "a@@b.example",
        "a..b@c.example",
        ".a@c.example",
        "读者@inbox.example",
        "\u202ereader@inbox.example",
        "x" * 65 + "@inbox.example",
        "x@" + ".".join(["y" * 60] * 5) + ".example",
        "x@-inbox.example",
        "x@inbox..example",
        "postmaster@inbox.example",
        "Abuse@inbox.example",
        "no-reply@inbox.example",
        "NoReply+tag@inbox.example",
        "mailer-daemon@inbox.example",
        "Mailer_Daemon@inbox.example",
        "no.reply@inbox.example",
        "do_not_reply@inbox.example",
        "victim%c.example@inbox.example",
        "a%0d%0aBcc@inbox.example",
        "c.example!victim@inbox.example",
        "=?utf-8?q?v=40c.example=2C?=@inbox.example",
        "|cat@inbox.example",
        "/dev/null@inbox.example",
        "-oQ/tmp@inbox.example",
        "`id`@inbox.example",
        "reader\u200b@inbox.example",
        "reader@in\u2066box.example",
        "reader@inbox.example\u202e",
        "reader＠inbox.example",
        '"reader"@inbox.example',
        "reader(comment)@inbox.example",
        "a@b.example%v@c.example@",
        "a@b.example\u2028v@c.example",
        "reader@xn--.example",
    ],
)
def test_what_is_not_exactly_one_address_is_refused(typed):
    """Nobody can make us write to a second person, or break a header."""
    with pytest.raises(UsageError, match="email"):
        check_address(typed)


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ("reader@inbox.example", "reader@inbox.example"),
        ("reader@xn--9swmq.example", "reader@江津.example"),
        ("reader@xn--zzzzzz-.example", "reader@xn--zzzzzz-.example"),
        ("reader@xn--a.example", "reader@xn--a.example"),
        ("reader", "reader"),
    ],
)
def test_an_address_is_shown_in_its_own_script(stored, said):
    """A reader recognises their domain; one that cannot be read back stays as it is."""
    assert shown_address(stored) == said


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_passes_is_harmless_on_the_wire(local, domain):
    """What we accept can stand in RCPT TO and in a header as it is."""
    try:
        address = check_address(f"{local}@{domain}")
    except UsageError:
        return
    assert address.isascii()
    assert address.count("@") == 1
    assert not set(address) & set(' \r\n\0,;<>"()')
