"""What a title says of its notice: the bare title, its counters, and what it does to another."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from enum import StrEnum
from functools import lru_cache

from aggregator.text import fold

#: Shorter titles say too little to speak alone.
TELLING = 12
#: No title is compared beyond this, at which pages' own are cut: comparing is not linear.
_LONGEST = 500
#: Less is left of a title by unwrapping only where the wrapper was the title.
_BARE = 6
#: A platform's name before a title (云岭发布｜…), and a column's in brackets.
_PRESS = re.compile(r"^[\w\u4e00-\u9fff]{2,10}\s*[｜|丨]\s*|^\s*[【\[][^】\]]{1,12}[】\]]\s*")
_OFFICE = (
    r"(?:人民政府|办公室|办公厅|委员会|管委会|工委|领导小组|指挥部|[局厅委办处院]|中心|集团|公司)"
)
#: Who says it before what is said: 东原区投资局关于….
_SPEAKER = re.compile(rf"^[^《》]{{2,40}}?{_OFFICE}[^《》]{{0,16}}?(?=关于)")
_OPENING = re.compile(
    r"^(?:附件\d*[:：]?)?(?:(?:喜讯|重磅|注意|最新)[!！:：,，])?(?:关于)?(?:(?:转发|印发|发布|公布|转载|批转)的?)*(?:[^《》]{2,14}?(?:局|委|办|厅|府))?(?:关于)?(?=.)"
)
_WRAPPED = re.compile(
    r"^(?:[^《》]{0,40})?(?:印发|转发|公布|发布|转载|批转)(?:的)?(?P<inner>.+?)(?:的?(?:通知|公告|通告|函))?$"
)
_NUMBER = re.compile(r"[(\[]?[\u4e00-\u9fff]{2,14}\[(?:19|20)\d{2}\]第?\d{1,5}号[)\]]?")
_FRAME = re.compile(
    r"关于|组织|开展|做好|举行|召开|举办|正式|情况|工作|有关|事项|相关|公告|公示|通知|通告|通报|的|年度|[《》\"'!?,.:;()\[\]\-+ 　|]"
)


_PASSED_ON = re.compile(r"(?:印发|转发|转载|批转|公布|发布)(?:的)?《(.+)》[^《》]{0,6}$")
_INNER_BOOK = re.compile(r"《[^《》]*》(?=[^《》]*》)")
_OUTER_BOOK = re.compile(r"《[^《》]*》")


class Role(StrEnum):
    """What a notice is to the one whose subject it shares; ``PLAIN`` is the thing itself."""

    PLAIN = ""
    COMPANION = "companion"
    FEEDBACK = "feedback"
    CONSULTATION = "consultation"
    REPEAL = "repeal"
    AMENDMENT = "amendment"
    CORRECTION = "correction"
    EXTENSION = "extension"
    END = "end"
    DETAIL = "detail"
    RESULT = "result"
    PUBLICITY = "publicity"


_ROLES = (
    (Role.COMPANION, r"解读|图解|读懂|看懂|答记者问|问答|明白卡|新闻发布会|看点|起草说明|编制说明|政策说明"),
    (Role.FEEDBACK, r"意见.{0,8}(?:采纳|反馈|汇总|情况)|征求.{0,40}(?:结果|情况)"),
    (Role.CONSULTATION, r"征求.{0,60}意见|征求意见|意见征集|征集.{0,30}意见"),
    (Role.CORRECTION, r"更正|勘误|补充(?:通知|公告|说明)|澄清|变更公告"),
    (Role.EXTENSION, r"延期|延长|顺延|推迟|延续"),
    (Role.END, r"终止|取消|流标|中止|撤销|活动结束|结束的"),
    (Role.REPEAL, r"废止|失效|停止执行"),
    (Role.AMENDMENT, r"修改|修订|调整"),
    (Role.DETAIL, r"摘要|补遗|附表|附录|实施细则|责任分工|任务分工|操作指南|申报指南|办事指南"),
    (Role.RESULT, r"成交|中标|中选|候选人|拟审批|审批决定|拟批复|竞得"),
    (Role.PUBLICITY, r"公示|拟(?:认定|支持|兑现|入库|引进|聘用)"),
)  # fmt: skip
_ROLE_WORDS = tuple((role, re.compile(words)) for role, words in _ROLES)
_HAN = {character: number for number, character in enumerate("零一二三四五六七八九")}
_COUNT = r"(?:\d{1,4}|[一二三四五六七八九十]{1,3})"
_COUNTERS = tuple(
    (name, re.compile(words))
    for name, words in (
        ("year", r"(?<!\d)((?:19|20)\d{2})(?=年|度|-|第|\)|上|下|一|二|三|四)"),
        (
            "batch",
            rf"第({_COUNT})批|(?<!新)(?<!一)((?:\d{{1,2}}|[二三四五六七八九十]{{1,3}}))批(?!次)",
        ),
        ("quarter", rf"第?({_COUNT})季度"),
        ("half", r"([上下])半年"),
        ("month", r"(?<![\d-])(\d{1,2})月(?!\d)"),
        ("issue", rf"第({_COUNT})期"),
        ("phase", rf"(?<!第)({_COUNT})期"),
        ("session", rf"第({_COUNT})届"),
        ("time", rf"第({_COUNT})(?:次|轮)"),
        ("section", rf"({_COUNT})标段|标段({_COUNT})"),
        ("lot", r"((?:\d{4}[-—])?\d{1,4})号(?!文|线|楼|院)"),
        ("building", r"(\d{1,3})号楼"),
    )
)
#: Counters that a notice of one of several always tells, in its text if not in its title.
_ALWAYS_TOLD = ("batch", "quarter", "half", "issue", "session", "time", "section", "lot")


@lru_cache(maxsize=4096)
def title_key(title: str) -> str:
    """A title as compared: folded, without 《》, speaker, wrappers and cut-off marks.

    What repeals, changes or explains a document is not the document: such titles are not
    unwrapped. Never longer than the title.
    """
    said = _PRESS.sub("", title[:_LONGEST])
    folded = fold(said).rstrip(".…")
    spoken = _SPEAKER.sub("", folded)
    bare = _unwrapped(spoken)
    return bare if len(bare) >= _BARE else spoken.replace("《", "").replace("》", "")


def _unwrapped(spoken: str) -> str:
    """What a wrapper holds, wrapper in wrapper; the title itself where there is none."""
    plain = spoken.replace("《", "").replace("》", "")
    if _role_of(re.sub(r"《[^《》]*》", "", spoken)) is not Role.PLAIN:
        return plain
    wrapped = _WRAPPED.fullmatch(spoken)
    if wrapped is None:
        return plain
    inner = wrapped["inner"]
    book = re.fullmatch(r"[^《》]{0,20}《(.{5,})》[^《》]{0,6}", inner)
    inside = _SPEAKER.sub("", book.group(1) if book else inner)
    if _role_of(inside) is Role.PUBLICITY or len(inside) < _BARE:
        return plain
    again = _unwrapped(inside)
    return again if len(again) >= _BARE else inside.replace("《", "").replace("》", "")


@lru_cache(maxsize=4096)
def core(title: str) -> str:
    """What is left of a title without the words that only say that something is said."""
    key = _NUMBER.sub("", title_key(title))
    return _FRAME.sub("", key)


@lru_cache(maxsize=4096)
def role(title: str) -> Role:
    """What a title does to its subject; the names of documents that it holds do not count, but
    what is issued or forwarded as it stands is what the title is.
    """
    folded = fold(title[:_LONGEST]).rstrip(".…")
    passed_on = _PASSED_ON.search(folded)
    if passed_on:
        return role(passed_on[1])
    found = _role_of(_OUTER_BOOK.sub("", _INNER_BOOK.sub("", folded)))
    if found is Role.PLAIN and "征求意见稿" in folded:
        return Role.CONSULTATION
    return found


def _role_of(words: str) -> Role:
    return next((role for role, pattern in _ROLE_WORDS if pattern.search(words)), Role.PLAIN)


@lru_cache(maxsize=8192)
def counters(text: str) -> dict[str, frozenset[str]]:
    """Batch, quarter, month, lot, … that a title or a text names, by kind, as numbers."""
    folded = _NUMBER.sub(" ", fold(text))
    found: dict[str, set[str]] = {}
    for name, pattern in _COUNTERS:
        for match in pattern.finditer(folded):
            value = next(group for group in match.groups() if group)
            found.setdefault(name, set()).add(_number(value))
    return {name: frozenset(values) for name, values in found.items()}


def _number(value: str) -> str:
    """三十一 → 31; a lot's number keeps its year, without leading noughts."""
    if value[0].isdigit():
        return re.sub(r"(^|-)0+(?=\d)", r"\1", value.replace("—", "-"))
    tens, ten, ones = value.partition("十")
    if not ten:
        return str(_HAN.get(value, value))
    return str((_HAN.get(tens, 1) if tens else 1) * 10 + _HAN.get(ones, 0))


def counted_apart(a: str, b: str, *, texts: tuple[str, str] = ("", "")) -> bool:
    """Whether two titles name different batches, months, lots and the like.

    A counter that only one title names must stand in the other's text, where there is any;
    else titles that are equal but for it are different notices.
    """
    mine, theirs = counters(a), counters(b)
    for name in mine.keys() & theirs.keys():
        if not mine[name] & theirs[name]:
            return True
    for one, other, text in ((mine, theirs, texts[1]), (theirs, mine, texts[0])):
        for name in _ALWAYS_TOLD:
            if name not in one or name in other:
                continue
            told = counters(text[:1500]).get(name) if text else None
            if told is not None and not told & one[name]:
                return True
            if told is None and (name in {"batch", "time", "section"} or not text):
                return _without_counters(a) == _without_counters(b) or name == "time"
    return False


def _without_counters(title: str) -> str:
    bare = core(title)
    for _, pattern in _COUNTERS:
        bare = pattern.sub("", bare)
    return re.sub(r"[第批]", "", bare)


class Likeness(StrEnum):
    """How two titles stand to each other."""

    EQUAL = "equal"
    CUT = "cut"
    HELD = "held"
    SIBLING = "sibling"
    AKIN = "akin"
    OTHER = "other"


@lru_cache(maxsize=16384)
def likeness(a: str, b: str) -> Likeness:
    """How two titles stand to each other.

    EQUAL but for what says that something is said; CUT short; HELD by the other, which adds
    words; SIBLING of one template with other words in one place; AKIN; or of OTHER words.
    """
    a, b = sorted((a, b))
    mine, theirs = core(a), core(b)
    if mine == theirs:
        return Likeness.EQUAL if mine else Likeness.OTHER
    short, long = sorted((mine, theirs), key=len)
    cut = min((a, b), key=lambda one: core(one) != short).rstrip().endswith(("…", "...", ".."))
    if len(short) >= (6 if cut else 10) and long.startswith(short):  # as lists cut
        return Likeness.CUT
    if not short:
        return Likeness.OTHER
    matcher = SequenceMatcher(None, short, long, autojunk=False)
    edits = [one for one in matcher.get_opcodes() if one[0] != "equal"]
    matched = sum(block.size for block in matcher.get_matching_blocks())
    if matched == len(short) and len(short) >= 8:  # noqa: PLR2004  # too little says nothing
        return Likeness.HELD
    swaps = [one for one in edits if one[0] == "replace"]
    if swaps and 2 * matched >= 1.2 * max(len(short), 1) and matched >= 0.6 * len(long):
        return Likeness.SIBLING
    pairs = [{one[i : i + 2] for i in range(len(one) - 1)} for one in (mine, theirs)]
    shared = len(pairs[0] & pairs[1])
    return (
        Likeness.AKIN
        if 2.5 * shared >= min(len(pairs[0]), len(pairs[1])) and shared > 1
        else Likeness.OTHER
    )


def swapped(a: str, b: str) -> tuple[tuple[str, str], ...]:
    """The words in whose place the other title has other words."""
    a, b = core(a), core(b)
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    return tuple(
        (a[one[1] : one[2]], b[one[3] : one[4]])
        for one in matcher.get_opcodes()
        if one[0] == "replace"
    )
