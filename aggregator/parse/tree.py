"""A page as a tree: text and HTML made from it, and what its head says."""

from __future__ import annotations

import html as entities
import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree
from selectolax.lexbor import LexborHTMLParser

from aggregator.parse.prescan import prescan
from aggregator.text import one_line

Element = etree._Element  # noqa: SLF001  # lxml has no public name for it

_END = re.compile(r"</(?:body|html)\s*>", re.IGNORECASE)
_MORE = re.compile(r"<(?:div|table|p|h[1-6]|ul)\b", re.IGNORECASE)
_ENDS = ("</body", "</html")
#: Links that may stay open before the page is closed as a browser closes it.
_FORGIVEN = 2
_DROPPED = ("script", "style", "noscript", "template", "svg", "select", "textarea", "iframe")
_PLACEHOLDER = re.compile(r"网站名称|栏目名称|文章标题|\$\{|\{\{|<%|^\s*$|^null$|^undefined$")
BLOCKS = frozenset(
    [
        *("p", "div", "li", "tr", "br", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol"),
        *("section", "dd", "dt", "dl", "article", "center", "form", "blockquote", "pre", "hr"),
        *("figure", "figcaption", "tbody", "thead", "ucapcontent", "fieldset", "body", "caption"),
    ]
)


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed page.

    ``root`` has no scripts, styles or hidden templates any more; ``scripts`` holds the text
    of the scripts, ``markup`` the page as decoded, ``meta`` lower-case names.
    """

    root: Element
    markup: str
    scripts: str
    meta: dict[str, str]
    title: str
    base: str


def read_tree(markup: str) -> Element:
    """The root of any markup, never None; the parser is told that it gets UTF-8."""
    parser = etree.HTMLParser(
        encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True, recover=True
    )
    root = etree.fromstring(markup.encode("utf-8", "replace") or b"<html/>", parser)
    if root is None:
        root = etree.fromstring(b"<html><body></body></html>", parser)
    return root


def document(markup: str, *, url: str) -> Document:
    """Read a page after the linear look that refuses hostile markup.

    Raises:
        ParseError: from the look.
    """
    shown, scripts = _cut(markup, "script")
    shown, _ = _cut(shown, "style")
    prescan(shown, url=url)
    root = _closed(shown)
    meta = {}
    for tag in root.iter("meta"):
        name = (tag.get("name") or tag.get("property") or "").strip().lower()
        value = one_line(tag.get("content") or "")
        if name and value and name not in meta and not _PLACEHOLDER.search(value):
            meta[name] = value
    heading = next(iter(root.iter("title")), None)
    title = one_line(text_of(heading)) if heading is not None else ""
    base = next((b.get("href") or "" for b in root.iter("base")), "")
    etree.strip_elements(root, *_DROPPED, with_tail=False)
    return Document(root=root, markup=markup, scripts=scripts, meta=meta, title=title, base=base)


def _cut(markup: str, name: str) -> tuple[str, str]:
    """Markup without its scripts or styles, which no parser need read, and what they say.

    One that begins in a comment and ends beyond it is left where it is.
    """
    # Of all letters only the dotted I grows when it is made small.
    low = markup.replace("İ", "I").lower() if f"</{name.upper()}" in markup else markup
    kept: list[str] = []
    texts: list[str] = []
    done = at = 0
    while (start := low.find(f"<{name}", at)) >= 0:
        opened = markup.find(">", start) + 1
        closed = low.find(f"</{name}", opened)
        at = markup.find(">", closed) + 1
        if not opened or closed < 0 or not at:
            break
        text = markup[opened:closed]
        texts.append(text)
        if "-->" in text and "<!--" not in text:
            continue
        kept.append(markup[done:start])
        done = at
    kept.append(markup[done:])
    return "".join(kept), "\n".join(text for text in texts if text)


def _closed(markup: str) -> Element:
    """The tree of a page, its links closed where a browser would close them, if many are open.

    A page that is closed before its end (``</html>`` in the middle) goes on, as in a browser.
    """
    ends = [at for end in _ENDS if (at := markup.find(end)) >= 0]
    early = min(ends or [at for end in _ENDS if (at := markup.find(end.upper())) >= 0], default=-1)
    if early >= 0 and _MORE.search(markup, early):
        markup = _END.sub("", markup)
    root = read_tree(markup)
    opened = sum(1 for _ in root.iter("a"))
    closed = markup.count("</a")
    if opened - closed > _FORGIVEN and opened - closed - markup.count("</A") > _FORGIVEN:
        return read_tree(LexborHTMLParser(markup).html or markup)
    return root


def text_of(element: Element) -> str:
    """All text below an element, as it stands."""
    return etree.tostring(element, method="text", encoding="unicode", with_tail=False)


def line_of(element: Element) -> str:
    """All text below an element on one line."""
    return one_line(text_of(element))


def names_of(element: Element) -> str:
    """An element's class and id, lower case: what its maker called it."""
    return f"{element.get('class') or ''} {element.get('id') or ''}".lower()


def ancestors(element: Element) -> Iterator[Element]:
    """The element's parent, its parent, and so on up to the root."""
    parent = element.getparent()
    while parent is not None:
        yield parent
        parent = parent.getparent()


def paragraphs(element: Element) -> list[str]:
    """The text below an element as lines, broken where a browser breaks them."""
    parts: list[str] = []
    for event, node in etree.iterwalk(element, events=("start", "end")):
        block = node.tag in BLOCKS
        if event == "start":
            if block:
                parts.append("\n")
            elif node.tag in {"td", "th"}:
                parts.append("\t")
            parts.append((node.text or "").replace("\n", " "))
        else:
            if block:
                parts.append("\n")
            if node is not element:
                parts.append((node.tail or "").replace("\n", " "))
    lines = (one_line(line) for line in "".join(parts).split("\n"))
    return [line for line in lines if line]


def unescape(text: str) -> str:
    """Character references resolved."""
    return entities.unescape(text)
