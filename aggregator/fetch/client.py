"""The fetcher: robots, one request a host at a time, redirects checked one by one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import certifi

from aggregator.errors import FetchError
from aggregator.fetch.addresses import Address, read_address, redirected
from aggregator.fetch.answers import challenge, is_challenge, max_age, protocol, refusal
from aggregator.fetch.coding import decode_body
from aggregator.fetch.exchange import Answer, Exchange
from aggregator.fetch.guard import may_name, networks
from aggregator.fetch.limits import Limits
from aggregator.fetch.names import Lookup, Names, system_lookup
from aggregator.fetch.robots import Robots, Rules
from aggregator.fetch.transfer import Transfers
from aggregator.model import Page, Request, Unchanged

_REDIRECTS = {301, 302, 303, 307, 308}
_FOR_GOOD = {301, 308}
#: Answers to a plain GET that say nothing about the page.
_SENSELESS = {204, 205, 206}
_LONGEST_LOCATION = 4096

#: Hosts whose last request is remembered, and for how long when there are more.
_MOST_HOSTS, _REST_SECONDS = 20_000, 600.0
_NO_BREAKS = str.maketrans("", "", "\r\n\0")

#: Gives the seconds to wait until a host's turn, shared by all workers.
Pacer = Callable[[tuple[str, float]], Awaitable[float]]


@dataclass(slots=True)
class _Host:
    """One host's queue in this process."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    ended_at: float = float("-inf")
    #: Seconds that the last exchange took: other workers' turns must come after it, too.
    took: float = 0.0


@dataclass(slots=True)
class _Budget:
    """Seconds of network that one fetch may take, redirects included."""

    total: float
    spent: float = 0.0

    @property
    def left(self) -> float:
        """What remains; a spent budget still gives the next hop a moment to fail."""
        return max(self.total - self.spent, 0.001)


class CurlFetcher:
    """Implements ``ports.Fetcher`` on libcurl's multi interface.

    May be used from one event loop at a time; connections, names and robots.txt are kept
    when the loop changes. ``authorities`` is a file of certificates to trust instead of the
    usual ones, ``lookup`` another way to find a name's addresses.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        clock: Callable[[], datetime],
        delay_seconds: float = 2.0,
        allow_nets: tuple[str, ...] = (),
        limits: Limits | None = None,
        pacer: Pacer | None = None,
        authorities: str | None = None,
        lookup: Lookup = system_lookup,
    ) -> None:
        self._agent = user_agent
        self._clock = clock
        self._delay = delay_seconds
        self._allowed = networks(allow_nets)
        self._limits = limits or Limits()
        self._pacer = pacer
        self._authorities = authorities or certifi.where()
        self._names = Names(self._limits, lookup)
        self._transfers: Transfers | None = None
        self._hosts: dict[str, _Host] = {}
        self._robots = Robots(self._limits, user_agent)
        self._always = [
            _line("User-Agent", user_agent),
            _line("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            _line("Accept-Language", "zh-CN,zh;q=0.9,en;q=0.5"),
            _line("Accept-Encoding", "gzip, deflate"),
        ]

    async def get(self, request: Request) -> Page | Unchanged:
        """Make one request, following at most five redirects, each checked like the first.

        Raises:
            FetchError: for every other end, with its reason.
        """
        budget = _Budget(self._limits.total_seconds)
        ports = frozenset(request.ports)
        url, home, for_good = request.url, None, True
        for _ in range(self._limits.redirects + 1):
            address = read_address(url, ports=ports)
            home = home or address
            if not request.ignore_robots:
                await self._ask_robots(request, address, home)
            answer = await self._turn(request, address, home=home, budget=budget)
            if answer.status not in _REDIRECTS:
                came = self._judge(request, address, answer, timedelta(seconds=budget.spent))
                moved = for_good and address is not home
                return replace(came, moved_to=address.url) if moved else came
            for_good = for_good and answer.status in _FOR_GOOD
            url = _target(address, answer)
        raise FetchError(
            f"{request.url}: more than {self._limits.redirects} redirects, the last to {url[:200]}; "
            "give the address where it ends",
            reason="redirect",
            url=request.url,
        )

    async def robots_verdict(self, request: Request) -> str:
        """Say in words whether robots.txt lets us read this address."""
        address = read_address(request.url, ports=frozenset(request.ports))
        rules = await self._rules(request, address)
        return rules.verdict(address.url, self._agent)

    def close(self) -> None:
        """Close every connection."""
        if self._transfers:
            self._transfers.close()
            self._transfers = None
        self._hosts.clear()

    # --- robots and turns ---

    async def _ask_robots(self, request: Request, address: Address, home: Address) -> None:
        rules = await self._rules(request, address)
        if not rules.allows(address.url, self._agent):
            asked = request.url if address is home else f"{request.url} leads to {address.url}"
            raise FetchError(
                f"{asked}: its robots.txt asks us not to read it, so we do not; ask the "
                "portal, or read another column",
                reason="robots",
                url=address.url,
            )

    async def _rules(self, request: Request, address: Address) -> Rules:
        known = self._robots.known(address.origin, time.monotonic())
        return known or await self._robots.rules(
            address.origin, lambda: self._read_robots(request, address), time.monotonic()
        )

    async def _read_robots(self, request: Request, address: Address) -> tuple[int, bytes]:
        """Status and text of a host's robots.txt; redirects are followed (RFC 9309 §2.3.1.2)."""
        ports = frozenset(request.ports)
        home = read_address(f"{_base(address)}/robots.txt", ports=ports)
        plain = Request(
            url=home.url, delay_seconds=request.delay_seconds, tls_profile=request.tls_profile,
            proxy=request.proxy, allow_nets=request.allow_nets,
        )  # fmt: skip
        at, budget = home, _Budget(self._limits.total_seconds)
        for hop in range(self._limits.redirects + 1):
            try:
                answer = await self._turn(plain, at, home=home, budget=budget)
                if answer.status in _REDIRECTS:
                    at = read_address(_target(at, answer), ports=ports)
                    continue
            except FetchError as error:
                if hop and error.reason == "blocked":
                    return 404, b""  # it leads where we do not go: the host has no rules
                raise
            if answer.status != 200:  # noqa: PLR2004
                return answer.status, b""
            coding = answer.headers.get("content-encoding")
            return 200, decode_body(answer.body, coding, url=at.url, limits=self._limits)
        return 404, b""

    async def _turn(
        self, request: Request, address: Address, *, home: Address, budget: _Budget
    ) -> Answer:
        """Wait for the host's turn, then make one exchange."""
        transfers = self._loop_transfers()
        host = self._host(address.host)
        delay = request.delay_seconds
        if delay is None:
            delay = max(self._delay, self._robots.crawl_delay(address.origin))
        allowed = self._allowed
        if request.allow_nets:
            allowed = (*allowed, *networks(request.allow_nets))
        if request.proxy and not may_name(address.host, allowed):
            raise FetchError(
                f"{address.url}: {address.host} is not on the public net, nor asked of a proxy",
                reason="blocked", url=address.url,
            )  # fmt: skip
        first = address is home
        async with host.turn:
            if delay:
                wait = host.ended_at + delay - time.monotonic()
                if self._pacer:
                    wait = max(wait, await self._pacer((address.host, delay + host.took)))
                if wait > 0:
                    await asyncio.sleep(wait)
            exchange = Exchange(
                address=address,
                headers=self._headers(request, first=first, at_home=address.origin == home.origin),
                method=request.method if first else "GET",
                body=request.body if first else None,
                tls_profile=request.tls_profile,
                proxy=request.proxy,
                allowed=allowed,
                own_rules=bool(request.allow_nets),
                total_seconds=budget.left,
            )
            async with transfers.slots:
                started = time.monotonic()
                try:
                    return await transfers.exchange(exchange)
                finally:
                    host.ended_at = time.monotonic()
                    host.took = host.ended_at - started
                    budget.spent += host.took

    def _host(self, name: str) -> _Host:
        """A host's queue; those at rest are forgotten when there are too many."""
        host = self._hosts.get(name)
        if host is None:
            if len(self._hosts) >= _MOST_HOSTS:
                rested = time.monotonic() - _REST_SECONDS
                self._hosts = {
                    known: one
                    for known, one in self._hosts.items()
                    if one.turn.locked() or one.ended_at > rested
                }
            host = self._hosts[name] = _Host()
        return host

    def _headers(self, request: Request, *, first: bool, at_home: bool) -> list[bytes]:
        """What we send: an honest name, validators; an operator's headers stay on their host."""
        lines = self._always
        if at_home and request.headers:
            lines = [_line(name, value) for name, value in request.headers.items()]
            given = {name.strip().lower().encode() for name in request.headers}
            lines += [one for one in self._always if one.split(b":")[0].lower() not in given]
        if first and request.method == "POST":
            asked = {name.strip().lower() for name in request.headers}
            lines = [*lines, b"Expect:"]
            if "content-type" not in asked:
                lines.append(b"Content-Type: application/x-www-form-urlencoded")
        if request.etag:
            lines = [*lines, _line("If-None-Match", request.etag)]
        if request.last_modified:
            lines = [*lines, _line("If-Modified-Since", request.last_modified)]
        return lines

    def _loop_transfers(self) -> Transfers:
        loop = asyncio.get_running_loop()
        if self._transfers is None:
            self._transfers = Transfers(
                loop, self._limits, names=self._names, authorities=self._authorities
            )
        elif self._transfers.loop is not loop:
            self._transfers.attach(loop)
            for host in self._hosts.values():
                host.turn = asyncio.Lock()
        return self._transfers

    # --- what an answer means ---

    def _judge(
        self, request: Request, address: Address, answer: Answer, took: timedelta
    ) -> Page | Unchanged:
        url, status, headers = address.url, answer.status, answer.headers
        asked = bool(request.etag or request.last_modified)
        if status == 304:  # noqa: PLR2004
            if not asked:
                raise protocol(url, status, "304 to a request without validators")
            return Unchanged(
                url=url,
                fetched_at=self._clock(),
                etag=headers.get("etag"),
                last_modified=headers.get("last-modified"),
                max_age=max_age(headers),
                took=took,
            )
        if status in _SENSELESS or not 200 <= status < 600:  # noqa: PLR2004
            raise protocol(url, status, f"{status} to a plain GET")
        if status not in (200, 203):
            raise refusal(url, answer, self._clock())
        body = decode_body(
            answer.body, headers.get("content-encoding"), url=url, limits=self._limits
        )
        if is_challenge(body):
            raise challenge(url, status)
        # Validators of a page behind a redirect belong to that page; they are kept all the
        # same, since the source's address leads there every time.
        return Page(
            url=url,
            requested_url=request.url,
            status=status,
            body=body,
            content_type=headers.get("content-type"),
            etag=headers.get("etag"),
            last_modified=headers.get("last-modified"),
            max_age=max_age(headers),
            fetched_at=self._clock(),
            took=took,
        )


def _base(address: Address) -> str:
    parts = urlsplit(address.url)
    return f"{parts.scheme}://{parts.netloc}"


def _target(address: Address, answer: Answer) -> str:
    """Where a redirect leads, not yet checked."""
    location = answer.headers.get("location", "")
    if not location or len(location) > _LONGEST_LOCATION:
        raise FetchError(
            f"{address.url}: a redirect ({answer.status}) that leads nowhere",
            reason="redirect", url=address.url, status=answer.status,
        )  # fmt: skip
    return redirected(address.url, location)


def _line(name: str, value: str) -> bytes:
    """One header line, as one line, in the bytes that came (RFC 9110 §5.5: opaque octets)."""
    text = f"{name}: {value}".translate(_NO_BREAKS)
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()
