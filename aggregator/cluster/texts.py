"""How far two texts are one: by their clauses, by what stands in other words, and by figures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from aggregator.text import fold

#: Shorter texts are hints at a file, or a line of a page, and say nothing by themselves.
SHORT = 60
#: Still shorter ones are not compared at all.
HINT = 20
#: No text is compared beyond this: whoever copies a longer one copies its beginning.
LONGEST = 20_000
_PARTS = re.compile(r"[\n\r。；;！!？?，,、：:（）()“”\"《》〈〉【】\[\]|丨]+")
#: What portals print around a text: where from, who edited, how often read.
_CHROME = re.compile(
    r"^(?:.{0,6}来源|来自|.{0,4}编辑|.{0,2}记者|审核|校对|摄影|供稿|作者|.{0,2}浏览|.{0,2}点击|阅读|访问|字号|字体|大中小|打印|关闭|分享|扫码|索引号|主题分类|.{0,2}发布|发文|成文|文号|信息|文章|当前位置|首页|附件|名称|有效性|编者按|展开全文|更多|点赞|\d{4}-\d{1,2}-\d{1,2})"
)
_FIGURE = re.compile(
    r"\d+(?:\.\d+)?(?:%|亿|万|千|元|个|家|户|人|亩|平方|月|日|年|号|批|期|条|项|名|件|次)?"
)
_DIGITS = re.compile(r"\d+(?:\.\d+)?")
_HAN_COUNT = re.compile(r"[一二三四五六七八九十百]+")
#: So many clauses filled in anew make a template; no more are counted.
_ENOUGH = 2
#: Texts that share less are not looked at clause by clause: nothing hangs on it.
_WORTH = 0.3
_MOST_PAIRED = 80
#: Clauses are looked at so far from where they part: the look is not linear.
_LONGEST_CLAUSE = 200
_ALIKE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What two texts share.

    ``held`` is the share of the shorter text that stands in the longer one word for word
    (0 to 1), ``length`` the shorter's length by the longer's. ``renamed`` and ``recounted``
    count clauses that stand in both with other names or other figures, two at most together;
    ``figures`` is the
    share of the fewer figures that both texts hold (1.0 when there are none). A ``brief``
    comparison is of a few words that may stand anywhere.
    """

    held: float
    length: float
    renamed: int
    recounted: int
    reworded: float
    figures: float
    common_figures: int
    brief: bool

    @property
    def swaps(self) -> int:
        """Clauses of one that stand in the other filled in anew."""
        return self.renamed + self.recounted


@lru_cache(maxsize=2048)
def clauses(text: str) -> tuple[str, ...]:
    """A text's clauses, folded, in order, without what portals print around it."""
    parts = fold(_PARTS.sub("|", text[:LONGEST])).split("|")
    return tuple(part for part in parts if len(part) > 1 and not _is_chrome(part))


def _is_chrome(part: str) -> bool:
    return len(part) < 30 and _CHROME.match(part) is not None  # noqa: PLR2004  # a line's length


@lru_cache(maxsize=2048)
def figures(text: str) -> frozenset[str]:
    """Numbers with what they count, as they stand."""
    return frozenset(one for part in clauses(text) for one in _FIGURE.findall(part))


@lru_cache(maxsize=2048)
def weight(text: str) -> int:
    """Characters of a text that are its own."""
    return sum(len(part) for part in clauses(text))


def compare(a: str, b: str) -> Comparison | None:
    """Two texts side by side, the same whichever comes first; None when one is too short."""
    least = min(weight(a), weight(b))
    if least < HINT:
        return None
    a, b = sorted((a, b))
    mine, theirs = set(clauses(a)), set(clauses(b))
    common = sum(len(one) for one in mine & theirs)
    only = [sorted(mine - theirs), sorted(theirs - mine)]
    sizes = [common + sum(len(one) for one in rest) for rest in only]
    short, long = min(sizes), max(sizes)
    alike = common >= _WORTH * short
    renamed, recounted, reworded = _swaps(only[0], only[1]) if alike else (0, 0, 0)
    both = figures(a) & figures(b)
    fewer = min(len(figures(a)), len(figures(b)))
    return Comparison(
        held=common / max(short, 1),
        length=short / max(long, 1),
        renamed=renamed,
        recounted=recounted,
        reworded=reworded / max(short, 1),
        figures=len(both) / fewer if fewer else 1.0,
        common_figures=len(both),
        brief=least < SHORT,
    )


def _swaps(mine: list[str], theirs: list[str]) -> tuple[int, int, int]:
    """Clauses of the one that are clauses of the other with something else in one place.

    How many have other names, how many other figures, and how many characters the merely
    reworded ones have.
    """
    renamed = recounted = reworded = 0
    left = list(theirs[:_MOST_PAIRED])
    for one in mine[:_MOST_PAIRED]:
        if renamed + recounted >= _ENOUGH:
            break
        twin = _twin(one, left)
        if twin is None:
            continue
        left.remove(twin)
        kind = _swap(one, twin)
        renamed += kind == "name"
        recounted += kind == "count"
        reworded += len(one) if kind == "words" else 0
    return renamed, recounted, reworded


def _twin(one: str, among: list[str]) -> str | None:
    """The clause that is this one but for a word: the same without figures, or most alike."""
    mask = _DIGITS.sub("0", one)
    best, most = None, _ALIKE
    grams = {one[i : i + 2] for i in range(len(one) - 1)}
    for other in among:
        if mask != one and _DIGITS.sub("0", other) == mask:
            return other
        shared = sum(other[i : i + 2] in grams for i in range(len(other) - 1))
        ratio = 2 * shared / (len(one) + len(other) - 2)
        if ratio >= most:
            best, most = other, ratio
    return best


def _swap(one: str, other: str) -> str:
    """What differs between two like clauses: a count, a name, or only words."""
    if sorted(_FIGURE.findall(one)) != sorted(_FIGURE.findall(other)):
        return "count" if _FIGURE.search(one) and _FIGURE.search(other) else "words"
    kinds = set()
    one, other = _from_where_they_part(one, other)
    for tag, i, j, k, m in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if tag != "replace":
            continue
        before, after = one[i:j], other[k:m]
        if _HAN_COUNT.fullmatch(before) and _HAN_COUNT.fullmatch(after):
            kinds.add("count")
        elif min(len(before), len(after)) > 1:
            kinds.add("name")
    return "name" if "name" in kinds else "count" if kinds else "words"


def _from_where_they_part(one: str, other: str) -> tuple[str, str]:
    """Two clauses whole, or of longer ones so much as decides what differs."""
    if max(len(one), len(other)) <= _LONGEST_CLAUSE:
        return one, other
    at = next((i for i, (x, y) in enumerate(zip(one, other, strict=False)) if x != y), 0)
    return one[at : at + _LONGEST_CLAUSE], other[at : at + _LONGEST_CLAUSE]
