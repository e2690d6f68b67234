"""Leases: work is claimed once, reclaimed when its worker dies, recorded by its holder only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from aggregator import store
from aggregator.model import Entry, NewSource, PollReport, Source, SourceKind

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
LEASE = timedelta(seconds=90)


def add(sources: store.Sources, number: int) -> Source:
    url = f"http://district{number}.example/zwgk/"
    return sources.add(NewSource(name=f"第{number}区", kind=SourceKind.COLUMN, url=url), NOW)


def report(source: Source, *keys: str, at: datetime = NOW) -> PollReport:
    entries = tuple(
        Entry(key=key, url=f"{source.url}{key}.html", title=key, raw_hash=key) for key in keys
    )
    return PollReport(
        source=source, at=at, outcome="read", found=len(keys), entries=entries,
        next_poll_at=at + timedelta(hours=1),
    )  # fmt: skip


def test_two_workers_never_claim_the_same_source(engine: Engine):
    """A message that comes twice must not poll a district twice at once."""
    sources = store.Sources(engine)
    ids = [add(sources, number).id for number in range(20)]

    with ThreadPoolExecutor(4) as pool:
        claims = list(pool.map(lambda _: sources.claim_sources(ids, NOW, lease=LEASE), range(4)))

    claimed = [source.id for claim in claims for source in claim]
    assert sorted(claimed) == ids


def test_a_dead_workers_source_is_claimed_again_after_its_lease(engine: Engine):
    """A worker that was killed must not take its sources with it."""
    sources = store.Sources(engine)
    one = add(sources, 1)
    sources.claim_sources([one.id], NOW, lease=LEASE)

    early = sources.claim_sources([one.id], NOW + LEASE / 2, lease=LEASE)
    late = sources.claim_sources([one.id], NOW + LEASE * 2, lease=LEASE)

    assert not early
    assert [source.attempts for source in late] == [2]


def test_a_report_after_the_lease_was_lost_changes_nothing(engine: Engine):
    """A worker that was frozen for minutes must not write over its successor's work."""
    sources = store.Sources(engine)
    one = add(sources, 1)
    [frozen] = sources.claim_sources([one.id], NOW, lease=LEASE)
    [heir] = sources.claim_sources([one.id], NOW + LEASE * 2, lease=LEASE)

    assert sources.record_polls([report(frozen, "stale")]) == []
    [summary] = sources.record_polls([report(heir, "fresh", at=NOW + LEASE * 2)])

    assert summary.new == 1
    assert len(store.Entries(engine).due_entries(NOW + LEASE * 3, limit=9)) == 1


def test_a_report_told_twice_stores_its_entries_once(engine: Engine):
    """A record that was doubled by a crash between commit and ack does no harm."""
    sources = store.Sources(engine)
    one = add(sources, 1)
    [claimed] = sources.claim_sources([one.id], NOW, lease=LEASE)

    first = sources.record_polls([report(claimed, "a", "b")])
    second = sources.record_polls([report(claimed, "a", "b")])

    assert [summary.new for summary in first] == [2]
    assert second == []


def test_only_unseen_and_changed_rows_are_asked_for(engine: Engine):
    """What was seen before costs nothing; a row whose text changed is looked at again."""
    sources = store.Sources(engine)
    one = add(sources, 1)
    [claimed] = sources.claim_sources([one.id], NOW, lease=LEASE)
    sources.record_polls([report(claimed, "a", "b")])
    rows = [
        Entry(key="a", url=None, title="a", raw_hash="a"),
        Entry(key="b", url=None, title="b", raw_hash="edited"),
        Entry(key="c", url=None, title="c", raw_hash="c"),
    ]

    fresh = sources.unseen([(one.id, row) for row in rows])

    assert [entry.key for _, entry in fresh] == ["b", "c"]


def test_a_flood_after_the_first_poll_is_held(engine: Engine):
    """Fifty-one new rows at once are a migration or a hijack: an operator looks first."""
    sources = store.Sources(engine)
    one = add(sources, 1)
    [claimed] = sources.claim_sources([one.id], NOW, lease=LEASE)
    sources.record_polls([report(claimed, *(f"old{n}" for n in range(60)))])
    assert not sources.get(one.slug).held
    later = NOW + timedelta(hours=2)
    [claimed] = sources.claim_sources([one.id], later, lease=LEASE)
    sources.record_polls([report(claimed, *(f"new{n}" for n in range(51)), at=later)])

    assert sources.get(one.slug).held


def test_a_lease_given_back_counts_no_attempt(engine: Engine):
    """A source whose turn did not come is no poison: it waits for the next batch, due as before."""
    sources = store.Sources(engine)
    one = add(sources, 1)
    for _ in range(5):
        [claimed] = sources.claim_sources([one.id], NOW, lease=LEASE)
        sources.release_sources([claimed])

    [claimed] = sources.claim_sources([one.id], NOW, lease=LEASE)
    assert claimed.attempts == 1
