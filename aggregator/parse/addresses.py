"""What an address alone tells of a link: an article, or a column, a menu's entry, another site."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from aggregator.dates import date_from_url

_LIST_WORD = re.compile(
    r"(?:^|[^a-z])(?:list|lists|more|col|column|columns|channel|channels|class|showclass|cat|catalog|category|"
    r"cate|node|lm|lanmu|type|sort|tag|search|map|sitemap|login|register|guestbook|index|default|main|home)"
    r"(?:$|[^a-z])",
    re.IGNORECASE,
)
_FILE = re.compile(r"\.(?:pdf|docx?|wps|ofd|xlsx?|pptx?|zip|rar)$", re.IGNORECASE)
_ID = re.compile(r"^(?:\w{0,12}id|\w{0,3}newsid|n|no|xh|aid|tid|key|guid|code)$", re.IGNORECASE)
_LIST_ID = re.compile(
    r"^(?:class|cat|cate|category|type|column|channel|lm|lanmu|sort|c|t|p|parent|big|small|menu|node|site|tree|wbtree|urltype)\w{0,4}id$"
    r"|^page\w{0,6}$|^cid$|^typeid$|^pid$",
    re.IGNORECASE,
)
_ROOT = re.compile(r"/?(?:(?:index|default|main|home)\d?\.[a-z]{3,5})?", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")
_HASH = re.compile(r"[0-9a-f]{8}[0-9a-f-]{8,}", re.IGNORECASE)
_LONG_NUMBER = re.compile(r"\d{3,}")

#: Where offices have official accounts (DOMAIN §3); what it holds are articles.
_ACCOUNTS = "mp.weixin.qq.com"
DATED, NUMBERED, NAMED, NONE = 1.0, 0.7, 0.3, 0.0


def likeness(url: str) -> float:
    """How much an address looks like one of an article: DATED, NUMBERED, NAMED or NONE.

    A day in it, a long number or digest as the page's name, a file, an ``id`` in the query;
    directories, index pages and names such as ``list_12`` are columns (DOMAIN §3).
    """
    if date_from_url(url):
        return DATED
    parts = urlsplit(url)
    if parts.hostname == _ACCOUNTS:
        return NUMBERED
    leaf = parts.path.rpartition("/")[2]
    pairs = parse_qsl(parts.query)
    if _FILE.search(leaf) or any(
        _ID.match(name) and not _LIST_ID.match(name) and value for name, value in pairs
    ):
        return NUMBERED
    stem = leaf.partition(".")[0]
    if not leaf or _LIST_WORD.search(stem) or any(_LIST_ID.match(name) for name, _ in pairs):
        return NONE
    if _HASH.search(stem) or any(
        _LONG_NUMBER.search(part) for part in (stem, parts.query.partition(".")[0])
    ):
        return NUMBERED
    return NAMED if "." in leaf or pairs else NONE


def pattern(url: str) -> str:
    """An address without what tells one article from the next: how a site names its pages."""
    parts = urlsplit(url)
    folder, _, leaf = parts.path.rpartition("/")
    above = folder.rpartition("/")[2]
    kind = "" if not above else "#" if _NUMBER.search(above) or _HASH.fullmatch(above) else "*"
    named = _NUMBER.sub("#", _HASH.sub("@", leaf))
    keys = ",".join(sorted(name for name, _ in parse_qsl(parts.query)))
    return f"{kind}/{named}?{keys}"


def host(url: str) -> str:
    """The host of an address without ``www.``."""
    return (urlsplit(url).hostname or "").removeprefix("www.")


def is_foreign(url: str, here: str) -> bool:
    """Whether an address is of another host: offices publish on one platform as on their own."""
    there = host(url)
    return there not in {here, _ACCOUNTS}


def is_root(url: str) -> bool:
    """Whether an address is that of a site's home page."""
    parts = urlsplit(url)
    return not parts.query and bool(_ROOT.fullmatch(parts.path))


def folder(url: str) -> str:
    """Host and directory of an address."""
    parts = urlsplit(url)
    return f"{host(url)}{parts.path.rpartition('/')[0]}/"
