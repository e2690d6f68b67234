"""Real pages through the whole service: served on loopback, added as sources, polled, read.

Third-party pages are read where they lie (QUXUN_REAL_DATA) and never copied. Only loopback is
asked: rows that lead elsewhere are stored and their articles left alone.
"""

from __future__ import annotations

import html
import json
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sqlalchemy import text

from aggregator.deliver.bell import SilentBell
from aggregator.errors import QuxunError, SourceError
from aggregator.flow import articles, polls
from aggregator.flow import sources as probing
from aggregator.model import SourceId
from aggregator.settings import load_settings
from aggregator.templates import environment
from aggregator.wiring import Parts, build_parts
from quxun import embedded

ADDRESS = "127.0.0.83"
SETS = ("list", "list-sampled", "feed")
ARTICLES = ("article", "article-sampled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """One real page as a source: what was found and what its gold holds."""

    name: str
    kind: str
    rows: int
    gold: int
    titles: int
    health: str
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """The article pages: how many became announcements, and why the others did not."""

    pages: int
    announcements: int
    read: int
    row_only: int
    problems: tuple[str, ...]


def bench_real(data: Path, *, say: Callable[[str], None]) -> tuple[list[Polled], Read]:
    """Serve the pages below ``data`` and take them through the service.

    Raises:
        QuxunError: when the folder is not what it should be.
    """
    if not (data / "pages").is_dir():
        raise QuxunError(f"no pages in {data}; set QUXUN_REAL_DATA")
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quxun-real-")))
        home.chmod(0o755)
        port = stack.enter_context(_served(data / "pages"))
        servers = stack.enter_context(embedded.servers(home))
        parts = build_parts(
            load_settings(
                home=home,
                database_url=servers.database,
                allow_nets=(f"{ADDRESS}/32",),
                delay_seconds=0.0,
            ),
            templates=environment(),
        )
        stack.callback(parts.close)
        base = f"http://{ADDRESS}:{port}"
        polled = [_poll_page(parts, path, base, say) for path in _gold(data, SETS)]
        read = _read_articles(parts, base, len(list(_gold(data, ARTICLES))))
    return polled, read


def _gold(data: Path, sets: tuple[str, ...]) -> Iterator[Path]:
    for name in sets:
        yield from sorted((data / "gold" / name).glob("*.json"))


def _poll_page(parts: Parts, path: Path, base: str, say: Callable[[str], None]) -> Polled:
    gold = json.loads(path.read_text(encoding="utf-8"))
    page = f"{gold['file']}"
    url = f"{base}/{page}"
    say(page)
    try:
        probed = parts.run(
            probing.probe(url, fetch=parts.fetch, reader=parts.reader, now=parts.now())
        )
        source = parts.sources.add(probing.source_from(probed, name=path.stem), parts.now())
    except SourceError as error:
        return Polled(
            name=path.stem, kind="", rows=0, gold=len(gold["items"]), titles=0, health="refused",
            problem=str(error),
        )  # fmt: skip
    _poll(parts, source.id)
    after = parts.sources.get(source.slug)
    with parts.engine.connect() as connection:
        titles = {
            row[0]
            for row in connection.execute(
                text("select title from entries where source_id = :id"), {"id": source.id}
            )
        }
        rows = connection.execute(
            text("select count(*) from entries where source_id = :id"), {"id": source.id}
        ).scalar_one()
    wanted = {"".join(item["title"].split()) for item in gold["items"]}
    return Polled(
        name=f"{path.parent.name}/{path.stem}",
        kind=probed.kind.value,
        rows=rows,
        gold=len(gold["items"]),
        titles=len(wanted & {"".join(title.split()) for title in titles}),
        health=after.health.value,
        problem=after.problem,
    )


def _poll(parts: Parts, source_id: SourceId) -> None:
    parts.run(
        polls.poll(
            [source_id], store=parts.sources, fetch=parts.fetch, reader=parts.reader,
            bell=SilentBell(), clock=parts.now, rules=parts.poll_rules, even_if_not_due=True,
        )
    )  # fmt: skip


def _read_articles(parts: Parts, base: str, pages: int) -> Read:
    """Poll a list of our own that leads to every article page, then read them."""
    probed = parts.run(
        probing.probe(f"{base}/articles/", fetch=parts.fetch, reader=parts.reader, now=parts.now())
    )
    source = parts.sources.add(probing.source_from(probed, name="articles"), parts.now())
    _poll(parts, source.id)
    with parts.engine.connect() as connection:
        ids = list(
            connection.execute(
                text("select id from entries where source_id = :id order by id"), {"id": source.id}
            ).scalars()
        )
    made = parts.run(
        articles.read_articles(
            ids, store=parts.entries, fetch=parts.fetch, reader=parts.reader, bell=SilentBell(),
            clock=parts.now,
        )
    )  # fmt: skip
    with parts.engine.connect() as connection:
        row = connection.execute(
            text(
                "select count(*) filter (where page_hash is not null) as read,"
                " count(*) filter (where announcement_id is not null and page_hash is null) as bare"
                " from entries where source_id = :id"
            ),
            {"id": source.id},
        ).one()
        problems = connection.execute(
            text("select problem from entries where source_id = :id and problem is not null"),
            {"id": source.id},
        ).scalars()
        said = tuple(problems)
    return Read(pages=pages, announcements=len(made), read=row[0], row_only=row[1], problems=said)


class _Handler(SimpleHTTPRequestHandler):
    """Serves the pages as they lie, and a list of our own that leads to the articles."""

    def do_GET(self) -> None:
        """Answer one request."""
        if self.path != "/articles/":
            super().do_GET()
            return
        rows = "".join(
            f'<li><a href="/{path.parent.name}/{path.name}">{html.escape(path.stem)} 真实页面测试用文章</a>'
            f"<span>2026-01-{number % 27 + 1:02d}</span></li>"
            for number, path in enumerate(_pages(Path(self.directory)))
        )
        body = f'<html><meta charset="utf-8"><title>文章</title><ul class="list">{rows}</ul></html>'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing on stderr."""


def _pages(folder: Path) -> list[Path]:
    return [path for name in ARTICLES for path in sorted((folder / name).glob("*.html"))]


@contextmanager
def _served(folder: Path) -> Iterator[int]:
    server = ThreadingHTTPServer((ADDRESS, 0), partial(_Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
