"""The one message of a run: it fits, it is cut between notices, and a title is only a title."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.channels import Service, room_of
from aggregator.model import Announcement, AnnouncementId, Frequency, Novelty
from aggregator.notify.chat import MOST_TOLD, literal, write_chat

from channels_web import draft  # isort: skip  # loaded by conftest

NOW = datetime(2026, 10, 5, 2, 30, tzinfo=UTC)


def one(number: int, **changes: object) -> Announcement:
    return Announcement(
        id=AnnouncementId(number), uuid=UUID(int=number), draft=draft(number, **changes),
        novelty=Novelty.NEWS, first_seen_at=NOW - timedelta(minutes=number),
        announced_at=NOW, changed_at=NOW, region_roll=(), change=number,
    )  # fmt: skip


def written(told, service=Service.WECOM, language="zh"):
    return write_chat(
        [(this, "news") for this in told], language=language, frequency=Frequency.DAILY,
        wishes=(), room=room_of(service), public_url="https://quxun.example", now=NOW,
    )  # fmt: skip


titles = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\u2028\u2029"), min_size=1
)


@given(words=titles, count=st.integers(1, 45), service=st.sampled_from(list(Service)))
def test_every_message_fits_and_counts_what_it_leaves_out(words, count, service):
    """However long the titles, no service cuts a message in the middle of a character."""
    made = written([one(n, title=f"{words}{n}" * 3) for n in range(1, count + 1)], service)

    assert room_of(service).holds(f"{made.head}\n{made.text}")
    shown = made.text.count("https://quxun.example/a/")
    assert shown + made.left == count
    assert (
        shown == min(count, MOST_TOLD)
        or f"另有 {made.left} 条：https://quxun.example/" in made.text
    )
    assert made.text.endswith("非政府网站，以原文为准。")


def test_wecom_gets_as_many_notices_as_fit_and_not_one_fewer():
    """2,048 bytes are little; none of them is given away."""
    made = written([one(n) for n in range(1, 31)])
    used = len(f"{made.head}\n{made.text}".encode())
    longest = max(len(line.encode()) for line in made.text.splitlines())

    assert 2_048 - 2 * longest - 60 < used <= 2_048
    assert 5 < made.text.count("/a/") < 30


@pytest.mark.parametrize(
    "title",
    [
        '<at user_id="all">所有人</at>通知', "<@all> 通知", "@all 通知", "@durov 通知",
        "[点击](http://evil.example)", "**加粗** ~~删~~ ||暗||", "<b>粗</b>&lt;script&gt;", "`代码`",
        "第一行\r\n第二行\u2028第三行", "联系人 13812345678",
    ],
)  # fmt: skip
def test_a_title_is_nothing_but_a_title(title):
    """A hijacked portal must not ring everybody in a group of two hundred."""
    said = literal(title, 60)

    assert not set("<>@`") & set(said)
    assert not any(
        mark in said for mark in ("](", "**", "~~", "||", "\n", "\r", "\u2028", "1381234")
    )


def test_the_first_line_says_where_and_how_much():
    """What a phone shows of a message is its first line."""
    soon = one(1, title="关于申报的通知")
    made = written([soon, one(2)])
    assert made.head == "区讯 江津区：2条新政策（每日）"
    english = written([soon, one(2)], language="en")
    assert english.head == "Quxun 区讯 江津区: 2 policies (daily)"


def test_what_was_taken_back_is_not_told():
    """A message is written when it leaves, and not before."""
    gone = replace(one(1), withdrawn_at=NOW)
    removed = replace(one(2), removed_at=NOW)
    assert written([gone, removed]) is None
    assert "第3类" in written([gone, one(3)]).text
