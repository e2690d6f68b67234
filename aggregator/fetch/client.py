"""The fetcher: robots, one request a host at a time, redirects checked one by one."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from aggregator.errors import FetchError
from aggregator.fetch.addresses import Address, read_address, redirected
from aggregator.fetch.coding import decode_body
from aggregator.fetch.guard import networks
from aggregator.fetch.limits import Limits
from aggregator.fetch.robots import Robots, Rules
from aggregator.fetch.transfer import Answer, Exchange, Transfers
from aggregator.model import Page, Request, Unchanged

_REDIRECTS = {301, 302, 303, 307, 308}
#: Anti-bot answers of known vendors (DOMAIN.md §7); nothing is solved, the source is marked.
_CHALLENGES = {412, 468, 521}
_CHALLENGE_BYTES = 2560
_SHORTEST_RETRY, _LONGEST_RETRY = timedelta(minutes=1), timedelta(hours=24)

#: Gives the seconds to wait until a host's turn, shared by all workers.
Pacer = Callable[[tuple[str, float]], Awaitable[float]]


@dataclass(slots=True)
class _Host:
    """One host's queue in this process."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: float = 0.0


class CurlFetcher:
    """Implements ``ports.Fetcher`` on libcurl's multi interface.

    May be used from one event loop at a time; when the loop changes, connections are
    closed and opened anew.
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
    ) -> None:
        self._agent = user_agent
        self._clock = clock
        self._delay = delay_seconds
        self._allowed = networks(allow_nets)
        self._limits = limits or Limits()
        self._pacer = pacer
        self._transfers: Transfers | None = None
        self._hosts: dict[str, _Host] = {}
        self._robots = Robots(self._limits)

    async def get(self, request: Request) -> Page | Unchanged:
        """Make one request, following at most five redirects, each checked like the first.

        Raises:
            FetchError: for every other end, with its reason.
        """
        started = time.monotonic()
        ports = self._ports(request)
        url = request.url
        for hop in range(self._limits.redirects + 1):
            address = read_address(url, ports=ports)
            if not request.ignore_robots:
                await self._ask_robots(request, address)
            answer = await self._turn(request, address, first=hop == 0)
            if answer.status not in _REDIRECTS:
                took = timedelta(seconds=time.monotonic() - started)
                return self._judge(request, address, answer, took, first=hop == 0)
            location = answer.headers.get("location", "")
            if not location or len(location) > 4096:  # noqa: PLR2004  # longer ones are no address
                raise FetchError(
                    f"{url}: a redirect ({answer.status}) that leads nowhere",
                    reason="redirect", url=url, status=answer.status,
                )  # fmt: skip
            url = redirected(address.url, location)
        raise FetchError(
            f"{request.url}: more than {self._limits.redirects} redirects, the last to {url[:200]}; "
            "give the address where it ends",
            reason="redirect",
            url=request.url,
        )

    async def robots_verdict(self, request: Request) -> str:
        """Say in words whether robots.txt lets us read this address."""
        address = read_address(request.url, ports=self._ports(request))
        rules = await self._rules(request, address)
        return rules.verdict(address.url, self._agent)

    def close(self) -> None:
        """Close every connection."""
        if self._transfers:
            self._transfers.close()
            self._transfers = None
        self._hosts.clear()

    # --- robots and turns ---

    async def _ask_robots(self, request: Request, address: Address) -> None:
        rules = await self._rules(request, address)
        if not rules.allows(address.url, self._agent):
            raise FetchError(
                f"{address.url}: its robots.txt asks us not to read it, so we do not; ask the "
                "portal, or read another column",
                reason="robots",
                url=address.url,
            )

    async def _rules(self, request: Request, address: Address) -> Rules:
        async def read() -> tuple[int, bytes]:
            robots = read_address(f"{_base(address)}/robots.txt", ports=self._ports(request))
            plain = Request(
                url=robots.url, delay_seconds=request.delay_seconds,
                tls_profile=request.tls_profile, proxy=request.proxy,
                allow_nets=request.allow_nets,
            )  # fmt: skip
            answer = await self._turn(plain, robots, first=False)
            body = decode_body(
                bytes(answer.body), answer.headers.get("content-encoding"), url=robots.url,
                limits=self._limits,
            )  # fmt: skip
            return answer.status, body

        return await self._robots.rules(address.origin, read, time.monotonic())

    async def _turn(self, request: Request, address: Address, *, first: bool) -> Answer:
        """Wait for the host's turn, then make one exchange."""
        transfers = self._loop_transfers()
        host = self._hosts.setdefault(address.host, _Host())
        delay = self._delay if request.delay_seconds is None else request.delay_seconds
        if request.delay_seconds is None:
            delay = max(delay, self._robots.crawl_delay(address.origin, self._agent))
        async with host.turn:
            if delay:
                wait = host.free_at - transfers.loop.time()
                if self._pacer:
                    wait = max(wait, await self._pacer((address.host, delay)))
                if wait > 0:
                    await asyncio.sleep(wait)
            try:
                return await transfers.exchange(
                    Exchange(
                        address=address,
                        headers=self._headers(request, first=first),
                        method=request.method if first else "GET",
                        body=request.body if first else None,
                        tls_profile=request.tls_profile,
                        proxy=request.proxy,
                        allowed=(*self._allowed, *networks(request.allow_nets)),
                        own_rules=bool(request.allow_nets),
                        total_seconds=self._limits.total_seconds,
                    )
                )
            finally:
                host.free_at = transfers.loop.time() + delay

    def _headers(self, request: Request, *, first: bool) -> dict[str, str]:
        """What we send: an honest name, validators, and never a cookie or credential onward."""
        headers = {
            "User-Agent": self._agent,
            "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5",
            "Accept-Encoding": "gzip, deflate",
        }
        if first:
            headers.update(request.headers)
            if request.method == "POST":
                headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
                headers["Expect"] = ""
        if request.etag:
            headers["If-None-Match"] = request.etag
        if request.last_modified:
            headers["If-Modified-Since"] = request.last_modified
        return {name: re.sub(r"[\r\n\x00]", "", value) for name, value in headers.items()}

    def _loop_transfers(self) -> Transfers:
        loop = asyncio.get_running_loop()
        if self._transfers is None or self._transfers.loop is not loop:
            if self._transfers and not self._transfers.loop.is_closed():
                self._transfers.close()
            self._transfers = Transfers(loop, self._limits)
            self._hosts.clear()
        return self._transfers

    def _ports(self, request: Request) -> frozenset[int]:
        return frozenset(request.ports)

    # --- what an answer means ---

    def _judge(
        self, request: Request, address: Address, answer: Answer, took: timedelta, *, first: bool
    ) -> Page | Unchanged:
        url, status, headers = address.url, answer.status, answer.headers
        asked = bool(request.etag or request.last_modified)
        if status == 304:  # noqa: PLR2004
            if not asked:
                raise _protocol(url, status, "304 to a request without validators")
            return Unchanged(
                url=url,
                fetched_at=self._clock(),
                etag=headers.get("etag"),
                last_modified=headers.get("last-modified"),
                max_age=_max_age(headers),
                took=took,
            )
        if status in (206, 204, 205):
            raise _protocol(url, status, f"{status} to a plain GET")
        if status not in (200, 203):
            raise self._refusal(url, answer)
        body = decode_body(
            bytes(answer.body), headers.get("content-encoding"), url=url, limits=self._limits
        )
        if is_challenge(body):
            raise _challenge(url, status)
        # Validators of a page behind a redirect belong to that page; they are kept all the
        # same, since the source's address leads there every time.
        del first
        return Page(
            url=url,
            requested_url=request.url,
            status=status,
            body=body,
            content_type=headers.get("content-type"),
            etag=headers.get("etag"),
            last_modified=headers.get("last-modified"),
            max_age=_max_age(headers),
            fetched_at=self._clock(),
            took=took,
        )

    def _refusal(self, url: str, answer: Answer) -> FetchError:
        status = answer.status
        if status in _CHALLENGES:
            return _challenge(url, status)
        words = {
            403: "it refuses us", 404: "there is no such page", 410: "the page is gone for good",
            429: "it asks us to come more rarely", 405: "it refuses us", 401: "it wants a login",
        }.get(status, "it is in trouble" if status >= 500 else "it does not give the page")  # noqa: PLR2004  # fmt: skip
        return FetchError(
            f"{url}: {status}, {words}; tried again ever more slowly",
            reason="http",
            url=url,
            status=status,
            retry_after=_retry_after(answer.headers.get("retry-after"), self._clock()),
        )


def is_challenge(body: bytes) -> bool:
    """Whether a 200 is an anti-bot page: short, with a script and no text (DOMAIN.md §7)."""
    if len(body) >= _CHALLENGE_BYTES or b"<script" not in body.lower():
        return False
    rest = re.sub(rb"(?is)<(script|style|head|noscript)\b.*?</\1\s*>|<!--.*?-->", b"", body)
    return not re.sub(rb"(?s)<[^>]*>", b"", rest).strip()


def _challenge(url: str, status: int) -> FetchError:
    return FetchError(
        f"{url}: {status}, an anti-bot page; we solve none. Polled once a day; read the city's "
        "list or the ministry's instead",
        reason="challenge",
        url=url,
        status=status,
    )


def _protocol(url: str, status: int, what: str) -> FetchError:
    return FetchError(
        f"{url}: it answered {what}, which says nothing; tried again later",
        reason="protocol",
        url=url,
        status=status,
    )


def _retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Seconds or an HTTP date (RFC 9110 §10.2.3), held between a minute and a day."""
    if not value:
        return None
    if value.isdigit():
        wait = timedelta(seconds=min(int(value[:9]), 10**8))
    else:
        try:
            at = parsedate_to_datetime(value)
        except (TypeError, ValueError):
            return None
        wait = (at if at.tzinfo else at.replace(tzinfo=UTC)) - now
    return min(max(wait, _SHORTEST_RETRY), _LONGEST_RETRY)


def _max_age(headers: dict[str, str]) -> timedelta | None:
    found = re.search(r"\bmax-age=(\d{1,9})", headers.get("cache-control", ""))
    return timedelta(seconds=int(found.group(1))) if found else None


def _base(address: Address) -> str:
    parts = urlsplit(address.url)
    return f"{parts.scheme}://{parts.netloc}"
