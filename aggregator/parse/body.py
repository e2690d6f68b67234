"""Where the body of an article stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.parse.bars import is_bar
from aggregator.parse.survey import Line, Survey, is_imprint
from aggregator.parse.tree import Document, Element, ancestors, line_of
from aggregator.parse.trim import FILE_LINK, ends_article, is_chrome
from aggregator.parse.walk import is_hidden_zone
from aggregator.text import fold

MIN_BODY = 80
#: What editors and systems call the text itself (DOMAIN §4); compared without regard to case.
_EDITORS = {
    name: rank
    for rank, name in enumerate(
        (
            *("trs_editor", "trs_ueditor", "trs_editor_view", "trs_paper_default", "ucapcontent"),
            *(
                "ucap-content",
                "v_news_content",
                "wp_articlecontent",
                "js_content",
                "rich_media_content",
            ),
            *("vsb_content", "vsb_content_2", "vsb_content_4", "ivs_content", "zoom", "wzcon"),
            *("newscontnet",),
        )
    )
}
_EDITOR = re.compile("|".join(map(re.escape, _EDITORS)))
#: A named container must hold this share of what the heaviest container weighs.
_NAMED_SHARE = 0.6
_WHOLE = 0.9
#: So many lines from a text may others stand that belong to it.
_REACH = 400
_ADDED = 30
#: So little can be a notice (详见附件请查收).
_FEW = 8
_FILES = 1000
_ATTACHED = ("附件", "【附件", "相关附件")
_LINKS_IN_A_ROW = 3
_HEAD = 12
_SIGNED = re.compile(
    r"^(?:附件|附[:：]|（?联系|特此|.{0,30}(?:局|委|办|院|府|厅|部|会|室|公司|中心)$"
    r"|.{0,30}(?:19|20|二〇|二○)[\d〇○一二三四五六七八九]{2}\s*年.{2,8}日$)"
)
_INLINE = frozenset(
    [
        *("p", "span", "strong", "b", "font", "em", "i", "u", "tr", "tbody", "h1", "h2", "h3"),
        *("a", "section", "br"),
    ]
)


@dataclass(frozen=True, slots=True)
class Found:
    """The container of a body, which of the page's lines in it are the body's, and what led
    there: the element that tells where the next article of the template stands.
    """

    container: Element
    first: int
    last: int
    led_by: Element | None = None


def seed_of(seen: Survey) -> Element | None:
    """The smallest container that holds the heaviest running text."""
    node = max(seen.scores, key=lambda one: seen.scores[one], default=None)
    if node is None:
        return None
    while True:
        whole = seen.weight(node)
        inner = next((child for child in node if seen.weight(child) >= _WHOLE * whole), None)
        if inner is None:
            break
        node = inner
    while node.tag in _INLINE:
        parent = node.getparent()
        if parent is None or parent.tag in {"body", "html"}:
            break
        node = parent
    return node


def find_body(
    page: Document, seen: Survey, *, seed: Element | None, titles: Sequence[int]
) -> Found:
    """Where the text stands: in an editor's own container, else by its weight."""
    heavy = seen.weight(seed) if seed is not None else 0
    named = _named(seen, heavy)
    if named is not None:
        return Found(named, *seen.spans[named], led_by=named)
    between = _between(seen, titles)
    if seed is None or heavy < MIN_BODY:
        return between or _around_files(page, seen) or Found(page.root, 0, len(seen.lines))
    wide = _widen(seed, seen, titles)
    return between if between and _is_better(between, wide, seen, titles) else wide


def _is_better(between: Found, wide: Found, seen: Survey, titles: Sequence[int]) -> bool:
    """Whether what stands behind the title is the text, though heavier things are said elsewhere.

    A footer may say more than a notice of one line, and so may what is recommended after it:
    the head of what follows an article parts them.
    """
    lines = seen.lines
    title = fold(lines[titles[0]].text) if titles else ""
    own = lines[between.first : between.last]
    said = (
        len(line.text) - line.linked
        if not line.linked or not (_names_file(line) or _repeats(line, title))
        else len(line.text)
        for line in own
    )
    if sum(said) < _FEW:
        return False
    if between.first < wide.first < between.last:
        return False
    until = wide.first + 1 if wide.first >= between.last else wide.last
    return any(
        ends_article(line.text) or is_imprint(line.text) for line in lines[between.last : until]
    )


def _says(lines: Sequence[Line]) -> bool:
    return sum(len(line.text) - line.linked for line in lines) >= _ADDED


def _named(seen: Survey, heavy: int) -> Element | None:
    """An editor's own container, unless it holds little of what the page says."""
    best: tuple[int, int, Element] | None = None
    named = [(node, names) for node, names in seen.names.items() if _EDITOR.search(names)]
    for node, names in (*named, *((node, "") for node in seen.ucaps)):
        ranks = [_EDITORS[name] for name in (node.tag, *names.split()) if name in _EDITORS]
        if not ranks or node.tag in {"input", "a", "img", "body", "html"}:
            continue
        weight = seen.weight(node)
        if weight < _NAMED_SHARE * heavy or not _says(seen.within(node)):
            continue
        if best is None or (min(ranks), -weight) < best[:2]:
            best = (min(ranks), -weight, node)
    return best[2] if best else None


def _widen(seed: Element, seen: Survey, titles: Sequence[int]) -> Found:
    """A text that stands in several containers side by side, taken as one.

    Lines around the heaviest container belong to it as far as no title, bar, list of links
    or end of an article comes between.
    """
    first, last = seen.spans[seed]
    lines = seen.lines
    near, known = set(seed.iter()), set(titles)
    reach = (first, last)
    for node in ancestors(seed):
        if node.tag in {"body", "html"} or reach != (first, last):
            break
        reach = seen.spans[node]
    low = first
    # Before a container that begins with the title stands nothing of it.
    floor = first if titles and titles[0] >= first else max(reach[0], first - _REACH)
    for index in range(first - 1, floor - 1, -1):
        line = lines[index]
        if _is_border(line) or index in known:
            break
        if line.weight and line.node not in near:
            low = index
    high = last
    for index in range(last, min(reach[1], last + _REACH)):
        line = lines[index]
        signed = not line.is_links and _SIGNED.match(line.text)
        if (_is_border(line) and not signed) or ends_article(line.text):
            break
        if line.weight or line.node.tag == "tr" or signed:
            high = index + 1
    added = sum(len(one.text) for one in (*lines[low:first], *lines[last:high]))
    if (low, high) == (first, last) or (added < _ADDED and high == last):
        return Found(seed, first, last, led_by=seed)
    return Found(_around(lines[low:high]), low, high, led_by=seed)


def _is_border(line: Line) -> bool:
    return (
        bool(line.zones)
        or line.hidden
        or (line.is_links and not FILE_LINK.search(line.text))
        or is_imprint(line.text)
        or line.bar
    )


def _between(seen: Survey, titles: Sequence[int]) -> Found | None:
    """What stands between the title with its bar and the end of an article, however little."""
    lines = seen.lines
    start = _behind_title(lines, titles)
    if start is None:
        return None
    title = fold(lines[titles[0]].text) if titles else ""
    links, end = 0, start
    for index in range(start, len(lines)):
        line = lines[index]
        if line.zones or line.hidden or is_imprint(line.text) or ends_article(line.text):
            break
        elsewhere = line.is_links and not (_names_file(line) or _repeats(line, title))
        links = links + 1 if elsewhere else 0
        if links >= _LINKS_IN_A_ROW:
            end = index + 1 - links
            break
        end = index + 1 if not links else end
    if start >= end:
        return Found(lines[start - 1].node, start, start)
    return Found(_around(lines[start:end]), start, end)


def _behind_title(lines: Sequence[Line], titles: Sequence[int]) -> int | None:
    """Where a text may begin: behind the last line that is the title, and its bar."""
    seen = [
        index
        for index in titles
        if not (lines[index].hidden or lines[index].zones or lines[index].is_links)
    ]
    bars = (
        index
        for index, line in enumerate(lines)
        if line.bar and not (line.hidden or line.zones or line.is_links) and is_bar(line.text)
    )
    # A title below the bar is the text's own.
    above = [i for i in seen if i + 1 < len(lines) and is_bar(lines[i + 1].text)]
    last = above[0] if above else seen[-1] if seen else next(bars, None)
    start = None if last is None else last + 1
    if start is None:
        return None
    for index in range(start, min(start + _HEAD, len(lines))):
        if not (lines[index].bar or is_chrome(lines[index].text)):
            break
        start = index + 1
    return start


def _names_file(line: Line) -> bool:
    return bool(FILE_LINK.search(line.text)) or any(
        FILE_LINK.search(f"{a.get('href') or ''} {a.get('oldsrc') or ''}")
        for a in line.node.iter("a")
    )


def _repeats(line: Line, title: str) -> bool:
    """Whether a line is the title once more: a notice may be no more than the link to its file."""
    text = fold(line.text)
    return len(text) >= _FEW and (text in title or (title != "" and title in text))


def _around(lines: Sequence[Line]) -> Element:
    """The smallest element that holds all of the lines."""
    up = [lines[0].node, *ancestors(lines[0].node)]
    for line in lines[1:]:
        own = {line.node, *ancestors(line.node)}
        while up[0] not in own:
            up.pop(0)
    while up[0].tag in _INLINE and len(up) > 1 and up[1].tag not in {"body", "html"}:
        up.pop(0)
    return up[0]


def _around_files(page: Document, seen: Survey) -> Found | None:
    """The container of the attachments, where a page has nothing else."""
    for node in page.root.iter("a"):
        if re.search(r"附件|\.(?:docx?|xlsx?|pdf|wps|ofd|zip|rar)\b", line_of(node)) and not any(
            is_hidden_zone(x) for x in ancestors(node)
        ):
            up = node
            for parent in ancestors(node):
                if parent.tag in {"body", "html"}:
                    break
                up = parent
                if parent.tag in {"div", "td", "ul", "form", "section"}:
                    break
            return Found(up, *seen.spans[up])
    return None


def beside(seen: Survey, body: Element, first: int, last: int) -> list[Element]:
    """Blocks outside a body that list its attachments (附件)."""
    up = set(ancestors(body)) | {body}
    found: list[Element] = []
    for index, line in enumerate(seen.lines):
        if first <= index < last or not line.text.startswith(_ATTACHED) or line.zones:
            continue
        block = None
        for node in (line.node, *ancestors(line.node)):
            start, end = seen.spans[node]
            if start != index or node in up or sum(map(_length, seen.lines[start:end])) > _FILES:
                break
            block = node
        if block is not None and next(block.iter("a"), None) is not None:
            found.append(block)
    return found


def stands_outside(seen: Survey, titles: Sequence[int], first: int, last: int) -> bool:
    """Whether the title is printed outside the body, too: then the body's copy is its own."""
    outside = (seen.lines[index] for index in titles if not first <= index < last)
    return any(not (line.is_links or line.hidden or line.zones) for line in outside)


def _length(line: Line) -> int:
    return len(line.text)
