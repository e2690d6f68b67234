"""Money that a text states: every amount in yuan, what it is, and its sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aggregator.model import Amount
from aggregator.normalise.sentences import cut, sentences

#: Thousands are parted by commas, or by a blank where a word of money stands before them: a
#: blank alone may part the cells of a table (1 300万元).
_DIGITS = (
    r"(?<!\d)\d{1,3}(?:[,，]\d{3})+(?!\d)(?:\.\d+)?"
    r"|(?<=[励助贴予资为达约超过高额计入积])\d{1,3}(?:[ \u00a0\u3000]\d{3})+(?!\d)(?:\.\d+)?"
    r"|\d+(?:\.\d+)?"
)
#: A number as a group of an expression, for ``read_number``.
NUMBER = f"({_DIGITS})"
_LISTED = re.compile(r"(?<![\d.第])(?:\d+(?:\.\d+)?\s*[亿万]?\s*[、/和]\s*)+$")
_UNITS = {"万亿元": 1e12, "亿元": 1e8, "亿": 1e8, "千万元": 1e7, "百万元": 1e6, "万元": 1e4, "万": 1e4, "千元": 1e3, "元": 1.0}  # fmt: skip
_MONEY = re.compile(
    rf"({_DIGITS}|[一二两三四五六七八九十百千]+)"
    r"\s*(万亿元|亿元|千万元|百万元|万元|千元|元|亿(?=[,，、。；\s]|$))(?!／|/?(?:美|欧|港|日))"
)
#: 50至100万元: the first number of a range whose unit stands behind the second one only.
_RANGED = re.compile(r"(?<![\d.第])(\d+(?:\.\d+)?)\s*(亿|万)?\s*(?:至|到|-|—|～|~|－)\s*$")
_WIDEST_RANGE = 16
_MEMBER = re.compile(r"(\d+(?:\.\d+)?)\s*(亿|万)?\s*[、/和]\s*")
_UP_TO = re.compile(r"\s*[至到—～~-]\s*\d[\d.,]*\s*(?:万|亿|元)")
_NO_YUAN = re.compile(r"\s*(?:吨|美元|欧元|港元|日元|化|素|件)")
_PER = re.compile(
    r"^\s*(?:/|／|每)\s*(?:平方米|平米|㎡|亩|人|月|年|家|个|户|吨|千瓦|度|台|次|天|日|件)|^\s*/"
)
_AGGREGATE = re.compile(
    r"\d+\s*(?:个|项|家)[^。；]{0,20}(?:项目|企业)|累计|合计|总额|协议引资|到位资金|全(?:区|市|县|省)|集中(?:签约|开工)|总量|年度投资计划|共计|总投资超?\d[^。]{0,12}个项目"
)
_SCALES = {"千": 1000, "百": 100, "十": 10, "": 1}
_HAN = {c: n for n, c in enumerate("零一二三四五六七八九")}


def amounts(text: str) -> Iterator[Amount]:
    """Every amount in yuan as written; a list (100、30、20万元) gives each of its members."""
    for sentence in sentences(text):
        if "元" not in sentence and "亿" not in sentence:
            continue
        yield from _of_sentence(sentence)


def _of_sentence(sentence: str) -> Iterator[Amount]:
    near, basis = 0, "other"
    for match in _MONEY.finditer(sentence):
        after = sentence[match.end() : match.end() + 8]
        if _NO_YUAN.match(after):
            continue
        listed = _LISTED.search(sentence, near, match.start())
        start = listed.start() if listed else match.start()
        before = sentence[max(start - 24, 0) : start]
        between = sentence[near:start].strip()
        if near and between in {"、", "和", "及", "或", ",", "，"}:
            # A list says once what its members are: 突破10亿元、50亿元.
            basis = "unit" if _PER.match(after) else basis
        elif near and between in {"至", "到", "-", "—", "～", "~"}:
            basis = "cap"
        elif _UP_TO.match(after) and not _PER.match(after):
            basis = "floor"
        else:
            basis = _basis(before, after, sentence, near_start=near, at=start)
        evidence = cut(sentence, match.start())
        lower = None if listed else _lower(sentence, near, match)
        members = [(*one, basis) for one in _members(listed, match.group(2))]
        if lower:
            basis = _basis(before, after, sentence, near_start=near, at=lower[2])
            members = [(*lower[:2], "unit" if basis == "unit" else "floor")]
            basis = "unit" if basis == "unit" else "cap"
        for number, unit, what in (*members, (*match.groups(), basis)):
            value = read_number(number)
            if value is not None:
                yuan = round(value * _UNITS[unit], 2)
                yield Amount(value=value, yuan=yuan, basis=what, unit=unit, sentence=evidence)
        near = match.end()


def _members(listed: re.Match[str] | None, unit: str) -> Iterator[tuple[str, str]]:
    """The numbers before the last one of a list, which alone carries the unit."""
    for member in _MEMBER.finditer(listed.group() if listed else ""):
        yield member.group(1), f"{member.group(2)}元" if member.group(2) else unit


def _lower(sentence: str, near: int, match: re.Match[str]) -> tuple[str, str, int] | None:
    """The lower end of a range, its unit and its place: less than the upper end, or no range."""
    found = _RANGED.search(sentence, max(near, match.start() - _WIDEST_RANGE), match.start())
    upper = read_number(match.group(1))
    if found is None or upper is None:
        return None
    unit = f"{found.group(2)}元" if found.group(2) else match.group(2)
    value = read_number(found.group(1))
    if value is None or value * _UNITS[unit] >= upper * _UNITS[match.group(2)]:
        return None
    return found.group(1), unit, found.start()


def _basis(before: str, after: str, sentence: str, *, near_start: int, at: int) -> str:
    """What an amount of money is, told by the words around it."""
    close = sentence[max(near_start, at - 14) : at] or before
    carried = sentence[max(at - 40, 0) : at]
    rules = (
        ("unit", bool(_PER.match(after)) or re.search(r"每(?:人|家|户|亩|平方米|月|年|吨|个|千瓦时?|台|次|天|日|件|度)(?![^，。；]*(?:最高|不超|最多|封顶|上限))[^，。；]{0,8}$", close)),
        ("cap", re.search(r"最高|不超过|不高于|上限|封顶|以内|至多|最多|累计不超", carried[-26:]) and not re.search(r"最低|不低于", carried[-12:])),
        ("other", re.search(r"(?:产值|税收|营收|销售收入)[^，。；]{0,6}(?:可|将|预计|实现|达)[^，。；]{0,6}$", close)),
        ("floor", re.search(r"突破\s*$", close)),
        ("aggregate", re.search(r"(?:首期|资金|基金|总)规模[^，。；]{0,4}$", close)),
        ("floor", re.search(r"不低于|不少于|至少|超过|以上|达到|高于|最低|满|突破", close[-10:]) and re.match(r"\s*(?:[（(]含|以上|的)?", after) and re.search(r"不低于|不少于|最低|至少|达到|高于", close)),
        ("floor", re.match(r"\s*(?:[（(]含[^）)]{0,6}[）)])?\s*(?:及)?以上", after)),
        ("aggregate", _AGGREGATE.search(sentence) and re.search(r"投资|引资|签约|项目|资金|产值", carried)),
        ("investment", re.search(r"总投资|投资|固定资产投资|注册资本", carried[-18:])),
        ("fixed", re.search(r"奖励|补助|补贴|给予|资助|奖补|发放|支持|扶持|分别|一次性", carried)),
    )  # fmt: skip
    return next((name for name, holds in rules if holds), "other")


def read_number(text: str) -> float | None:
    """A number in figures, its thousands parted or not, or in words; None for what is none."""
    figures = re.sub(r"[,，\s]", "", text)
    if re.match(r"0\d", figures):
        return None  # the rest of a number whose beginning was not understood
    try:
        return float(figures)
    except ValueError:
        return _spelled(text)


def _spelled(text: str) -> float | None:
    """Numbers in words up to 九千九百九十九; None for what is none (百, 千 alone)."""
    total = 0
    for digit, scale in re.findall(r"([一二两三四五六七八九]?)([千百十]?)", text):
        if digit or scale == "十":
            total += _HAN.get(digit.replace("两", "二"), 1) * _SCALES[scale]
    return float(total) if total else None
