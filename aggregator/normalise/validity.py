"""From when until when a document holds, as it says itself (DOMAIN.md §10).

Certificates, contracts and quotas hold for a time as well; ``triggers.toml`` names such things.
What is not stated is unknown, not for ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from aggregator.model import Fact
from aggregator.normalise.days import COUNT, Day, after, counted, days, months_after
from aggregator.normalise.sentences import Reading, Sentence
from aggregator.normalise.triggers import triggers

_WORDS = triggers("validity")
_ANY = re.compile(r"施行|实施|执行|生效|试行|有效|失效|废止")
_INTO_FORCE = re.compile(
    r"(?:零时|0时|00:00)?[ \t]?(?:起|开始|之日起)?,?(?:正式|开始)?(?:施行|实施|执行|生效|试行)(?!以来|的《|的[^,，。]{0,12}[法例》])"
)
_ALREADY = re.compile(
    r"(?:施行|实施|执行|生效|试行)(?:以来|的《|的[^,，。]{0,12}[法例》])|已(?:经)?失效"
)
_FROM_LABEL = re.compile(r"(?:实施|施行|生效|执行)(?:日期|时间)[:|]?[ \t|]{0,4}$")
_UNTIL_LABEL = re.compile(r"(?:失效|废止|终止|截止|有效期截?止?)(?:日期|时间)[:|]?[ \t|]{0,4}$")
_SINCE = re.compile(r"(?:自|从|于)[ \t]?$")
_AT_ONCE = re.compile(
    rf"(?:自|从)(?:本?[^。,，]{{0,10}})?(印发|发布|公布|颁布|发文|下发|公告|通过)之日起[ \t]?(?:满?{COUNT}[ \t]?[日天]后)?[ \t]?(?:正式|开始)?(?:施行|实施|执行|生效|试行)"
)
_SPAN = re.compile(
    r"(有效|执行|实施|施行|试行|政策)(?:期限?|时间|期)?(?:为|是)?:?[ \t]?(?:自|从)?[ \t]?$"
)
_UNTIL = re.compile(
    r"(有效期限?|执行期限?|实施期限?|试行期限?|施行期限?|执行|施行|实施|试行)(?:为|自[^,，]{0,12}起)?(?:,)?(?:截?至|截止到?|截止至|到|延长至|延续至)[ \t]?$|[起,，](?:截?至|到)$"
)
_YEARS = re.compile(
    rf"(有效期限?|试行期?限?|执行期限?|实施期限?|执行|暂行期?|(?<=[,，、])暂定|(?<=[,，、])期限)(?:暂定|定)?(?:为|至)?:?[ \t]?(?:暂定)?(?:为)?{COUNT}[ \t]?个?(年|月)(?!来|以来|的|以上|内)"
)
_ALONE = re.compile(
    r"(?m)^[ \t]*((?:(?:19|20)\d\d|[二一][〇零○OＯ九][〇零○OＯ一二三四五六七八九]{2})[ \t]{0,3}年[^\n]{2,14}日)[ \t]*$"
)
#: Another document's time is prolonged; its own is not told.
_PROLONGED = re.compile(
    r"》(?:\([^()]{0,40}\))?的?有效期限?(?:再?延|继续|至|为)|有效期限?再?延[长续]"
)
#: A document speaks of itself or of its kind; else 有效期 is that of a thing.
_OF_DOCUMENT = re.compile(
    r"施行|实施|执行|试行|印发|发布|公布|政策|办法|措施|细则|意见|通知|规定|方案|文件|公告|通告|决定|条例|解释|规程|守则|^\W{0,4}有效期|失效|废止"
)
_BACK = 14
#: A notice this long after its signature is a repost: its own days count.
_REPOSTED = timedelta(days=60)
#: No document holds for more than fifty years; what does is a land lease or a warranty.
_LONGEST_TERM = 50 * 12
#: A law named in 《》 that held long before the notice was posted is not the notice.
_LAW_IS_OLD = timedelta(days=90)


def read_validity(reading: Reading, posted: date | None) -> Iterator[Fact]:
    """At most one day ``from`` and one ``until``, each with the sentence that says it."""
    relevant = [s for s in reading.sentences if _ANY.search(s.plain)]
    if not relevant:
        return
    signed = _signed(reading.plain)
    start: date | None = None
    for read in (_named_start, _at_once):
        for sentence in relevant:
            found = read(sentence, posted, signed)
            if found and start is None:
                start = found[0]
                yield _fact(reading, sentence, "from", found)
    for read_end in (_named_end, _counted_end):
        for sentence in relevant:
            found = read_end(sentence, posted, start or signed or posted)
            if found and not _PROLONGED.search(sentence.plain):
                yield _fact(reading, sentence, "until", found)
                return


def _fact(reading: Reading, sentence: Sentence, role: str, found: tuple[date, int, int]) -> Fact:
    day, at, end = found
    evidence = reading.evidence(sentence.start + at, sentence.start + end)
    return Fact(value=day.isoformat(), role=role, sentence=evidence)


_Found = tuple[date, int, int] | None


def _named_start(sentence: Sentence, posted: date | None, _signed_on: date | None) -> _Found:
    """自2025年9月1日起施行, 执行期限为…至…, 生效日期：…."""
    text = sentence.plain
    if _ALREADY.search(text):
        return None
    for day in days(text, posted=posted):
        before = text[max(day.begins - _BACK, 0) : day.begins]
        first = day.since or day
        if day.since and _SPAN.search(before) and not _is_thing(text, day.begins):
            pass
        elif _FROM_LABEL.search(before):
            first = day
        elif not (_SINCE.search(before) and _holds_from(text, first, posted)):
            continue
        when = first.on(posted) if first.year else None
        if when:
            return when, day.begins, day.end
    return None


def _holds_from(text: str, day: Day, posted: date | None) -> bool:
    if not _INTO_FORCE.match(text, day.end) or _WORDS["other"].search(text):
        return False
    named = re.search(r"》(?:\([^()]{0,30}\))?[^,，。]{0,4}(?:自|从)$", text[: day.begins])
    when = day.on(posted)
    return not (named and posted and when and posted - when > _LAW_IS_OLD)


def _at_once(sentence: Sentence, posted: date | None, signed: date | None) -> _Found:
    """自印发之日起施行: the day it was signed; 公布: the day it was posted."""
    match = _AT_ONCE.search(sentence.plain)
    if match is None or _WORDS["other"].search(sentence.plain):
        return None
    written = match[1] in {"印发", "发文", "下发", "通过"}
    late = posted and signed and posted - signed > _REPOSTED
    issued = (signed or posted) if written or late else (posted or signed)
    if issued is None:
        return None
    when = after(issued, counted(match[2] or "零"), "日")
    return (when, match.start(), match.end()) if when else None


def _named_end(sentence: Sentence, posted: date | None, _start: date | None) -> _Found:
    """有效期至2027年12月31日, 执行期限为…至…, 失效日期：…."""
    text = sentence.plain
    for day in days(text, posted=posted):
        before = text[max(day.begins - _BACK, 0) : day.begins]
        span = day.since and (_SPAN.search(before) or _ANY.search(text[day.since.end : day.start]))
        tail = text[max(day.start - _BACK, 0) : day.start]
        held = span or _UNTIL_LABEL.search(before) or (not day.since and _until(text, tail, day))
        if held and not _is_thing(text, day.begins):
            when = day.on(posted) if day.year or day.since else None
            if when:
                return when, day.begins, day.end
    return None


def _until(text: str, tail: str, day: Day) -> bool:
    found = _UNTIL.search(tail)
    if found is None:
        return False
    return bool(found[1]) or bool(_ANY.search(text, 0, day.start))


def _counted_end(sentence: Sentence, _posted: date | None, start: date | None) -> _Found:
    """有效期5年: until the day before, as official practice has it now."""
    text = sentence.plain
    for match in _YEARS.finditer(text):
        number = counted(match[2])
        ends = text[match.end() : match.end() + 1]
        if match[1] == "执行" and ends and ends not in ",，。;； 、":
            continue  # 继续执行2年冷却期
        if not number or start is None or _is_thing(text, match.start()):
            continue
        months = number * (12 if match[3] == "年" else 1)
        beyond = months_after(start, months) if months <= _LONGEST_TERM else None
        if beyond:
            return beyond - timedelta(days=1), match.start(), match.end()
    return None


def _is_thing(text: str, at: int) -> bool:
    """Whether what holds so long is a certificate, a contract or a list, and no document."""
    if _WORDS["other"].search(text) or not _OF_DOCUMENT.search(text):
        return True
    before = text[max(at - _BACK, 0) : at]
    return bool(re.search(rf"(?:{_WORDS['thing'].pattern})[^,，。:]{{0,5}}$", before))


def _signed(plain: str) -> date | None:
    """The day on which a text is signed: the first that has a line for itself.

    What is issued may follow the signature, so it is not always among the last lines.
    """
    for alone in _ALONE.finditer(plain):
        day = next(days(alone[1], posted=None), None)
        when = day.on(None) if day else None
        if when:
            return when
    return None
