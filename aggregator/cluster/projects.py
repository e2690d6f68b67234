"""One project's news in the words of several desks: its name, its amount, its stage."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import lru_cache

from aggregator.model import Draft, Flag
from aggregator.text import fold

#: Roundings of one amount lie this close (DOMAIN.md §11), and so does the news of one event.
ROUNDING = 0.05
#: Less is no investment that several desks write about.
_LEAST_YUAN = 10_000_000
#: A name in common has so many characters.
_NAME = 4
_LEAD = 160
_FIRST = 90
_STAGES = (
    ("visit", r"调研|考察|走访|座谈|洽谈|推进会|调度|拜访|观摩|督导|对接会"),
    ("approved", r"环评|环境影响|能评|批复|备案|核准|规划公示|中标|招标"),
    ("produced", r"投产|点火|下线|试生产|达产|投运|投用|揭牌"),
    ("built", r"封顶|竣工|验收|完工"),
    ("begun", r"开工|动工|奠基|破土|打桩|扩建"),
    ("signed", r"签约|签署|落户|落子|花落|落地|合作|引进|牵手|来了|入驻"),
)
_STAGE_WORDS = tuple((name, re.compile(words)) for name, words in _STAGES)
#: Words of the trade and places: whatever is left of a sentence between them may be a name.
_COMMON = re.compile(
    r"[\d.,%]+|总投资|计划投资|投资|亿元|万元|人民币|项目|签约|落户|落子|花落|开工|动工|投产|点火|达产|"
    r"封顶|竣工|建设|建成|举行|仪式|正式|生产线|生产|研发|制造|基地|产业园|产业链|产业|园区|经开区|高新区|开发区|"
    r"有限公司|股份|集团|公司|有限|科技|机械|区委书记|县委书记|区长|县长|重点|重大|一期|二期|三期|"
    r"[\u4e00-\u9fff]{1,3}(?:市|区|县|省)(?!场)|约|与|和|在|将|的|由|为|是|达成|合作|近日|日前|昨日|今日|上午|下午|"
    r"月|日|年|再添|高端|智能|新材料|新能源|光伏|储能|芯片|总部|主要|年产|占地|[^\u4e00-\u9fffa-z]"
)
_SEVERAL = re.compile(r"\d+个[^,。;]{0,14}(?:项目|签约|开工)|集中(?:签约|开工)")
_BEFORE = re.compile(r"([\u4e00-\u9fffa-z\d]{2,18}?)(?:项目|集团|股份|公司|有限)")


@lru_cache(maxsize=4096)
def stage(title: str, text: str) -> str | None:
    """What happened to a project: by the title, else by the first words."""
    for words in (fold(title), fold(text[:_LEAD])):
        for name, pattern in _STAGE_WORDS:
            if pattern.search(words):
                return name
    return None


def amounts(draft: Draft) -> tuple[float, ...]:
    """What one project costs, in yuan, the largest first; none for the news of several."""
    if Flag.AGGREGATE in draft.flags or _SEVERAL.search(fold(draft.title)):
        return ()
    found = {
        one.yuan
        for one in draft.facts.amounts
        if one.yuan and one.yuan >= _LEAST_YUAN and one.basis in {"investment", "aggregate"}
        and not _SEVERAL.search(fold(one.sentence))
    }  # fmt: skip
    return tuple(sorted(found, reverse=True)[:3])


@lru_cache(maxsize=4096)
def names(words: str) -> tuple[str, ...]:
    """What may be a project's or an investor's name in a few words."""
    parts = _COMMON.split(fold(words))
    return tuple(dict.fromkeys(part for part in parts if len(part) >= 2))  # noqa: PLR2004


@lru_cache(maxsize=4096)
def title_pieces(title: str) -> frozenset[str]:
    """Pieces of four characters of the names that a title holds."""
    return frozenset(piece for name in names(title) for piece in _cut(name))


@lru_cache(maxsize=4096)
def lead_pieces(text: str) -> frozenset[str]:
    """The same of a text's first words, and of what stands before 项目, 集团 or 公司 there."""
    lead = text[:_LEAD]
    found = [name for match in _BEFORE.finditer(fold(lead)) for name in names(match[1])]
    found += names(lead[:_FIRST])
    return frozenset(piece for name in found for piece in _cut(name))


def _cut(name: str) -> Iterator[str]:
    return (name[i : i + _NAME] for i in range(len(name) - _NAME + 1))


def named_alike(a: Draft, b: Draft) -> bool:
    """Whether the name in one's title is in the other's title or first sentences."""
    pairs = ((a, b), (b, a))
    return any(
        title_pieces(one.title) & (title_pieces(other.title) | lead_pieces(other.body_text))
        for one, other in pairs
    )


def same_amount(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    """Whether the main amounts are one, rounded differently."""
    return bool(a and b) and abs(a[0] - b[0]) <= ROUNDING * max(a[0], b[0])


def buckets(draft: Draft) -> tuple[int, ...]:
    """Two numbers of an amount, at least one of which amounts within the rounding share."""
    found = amounts(draft)
    if not found:
        return ()
    place = math.log(found[0]) / (2 * math.log1p(ROUNDING / (1 - ROUNDING)))
    return (2 * math.floor(place), 2 * math.floor(place + 0.5) + 1)
