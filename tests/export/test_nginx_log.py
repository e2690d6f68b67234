"""What the front door writes about its visitors."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.waiting import until

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
TEMPLATE = Path(__file__).resolve().parents[2] / "quxun" / "export" / "nginx.conf.template"
TOKEN = "ASls5FoCAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAABi3"


@pytest.mark.skipif(not NGINX, reason="NO NGINX: it is not installed")
def test_no_token_and_no_word_of_a_search_is_in_the_log(tmp_path):
    """A log is read, copied and kept by many; a link that stands in it opens a reader's choices."""
    with socket.socket() as probe, socket.socket() as dead:
        probe.bind(("127.0.0.1", 0))
        dead.bind(("127.0.0.1", 0))  # nobody listens: every request fails, too
        port, nobody = probe.getsockname()[1], dead.getsockname()[1]
    said = TEMPLATE.read_text(encoding="utf-8")
    for name, value in {
        "${QUXUN_PUBLIC_URL}": "http://quxun.example",
        "${QUXUN_WEB}": f"127.0.0.1:{nobody}",
        "${NGINX_LOCAL_RESOLVERS}": "127.0.0.1",
        "listen 8000": f"listen 127.0.0.1:{port}",
        "/dev/stdout": f"{tmp_path}/access.log",
        "/dev/stderr": f"{tmp_path}/error.log",
        "/srv/feeds": str(tmp_path),
    }.items():
        assert name in said
        said = said.replace(name, value)
    (tmp_path / "site.conf").write_text(said, encoding="utf-8")
    user = "user root;" if os.geteuid() == 0 else ""
    folders = " ".join(
        f"{kind}_temp_path {tmp_path}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; daemon off; {user} events {{}}"
        f" http {{ {folders} include {tmp_path}/site.conf; }}",
        encoding="utf-8",
    )
    assert NGINX
    server = subprocess.Popen(
        [NGINX, "-e", f"{tmp_path}/error.log", "-p", str(tmp_path), "-c", f"{tmp_path}/nginx.conf"]
    )
    try:
        for path in (
            f"/unsubscribe/{TOKEN}", f"/preferences/{TOKEN}/data.json", f"/confirm/{TOKEN}?a=b",
            f"/address/{TOKEN}", f"/operator/login?next={TOKEN}", f"/feeds/search.atom?q={TOKEN}",
        ):  # fmt: skip
            assert _ask(port, path) == 502
    finally:
        server.terminate()
        server.wait(60)

    access = (tmp_path / "access.log").read_text(encoding="utf-8")
    assert access.count(" 502 ") == 6
    assert "/preferences/-" in access
    assert TOKEN not in access
    assert TOKEN not in (tmp_path / "error.log").read_text(encoding="utf-8")


def _ask(port: int, path: str) -> int:
    def answer() -> int | None:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            client.request("GET", path)
            return client.getresponse().status
        except ConnectionRefusedError:
            return None  # until it listens
        finally:
            client.close()

    return until(answer, what="nginx")
