"""Turns at hosts shared by all workers: many requests, one question."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from aggregator.together import Together

#: A host and the seconds between this request to it and the next.
Want = tuple[str, float]


class SharedPace:
    """Asks for turns in one call for all that wait; serves one event loop after another."""

    def __init__(self, reserve: Callable[[Sequence[Want]], Sequence[float]]) -> None:
        self._reserve = reserve
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ask = self._together()

    async def __call__(self, want: Want) -> float:
        """The seconds to wait until the turn."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._ask = loop, self._together()
        return await self._ask(want)

    def _together(self) -> Together[Want, float]:
        async def ask(wants: Sequence[Want]) -> Sequence[float]:
            return await asyncio.to_thread(self._reserve, wants)

        return Together(ask)
