"""Names to addresses in threads of our own, so that names which hang hold up no other.

libcurl looks names up in 20 threads. Twenty names at a dead name server made every other
portal run into its time limit, and closing waited for all of them (measured, libcurl 8.23); a
list may well hold twenty links to such names. What is found is handed to libcurl and judged at
the socket like any address: a lookup decides nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from functools import partial

from aggregator.errors import FetchError
from aggregator.fetch.addresses import Address
from aggregator.fetch.limits import Limits

#: Gives a name's addresses; may block, and raises OSError when there are none.
Lookup = Callable[[str, int], Sequence[str]]

_MOST_NAMES = 20_000
#: A thread without work ends after this long.
_REST_SECONDS = 10.0
#: libcurl reads these itself, in every spelling, and asks no resolver.
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)|.*:.*")


def system_lookup(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says, in its order of preference."""
    found = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class Names:
    """Remembers the addresses of names for a while; serves one event loop after another."""

    def __init__(self, limits: Limits, lookup: Lookup = system_lookup) -> None:
        self._limits = limits
        self._lookup = lookup
        self._known: OrderedDict[tuple[str, int], tuple[float, tuple[str, ...]]] = OrderedDict()
        self._asking: dict[tuple[str, int], asyncio.Future[tuple[str, ...]]] = {}
        self._threads = _Threads(limits.lookups)

    async def find(self, address: Address) -> tuple[str, ...]:
        """The addresses of a host; none for one that is a number itself.

        Raises:
            FetchError: ``dns``, when there are none, or none in time.
        """
        key = (address.host, address.port)
        known = self._known.get(key)
        if known and known[0] > time.monotonic():
            return known[1]
        if _NUMBER.fullmatch(address.host):
            return ()
        future = self._asking.get(key)
        if future is None or future.get_loop() is not asyncio.get_running_loop():
            future = self._ask(key)
        seconds = self._limits.connect_seconds
        try:
            return await asyncio.wait_for(asyncio.shield(future), seconds)
        except TimeoutError as error:
            raise _unknown(
                address, f"its name server says nothing in {seconds:g} s; tried again later"
            ) from error
        except (OSError, UnicodeError) as error:
            words = error.strerror if isinstance(error, OSError) else str(error)
            raise _unknown(
                address, f"its name is not known; check the address ({words})"
            ) from error

    def _ask(self, key: tuple[str, int]) -> asyncio.Future[tuple[str, ...]]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[str, ...]] = loop.create_future()
        self._asking[key] = future

        def settle(found: tuple[str, ...], error: OSError | UnicodeError | None) -> None:
            if self._asking.get(key) is future:
                del self._asking[key]
            if error is None:
                self._keep(key, found)
            if future.done():
                return
            if error is None:
                future.set_result(found)
            else:
                future.set_exception(error)
                future.exception()  # whoever waited may have left

        def work() -> None:
            found: tuple[str, ...] = ()
            failed: OSError | UnicodeError | None = None
            try:
                found = tuple(self._lookup(*key))
            except (OSError, UnicodeError) as error:
                failed = error
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(partial(settle, found, failed))

        self._threads.start(work)
        return future

    def _keep(self, key: tuple[str, int], found: tuple[str, ...]) -> None:
        self._known[key] = (time.monotonic() + self._limits.name_seconds, found)
        self._known.move_to_end(key)
        while len(self._known) > _MOST_NAMES:
            self._known.popitem(last=False)


class _Threads:
    """A bounded pool whose threads nobody waits for at the end: a resolver may hang for long."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._work: deque[Callable[[], None]] = deque()
        self._change = threading.Condition()
        self._alive = self._resting = 0

    def start(self, work: Callable[[], None]) -> None:
        """Have it done by a thread that is free, else by a new one, else when one is free."""
        with self._change:
            self._work.append(work)
            if self._resting >= len(self._work):
                self._change.notify()
                return
            if self._alive >= self._most:
                return
            self._alive += 1
        threading.Thread(target=self._run, name="names", daemon=True).start()

    def _run(self) -> None:
        while work := self._next():
            work()

    def _next(self) -> Callable[[], None] | None:
        """The next piece of work; None, and one thread less, after a rest without any."""
        with self._change:
            while not self._work:
                self._resting += 1
                called = self._change.wait(_REST_SECONDS)
                self._resting -= 1
                if not called and not self._work:
                    self._alive -= 1
                    return None
            return self._work.popleft()


def _unknown(address: Address, why: str) -> FetchError:
    return FetchError(f"{address.url}: {why}", reason="dns", url=address.url)
