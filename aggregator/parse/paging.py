"""Where a list goes on: a link, or what a pager's script is told (DOMAIN §3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from aggregator.model import Request
from aggregator.parse.prescan import prescan
from aggregator.parse.told import told_link
from aggregator.parse.tree import Document, Element, ancestors, line_of, names_of
from aggregator.urls import absolute, canonical_url

_NEXT = re.compile(
    r"(?:下\s*一?\s*页|下\s*一?\s*頁|下\s*翻\s*页|后\s*一?\s*页|后\s*翻|next(?:\s*page)?)\s*[>»›→]*|[>»›→]{1,2}",
    re.IGNORECASE,
)
#: What a link of a pager begins with; most links of a page begin with something else.
_BEGINS = frozenset("下后nN>»›→0123456789 \t\r\n\u3000\xa0[［")
_NEXT_NAME = re.compile(r"(?:^|[\s_-])next(?:$|[\s_-]|page)")
_CALL = re.compile(r"createPage\w*\s*\(([^()]{1,300})\)")
_ARGUMENT = re.compile(r"""'([^']*)'|"([^"]*)"|(\d+)|([^,\s]+)""")
_COUNT_PAGE = re.compile(r"\b(?:var\s+)?(countPage|currentPage)\s*=\s*(\d{1,5})\b")
_NUMBERED = re.compile(r"^(.*?)[_-](\d{1,4})(\.[a-z]+)$", re.IGNORECASE)
_PAGE_NAMES = frozenset(
    [
        *("page", "pageno", "pagenum", "pageindex", "cur_page", "curpage", "p", "currentpage"),
        *("_pagenum", "pagenumber", "page_no", "pn", "paged", "topage", "nowpage", "pageid"),
    ]
)
_QUERY_PAGE = re.compile(
    rf"[?&](?:{'|'.join(sorted(_PAGE_NAMES))})=(\d{{1,4}})(?:&|$)", re.IGNORECASE
)
#: ``location.href = "list.jsp?page=" + n`` in a script: where its pager goes.
_GOES = re.compile(
    r"""(?:location(?:\.href)?|window\.open|\.action|\.href)\s*[=(]\s*["']([^"'\s]{0,300}?[=_/-])["']\s*\+\s*\w+"""
    r"""(?:\s*\+\s*["']([^"'\s]{0,100})["'])?"""
)
_ASKED_BY_NUMBER = re.compile(
    r"(?:javascript:)?\s*[\w.]*(?:page|goto|go)\w*\s*\(\s*['\"]?(\d{1,4})['\"]?\s*\)", re.IGNORECASE
)
_ADDRESS = re.compile(r"""['"(]([\w./-]+\.(?:s?html?|jsp|aspx?|php)(?:\?[^'")]*)?)['")]""")
_MAX_PAGES = 10_000
_SHORT = 12
_DAYS_OF_A_MONTH = 28


@dataclass(slots=True)
class _Pager:
    """The links of a page that may lead to other pages of its list."""

    following: list[Element] = field(default_factory=list)
    numbers: dict[int, Element] = field(default_factory=dict)
    found: int = 0


def next_page(
    page: Document, *, url: str, base: str, entries: int, selector: str | None = None
) -> Request | None:
    """The request for the page that follows, if the page tells of one.

    A link by its words first, then the pager script of the TRS family, then the link with
    the number after ours, then an address that a script of the page makes of a number.
    """
    if selector:
        prescan(page.markup, url=url)
        told = told_link(page.markup, selector, base)
        return Request(url=told) if told else None
    if not entries:
        return None
    pager = _links_of(page)
    found = (
        _by_words(page, pager, base)
        or _by_script(page, url)
        or _by_number(page, pager, url, base)
        or _by_call(page, pager, url, base)
    )
    if not found:
        return None
    same_host = urlsplit(found).hostname == urlsplit(url).hostname
    if not same_host or canonical_url(found) == canonical_url(url):
        return None
    return Request(url=found)


def _links_of(page: Document) -> _Pager:
    """Links that say 下一页 or a number; most links of a page say more and are passed by."""
    pager = _Pager()
    for node in page.root.iter("a"):
        text = node.text or ""
        if text and text[0] not in _BEGINS:
            continue
        text = text.strip() if not len(node) else line_of(node)
        if not text:
            text = _said_by_picture(node)
        if len(text) > _SHORT:
            continue
        if text.isdecimal() and len(text) <= 4:  # noqa: PLR2004
            pager.found += 1
            pager.numbers.setdefault(int(text), node)
        elif _says_next(node, text):
            pager.following.append(node)
    return pager


def _says_next(node: Element, text: str) -> bool:
    if _NEXT.fullmatch(text.strip("[]［］ ")):
        return True
    if (node.get("rel") or "").lower() == "next":
        return True
    return not text and any(_NEXT_NAME.search(names_of(x)) for x in _near(node))


def _near(node: Element) -> Iterator[Element]:
    yield node
    parent = node.getparent()
    if parent is not None and parent.tag == "li":
        yield parent


def _said_by_picture(node: Element) -> str:
    image = next(iter(node.iter("img")), None)
    hint = node.get("title") or (image.get("alt") if image is not None else "") or ""
    return hint.strip()


def _by_words(page: Document, pager: _Pager, base: str) -> str | None:
    for link in page.root.iter("link"):
        if (link.get("rel") or "").lower() == "next":
            return absolute(link.get("href"), base)
    for node in pager.following:
        found = absolute(node.get("href"), base) or _in_call(node, base)
        if found:
            return found
    return None


def _in_call(node: Element, base: str) -> str | None:
    """The address in ``javascript:goto('list_2.html')``, in an ``onclick`` or another attribute."""
    for text in (node.get("href"), node.get("onclick"), node.get("tagname"), node.get("data-href")):
        if not text:
            continue
        found = _ADDRESS.search(text)
        if found:
            return absolute(found.group(1), base)
        if re.fullmatch(r"/?[\w./-]+\.s?html?", text):
            return absolute(text, base)
    return None


def _by_script(page: Document, url: str) -> str | None:
    """``createPageHTML(total, current, "index", "html")``: page 2 is ``index_1``.

    With a name of a container before the numbers and another stem it counts from one: page 2
    is ``list_2``. Numbers may stand in ``var countPage``.
    What it says of the current page is not to be trusted; our address tells.
    """
    scripts = page.scripts
    variables = {}
    if "countPage" in scripts:
        variables = {name: int(value) for name, value in _COUNT_PAGE.findall(scripts)}
    at = scripts.find("createPage")
    if at < 0 and "countPage" in variables and "currentPage" in variables:
        return _numbered(url, variables["countPage"], "index", _suffix_of(url), from_one=False)
    while at >= 0:
        call = _CALL.match(scripts, at)
        found = _called(call.group(1), variables, url) if call else None
        if found:
            return found
        at = scripts.find("createPage", at + 1)
    return None


def _called(arguments: str, variables: dict[str, int], url: str) -> str | None:
    """The next page by one call: where are its numbers, and what are pages called."""
    numbers: list[int] = []
    words: list[str] = []
    led = False
    for single, double, number, name in _ARGUMENT.findall(arguments):
        if number and len(number) < 8 and not words:  # noqa: PLR2004
            numbers.append(int(number))
        elif single or double:
            if numbers:
                words.append(single or double)
            else:
                led = True
        elif name in variables and not words:
            numbers.append(variables[name])
        elif name and not numbers:
            led = True
    if not numbers or (led and not words):
        return None
    stem, suffix = (words + ["index", "html"][len(words) :])[:2] if words else ("index", "html")
    from_one = led and stem.rsplit("/", 1)[-1] != "index"
    return _numbered(url, numbers[0], stem, "." + suffix.lstrip("."), from_one=from_one)


def _suffix_of(url: str) -> str:
    leaf = urlsplit(url).path.rpartition("/")[2]
    return "." + leaf.rpartition(".")[2] if "." in leaf else ".html"


def _numbered(url: str, total: int, stem: str, suffix: str, *, from_one: bool) -> str | None:
    """The page after ours of ``total`` pages that are called ``stem_N``."""
    total = min(total, _MAX_PAGES)
    ours = re.search(
        rf"/{re.escape(stem.rsplit('/', 1)[-1])}[_-](\d+){re.escape(suffix)}$", urlsplit(url).path
    )
    number = int(ours.group(1)) + 1 if ours else 2 if from_one else 1
    return absolute(f"{stem}_{number}{suffix}", url) if number <= total - (not from_one) else None


def _by_number(page: Document, pager: _Pager, url: str, base: str) -> str | None:
    """The link that shows the number after that of our page, beside other such links."""
    if not pager.numbers or _is_calendar(pager):
        return None
    node = pager.numbers.get(_current(page, url) + 1)
    if node is None:
        return None
    found = absolute(node.get("href"), base) or _in_call(node, base)
    if found is None or (len(pager.numbers) < 2 and not _NUMBERED.match(urlsplit(found).path)):  # noqa: PLR2004
        return None
    return found


def _is_calendar(pager: _Pager) -> bool:
    """Whether the numbers are the days of a month."""
    numbers = pager.numbers
    return pager.found >= _DAYS_OF_A_MONTH and all(day in numbers for day in range(1, 29))


def _current(page: Document, url: str) -> int:
    """The number of our page: as marked in the pager, else as our address says."""
    for node in page.root.iter("a", "span", "strong", "b", "em", "li", "font"):
        names = node.get("class") or node.get("id")
        if (
            names
            and re.search(
                r"(?:^|[\s_-])(?:cur|current|on|active|this|now|thisclass)", names.lower()
            )
            and (text := line_of(node)).isdecimal()
            and len(text) <= 4  # noqa: PLR2004
            and not any(_is_slide(up) for up in ancestors(node))
        ):
            return int(text)
    return _number_of(url)


def _is_slide(node: Element) -> bool:
    return bool(re.search(r"slide|banner|focus|swiper|carousel", names_of(node)))


def _by_call(page: Document, pager: _Pager, url: str, base: str) -> str | None:
    """Where a script goes that is called with a number: ``goPage(2)``.

    The page's own address tells the parameter, or the script does (``"list.jsp?page=" + n``).
    """
    nodes = [*pager.following, *pager.numbers.values()]
    asked = [
        int(found.group(1))
        for node in nodes
        if (found := _ASKED_BY_NUMBER.search(node.get("href") or ""))
        or (found := _ASKED_BY_NUMBER.search(node.get("onclick") or ""))
    ]
    number = _number_of(url) + 1
    if number not in asked:
        return None
    goes = _GOES.search(page.scripts)
    if goes:
        return absolute(f"{goes.group(1)}{number}{goes.group(2) or ''}", base)
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    if not any(name.lower() in _PAGE_NAMES for name, _ in pairs):
        return None
    pairs = [(n, str(number) if n.lower() in _PAGE_NAMES else value) for n, value in pairs]
    return urlunsplit(parts._replace(query=urlencode(pairs)))


def _number_of(url: str) -> int:
    if found := _QUERY_PAGE.search(url):
        return int(found.group(1))
    found = _NUMBERED.match(urlsplit(url).path)
    return int(found.group(2)) if found and len(found.group(2)) < 4 else 1  # noqa: PLR2004
