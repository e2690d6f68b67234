"""A small question holds off machines and lets people through."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.notify import Keys, answered, ask

NOW = datetime(2026, 9, 13, 0, 30, tzinfo=UTC)
KEYS = Keys.of("the-first-secret-of-this-test")
ABOUT = "reader@inbox.example"


def test_the_right_answer_is_taken_for_its_address_and_time_only():
    """One answer is no ticket for ten thousand addresses."""
    asked = ask(KEYS, 3, 4, about=ABOUT, now=NOW)
    assert "三加四" in asked.text

    assert answered(KEYS, asked.ticket, " 7 ", about=ABOUT, now=NOW)
    assert not answered(KEYS, asked.ticket, "8", about=ABOUT, now=NOW)
    assert not answered(KEYS, asked.ticket, "7", about="victim@inbox.example", now=NOW)
    assert not answered(KEYS, asked.ticket, "7", about=ABOUT, now=NOW + timedelta(hours=1))
    other = Keys.of("another-secret-of-this-test")
    assert not answered(other, asked.ticket, "7", about=ABOUT, now=NOW)


@pytest.mark.parametrize(
    "ticket", ["", "x", "9999999999.1.1." + "0" * 32, "1.2.3", "9999999999.1.1.\x00", "1" * 9999]
)
def test_no_made_up_ticket_is_taken(ticket):
    """Who writes their own question learns nothing and gets no mail."""
    assert not answered(KEYS, ticket, "2", about=ABOUT, now=NOW)


@given(st.text(max_size=60), st.text(max_size=10))
def test_no_random_words_are_taken(ticket, answer):
    """Whatever is sent, it is read without an error."""
    assert not answered(KEYS, ticket, answer, about=ABOUT, now=NOW)
