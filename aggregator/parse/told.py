"""Rows by the CSS selectors that an operator gave for a source."""

from __future__ import annotations

from datetime import datetime

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from aggregator.errors import ParseError
from aggregator.model import Entry, Selectors
from aggregator.parse.rows import make_entry, tidy_title
from aggregator.parse.walk import date_in
from aggregator.text import one_line
from aggregator.urls import absolute


def told_entries(
    markup: str, *, selectors: Selectors, base: str, now: datetime
) -> tuple[Entry, ...]:
    """The rows that the selectors name; a part not told is found as usual.

    Raises:
        ParseError: a selector is not CSS.
    """
    tree = LexborHTMLParser(markup)
    entries = []
    for row in select(tree, selectors.rows or ""):
        link = _first(row, selectors.link) or (row if row.tag == "a" else row.css_first("a[href]"))
        titled = _first(row, selectors.title)
        title = _title(titled or link)
        if not title:
            continue
        dated = _first(row, selectors.date)
        printed = one_line(dated.text()) if dated else _printed(row)
        url = absolute(link.attributes.get("href"), base) if link else None
        entries.append(make_entry(title=title, url=url, date_text=printed, now=now))
    return tuple(entries)


def told_one(markup: str, selector: str) -> str | None:
    """The outer HTML of the first element that a selector names.

    Raises:
        ParseError: the selector is not CSS.
    """
    found = select(LexborHTMLParser(markup), selector)
    return found[0].html if found else None


def told_link(markup: str, selector: str, base: str) -> str | None:
    """The address of the first link that a selector names.

    Raises:
        ParseError: the selector is not CSS.
    """
    for node in select(LexborHTMLParser(markup), selector):
        if url := absolute(node.attributes.get("href"), base):
            return url
    return None


def told_nothing(markup: str, selectors: Selectors) -> tuple[str, ...]:
    """Those of the selectors for a list that name nothing on a page, in their own order.

    ``next`` is not among them: a last page has none.

    Raises:
        ParseError: a selector is not CSS.
    """
    if not selectors.rows:
        return ()
    rows = select(LexborHTMLParser(markup), selectors.rows)
    if not rows:
        return ("rows",)
    parts = {"title": selectors.title, "link": selectors.link, "date": selectors.date}
    return tuple(
        name
        for name, selector in parts.items()
        if selector and not any(_first(row, selector) for row in rows)
    )


def select(tree: LexborHTMLParser | LexborNode, selector: str) -> list[LexborNode]:
    """What a selector names, in the order of the page.

    Raises:
        ParseError: it is not CSS.
    """
    try:
        return tree.css(selector)
    except (SelectolaxError, ValueError, RuntimeError) as error:
        raise ParseError(f"the selector {selector!r} is no CSS selector we know") from error


def _first(row: LexborNode, selector: str | None) -> LexborNode | None:
    return next(iter(select(row, selector)), None) if selector else None


def _title(node: LexborNode | None) -> str:
    if node is None:
        return ""
    hint = one_line(node.attributes.get("title") or "")
    text = one_line(node.text())
    return tidy_title(hint if len(hint) > len(text) else text)


def _printed(row: LexborNode) -> str | None:
    for node in row.traverse(include_text=True):
        if node.tag == "-text":
            found = date_in(one_line(node.text()), in_link=False)
            if found:
                return found
    return None
