"""What sources show and what articles say, as the store is given it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, text

from aggregator import cluster, store
from aggregator.model import (
    ArticleOutcome,
    ArticleReport,
    Authority,
    Category,
    Draft,
    Entry,
    Kind,
    NewSource,
    PollReport,
    Precision,
    SourceKind,
    StoredEntry,
)

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
LEASE = timedelta(seconds=90)
HOUR = timedelta(hours=1)
BODY = "为支持新型储能产业发展，区内企业按投资额给予补助，最高一百万元，申报截止四月三十日。" * 4


def draft_of(title: str, **fields: object) -> Draft:
    made = Draft(
        title=title,
        url=f"http://a.example/{title}",
        posted_at=NOW - HOUR,
        date_precision=Precision.MINUTE,
        kind=Kind.POLICY,
        categories=(Category(slug="policy", why="标题"),),
        body_text=f"{title}。{BODY}",
    )
    made = replace(made, **fields)
    return replace(
        made,
        title_key=cluster.title_key(made.title),
        substance_hash=f"{made.title}{made.body_text}",
    )


def shown(
    engine: Engine, *titles: str, at: datetime = NOW, authority: Authority = Authority.OFFICIAL,
    polled_before: bool = True, name: str = "甲区",
) -> list[StoredEntry]:  # fmt: skip
    """Entries that a source showed, claimed: of a later poll unless told otherwise."""
    sources, entries = store.Sources(engine), store.Entries(engine)
    url = f"http://{name}.example/"
    known = {source.url: source for source in sources.list()}
    new = NewSource(name=name, kind=SourceKind.COLUMN, url=url, region="500116")
    source = known.get(url) or sources.add(replace(new, authority=authority), at)
    if polled_before and source.first_polled_at is None:
        with engine.begin() as connection:
            connection.execute(text("update sources set first_polled_at = :t"), {"t": at})
    [claimed] = sources.claim_sources([source.id], at, lease=LEASE, even_if_not_due=True)
    rows = tuple(
        Entry(key=f"{title}", url=f"http://a.example/{title}", title=title, raw_hash="1")
        for title in titles
    )
    sources.record_polls(
        [PollReport(source=claimed, at=at, outcome="read", found=len(rows), entries=rows,
                    next_poll_at=at + HOUR)]
    )  # fmt: skip
    return list(entries.claim_entries(entries.due_entries(at, limit=999), at, lease=LEASE))


def read(entry: StoredEntry, draft: Draft, *, at: datetime = NOW, **more: object) -> ArticleReport:
    due_at = at + HOUR
    return ArticleReport(
        entry=entry, at=at, outcome=ArticleOutcome.READ, draft=draft, due_at=due_at, **more
    )


def again(engine: Engine, at: datetime) -> list[StoredEntry]:
    entries = store.Entries(engine)
    return list(entries.claim_entries(entries.due_entries(at, limit=999), at, lease=LEASE))
