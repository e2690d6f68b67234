"""Money that a text states: every amount in yuan as written, what it is, and its sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from aggregator.model import Amount
from aggregator.normalise.basis import Context, basis_of
from aggregator.normalise.quantities import DIGITS, WORDS, read_number
from aggregator.normalise.sentences import Reading, Sentence

_UNITS = {
    "万亿元": 1e12, "千亿元": 1e11, "百亿元": 1e10, "亿元": 1e8, "亿": 1e8, "千万元": 1e7, "百万元": 1e6,
    "十万元": 1e5, "万元": 1e4, "万": 1e4, "千元": 1e3, "元": 1.0, "块": 1.0,
}  # fmt: skip
_MORE = r"(?:余|多|几)?"
#: 亿 and 万 without 元 are money only where a word of money stands before them, and nothing counted
#: behind them.
_BARE = r"万?亿(?![多余]?人(?!民币))(?![多余]?[元吨千瓦件株台套部辆艘架宗笔桶盏瓶箱双岁只头尾羽支粒块颗片米立平美欧港日英韩卢法个次条户斤度级标字册份])|万(?=[,，、。;；）)\s]|$|奖|补|资)"
_WHOLE = r"(?<![\d.])\d{1,12}(?:\.\d{1,4})?"
_MONEY = re.compile(
    # 3亿5000万元 is one sum.
    rf"(?P<yi>{_WHOLE})亿(?P<wan>\d{{1,4}}(?:\.\d{{1,4}})?)万元"
    # The head of a field names the unit: 预算金额（万元）：85.6, 金额：85.6（万元）.
    rf"|\((?P<head>亿元|万元|千元|元)\)[ \t]?:[ \t]{{0,3}}(?P<headed>{DIGITS})(?![\d%]|[ \t]?[万亿元])"
    rf"|(?P<tailed>{DIGITS})[ \t]?\((?P<tail>亿元|万元|元)\)"
    r"|[￥¥][ \t]?(?P<signed>\d[\d,，]*(?:\.\d+)?)(?![\d.,，]*[ \t]?[万亿元])"
    rf"|(?P<number>{DIGITS}|[{WORDS}]{{1,9}}(?:[万萬][{WORDS}]{{1,9}}(?=元))?)[ \t]?{_MORE}[ \t]?"
    rf"(?P<unit>(?:万亿|[千百]?亿|[千百十]?万|千)?{_MORE}元|(?:个(?!亿元))?{_BARE})"
)
_FOREIGN = re.compile(
    r"[ \t]?\(?(?:美元|欧元|港元|港币|日元|英镑|美金|加元|澳元|新台币|新加坡元|卢布|韩元)"
)
#: 三元正极材料, 二元结构, 一元复始: no money, though 元 stands behind a number.
_NO_MONEY = re.compile(
    r"(?:化|素|件|正极|前驱|锂|材料|结构|复始|钱包|店|机|旦|宵|电池|体系|方程|合金|催化|牛奶|猪|杂交)"
)
_MONEY_WORDS = re.compile(
    r"投资|[金资]额?|产值|收入|[税金费价款贷额]|融资|揽金|引资|节约|增加值|规模|奖励|补[助贴]|达|资产|总量|销售|利润|营收|合同|GDP"
)
_JOINT = re.compile(r"^[ \t]?(?:、|和|及|与|或|以及|或者|/)[ \t]?$")
#: A comma joins only what 分别 announces: 奖励10万元，1亿元以上的… are two things.
_COMMA = re.compile(r"^[ \t]?[,，][ \t]?$")
#: 由100万元提高到200万元: both are of one kind.
_RAISED = re.compile(
    r"^[ \t]?(?:\([^()]{0,8}\))?(?:提高|增加|上调|下调|调整|提升|降低|扩大|增|升|降)(?:到|至|为)(?:最高)?$"
)
_RANGE = re.compile(r"^[ \t]?(?:\([含不]{1,3}\))?(?:及?以上)?(?:至|到|-{1,3})[ \t]?(?:人民币)?$")
#: 100、50、30万元: numbers before the first one that has a unit, which is theirs too.
_LISTED = re.compile(r"(?<![\d.第])(?:\d+(?:\.\d+)?[ \t]?[亿万]?[ \t]?[、/和][ \t]?)+$")
_MEMBER = re.compile(r"(?<![\d.])(\d++(?:\.\d++)?)[ \t]?([亿万])?[ \t]?[、/和]")
#: 50至100万元: the first number of a range whose unit stands behind the second one only.
_LOWER = re.compile(r"(?<![\d.第-])(\d+(?:\.\d+)?)[ \t]?(亿|万)?[ \t]?(?:至|到|-{1,2})[ \t]?$")
_NEAR = 16
#: 限额1500元，退休人员2000元: who else gets it, and no word of what it is.
_CARRIED_OVER = frozenset({"cap", "unit"})
_ANOTHER_KIND = re.compile(
    r"^[,，、][ \t]?(?![^,，、]{0,9}(?:[投资产金税费价款额值奖补贷罚费收本入]|其中|最[高低]|[比较同]|[增减升降]|不[低少超]|[超达]过?))[\u4e00-\u9fff]{2,9}$"
)
#: A headline of two lines: how many, then how much.
_OPENS = re.compile(r"^(?:计划|协议)?(?:总投资|投资总|签约[金总])额?(?:达|超|约|为)?$")
_COUNTED = re.compile(r"\d[ \t]?(?:余|多)?(?:个|只|宗|家)[^,，。]{0,10}$|个[^,，。]{0,8}项目")
_LINE = 60
_SAME_BETWEEN = re.compile(
    r"^[^。\d]{0,6}[大小]写[^。\d]{0,8}$|^[^,，。\d]{0,10}[(:￥¥][^,，。\d]{0,6}$"
)


@dataclass(frozen=True, slots=True)
class _Sum:
    """A sum as written, from ``start`` to ``end`` of its sentence."""

    value: float
    unit: str
    start: int
    end: int
    #: Whether it is the lower or the upper end of a range, or neither.
    bound: str = ""

    @property
    def yuan(self) -> float:
        return round(self.value * _UNITS[self.unit], 2)


def read_amounts(reading: Reading) -> Iterator[Amount]:
    """Every amount in yuan as written; a list (100、30、20万元) gives each of its members."""
    for sentence in reading.sentences:
        if "元" in sentence.plain or "亿" in sentence.plain or "万" in sentence.plain or "¥" in sentence.plain or "￥" in sentence.plain:  # fmt: skip
            yield from _of_sentence(reading, sentence)
    yield from _of_cells(reading)


def _of_cells(reading: Reading) -> Iterator[Amount]:
    """Sums in the columns of a table; the head tells what they are."""
    for cell in reading.cells:
        if cell.unit in _UNITS:
            basis = basis_of(Context(cell.head, 0, len(cell.head), len(cell.head), len(cell.head)))
            yield Amount(
                value=cell.value,
                yuan=round(cell.value * _UNITS[cell.unit], 2),
                basis=basis,
                unit=cell.unit,
                sentence=reading.evidence(cell.start, cell.end),
            )


def _of_sentence(reading: Reading, sentence: Sentence) -> Iterator[Amount]:
    groups = _groups(sentence.plain)
    basis = ""
    for index, group in enumerate(groups):
        since = groups[index - 1][-1].end if index else 0
        until = groups[index + 1][0].start if index + 1 < len(groups) else len(sentence.plain)
        context = Context(sentence.plain, since, group[0].start, group[-1].end, until)
        if not (
            basis in _CARRIED_OVER and _ANOTHER_KIND.match(sentence.plain[since : context.start])
        ):
            basis = basis_of(_under_heading(reading, sentence, context))
        for one in group:
            what = basis
            if one.bound and basis != "unit":
                what = "floor" if one.bound == "lower" else "cap"
            start, end = sentence.start + one.start, sentence.start + one.end
            yield Amount(
                value=one.value,
                yuan=one.yuan,
                basis=what,
                unit=one.unit,
                sentence=reading.evidence(start, end),
            )


def _under_heading(reading: Reading, sentence: Sentence, context: Context) -> Context:
    """A first sum without a word of its own kind stands under the line above: 签约15个项目⏎总投资…."""
    if context.since or not _OPENS.match(sentence.plain[: context.start]):
        return context
    above = reading.plain[max(sentence.start - _LINE, 0) : sentence.start]
    lines = above.rstrip(" ").split("\n")
    heading = lines[-2].strip() if len(lines) > 1 and not lines[-1].strip() else ""
    if not _COUNTED.search(heading):
        return context
    text = f"{heading},{sentence.plain}"
    more = len(heading) + 1
    return Context(text, 0, context.start + more, context.end + more, context.until + more)


def _groups(text: str) -> list[list[_Sum]]:
    """The sums of a sentence; those that a list or a range joins are told of together."""
    groups: list[list[_Sum]] = []
    for one in _sums(text):
        if not groups:
            groups.append([one])
            continue
        group, last = groups[-1], groups[-1][-1]
        between = text[last.end : one.start]
        if _SAME_BETWEEN.match(between) and last.yuan == one.yuan:
            continue  # said again in figures: 伍拾万元整（￥500,000元）
        bounded = one.bound or last.bound
        if _RANGE.match(between) and last.yuan < one.yuan and not bounded:
            group[-1] = replace(last, bound="lower")
            group.append(replace(one, bound="upper"))
        elif _joined(text, group, one, between):
            group.append(one)
        else:
            groups.append([one])
    return groups


def _joined(text: str, group: list[_Sum], one: _Sum, between: str) -> bool:
    """Whether a sum belongs to the list or the range before it."""
    last = group[-1]
    if last.bound == "lower" and one.bound == "upper" and not between:
        return True
    if last.start == one.start or one.start < last.end:
        return True
    if _COMMA.match(between):
        return "分别" in text[max(group[0].start - 2 * _NEAR, 0) : group[0].start]
    return bool(_JOINT.match(between) or _RAISED.match(between))


def _sums(text: str) -> Iterator[_Sum]:
    near = 0
    for match in _MONEY.finditer(text):
        read = _read(text, match)
        if read is None:
            continue
        value, unit, start = read
        lower = _LOWER.search(text, max(near, start - _NEAR), start)
        ranged = lower is not None and _less(lower, unit, value)
        if lower and ranged:
            own = f"{lower[2]}元" if lower[2] else unit
            yield _Sum(float(lower[1]), own, lower.start(), start, "lower")
        else:
            yield from _listed(text, near, start, unit)
        yield _Sum(value, unit, start, match.end(), "upper" if ranged else "")
        near = match.end()


def _read(text: str, match: re.Match[str]) -> tuple[float, str, int] | None:
    """The value, the unit and the place of a match that is money in yuan."""
    if match["yi"]:
        return float(match["yi"]) * 10_000 + float(match["wan"]), "万元", match.start()
    for number, unit in (("headed", "head"), ("tailed", "tail"), ("signed", "")):
        if match[number]:
            value = read_number(match[number])
            return (
                None
                if value is None
                else (value, match[unit] if unit else "元", match.start(number))
            )
    unit = re.sub("[余多几个]", "", match["unit"])
    if not _is_money(text, match, match["number"], unit):
        return None
    value = read_number(match["number"])
    return (
        None if value is None else (value, unit if unit in _UNITS else f"{unit}元", match.start())
    )


def _listed(text: str, near: int, start: int, unit: str) -> Iterator[_Sum]:
    """The members of a list that share the unit of what follows them."""
    listed = _LISTED.search(text, max(near, start - 3 * _NEAR), start)
    for member in _MEMBER.finditer(listed.group()) if listed else ():
        own = f"{member[2]}元" if member[2] else unit
        yield _Sum(float(member[1]), own, listed.start() if listed else start, start)


def _less(lower: re.Match[str], unit: str, value: float) -> bool:
    own = f"{lower[2]}元" if lower[2] else unit
    return float(lower[1]) * _UNITS[own] < value * _UNITS[unit]


def _is_money(text: str, match: re.Match[str], number: str, unit: str) -> bool:
    """Whether a number and what looks like a unit of money are money in yuan."""
    if _FOREIGN.match(text, match.end()):
        return False
    if unit == "元" and _NO_MONEY.match(text, match.end()):
        return False
    if not unit.endswith("元"):
        return bool(_MONEY_WORDS.search(text[max(match.start() - _NEAR, 0) : match.start()]))
    if unit == "元" and not number[0].isdigit():
        # In words only what is a round sum: 三百元, not 三元.
        return len(number) > 1 and number[-1] in "十百千拾佰仟"
    return True
