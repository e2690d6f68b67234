"""The one message of a run: it fits, it is cut between notices, and a title is only a title."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.channels import Service, room_of
from aggregator.model import (
    Announcement,
    AnnouncementId,
    Coverage,
    DigestItem,
    Frequency,
    Novelty,
    Revision,
    Selection,
)
from aggregator.notify import item_of, plan_digest
from aggregator.notify.chat import MOST_TOLD, literal, write_chat

from channels_web import draft  # isort: skip  # loaded by conftest

NOW = datetime(2026, 10, 5, 2, 30, tzinfo=UTC)


def one(number: int, **changes: object) -> Announcement:
    return Announcement(
        id=AnnouncementId(number), uuid=UUID(int=number), draft=draft(number, **changes),
        novelty=Novelty.NEWS, first_seen_at=NOW - timedelta(minutes=number),
        announced_at=NOW, changed_at=NOW, region_roll=(), change=number,
    )  # fmt: skip


def written(told, service=Service.WECOM, language="zh", frequency=Frequency.DAILY):
    """The message that tells of these, in the words of plans of digests."""
    items = [this if isinstance(this, DigestItem) else item_of(this, "news") for this in told]
    digest = plan_digest(
        Selection(language=language, wishes=(), items=()), frequency, items, due_at=NOW,
        now=NOW, coverage=Coverage(watched=0, well=0), most=MOST_TOLD,
    )  # fmt: skip
    return write_chat(
        digest, room=room_of(service), rest="https://quxun.example/mail/TOKEN",
        public_url="https://quxun.example", now=NOW,
    )  # fmt: skip


def changed(number, why="change:2", **changes):
    """A notice that was told of, with what changed since."""
    revision = Revision(revision=2, at=NOW, changes=changes, why="edited")
    return item_of(one(number), why, [revision] if changes else [])


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
        or f"另有 {made.left} 条：https://quxun.example/mail/TOKEN" in made.text
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


def test_what_changed_is_said_with_what_it_was_before():
    """Who read of it decides by the new day or sum, not by a word that something changed."""
    made = written(
        [
            one(1),
            changed(2, deadlines=("2026-10-09", "2026-10-20"), amounts=("500万元", "")),
            changed(3, title=("<at>旧标题", "新标题\n@all")),
            changed(4, "reminder:7:2026-10-09"),
        ],
        Service.DINGTALK,
    )
    lines = made.text.splitlines()

    assert made.head == "区讯 江津区：1条截止提醒、2条变更、1条新政策（每日）"
    [first] = [line for line in lines if "10月20日" in line]
    assert first.startswith("→ ")
    assert "10月9日" in first
    assert any("500万元" in line for line in lines if line.startswith("→ "))
    [second] = [line for line in lines if "旧标题" in line]
    assert not set("<>@") & set(second)
    assert [line.partition(" ")[2].partition("：")[0] for line in lines if line[0].isdigit()] == [
        "提醒", "变更", "变更", lines[-3].partition(" ")[2],
    ]  # fmt: skip
    english = written([changed(2, deadlines=("2026-10-09", "2026-10-20"))], language="en")
    assert english.head == "Quxun 区讯 江津区: 1 changes (daily)"
    assert "changed: [江津区]" in english.text


def test_what_was_withdrawn_is_said_to_be_so():
    """As mails do: no deadline of it, for nobody can apply any more."""
    was = changed(1, withdrawn=("", "2026-10-05"))
    gone = replace(was, announcement=replace(was.announcement, withdrawn_at=NOW))
    text = written([gone]).text

    assert "→ 原发布页面已撤下这条公告" in text
    assert "截止" not in text
