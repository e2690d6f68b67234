"""Planning: everything owed, once, in order."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.flow.slots import due_slots
from aggregator.model import NEWS, Coverage, Flag, Frequency, Kind, Revision, Selection
from aggregator.notify import MOST_SHOWN, item_of, plan_digest
from aggregator.notify.plan import reminder_of


def selection(reader, owed):
    return Selection(
        language=reader.language,
        wishes=tuple(one.wish.filter for one in reader.subscriptions),
        items=tuple((one.id, NEWS) for one in owed),
    )


def plan(reader, owed, now, **kwargs):
    items = [item_of(one, NEWS) for one in owed]
    return plan_digest(
        selection(reader, owed),
        Frequency.DAILY,
        items,
        due_at=now,
        now=now,
        coverage=kwargs.get("coverage", Coverage(watched=1, well=1)),
    )


def test_nothing_new_is_no_mail(reader, now):
    """An empty mail every morning would teach people to look away."""
    assert plan(reader(), [], now) is None


def test_groups_come_in_order_of_urgency(reader, announcement, now):
    """What must be done soon stands first, what is only explained last."""
    owed = [
        announcement(1, slug="interpretation"),
        announcement(2, kind=Kind.PROJECT, slug="project"),
        announcement(3, slug="policy"),
        announcement(4, slug="application", due_in=7),
        announcement(5, slug="application", due_in=2),
        announcement(6, slug="application", due_in=8),
        announcement(7, kind=Kind.OTHER, slug="notice"),
        announcement(8, slug="policy", due_in=-1),
    ]

    digest = plan(reader(), owed, now)

    assert {g.slug: [i.announcement.id for i in g.items] for g in digest.groups} == {
        "soon": [5, 4],
        "policy": [3, 6, 8],
        "project": [2],
        "rest": [1, 7],
    }
    assert [g.slug for g in digest.groups] == ["soon", "policy", "project", "rest"]


def test_what_is_no_more_in_force_is_never_urgent(reader, announcement, now):
    """A repealed incentive must not be presented as open."""
    over = announcement(1, due_in=3, valid_until=now.date() - timedelta(days=9))
    repeal = announcement(2, due_in=3, flags=(Flag.STATUS_CHANGE,))

    assert [g.slug for g in plan(reader(), [over, repeal], now).groups] == ["policy"]


def test_beyond_thirty_the_rest_is_counted_not_lost(reader, announcement, now):
    """The ledger holds what a mail has no room for, so it is owed no more."""
    owed = [announcement(n) for n in range(1, 41)]

    digest = plan(reader(), owed, now)

    assert sum(len(g.items) for g in digest.groups) == MOST_SHOWN
    assert digest.more == 10
    assert digest.groups[0].total == 40
    assert digest.total == 40


def test_thirty_is_the_bound_of_a_mail_and_not_of_a_heading(reader, announcement, now):
    """Two long groups are not a mail of sixty; what is less urgent is behind the link."""
    owed = [announcement(n) for n in range(1, 21)]
    owed += [announcement(n, kind=Kind.PROJECT, slug="project") for n in range(21, 41)]

    digest = plan(reader(), owed, now)

    assert [(g.slug, len(g.items), g.total) for g in digest.groups] == [
        ("policy", 20, 20), ("project", 10, 20),
    ]  # fmt: skip
    assert digest.more == 10


@pytest.mark.parametrize(
    ("reasons", "group"),
    [
        (("reminder:7:2026-09-20", "change:2", NEWS), "policy"),
        (("reminder:7:2026-09-20", "change:2"), "change"),
        (("reminder:1:2026-09-20",), "reminder"),
    ],
)
def test_a_notice_stands_where_most_is_said_of_it(reader, announcement, now, reasons, group):
    """News says all there is; a change prints the day that a reminder would remind of."""
    one = announcement(1)
    moved = Revision(revision=2, at=now, changes={"deadlines": ("2026-09-18", "2026-09-20")})
    for order in (reasons, reasons[::-1]):
        items = [item_of(one, why, [moved] if "change" in why else ()) for why in order]
        digest = plan_digest(
            selection(reader(), [one]), Frequency.DAILY, items, due_at=now, now=now,
            coverage=Coverage(watched=1, well=1),
        )  # fmt: skip

        assert [(g.slug, len(g.items)) for g in digest.groups] == [(group, 1)]


@pytest.mark.parametrize(
    ("left", "told_before", "reason"),
    [
        (7, 8, "reminder:7"), (7, 7, None),  # what was told a week before named the day itself
        (8, 20, None), (5, 20, "reminder:7"), (2, 8, "reminder:7"), (2, 3, None),
        (1, 7, "reminder:1"), (1, 2, "reminder:1"), (1, 1, None), (0, 2, "reminder:1"),
        (0, 0, None), (-1, 20, None),
    ],
)  # fmt: skip
def test_a_deadline_is_reminded_of_when_the_last_mail_was_before_its_day(
    announcement, now, left, told_before, reason
):
    """Seven days before and one, or with the first mail after; never what a mail said since."""
    today = now.date()
    one = announcement(1, due_in=left)
    day = today + timedelta(days=left)

    found = reminder_of(one, told_on=day - timedelta(days=told_before), today=today)

    assert found == (reason and f"{reason}:{day.isoformat()}")


def test_late_arrivals_are_marked(reader, announcement, now):
    """A reader can tell yesterday's news from what we found late."""
    digest = plan(reader(), [announcement(1, late=True), announcement(2)], now)

    assert {i.announcement.id: i.late for i in digest.groups[0].items} == {1: True, 2: False}


@given(
    st.lists(
        st.tuples(
            st.integers(1, 60),
            st.sampled_from(Kind),
            st.sampled_from(["policy", "interpretation", "project", "notice"]),
            st.none() | st.integers(-3, 20),
        ),
        max_size=80,
    )
)
def test_every_owed_item_is_in_the_mail_exactly_once(makers, rows):
    """Planned once means: in one place of one mail, and then owed no more."""
    announcement, reader, now = makers
    from_number = {number: (kind, slug, due) for number, kind, slug, due in rows}
    owed = [
        announcement(n, kind=from_number[n][0], slug=from_number[n][1], due_in=from_number[n][2])
        for n, *_ in rows
    ]

    digest = plan(reader(), owed, now)

    assert (digest is None) is (not owed)
    if digest:
        shown = [i.announcement.id for g in digest.groups for i in g.items]
        assert len(shown) == len(set(shown)) == min(len(from_number), MOST_SHOWN)
        assert set(shown) <= set(from_number)
        assert digest.total == len(from_number)
        assert digest.more == digest.total - len(shown)


@given(st.integers(0, 60 * 24 * 20), st.integers(1, 3600))
def test_missed_slots_of_seven_days_are_made_up(minutes, gap):
    """However long we slept within a week, each slot is due once more, and none is invented."""
    since = datetime(2026, 9, 1, 3, 7, tzinfo=UTC)
    now = since + timedelta(minutes=minutes)

    daily = due_slots(Frequency.DAILY, now, since=since, immediate=timedelta(seconds=gap))
    at_once = due_slots(Frequency.IMMEDIATE, now, since=since, immediate=timedelta(seconds=gap))

    assert all(slot.minute % 15 == 0 and slot.second == 0 for slot in daily)
    assert all(b - a == timedelta(minutes=15) for a, b in itertools.pairwise(daily))
    assert daily[-1] <= now < daily[-1] + timedelta(minutes=15)
    assert daily[0] <= max(since, now - timedelta(days=7))
    assert len(at_once) <= 1
    assert all(since <= slot <= now for slot in at_once)
