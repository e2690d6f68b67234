"""Calls other people's callbacks: one bounded exchange, guarded like every fetch.

No redirect is followed and no cookie kept: whoever gave an address is told if it moved. There
are no turns at hosts either; how many calls one host gets at once is decided where they are
claimed, in the database.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import certifi

from aggregator.errors import FetchError, UsageError
from aggregator.fetch.addresses import read_address
from aggregator.fetch.answers import retry_after
from aggregator.fetch.exchange import Answer, Exchange
from aggregator.fetch.guard import exemption, may_call, networks
from aggregator.fetch.limits import Limits
from aggregator.fetch.names import Lookup, Names, system_lookup
from aggregator.fetch.transfer import Transfers
from aggregator.push import LONGEST_CALLBACK, Parcel, Reply

#: One call: ten seconds, and a short answer.
CALL_LIMITS = Limits(
    total_seconds=10.0, wire_bytes=16 * 1024, body_bytes=16 * 1024, header_bytes=16 * 1024,
    in_flight=100,
)  # fmt: skip
_FIRST_OWN_PORT: Final = 1024
#: Ports above 1023 at which something else than HTTP listens: those that browsers refuse
#: (Fetch standard, "bad port"), and usual ports of stores.
_NOT_HTTP = frozenset(
    {
        1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668,
        6669, 6679, 6697, 10080, 1433, 1521, 2375, 2376, 3306, 5432, 5672, 6379, 9200, 11211, 27017,
    }
)  # fmt: skip


class Courier:
    """Implements ``ports.Caller``; may be used from one event loop at a time.

    Without ``own_ports``, public addresses are called at 80 and 443 only.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        clock: Callable[[], datetime],
        allow_nets: tuple[str, ...] = (),
        limits: Limits = CALL_LIMITS,
        authorities: str | None = None,
        lookup: Lookup = system_lookup,
        own_ports: bool = True,
    ) -> None:
        self._own_ports = own_ports
        self._agent = user_agent
        self._clock = clock
        self._allowed = networks(allow_nets)
        self._limits = limits
        self._authorities = authorities or certifi.where()
        self._names = Names(limits, lookup)
        self._transfers: Transfers | None = None

    def check(self, url: str) -> tuple[str, str]:
        """An address as we shall call it, and its host.

        Raises:
            UsageError: when it is one that we never call, whatever its name leads to.
        """
        if len(url) > LONGEST_CALLBACK:
            raise UsageError(f"the address is longer than {LONGEST_CALLBACK} characters")
        if "#" in url:
            raise UsageError(f"{url[:200]} has a fragment, which no server ever sees; leave it out")
        port = _port(url)
        if port not in {None, 80, 443} and not _ports(url):
            raise UsageError(
                f"{url[:200]} is not called: a callback's port is 80, 443 or one from"
                f" {_FIRST_OWN_PORT} at which nothing else is usual, not {port}"
            )
        try:
            address = read_address(url, ports=_ports(url))
        except FetchError as error:
            raise UsageError(str(error)) from error
        if not may_call(address.host, self._allowed, public=self._public(address.port)):
            place = address.host if self._public(address.port) else f"port {port} there"
            raise UsageError(
                f"{place} is not on the public net; an operator may exempt it with"
                f" {exemption(address.host)}"
            )
        return address.url, address.host

    async def call(self, parcel: Parcel) -> Reply:
        """Make one call; what went wrong stands in the reply's words, nothing is raised."""
        started = time.monotonic()
        try:
            answer = await self._exchange(parcel)
        except FetchError as error:
            return Reply(
                status=error.answered or 0,
                cut=True,
                words="" if error.answered else str(error),
                took=timedelta(seconds=time.monotonic() - started),
                reason=error.reason,
                sent=error.sent,
            )
        return Reply(
            status=answer.status,
            body=bytes(answer.body),
            took=timedelta(seconds=time.monotonic() - started),
            retry_after=retry_after(answer.headers.get("retry-after"), self._clock()),
        )

    def close(self) -> None:
        """Close every connection."""
        if self._transfers:
            self._transfers.close()
            self._transfers = None

    async def _exchange(self, parcel: Parcel) -> Answer:
        address = read_address(parcel.url, ports=_ports(parcel.url))
        given = {"User-Agent": self._agent, "Accept": "*/*", **parcel.headers}
        lines = [f"{name}: {value}".encode() for name, value in given.items()]
        if any(b"\r" in line or b"\n" in line or b"\0" in line for line in lines):
            raise FetchError("a header has a line break", reason="blocked", url=address.url)
        if parcel.body is not None:
            lines.append(b"Expect:")
        exchange = Exchange(
            address=address,
            headers=lines,
            method="GET" if parcel.body is None else "POST",
            body=parcel.body,
            allowed=self._allowed,
            total_seconds=self._limits.total_seconds,
            public=self._public(address.port),
        )
        transfers = self._loop_transfers()
        async with transfers.slots:
            return await transfers.exchange(exchange)

    def _public(self, port: int) -> bool:
        return self._own_ports or port in {80, 443}

    def _loop_transfers(self) -> Transfers:
        loop = asyncio.get_running_loop()
        if self._transfers is None:
            self._transfers = Transfers(
                loop, self._limits, names=self._names, authorities=self._authorities
            )
        elif self._transfers.loop is not loop:
            self._transfers.attach(loop)
        return self._transfers


def _port(url: str) -> int | None:
    """The port an address names; none where it cannot be read: read_address says why."""
    try:
        return urlsplit(url).port
    except ValueError:
        return None


def _ports(url: str) -> frozenset[int]:
    """The port an address names, if a callback may have it."""
    port = _port(url)
    fine = port is not None and port >= _FIRST_OWN_PORT and port not in _NOT_HTTP
    return frozenset({port}) if fine and port is not None else frozenset()
