"""What a flood holds from mail waits for an operator, and goes out when they have looked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from aggregator import store
from aggregator.errors import RefusedError
from aggregator.model import (
    ArticleOutcome,
    ArticleReport,
    Draft,
    Entry,
    Filter,
    Frequency,
    NewSource,
    PollReport,
    SourceKind,
)

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
LEASE = timedelta(seconds=90)


def poll(sources: store.Sources, source_id, at: datetime, *titles: str):
    [claimed] = sources.claim_sources([source_id], at, lease=LEASE)
    entries = tuple(
        Entry(key=t, url=f"http://district.example/{t}.html", title=t, raw_hash=t) for t in titles
    )
    report = PollReport(
        source=claimed, at=at, outcome="read", found=len(entries), entries=entries,
        next_poll_at=at + timedelta(minutes=30),
    )  # fmt: skip
    return sources.record_polls([report])


def test_what_was_held_is_owed_once_an_operator_released_it(engine: Engine):
    """A portal that was away for a week must not be silent in mail for ever after."""
    sources, entries = store.Sources(engine), store.Entries(engine)
    people, digests = store.Subscribers(engine), store.Digests(engine)
    reader = people.sign_up("r@mail.example", [Filter()], Frequency.DAILY, NOW, confirmed=True)
    one = sources.add(
        NewSource(name="区", kind=SourceKind.COLUMN, url="http://district.example/"), NOW
    )
    poll(sources, one.id, NOW, "历史")
    later = NOW + timedelta(hours=1)
    poll(sources, one.id, later, *(f"新{n}" for n in range(60)))
    claimed = entries.claim_entries(entries.due_entries(later, limit=99), later, lease=LEASE)
    reports = [
        ArticleReport(
            entry=e, at=later, outcome=ArticleOutcome.READ,
            draft=Draft(
                title=e.entry.title, url=e.entry.url, posted_at=later, title_key=e.entry.title,
                substance_hash=e.entry.title,
            ),
        )
        for e in claimed
    ]  # fmt: skip
    entries.record_articles(reports, later)
    soon = datetime.now(UTC)
    assert digests.owed(reader, Frequency.DAILY, soon)[0].items == ()
    sources.release_held(one.id)

    assert len(digests.owed(reader, Frequency.DAILY, datetime.now(UTC))[1]) == 60
    assert not sources.get(one.slug).held


def test_a_row_that_no_table_takes_is_refused_in_so_many_words(engine: Engine):
    """The flow must tell it from an outage: trying again would give the same for ever."""
    sources = store.Sources(engine)
    one = sources.add(
        NewSource(name="区", kind=SourceKind.COLUMN, url="http://district.example/"), NOW
    )
    with engine.begin() as connection:
        connection.execute(text("alter table entries add check (title <> '坏')"))

    with pytest.raises(RefusedError, match="the database refuses it"):
        poll(sources, one.id, NOW, "好", "坏")
