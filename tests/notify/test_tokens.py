"""Signed links: what they allow, and that nothing else opens a door."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import SettingsError
from aggregator.model import Frequency, SubscriberId, SubscriptionId
from aggregator.notify.tokens import Keys, Purpose, Ticket, confirmation_hash, read, sign

NOW = datetime(2026, 9, 13, 0, 30, tzinfo=UTC)
KEYS = Keys.of("the-first-secret-of-this-test")
STOP = Ticket(
    purpose=Purpose.STOP, subscriber_id=SubscriberId(7), epoch=3, frequency=Frequency.DAILY
)
MANAGE = Ticket(
    purpose=Purpose.MANAGE,
    subscriber_id=SubscriberId(7),
    expires_at=NOW + timedelta(days=7),
    subscription_id=SubscriptionId(9),
)


@pytest.mark.parametrize("ticket", [STOP, MANAGE])
def test_a_ticket_says_what_was_signed(ticket):
    """The page behind a link knows who came, and for what."""
    token = sign(KEYS, ticket)

    assert read(KEYS, token, purpose=ticket.purpose, now=NOW) == ticket
    assert token.replace("-", "").replace("_", "").isalnum()


def test_a_stop_link_works_for_ever():
    """A mail found years later can still be stopped; a link to choices dies in a week."""
    later = NOW + timedelta(days=20_000)

    assert read(KEYS, sign(KEYS, STOP), purpose=Purpose.STOP, now=later) == STOP
    assert read(KEYS, sign(KEYS, MANAGE), purpose=Purpose.MANAGE, now=NOW + timedelta(8)) is None


def test_a_ticket_serves_one_purpose_only():
    """A stop link is in every mail that is passed on; it must not open the choices."""
    assert read(KEYS, sign(KEYS, STOP), purpose=Purpose.MANAGE, now=NOW) is None
    assert read(KEYS, sign(KEYS, MANAGE), purpose=Purpose.STOP, now=NOW) is None


def test_several_secrets_are_parted_by_blanks():
    """An operator rotates by writing the new secret before the old one."""
    old, new = "old-secret-old-secret", "new-secret-new-secret"
    token = sign(Keys.of(old), STOP)

    assert read(Keys.of(f"{new} {old}"), token, purpose=Purpose.STOP, now=NOW) == STOP
    assert read(Keys.of(new), token, purpose=Purpose.STOP, now=NOW) is None
    assert sign(Keys.of(f"{new} {old}"), STOP) == sign(Keys.of(new), STOP)


@pytest.mark.parametrize("secret", ["", "   ", "short", "long-enough-secret short"])
def test_a_weak_secret_stops_the_start(secret):
    """Links signed with nothing could be made by anybody."""
    with pytest.raises(SettingsError, match="QUXUN_SECRET_KEY"):
        Keys.of(secret)


@given(st.data())
def test_no_changed_token_is_taken(data):
    """Cut, stretched or altered anywhere, a link is worth nothing."""
    token = sign(KEYS, STOP)
    at = data.draw(st.integers(0, len(token)))
    put = data.draw(st.text("abcXYZ019-_=.+/ é\0", max_size=3))
    cut = data.draw(st.integers(0, 3))
    changed = token[:at] + put + token[at + cut :]

    if changed != token:
        assert read(KEYS, changed, purpose=Purpose.STOP, now=NOW) is None


@given(st.text(max_size=300))
def test_no_random_word_is_taken(word):
    """Guessing opens nothing and breaks nothing."""
    assert read(KEYS, word, purpose=Purpose.STOP, now=NOW) is None


def test_a_confirming_token_is_kept_as_its_hash():
    """Who reads the database cannot confirm for others."""
    assert confirmation_hash("abc").hex().startswith("ba7816bf")
    assert confirmation_hash("\ud800") != confirmation_hash("abc")


def test_no_flipped_bit_is_taken():
    """Another subscriber's number in the link must not stop another subscriber's mail."""
    token = sign(KEYS, STOP)
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for bit in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        changed = base64.urlsafe_b64encode(flipped).rstrip(b"=").decode()

        assert read(KEYS, changed, purpose=Purpose.STOP, now=NOW) is None
