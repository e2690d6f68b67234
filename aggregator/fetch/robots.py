"""robots.txt (RFC 9309): read once a day and host, obeyed, and explained in words."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from protego import Protego

from aggregator.errors import FetchError
from aggregator.fetch.limits import Limits

#: Hosts remembered at most; the longest unused is forgotten first.
_MOST_HOSTS = 20_000
#: A robots.txt that could not be read is asked for again after this long.
_AGAIN_SECONDS = 3600.0
_AGENT_LINE = re.compile(r"\s*user[- ]?agent\s*:?\s*([^#]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What one host asks of robots; ``parsed`` is None where everything is allowed."""

    parsed: Protego | None
    note: str
    crawl_delay: float = 0.0

    def allows(self, url: str, agent: str) -> bool:
        """Whether we may read an address."""
        return self.parsed is None or bool(self.parsed.can_fetch(url, agent))

    def verdict(self, url: str, agent: str) -> str:
        """The same in words."""
        if self.parsed is None:
            return f"allowed ({self.note})"
        return "allowed by robots.txt" if self.allows(url, agent) else "refused by robots.txt"


class Robots:
    """Remembers the rules of hosts.

    A host without the file (4xx) allows everything. One whose file cannot be read for the
    moment (5xx, no answer) is read all the same, and the file is asked for again after an
    hour: RFC 9309 §2.3.1.4 would have us stop, but such portals answer so for years, and one
    polite request in half an hour does them no harm.
    """

    def __init__(self, limits: Limits, agent: str) -> None:
        self._limits = limits
        self._agent = agent
        self._known: OrderedDict[str, tuple[float, Rules]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[Rules]] = {}

    async def rules(
        self, origin: str, read: Callable[[], Awaitable[tuple[int, bytes]]], now: float
    ) -> Rules:
        """The rules of a host; ``read`` fetches its file when we do not know them today."""
        known = self._known.get(origin)
        if known and known[0] > now:
            return known[1]
        task = self._asking.get(origin)
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            task = asyncio.create_task(self._read(origin, read, now))
            self._asking[origin] = task
            task.add_done_callback(lambda _: self._asking.pop(origin, None))
        return await asyncio.shield(task)

    def known(self, origin: str, now: float) -> Rules | None:
        """The rules of a host, if they are known today."""
        known = self._known.get(origin)
        return known[1] if known and known[0] > now else None

    def crawl_delay(self, origin: str) -> float:
        """The wait between requests that a host asks for, within reason; 0 for none."""
        known = self._known.get(origin)
        return known[1].crawl_delay if known else 0.0

    async def _read(
        self, origin: str, read: Callable[[], Awaitable[tuple[int, bytes]]], now: float
    ) -> Rules:
        keep = self._limits.robots_seconds
        try:
            status, body = await read()
        except FetchError as error:
            if error.reason == "blocked":
                raise
            rules, keep = Rules(parsed=None, note=f"robots.txt: {error.reason}"), _AGAIN_SECONDS
        else:
            if status == 200:  # noqa: PLR2004
                rules = self._parse(body)
            else:
                rules = Rules(parsed=None, note=f"robots.txt answers {status}")
                keep = _AGAIN_SECONDS if status >= 500 else keep  # noqa: PLR2004
        self._known[origin] = (now + keep, rules)
        self._known.move_to_end(origin)
        while len(self._known) > _MOST_HOSTS:
            self._known.popitem(last=False)
        return rules

    def _parse(self, body: bytes) -> Rules:
        text = body[: self._limits.robots_bytes].decode("utf-8", "replace").lstrip("\ufeff")
        if text.lstrip().startswith("<"):
            return Rules(parsed=None, note="robots.txt is a web page")
        parsed = Protego.parse(_for_us(text, self._agent))
        asked = float(parsed.crawl_delay(self._agent) or 0.0)
        return Rules(
            parsed=parsed,
            note="robots.txt",
            crawl_delay=min(asked, self._limits.crawl_delay_seconds),
        )


def _for_us(text: str, agent: str) -> str:
    """The file with everybody else's name replaced by one.

    Five thousand agents before a thousand rules took 6 s to parse (measured); this is linear.
    """
    agent = agent.lower()
    lines = []
    for line in text.splitlines():
        found = _AGENT_LINE.match(line)
        name = found.group(1).strip().lower() if found else ""
        other = found and name != "*" and (name.replace("*", "") or "*") not in agent
        lines.append("User-agent: somebody-else" if other else line)
    return "\n".join(lines)
