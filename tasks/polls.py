"""Polls: what is due, and looking at it."""

from __future__ import annotations

from aggregator.flow import polls
from aggregator.model import SourceId
from tasks.app import app, parts


@app.task(name="polls.tick")
def tick() -> None:
    """Hint at the sources that are due; two at once do no harm."""
    it = parts()
    polls.ring_due(it.sources, it.bell, it.now())


@app.task(name="polls.poll")
def poll(source_ids: list[int]) -> None:
    """Poll those of the sources that are still due; a lost or doubled message does no harm."""
    it = parts()
    it.run(
        polls.poll(
            [SourceId(one) for one in source_ids],
            store=it.sources,
            fetch=it.fetch,
            reader=it.reader,
            bell=it.bell,
            clock=it.now,
            rules=it.poll_rules,
        )
    )
