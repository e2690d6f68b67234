"""Where the body of an article is, and what in it is not of the article."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lxml import etree

from aggregator.parse.header import is_bar, is_bare, is_header
from aggregator.parse.rows import shape
from aggregator.parse.tree import Document, Element, ancestors, line_of, names_of, paragraphs
from aggregator.parse.walk import is_hidden_zone
from aggregator.text import fold, one_line

MIN_BODY = 80
#: DOMAIN §4, in its order; class and id are compared without regard to case.
_NAMES = (
    *("trs_editor", "trs_ueditor", "trs_editor_view", "trs_paper_default", "ucapcontent"),
    *("ucap-content", "v_news_content", "zoom", "article-content", "articlecontent"),
    *("article_content", "ivs_content", "wzcon", "newscontnet", "news_content", "newscontent"),
    *("vsb_content", "vsb_content_2", "vsb_content_4", "content", "view", "con_text"),
)
_PUNCTUATION = re.compile(r"[，。；：、！？,;]")
_IMPRINT = re.compile(
    r"版权所有|ICP备|公网安备|技术支持|主办单位|承办单位|copyright|建议使用", re.IGNORECASE
)
_SHARE = 0.7
_NAMED_SHARE = 0.6
_NOISE_NAMES = re.compile(
    r"(?:^|[\s_-])(?:share|bdshare|bdsharebuttonbox|print|tools?|toolbar|pre-?next|prev|related|"
    r"relate|qrcode|ewm|saoyisao|editor-?name|zrbj|page-?tools|copyright|fontsize|font-?size|comment)"
    r"(?:$|[\s_\d-])"
)
_NOISE = re.compile(
    r"^[\[【(（「|\s]*(?:(?:我要)?打印(?:本页|文章|此页)?|关闭(?:本页|窗口|此页)?|收藏(?:本页)?|分享(?:到|至)?|"
    r"字体(?:大小)?|字号|[大中小\s]{1,6}|扫一扫.*|上一[篇条].*|下一[篇条].*|上篇.*|下篇.*|责任编辑.*|"
    r"编辑[:：].{0,12}|责编.{0,14}|审核[:：].{0,12}|校对[:：].{0,12}|"
    r"(?:阅读|浏览|点击|访问)(?:次数|量|数|人次)?\s*[:：]?\s*\d*\s*次?|转载请注明.*|标签[:：].*|返回(?:顶部|列表|首页|上一页)?|相关(?:链接|阅读|文章|新闻|信息)[:：]?|"
    r"信息来源[:：].{0,30}|视力保护色.*|\[\s*\]|[|｜\]】)）」\s]+|正文)"
    r"[\]】)）」|\s:：]*$"
)
_RELATED = re.compile(
    r"^(?:相关(?:链接|阅读|文章|新闻|信息|文件|解读)|延伸阅读|推荐阅读|热点推荐)[:：]?$"
)
_TWIN = 200
_FILES = 1000
_MOSTLY_LINKS = 0.7
_LIST = 4
_FILE_LINK = re.compile(
    r"\.(?:docx?|xlsx?|pdf|wps|et|ofd|zip|rar|pptx?)\b|附件|download", re.IGNORECASE
)


def prose_of(page: Document) -> dict[Element, int]:
    """How much running text stands below each element, links and navigation aside.

    A container that is called navigation and holds half of the page's text is none.
    """
    pieces: list[tuple[int, list[Element]]] = []
    raw: dict[Element, int] = {}
    for node in page.root.iter():
        if not isinstance(node.tag, str) or node.tag in {"head", "title", "option", "button"}:
            continue
        for text in (node.text, *(child.tail for child in node)):
            line = one_line(text or "")
            marks = len(_PUNCTUATION.findall(line))
            if len(line) < 8 or (not marks and len(line) < 15) or _IMPRINT.search(line):  # noqa: PLR2004
                continue
            up = [node, *ancestors(node)]
            if any(x.tag in {"a", "head"} or _hidden(x) for x in up):
                continue
            gain = len(line) + 10 * min(marks, 10)
            pieces.append((gain, up))
            for x in up:
                raw[x] = raw.get(x, 0) + gain
    total = raw.get(page.root, 0)
    zones = {x for x, weight in raw.items() if weight < total / 2 and is_hidden_zone(x)}
    weights: dict[Element, int] = {}
    for gain, up in pieces:
        if not any(x in zones for x in up):
            for x in up:
                weights[x] = weights.get(x, 0) + gain
    return weights


def _hidden(node: Element) -> bool:
    return "display:none" in (node.get("style") or "").replace(" ", "").lower()


def find_body(page: Document, *, title: str, learned: str | None) -> Element:
    """The element that holds the article: as learned, by a known name, else by density."""
    root = next(iter(page.root.iter("body")), page.root)
    weights = prose_of(page)
    dense = _descend(root, weights)
    if learned:
        # Asides may be shaped alike, and a page may have moved its text elsewhere.
        tag = learned.rpartition(">")[2].partition(".")[0]
        alike = [node for node in page.root.iter(tag) if shape(node) == learned]
        known = max(alike, key=lambda node: weights.get(node, 0), default=None)
        if known is not None and weights.get(known, 0) >= max(
            _NAMED_SHARE * weights.get(dense, 1), MIN_BODY
        ):
            return known
    named = _named(page, weights)
    if named is not None and weights.get(named, 0) >= _NAMED_SHARE * weights.get(dense, 1):
        return named
    if weights.get(root, 0) < MIN_BODY:
        files = _around_files(root)
        if files is not None:
            return files
        near = _after_title(root, title)
        return near if near is not None else root
    return dense


def _named(page: Document, weights: dict[Element, int]) -> Element | None:
    found: dict[str, list[Element]] = {}
    for node in page.root.iter():
        if not isinstance(node.tag, str) or node.tag in {"input", "a", "img", "body", "html"}:
            continue
        for name in {node.tag, *names_of(node).split()}:
            if name in _NAMES:
                found.setdefault(name, []).append(node)
    for name in _NAMES:
        nodes = [node for node in found.get(name, ()) if len(line_of(node)) >= MIN_BODY]
        if nodes:
            return max(nodes, key=lambda node: weights.get(node, 0))
    return None


def _descend(root: Element, weights: dict[Element, int]) -> Element:
    """From the top to the smallest container that holds most of the running text."""
    node = root
    while True:
        whole = weights.get(node, 0)
        best = max(
            (child for child in node if isinstance(child.tag, str)),
            key=lambda child: weights.get(child, 0),
            default=None,
        )
        if best is None or not whole or weights.get(best, 0) < _SHARE * whole:
            break
        node = best
    while node.tag in {
        "p",
        "span",
        "strong",
        "b",
        "font",
        "em",
        "i",
        "u",
        "tr",
        "tbody",
        "h1",
        "h2",
    }:
        parent = node.getparent()
        if parent is None or parent.tag in {"body", "html"}:
            break
        node = parent
    return node


def _around_files(root: Element) -> Element | None:
    """The container of the attachments, where a page has nothing else."""
    for node in root.iter("a"):
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
            return up
    return None


def _after_title(root: Element, title: str) -> Element | None:
    """The first container after the title that says anything, for bodies of a few words."""
    known = fold(title)
    seen = False
    for node in root.iter("h1", "h2", "h3", "div", "td", "p"):
        text = line_of(node)
        if known and fold(text) == known:
            seen = True
        elif seen and len(text) >= 10 and known not in fold(text):  # noqa: PLR2004
            zones = (is_hidden_zone(x) for x in (node, *ancestors(node)))
            if not any(zones):
                return node
    return None


def beside(page: Document, body: Element) -> list[Element]:
    """Blocks outside a body that list its attachments (附件)."""
    inside = set(body.iter())
    up = set(ancestors(body))
    found: list[Element] = []
    for node in page.root.iter("div", "p", "li", "td", "ul", "dl", "span"):
        if node in inside or node in up or any(x in found for x in ancestors(node)):
            continue
        text = line_of(node)
        named = text.startswith(("附件", "【附件", "相关附件"))
        if named and len(text) <= _FILES and next(node.iter("a"), None) is not None:
            zones = (is_hidden_zone(x) for x in (node, *ancestors(node)))
            if not any(zones):
                found.append(node)
    return found


def tidy_body(body: Element, *, title: str, before: Sequence[str]) -> list[str]:
    """Cut from a body, in place, what belongs to the page; its lines that stay.

    Args:
        body: the container.
        title: the article's title, cut where it is repeated.
        before: lines of the page's information bar (date, source), cut too.
    """
    _drop_noise(body, fold(title))
    _drop_link_lists(body)
    _drop_twins(body)
    known = {fold(line) for line in before} | {fold(title)}
    lines = paragraphs(body)
    while lines and (
        fold(lines[0]) in known
        or _NOISE.match(lines[0])
        or any(judge(lines[0]) for judge in (is_bar, is_bare, is_header))
    ):
        lines.pop(0)
    kept: list[str] = []
    for line in lines:
        if _RELATED.match(line) and len(kept) > 1:
            break
        if not _NOISE.match(line) and not is_bar(line):
            kept.append(line)
    return kept


def _drop_noise(body: Element, title: str) -> None:
    for node in list(body.iter()):
        if node is body or not isinstance(node.tag, str) or node.getparent() is None:
            continue
        if node.tag in {"input", "button", "h1"} and (
            node.tag != "h1" or not title or fold(line_of(node)) == title
        ):
            _remove(node)
            continue
        if _hidden(node) or (
            (_NOISE_NAMES.search(names_of(node)) or _is_list_aside(node))
            and len(line_of(node)) < 400  # noqa: PLR2004
        ):
            _remove(node)


def _drop_link_lists(body: Element) -> None:
    """Cut blocks that are nothing but links to elsewhere, unless the body itself is that."""
    if _linked(body) > _MOSTLY_LINKS / 2:
        return
    for node in list(body.iter("div", "ul", "dl", "ol", "aside", "section")):
        if node is body or node.getparent() is None:
            continue
        links = [a for a in node.iter("a") if line_of(a)]
        files = any(_FILE_LINK.search(f"{a.get('href') or ''} {line_of(a)}") for a in links)
        if len(links) >= _LIST and not files and _linked(node) > _MOSTLY_LINKS:
            _remove(node)


def _linked(node: Element) -> float:
    whole = len(line_of(node))
    return sum(len(line_of(a)) for a in node.iter("a")) / whole if whole else 0.0


def _is_list_aside(node: Element) -> bool:
    """Whether a block is nothing but links to other notices (上一篇, 相关链接)."""
    if node.tag not in {"div", "ul", "dl", "p"}:
        return False
    text = line_of(node)
    return (
        bool(re.match(r"^(?:上一[篇条]|下一[篇条]|相关(?:链接|阅读|文章|新闻))", text))
        and len(text) < _TWIN
    )


def _remove(node: Element) -> None:
    """Take an element out and leave the text that follows it."""
    parent = node.getparent()
    if parent is None:
        return
    if node.tail:
        before = node.getprevious()
        if before is not None:
            before.tail = (before.tail or "") + node.tail
        else:
            parent.text = (parent.text or "") + node.tail
        node.tail = None
    parent.remove(node)


def _drop_twins(body: Element) -> None:
    """Of two containers that hold the same text (for print, for phones) keep the fuller."""
    blocks = [
        (child, {fold(line) for line in paragraphs(child)})
        for child in body
        if isinstance(child.tag, str) and child.tag in {"div", "section", "article", "td", "table"}
    ]
    blocks = [
        (child, lines)
        for child, lines in blocks
        if sum(map(len, lines)) >= MIN_BODY and len(lines) > 1
    ]
    gone: set[Element] = set()
    for child, lines in blocks:
        for other, more in blocks:
            if other is child or other in gone or child in gone or len(more) < len(lines):
                continue
            shared = sum(len(line) for line in lines & more)
            if shared >= 0.9 * sum(map(len, lines)):
                later = child if len(more) > len(lines) or _comes_after(child, other) else other
                gone.add(later)
    for child in gone:
        _remove(child)


def _comes_after(one: Element, other: Element) -> bool:
    parent = one.getparent()
    return parent is not None and parent.index(one) > parent.index(other)


def html_of(body: Element) -> str:
    """The markup of a body, still to be sanitised."""
    return etree.tostring(body, encoding="unicode", method="html", with_tail=False)
