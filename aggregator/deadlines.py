"""Deadlines through time: which of today's is which of yesterday's, and the hour of its day.

A calendar's client knows an event by its UID, so a deadline needs an identity that outlives
its own day: a notice that is put off moves its event and makes no second one (ADR 0020).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from functools import lru_cache

from aggregator.model import Deadline, Due
from aggregator.text import fold

#: Two deadlines of a notice are told apart by which turn it is, how something is handed in, and
#: what.
_TURN = re.compile(r"第[一二三四五六七八九十\d]{1,3}[批轮期次]")
_WAYS = {
    "online": re.compile(r"网上|线上|在线|网络|系统|平台|电子"),
    "paper": re.compile(r"纸质|书面|原件|现场|线下|邮寄"),
}
_THINGS = {
    "objection": re.compile(r"公示|异议|意见|反馈"),
    "pledge": re.compile(r"保证金"),
    "review": re.compile(r"初审|推荐|汇总"),
    "entry": re.compile(r"报名|登记"),
    "bid": re.compile(r"投标|响应文件|报价|竞买"),
    "form": re.compile(r"申报|申请|提交|报送"),
}
#: So far back a label stands before its day, and so far behind it what is to be done.
_BEFORE, _BEHIND = 24, 16
_CLAUSE_END = re.compile(r"[,，。;；!！?？\n]")
#: At least so alike are the words of a deadline that came back and those it had.
_ALIKE = 0.5
#: No notice states more that anybody could read; the rest is matched by its day alone.
_MOST = 60


def follow(before: Sequence[Due], stated: Iterable[Deadline], now: datetime) -> tuple[Due, ...]:
    """The deadlines of a notice after a change: which stayed, moved, went, came again or are new.

    One stays with its day. What is left is paired by what is handed in and by the words around
    the day, then in order: an office that rewrites its notice puts a deadline off far more often
    than it drops one and sets another. What was dropped may come back as itself. Numbers are
    never used twice; following the same deadlines again changes nothing.

    Args:
        before: what was known, cancelled ones too, by number.
        stated: what the notice states now; nothing when it was withdrawn.
        now: UTC.

    Returns:
        All that was ever known, by number.
    """
    new = list(stated)
    pairs = _paired(before, new)
    after: list[Due] = []
    for one in before:
        place = pairs.get(one.number)
        after.append(_gone(one, now) if place is None else _held(one, new[place], now))
    number = max((one.number for one in before), default=-1)
    taken = set(pairs.values())
    for place, deadline in enumerate(new):
        if place not in taken:
            number += 1
            after.append(
                Due(
                    number=number,
                    day=deadline.value,
                    sentence=deadline.sentence,
                    born_at=now,
                    changed_at=now,
                )
            )
    return tuple(after)


def clock_of(day: date, sentence: str) -> time | None:
    """The time of day that a deadline's sentence names right behind its day, in Asia/Shanghai.

    Of hours from and to the latter; None where only the day is told, and for 24:00, which is
    the end of that day and the beginning of another.
    """
    plain = sentence.translate(_PLAIN)
    for match in _day_in(day.month, day.day).finditer(plain):
        found: time | None = None
        at = match.end()
        while clock := (_CLOCK if at == match.end() else _NEXT_CLOCK).match(plain, at):
            read = _clock(clock)
            if read is None:
                return None
            found, at = read, clock.end()
        if found is not None and not _BEGINS.match(plain, at):
            return found
    return None


def mark_of(day: date, sentence: str) -> str:
    """What tells a deadline from another of its notice, in the notice's own words: ``第二批``,
    ``网上``, ``纸质``, ``报名``; nothing where it says nothing.
    """
    near = _near(day, sentence.translate(_PLAIN))[1]
    for word in (_TURN, *_WAYS.values(), *_THINGS.values()):
        if found := word.search(near):
            return found.group()
    return ""


# --- Which is which ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Words:
    """What a deadline is about, its day aside."""

    turn: str
    ways: frozenset[str]
    things: frozenset[str]
    label: str
    pairs: frozenset[str]


def _paired(before: Sequence[Due], new: Sequence[Deadline]) -> dict[int, int]:
    """The number of a known deadline → the place of the stated one that it is."""
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    standing = [one for one in before if one.cancelled_at is None]
    gone = [one for one in before if one.cancelled_at is not None]

    def pair(one: Due, place: int) -> None:
        pairs[one.number] = place
        taken.add(place)

    def by_day(known: Sequence[Due]) -> None:
        for one in known:
            fits = [
                place
                for place, deadline in enumerate(new)
                if place not in taken and deadline.value == one.day
            ]
            if one.number not in pairs and fits:
                same = [place for place in fits if new[place].sentence == one.sentence]
                pair(one, (same or fits)[0])

    def by_words(known: Sequence[Due], fit: Callable[[float], bool]) -> None:
        left = [one for one in known if one.number not in pairs][:_MOST]
        open_ = [place for place in range(len(new)) if place not in taken][:_MOST]
        theirs = {place: _words(new[place].value, new[place].sentence) for place in open_}
        ours = [_words(one.day, one.sentence) for one in left]
        scored = sorted(
            (
                (-score, abs(order - rank), one.number, place)
                for order, one in enumerate(left)
                for rank, place in enumerate(open_)
                if fit(score := _likeness(ours[order], theirs[place]))
            ),
        )
        numbered = {one.number: one for one in left}
        for _, _, number, place in scored:
            if number not in pairs and place not in taken:
                pair(numbered[number], place)

    by_day(standing)
    by_words(standing, lambda score: score >= _ALIKE)
    by_day(gone)
    by_words(standing, lambda score: score >= 0)
    by_words(gone, lambda score: score >= _ALIKE)
    return pairs


def _words(day: date, sentence: str) -> _Words:
    label, near = _near(day, sentence.translate(_PLAIN))
    turn = _TURN.search(near)
    folded = _NUMBERS.sub("", fold(sentence))
    return _Words(
        turn=turn.group() if turn else "",
        ways=_named(_WAYS, near),
        things=_named(_THINGS, near),
        label=_NUMBERS.sub("", fold(label)),
        pairs=frozenset(folded[at : at + 2] for at in range(len(folded) - 1)),
    )


def _near(day: date, plain: str) -> tuple[str, str]:
    """The label before a day, and the label with what follows the day in its clause."""
    found = _day_in(day.month, day.day).search(plain)
    start, end = (found.start(), found.end()) if found else (len(plain), len(plain))
    label = _CLAUSE_END.split(plain[max(start - _BEFORE, 0) : start])[-1]
    return label, f"{label}|{_CLAUSE_END.split(plain[end : end + _BEHIND])[0]}"


def _named(words: dict[str, re.Pattern[str]], near: str) -> frozenset[str]:
    return frozenset(name for name, word in words.items() if word.search(near))


def _likeness(one: _Words, other: _Words) -> float:
    """How surely two deadlines are one: below 0 they are not, whatever else speaks for it."""
    if one.turn and other.turn and one.turn != other.turn:
        return -1
    for mine, yours in ((one.ways, other.ways), (one.things, other.things)):
        if mine and yours and not mine & yours:
            return -1
    both = len(one.pairs | other.pairs)
    alike = len(one.pairs & other.pairs) / both if both else 1.0
    named = (one.turn, one.ways, one.things) == (other.turn, other.ways, other.things)
    return alike + (one.label == other.label) + named


def _held(one: Due, stated: Deadline, now: datetime) -> Due:
    moved = (
        one.cancelled_at is not None
        or one.day != stated.value
        or clock_of(one.day, one.sentence) != clock_of(stated.value, stated.sentence)
    )
    if not moved and one.sentence == stated.sentence:
        return one
    return replace(
        one,
        day=stated.value,
        sentence=stated.sentence,
        sequence=one.sequence + moved,
        changed_at=now,
        cancelled_at=None,
    )


def _gone(one: Due, now: datetime) -> Due:
    if one.cancelled_at is not None:
        return one
    return replace(one, sequence=one.sequence + 1, changed_at=now, cancelled_at=now)


# --- The hour ---------------------------------------------------------------------------

#: One sign for one sign, as the facts are read.
_PLAIN = str.maketrans(
    "０１２３４５６７８９：∶（）／．—–‐−～~\u3000\u00a0", "0123456789::()/.------  "
)
_NUMBERS = re.compile(r"[\d一二三四五六七八九十〇零:/.-]+[年月日号时点分]?")
_S = r"[ \t]{0,3}"
_PART = r"(上午|早上|下午|晚上?|中午|凌晨|夜间|傍晚)?"
_HOUR = (
    rf"{_PART}{_S}(?:(\d{{1,2}})|(二?十[一二三四五六七八九]?|[零一二两三四五六七八九]))"
    rf"{_S}(?::{_S}(\d{{2}})(?::\d{{2}})?(?!\d)|[时点](?!间)(?:整|{_S}(\d{{1,2}}){_S}分?|(半))?)"
)
_CLOCK = re.compile(
    rf"{_S}(?:\([^()]{{0,12}}\)|(?:星期|周)[一二三四五六日天])?{_S}(?:的?当[日天])?{_S}"
    rf"(?:北京时间)?{_S}{_HOUR}(?:\([^()]{{0,12}}\))?{_S}"
)
_NEXT_CLOCK = re.compile(rf"(?:(?:至|到|-{{1,3}}){_S}|[,，、和及]{_S}(?=上午|下午|晚)){_HOUR}{_S}")
#: Behind an hour that begins what another day ends.
_BEGINS = re.compile(r"起|开始|至|到|-|截止到")
_NOON, _HOURS, _MINUTES = 12, 24, 60


@lru_cache(maxsize=400)
def _day_in(month: int, day: int) -> re.Pattern[str]:
    """A day as a text names it: 11月30日, 2026-11-30, 至30日."""
    number = rf"0?{day}"
    return re.compile(
        rf"(?<!\d)(?:(?:19|20)\d\d{_S}[-/.年]{_S})?0?{month}{_S}(?:月份?{_S}{number}{_S}(?:[日号]|(?!\d))"
        rf"|[-/.]{_S}{number}(?!\d)[日号]?)"
        rf"|(?<=[至到、,和及-]){_S}{number}{_S}[日号]"
        rf"|{_han(month)}月{_han(day)}[日号]"
    )


def _han(number: int) -> str:
    tens, ones = divmod(number, 10)
    digits = " 一二三四五六七八九"
    return ("" if not tens else "十" if tens == 1 else f"{digits[tens]}十") + digits[ones].strip()


def _clock(match: re.Match[str]) -> time | None:
    part, digits, han, minutes, minutes_said, half = match.groups()
    hour = int(digits) if digits else _hour(han)
    minute = 30 if half else int(minutes or minutes_said or 0)
    if part in {"下午", "晚", "晚上", "夜间", "傍晚"} and hour < _NOON:
        hour += _NOON
    if part == "中午" and hour < 3:  # noqa: PLR2004  # 中午1点
        hour += _NOON
    return time(hour, minute) if hour < _HOURS and minute < _MINUTES else None


def _hour(han: str) -> int:
    tens, ten, ones = han.replace("两", "二").partition("十")
    digits = "零一二三四五六七八九"
    if not ten:
        return digits.index(tens)
    return (2 if tens else 1) * 10 + (digits.index(ones) if ones else 0)
