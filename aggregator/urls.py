"""Addresses: made absolute, and brought to the one form by which an article is known."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

#: Longer ones are no addresses of notices (browsers and servers give up earlier).
MAX_URL = 2048

_SESSION = re.compile(r";jsessionid=[^/?#;]*", re.IGNORECASE)
_INDEX = re.compile(r"/(?:index|default)\.(?:s?html?|jsp|aspx?|php)$", re.IGNORECASE)
_STATIC_INDEX = re.compile(r"/(?:index|default)\.s?html?$", re.IGNORECASE)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\x9f\u3000\\^`{|}<>\"]")
_DROPPED = frozenset(
    [
        "jsessionid",
        "phpsessid",
        "aspsessionid",
        "sessionid",
        "session_id",
        "spm",
        "fbclid",
        "gclid",
        "msclkid",
        "yclid",
        "isappinstalled",
        "nsukey",
        "share_token",
        "sharer",
        "share_from",
        "share_source",
        "sharesource",
        "clicktime",
        "chksm",
        "scene",
        "mpshare",
        "srcid",
        "sharer_shareid",
        "sharer_shareinfo",
        "sharer_sharetime",
        "ascene",
        "_refluxos",
        "_t",
        "_ts",
        "timestamp",
        "rnd",
        "random",
        "_random",
    ]
)
_SHARED_BY = frozenset({"singlemessage", "timeline", "groupmessage"})
_MOBILE = ("m.", "wap.", "mobile.", "3g.")
_HOST_LABELS = 3
#: An address whose canonical form is itself, with ``https``.
_CANONICAL = re.compile(
    r"https?://(?!(?:m|wap|mobile|3g)\.)([a-z0-9-]+(?:\.[a-z0-9-]+)+)"
    r"((?:/[\w~-][\w.~-]*)*/(?!(?i:index|default)\.)[\w~-][\w.~-]*)",
    re.ASCII,
)
#: A path without dots to resolve, and without anything to escape; nothing is given back, so
#: that an address of dots costs nothing.
_PLAIN = re.compile(
    r"(?:/|\./|https?://[A-Za-z0-9.-]+(?::\d{1,4})?/)?+[\w~-][\w.~-]*+(?:/[\w~-][\w.~-]*+)*+/?(?:\?[\w=&%.-]+)?",
    re.ASCII,
)


def absolute(href: str | None, base: str) -> str | None:
    """The absolute http(s) address of a link, or None when it leads to no page.

    Args:
        href: as written in the page; ``javascript:``, ``mailto:``, ``#`` and the like give None.
        base: the page's final address, or that of its ``<base>``.
    """
    if href and len(href) < MAX_URL and _PLAIN.fullmatch(href):
        return _joined(href, base)
    link = "".join((href or "").split("\n")).replace("\r", "").replace("\t", "").strip()
    if not link or link.startswith("#") or len(link) > MAX_URL:
        return None
    scheme = _SCHEME.match(link)
    if scheme and scheme.group(1).lower() not in {"http", "https"}:
        return None
    try:
        joined = urljoin(base, _UNSAFE.sub(_escape, link.replace("\\", "/")))
        parts = urlsplit(joined)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host or parts.username is not None:
        return None
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", parts.query, parts.fragment))


def joined(base: str, link: str) -> str | None:
    """A link as it stands, on a base; None for one that cannot be taken apart (``http://[``)."""
    try:
        made = urljoin(base, link)
        urlsplit(made)
    except ValueError:
        return None
    return made


def path_of(link: str) -> str:
    """The path of a link as written; empty for one that cannot be taken apart."""
    try:
        return urlsplit(link).path
    except ValueError:
        return ""


def _joined(path: str, base: str) -> str | None:
    """A plain path on the host, or in the folder, of a base: most links of most pages."""
    if path[:4] == "http" and "://" in path[:9]:
        return path
    origin, folder = _places(base)
    if not origin:
        return None
    return origin + path if path[0] == "/" else folder + path.removeprefix("./")


@lru_cache(maxsize=256)
def _places(base: str) -> tuple[str, str]:
    """What stands before a path from the root, and before one from the folder of an address."""
    here = absolute(".?", base)
    if here is None:
        return "", ""
    parts = urlsplit(here)
    origin = urlunsplit((parts.scheme, parts.netloc, "", "", ""))
    return origin, origin + parts.path.rpartition("/")[0] + "/"


def _escape(match: re.Match[str]) -> str:
    return quote(match.group())


def canonical_url(url: str) -> str:
    """The form in which two addresses of one article are equal (DOMAIN §13).

    Lower-case host, https, no default port, no fragment, session or tracking parameters,
    index page or mobile host; the other parameters in order. It is for comparing, not for
    fetching. Doing it twice changes nothing; what cannot be taken apart stays as it is.
    """
    if plain := _CANONICAL.fullmatch(url):
        return f"https://{plain.group(1)}{plain.group(2)}"
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return url.strip()
    if parts.scheme.lower() not in {"http", "https"} or not host:
        return url.strip()
    for prefix in _MOBILE:
        if host.startswith(prefix) and host.count(".") >= _HOST_LABELS - 1:
            host = "www." + host[len(prefix) :]
            break
    if ":" in host:
        host = f"[{host}]"
    netloc = host if port in (None, 80, 443) else f"{host}:{port}"
    path = _SESSION.sub("", parts.path) or "/"
    path = re.sub(r"/{2,}", "/", path)
    index = _STATIC_INDEX if parts.query else _INDEX
    path = index.sub("/", path)
    fragment = parts.fragment if parts.fragment.startswith(("!/", "/")) else ""
    pairs = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True, max_num_fields=None)
        if not _is_dropped(name.lower(), value)
    ]
    return urlunsplit(("https", netloc, path, urlencode(sorted(pairs), errors="replace"), fragment))


def _is_dropped(name: str, value: str) -> bool:
    return (
        name in _DROPPED
        or name.startswith("utm_")
        or (name == "from" and value.lower() in _SHARED_BY)
    )


def entry_key(url: str) -> str:
    """What an entry is known by within its source: a digest of the canonical address."""
    return text_key(canonical_url(url))


def text_key(text: str) -> str:
    """The same digest of any text, for entries that have no address of their own."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
