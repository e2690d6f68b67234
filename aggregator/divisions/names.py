"""Finding divisions by name: full and short names, zones and their aliases, in running text.

The longest name wins, never a bare substring (城区 stands in 东城区). A name that several divisions
bear is resolved by what else the text names, else by the source's own region, else left open
(DOMAIN.md §12).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from aggregator.divisions import patterns
from aggregator.divisions.index import Index, index, words
from aggregator.divisions.table import Division, get, roll, shipped


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


def find(text: str, *, prior: str | None = None, on: date | None = None) -> tuple[Mention, ...]:
    """Every division named in a text, each resolved as far as it can be.

    Args:
        text: a title or a sentence.
        prior: the source's own region, which decides between namesakes.
        on: the day of the text: names are those of that day (两江新区 was a zone until 2025-11-06).
    """
    mentions = _in_company(list(_scan(text, prior)), text, prior)
    sure = {code for m in mentions if len(m.codes) == 1 for code in roll(m.codes[0])}
    anchors = sure | (set(roll(prior)) if prior else set())
    resolved: list[Mention] = []
    for one in mentions:
        codes = one.codes
        if len(codes) > 1:
            before = resolved[-1] if resolved else None
            beside = _beside(before, one, text) if before else ()
            codes = beside or codes
            if len(codes) > 1:
                codes = _narrow(codes, sure, anchors, prior, on)
        resolved.append(replace(one, codes=codes))
    return tuple(_without_strays(resolved))


def regions_in(text: str, *, prior: str | None = None, on: date | None = None) -> tuple[str, ...]:
    """Codes of the divisions that a text is about, the most special only, in order."""
    codes = [m.codes[0] for m in find(text, prior=prior, on=on) if len(m.codes) == 1]
    home = [code for code in codes if code not in patterns.ABROAD]
    # 台湾 beside a mainland place says where the money comes from.
    codes = home or codes
    above = {up for code in codes for up in roll(code) if up != code}
    return tuple(dict.fromkeys(code for code in codes if code not in above))


def unsettled(
    text: str, *, prior: str | None = None, on: date | None = None
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Names that a text leaves open, each with the codes that it may mean (鼓楼区).

    朝阳 in a sentence is a word as well; as all of a text it may be any place called so.
    """
    found = find(text, prior=prior, on=on)
    if not found and prior is None:
        word = text.strip()
        codes = _bearers(word)
        return ((word, codes),) if len(codes) > 1 else ()
    return tuple((one.name, one.codes) for one in found if len(one.codes) > 1)


def _bearers(name: str) -> tuple[str, ...]:
    """The divisions that a short name is of by right, not by a habit of some."""
    return tuple(entry.code for entry in index().names.get(name, ()) if not entry.lesser)


def issuing(number: str) -> str | None:
    """The division whose 代字 begins a document number (渝府发, 江津府发), if it is clear.

    津 alone is 天津, though 江津府发 is not: the longer name wins.
    """
    head = re.split(r"[〔\[（(]", number)[0]
    named = [m for m in find(head) if m.start == 0 and len(m.codes) == 1]
    if named:
        return named[0].codes[0]
    one = patterns.ISSUING.match(head)
    return patterns.CHARACTERS[one.group(1)] if one else None


def resolve(name: str, *, prior: str | None = None, on: date | None = None) -> Division | None:
    """What an operator means by a code or name (500116, 江津区, 重庆-江津区), if it is clear."""
    word = name.strip()
    if get(word):
        return get(word)
    codes = regions_in(re.sub(r"[-·>\s/|]+", " ", word), prior=prior, on=on)
    if not codes:
        # 平安 alone is a word; as the whole of what was given it is the district.
        codes = _bearers(word)
    return get(codes[0]) if len(codes) == 1 else None


def place(text: str, *, prior: str | None = None, on: date | None = None) -> tuple[str, ...]:
    """The codes of what a text of a source is about: what it names, else the source's own region.

    我区, 全县 and the like mean the source's own region, or what contains it (我省).
    """
    codes = regions_in(text, prior=prior, on=on)
    if prior is None:
        return codes
    if said := patterns.HERE.search(text):
        own = _own(prior, said.group(1))
        if not any(own in roll(code) or code in roll(own) for code in codes):
            codes = (*codes, own)
    return codes or (prior,)


def _own(prior: str, letter: str) -> str:
    """The source's region, or what contains it, whose name ends as 我X says."""
    for code in roll(prior):
        one = get(code)
        if one and one.name.endswith(letter):
            return code
    return prior


def _scan(text: str, prior: str | None) -> Iterator[Mention]:
    """Names from left to right, the longest at each place; words that only hold one are skipped."""
    known = index()
    single = {m.start(): patterns.CHARACTERS[m.group()] for m in patterns.CHARACTER.finditer(text)}
    single |= {m.start(): _land_seller(m.group(1)) for m in patterns.LAND_NUMBER.finditer(text)}
    position = after = 0  # after: where the last name ended
    while position < len(text):
        found = _longest(text, position, known, prior, after)
        if found is None and position in single:
            found = Mention(
                name=text[position], start=position, codes=(single[position],), full=False
            )
        if found is None or (found.weak and _is_crossed(text, found, known, prior)):
            position += 1
            continue
        if found.codes:
            yield found
            after = found.end
        position = found.end


def _is_crossed(text: str, weak: Mention, known: Index, prior: str | None) -> bool:
    """Whether a province, a city or a whole name begins inside a weak one: 来安徽 is 安徽."""
    for start in range(weak.start + 1, weak.end):
        other = _longest(text, start, known, prior, start)
        if not other or not other.codes or other.weak or other.end <= weak.end:
            continue
        high = any((d := get(code)) and d.level != "county" for code in other.codes)
        if other.full or high:
            return True
    return False


def _longest(text: str, start: int, known: Index, prior: str | None, after: int) -> Mention | None:
    for length in known.by_first.get(text[start], ()):
        name = text[start : start + length]
        entries = known.names.get(name)
        if entries is None:
            continue
        full = any(entry.full for entry in entries)
        if full and patterns.AREA.match(text, start + length - 1):
            continue
        if name[-1] == "市" and text.startswith(patterns.CITY_PARTS, start + length):
            continue
        chosen = [entry for entry in entries if entry.full == full and not entry.lesser]
        own = [entry for entry in entries if entry.lesser and entry.code == prior]
        chosen = own or chosen
        if (
            chosen
            and not full
            and length == patterns.SHORT
            and start > after
            and words().get(text[start - 1 : start + 1]) == "before"
        ):
            continue  # 召开江津区…: 开江 is a piece of another word
        if chosen and not _stands_alone(text, start, name, full=full):
            continue
        return Mention(
            name=name,
            start=start,
            codes=tuple(dict.fromkeys(entry.code for entry in chosen)),
            full=full,
            weak=bool(chosen) and all(entry.weak for entry in chosen) and not own,
        )
    return None


def _land_seller(character: str) -> str:
    """The unit below 杭州 whose name begins so, else 杭州 itself."""
    units = [
        one.code
        for one in shipped().values()
        if one.parent == patterns.LAND_CITY
        and one.valid_to is None
        and one.name[0] == character
        and not one.is_zone
    ]
    return units[0] if len(units) == 1 else patterns.LAND_CITY


def _stands_alone(text: str, start: int, name: str, *, full: bool) -> bool:
    """Whether a name is not a piece of another word around it."""
    if full:
        return True
    if patterns.PERSON.search(text[max(0, start - 2) : start]):
        return False
    # 江津路, 南京东路, 贵州大学: a street or a thing that is named after the place; 大沙河: a river.
    end = start + len(name)
    if (
        text.startswith(patterns.THINGS, end)
        or patterns.STREET.match(text, end)
        or patterns.WATER.match(text, end)
    ):
        return False
    return not (text[start - 1 : start] in {"大", "小"} and name[-1] in patterns.WATERS)


def _in_company(mentions: list[Mention], text: str, prior: str | None) -> list[Mention]:
    """Weak names only where something says that they are places.

    They stand directly behind a division that they lie in (广州白云), or before the words of a
    zone (大方经济开发区), or are whole names at the beginning of a phrase (和县), or it is
    their own portal. Names that are places only, but shared (朝阳), count in a source above, too.
    """
    kept: list[Mention] = []
    for one in mentions:
        if not one.weak:
            kept.append(one)
            continue
        beside = _beside(kept[-1], one, text) if kept else ()
        above = {prior} if prior and prior in one.codes else set()
        if prior and words().get(one.name) == "shared":
            above.add(prior)
        if (
            prior
            and one.full
            and not (
                patterns.GENERIC.match(text, one.end) or patterns.GENERAL.search(text[: one.start])
            )
        ):
            above.add(prior)
        inside = beside or tuple(code for code in one.codes if above & {code, *_upward(code)})
        if not inside and len(one.codes) == 1:
            begins = one.full and (
                patterns.OFFICE.match(text, one.end)
                or (one.name[-1] == "县" and patterns.BEGINS.search(text[: one.start]))
            )
            if begins or (not one.full and patterns.ZONE.match(text, one.end)):
                inside = one.codes
        if inside:
            kept.append(replace(one, codes=inside))
    return kept


def _beside(before: Mention, one: Mention, text: str) -> tuple[str, ...]:
    """Those meanings of a name that lie in the place named directly before it (广州白云)."""
    gap = patterns.SEPARATORS.match(text, before.end)
    if gap is None or gap.end() < one.start:
        return ()
    return tuple(code for code in one.codes if set(before.codes) & {code, *_upward(code)})


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
    fewest = alive or codes
    for known in (sure, anchors):
        for some in (alive, codes):
            near = {code: len(known & set(_upward(code))) for code in some}
            best = max(near.values(), default=0)
            fitting = [code for code, count in near.items() if count == best]
            if best and len(fitting) == 1:
                return tuple(fitting)
            if best and len(fitting) < len(fewest):
                fewest = tuple(fitting)
    return fewest


def _upward(code: str) -> tuple[str, ...]:
    """What contains a division, by its own parents: not what its area belongs to since."""
    above: list[str] = []
    one = get(code)
    while one and one.parent:
        above.append(one.parent)
        one = get(one.parent)
    return tuple(above)
