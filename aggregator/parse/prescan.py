"""A linear look at markup before any parser sees it: what could make one suffer is refused."""

from __future__ import annotations

import re

from aggregator.errors import ParseError

MAX_BYTES = 10 * 1024 * 1024
MAX_ATTRIBUTES = 1000
MAX_OPEN = 2000

#: Every alternative either consumes what it looks at or fails at once, so the scan is linear.
_PIECE = re.compile(
    r"<!--(?:.*?-->|.*)|<!\[CDATA\[(?:.*?\]\]>|.*)"
    r"|<(/?)([A-Za-z][^\s/>]*+)((?:[^>\"']|\"[^\"]*+\"|'[^']*+')*+)(>?)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""[^\s"'/=<>]+(?:\s*=\s*(?:"[^"]*+"|'[^']*+'|[^\s"'>]+))?""")
_QUOTED_BRACKET = re.compile(r"=\s*+(?:\"[^\"<>]*+[<>]|'[^'<>]*+[<>])")
_BEGUN = re.compile("<[A-Za-z]")
_MANY_QUOTED = 100
_RAW = frozenset({"script", "style", "textarea", "title", "xmp", "noembed"})
#: Elements without content, and those whose next start tag ends them (HTML §13.1.2.4).
_NEVER_DEEP = frozenset(
    [
        *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param"),
        *("source", "track", "wbr", "p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody"),
        *("tfoot", "option", "optgroup", "colgroup", "rp", "rt", "a", "html", "head", "body"),
    ]
)


def prescan(  # noqa: C901  # one loop, one decision a piece of markup
    markup: bytes | str, *, xml: bool = False, url: str = ""
) -> None:
    """Refuse markup that is too large, too deep or has too many attributes on a tag.

    Args:
        markup: bytes as fetched, or the decoded text.
        xml: every tag counts as open until it is closed; in HTML some end by themselves.
        url: named in the error.

    Raises:
        ParseError: reason ``too_large``, ``too_deep`` or ``too_many_attributes``.
    """
    if len(markup) > MAX_BYTES:
        raise ParseError(
            f"{len(markup):,} bytes are more than the {MAX_BYTES:,} we read of {url or 'a page'}",
            reason="too_large",
            url=url,
        )
    text = markup.decode("latin-1") if isinstance(markup, bytes) else markup
    if not xml and _is_tame(text):
        return
    opened: dict[str, int] = {}
    deep = 0
    at = 0
    while found := _PIECE.search(text, at):
        at = found.end()
        name = (found.group(2) or "").lower()
        if not name:
            continue
        rest = found.group(3)
        if not found.group(4) and at < len(text):
            rest, at = text[found.start(3) :], len(text)  # a quote that never ends swallows all
        if len(rest) > MAX_ATTRIBUTES and _too_many(rest):
            raise ParseError(
                f"a <{name[:20]}> tag with more than {MAX_ATTRIBUTES} attributes in {url or 'it'}",
                reason="too_many_attributes",
                url=url,
            )
        if found.group(1):
            if opened.get(name, 0):
                opened[name] -= 1
                deep -= 1
            continue
        if not xml and name in _RAW:
            close = re.compile(f"</{name}", re.IGNORECASE).search(text, at)
            at = close.start() if close else len(text)
            continue
        if rest.endswith("/") or (not xml and name in _NEVER_DEEP):
            continue
        opened[name] = opened.get(name, 0) + 1
        deep += 1
        if deep > MAX_OPEN:
            raise ParseError(
                f"more than {MAX_OPEN} tags are open at once in {url or 'it'}",
                reason="too_deep",
                url=url,
            )


def _is_tame(text: str) -> bool:
    """Whether a few looks at the whole show already that nothing here can be refused.

    No more elements can be open than tags begin, and no tag with so many attributes is short.
    A tag ends at the first ``>``, but for those in quotes after ``=``: tags with a bracket in
    quotes are looked at one by one, and where there are many of them nothing is promised.
    """
    if text.count("<") - text.count("</") > MAX_OPEN:
        return False
    pieces = text.split(">")
    if max(map(len, pieces)) > MAX_ATTRIBUTES:
        for piece in pieces:
            begun = _BEGUN.search(piece) if len(piece) > MAX_ATTRIBUTES else None
            if begun and _too_many(piece[begun.end() :]):
                return False
    for count, found in enumerate(_QUOTED_BRACKET.finditer(text)):
        tag = _PIECE.search(text, text.rfind(">", 0, found.start()) + 1)
        if count >= _MANY_QUOTED or (
            tag
            and tag.group(2)
            and (
                not tag.group(4) or (len(tag.group(3)) > MAX_ATTRIBUTES and _too_many(tag.group(3)))
            )
        ):
            return False
    return True


def _too_many(rest: str) -> bool:
    return any(n >= MAX_ATTRIBUTES for n, _ in enumerate(_ATTRIBUTE.finditer(rest)))
