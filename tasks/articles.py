"""Articles: what is due, and reading it."""

from __future__ import annotations

from aggregator.flow import articles
from aggregator.model import EntryId
from tasks.app import app, parts


@app.task(name="articles.tick")
def tick() -> None:
    """Hint at the articles that are due; two at once do no harm."""
    it = parts()
    articles.ring_due(it.entries, it.bell, it.now())


@app.task(name="articles.read")
def read(entry_ids: list[int]) -> None:
    """Read those of the articles that are still due; a doubled message does no harm."""
    it = parts()
    it.run(
        articles.read_articles(
            [EntryId(one) for one in entry_ids],
            store=it.entries,
            fetch=it.fetch,
            reader=it.reader,
            bell=it.bell,
            clock=it.now,
        )
    )
