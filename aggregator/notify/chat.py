"""A digest as one message of a chat: a line that says how much of what, then the notices.

Plain text for every service: nothing in it is marked up, mentions anybody or can be turned into
that by a title. Cut by whole notices to what the service takes; the rest stands behind a link.
No link in it leads to anybody's choices, for a whole group reads it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from aggregator.channels import Room
from aggregator.filters import amount_of, canonical, money
from aggregator.model import Announcement, Draft, Filter, Frequency, Novelty
from aggregator.notify.plan import GROUPS, SHANGHAI, group_of, next_deadline
from aggregator.text import one_line, shorten

#: Notices of one message: more is no summary any more.
MOST_TOLD: Final = 30
_TITLE_LENGTH, _REGION_LENGTH, _LINK_LENGTH = 60, 12, 300
#: Never in a chat: mobile numbers and what looks like an identity number (DOMAIN.md §16).
_PERSONAL = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|\d{17}[\dXx])(?!\d)")
#: What a chat could take for a tag, a mention, a link or weight (``<at user_id="all">`` of
#: Feishu, ``<@all>`` of WeCom, ``@name`` of Telegram) becomes its full-width twin.
_TWINS = str.maketrans({"<": "＜", ">": "＞", "@": "＠", "`": "｀"})
_MARKS = (("](", "] ("), ("**", "＊＊"), ("~~", "～～"), ("||", "｜｜"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatText:
    """A finished message: its first line apart, because some services want a title.

    ``left`` counts the notices that only the link leads to.
    """

    head: str
    text: str
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    brand: str
    everywhere: str
    several: str
    colon: str
    comma: str
    counts: dict[str, str]
    frequencies: dict[Frequency, str]
    deadline: str
    today: str
    left: str
    cap: str
    late: str
    changed: str
    reminder: str
    more: str
    foot: str
    test: str


_ZH: Final = _Words(
    brand="区讯 ",
    everywhere="各地",
    several="{name}等{n}地",
    colon="：",
    comma="、",
    counts={
        "soon": "{n}项7天内截止",
        "policy": "{n}条新政策",
        "project": "{n}个新项目",
        "rest": "{n}条其他",
    },
    frequencies={
        Frequency.IMMEDIATE: "（即时）",
        Frequency.DAILY: "（每日）",
        Frequency.WEEKLY: "（每周）",
    },
    deadline="截止 {on.month}月{on.day}日({left})",
    today="今天",
    left="剩{days}天",
    cap="最高{money}",
    late="补",
    changed="变更",
    reminder="提醒",
    more="另有 {n} 条：{link}",
    foot="非政府网站，以原文为准。",
    test="测试消息：区讯的摘要会发到这里，每次一条。",
)
_EN: Final = _Words(
    brand="Quxun 区讯 ",
    everywhere="China",
    several="{name} +{n}",
    colon=": ",
    comma=", ",
    counts={
        "soon": "{n} due within 7 days",
        "policy": "{n} policies",
        "project": "{n} projects",
        "rest": "{n} others",
    },
    frequencies={
        Frequency.IMMEDIATE: " (immediate)",
        Frequency.DAILY: " (daily)",
        Frequency.WEEKLY: " (weekly)",
    },
    deadline="due {on:%Y-%m-%d} ({left})",
    today="today",
    left="{days} days left",
    cap="up to {money}",
    late="late",
    changed="changed",
    reminder="reminder",
    more="{n} more: {link}",
    foot="Not a government site; the original prevails.",
    test="A test: digests of Quxun will come here, one message each.",
)


def write_chat(
    told: Sequence[tuple[Announcement, str]],
    *,
    language: str,
    frequency: Frequency,
    wishes: Sequence[Filter],
    room: Room,
    public_url: str,
    now: datetime,
) -> ChatText | None:
    """The one message of a run; None when nothing of it may be told any more.

    Args:
        told: announcements with their reasons in the ledger; what was withdrawn or removed
            since is left out.
        language: ``zh`` or ``en``.
        frequency: the run's.
        wishes: what the channel wishes for: one alone is where the rest is linked to.
        room: how much the service takes.
        public_url: where our pages are.
        now: days to a deadline are counted from this instant's day in Shanghai.
    """
    words = _EN if language.startswith("en") else _ZH
    today = now.astimezone(SHANGHAI).date()
    ranked = _ranked(
        [
            (one, why)
            for one, why in told
            if not (one.withdrawn_at or one.removed_at or one.merged_into)
        ],
        today=today,
    )
    if not ranked:
        return None
    head = _head([one for one, _ in ranked], words, frequency, today=today)
    lines = [
        f"{number}. {_line(one, why, words, today=today)}\n{public_url}/a/{one.uuid}"
        for number, (one, why) in enumerate(ranked[:MOST_TOLD], 1)
    ]

    def text_of(shown: int) -> str:
        left = len(ranked) - shown
        more = [words.more.format(n=left, link=_rest(wishes, public_url))] if left else []
        return "\n".join([*lines[:shown], *more, words.foot])

    shown = _most(lambda n: room.holds(f"{head}\n{text_of(n)}"), len(lines))
    return ChatText(head=head, text=text_of(shown), left=len(ranked) - shown)


def hello(language: str) -> ChatText:
    """A message that says that messages will come here."""
    words = _EN if language.startswith("en") else _ZH
    return ChatText(head=words.brand.strip(), text=words.test, left=0)


def literal(text: str, length: int) -> str:
    """Words of strangers as a chat shows them and does nothing else: one line, no mark-up, no
    mention, no number of a person.
    """
    text = shorten(_PERSONAL.sub("***", one_line(text)), length).translate(_TWINS)
    for mark, twin in _MARKS:
        text = text.replace(mark, twin)
    return text


def _most(fits: Callable[[int], bool], most: int) -> int:
    """The greatest number up to ``most`` that fits; what fits is fewer, never more."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return low


def _ranked(
    told: Sequence[tuple[Announcement, str]], *, today: date
) -> list[tuple[Announcement, str]]:
    """By the groups of a digest: deadlines the nearest first, else the newest first; news before
    what was told before.
    """

    def rank(pair: tuple[Announcement, str]) -> tuple[int, str, float, int]:
        one, _ = pair
        group = group_of(one.draft, today=today)
        deadline = next_deadline(one.draft, today=today) if group == "soon" else None
        at = one.draft.posted_at or one.first_seen_at
        return (GROUPS.index(group), str(deadline or ""), -at.timestamp(), -one.id)

    best: dict[int, tuple[Announcement, str]] = {}
    for one, why in told:
        if one.id not in best or why == "news":
            best[one.id] = (one, why)
    return sorted(best.values(), key=rank)


def _head(told: Sequence[Announcement], words: _Words, frequency: Frequency, *, today: date) -> str:
    counts = dict.fromkeys(GROUPS, 0)
    for one in told:
        counts[group_of(one.draft, today=today)] += 1
    said = words.comma.join(words.counts[slug].format(n=n) for slug, n in counts.items() if n)
    names = list(dict.fromkeys(name for one in told if (name := _region(one.draft))))
    place = names[0] if names else words.everywhere
    if len(names) > 1:
        place = words.several.format(name=names[0], n=len(names) - (words is _EN))
    return f"{words.brand}{place}{words.colon}{said}{words.frequencies[frequency]}"


def _line(one: Announcement, why: str, words: _Words, *, today: date) -> str:
    draft = one.draft
    late = words.late if one.novelty is Novelty.LATE_NEWS else ""
    mark = {"change": words.changed, "reminder": words.reminder}.get(why.partition(":")[0], late)
    region = _region(draft)
    title = literal(draft.title, _TITLE_LENGTH)
    parts = [
        (f"{mark}{words.colon}" if mark else "") + (f"[{region}] " if region else "") + title,
        _deadline(draft, words, today=today),
        _sum(draft, words),
    ]
    return " · ".join(part for part in parts if part)


def _region(draft: Draft) -> str:
    return literal(draft.regions[0].name, _REGION_LENGTH) if draft.regions else ""


def _deadline(draft: Draft, words: _Words, *, today: date) -> str:
    on = next_deadline(draft, today=today)
    if on is None:
        return ""
    days = (on - today).days
    left = words.left.format(days=days) if days else words.today
    return words.deadline.format(on=on, left=left)


def _sum(draft: Draft, words: _Words) -> str:
    yuan = amount_of(draft)
    if yuan is None:
        return ""
    said = money(yuan, "en" if words is _EN else "zh")
    capped = any(one.yuan == yuan and one.basis == "cap" for one in draft.facts.amounts)
    return words.cap.format(money=said) if capped else said


def _rest(wishes: Sequence[Filter], public_url: str) -> str:
    """Where everything stands: the page of the one wish, or our first page."""
    query = canonical(wishes[0]) if len(wishes) == 1 else ""
    link = f"{public_url}/?{query}"
    return link if query and len(link) <= _LINK_LENGTH else f"{public_url}/"
