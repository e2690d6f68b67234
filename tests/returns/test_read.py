"""What came back is understood: golden messages, and what hostile ones cost."""

from __future__ import annotations

import encodings.aliases
import json
import os
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import MailId, ReturnKind
from aggregator.notify import Keys
from aggregator.notify.verp import return_path, returned_mail
from aggregator.returns import read_return
from aggregator.returns.codes import kind_of_failure

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "returns"
ANSWERS = json.loads((GOLDEN / "answers.json").read_text(encoding="utf-8"))
KEYS = Keys.of("a-secret-for-these-tests-only")
DOMAIN = "bounces.quxun.example"
OURS = return_path(KEYS, MailId(4711), domain=DOMAIN)


def mail_of(address: str) -> MailId | None:
    return returned_mail(KEYS, address, domain=DOMAIN)


def bounce(body: bytes, to: str = OURS) -> bytes:
    return b"From: MAILER-DAEMON@x.example\nSubject: Undeliverable\nTo: %s\n%s" % (
        to.encode(),
        body,
    )


@pytest.mark.parametrize("name", ANSWERS)
def test_golden_messages_say_what_they_say(name: str):
    """Who bounced for good gets no more mail, and who did not goes on getting it."""
    wanted = ANSWERS[name]
    got = read_return((GOLDEN / f"{name}.eml").read_bytes(), mail_of=mail_of)

    assert (got.kind.value, got.status, got.mail_id) == (
        wanted["kind"],
        wanted["status"],
        wanted["mail"],
    )
    if wanted["mail"]:
        assert wanted["says"] in got.diagnostic
    assert got.evidence
    assert "reader@" not in got.diagnostic
    assert got.diagnostic.isprintable()


def test_every_golden_message_has_an_answer_and_they_are_many():
    """A sample that nobody reads proves nothing."""
    names = {one.stem for one in GOLDEN.glob("*.eml")}
    reports = [one for one in names if b"delivery-status" in (GOLDEN / f"{one}.eml").read_bytes()]

    assert names == set(ANSWERS)
    assert len(reports) >= 30


def test_the_envelope_names_the_mail_where_the_message_does_not():
    """Relays hand over whom they delivered to; the message may say anything."""
    message = (GOLDEN / "forged-without-token.eml").read_bytes()

    assert read_return(message, mail_of=mail_of).kind is ReturnKind.FOREIGN
    got = read_return(message, recipients=("other@x.example", OURS), mail_of=mail_of)
    assert (got.kind, got.mail_id) == (ReturnKind.HARD, 4711)


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        ("5.1.1", "", ReturnKind.HARD),
        ("5.2.2", "", ReturnKind.SOFT),
        ("5.7.1", "550 5.7.1 user unknown to our policy", ReturnKind.SOFT),
        ("4.7.0", "", ReturnKind.SOFT),
        ("5.0.0", "", ReturnKind.HARD),
        (None, "550", ReturnKind.HARD),
        (None, "", ReturnKind.SOFT),
        ("5.1.1", "421 HL:REP", ReturnKind.SOFT),
        ("5.0.0", "550 5.2.2 over quota", ReturnKind.SOFT),
        ("5.5.0", "550 5.5.0 mailbox unavailable", ReturnKind.HARD),
        ("5.5.1", "503 5.5.1 bad sequence of commands", ReturnKind.SOFT),
        ("5.999.1", "", ReturnKind.HARD),
    ],
)
def test_codes_and_words(status: str | None, text: str, kind: ReturnKind):
    """RFC 3463 and DOMAIN.md §15; the milder one holds."""
    assert kind_of_failure(status, text) is kind


_NESTED = b"".join(
    b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (number, number)
    for number in range(1_000)
)
_HOSTILE = {
    "fifty megabytes": b"Content-Type: multipart/report; boundary=b\n\n--b\n\n" + b"x" * 50_000_000,
    "a thousand multiparts": _NESTED,
    "a thousand messages": b"Content-Type: message/rfc822\n\n" * 1_000,
    "megabytes of one header": b"X-A: " + b"y" * 5_000_000 + b"\n\n",
    "a million headers": b"X: 1\n" * 1_000_000 + b"\n",
    "a million folds": b"X: 1\n" + b" 1\n" * 1_000_000 + b"\n",
    "a hundred thousand parts": b"Content-Type: multipart/report; boundary=b\n\n" + b"--b\n" * 100_000,
    "nearly boundaries": b"Content-Type: multipart/report; boundary=b\n\n--b\n" + b"--bx\n" * 100_000,
    "parameters without end": b"Content-Type: multipart/report;" + b' a="b;' * 200_000 + b"\n\n",
    "styles without end": b"Content-Type: text/html\n\n" + b"<style>" * 100_000,
    "digits and dots": b"Content-Type: text/plain\n\n" + b"5.1." * 100_000,
    "words of ours": b"Content-Type: text/plain\n\n" + b"mailbox account domain " * 20_000,
}  # fmt: skip


@pytest.mark.parametrize("name", _HOSTILE)
def test_hostile_messages_cost_little_and_suspend_nobody(name: str):
    """RELIABILITY.md, hostile input 111: even with a valid token, size and depth say nothing."""
    message = bounce(_HOSTILE[name])
    tracemalloc.start()
    got = read_return(message, mail_of=mail_of)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert got.kind in {ReturnKind.SOFT, ReturnKind.UNCLEAR, ReturnKind.FOREIGN}
    assert peak < 12_000_000


@given(st.binary(max_size=3_000))
def test_any_bytes_are_read(noise: bytes):
    """Strangers write to the bounce address, too: nothing in a message stops the reading of it."""
    assert read_return(noise, mail_of=mail_of).kind is ReturnKind.FOREIGN
    assert read_return(bounce(noise), mail_of=mail_of).mail_id == 4711


@given(st.sampled_from(sorted(ANSWERS)), st.integers(0, 4_000))
def test_a_message_that_was_cut_is_read(name: str, at: int):
    """We cut long messages ourselves, and so do mail servers."""
    whole = (GOLDEN / f"{name}.eml").read_bytes()
    got = read_return(whole[:at], recipients=(OURS,), mail_of=mail_of)

    assert got.mail_id == 4711


@pytest.mark.parametrize(
    "name", sorted({*encodings.aliases.aliases.values(), "undefined", "\0", "é"})
)
def test_a_letter_may_claim_any_encoding(name: str):
    """Python's codecs know encodings that are none of text: a stranger names them, too."""
    head = (
        f"Content-Type: text/plain; charset={name}\nSubject: =?{name}?b?eJwDAAAAAAE=?= failed\n\n"
    )
    got = read_return(bounce(head.encode() + b"\xff\xfe 550 5.1.1 nobody"), mail_of=mail_of)

    assert got.mail_id == 4711
    assert "\0" not in got.diagnostic.encode().decode(), "what the database takes"


@pytest.mark.parametrize("name", ["zlib", "bz2", "zip", "zlib_codec"])
def test_a_letter_cannot_unpack_itself(name: str):
    """A quarter of a megabyte would be a quarter of a gigabyte."""
    packed = zlib.compress(b"x" * 100_000_000)
    head = f"Content-Type: text/plain; charset={name}\n\n".encode()
    tracemalloc.start()
    read_return(bounce(head + packed), mail_of=mail_of)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 12_000_000


def test_random_tokens_name_no_mail():
    """A stranger who knows how the address is made still cannot make one."""
    for _ in range(5_000):
        word = os.urandom(10).hex()[:16].translate(str.maketrans("0189", "abcd"))
        assert mail_of(f"bounces+3mv-{word}@{DOMAIN}") is None
