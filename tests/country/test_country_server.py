"""The server: validators, connections, faults, the control interface, a process of its own."""

from __future__ import annotations

import asyncio
import gzip
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from country_reading import LATER, country

from quxun.country import Fault, FaultKind, Served, Size, serve
from quxun.country.server import bind_all

ROOT = Path(__file__).resolve().parent.parent.parent
TINY = Size(portals=12, notices_per_column=8)


async def _ask(served: Served, host: str, lines: str, body: bytes = b"") -> tuple[int, dict, bytes]:
    """One request on a connection of its own; reads to the end."""
    reader, writer = await asyncio.open_connection(host, served.port)
    try:
        writer.write(lines.replace("\n", "\r\n").encode() + b"Connection: close\r\n\r\n" + body)
        raw = await reader.read()
    finally:
        writer.close()
    head, _, rest = raw.partition(b"\r\n\r\n")
    first, *others = head.decode().split("\r\n")
    headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in others)}
    return int(first.split(" ")[1]), headers, rest


async def _get(served: Served, host: str, path: str, extra: str = "") -> tuple[int, dict, bytes]:
    return await _ask(served, host, f"GET {path} HTTP/1.1\nHost: {host}\n{extra}")


async def _control(served: Served, name: str, values: dict | None = None):
    host = served.country.portals[0].host
    if values is None:
        status, _, body = await _get(served, host, f"/__country__/{name}")
    else:
        given = json.dumps(values).encode()
        lines = f"POST /__country__/{name} HTTP/1.1\nHost: {host}\nContent-Length: {len(given)}\n"
        status, _, body = await _ask(served, host, lines, given)
    return status, json.loads(body)


def served_test(test):
    """Run an async test against a small served country."""

    def run() -> None:
        async def inside() -> None:
            async with serve(country(size=TINY)) as served:
                await test(served)

        asyncio.run(inside())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@served_test
async def test_validators_are_answered_with_304_until_something_changes(served):
    """A conditional request costs no body while nothing changed, and gets one when it did."""
    for column in served.country.columns:
        habits = served.country.portal(column.host).habits
        status, headers, body = await _get(served, column.host, column.path)
        assert status == 200
        assert body
        assert ("etag" in headers) == bool(habits.etag)
        assert ("last-modified" in headers) == habits.last_modified
        conditions = ""
        if "etag" in headers:
            conditions += f"If-None-Match: {headers['etag']}\n"
        if "last-modified" in headers:
            conditions += f"If-Modified-Since: {headers['last-modified']}\n"
        if not conditions:
            continue
        assert (await _get(served, column.host, column.path, conditions))[0::2] == (304, b"")
        served.country.publish(LATER, column=column, reprints=False)
        if column.kind == "jpaas":
            continue  # the page itself is empty; what it asks for has changed
        assert (await _get(served, column.host, column.path, conditions))[0] == 200


@served_test
async def test_each_portal_answers_on_its_own_address_only(served):
    """Sites are kept apart by address."""
    one, two = served.country.portals[0], served.country.portals[1]
    assert (await _get(served, one.host, one.columns[0].path))[0] == 200
    assert (await _get(served, two.host, one.columns[0].path))[0] == 404


@served_test
async def test_head_and_gzip(served):
    """HEAD has the length and no body; gzip is given to those who ask."""
    column = next(c for c in served.country.columns if served.country.portal(c.host).habits.gzip)
    _, whole, body = await _get(served, column.host, column.path)
    lines = f"HEAD {column.path} HTTP/1.1\nHost: x\n"
    status, headers, nothing = await _ask(served, column.host, lines)
    assert (status, headers["content-length"], nothing) == (200, whole["content-length"], b"")
    _, zipped, packed = await _get(served, column.host, column.path, "Accept-Encoding: gzip\n")
    assert zipped["content-encoding"] == "gzip"
    assert gzip.decompress(packed) == body


@served_test
async def test_a_connection_is_kept_and_pipelined_requests_come_in_order(served):
    """Keep-alive is what makes thousands of requests a second possible."""
    host = served.country.portals[0].host
    paths = [column.path for column in served.country.portals[0].columns]
    reader, writer = await asyncio.open_connection(host, served.port)
    writer.write(b"".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for path in paths))
    for path in paths:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.split("Content-Length: ")[1].split("\r\n")[0])
        body = await reader.readexactly(length)
        assert body == (await _get(served, host, path))[2]
    writer.close()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"413"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000, b"431"),
        (b"DELETE / HTTP/1.1\r\nConnection: close\r\n\r\n", b"405"),
    ],
)
def test_bad_requests_get_a_plain_refusal(request_bytes, status):
    """A broken client harms only its own connection."""

    async def run() -> None:
        async with serve(country(size=TINY)) as served:
            host = served.country.portals[0].host
            reader, writer = await asyncio.open_connection(host, served.port)
            writer.write(request_bytes)
            assert (await reader.read()).split(b" ", 2)[1] == status
            writer.close()

    asyncio.run(run())


@served_test
async def test_faults_are_what_they_say(served):
    """Tests can make any portal fail in the ways portals fail, and mend it again."""
    column = served.country.columns[0]
    host, path = column.host, column.path
    good = await _get(served, host, path)

    served.faults.set(Fault(host=host, kind=FaultKind.STATUS, status=412))
    status, headers, body = await _get(served, host, path)
    assert status == 412
    assert "set-cookie" in headers
    assert b"<script" in body
    served.faults.set(Fault(host=host, kind=FaultKind.STATUS, status=503, retry_after=7))
    assert (await _get(served, host, path))[1]["retry-after"] == "7"
    served.faults.set(Fault(host=host, kind=FaultKind.TRUNCATED))
    status, headers, body = await _get(served, host, path)
    assert len(body) < int(headers["content-length"])
    served.faults.set(Fault(host=host, kind=FaultKind.SOFT404))
    assert "页面不存在".encode() in (await _get(served, host, path))[2]
    served.faults.set(Fault(host=host, kind=FaultKind.EMPTY))
    status, _, body = await _get(served, host, path)
    assert status == 200
    assert 'target="_blank">关于'.encode() not in body
    served.faults.set(Fault(host=host, kind=FaultKind.DRIP, seconds=0))
    assert (await _get(served, host, path))[2] == good[2]
    served.faults.set(Fault(host=host, kind=FaultKind.SLOW, seconds=0, times=1))
    assert await _get(served, host, path) == good
    assert await _get(served, host, path) == good
    served.faults.clear()
    served.faults.set(Fault(host=host, kind=FaultKind.HANG, path=path))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(_get(served, host, path), 0.05)
    assert (await _get(served, host, served.country.columns[1].path))[0] == 200


@served_test
async def test_a_dropped_connection_gives_nothing(served):
    """A reset in place of an answer."""
    column = served.country.columns[0]
    served.faults.set(Fault(host=column.host, kind=FaultKind.DROP, times=1))
    with pytest.raises((ConnectionError, ValueError, IndexError)):
        await _get(served, column.host, column.path)
    assert (await _get(served, column.host, column.path))[0] == 200


@served_test
async def test_the_country_is_steered_over_http(served):
    """A test in another process publishes, changes and takes down, and reads the truth."""
    when = {"now": LATER.isoformat()}
    assert (await _control(served, "columns"))[1] == served.columns()
    _, (told,) = await _control(served, "publish", when | {"column": served.columns()[0]["url"]})
    place = told["places"][0]
    path = place["url"].split(f":{served.port}", 1)[1]
    host = served.country.portals[0].host
    assert (await _get(served, host, path))[0] == 200
    _, edited = await _control(served, "edit", when | {"notice": told["id"], "how": "body"})
    assert edited["revision"] == 1
    await _control(served, "withdraw", when | {"url": place["url"]})
    assert (await _get(served, host, path))[0] == 404
    _, truth = await _control(served, "truth")
    assert [n["withdrawn"] for n in truth["notices"] if n["notice"]["id"] == told["id"]] == [True]
    _, changed = await _control(served, "change", when | {"fraction": 0.5, "warm": True})
    assert len(changed) == round(len(served.country.columns) / 2)
    _, moved = await _control(served, "redesign", when | {"host": host})
    assert moved == [served.url(c) for c in served.country.portals[0].columns]
    await _control(served, "fault", {"host": host, "fault": "status", "status": 521})
    assert (await _get(served, host, "/"))[0] == 521
    await _control(served, "clear", {})
    assert (await _get(served, host, "/"))[0] == 200
    assert (await _control(served, "stats"))[1]["521"] == 1
    assert len((await _control(served, "divisions"))[1]) == len(served.country.divisions())
    assert (await _control(served, "publish", {"column": "http://nowhere/"}))[0] == 400
    assert (await _control(served, "fault", {"host": host, "fault": "fire"}))[0] == 400
    assert (await _control(served, "nothing", {}))[0] == 404


def test_one_port_is_found_that_is_free_on_every_address():
    """Countries are served side by side in parallel tests."""
    first = bind_all(["127.0.1.1", "127.0.1.2"], 0)
    second = bind_all(["127.0.1.1", "127.0.1.2"], 0)
    ports = {s.getsockname()[1] for s in first}
    try:
        assert len(ports) == 1
        assert ports.isdisjoint({s.getsockname()[1] for s in second})
        with pytest.raises(OSError, match="in use"):
            bind_all(["127.0.1.1"], ports.pop())
    finally:
        for listener in first + second:
            listener.close()


def test_a_naive_clock_is_refused():
    """Every time in the country is an instant."""
    from quxun.country import Country

    with pytest.raises(ValueError, match="aware"):
        Country(now=LATER.replace(tzinfo=None))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_runs_as_a_process_publishes_and_stops_cleanly(number):
    """The demonstration starts it as a child: ready line, columns, news, a clean end."""
    child = subprocess.Popen(
        [sys.executable, "-m", "quxun.country", "--demo", "--every", "0.01", "--seed", "3"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "country ready\n"
        columns = json.loads(child.stdout.readline())
        assert {c["kind"] for c in columns} == {"feed", "column", "jpage", "jpaas", "json"}
        asyncio.run(_until_news(columns[0]["url"]))
        child.send_signal(number)
        assert child.wait(120) == 0
    finally:
        child.kill()
        child.stdout.close()


async def _until_news(url: str) -> None:
    """Ask for the truth until something was published; each answer takes a while by itself."""
    host, port = url.removeprefix("http://").split("/", 1)[0].split(":")
    counts: set[int] = set()
    while len(counts) < 2:
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /__country__/truth HTTP/1.1\r\nConnection: close\r\n\r\n")
        raw = await reader.read()
        counts.add(len(json.loads(raw.partition(b"\r\n\r\n")[2])["notices"]))
        writer.close()
