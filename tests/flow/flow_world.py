"""A served country beside a real store, a real fetcher and a real parser child.

The country runs in a thread of its own, so that real workers in other processes can read it
while a test changes it. All changes go through that thread's loop: a page is never half made.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Engine, text

from aggregator import store
from aggregator.deliver.bell import SilentBell
from aggregator.fetch import CurlFetcher
from aggregator.flow import articles, polls
from aggregator.model import Authority, NewSource, SourceKind
from aggregator.sandbox import ParserChild
from quxun.country import Column, Country, serve

SECOND, MINUTE, HOUR, DAY = (timedelta(**{u: 1}) for u in ("seconds", "minutes", "hours", "days"))
#: Half past ten in Shanghai, a Wednesday: offices are at work.
START = datetime(2026, 11, 25, 2, 30, tzinfo=UTC)
RULES = polls.PollRules(floor=timedelta(minutes=30), ceiling=DAY, delay_seconds=0)


def base_of_this_process() -> str:
    """Loopback addresses of this test process's own: 127.0.30.* for gw0, and so on."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return f"127.0.{30 + int(worker) % 25}."


class Serving:
    """A country on loopback, in a thread of its own until ``close``."""

    def __init__(self, country: Country) -> None:
        self.country = country
        self._ready, self._stop = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(120), "the country does not answer"

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with serve(self.country) as self.served:
            self._ready.set()
            await self._stop.wait()

    def do(self, what: Callable, *args, **more):
        """Call something of the country between two requests, and answer what it answers."""

        async def call():
            return what(*args, **more)

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(60)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)


class Fetches(CurlFetcher):
    """The real fetcher, and a count of what it was asked for."""

    def __init__(self, **more) -> None:
        super().__init__(**more)
        self.asked: Counter[str] = Counter()

    async def get(self, request):
        self.asked[request.url] += 1
        return await super().get(request)


class Reads(ParserChild):
    """The real parser child, and a count of what it was given to read."""

    def __init__(self, **more) -> None:
        super().__init__(**more)
        self.lists: Counter[str] = Counter()
        self.articles: Counter[str] = Counter()

    async def read_list(self, page, **more):
        self.lists[page.url] += 1
        return await super().read_list(page, **more)

    async def read_article(self, page, **more):
        self.articles[page.url] += 1
        return await super().read_article(page, **more)


class World:
    """A country, our store of it, and a clock that a test moves."""

    def __init__(
        self, country: Country, engine: Engine, *, limits_of_parser=None, **fetching
    ) -> None:
        self.engine = engine
        self.now = country.now.astimezone(UTC)
        self.serving = Serving(country)
        self.country, self.served = country, self.serving.served
        self.do = self.serving.do
        self.sources, self.entries = store.Sources(engine), store.Entries(engine)
        self.announcements = store.Announcements(engine)
        host = country.portals[0].host
        self.net = host.rpartition(".")[0] + ".0/24"
        self.fetch = Fetches(
            user_agent="quxun-tests", clock=self.clock, delay_seconds=0, allow_nets=(self.net,),
            **fetching,
        )  # fmt: skip
        self.reader = Reads(limits=limits_of_parser, invented=self.divisions)
        self._runner = asyncio.Runner()

    @property
    def divisions(self) -> tuple[tuple[str, str, str | None], ...]:
        return tuple((code, name, up or None) for code, name, up, _ in self.country.divisions())

    def close(self) -> None:
        self.reader.close()
        self.run(_call(self.fetch.close))
        self._runner.close()
        self.serving.close()

    def clock(self) -> datetime:
        return self.now

    def run(self, work):
        return self._runner.run(work)

    # What an operator does

    def add(self, column: Column, **more):
        """Store a column as a source; its first poll is due at once."""
        new = NewSource(
            name=f"{self.country.portal(column.host).name} {column.name}",
            kind=SourceKind(column.kind.value),
            url=self.served.url(column),
            region=column.region_code,
            authority=Authority(column.authority.value),
        )
        return self.sources.add(replace(new, **more), self.now)

    def add_all(self):
        return [self.add(column) for column in self.country.columns]

    def column(self, family: str, **settings) -> Column:
        """The first column of a family."""
        return next(
            c
            for c in self.country.columns
            if c.family == family and all(c.setting(k) == v for k, v in settings.items())
        )

    def source(self, column: Column):
        return self.sources.get(self.served.url(column))

    # What workers do

    def poll(self, *columns: Column, anyway: bool = True):
        """Poll these columns (all of them when none is named); summaries by address."""
        known = {one.url: one.id for one in self.sources.list()}
        ids = [known[self.served.url(c)] for c in columns] or list(known.values())
        summaries = self.run(
            polls.poll(
                ids, store=self.sources, fetch=self.fetch, reader=self.reader, bell=SilentBell(),
                clock=self.clock, rules=RULES, even_if_not_due=anyway,
            )
        )  # fmt: skip
        urls = {number: url for url, number in known.items()}
        return {urls[one.source_id]: one for one in summaries}

    def read(self, ids=None):
        """Read every article that is due, batch after batch; the announcements that moved."""
        changed = []
        while True:
            due = list(ids if ids is not None else self.entries.due_entries(self.now, limit=500))
            if due:
                changed += self.run(
                    articles.read_articles(
                        due, store=self.entries, fetch=self.fetch, reader=self.reader,
                        bell=SilentBell(), clock=self.clock,
                    )
                )  # fmt: skip
            if ids is not None or not due:
                return changed

    def look(self, *columns: Column):
        """Poll, and read what is due."""
        summaries = self.poll(*columns)
        self.read()
        return summaries

    def later(self, by: timedelta) -> datetime:
        self.now += by
        return self.now

    # What is in the store

    def rows(self, sql: str, **values):
        with self.engine.connect() as connection:
            return connection.execute(text(sql), values).mappings().all()

    def one(self, sql: str, **values):
        with self.engine.connect() as connection:
            return connection.execute(text(sql), values).scalar()

    def stored(self, column: Column) -> dict[str, str]:
        """Titles by address of the entries of a column."""
        return {
            row["url"]: row["title"]
            for row in self.rows(
                "select e.url, e.title from entries e join sources s on s.id = e.source_id"
                " where s.url = :url",
                url=self.served.url(column),
            )
        }

    def truth(self):
        return self.do(self.served.truth)

    def shown(self, column: Column, *, pages: int | None = None):
        """The places that stand in a column, newest first; of its first pages if said."""
        places = self.do(self._places, column)
        if column.kind.value == "feed":
            return places[: column.per_page]
        return places if pages is None else places[: pages * column.per_page]

    def _places(self, column: Column):
        truth = {p.article_url: p for k in self.served.truth().notices for p in k.places}
        return [
            truth[self.served.article_url(standing)]
            for standing in self.country.standings(self.country.columns[column.key])
        ]

    def clusters(self, *, urls: set[str] | None = None) -> Clustering:
        """How the store's announcements group the country's notices."""
        mine = {
            row["url"]: row["announcement_id"]
            for row in self.rows(
                "select url, announcement_id from entries where announcement_id is not null"
            )
        }
        true = {url: known.notice.id for url, known in self.truth().by_url().items()}
        both = sorted(url for url in mine if url in true and (urls is None or url in urls))
        return Clustering(both, mine, true)


class Clustering:
    """Pairs of pages that we call one announcement, against those that are."""

    def __init__(self, urls, mine, true) -> None:
        ours, theirs = _pairs(urls, mine), _pairs(urls, true)
        self.pages, self.true_pairs = len(urls), len(theirs)
        self.split = sorted(theirs - ours)
        self.lumped = sorted(ours - theirs)
        self.recall = len(ours & theirs) / max(len(theirs), 1)
        self.precision = len(ours & theirs) / max(len(ours), 1)

    def __str__(self) -> str:
        return (
            f"{self.pages} pages, {self.true_pairs} true pairs,"
            f" precision {self.precision:.4f}, recall {self.recall:.4f}"
        )


def _pairs(urls, group) -> set[tuple[str, str]]:
    by_group: dict[int, list[str]] = {}
    for url in urls:
        by_group.setdefault(group[url], []).append(url)
    return {pair for one in by_group.values() for pair in itertools.combinations(one, 2)}


async def _call(what: Callable) -> None:
    what()


@contextmanager
def a_world(country: Country, engine: Engine, **fetching) -> Iterator[World]:
    world = World(country, engine, **fetching)
    try:
        yield world
    finally:
        world.close()


structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
