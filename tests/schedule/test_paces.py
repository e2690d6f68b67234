"""How fast a mail domain is served: halved by its complaints, raised by its patience."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from aggregator.paces import SETTLING, Complaint, raised, room, slowed, spent

NOW = datetime(2026, 9, 13, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def complaint(tried=100.0, wait=MINUTE, *, connections=False, under_way=8):
    return Complaint(
        domain="qq.com", wait=wait, tried=tried, under_way=under_way, connections=connections,
        answer="550 Domain frequency limited",
    )  # fmt: skip


def test_a_complaint_halves_what_was_tried_and_is_waited_for():
    """The domain named its wait; nothing goes there before, and half as much afterwards."""
    pace = slowed(None, complaint(tried=100, wait=10 * MINUTE), NOW)

    assert pace.per_minute == 50
    assert room(pace, NOW + 9 * MINUTE) == 0
    assert 1 <= room(pace, NOW + 10 * MINUTE) <= 10


def test_answers_to_what_was_sent_before_do_not_halve_again():
    """Sixteen connections hear the same complaint at once: that is one."""
    pace = slowed(None, complaint(), NOW)
    again = slowed(pace, complaint(wait=5 * MINUTE), NOW + SETTLING / 2)
    later = slowed(again, complaint(), NOW + 10 * MINUTE)

    assert again.per_minute == pace.per_minute
    assert again.wait_until == NOW + SETTLING / 2 + 5 * MINUTE
    assert later.per_minute == pace.per_minute / 2


def test_too_many_connections_halve_them():
    """163 counts connections apart from mails."""
    pace = slowed(None, complaint(connections=True, under_way=8), NOW)

    assert pace.connections == 4
    assert slowed(pace, complaint(connections=True), NOW + 10 * MINUTE).connections == 2


@given(st.floats(0, 1e6), st.integers(1, 40))
def test_no_domain_is_ever_given_up(tried, complaints):
    """However often it complains, it is asked once a minute when its wait is over."""
    pace, now = None, NOW
    for _ in range(complaints):
        pace = slowed(pace, complaint(tried=tried), now)
        now += 10 * MINUTE

    assert pace.per_minute >= 1
    assert room(pace, now) >= 1


@given(st.floats(1, 5000))
def test_patience_is_answered_slowly_and_in_the_end_wholly(tried):
    """A good minute is a twentieth more; some day the domain has no pace any more."""
    pace, now = slowed(None, complaint(tried=tried), NOW), NOW
    before = pace.per_minute
    assert raised(pace, now) is pace, "while it waits nothing is raised"
    minutes = 0
    while pace is not None:
        now += MINUTE
        better = raised(pace, now)
        if better is not None and better is not pace:
            assert before < better.per_minute <= before + max(1.0, before * 0.05) + 1e-6
            assert raised(better, now + MINUTE / 2) is better
            before = better.per_minute
        pace, minutes = better, minutes + 1

    assert minutes < 24 * 60


@given(st.floats(2, 5000), st.integers(1, 60))
def test_claims_stay_within_the_pace_whoever_makes_them(tried, seconds):
    """Claims every second take what the pace allows and no more."""
    pace, now = slowed(None, complaint(tried=tried), NOW), NOW + MINUTE
    taken = 0
    for second in range(seconds):
        at = now + timedelta(seconds=second)
        many = room(pace, at)
        pace = spent(pace, many, at)
        taken += many

    assert taken <= pace.per_minute * (seconds + 10) / 60 + 1
