"""Places as people write them in an address: names or codes from the province down."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache

from aggregator.divisions.index import names_of, short_name, words
from aggregator.divisions.pinyin import plain, spellings
from aggregator.divisions.table import MUNICIPALITIES, Division, get, invented, shipped

#: No place has more levels, and no name is longer.
DEEPEST = 5
LONGEST = 60
_ZONE = re.compile(r"[zZ]\d{8}")
#: What GB/T 2260 numbers between a province and what it governs directly: no division.
_BETWEEN = re.compile(r"(\d\d)(?:01|02|90)00")
_CHINESE = re.compile(r"[\u4e00-\u9fff]+")
_SHORTEST = 2


def heir(code: str) -> str:
    """What a division's area belongs to today; its own code when it exists."""
    seen: set[str] = set()
    one = get(code)
    while one and one.successor and code not in seen:
        seen.add(code)
        code = one.successor
        one = get(code)
    return code


def whole_code(word: str) -> str | None:
    """The code of a division or zone, written short (50, 5001) or long (500116000000) as well."""
    if _ZONE.fullmatch(word):
        code = word.upper()
    elif word.isascii() and word.isdigit() and len(word) in {2, 4, 6, 9, 12}:
        code, rest = word[:6].ljust(6, "0"), word[6:]
        if rest.strip("0"):
            return None  # a town or a village
        between = _BETWEEN.fullmatch(code)
        if between and get(code) is None:
            code = between[1] + "0000"
    else:
        return None
    return code if get(code) else None


def called(path: Sequence[str]) -> tuple[str, ...]:
    """Codes of what a path of names means: one when it is clear, none when nothing is called so.

    Names are Chinese or pinyin, whole or short, or codes, from the province down; levels may
    be left out (chongqing/jiangjin, 重庆市/江津区, jiangjin, 50/jiangjin). Abolished divisions
    stand for what they became. A name that several bear means that which contains the others
    (长沙 the city, not its county), else the province or the one city of that name (海南, 西安),
    unless it is a word that many share (朝阳); of those that only sound alike, none (台州, 泰州).
    """
    names = [plain(word) if whole_code(word) is None else word for word in path]
    if not names or len(names) > DEEPEST or any(not 0 < len(name) <= LONGEST for name in names):
        return ()
    found = dict.fromkeys(
        heir(code) for way in _ways(names) for code in _bearers(way[-1]) if _lies_in(code, way[:-1])
    )
    return _chief(tuple(found))


def _chief(codes: tuple[str, ...]) -> tuple[str, ...]:
    """The one of several namesakes that bears the name before the others, else all of them."""
    for code in codes:
        if all(code == other or code in _above(other) for other in codes):
            return (code,)
    named = {short_name(one) for code in codes if (one := get(code))}
    if len(named) == 1:
        for level, shared in (("province", False), ("city", True)):
            high = [code for code in codes if (one := get(code)) and one.level == level]
            if len(high) == 1 and not (shared and named & words().keys()):
                return tuple(high)
    return codes


def _ways(names: list[str]) -> Iterator[list[str]]:
    """The names, and those that are several Chinese ones in one taken apart (重庆市江津区)."""
    yield names
    last = names[-1]
    if _bearers(last) or not _CHINESE.fullmatch(last) or len(names) == DEEPEST:
        return
    for length in range(_SHORTEST, len(last) - 1):
        if _bearers(last[:length]):
            yield from _ways([*names[:-1], last[:length], last[length:]])


def _bearers(word: str) -> tuple[str, ...]:
    code = whole_code(word)
    return (code,) if code else _index(tuple(one.code for one in invented())).get(word, ())


def _lies_in(code: str, names: Sequence[str]) -> bool:
    """Whether a division lies in places of these names, in their order."""
    above = iter(_above(code))
    return all(any(up in _bearers(name) for up in above) for name in reversed(names))


def _above(code: str) -> list[str]:
    """What contains a division, from near to far; a municipality stands for its city, too."""
    above: list[str] = []
    one = get(code)
    if one and code in MUNICIPALITIES:
        return [code]
    while one and one.parent:
        above.append(one.parent)
        if one.parent in MUNICIPALITIES:
            above.append(one.parent)
        one = get(one.parent)
    return above


@cache
def _index(invented_codes: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    del invented_codes  # the key: the index is made anew when divisions were invented
    bearers: dict[str, dict[str, None]] = defaultdict(dict)
    for one in (*shipped().values(), *invented()):
        for word in _written(one):
            bearers[word][one.code] = None
    return {word: tuple(codes) for word, codes in bearers.items()}


def _written(one: Division) -> Iterator[str]:
    for name in names_of(one):
        yield plain(name)
        yield from spellings(name)
