"""A real web server on a free loopback port, over a real database, with a clock of our own."""

from __future__ import annotations

import http.client
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
import uvicorn
from sqlalchemy import Engine

from aggregator import divisions
from aggregator.model import (
    ArticleOutcome,
    ArticleReport,
    Category,
    Draft,
    Entry,
    Kind,
    NewSource,
    PollReport,
    Region,
    SourceKind,
)
from aggregator.settings import Settings
from aggregator.wiring import Parts
from quxun.web.door import Memory
from quxun.web.feedshelf import FeedShelf
from quxun.web.server import server_of

sys.path.insert(0, str(Path(__file__).parent))  # for ``web_letters``

START = datetime(2026, 10, 5, 2, 30, tzinfo=UTC)
LEASE = timedelta(seconds=90)
JIANGJIN = Region(code="500116", name="江津区", path=("重庆市", "重庆市", "江津区"))


@dataclass
class Answer:
    """What came back from one request."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Web:
    """The server under test, its parts, and a client that follows nothing by itself."""

    parts: Parts
    port: int
    time: list[datetime]
    shelf: FeedShelf
    memory: Memory
    server: uvicorn.Server
    sources: dict[str, object] = field(default_factory=dict)

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **headers) -> Answer:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            client.request(method, path, body=body, headers=named)
            reply = client.getresponse()
            named = {name.lower(): value for name, value in reply.getheaders()}
            return Answer(reply.status, named, reply.read())
        finally:
            client.close()

    def post(self, path: str, form: dict[str, str] | list[tuple[str, str]], **headers) -> Answer:
        headers.setdefault("Content_Type", "application/x-www-form-urlencoded")
        return self.ask(path, "POST", urlencode(form).encode(), **headers)

    def look(self) -> None:
        """Let the lookout look, as it does every second."""
        self.shelf.lookout.look()

    def pass_time(self, wait: timedelta) -> None:
        self.time[0] += wait

    def publish(self, *drafts: Draft, portal: str = "演示区政府网") -> None:
        """Let a portal show notices and us read their articles, now."""
        now = self.time[0]
        source = self.sources.get(portal)
        if source is None:
            url = f"http://portal{len(self.sources) + 1}.example/zwgk/"
            new = NewSource(name=portal, kind=SourceKind.COLUMN, url=url, region="500116")
            source = self.sources[portal] = self.parts.sources.add(new, now)
        [claimed] = self.parts.sources.claim_sources(
            [source.id], now, lease=LEASE, even_if_not_due=True
        )
        entries = tuple(
            Entry(key=one.url, url=one.url, title=one.title, raw_hash=repr(one)[:60])
            for one in drafts
        )
        report = PollReport(
            source=claimed, at=now, outcome="read", found=len(entries), entries=entries,
            next_poll_at=now + timedelta(hours=1),
        )  # fmt: skip
        self.parts.sources.record_polls([report])
        self.record(list(drafts))

    def record(self, drafts: list[Draft], outcome: ArticleOutcome = ArticleOutcome.READ) -> None:
        """Read the articles that are due and record what they say."""
        now = self.time[0]
        entries = self.parts.entries
        claimed = entries.claim_entries(entries.due_entries(now, limit=99), now, lease=LEASE)
        by_url = {one.url: one for one in drafts}
        reports = [
            ArticleReport(
                entry=one, at=now, outcome=outcome, draft=by_url[one.entry.url],
                due_at=now + timedelta(hours=1),
            )
            for one in claimed if one.entry.url in by_url
        ]  # fmt: skip
        entries.record_articles(reports, now)


def draft(number: int = 1, **changes: object) -> Draft:
    made = Draft(
        title=f"关于支持第{number}类产业发展的若干措施",
        url=f"http://portal1.example/zwgk/{number}.html",
        posted_at=START - timedelta(days=number % 7),
        issuer="演示区人民政府",
        regions=(JIANGJIN,),
        kind=Kind.POLICY,
        categories=(Category(slug="policy", why="若干措施"),),
        summary=f"对第{number}类企业给予支持。",
        body_html=f"<p>第{number}条 对企业给予支持。</p>",
        body_text=f"第{number}条 对企业给予支持。",
        title_key=f"支持第{number}类产业发展若干措施",
        body_hash=f"body{number}",
        substance_hash=f"substance{number}",
    )
    return replace(made, **changes)


@pytest.fixture
def web(engine: Engine, database_url: str, tmp_path: Path) -> Iterator[Web]:
    """A server that looks at the store at every request."""
    assert divisions.get("500116")
    with serving(settings_of(tmp_path, database_url), [START], patience=0) as made:
        yield made


@pytest.fixture
def patient(engine: Engine, database_url: str, tmp_path: Path) -> Iterator[Web]:
    """A server that answers from memory, and looks at the store when it is told to (``look``)."""
    assert divisions.get("500116")
    with serving(settings_of(tmp_path, database_url), [START], patience=3600) as made:
        yield made


@pytest.fixture
def beside(database_url: str, tmp_path: Path):
    """Another server on the same store: a function of the first."""
    with ExitStack() as stack:
        yield lambda web, **changes: stack.enter_context(
            serving(
                settings_of(tmp_path, database_url).model_copy(update=changes),
                web.time, patience=0,
            )
        )  # fmt: skip


@pytest.fixture
def served(engine: Engine, database_url: str, tmp_path: Path):
    """Servers of settings that differ from the usual: a function of the differences."""
    assert divisions.get("500116")
    with ExitStack() as stack:

        def serve(**changes: object) -> Web:
            settings = settings_of(tmp_path, database_url).model_copy(update=changes)
            return stack.enter_context(serving(settings, [START], patience=0))

        yield serve


def settings_of(home: Path, database_url: str) -> Settings:
    return Settings(
        home=home,
        database_url=database_url,
        secret_key="a-secret-of-the-tests-long-enough",
        public_url="http://quxun.example",
        embedded=True,
    )


@contextmanager
def serving(settings: Settings, time: list[datetime], *, patience: float) -> Iterator[Web]:
    parts = Parts(settings=settings, clock=lambda: time[0])
    server = server_of(
        parts, patience=patience, port=0, log_level="critical", lifespan="off",
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    state = server.config.app.state
    shelf = state.site.shelf
    started = threading.Event()
    thread = threading.Thread(target=_serve, args=(server, started))
    thread.start()
    assert started.wait(60)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Web(parts=parts, port=port, time=time, shelf=shelf, memory=state.memory, server=server)
    server.should_exit = True
    thread.join(60)
    shelf.close()
    parts.close()


def _serve(server: uvicorn.Server, started: threading.Event) -> None:
    startup = server.startup

    async def announce(*args: object, **named: object) -> None:
        await startup(*args, **named)
        started.set()

    server.startup = announce
    server.run()


@pytest.fixture
def make_draft():
    return draft
