"""The title of an article: neither the site's nor the column's name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aggregator.parse.bars import LONGEST
from aggregator.parse.header import SOURCE, is_posted
from aggregator.parse.stamps import date_in
from aggregator.parse.survey import Survey, way_of
from aggregator.parse.tree import Document, Element, line_of
from aggregator.parse.trim import is_chrome
from aggregator.text import fold, one_line

_TITLE_NAME = re.compile(
    r"(?:^|[\s_-])(?:[a-z]*title|[a-z]*tit|biaoti|bt|headline|newst|news_?bt|arti-?title|h1|subject)(?:$|[\s_\d-])"
)
_SUFFIX = re.compile(
    r"\s*(?:[_|｜»>]+|\s[-－—–]+\s?|[-－—–]{2,3}|(?<!\d)[-－—–](?!\d)(?=[^-－—–]{2,30}$))\s*"
)
#: What the last part of a title element ends with where it names the site.
_SITE = re.compile(
    r"(?:网|网站|门户|官网|平台|政府|局|委员会|委|办公室|协会|学会|集团|公司|大学|学院|学校|中心|频道|厅|管委会|在线|[省市区县旗州])$"
)
#: What the first part of a title element is where it names the site.
_SITE_FIRST = re.compile(r"^[^-－—–]{2,30}(?:网|网站|门户|官网|平台)(?:[-－—–]|$)")
#: The way to a page, printed as a line.
_TRAIL = re.compile(r"首\s*页\s*(?:[>»›/＞-]|&gt;)|(?:当前|您的|现在|所在)[^:：]{0,4}位置|>>\s*\S+")
_TITLES = (
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "div",
    "p",
    "td",
    "span",
    "font",
    "strong",
    "b",
    "center",
    "ucaptitle",
    "dt",
    "li",
    "th",
)
#: A title that only a field or a variable of a script holds.
_KEPT = re.compile(
    r"<input\b[^<>]{0,300}?\b(?:id|name)\s?=\s?[\"']?\w{0,12}(?:title|biaoti)[\"']?\s[^<>]{0,300}?"
    r"\bvalue\s?=\s?[\"']([^\"'<>+;(){}]{6,120})[\"']"
    r"|\b(?:\w{0,12}title|biaoti)\s?[:=]\s?[\"']([^\"'<>+;{}]{0,60}[\u4e00-\u9fff]{4}[^\"'<>+;{}]{0,110})[\"']",
    re.IGNORECASE,
)
_WORDED = re.compile(
    r"^关于.{4,}|的?(?:通知|公告|公示|通告|意见|办法|方案|决定|批复|函|报告|措施|细则)(?:[（(].{1,12}[)）])?$|召开|举行|举办|开展|启动|开工|签约"
)
_LETTERS = re.compile(r"[\u4e00-\u9fff]{2}|[A-Za-z]{4}")
_DEVICE = re.compile(
    r"^\W*(?:(?:用户)?登录|(?:用户)?注册|登录注册|个人中心|登录个人中心|(?:站内)?搜索|检索|(?:网站)?首页|加入收藏|设为首页|网站地图"
    r"|无障碍.{0,6}|無障礙.{0,6}|.{0,4}繁[体體].{0,8}|.{0,4}简体.{0,8}|.{0,6}助手|欢迎(?:您|来到|访问|光临).{0,20})\W*$"
)
_BY_TAG = {"h1": 3.0, "h2": 2.0, "h3": 1.5, "h4": 1.0, "h5": 1.0, "ucaptitle": 4.0}
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5"})
_BLOCKS = frozenset({"div", "p", "table", "ul", "h1", "h2", "h3", "tr", "td", "li", "section"})
#: A title may stand so many lines inside the container of the text, or before its bar.
_INSIDE = 8
_NEAR = 4
_TALL = 4
_SURE = 3.0
#: A line that stands where titles of the source stand, and says no less than this, is one.
_KNOWN = 5.5
_SHORTEST = 4


@dataclass(frozen=True, slots=True)
class Title:
    """A title, and the element that shows it, None where only the page's head does.

    ``known`` says that it stands where the titles of the source do.
    """

    text: str
    node: Element | None = None
    known: bool = False


@dataclass(slots=True, kw_only=True)
class _Marks:
    """What speaks for or against a line as the title."""

    seen: Survey
    start: int
    bars: Sequence[int]
    site: set[str]
    head: str
    last: str
    told: str
    shown: str
    scores: dict[tuple[str, int], tuple[str, float]] = field(default_factory=dict)


def title_of(
    page: Document,
    seen: Survey,
    *,
    crumbs: Sequence[str],
    fields: Mapping[str, str],
    seed: Element | None,
    known: str | None,
) -> Title:
    """The article's title.

    Args:
        page: its head and meta tags speak, too, but both may name only the site or column.
        seen: its lines.
        crumbs: the way to the page: those names are no titles.
        fields: the header block.
        seed: where the text stands: a title stands before it.
        known: where the titles of the source stand, looked at first.
    """
    parts = [part.strip() for part in _SUFFIX.split(page.title) if part.strip()]
    site = {fold(page.meta.get(name, "")) for name in ("sitename", "columnname", "columntype")}
    site |= {fold(crumb) for crumb in crumbs}
    site |= {fold(part) for part in parts[1:] if _SITE.search(part)}
    # A head may begin with the site and end with the title.
    turned = len(parts) > 1 and _SITE_FIRST.match(parts[0]) and not _SITE.search(parts[-1])
    site |= {fold(parts[0])} if turned else set()
    # Who issued a document stands beside its label, or above it as a letterhead.
    site |= {fold(value) for label, value in fields.items() if label != "标题"}
    site.discard("")
    start = seen.spans[seed][0] if seed is not None else len(seen.lines)
    inside = seen.lines[start : start + _INSIDE]
    prose = next((i for i, line in enumerate(inside, start) if "。" in line.text), start + _INSIDE)
    marks = _Marks(
        seen=seen,
        start=start,
        bars=[i for i, line in enumerate(seen.lines[:prose]) if is_posted(line)],
        site=site,
        head=fold(page.title),
        last=fold(parts[-1]) if turned else "",
        told=fold(page.meta.get("articletitle", "")),
        shown=fold(page.meta.get("og:title", "")),
    )
    best = (0.5, Title(page.title))
    for text in (page.meta.get("articletitle"), fields.get("标题")):
        if text and fold(text) not in site and len(text) >= _SHORTEST:
            best = max(best, (5.0, Title(one_line(text))), key=_by_score)
    first = _from_head(parts, site)
    if first:
        # A head of one part may be no more than the site's name.
        weight = 1.0 if len(parts) == 1 and _SITE.search(first) else 2.5
        best = max(best, (weight, Title(first)), key=_by_score)
    shown = _at(page, known, marks) if known else None
    best = shown or _search(page, marks, best)
    if best[1].node is None and (_SITE.search(best[1].text) or not best[1].text):
        kept = _KEPT.search(page.markup)
        if kept and fold(kept.group(1) or kept.group(2)) not in site:
            return Title(one_line(kept.group(1) or kept.group(2)))
    whole = _whole(best[1].text, parts, page.meta.get("articletitle"))
    return Title(whole, best[1].node, known=shown is not None)


def site_of(page: Document) -> str | None:
    """What a page calls its site: in its tag, else in the last part of its head's title."""
    parts = [part.strip() for part in _SUFFIX.split(page.title) if part.strip()]
    named = [part for part in parts[-1:] if _SITE.search(part)]
    return page.meta.get("sitename") or next(iter(named), None)


def _by_score(pair: tuple[float, Title]) -> float:
    return pair[0]


def _at(page: Document, known: str, marks: _Marks) -> tuple[float, Title] | None:
    """The title where the titles of the source stand, if what stands there looks like one."""
    for node in page.root.iter(known.rpartition(">")[2].partition(".")[0]):
        if node not in marks.seen.spans:
            continue
        if marks.seen.spans[node][0] > marks.start + _INSIDE:
            return None
        scored = _scored(node, marks) if way_of(node) == known else None
        if scored and scored[0] >= _KNOWN:
            return scored
    return None


def _search(page: Document, marks: _Marks, best: tuple[float, Title]) -> tuple[float, Title]:
    late = marks.start + _INSIDE
    for node in page.root.iter(*_TITLES):
        if node not in marks.seen.spans:
            continue
        if marks.seen.spans[node][0] > late and (best[0] >= _SURE or node.tag not in _HEADINGS):
            continue
        scored = _scored(node, marks)
        if scored and scored[0] > best[0]:
            best = scored
    return best


def _scored(node: Element, marks: _Marks) -> tuple[float, Title] | None:
    """How much a line looks like the title; None where it cannot be one."""
    at, end = marks.seen.spans[node]
    if end - at > (_TALL if node.tag in _HEADINGS else 2) or at >= len(marks.seen.lines):
        return None
    text = line_of(node)
    if end - at > 1 and marks.seen.lines[end - 1].bar:
        # The day of posting hangs below it, in the same element.
        shown = [line.text for line in marks.seen.lines[at:end] if not line.bar]
        text = "".join(shown) or text
    if not _SHORTEST <= len(text) <= LONGEST or _has_block(node):
        return None
    score = _BY_TAG.get(node.tag, 0.0)
    names = marks.seen.names.get(node)
    score += 2.0 if names and _TITLE_NAME.search(names) else 0.0
    score += 1.0 if _is_set_off(node) else 0.0
    said = marks.scores.get((text, at))
    if said is None:
        said = marks.scores[text, at] = (text, _said(text, at, marks))
    return score + said[1], Title(text, node)


def _said(text: str, at: int, marks: _Marks) -> float:
    """What a line's words and place say for it, whatever element holds it."""
    known = fold(text)
    score = 0.0
    if len(known) >= 6 and marks.head:  # noqa: PLR2004
        begins = marks.head.startswith(known) or known == marks.last
        score += 4.0 if begins else 2.0 if known in marks.head else 0.0
    score += 6.0 if marks.told and known == marks.told else 0.0
    score += 2.0 if marks.shown and known == marks.shown else 0.0
    score -= 3.0 if _SITE.search(text) and marks.head and marks.head in known else 0.0
    score += _place(at, marks)
    score += 0.5 if _WORDED.search(text) else 0.0
    score -= 5.0 if is_chrome(text) or _DEVICE.match(text) or not _LETTERS.search(text) else 0.0
    score -= 3.0 if len(text) < 7 else 0.0  # noqa: PLR2004
    score -= 6.0 if known in marks.site or _TRAIL.search(text) else 0.0
    score -= 5.0 if date_in(text, in_link=False) or SOURCE.search(text) else 0.0
    score -= 2.0 if text.endswith(("。", "；", ";", "：", ":")) else 0.0
    score -= 3.0 if at > marks.start + _INSIDE else 0.0
    line = marks.seen.lines[at]
    return score - (4.0 if line.is_links or line.zones else 0.0)


def _place(at: int, marks: _Marks) -> float:
    """Titles stand above the bar, and above the text; the nearer, the surer."""
    bar = next((bar for bar in marks.bars if bar >= at), None)
    if bar is not None and bar - at <= _NEAR:
        between = sum(not line.bar for line in marks.seen.lines[at + 1 : bar])
        return 3.5 if not between else 2.0
    if 0 <= marks.start - at <= _NEAR:
        return 2.0 if marks.start - at == 1 else 1.0
    return 0.0


def _is_set_off(node: Element) -> bool:
    """Whether a line is set in large or bold type, or stands in the middle."""
    style = (node.get("style") or "").lower()
    if "bold" in style or "font-size" in style or "text-align:center" in style.replace(" ", ""):
        return True
    size = node.get("size") or ""
    return node.tag in {"strong", "b", "center"} or size.strip("+") in {"3", "4", "5", "6", "7"}


def _whole(title: str, parts: Sequence[str], told: str | None) -> str:
    """A title that is cut on the page, as its head or its meta tag has it in full."""
    stem = fold(title.rstrip(" .…"))
    if not title.endswith(("...", "…")) or not stem:
        return title
    full = (one for one in (told, *parts) if one and not one.endswith(("...", "…")))
    return next((one for one in full if fold(one).startswith(stem)), title)


def _has_block(node: Element) -> bool:
    return any(child.tag in _BLOCKS for child in node.iterdescendants())


def _from_head(parts: Sequence[str], site: set[str]) -> str | None:
    """The part of the title element that is not the site's name."""
    rest = [part for part in parts if fold(part) not in site]
    if not rest:
        return None
    return rest[0] if len(rest[0]) >= 8 else max(rest, key=len)  # noqa: PLR2004
