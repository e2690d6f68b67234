"""URLs as we send them: http or https, no credentials, a port that was agreed on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from aggregator.errors import FetchError

_LONGEST = 4096
_BAD = re.compile(r"[\x00-\x20\x7f\\]")
_ASCII = "".join(map(chr, range(128)))
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
#: An address that is already as we send it; most are, and reading them costs a tenth.
_PLAIN = re.compile(
    r"(https?)://([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,20})(?::([1-9][0-9]{0,4}))?"
    r"/[A-Za-z0-9/%:@!$&'()*+,;=~._-]*(?:\?[A-Za-z0-9/%:@!$&'()*+,;=~._?-]+)?"
)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A checked URL in ASCII, its host and its port."""

    url: str
    host: str
    port: int
    scheme: str

    @property
    def origin(self) -> str:
        """Scheme, host and port: what robots.txt and one connection belong to."""
        return f"{self.scheme}://{self.host}:{self.port}"


def read_address(url: str, *, ports: frozenset[int]) -> Address:
    """Check a URL.

    Raises:
        FetchError: ``blocked``, with what is wrong with it.
    """
    return _read_plain(url, ports) or _read_any(url, ports)


def _read_plain(url: str, ports: frozenset[int]) -> Address | None:
    found = _PLAIN.fullmatch(url) if len(url) <= _LONGEST else None
    if not found:
        return None
    scheme, host, port = found.groups()
    standard = _PORTS[scheme]
    number = int(port) if port else standard
    if port and (number == standard or not (number in {80, 443} or number in ports)):
        return None
    return Address(url=url, host=host, port=number, scheme=scheme)


def _read_any(url: str, ports: frozenset[int]) -> Address:
    text = url.strip()
    if len(text) > _LONGEST or _BAD.search(text):
        raise _blocked(text, "it holds blanks, control characters or backslashes, or is too long")
    try:
        parts = urlsplit(text)
        port = parts.port or _PORTS.get(parts.scheme.lower(), 0)
        host = (parts.hostname or "").rstrip(".")
    except ValueError as error:
        raise _blocked(text, str(error)) from error
    scheme = parts.scheme.lower()
    if scheme not in _PORTS:
        raise _blocked(text, f"only http and https are fetched, not {scheme[:20] or 'that'!r}")
    if not host:
        raise _blocked(text, "it names no host")
    if parts.username is not None or parts.password is not None:
        raise _blocked(text, "it carries a user name or password; give none in a URL")
    if "%" in host:
        raise _blocked(text, "its host carries a zone or an escape")
    if port not in {80, 443} | ports:
        raise _blocked(text, f"port {port} is neither 80, 443 nor the source's own")
    try:
        ascii_host = host if ":" in host else host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise _blocked(text, f"its host is no domain name ({error})") from error
    if not _HOST.fullmatch(ascii_host):  # IDNA may make blanks and more of what was none
        raise _blocked(text, "its host is no domain name")
    shown = f"[{ascii_host}]" if ":" in ascii_host else ascii_host
    netloc = shown if port == _PORTS[scheme] else f"{shown}:{port}"
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]{}|^`\"")
    query = re.sub(r"[\"`{}|^]", lambda m: quote(m.group()), query)
    return Address(
        url=urlunsplit((scheme, netloc, path, query, "")),
        host=ascii_host.lower(),
        port=port,
        scheme=scheme,
    )


def redirected(base: str, location: str) -> str:
    """Where a redirect leads; a relative one counts from the address that answered.

    Raises:
        FetchError: ``blocked``, when it cannot be read as an address.
    """
    try:
        location = location.encode("latin-1").decode()  # many portals send raw UTF-8
    except UnicodeDecodeError:
        location = quote(location.encode("latin-1"), safe=_ASCII)  # or raw GBK: keep the bytes
    try:
        return urljoin(base, location.strip())
    except ValueError as error:
        raise _blocked(location, str(error)) from error


def _blocked(url: str, why: str) -> FetchError:
    return FetchError(f"{url[:200]} is not fetched: {why}", reason="blocked", url=url[:200])
