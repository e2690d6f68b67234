"""A digest as one message of a chat: a line that says how much of what, then the notices.

Plain text for every service: nothing in it is marked up, mentions anybody or can be turned into
that by a title. Cut by whole notices to what the service takes; the rest stands behind a link.
No link in it leads to anybody's choices, for a whole group reads it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from aggregator.channels import Room
from aggregator.filters import amount_of, money
from aggregator.model import Digest, DigestItem, Draft
from aggregator.notify.alterations import altered
from aggregator.notify.plan import SHANGHAI, next_deadline
from aggregator.notify.words import EN, ZH, Words
from aggregator.text import one_line, shorten

#: Notices of one message: more is no summary any more.
MOST_TOLD: Final = 30
_TITLE_LENGTH, _REGION_LENGTH, _CHANGE_LENGTH = 60, 12, 120
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
    """What a chat says in other words than ``mail``; the rest is said as there."""

    mail: Words
    brand: str
    colon: str
    counts: dict[str, str]
    frequency: str
    deadline: str
    late: str
    marks: dict[str, str]
    more: str
    foot: str
    test: str


_ZH: Final = _Words(
    mail=ZH,
    brand="区讯 ",
    colon="：",
    counts={
        "reminder": "{n}条截止提醒",
        "soon": "{n}项7天内截止",
        "change": "{n}条变更",
        "policy": "{n}条新政策",
        "project": "{n}个新项目",
        "rest": "{n}条其他",
    },
    frequency="（{name}）",
    deadline="截止 {on.month}月{on.day}日({left})",
    late="补",
    marks={"change": "变更", "reminder": "提醒"},
    more="另有 {n} 条：{link}",
    foot="非政府网站，以原文为准。",
    test="测试消息：区讯的摘要会发到这里，每次一条。",
)
_EN: Final = _Words(
    mail=EN,
    brand="Quxun 区讯 ",
    colon=": ",
    counts={
        "reminder": "{n} reminders",
        "soon": "{n} due within 7 days",
        "change": "{n} changes",
        "policy": "{n} policies",
        "project": "{n} projects",
        "rest": "{n} others",
    },
    frequency=" ({name})",
    deadline="due {on:%Y-%m-%d} ({left})",
    late="late",
    marks={"change": "changed", "reminder": "reminder"},
    more="{n} more: {link}",
    foot="Not a government site; the original prevails.",
    test="A test: digests of Quxun will come here, one message each.",
)


def write_chat(
    digest: Digest, *, room: Room, rest: str, public_url: str, now: datetime
) -> ChatText:
    """The one message of a run.

    Args:
        digest: what is told, in order; made with ``most=MOST_TOLD``.
        room: how much the service takes.
        rest: the page of all that the run brought to this channel.
        public_url: where our pages are.
        now: days to a deadline are counted from this instant's day in Shanghai.
    """
    words = _EN if digest.language.startswith("en") else _ZH
    today = now.astimezone(SHANGHAI).date()
    head = _head(digest, words)
    items = [(group.slug, item) for group in digest.groups for item in group.items]
    lines = [
        f"{number}. {_line(slug, item, words, today=today)}\n{public_url}/a/{item.announcement.uuid}"
        for number, (slug, item) in enumerate(items, 1)
    ]

    def text_of(shown: int) -> str:
        left = digest.total - shown
        more = [words.more.format(n=left, link=rest)] if left else []
        return "\n".join([*lines[:shown], *more, words.foot])

    shown = _most(lambda n: room.holds(f"{head}\n{text_of(n)}"), len(lines))
    return ChatText(head=head, text=text_of(shown), left=digest.total - shown)


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


def _head(digest: Digest, words: _Words) -> str:
    said = words.mail.comma.join(
        words.counts[one.slug].format(n=one.total) for one in digest.groups
    )
    names = [name for place in digest.places if (name := literal(place, _REGION_LENGTH))]
    place = names[0] if names else words.mail.everywhere
    if len(names) > 1:
        place = words.mail.several.format(name=names[0], n=len(names) - (words is _EN))
    often = words.frequency.format(name=words.mail.frequencies[digest.frequency])
    return f"{words.brand}{place}{words.colon}{said}{often}"


def _line(slug: str, item: DigestItem, words: _Words, *, today: date) -> str:
    """A notice with what it says; below it, what changed since it was told."""
    one = item.announcement
    draft = one.draft
    mark = words.marks.get(slug) or (words.late if item.late else "")
    region = _region(draft)
    parts = [
        (f"{mark}{words.colon}" if mark else "")
        + (f"[{region}] " if region else "")
        + literal(draft.title, _TITLE_LENGTH),
        "" if one.withdrawn_at else _deadline(draft, words, today=today),
        _sum(draft, words),
    ]
    changes = altered(item.alterations, words.mail, year=today.year)
    return "\n".join(
        [
            " · ".join(part for part in parts if part),
            *(f"→ {literal(said, _CHANGE_LENGTH)}" for said in changes),
        ]
    )


def _region(draft: Draft) -> str:
    return literal(draft.regions[0].name, _REGION_LENGTH) if draft.regions else ""


def _deadline(draft: Draft, words: _Words, *, today: date) -> str:
    on = next_deadline(draft, today=today)
    if on is None:
        return ""
    return words.deadline.format(on=on, left=words.mail.say_left((on - today).days))


def _sum(draft: Draft, words: _Words) -> str:
    yuan = amount_of(draft)
    if yuan is None:
        return ""
    said = money(yuan, "en" if words is _EN else "zh")
    capped = any(one.yuan == yuan and one.basis == "cap" for one in draft.facts.amounts)
    return words.mail.cap.format(money=said) if capped else said
