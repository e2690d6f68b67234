"""Every name that a division or zone goes by, and which of them are words of their own."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from aggregator.divisions.table import Division, get, invented, shipped

_SUFFIX = re.compile(
    r"(?:特别行政区|(?:维吾尔|壮族|回族)?自治区|自治州|自治县|自治旗|地区|林区|特区|新区|省|市|区|县|旗|盟)$"
)
_PEOPLES = re.compile(
    r"(?:蒙古族|回族|藏族|维吾尔|苗族|彝族|壮族|布依族|朝鲜族|满族|侗族|瑶族|白族|土家族|哈尼族|哈萨克|傣族|黎族|"
    r"傈僳族|佤族|畲族|拉祜族|水族|东乡族|纳西族|景颇族|柯尔克孜|土族|达斡尔族?|仫佬族|羌族|布朗族|撒拉族|毛南族|"
    r"仡佬族|锡伯|阿昌族|普米族|塔吉克|怒族|鄂温克族?|德昂族|保安族|裕固族|独龙族|各族|蒙古)+$"
)
_SHORTEST = 2


@dataclass(frozen=True, slots=True)
class Entry:
    """A division that a name may mean. ``weak`` names are words of their own; ``lesser``
    ones give way to a province or city of that name, except on their own portal.
    """

    code: str
    full: bool
    weak: bool = False
    lesser: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    """Names with what they may mean (nothing: a word that only holds a name)."""

    names: dict[str, tuple[Entry, ...]]
    by_first: dict[str, tuple[int, ...]]


def short_name(division: Division) -> str | None:
    """A name without its suffix (江津, 道真), or None where that is no name."""
    if division.is_zone:
        return None
    stem = _SUFFIX.sub("", division.name)
    if division.name.endswith(("自治县", "自治州", "自治旗")) and len(stem) > _SHORTEST:
        stem = _PEOPLES.sub("", stem) or stem
    return stem if len(stem) >= _SHORTEST else None


def names_of(division: Division) -> tuple[str, ...]:
    """Everything that people write for a division: whole, short and other names.

    A zone is called by the rest of its name as well where its host goes before (合肥/高新区).
    """
    short = short_name(division)
    names = [
        division.name,
        *division.aliases,
        *_middle_names(division),
        *([short] if short else ()),
    ]
    if division.is_zone:
        host = get(division.parent)
        before = (host.name, short_name(host) or host.name) if host else ()
        names += [name.removeprefix(word) for name in names for word in before]
        # 雄安, 西咸: no other zone is called by less than its name.
        whole = division.name
        if whole.endswith(("新区", "新城")) and whole[:-2] not in before:
            names.append(whole[:-2])
    return tuple(dict.fromkeys(name for name in names if len(name) >= _SHORTEST))


def index() -> Index:
    """The index of what is shipped and what was invented so far."""
    return _index(tuple(one.code for one in invented()))


@cache
def words() -> dict[str, str]:
    """Words that look like places: ``weak`` names and ``decoy`` words that only hold one.

    ``shared`` names are weak, too, but are nothing else than places. A ``before`` is a word of
    two characters, the second of which begins no name there (召开江津区 names no 开江).
    """
    text = (files("aggregator.divisions") / "words.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines()[1:] if line)
    return {word: what for word, what in rows}  # noqa: C416  # rows are lists, which dict() mistypes


def _middle_names(division: Division) -> tuple[str, ...]:
    """What people say for an autonomous unit's whole name (道真县, 道真自治县, 海南州, 鄂温克旗)."""
    stem = short_name(division)
    last = division.name[-3:]
    if stem is None or last not in {"自治州", "自治县", "自治旗"}:
        return ()
    return (stem + last[-1], stem + last, stem.removesuffix("族") + last[-1])


@cache
def _index(invented_codes: tuple[str, ...]) -> Index:
    del invented_codes  # the key: the index is made anew when divisions were invented
    names: dict[str, list[Entry]] = defaultdict(list)
    known = words()
    everything = (*shipped().values(), *invented())
    # 江津 is the district, not the city that it was; but 重庆江北 still means what is no more.
    present = {(short_name(one), one.parent) for one in everything if one.valid_to is None}
    for one in everything:
        for name in (one.name, *one.aliases, *_middle_names(one)):
            names[name].append(Entry(one.code, full=True, weak=known.get(name) == "weak"))
    for one in everything:
        stem = short_name(one)
        if not stem or (one.valid_to and (stem, one.parent) in present):
            continue
        if one.valid_to is None or stem not in names or known.get(stem) in {"weak", "shared"}:
            weak = known.get(stem) in {"weak", "shared"} and one.level != "province"
            names[stem].append(Entry(one.code, full=False, weak=weak))
    merged = {name: _preferred(entries) for name, entries in names.items()}
    merged |= {word: () for word, what in known.items() if what == "decoy"}
    lengths: dict[str, set[int]] = defaultdict(set)
    for name in merged:
        lengths[name[0]].add(len(name))
    return Index(
        names=merged,
        by_first={first: tuple(sorted(all_, reverse=True)) for first, all_ in lengths.items()},
    )


def _preferred(entries: list[Entry]) -> tuple[Entry, ...]:
    """A short name that a province or city bears is theirs before a county's (吉林, 南京)."""
    if any(one.full for one in entries) or all(one.weak for one in entries):
        return tuple(entries)
    levels = {one.code: d.level for one in entries if (d := get(one.code))}
    alive = {one.code for one in entries if (d := get(one.code)) and d.valid_to is None}
    for level in ("province", "city"):
        high = [one for one in entries if levels[one.code] == level]
        if high:
            chosen = [one for one in high if one.code in alive] or high
            rest = [one for one in entries if one not in chosen]
            return (
                *chosen,
                *(Entry(one.code, full=False, weak=one.weak, lesser=True) for one in rest),
            )
    return tuple(entries)
