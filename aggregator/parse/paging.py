"""Where a list goes on: a link, or what a pager's script is told (DOMAIN §3)."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from aggregator.model import Request
from aggregator.parse.told import told_link
from aggregator.parse.tree import Document, Element, line_of, names_of
from aggregator.urls import absolute, canonical_url

_NEXT = re.compile(
    r"^(?:下\s*一?\s*页|下\s*一?\s*頁|后\s*一?\s*页|next(?:\s*page)?)\s*[>»›]*$|^[>»›]$",
    re.IGNORECASE,
)
_CALL = re.compile(r"\bcreatePage\w*\s*\(([^()]{1,300})\)\s*;?", re.IGNORECASE)
_ARGUMENT = re.compile(r"""'([^']*)'|"([^"]*)"|(\d+)|([^,\s]+)""")
_NUMBERED = re.compile(r"^(.*?)[_-](\d{1,4})(\.[a-z]+)$", re.IGNORECASE)
_QUERY_PAGE = re.compile(
    r"[?&](?:page|pageno|pagenum|pageindex|cur_page|p|currentpage|_pagenum)=(\d{1,4})(?:&|$)",
    re.IGNORECASE,
)
_MAX_PAGES = 10_000


def next_page(
    page: Document, *, url: str, base: str, entries: int, selector: str | None = None
) -> Request | None:
    """The request for the page that follows, if the page tells of one.

    A link by its words first, then the pager script of the TRS family, then the link with
    the number after ours.
    """
    if selector:
        told = told_link(page.markup, selector, base)
        return Request(url=told) if told else None
    found = _by_words(page, base) or _by_script(page, url) or _by_number(page, url, base)
    if not found or not entries:
        return None
    same_host = urlsplit(found).hostname == urlsplit(url).hostname
    if not same_host or canonical_url(found) == canonical_url(url):
        return None
    return Request(url=found)


def _by_words(page: Document, base: str) -> str | None:
    for link in page.root.iter("link"):
        if (link.get("rel") or "").lower() == "next":
            return absolute(link.get("href"), base)
    for node in page.root.iter("a"):
        words = _words(node)
        if _NEXT.match(words) or (node.get("rel") or "").lower() == "next":
            found = absolute(node.get("href"), base) or _in_call(node, base)
            if found:
                return found
    return None


def _words(node: Element) -> str:
    text = line_of(node)
    if text:
        return text
    image = next(iter(node.iter("img")), None)
    hint = node.get("title") or (image.get("alt") if image is not None else "") or ""
    return hint.strip()


def _in_call(node: Element, base: str) -> str | None:
    """The address in ``javascript:goto('list_2.html')`` or in an ``onclick``."""
    for text in (node.get("href") or "", node.get("onclick") or "", node.get("tagname") or ""):
        found = re.search(
            r"""['"(]([\w./-]+\.(?:s?html?|jsp|aspx?|php)(?:\?[^'")]*)?)['")]""", text
        )
        if found:
            return absolute(found.group(1), base)
        if re.fullmatch(r"[\w./-]+\.s?html?", text) or re.fullmatch(r"/[\w./-]+\.s?html?", text):
            return absolute(text, base)
    return None


def _by_script(page: Document, url: str) -> str | None:
    """``createPageHTML(total, current, "index", "html")``: page 2 is ``index_1``.

    With a name of a container before the numbers and another stem it counts from one: page 2
    is ``list_2``.
    What it says of the current page is not to be trusted; our address tells.
    """
    for call in _CALL.finditer(page.scripts):
        numbers: list[int] = []
        words: list[str] = []
        led = False
        for single, double, number, name in _ARGUMENT.findall(call.group(1)):
            if number and len(number) < 8 and not words:  # noqa: PLR2004
                numbers.append(int(number))
            elif single or double:
                if numbers:
                    words.append(single or double)
                else:
                    led = True
            elif name and not numbers:
                led = True
        if not numbers or (led and not words):
            continue
        total = min(numbers[0], _MAX_PAGES)
        stem, suffix = (words + ["index", "html"][len(words) :])[:2] if words else ("index", "html")
        suffix = "." + suffix.lstrip(".")
        ours = re.search(
            rf"/{re.escape(stem.rsplit('/', 1)[-1])}[_-](\d+){re.escape(suffix)}$",
            urlsplit(url).path,
        )
        from_one = led and stem.rsplit("/", 1)[-1] != "index"
        first_next = 2 if from_one else 1
        number = int(ours.group(1)) + 1 if ours else first_next
        last = total if from_one else total - 1
        if number <= last:
            return absolute(f"{stem}_{number}{suffix}", url)
    return None


def _by_number(page: Document, url: str, base: str) -> str | None:
    """The link that shows the number after that of our page, beside other such links."""
    ours = _number_of(url)
    numbered: dict[str, str] = {}
    for node in page.root.iter("a"):
        text = line_of(node)
        if text.isdecimal() and len(text) <= 4 and text not in numbered:  # noqa: PLR2004
            found = absolute(node.get("href"), base) or _in_call(node, base)
            if found:
                numbered[text] = found
    current = next(
        (
            line_of(node)
            for node in page.root.iter("a", "span", "strong", "b", "em", "li", "font")
            if line_of(node).isdecimal()
            and re.search(r"(?:^|\s)(?:cur|current|on|active|this|now|thisclass)", names_of(node))
        ),
        None,
    )
    at = int(current) if current and len(current) <= 4 else ours  # noqa: PLR2004
    found = numbered.get(str(at + 1))
    if found is None or (len(numbered) < 2 and not _NUMBERED.match(urlsplit(found).path)):  # noqa: PLR2004
        return None
    return found


def _number_of(url: str) -> int:
    if found := _QUERY_PAGE.search(url):
        return int(found.group(1))
    found = _NUMBERED.match(urlsplit(url).path)
    return int(found.group(2)) if found and len(found.group(2)) < 4 else 1  # noqa: PLR2004


def with_path(url: str, path: str) -> str:
    """A path on the host of an address."""
    return urljoin(url, path)
