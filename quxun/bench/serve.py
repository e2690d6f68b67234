"""Our web server beside nginx: one feed, the same bytes, the same machine, one run.

nginx serves the feed as a file with its twin in gzip beside it. wrk asks both; it shares the
cores with them, so the ratios of one run count, not the rates.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
from pydantic import SecretStr

from aggregator.errors import QuxunError
from aggregator.model import (
    ArticleOutcome,
    ArticleReport,
    Category,
    Draft,
    Entry,
    Kind,
    NewSource,
    PollReport,
    Source,
    SourceKind,
)
from aggregator.settings import inherited_environment, load_settings
from aggregator.wiring import Parts, build_parts, now
from quxun import embedded, export
from quxun.bench.beside import (
    Load,
    Row,
    Target,
    any_port,
    door,
    get,
    measure,
    program,
    running,
    serving,
)
from quxun.bench.floors import shortfalls

#: The feed that is asked for, and how large its fifty entries make it (PERFORMANCE.md §5).
PATH = "/feeds/all.atom"
ENTRIES = 50
BODY_CHARACTERS = 24
#: A change must be served within this, whatever the load.
CHANGE_SECONDS = 10.0
#: The compose file's nginx on what "quxun feeds publish" wrote.
EXPORTED = "nginx, feeds publish"
LEASE = timedelta(seconds=90)


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """A run of the bench; ``below`` names the figures that do not reach their floors."""

    feed_bytes: int
    change_seconds: float
    rows: list[Row]
    figures: dict[str, float]
    below: list[str]


def bench_serve(*, seconds: int, runs: int, say: Callable[[str], None]) -> Served:
    """Ask our server and nginx for one feed: whole, unchanged, and packed.

    Args:
        seconds: how long each is asked in each mode.
        runs: how often; medians are reported.
        say: told what goes on.

    Raises:
        QuxunError: nginx or wrk is missing, or a server answers wrongly.
    """
    nginx, wrk = program("nginx", "nginx-light"), program("wrk", "wrk")
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quxun-bench-")))
        home.chmod(0o755)
        urls = stack.enter_context(embedded.servers(home / "home"))
        parts = _parts(home, urls)
        stack.callback(parts.close)
        say(f"storing {ENTRIES} announcements")
        publish(parts, range(ENTRIES))
        ours = stack.enter_context(_web(parts, home))
        plain = get(ours.url)[0]
        _write(home / "www", plain)
        targets = [
            stack.enter_context(
                serving(nginx, home / f"nginx{workers}", home / "www", PATH, workers=workers)
            )
            for workers in (1, 2)
        ]
        targets += [ours, stack.enter_context(_exported(nginx, parts, home))]
        _check_same(targets, plain)
        rows = measure(wrk, targets, seconds=seconds, runs=runs, say=say)
        say("quxun: a change under load")
        waited = _change_under_load(wrk, ours, parts)
    figures = {
        f"{name}.{row.mode}": row.of_nginx
        for row in rows
        for name in [{ours.name: "serve", EXPORTED: "serve.export"}.get(row.server)]
        if name
    }
    return Served(
        feed_bytes=len(plain),
        change_seconds=round(waited, 2),
        rows=rows,
        figures=figures,
        below=shortfalls(figures),
    )


def publish(parts: Parts, numbers: Sequence[int]) -> None:
    """Let one portal show notices and us read their articles, as workers would."""
    at = now()
    known = [one for one in parts.sources.list() if one.name == "演示区政府网"]
    source: Source = known[0] if known else parts.sources.add(_NEW, at)
    [claimed] = parts.sources.claim_sources([source.id], at, lease=LEASE, even_if_not_due=True)
    drafts = {f"{_NEW.url}{number}.html": _draft(number) for number in numbers}
    entries = tuple(
        Entry(key=url, url=url, title=one.title, raw_hash=one.substance_hash)
        for url, one in drafts.items()
    )
    parts.sources.record_polls(
        [
            PollReport(
                source=claimed, at=at, outcome="read", found=len(entries), entries=entries,
                next_poll_at=at + timedelta(hours=1),
            )
        ]
    )  # fmt: skip
    due = parts.entries.due_entries(at, limit=len(entries))
    parts.entries.record_articles(
        [
            ArticleReport(
                entry=one, at=at, outcome=ArticleOutcome.READ, draft=drafts[one.entry.key],
                due_at=at + timedelta(hours=1),
            )
            for one in parts.entries.claim_entries(due, at, lease=LEASE)
        ],
        at,
    )  # fmt: skip


_NEW = NewSource(
    name="演示区政府网",
    kind=SourceKind.COLUMN,
    url="http://portal.example/zwgk/",
    region="500116",
)


def _draft(number: int) -> Draft:
    words = f"第{number}类企业 <{number}> & “产业”高质量发展扶持资金申报条件与流程说明，"
    body = (words * 9)[:BODY_CHARACTERS]
    return Draft(
        title=f"关于印发演示区支持第{number}类产业高质量发展若干措施的通知",
        url=f"{_NEW.url}{number}.html",
        posted_at=now() - timedelta(hours=number),
        issuer="演示区人民政府办公室",
        kind=Kind.POLICY,
        categories=(Category(slug="policy", why="若干措施"),),
        summary=body[:80],
        body_text=body,
        body_html=f"<p>{body.replace('&', '&amp;').replace('<', '&lt;')}</p>",
        title_key=f"第{number}类产业措施",
        body_hash=f"body {number}",
        substance_hash=f"substance {number}",
    )


def _parts(home: Path, urls: embedded.Urls) -> Parts:
    port = any_port()
    return build_parts(
        load_settings(
            home=home,
            database_url=SecretStr(urls.database),
            broker_url=SecretStr(urls.broker),
            secret_key=SecretStr("only-for-a-bench-on-loopback"),
            port=port,
            public_url=f"http://127.0.0.1:{port}",
        )
    )


@contextmanager
def _exported(nginx: str, parts: Parts, home: Path) -> Iterator[Target]:
    """The compose file's nginx on a folder of feeds, with one worker."""
    root = home / "exported"
    folder = export.Folder(root)
    with folder.locked():
        export.Publisher(parts, folder).finish()
        folder.close()
    public_url = parts.settings.public_url
    web = public_url.removeprefix("http://")
    with serving(
        nginx, home / "door", root, PATH, workers=1,
        site=lambda port: door(root, port=port, public_url=public_url, web=web),
    ) as target:  # fmt: skip
        yield replace(target, name=EXPORTED)


@contextmanager
def _web(parts: Parts, home: Path) -> Iterator[Target]:
    """Our web server, as ``quxun web`` runs it."""
    url = f"{parts.settings.public_url}{PATH}"
    env = {**inherited_environment(), **parts.settings.as_environment()}
    argv = [sys.executable, "-m", "quxun", "web"]
    with running(argv, env, home / "web.log", url) as process:
        yield Target(name="quxun web", url=url, process=process)


def _change_under_load(wrk: str, ours: Target, parts: Parts) -> float:
    """Publish while readers ask; seconds until the new notice is in the feed.

    Raises:
        QuxunError: it is not served in time, or some answers were errors.
    """
    before = get(ours.url)[1]
    load = Load(wrk, ours.url, (), 4)
    time.sleep(0.5)
    publish(parts, [ENTRIES])
    started = time.monotonic()
    title = _draft(ENTRIES).title.encode()
    while True:
        body, etag = get(ours.url)
        waited = time.monotonic() - started
        if title in body and etag != before:
            load.result()
            return waited
        if waited > CHANGE_SECONDS:
            raise QuxunError(f"a change was not served within {CHANGE_SECONDS:.0f} s under load")
        time.sleep(0.02)


def _check_same(targets: Sequence[Target], plain: bytes) -> None:
    for target in targets:
        if get(target.url)[0] != plain:
            raise QuxunError(f"{target.name} serves other bytes at {target.url}")


def _write(root: Path, plain: bytes) -> None:
    file = root / PATH.lstrip("/")
    file.parent.mkdir(parents=True)
    file.write_bytes(plain)
    file.with_name(file.name + ".gz").write_bytes(gzip.compress(plain, 6, mtime=0))
