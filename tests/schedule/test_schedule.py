"""When a source is looked at again, and how it is doing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import Health, Source
from aggregator.schedule import (
    BLOCKED_WAIT,
    QUIET_FACTOR,
    PollLimits,
    health_of_failure,
    is_work_time,
    judge_health,
    next_poll_at,
    work_begins_at,
)
from aggregator.workdays import is_work_day

LIMITS = PollLimits(shortest=timedelta(minutes=30), longest=timedelta(days=1))
DEMO = PollLimits(shortest=timedelta(seconds=4), longest=timedelta(seconds=30))
#: Monday 2 March 2026, 10:00 in Shanghai; Saturday night after it.
AT_WORK = datetime(2026, 3, 2, 2, tzinfo=UTC)
AT_NIGHT = datetime(2026, 3, 2, 16, tzinfo=UTC)
WEEKEND = datetime(2026, 3, 7, 2, tzinfo=UTC)
TIMES = st.datetimes(datetime(2004, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
GAPS = st.none() | st.timedeltas(timedelta(0), timedelta(days=4000))
IDS = st.integers(1, 10**9)


def wait(now=AT_WORK, *, source_id=1, usual_gap=None, failures=0, limits=LIMITS, **more):
    return (
        next_poll_at(
            now, source_id=source_id, usual_gap=usual_gap, failures=failures, limits=limits, **more
        )
        - now
    )


# --- the wait ---


@given(TIMES, GAPS, st.integers(0, 10_000), st.booleans(), st.sampled_from([LIMITS, DEMO]))
def test_the_wait_stays_within_limits(now, gap, failures, blocked, limits):
    """However odd the history, we neither hammer a district nor forget it."""
    found = wait(
        now, source_id=failures, usual_gap=gap, failures=failures, limits=limits, blocked=blocked
    )

    assert limits.shortest <= found <= limits.longest


@given(TIMES, IDS, GAPS, st.integers(0, 40), st.booleans())
def test_the_wait_never_shrinks_with_failures(now, source_id, gap, failures, blocked):
    """A portal in trouble is left in peace ever longer, by day and by night."""
    here = wait(now, source_id=source_id, usual_gap=gap, failures=failures, blocked=blocked)
    there = wait(now, source_id=source_id, usual_gap=gap, failures=failures + 1, blocked=blocked)

    assert here <= there


@given(IDS, GAPS, GAPS)
def test_the_busier_source_is_looked_at_more_often(source_id, one, other):
    """The interval follows what a source publishes."""
    if one is None or other is None or not one or not other:
        return
    few, many = max(one, other), min(one, other)

    assert wait(source_id=source_id, usual_gap=many) <= wait(source_id=source_id, usual_gap=few)


@given(IDS, st.timedeltas(timedelta(minutes=90), timedelta(hours=10)))
def test_half_the_usual_gap_a_tenth_more_or_less(source_id, gap):
    """Looking twice in the usual gap finds news within half of it, and sources spread."""
    found = wait(source_id=source_id, usual_gap=gap)

    assert gap / 2 * 0.899 <= found <= gap / 2 * 1.101


def test_sources_do_not_come_all_at_once():
    """A thousand sources added in one import are spread for good."""
    waits = {wait(source_id=n, usual_gap=timedelta(hours=4)) for n in range(1000)}

    assert len(waits) > 400
    assert max(waits) - min(waits) > timedelta(minutes=20)
    assert wait(source_id=7, usual_gap=timedelta(hours=4)) == wait(
        source_id=7, usual_gap=timedelta(hours=4)
    )


@given(IDS, GAPS)
def test_nights_and_days_off_are_quieter(source_id, gap):
    """Offices publish Monday to Friday from 8 to 18 (DOMAIN §7)."""
    day = wait(AT_WORK, source_id=source_id, usual_gap=gap)

    assert wait(AT_NIGHT, source_id=source_id, usual_gap=gap) >= day
    assert wait(WEEKEND, source_id=source_id, usual_gap=gap) >= day


def test_a_half_hour_by_day_is_two_hours_by_night():
    """The factor itself, where no limit is in the way."""
    by_day = wait(AT_WORK, usual_gap=timedelta(hours=2))

    assert wait(AT_NIGHT, usual_gap=timedelta(hours=2)) == by_day * QUIET_FACTOR
    assert wait(WEEKEND, usual_gap=timedelta(hours=2)) == by_day * QUIET_FACTOR


@given(TIMES, IDS, st.timedeltas(timedelta(hours=1), timedelta(hours=20)))
def test_a_quiet_wait_never_sleeps_through_a_working_day(now, source_id, gap):
    """What is posted at eight must not wait for the evening because we last looked at seven."""
    begins = work_begins_at(now)
    if is_work_time(now):
        return

    found = next_poll_at(now, source_id=source_id, usual_gap=gap, failures=0, limits=LIMITS)

    latest = begins - now + max(gap / 2, LIMITS.shortest)
    assert found - now <= latest * 1.1


@pytest.mark.parametrize(
    ("now", "begins"),
    [
        ("2026-03-02T07:59", "2026-03-02T08:00"),
        ("2026-03-02T08:00", "2026-03-03T08:00"),
        ("2026-03-06T18:00", "2026-03-09T08:00"),
        ("2025-09-30T23:00", "2025-10-09T08:00"),
        ("2025-09-27T12:00", "2025-09-28T08:00"),
    ],
    ids=["morning", "at-work", "weekend", "national-day", "work-sunday"],
)  # times of Shanghai
def test_work_begins_when_offices_open(now, begins):
    """Weekends, holidays and work weekends included."""
    found = work_begins_at(datetime.fromisoformat(now + "+08:00"))

    assert found == datetime.fromisoformat(begins + "+08:00")


def test_failures_double_the_wait():
    """Quick enough for a hiccup, patient with an outage."""
    waits = [wait(usual_gap=timedelta(hours=1), failures=n) for n in range(5)]

    assert [one / waits[0] for one in waits] == pytest.approx([1, 2, 4, 8, 16], rel=0.11)


@given(TIMES, GAPS)
def test_a_demonstration_is_as_quick_at_night(now, gap):
    """Who tries the service on a Sunday evening must see it work."""
    assert wait(now, limits=DEMO, usual_gap=gap) <= DEMO.longest
    assert wait(now, limits=DEMO) == wait(AT_WORK, limits=DEMO)
    assert wait(now, limits=DEMO, blocked=True) <= DEMO.longest


def test_an_anti_bot_page_is_asked_once_a_day():
    """DOMAIN §7: back off to once a day."""
    long = replace(LIMITS, longest=timedelta(days=30))

    assert wait(blocked=True, failures=1) == LIMITS.longest
    assert wait(limits=long, blocked=True, failures=1) >= BLOCKED_WAIT * 0.9


@given(IDS, GAPS, st.integers(0, 20), st.timedeltas(timedelta(minutes=1), timedelta(days=1)))
def test_retry_after_is_heeded(source_id, gap, failures, asked):
    """A portal that says when to come back is believed (the fetcher holds it to a day)."""
    plain = wait(source_id=source_id, usual_gap=gap, failures=failures)

    found = wait(source_id=source_id, usual_gap=gap, failures=failures, retry_after=asked)

    assert found == max(plain, asked)


@given(IDS, GAPS, st.timedeltas(timedelta(0), timedelta(days=4000)))
def test_ttl_is_heeded_up_to_the_longest_wait(source_id, gap, ttl):
    """A feed may ask for patience; one that asks for ten years is not forgotten."""
    plain = wait(source_id=source_id, usual_gap=gap)

    assert wait(source_id=source_id, usual_gap=gap, ttl=ttl) == max(plain, min(ttl, LIMITS.longest))


# --- Chinese days ---


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        (date(2025, 10, 1), False),
        (date(2025, 10, 8), False),
        (date(2025, 9, 28), True),
        (date(2025, 10, 11), True),
        (date(2025, 1, 29), False),
        (date(2025, 1, 26), True),
        (date(2025, 8, 13), True),
        (date(2025, 8, 16), False),
        (date(2003, 1, 6), True),
        (date(2003, 1, 4), False),
        (date(2050, 6, 6), True),
        (date(2050, 6, 4), False),
    ],
)
def test_holidays_and_work_weekends_are_known(day, worked):
    """The National Day week rests, the Sunday before it works; unknown years fail open."""
    assert is_work_day(day) is worked


@pytest.mark.parametrize(
    ("shanghai_hour", "at_work"), [(7, False), (8, True), (12, True), (17, True), (18, False)]
)
def test_work_hours_are_those_of_shanghai(shanghai_hour, at_work):
    """Not the server's: it may stand anywhere."""
    now = datetime(2026, 3, 2, (shanghai_hour - 8) % 24, 30, tzinfo=UTC)
    now -= timedelta(days=1 if shanghai_hour < 8 else 0)

    assert is_work_time(now) is at_work


@given(TIMES)
def test_every_time_is_judged(now):
    """Beyond the calendar's years too: an unknown year must not stop the polls."""
    assert is_work_time(now) in {True, False}


# --- health ---


def source(**more) -> Source:
    made = {
        "id": 1,
        "slug": "500116-zhaoshang",
        "name": "江津区招商",
        "kind": "column",
        "url": "http://a.example/zs/",
        "usual_rows": 20,
        "usual_gap": timedelta(days=2),
        "last_new_at": AT_WORK - timedelta(days=3),
        "health": Health.WELL,
    }
    return Source(**{**made, **more})


@pytest.mark.parametrize(
    ("before", "found", "new", "health"),
    [
        ({}, 20, 1, Health.WELL),
        ({}, 20, 0, Health.WELL),
        ({}, None, 0, Health.WELL),
        ({}, 1, 0, Health.WELL),
        ({}, 0, 0, Health.EMPTY),
        ({"usual_rows": 5}, 0, 0, Health.EMPTY),
        ({"usual_rows": 4}, 0, 0, Health.WELL),
        ({"usual_rows": 0}, 0, 0, Health.EMPTY),
        ({"usual_rows": 0, "health": Health.NEW, "last_new_at": None}, 7, 7, Health.WELL),
        ({"health": Health.EMPTY, "problem": "x"}, None, 0, Health.EMPTY),
        ({"health": Health.REDESIGNED, "problem": "x"}, None, 0, Health.REDESIGNED),
        ({"health": Health.EMPTY, "problem": "x"}, 20, 0, Health.WELL),
        ({"health": Health.UNREACHABLE, "problem": "x"}, None, 0, Health.WELL),
        ({"health": Health.BLOCKED, "problem": "x"}, 20, 0, Health.WELL),
        ({"last_new_at": AT_WORK - timedelta(days=13)}, 20, 0, Health.WELL),
        ({"last_new_at": AT_WORK - timedelta(days=15)}, 20, 0, Health.STALE),
        ({"last_new_at": AT_WORK - timedelta(days=15)}, None, 0, Health.STALE),
        ({"last_new_at": AT_WORK - timedelta(days=15)}, 20, 1, Health.WELL),
        ({"usual_gap": timedelta(days=30), "last_new_at": AT_WORK - timedelta(days=119)}, 20, 0,
         Health.WELL),
        ({"usual_gap": timedelta(days=30), "last_new_at": AT_WORK - timedelta(days=121)}, 20, 0,
         Health.STALE),
        ({"usual_gap": None, "last_new_at": AT_WORK - timedelta(days=900)}, 20, 0, Health.WELL),
        ({"health": Health.STALE, "last_new_at": AT_WORK - timedelta(days=15)}, 20, 2, Health.WELL),
    ],
)  # fmt: skip
def test_a_source_is_judged_against_its_own_past(before, found, new, health):
    """Rows 19, 20: an empty list is not believed, silence is measured by the usual gap."""
    judged, problem = judge_health(source(**before), now=AT_WORK, found=found, new=new)

    assert judged is health
    assert (problem is None) is (health is Health.WELL)


def test_a_problem_says_which_source_what_and_what_to_do():
    """An operator reads it without us."""
    _, empty = judge_health(source(), now=AT_WORK, found=0, new=0)
    _, stale = judge_health(
        source(last_new_at=AT_WORK - timedelta(days=30)), now=AT_WORK, found=20, new=0
    )

    assert "500116-zhaoshang" in empty
    assert "20" in empty
    assert "quxun sources test http://a.example/zs/" in empty
    assert "2026-01-31" in stale
    assert "2 days" in stale


@pytest.mark.parametrize(
    ("reason", "health"),
    [
        ("challenge", Health.BLOCKED), ("blocked", Health.BLOCKED), ("robots", Health.BLOCKED),
        ("dns", Health.UNREACHABLE), ("connect", Health.UNREACHABLE),
        ("timeout", Health.UNREACHABLE), ("tls", Health.UNREACHABLE),
        ("truncated", Health.UNREACHABLE), ("soft_404", Health.REDESIGNED),
        ("http", Health.ILL), ("protocol", Health.ILL), ("too_large", Health.ILL),
        ("compression", Health.ILL), ("redirect", Health.ILL), ("parse", Health.ILL),
        ("crash", Health.ILL), ("anything", Health.ILL),
    ],
)  # fmt: skip
def test_every_reason_has_a_health(reason, health):
    """Each class of failure asks something else of an operator."""
    assert health_of_failure(reason) is health
