"""Which deadline is which: the identity of events through every change of a notice."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from calendar_pages import DAY, SEEN, stated
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.deadlines import clock_of, follow
from aggregator.model import Deadline

LATER = SEEN + timedelta(days=3)
ONLINE = "网上申报截止11月20日，纸质材料于11月25日前报送。"


def told(day: date, sentence: str) -> Deadline:
    return Deadline(value=day, sentence=sentence)


def test_a_deadline_that_is_put_off_stays_itself():
    """延期至 is the change that readers must not miss: the event moves, and no second appears."""
    first = follow((), [stated(DAY)], SEEN)

    [moved] = follow(first, [told(date(2026, 12, 15), "申报截止时间延期至12月15日。")], LATER)

    assert (moved.number, moved.day, moved.sequence) == (0, date(2026, 12, 15), 1)
    assert (moved.born_at, moved.changed_at, moved.cancelled_at) == (SEEN, LATER, None)


def test_two_deadlines_keep_their_names_when_both_move_and_change_places():
    """Online and paper: neither order nor days tell them apart, but what is handed in does."""
    first = follow((), [told(date(2026, 11, 20), ONLINE), told(date(2026, 11, 25), ONLINE)], SEEN)
    paper = "纸质材料于12月2日前报送，网上申报截止11月30日。"

    online, on_paper = follow(
        first, [told(date(2026, 12, 2), paper), told(date(2026, 11, 30), paper)], LATER
    )

    assert (online.number, online.day, online.sequence) == (0, date(2026, 11, 30), 1)
    assert (on_paper.number, on_paper.day, on_paper.sequence) == (1, date(2026, 12, 2), 1)


def test_a_new_batch_is_a_new_deadline():
    """第二批 beside 第一批 is no first batch put off."""
    first = follow((), [told(date(2026, 11, 20), "第一批申报截止11月20日。")], SEEN)

    second = follow(first, [told(date(2027, 3, 20), "第二批申报截止2027年3月20日。")], LATER)

    assert [(one.number, one.sequence, one.cancelled_at) for one in second] == [
        (0, 1, LATER), (1, 0, None),
    ]  # fmt: skip


def test_a_swap_of_days_is_no_move_of_both():
    """A day that is still stated is still that deadline, whatever else came or went."""
    first = follow((), [stated(DAY), stated(date(2026, 12, 5))], SEEN)

    turned = follow(first, [stated(date(2026, 12, 5)), stated(DAY)], LATER)

    assert turned == first


def test_another_hour_of_the_same_day_is_a_move():
    """Noon instead of five o'clock is too late for who comes at four."""
    first = follow((), [told(DAY, "于11月30日17:00前报送。")], SEEN)

    [noon] = follow(first, [told(DAY, "于11月30日12:00前报送。")], LATER)
    [same] = follow(first, [told(DAY, "请于11月30日17时前报送。")], LATER)

    assert noon.sequence == 1
    assert (same.sequence, same.sentence, same.changed_at) == (0, "请于11月30日17时前报送。", LATER)


def test_what_was_withdrawn_comes_back_as_itself():
    """A page that is gone and back, put off meanwhile, is one event: cancelled, then moved."""
    first = follow((), [stated(DAY)], SEEN)
    gone = follow(first, [], LATER)
    again = follow(gone, [], LATER + timedelta(days=1))

    [back] = follow(gone, [stated(date(2026, 12, 20))], LATER + timedelta(days=2))

    assert (gone[0].sequence, gone[0].cancelled_at) == (1, LATER)
    assert again == gone
    assert (back.number, back.sequence, back.cancelled_at) == (0, 2, None)


DEADLINES = st.lists(
    st.builds(
        lambda day, words: told(day, words.replace("D", f"{day.month}月{day.day}日")),
        st.dates(date(2026, 1, 1), date(2027, 12, 31)),
        st.sampled_from(
            [
                "请于D前报送。",
                "网上申报截止D17:00。",
                "第一批截止D。",
                "第二批截止D。",
                "D",
                "",
                "公示至D",
            ]
        )
        | st.text(max_size=20),
    ),
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(DEADLINES, max_size=6))
def test_identity_holds_through_any_history(history):
    """Numbers are for ever, sequences only grow, and saying the same again changes nothing."""
    known = ()
    for step, deadlines in enumerate(history):
        now = SEEN + timedelta(days=step)
        after = follow(known, deadlines, now)

        standing = [one for one in after if one.cancelled_at is None]
        assert sorted(one.day for one in standing) == sorted(d.value for d in deadlines)
        assert sorted(one.sentence for one in standing) == sorted(d.sentence for d in deadlines)
        assert [one.number for one in after] == list(range(len(after)))
        for before, one in zip(known, after, strict=False):
            moved = before.day != one.day or (before.cancelled_at is None) is not (
                one.cancelled_at is None
            )
            assert one.sequence - before.sequence in ({1} if moved else {0, 1})
            assert one.born_at == before.born_at
            assert (one == before) or one.changed_at == now
        assert follow(after, deadlines, now + timedelta(hours=1)) == after
        assert follow(after, reversed(deadlines), now + timedelta(hours=1)) == after or len(
            {one.value for one in deadlines}
        ) < len(deadlines)
        known = after


@pytest.mark.parametrize(
    ("sentence", "hour"),
    [
        ("截止时间为2026年11月30日17:00。", time(17)),
        ("11月30日（星期一）下午5点前", time(17)),
        ("2026年11月1日9:00至11月30日17：30止", time(17, 30)),
        ("11月1日至30日17时", time(17)),
        ("2026-11-30 17:00:00", time(17)),
        ("11月30日17点半前送达", time(17, 30)),
        ("二〇二六年十一月三十日下午五时", time(17)),
        ("2026年11月30日9:00-12:00，下午14:00-17:00", time(17)),
        ("2026年11月30日（北京时间）9时30分00秒", time(9, 30)),
        ("2026年11月30日17：00（北京时间）", time(17)),
        ("11月30日上午12:00", time(12)),
        ("11月30日零时前", time(0)),
        ("2026/11/30 9:05", time(9, 5)),
        ("于11月30日前", None),
        ("11月30日24:00前", None),
        ("11月30日9:00起至12月5日17:00", None),
        ("每天9:00-17:00，11月30日截止", None),
        ("11月3日17:00，11月30日止", None),
        ("11月30日25:00", None),
        ("", None),
    ],
)
def test_hours_as_notices_print_them(sentence, hour):
    """An hour is read only right behind its own day; 24:00 belongs to the day it ends."""
    assert clock_of(DAY, sentence) == hour
