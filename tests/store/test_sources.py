"""Sources: their polls cost a handful of statements, and one bad row harms only itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, event, text

from aggregator import store
from aggregator.errors import ConflictError, NotFoundError
from aggregator.filters import parse_query
from aggregator.flow.publish import coverage_of
from aggregator.model import (
    Entry,
    Health,
    NewSource,
    PollReport,
    Source,
    SourceId,
    SourceKind,
    SourceSettings,
    SourceState,
)

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
LEASE = timedelta(seconds=90)
HOUR = timedelta(hours=1)


def new(number: int, host: str = "") -> NewSource:
    host = host or f"d{number}.example"
    return NewSource(name=f"第{number}区", kind=SourceKind.FEED, url=f"http://{host}/{number}.xml")


def report(source: Source, at: datetime, outcome: str = "read", **more: object) -> PollReport:
    return PollReport(source=source, at=at, outcome=outcome, next_poll_at=at + HOUR, **more)


def poll(sources: store.Sources, ids: list[SourceId], at: datetime, *titles: str) -> None:
    rows = tuple(Entry(key=t, url=None, title=t, raw_hash=t) for t in titles)
    claimed = sources.claim_sources(ids, at, lease=LEASE, even_if_not_due=True)
    sources.record_polls([report(one, at, entries=rows, etag="e", found=9) for one in claimed])


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def test_a_batch_of_unchanged_sources_costs_three_statements(engine: Engine):
    """No query and no transaction a source: a thousand quiet portals are thirty statements."""
    sources = store.Sources(engine)
    ids = [sources.add(new(n), NOW).id for n in range(100)]
    poll(sources, ids, NOW)
    with statements(engine) as seen:
        claimed = sources.claim_sources(ids, NOW + 2 * HOUR, lease=LEASE)
        sources.record_polls(
            [report(one, NOW + 2 * HOUR, "unchanged", etag=one.etag) for one in claimed]
        )

    assert len(claimed) == 100
    assert len(seen) == 3
    assert {s.last_ok_at for s in sources.list()} == {NOW + 2 * HOUR}


def test_what_is_new_costs_no_statement_a_source_either(engine: Engine):
    """The same statements for two sources and for sixty."""
    sources = store.Sources(engine)
    ids = [sources.add(new(n), NOW).id for n in range(62)]
    counts = []
    for some in (ids[:2], ids[2:]):
        with statements(engine) as seen:
            poll(sources, some, NOW, "a", "b", "c")
        counts.append(len(seen))

    assert counts[0] == counts[1] < 10


def test_due_sources_of_one_host_stand_side_by_side(engine: Engine):
    """One worker gets all of a host, so that it can keep the wait between two requests."""
    sources = store.Sources(engine)
    hosts = {
        sources.add(new(n, f"h{n % 3}.example"), NOW + n * HOUR / 60).id: n % 3 for n in range(9)
    }

    due = [hosts[one] for one in sources.due_sources(NOW + HOUR, limit=9)]
    assert due == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_paused_and_untested_sources_are_not_due(engine: Engine):
    """What an operator stopped, or did not look at yet, is left alone."""
    sources = store.Sources(engine)
    one, two, three = (sources.add(new(n), NOW) for n in range(3))
    sources.set_state(one.id, SourceState.PAUSED)
    sources.set_state(two.id, SourceState.UNTESTED)

    assert list(sources.due_sources(NOW, limit=9)) == [three.id]


def test_a_key_that_a_list_shows_twice_is_one_entry(engine: Engine):
    """A portal with doubled guids must not fail the batch of a hundred it is polled in."""
    sources = store.Sources(engine)
    [claimed] = sources.claim_sources([sources.add(new(1), NOW).id], NOW, lease=LEASE)
    twice = tuple(Entry(key="k", url=None, title=t, raw_hash=t) for t in ("旧", "新"))
    [summary] = sources.record_polls([report(claimed, NOW, entries=twice)])

    assert summary.new == 1
    [entry] = store.Entries(engine).claim_entries(
        store.Entries(engine).due_entries(NOW, limit=9), NOW, lease=LEASE
    )
    assert entry.entry.title == "新"


def test_a_failure_is_written_on_its_source_and_forgotten_when_it_is_well(engine: Engine):
    """An operator reads what to do, and coverage says honestly what may be missing."""
    sources = store.Sources(engine)
    ids = [sources.add(new(n), NOW).id for n in range(2)]
    poll(sources, ids, NOW)
    later = NOW + 2 * HOUR
    [ill] = sources.claim_sources(ids[:1], later, lease=LEASE)
    failed = report(
        ill, later, "failed", health=Health.BLOCKED, problem="403 \x00 来自防火墙",
        problem_class="http", etag=ill.etag,
    )  # fmt: skip
    sources.record_polls([failed])
    stored, coverage = sources.get(ill.slug), sources.coverage()
    assert (stored.failures, stored.problem, stored.health) == (
        1,
        "403  来自防火墙",
        Health.BLOCKED,
    )
    assert (coverage.watched, coverage.well, coverage.worst_since) == (2, 1, NOW)
    assert coverage.ill == (stored.name,)

    poll(sources, ids[:1], later + HOUR, "恢复")
    well = sources.get(ill.slug)
    assert (well.failures, well.problem, well.health) == (0, None, Health.WELL)
    assert [row.outcome for row in sources.polls(ill.id)] == ["read", "failed", "read"]


def test_every_feed_says_how_well_its_own_sources_are_watched(engine: Engine):
    """A portal that is down far away does not make a county's feed look incomplete."""
    sources = store.Sources(engine)
    regions = ["500116", "500000", "110101", None]
    ids = [sources.add(replace(new(n), region=one), NOW).id for n, one in enumerate(regions)]
    poll(sources, ids, NOW)
    later = NOW + 2 * HOUR
    [ill] = sources.claim_sources(ids[2:3], later, lease=LEASE)
    sources.record_polls([report(ill, later, "failed", health=Health.BLOCKED, problem="403")])
    watch = sources.watch()

    def told(query: str) -> tuple[int, int, bool]:
        one = coverage_of(parse_query(query), watch)
        return one.watched, one.well, one.worst_since is not None

    assert told("") == told("kind=policy") == (4, 3, True)
    assert told("region=500116&category=land") == (1, 1, False)
    assert told("region=500000") == told("region=500000&region=500116") == (2, 2, False)
    assert told("region=110000&region=500116") == (2, 1, True)
    assert told("region=330000") == (0, 0, False)


def test_the_usual_gap_is_learned_from_what_came(engine: Engine):
    """A portal that publishes every six hours is looked at accordingly."""
    sources = store.Sources(engine)
    one = sources.add(new(1), NOW)
    for number in range(6):
        poll(sources, [one.id], NOW + number * 6 * HOUR, f"n{number}a", f"n{number}b")

    assert sources.get(one.slug).usual_gap == 6 * HOUR


def test_an_address_is_added_once_and_found_by_any_name(engine: Engine):
    """Adding twice says which source it is already."""
    sources = store.Sources(engine)
    settings = SourceSettings(allow_nets=("127.0.0.2/32",), headers={"a": "b"})
    one = sources.add(replace(new(1), settings=settings), NOW)

    with pytest.raises(ConflictError, match=one.slug):
        sources.add(new(1), NOW)
    assert sources.get(one.id) == sources.get(one.slug) == sources.get(one.url) == one
    assert one.settings == settings
    with pytest.raises(NotFoundError, match="nobody"):
        sources.get("nobody")


def test_a_removed_source_leaves_its_announcements(engine: Engine):
    """What was published stays in feeds for ever, whatever an operator removes."""
    sources = store.Sources(engine)
    one = sources.add(new(1), NOW)
    poll(sources, [one.id], NOW, "a")
    with engine.begin() as connection:
        connection.execute(
            text(
                "insert into announcements (uuid, source_id, source_name, title, title_key, url,"
                " sort_at, kind, categories, regions, region_roll, authority,"
                " excluded, novelty, substance_hash, draft, search, change, first_seen_at,"
                " announced_at, changed_at) values (gen_random_uuid(), :s, 'x', 'x', 'x', 'x',"
                " now(), 'other', '{}', '{}', '{}', 'official', false, 'news', '',"
                ' \'{"title": "x", "url": "x", "posted_at": null}\', \'\', 1, now(), now(),'
                " now())"
            ),
            {"s": one.id},
        )
    sources.remove(one.id)

    assert sources.list() == []
    assert store.Announcements(engine).get(1).source_id is None
