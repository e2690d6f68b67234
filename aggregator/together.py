"""Many small questions asked as one: no query per source (PERFORMANCE.md §11)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")

#: Questions asked within this many seconds of each other share one call.
GATHER_SECONDS = 0.01


class Together(Generic[Question, Answer]):
    """Collects questions for a moment and asks them in one call.

    ``ask`` takes all waiting questions and gives one answer each, in order; when it
    raises, everyone who waited gets that exception.
    """

    def __init__(self, ask: Callable[[Sequence[Question]], Awaitable[Sequence[Answer]]]) -> None:
        self._ask = ask
        self._waiting: list[tuple[Question, asyncio.Future[Answer]]] = []
        self._timer: asyncio.Task[None] | None = None

    async def __call__(self, question: Question) -> Answer:
        """Put one question and wait for its answer."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answer))
        if self._timer is None:
            self._timer = asyncio.create_task(self._settle())
        return await answer

    async def _settle(self) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        waiting, self._waiting, self._timer = self._waiting, [], None
        try:
            answers = await self._ask([question for question, _ in waiting])
        except Exception as error:  # noqa: BLE001  # handed to everyone who waits
            for _, future in waiting:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(waiting, answers, strict=True):
            if not future.done():
                future.set_result(answer)
