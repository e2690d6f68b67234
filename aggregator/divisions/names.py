"""Finding divisions by name: full and short names, zones and their aliases, in running text.

The longest name wins, never a bare substring (城区 stands in 东城区). A name that several divisions
bear is resolved by what else the text names, else by the source's own region, else left open
(DOMAIN.md §12).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache

from aggregator.divisions.table import Division, get, invented, roll, shipped

_SUFFIX = re.compile(
    r"(?:特别行政区|(?:维吾尔|壮族|回族)?自治区|自治州|自治县|自治旗|地区|林区|特区|新区|省|市|区|县|旗|盟)$"
)
_PEOPLES = re.compile(
    r"(?:蒙古族|回族|藏族|维吾尔|苗族|彝族|壮族|布依族|朝鲜族|满族|侗族|瑶族|白族|土家族|哈尼族|哈萨克|傣族|黎族|"
    r"傈僳族|佤族|畲族|拉祜族|水族|东乡族|纳西族|景颇族|柯尔克孜|土族|达斡尔族?|仫佬族|羌族|布朗族|撒拉族|毛南族|"
    r"仡佬族|锡伯|阿昌族|普米族|塔吉克|怒族|鄂温克族?|德昂族|保安族|裕固族|独龙族|各族|蒙古)+$"
)
#: Short names that are words of their own: they name a place only with their suffix.
_WORDS = frozenset(
    "和平 新华 河东 河西 城区 郊区 城中 城关 城东 城西 城北 新城 新兴 东方 东区 西区 向阳 前进 平安 安定 友谊 建设 "
    "团结 文明 红旗 工农 铁西 铁东 长安 解放 光明 青年 永定 永安 安居 合作 通道 大安 太和 太平 中心 中站 文化 "
    "富裕 延长 南关 宽城 道里 道外 南岗 平房 香坊 双塔 龙华 南山 白云 新建 市中 市南 市北 开平 大通 大方 高新 "
    "新区 东城 西城 江东 江南 江北 山区 石鼓 湖里 新市 中原 金水 龙门 武陵 鼓楼 云龙 通化 同心 永和 长治 兴业 "
    "东升 南开 红桥 中山 集美 海城 上城 下城 凤凰 兴安 富民 安全 永平 大同 万年 新民 新乐 清新 南部 安乡 安化 "
    "金牛 青羊 锦江 成华 新河 中阳 延平 和顺 和县 海安 兴国 会同 同安 进贤 大余 民权 民和 民乐 乐业 宣传 资源 "
    "理县 公安 保定 东海 西湖 沙湾 东风 东港 港口 江海 海港 海州 新洲 黄岩 宝山 宝安 海勤 振兴 元宝 五一 伊通".split()
)
_KEEP = frozenset({"中山", "保定", "大同", "长治"})
_SHORTEST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A name that stands in a text, and what it may mean; one code when it is clear."""

    name: str
    start: int
    codes: tuple[str, ...]
    full: bool


@dataclass(frozen=True, slots=True)
class _Index:
    names: dict[str, tuple[tuple[str, bool], ...]]
    by_first: dict[str, tuple[int, ...]]


def short_name(division: Division) -> str | None:
    """A name without its suffix (江津, 道真), or None where that is no name."""
    if division.is_zone:
        return None
    stem = _SUFFIX.sub("", division.name)
    if division.name.endswith(("自治县", "自治州", "自治旗")) and len(stem) > _SHORTEST:
        stem = _PEOPLES.sub("", stem) or stem
    if len(stem) < _SHORTEST or (stem in _WORDS and stem not in _KEEP):
        return None
    return stem


def find(text: str, *, prior: str | None = None, on: date | None = None) -> tuple[Mention, ...]:
    """Every division named in a text, each resolved as far as it can be.

    Args:
        text: a title or a sentence.
        prior: the source's own region, which decides between namesakes.
        on: the day of the text: names are those of that day (两江新区 was a zone until 2025-11-06).
    """
    mentions = list(_scan(text, on))
    sure = {code for m in mentions if len(m.codes) == 1 for code in roll(m.codes[0])}
    anchors = sure | (set(roll(prior)) if prior else set())
    return tuple(
        Mention(
            name=m.name,
            start=m.start,
            codes=m.codes if len(m.codes) == 1 else _narrow(m.codes, sure, anchors, prior),
            full=m.full,
        )
        for m in mentions
    )


def regions_in(text: str, *, prior: str | None = None, on: date | None = None) -> tuple[str, ...]:
    """Codes of the divisions that a text is about, the most special only, in order."""
    codes = [m.codes[0] for m in find(text, prior=prior, on=on) if len(m.codes) == 1]
    above = {up for code in codes for up in roll(code) if up != code}
    return tuple(dict.fromkeys(code for code in codes if code not in above))


def resolve(name: str, *, prior: str | None = None, on: date | None = None) -> Division | None:
    """What an operator means by a code or name (500116, 江津区, 重庆-江津区), if it is clear."""
    word = name.strip()
    if get(word):
        return get(word)
    codes = regions_in(re.sub(r"[-·>\s/|]+", " ", word), prior=prior, on=on)
    return get(codes[0]) if len(codes) == 1 else None


def _scan(text: str, on: date | None) -> Iterable[Mention]:
    index = _index(tuple(one.code for one in invented()))
    position = 0
    while position < len(text):
        found = _longest(text, position, index, on)
        if found is None:
            position += 1
            continue
        yield found
        position = found.start + len(found.name)


def _longest(text: str, start: int, index: _Index, on: date | None) -> Mention | None:
    for length in index.by_first.get(text[start], ()):
        name = text[start : start + length]
        entries = index.names.get(name)
        if not entries or not _stands_alone(text, start, name, full=entries[0][1]):
            continue
        alive = [(c, f) for c, f in entries if (d := get(c)) and d.valid_on(on)]
        chosen = alive or list(entries)
        full = any(f for _, f in chosen)
        codes = tuple(dict.fromkeys(c for c, f in chosen if f == full))
        return Mention(name=name, start=start, codes=codes, full=full)
    return None


def _stands_alone(text: str, start: int, name: str, *, full: bool) -> bool:
    """Whether a name is not a piece of another word around it."""
    after = text[start + len(name) : start + len(name) + 2]
    if not full:
        # 江津路, 南京东路, 上海话: a street or a thing that is named after the place.
        return not after.startswith(("路", "街", "大道", "镇", "乡", "村", "站", "桥", "港区"))
    return True


def _narrow(
    codes: tuple[str, ...], sure: set[str], anchors: set[str], prior: str | None
) -> tuple[str, ...]:
    """Those of several namesakes that fit what else is known."""
    if prior:
        own = [code for code in codes if code == prior]
        if own:
            return tuple(own)
    for known in (sure, anchors):
        fitting = [code for code in codes if any(up in known for up in roll(code) if up != code)]
        if len(fitting) == 1:
            return tuple(fitting)
    return codes


@cache
def _index(invented_codes: tuple[str, ...]) -> _Index:
    del invented_codes  # the key: the index is made anew when divisions were invented
    names: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    everything = (*shipped().values(), *invented())
    for one in everything:
        for name in (one.name, *one.aliases):
            names[name].append((one.code, True))
    for one in everything:
        stem = short_name(one)
        if stem and (one.valid_to is None or stem not in names):
            names[stem].append((one.code, False))
    merged = {name: _preferred(entries) for name, entries in names.items()}
    lengths: dict[str, set[int]] = defaultdict(set)
    for name in merged:
        lengths[name[0]].add(len(name))
    return _Index(
        names=merged,
        by_first={first: tuple(sorted(all_, reverse=True)) for first, all_ in lengths.items()},
    )


def _preferred(entries: list[tuple[str, bool]]) -> tuple[tuple[str, bool], ...]:
    """A short name that a city or province bears is theirs before a county's (吉林, 南京)."""
    if any(full for _, full in entries):
        return tuple(entries)
    high = [one for one in entries if (d := get(one[0])) and d.level in {"province", "city"}]
    cities = [one for one in high if (d := get(one[0])) and d.level == "city"]
    return tuple(cities or high or entries)
