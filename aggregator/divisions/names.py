"""Finding divisions by name: full and short names, zones and their aliases, in running text.

The longest name wins, never a bare substring (城区 stands in 东城区). A name that several divisions
bear is resolved by what else the text names, else by the source's own region, else left open
(DOMAIN.md §12).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from importlib.resources import files

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
_SHORTEST = 2
#: Provinces by one character: only where the word before or after says so (援赣, 来渝, 渝府发).
_CHARACTERS = {
    "京": "110000", "津": "120000", "冀": "130000", "晋": "140000", "辽": "210000", "吉": "220000",
    "黑": "230000", "沪": "310000", "苏": "320000", "浙": "330000", "皖": "340000", "闽": "350000",
    "赣": "360000", "鲁": "370000", "豫": "410000", "鄂": "420000", "湘": "430000", "粤": "440000",
    "桂": "450000", "琼": "460000", "渝": "500000", "川": "510000", "蜀": "510000", "黔": "520000",
    "滇": "530000", "陕": "610000", "陇": "620000", "邕": "450100", "蓉": "510100", "穗": "440100",
    "甬": "330200",
}  # fmt: skip
_CHARACTER = re.compile(
    "(?:(?<=[援赴来驻抵])|(?<=走进)|(?<=落户)|(?<=落地)|(?<=投资)|(?<=布局))(["
    + "".join(_CHARACTERS)
    + "])(?![\u4e00-\u9fff]?[州江河山县区市])"
)
#: 渝府发, 沪府规, 苏政办发: a document's 代字 begins with its province's character.
_ISSUING = re.compile(
    r"^([京津冀晋辽沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川黔陕])(?=[府政委办经发财科工人建商])"
)
#: 杭州 numbers its land sales by district: 余政储出.
_LAND = {"杭政储出": "330100", "余政储出": "330110", "萧政储出": "330109", "富政储出": "330111"}
_STREETS = (
    "路", "街", "大道", "镇", "乡", "村", "站", "桥", "中学", "小学", "大学", "学院", "银行", "籍",
    "话", "菜", "机场", "国际机场", "啤酒",
)  # fmt: skip
_WATERS = "河江湖溪沟山岭"
_ABROAD = frozenset({"710000", "810000", "820000"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A name that stands in a text, and what it may mean; one code when it is clear.

    ``weak`` names are words of their own (白云, 商城): they count beside their parent only.
    """

    name: str
    start: int
    codes: tuple[str, ...]
    full: bool
    weak: bool = False

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self.name)


@dataclass(frozen=True, slots=True)
class _Entry:
    code: str
    full: bool
    weak: bool = False


@dataclass(frozen=True, slots=True)
class _Index:
    names: dict[str, tuple[_Entry, ...]]
    by_first: dict[str, tuple[int, ...]]


def short_name(division: Division) -> str | None:
    """A name without its suffix (江津, 道真), or None where that is no name."""
    if division.is_zone:
        return None
    stem = _SUFFIX.sub("", division.name)
    if division.name.endswith(("自治县", "自治州", "自治旗")) and len(stem) > _SHORTEST:
        stem = _PEOPLES.sub("", stem) or stem
    return stem if len(stem) >= _SHORTEST else None


def _middle_names(division: Division) -> tuple[str, ...]:
    """What people say for an autonomous unit's whole name (道真县, 道真自治县, 海南州)."""
    stem = short_name(division)
    last = division.name[-3:]
    if stem is None or last not in {"自治州", "自治县", "自治旗"}:
        return ()
    return (stem + last[-1], stem + last)


def find(text: str, *, prior: str | None = None, on: date | None = None) -> tuple[Mention, ...]:
    """Every division named in a text, each resolved as far as it can be.

    Args:
        text: a title or a sentence.
        prior: the source's own region, which decides between namesakes.
        on: the day of the text: names are those of that day (两江新区 was a zone until 2025-11-06).
    """
    mentions = _in_company(list(_scan(text)), prior)
    sure = {code for m in mentions if len(m.codes) == 1 for code in roll(m.codes[0])}
    anchors = sure | (set(roll(prior)) if prior else set())
    narrowed = [
        replace(
            m, codes=m.codes if len(m.codes) == 1 else _narrow(m.codes, sure, anchors, prior, on)
        )
        for m in mentions
    ]
    return tuple(_without_strays(narrowed))


def regions_in(text: str, *, prior: str | None = None, on: date | None = None) -> tuple[str, ...]:
    """Codes of the divisions that a text is about, the most special only, in order."""
    codes = [m.codes[0] for m in find(text, prior=prior, on=on) if len(m.codes) == 1]
    home = [code for code in codes if code not in _ABROAD]
    # 台湾 beside a mainland place says where the money comes from.
    codes = home or codes
    above = {up for code in codes for up in roll(code) if up != code}
    return tuple(dict.fromkeys(code for code in codes if code not in above))


def issuing(number: str) -> str | None:
    """The division whose 代字 begins a document number (渝府发, 江津府发), if it is clear.

    津 alone is 天津, though 江津府发 is not: the longer name wins.
    """
    head = re.split(r"[〔\[（(]", number)[0]
    named = [m for m in find(head) if m.start == 0 and len(m.codes) == 1]
    if named:
        return named[0].codes[0]
    one = _ISSUING.match(head)
    return _CHARACTERS[one.group(1)] if one else None


def resolve(name: str, *, prior: str | None = None, on: date | None = None) -> Division | None:
    """What an operator means by a code or name (500116, 江津区, 重庆-江津区), if it is clear."""
    word = name.strip()
    if get(word):
        return get(word)
    codes = regions_in(re.sub(r"[-·>\s/|]+", " ", word), prior=prior, on=on)
    return get(codes[0]) if len(codes) == 1 else None


def _scan(text: str) -> Iterator[Mention]:
    """Names from left to right, the longest at each place; words that only hold one are skipped."""
    index = _index(tuple(one.code for one in invented()))
    single = {m.start(1): m.group(1) for m in _CHARACTER.finditer(text)}
    position = 0
    while position < len(text):
        found = _longest(text, position, index)
        if found is None and position in single:
            name = single[position]
            found = Mention(name=name, start=position, codes=(_CHARACTERS[name],), full=False)
        if found is None:
            position += 1
            continue
        if found.codes:
            yield found
        position = found.end


def _longest(text: str, start: int, index: _Index) -> Mention | None:
    for length in index.by_first.get(text[start], ()):
        name = text[start : start + length]
        entries = index.names.get(name)
        if entries is None:
            continue
        full = any(entry.full for entry in entries)
        chosen = [entry for entry in entries if entry.full == full]
        if chosen and not _stands_alone(text, start, name, full=full):
            continue
        return Mention(
            name=name,
            start=start,
            codes=tuple(dict.fromkeys(entry.code for entry in chosen)),
            full=full,
            weak=bool(chosen) and all(entry.weak for entry in chosen),
        )
    return None


def _stands_alone(text: str, start: int, name: str, *, full: bool) -> bool:
    """Whether a name is not a piece of another word around it."""
    if full:
        return True
    # 江津路, 南京东路, 贵州大学: a street or a thing that is named after the place; 大沙河: a river.
    after = text[start + len(name) : start + len(name) + 4]
    if after.startswith(_STREETS) or re.match(
        r"[东南西北中]?[一二三]?路(?!线)|[东南西北]街", after
    ):
        return False
    return not (text[start - 1 : start] in {"大", "小"} and name[-1] in _WATERS)


def _in_company(mentions: list[Mention], prior: str | None) -> list[Mention]:
    """Weak names only where they stand directly behind a division that they lie in (广州白云).

    Names that are places only, but shared (朝阳), count in a source of theirs or above, too.
    """
    kept: list[Mention] = []
    for one in mentions:
        if not one.weak:
            kept.append(one)
            continue
        before = kept[-1] if kept and kept[-1].end == one.start else None
        above = set(before.codes) if before else set()
        if prior and (prior in one.codes or _words().get(one.name) == "shared"):
            above.add(prior)
        inside = tuple(code for code in one.codes if above & {code, *_upward(code)})
        if inside:
            kept.append(replace(one, codes=inside))
    return kept


def _without_strays(mentions: list[Mention]) -> Iterator[Mention]:
    """Leave out a short county name right behind a place of another province.

    江津白沙 is a town of 江津 that shares its name with a county elsewhere.
    """
    before: Mention | None = None
    for one in mentions:
        stray = (
            before is not None
            and before.end == one.start
            and not one.full
            and len(before.codes) == 1
            and all((d := get(code)) and d.level == "county" for code in one.codes)
            and not any(code[:2] == before.codes[0].lstrip("Z")[:2] for code in one.codes)
        )
        if not stray:
            yield one
        before = one


def _narrow(
    codes: tuple[str, ...],
    sure: set[str],
    anchors: set[str],
    prior: str | None,
    on: date | None,
) -> tuple[str, ...]:
    """Those of several namesakes that fit what else is known, and the day."""
    if prior in codes:
        return (prior,)
    hosts = [code for code in codes if not code.startswith("Z")]
    if len(hosts) == 1 and all(hosts[0] in _upward(code) for code in codes if code != hosts[0]):
        return tuple(hosts)  # 滨海新区 is a zone and the district that it became
    heirs = {d.successor for code in codes if (d := get(code)) and d.successor}
    if on is None and heirs & set(codes):
        # A unit and what it became bear one name (两江新区): without a day, today's.
        codes = tuple(code for code in codes if (d := get(code)) and d.valid_to is None)
    alive = tuple(code for code in codes if (d := get(code)) and (on is None or d.valid_on(on)))
    for known in (sure, anchors):
        for some in (alive, codes):
            near = {code: len(known & set(_upward(code))) for code in some}
            best = max(near.values(), default=0)
            fitting = [code for code, count in near.items() if count == best]
            if best and len(fitting) == 1:
                return tuple(fitting)
    return alive or codes


def _upward(code: str) -> tuple[str, ...]:
    """What contains a division, by its own parents: not what its area belongs to since."""
    above: list[str] = []
    one = get(code)
    while one and one.parent:
        above.append(one.parent)
        one = get(one.parent)
    return tuple(above)


@cache
def _index(invented_codes: tuple[str, ...]) -> _Index:
    del invented_codes  # the key: the index is made anew when divisions were invented
    names: dict[str, list[_Entry]] = defaultdict(list)
    words = _words()
    everything = (*shipped().values(), *invented())
    for one in everything:
        for name in (one.name, *one.aliases, *_middle_names(one)):
            names[name].append(_Entry(one.code, full=True, weak=words.get(name) == "weak"))
    for one in everything:
        stem = short_name(one)
        if stem and (one.valid_to is None or stem not in names):
            weak = words.get(stem) in {"weak", "shared"} and one.level != "province"
            names[stem].append(_Entry(one.code, full=False, weak=weak))
    for name, code in _LAND.items():
        names[name].append(_Entry(code, full=True))
    merged = {name: _preferred(entries) for name, entries in names.items()}
    merged |= {word: () for word, what in words.items() if what == "decoy"}
    lengths: dict[str, set[int]] = defaultdict(set)
    for name in merged:
        lengths[name[0]].add(len(name))
    return _Index(
        names=merged,
        by_first={first: tuple(sorted(all_, reverse=True)) for first, all_ in lengths.items()},
    )


def _preferred(entries: list[_Entry]) -> tuple[_Entry, ...]:
    """A short name that a province or city bears is theirs before a county's (吉林, 南京)."""
    if any(one.full for one in entries) or all(one.weak for one in entries):
        return tuple(entries)
    levels = {one.code: d.level for one in entries if (d := get(one.code))}
    alive = {one.code for one in entries if (d := get(one.code)) and d.valid_to is None}
    for level in ("province", "city"):
        high = [one for one in entries if levels[one.code] == level]
        if high:
            return tuple([one for one in high if one.code in alive] or high)
    return tuple(entries)


@cache
def _words() -> dict[str, str]:
    """Words that look like places: ``weak`` names and ``decoy`` words that only hold one.

    ``shared`` names are weak, too, but are nothing else than places.
    """
    text = (files("aggregator.divisions") / "words.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines()[1:] if line)
    return {word: what for word, what in rows}  # noqa: C416  # rows are lists, which dict() mistypes
