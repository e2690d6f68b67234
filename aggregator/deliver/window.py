"""How many mails are handed over ahead of the connections that carry them."""

from __future__ import annotations

import time
from collections.abc import Callable

#: A window is what leaves in so many seconds, within these numbers of mails.
SECONDS, LEAST, MOST = 0.25, 64, 192


class Window:
    """Follows what the relay takes.

    What is handed over leaves although all is held meanwhile, and is in doubt after a crash of
    the machine, so it is little; but carriers must not wait for the disk (docs/adr/0034).
    """

    def __init__(self, ticks: Callable[[], float] = time.monotonic) -> None:
        self.size = LEAST
        self._ticks = ticks
        self._answers, self._since = 0, ticks()

    def count(self, answers: int) -> None:
        """So many more mails were answered."""
        self._answers += answers
        passed = self._ticks() - self._since
        if passed >= SECONDS:
            self.size = min(max(int(self._answers / passed * SECONDS), LEAST), MOST)
            self._answers, self._since = 0, self._ticks()
