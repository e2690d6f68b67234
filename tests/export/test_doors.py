"""What docker-compose.yml's nginx answers, beside what the web process answers: one door."""

from __future__ import annotations

import http.client
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from export_folders import write

from aggregator.settings import Settings
from aggregator.wiring import Parts
from quxun import export
from quxun.bench.beside import any_port, door, serving
from quxun.bench.journals import write_journal
from quxun.web.server import server_of

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
pytestmark = pytest.mark.skipif(
    NGINX is None, reason="NO NGINX: its configuration was not tried (apt install nginx-light)"
)
#: What both must say alike. The rest is each server's own (its name, its tags, ranges), or says
#: nothing of a feed.
ALIKE = {
    "Content-Type", "Content-Length", "Content-Encoding", "Vary", "X-Content-Type-Options",
    "Content-Security-Policy", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers",
    "Link",
}  # fmt: skip


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass
class Doors:
    """Both servers, and a client that follows nothing by itself."""

    nginx: int
    web: int
    root: Path

    def ask(self, port: int, path: str, method: str = "GET", **headers: str) -> Answer:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            client.request(method, path, headers=named)
            reply = client.getresponse()
            return Answer(reply.status, reply.headers, reply.read())
        finally:
            client.close()

    def both(self, path: str, method: str = "GET", **headers: str) -> tuple[Answer, Answer]:
        return (
            self.ask(self.nginx, path, method, **headers),
            self.ask(self.web, path, method, **headers),
        )


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory, servers) -> Iterator[Doors]:
    """A folder of feeds behind nginx, and the web process behind it."""
    import psycopg

    from aggregator import store

    home = tmp_path_factory.mktemp("doors")
    home.chmod(0o755)
    for above in [*home.parents][:3]:
        above.chmod(above.stat().st_mode | 0o011)
    name = f"doors_{any_port()}"
    admin = servers.database.replace("/quxun?", "/postgres?")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"create database {name} template quxun")
    url = servers.database.replace("/quxun?", f"/{name}?")
    engine = store.connect(url)
    write_journal(engine, announcements=150, places=["500116", "500117"])
    engine.dispose()
    port = any_port()
    parts = Parts(
        settings=Settings(
            home=home, database_url=url, secret_key="a-secret-of-the-tests-long-enough", port=port,
            public_url="https://quxun.example", proxy_nets="127.0.0.1",
        )
    )  # fmt: skip
    write(parts, home / "served")
    server = server_of(parts, patience=0)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        with serving(
            NGINX, home / "nginx", home / "served", "/feeds/all.atom", workers=1,
            site=lambda own: door(
                home / "served", port=own, public_url="https://quxun.example",
                web=f"127.0.0.1:{port}",
            ),
        ) as target:  # fmt: skip
            yield Doors(nginx=urlsplit(target.url).port, web=port, root=home / "served")
    finally:
        server.should_exit = True
        thread.join(60)
        parts.close()
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)")


def archived(doors: Doors) -> str:
    link = doors.ask(doors.web, "/feeds/all.json").body.decode()
    return (
        "/feeds/all/archive/"
        + link.partition('"prev_archive":"')[2].partition('"')[0].rpartition("/")[2]
    )


@pytest.mark.parametrize("form", ["atom", "rss", "json", "opml", "archive"])
@pytest.mark.parametrize("coding", ["identity", "gzip", "br, gzip;q=0.5", "gzip;q=0"])
def test_a_feed_comes_alike_from_both(doors, form, coding):
    """A reader must not notice who answered."""
    path = {"opml": "/feeds/index.opml", "archive": archived(doors)}.get(
        form, f"/feeds/land/500116.{form}"
    )

    file, made = doors.both(path, Accept_Encoding=coding)

    assert (file.status, made.status) == (200, 200)
    assert file.body == made.body
    for name in ALIKE - (
        {"Access-Control-Expose-Headers", "Content-Length"} if form == "opml" else set()
    ):
        assert file.headers[name] == made.headers[name], name
    assert file.headers["Server"] == "nginx"
    assert "max-age" in file.headers["Cache-Control"]


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_what_is_known_is_not_sent_again(doors, coding):
    """Polite readers ask with what they were told; each coding has a tag of its own."""
    first = doors.ask(doors.nginx, "/feeds/all.atom", Accept_Encoding=coding)
    tag, at = first.headers["ETag"], first.headers["Last-Modified"]

    assert not tag.startswith("W/")
    for headers in (
        {"If_None_Match": tag},
        {"If_None_Match": f'"x", {tag}'},
        {"If_Modified_Since": at},
    ):
        answer = doors.ask(doors.nginx, "/feeds/all.atom", Accept_Encoding=coding, **headers)
        assert (answer.status, answer.body) == (304, b"")
        assert answer.headers["Cache-Control"] == first.headers["Cache-Control"]
    other = doors.ask(doors.nginx, "/feeds/all.atom", If_None_Match='"other"')
    assert other.status == 200
    plain = doors.ask(doors.nginx, "/feeds/all.atom")
    assert (tag == plain.headers["ETag"]) == (coding == "identity")


@pytest.mark.parametrize(
    "path",
    [
        "/feeds/search.atom?q=%E7%94%B3%E6%8A%A5", "/feeds/POLICY.atom", "/feeds/500116/land.rss",
        "/feeds//all.atom", "/feeds/all.atom/", "/feeds/all.atom?region=500116",
        "/feeds/all.atom?utm_source=x", "/feeds/nothing.atom", "/feeds/all.atom.gz",
        "/feeds/land/500117/archive/3.atom", "/feeds/tender.json", "/feeds/370203.atom", "/feeds/",
        "/feeds/policy", "/feeds/deadlines.ics", "/feeds/chongqing/jiangjin.atom", "/", "/healthz",
        "/.quxun/state.json", "/feeds/../.quxun/state.json", "/static/quxun.css",
    ],
)  # fmt: skip
def test_everything_else_is_the_web_s(doors, path):
    """Searches, other spellings, empty feeds, pages and errors come through the same door."""
    file, made = doors.both(path)

    assert file.status == made.status
    assert file.body == made.body
    assert file.headers["Location"] == made.headers["Location"]
    assert file.headers["Content-Type"] == made.headers["Content-Type"]
    assert file.headers.get_all("Cache-Control") == made.headers.get_all("Cache-Control")


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST"])
def test_other_methods_are_answered_as_the_web_does(doors, method):
    """Browsers of other sites ask first whether they may; nobody writes to a feed."""
    file, made = doors.both("/feeds/all.atom", method)

    assert file.status == made.status
    assert file.body == made.body
    for name in ("Allow", "Access-Control-Allow-Methods", "Access-Control-Allow-Origin"):
        assert file.headers[name] == made.headers[name]


def test_a_file_that_is_replaced_is_served_soon_and_whole(doors):
    """A change reaches readers though nginx keeps files open."""
    before = doors.ask(doors.nginx, "/feeds/park.json")
    folder = export.Folder(doors.root)
    folder.put("feeds/park.json", b'{"items":[]}', datetime(2026, 11, 27, tzinfo=UTC))
    folder.commit()
    folder.close()
    end, answer = time.monotonic() + 60, before
    while answer.body == before.body and time.monotonic() < end:
        answer = doors.ask(doors.nginx, "/feeds/park.json", If_None_Match=before.headers["ETag"])
        if answer.status == 304:
            answer = before

    assert (answer.status, answer.body) == (200, b'{"items":[]}')
    assert answer.headers["ETag"] != before.headers["ETag"]
