"""What stands around an article: title, date, source, the labelled header, the way to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from aggregator.parse.bars import LABELS, LONGEST, PAIR, is_bar
from aggregator.parse.survey import Line, Survey
from aggregator.parse.tree import Document, Element, ancestors, line_of
from aggregator.parse.walk import FULL, date_in, is_hidden_zone
from aggregator.text import fold, one_line, squeeze

#: Labels within one line, padded or not; lines of a header that has no cells.
_IN_LINE = re.compile(
    r"(?:^|(?<=\s))("
    + "|".join(r"\s*".join(label) for label in sorted(LABELS, key=len, reverse=True))
    + r")\s*[:：]\s*"
)
_ANY_LABEL = re.compile(
    "|".join(r"[\s\u3000]*".join(label) for label in sorted(LABELS, key=len, reverse=True))
)
_HEAD_LINES = 80
_BESIDE = 16
_PAIRED = ("li", "p", "span", "div", "td", "dd", "b", "strong", "em", "i", "label", "th")
_SOURCE = re.compile(
    r"(?:信息来源|文章来源|稿件来源|新闻来源|稿源|来\s*源|来源于)\s*[:：]\s*[【\[“]?\s*(.*)$"
)
_SOURCE_END = re.compile(
    r"\s*(?:[|｜【】\[\]]|(?:信息|文章|发布|发稿|发表|更新|编辑|录入|添加)?(?:时间|日期)\s*[:：]|作者|编辑|责任编辑|浏览|阅读|点击|访问|字号|字体|打印|分享|"
    r"评论|点赞|举报|转发|责编|录入|出处|人气|热度|栏目|分类|类别|标签|字数|稿源|核发|点击|大\s*中\s*小|\s[\u4e00-\u9fff]{2,6}\s*[:：]|"
    r"日期|记者|审核|发布者|发布人|供稿|摄影|次数|发布(?:单位|机构)|(?:19|20)\d\d[-年/.])"
)
_POSTED = re.compile(
    rf"(?:发布|发稿|发表|公开|上载|上传|录入|添加|信息发布)\s*(?:时间|日期)\s*[:：]?\s*({FULL})"
)
_SCRIPTED = re.compile(
    r"(?:pub(?:lish)?_?(?:date|time)|doc_?(?:rel|pub)_?time|release_?(?:date|time)|fbsj|fbrq|post_?(?:date|time)|info_?(?:date|time)|art(?:icle)?_?(?:date|time))"
    rf"\W{{1,6}}({FULL})",
    re.IGNORECASE,
)
#: What offices and media are called, where no label says that a name is one.
_NAME = re.compile(
    r"[\u4e00-\u9fffA-Za-z0-9·-]{1,20}(?:局|委|办|办公室|府|网|报|报社|台|厅|院|会|处|中心|部|社|公司|站|队|支队|频道|客户端|发布|科|街道|镇|乡|区|县)"
)
_BY = re.compile(rf"^[\[【(（\s]*{FULL}[\]】)）\s|]*({_NAME.pattern})[\s|]*$")
_LABELLED = re.compile(rf"(?:时\s*间|日\s*期|发布于|更新于)\s*[:：]?\s*({FULL})")
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
#: The way to a page, printed as a line.
_TRAIL = re.compile(r"首\s*页\s*(?:[>»›/＞-]|&gt;)|(?:当前|您的|现在|所在)[^:：]{0,4}位置|>>\s*\S+")
_CRUMBS = re.compile(r"crumb|weizhi|position|dqwz|curr?ent-?pos")
_CRUMB = re.compile(r"(?:当前|您的|现在|所在|你的)[^:：]{0,6}(?:位置|栏目)\s*[:：]?")
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
)
_BY_TAG = {"h1": 3.0, "h2": 2.0, "h3": 1.5, "h4": 1.0, "h5": 1.0, "ucaptitle": 4.0}
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5"})
#: A title may stand so many lines inside the container of the text, or before its bar.
_INSIDE = 8
_NEAR = 4
_TALL = 4
_SURE = 3.0
#: White space that a title's line may have more than the title.
_PADDED = 6


def breadcrumbs_of(page: Document, seen: Survey) -> tuple[str, ...]:
    """The way from the home page, as the page prints it."""
    for node in page.root.iter("div", "p", "span", "td", "ul", "nav", "ol", "li", "dl"):
        if not (_CRUMBS.search(seen.names.get(node, "")) or _CRUMB.search(_own_text(node))):
            continue
        holder = node if node.find(".//a") is not None else node.getparent()
        if holder is None or len(line_of(holder)) > 300:  # noqa: PLR2004
            continue
        links = tuple(line_of(a) for a in holder.iter("a") if line_of(a))
        if links:
            return links[:12]
    return ()


def _own_text(node: Element) -> str:
    parts = [node.text or "", *(child.tail or "" for child in node)]
    return (
        one_line(" ".join(parts)) if any("位置" in part or "栏目" in part for part in parts) else ""
    )


def fields_of(page: Document, seen: Survey) -> dict[str, str]:
    """Labelled values of the header block, labels normalised (white space inside ignored).

    In cells, in an element each, or in lines; the first that says a label holds it.
    """
    labelled = {
        index
        for index, line in enumerate(seen.lines)
        if len(line.text) <= 2 * LONGEST and _ANY_LABEL.search(line.text)
    }
    if not labelled:
        return {}
    found: dict[str, str] = {}
    for label, text in (
        *_in_cells(page, seen, labelled),
        *_in_elements(page, seen, labelled),
        *_in_lines(seen, labelled),
    ):
        name = LABELS[label]
        if name.endswith("日期") and not any(c.isdigit() or c in "〇○" for c in text):
            continue
        if text and len(text) <= LONGEST and squeeze(text).rstrip(":：") not in LABELS:
            found.setdefault(name, text)
    return found


def _in_cells(page: Document, seen: Survey, labelled: set[int]) -> Iterator[tuple[str, str]]:
    for row in page.root.iter("tr", "dl"):
        first, last = seen.spans[row]
        if labelled.isdisjoint(range(first, min(last, first + 4))):
            continue
        cells = [cell for cell in row if isinstance(cell.tag, str)]
        for cell, beside in pairwise(cells):
            label = squeeze(line_of(cell)).strip("[]【】:：")
            if label in LABELS:
                yield label, line_of(beside)


def _in_elements(page: Document, seen: Survey, labelled: set[int]) -> Iterator[tuple[str, str]]:
    for node in page.root.iter(*_PAIRED):
        first, last = seen.spans[node]
        if first not in labelled or last - first > 2:  # noqa: PLR2004  # its value on the next
            continue
        text = line_of(node)
        pair = PAIR.match(text) if 3 < len(text) <= LONGEST else None  # noqa: PLR2004
        label = squeeze(pair.group(1)) if pair else ""
        if not pair or label not in LABELS:
            continue
        value = pair.group(2).strip()
        after = node.getnext()
        if not value and after is not None and isinstance(after.tag, str):
            value = line_of(after)
        inner = re.search(r"\s+[\u4e00-\u9fff]{2,6}\s*[:：]", value)
        yield label, value[: inner.start()].strip() if inner else value


def _in_lines(seen: Survey, labelled: set[int]) -> Iterator[tuple[str, str]]:
    for line in (seen.lines[index].text for index in sorted(labelled) if index < _HEAD_LINES):
        marks = list(_IN_LINE.finditer(line))
        for mark, after in zip(marks, [*marks[1:], None], strict=False):
            yield (
                squeeze(mark.group(1)),
                line[mark.end() : after.start() if after else None].strip(),
            )


def title_of(
    page: Document,
    seen: Survey,
    *,
    crumbs: Sequence[str],
    fields: Mapping[str, str],
    seed: Element | None,
) -> str:
    """The article's title: neither the site's nor the column's name."""
    parts = [part.strip() for part in _SUFFIX.split(page.title) if part.strip()]
    site = {fold(page.meta.get(name, "")) for name in ("sitename", "columnname", "columntype")}
    site |= {fold(crumb) for crumb in crumbs}
    site |= {fold(part) for part in parts[1:] if _SITE.search(part)}
    site.discard("")
    best: tuple[float, str] = (0.5, "")
    for text in (page.meta.get("articletitle"), fields.get("标题")):
        if text and fold(text) not in site and len(text) >= 4:  # noqa: PLR2004
            best = max(best, (5.0, one_line(text)), key=lambda pair: pair[0])
    first = _from_head(parts, site)
    if first:
        best = max(best, (2.5, first), key=lambda pair: pair[0])
    start = seen.spans[seed][0] if seed is not None else len(seen.lines)
    bars = [i for i, line in enumerate(seen.lines[: start + _INSIDE]) if _is_posted(line)]
    marks = _Marks(
        start=start,
        names=seen.names,
        linked=[*(line.is_links for line in seen.lines), False],
        bars=bars,
        site=site,
        head=fold(page.title),
        told=fold(page.meta.get("articletitle", "")),
        shown=fold(page.meta.get("og:title", "")),
    )
    for node in page.root.iter(*_TITLES):
        at, end = seen.spans.get(node, (0, 0))
        if at > start + _INSIDE and (best[0] >= _SURE or node.tag not in _HEADINGS):
            continue
        if end - at > (_TALL if node.tag in _HEADINGS else 2):
            continue
        text = line_of(node)
        if 4 <= len(text) <= LONGEST and not _has_block(node):  # noqa: PLR2004
            best = max(best, (_score(node, text, at, marks), text), key=lambda pair: pair[0])
    return _whole(best[1] or page.title, parts, page.meta.get("articletitle"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Marks:
    """What speaks for or against a line as the title."""

    start: int
    names: Mapping[Element, str]
    linked: Sequence[bool]
    bars: Sequence[int]
    site: set[str]
    head: str
    told: str
    shown: str


def _score(node: Element, text: str, at: int, marks: _Marks) -> float:
    known = fold(text)
    score = _BY_TAG.get(node.tag, 0.0)
    score += 2.0 if _TITLE_NAME.search(marks.names.get(node, "")) else 0.0
    score += 1.0 if _is_set_off(node) else 0.0
    if len(known) >= 6 and marks.head:  # noqa: PLR2004
        score += 4.0 if marks.head.startswith(known) else 2.0 if known in marks.head else 0.0
    score += 6.0 if marks.told and known == marks.told else 0.0
    score += 2.0 if marks.shown and known == marks.shown else 0.0
    score -= 3.0 if _SITE.search(text) and marks.head and marks.head in known else 0.0
    if any(0 <= bar - at <= _NEAR for bar in marks.bars):
        score += 2.0
    elif 0 <= marks.start - at <= _NEAR:
        score += 1.0
    score -= 3.0 if len(text) < 7 else 0.0  # noqa: PLR2004
    score -= 6.0 if known in marks.site or _TRAIL.search(text) else 0.0
    score -= 5.0 if date_in(text, in_link=False) or _SOURCE.search(text) else 0.0
    score -= 2.0 if text.endswith(("。", "；", ";", "：", ":")) else 0.0
    score -= 3.0 if at > marks.start + _INSIDE else 0.0
    return score - (4.0 if marks.linked[at] or _in_zone(node, marks.names) else 0.0)


def _in_zone(node: Element, names: Mapping[Element, str]) -> bool:
    return any(
        (one in names and is_hidden_zone(one)) or one.tag in {"nav", "footer", "aside"}
        for one in (node, *ancestors(node))
    )


def _is_set_off(node: Element) -> bool:
    """Whether a line is set in large or bold type, or stands in the middle."""
    style = (node.get("style") or "").lower()
    if "bold" in style or "font-size" in style or "text-align:center" in style.replace(" ", ""):
        return True
    size = node.get("size") or ""
    return node.tag in {"strong", "b", "center"} or size.strip("+") in {"3", "4", "5", "6", "7"}


def _is_posted(line: Line) -> bool:
    text = line.text
    return line.bar or (len(text) <= LONGEST and bool(_POSTED.search(text) or _SOURCE.search(text)))


def _whole(title: str, parts: Sequence[str], told: str | None) -> str:
    """A title that is cut on the page, as its head or its meta tag has it in full."""
    stem = fold(title.rstrip(" .…"))
    if not title.endswith(("...", "…")) or not stem:
        return title
    full = (one for one in (told, *parts) if one and not one.endswith(("...", "…")))
    return next((one for one in full if fold(one).startswith(stem)), title)


def _has_block(node: Element) -> bool:
    return any(
        child.tag in {"div", "p", "table", "ul", "h1", "h2", "h3", "tr", "td", "li", "section"}
        for child in node.iterdescendants()
        if isinstance(child.tag, str)
    )


def _from_head(parts: Sequence[str], site: set[str]) -> str | None:
    """The part of the title element that is not the site's name."""
    rest = [part for part in parts if fold(part) not in site]
    if not rest:
        return None
    return rest[0] if len(rest[0]) >= 8 else max(rest, key=len)  # noqa: PLR2004


def bar_of(seen: Survey, *, title: str, first: int, last: int) -> list[Line]:
    """Lines that may hold date and source: after the title, then those before it.

    Args:
        seen: the page.
        title: the article's.
        first: where its body begins, in lines.
        last: where it ends.
    """
    lines = seen.lines
    inside = {line.text for line in lines[first:last]}
    known = fold(title)
    prose = next((i for i in range(first, last) if lines[i].weight), last)
    at = 0
    outside: list[Line] = []
    for index, line in enumerate(lines):
        ours = first <= index < last
        titled = abs(len(line.text) - len(title)) <= _PADDED and fold(line.text) == known
        if titled and not line.is_links and (not at or index <= first):
            at = len(outside)
        elif ours:
            # A bare day behind the text is its signature.
            if line.bar and (index < prose or is_bar(line.text)):
                outside.append(line)
        elif line.bar or (line.text not in inside and len(line.text) <= 2 * LONGEST):
            outside.append(line)
    return outside[at:] + outside[:at]


def date_of(
    bar: Sequence[Line], *, within: Sequence[Line], fields: Mapping[str, str], sure: bool
) -> str | None:
    """The date of posting as printed: a labelled one first, then one beside the title.

    Args:
        bar: what stands around the text.
        within: the lines of the text's own container: a bare day at its head may be the
            document's own.
        fields: the header block.
        sure: whether the page tells its date elsewhere (a meta tag, a header).
    """
    for line in bar:
        if found := _POSTED.search(line.text):
            return found.group(1)
    for line in bar[:12]:
        if found := _LABELLED.search(line.text):
            return found.group(1)
    own = set(map(id, within)) if sure else set()
    for line in bar[:8]:
        text = line.text
        stamp = date_in(text, in_link=False)
        bare = stamp and (len(text) - len(stamp) <= _BESIDE or _SOURCE.search(text) or is_bar(text))
        if stamp and bare and re.match(FULL, stamp) and id(line) not in own:
            return stamp
    for line in bar:
        if found := _LABELLED.search(line.text):
            return found.group(1)
    return fields.get("发布日期") or fields.get("生成日期")


def date_in_scripts(scripts: str) -> str | None:
    """The date of posting that a page only keeps in a variable for its scripts."""
    found = _SCRIPTED.search(scripts)
    return found.group(1) if found else None


def source_of(bar: Sequence[Line]) -> str | None:
    """Who the page says it has the text from (来源)."""
    for index, line in enumerate(bar):
        found = _SOURCE.search(line.text)
        if not found:
            continue
        value = _SOURCE_END.split(found.group(1))[0].strip(" \u3000:：-—|“”\"'[]【】")
        if not value and not found.group(1) and index + 1 < len(bar):
            after = bar[index + 1].text.strip()
            value = after if _NAME.fullmatch(after) else ""
        if value and len(value) <= 40:  # noqa: PLR2004
            return value
    for line in bar[:8]:
        if found := _BY.match(line.text):
            return found.group(1)
    # The account of a notice that was copied from WeChat.
    accounts = (line.node.find(".//*[@id='js_name']") for line in bar)
    return next((line_of(one) for one in accounts if one is not None), None)
