"""One bad row, page or reader harms only itself (promise 6)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from aggregator.deliver.bell import SilentBell
from aggregator.errors import FetchError, OutageError, ParseError, RefusedError
from aggregator.flow import articles
from aggregator.flow.batching import each_on_its_own
from aggregator.model import (
    ArticleOutcome,
    Draft,
    Entry,
    EntryId,
    Source,
    SourceId,
    SourceKind,
    StoredEntry,
)

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SOURCE = Source(
    id=SourceId(1), slug="s", name="区", kind=SourceKind.COLUMN, url="http://district.example/"
)


class Store:
    """Remembers what it was told."""

    def __init__(self, entries):
        self.entries, self.reports = entries, []

    def claim_entries(self, ids, now, *, lease):
        return self.entries

    def renew_entries(self, entries, until):
        return None

    def record_articles(self, reports, now):
        self.reports.extend(reports)
        return []


class Down:
    """A portal whose articles all answer 500."""

    async def get(self, request):
        raise FetchError("500", reason="http", url=request.url, status=500)


class Poisoned:
    """A reader whose child dies on one row."""

    async def draft_row(self, entry, *, source, now):
        if entry.title == "3":
            raise ParseError("reading it ended the parser", reason="crash")
        return Draft(title=entry.title, url=entry.url, posted_at=None)


def test_a_row_that_cannot_be_read_takes_no_other_with_it():
    """Nineteen notices must not wait for ever beside one that kills its reader."""
    entries = [
        StoredEntry(
            id=EntryId(number), source=SOURCE, first_seen_at=NOW, first_poll=False, attempts=3,
            entry=Entry(key=str(number), url=f"http://district.example/{number}", title=str(number)),
        )
        for number in range(20)
    ]  # fmt: skip
    store = Store(entries)
    asyncio.run(
        articles.read_articles(
            [one.id for one in entries], store=store, fetch=Down(), reader=Poisoned(),
            bell=SilentBell(), clock=lambda: NOW,
        )
    )  # fmt: skip

    outcomes = {report.entry.id: report.outcome for report in store.reports}
    assert outcomes.pop(EntryId(3)) is ArticleOutcome.RETRY
    assert set(outcomes.values()) == {ArticleOutcome.ROW_ONLY}
    assert len(outcomes) == 19


def test_an_outage_of_the_store_is_written_on_no_article():
    """A database that restarts must not set hundreds of good articles aside as ours to mend."""

    class Away:
        async def draft_row(self, entry, *, source, now):
            raise OutageError("the database cannot be reached just now")

    store = Store(
        [
            StoredEntry(
                id=EntryId(1), source=SOURCE, first_seen_at=NOW, first_poll=False, attempts=3,
                entry=Entry(key="1", url="http://district.example/1", title="1"),
            )
        ]
    )  # fmt: skip

    with pytest.raises(OutageError):
        asyncio.run(
            articles.read_articles(
                [EntryId(1)], store=store, fetch=Down(), reader=Away(),
                bell=SilentBell(), clock=lambda: NOW,
            )
        )  # fmt: skip

    assert store.reports == []


def test_a_report_that_the_database_refuses_takes_no_other_with_it():
    """One row that no table takes must not undo ninety-nine polls again and again."""
    stored = []

    def record(reports):
        if "bad" in reports:
            raise RefusedError("the database refuses it")
        stored.extend(reports)
        return reports

    answers = each_on_its_own(
        record, ["a", "b", "bad", "c", "d"], instead=lambda report, error: f"{report}: {error}"
    )

    assert answers == ["a", "b", "bad: the database refuses it", "c", "d"]
    assert stored == answers
