"""Addresses whose Chinese is sent as it was typed, unencoded, as many readers and scripts do."""

from __future__ import annotations

import json
import socket
from urllib.parse import quote

import pytest

from tests.web.test_feeds_wire import connected

AREA = "/feeds/江津区.atom"
SEARCH = "/feeds/search.json?q=储能&region=500116"
TO_AREA = "/feeds/500116.atom"


def request(target: str, *lines: str, method: str = "GET", body: bytes = b"") -> bytes:
    head = "\r\n".join([f"{method} {target} HTTP/1.1", "Host: quxun.example", *lines, "", ""])
    return head.encode() + body


@pytest.fixture
def told(patient, monkeypatch):
    """The server, whose application answers with what the protocol told it."""

    async def tell(scope, receive, send):
        body = b""
        more = True
        while more:
            event = await receive()
            body += event.get("body", b"")
            more = event.get("more_body", False)
        said = {
            "target": (scope["raw_path"] + b"?" + scope["query_string"]).decode(),
            "headers": {n.decode(): v.decode() for n, v in scope["headers"]},
            "body": body.decode(),
        }
        answer = json.dumps(said).encode()
        headers = [(b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    monkeypatch.setattr(patient.server.config, "loaded_app", tell)
    return patient


def test_raw_chinese_in_a_path_leads_where_the_encoded_one_leads(patient):
    """A reader to whom an address was given by word must not see an empty feed."""
    with connected(patient) as client:
        client.say(request(AREA))
        raw = client.hear()
        client.say(request(quote(AREA)))
        encoded = client.hear()

    assert (raw[0], raw[1]["location"]) == (308, TO_AREA)
    assert encoded[1]["location"] == raw[1]["location"]


def test_raw_chinese_in_a_query_filters(patient, make_draft):
    """The addresses that our documentation prints work in every client."""
    patient.publish(
        make_draft(1, title="关于储能项目的通知"), make_draft(2, title="关于养老服务的通知")
    )
    with connected(patient) as client:
        for _ in range(3):  # the short way answers it, too
            client.say(request(SEARCH))
            status, _, body = client.hear()
            assert status == 200
            assert [one["title"] for one in json.loads(body)["items"]] == ["关于储能项目的通知"]


@pytest.mark.parametrize("size", [1, 7, 30])
def test_a_raw_line_may_come_in_pieces(told, size):
    """Networks cut within a character, too; header values stay as they are."""
    target = "/feeds/竹屿区.atom?q=储能"
    asked = request(target, "X-Note: 竹屿区", "X-End: 储能 HTTP/1.1")
    with connected(told) as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(asked), size):
            client.say(asked[start : start + size])
            turn(told)
        said = json.loads(client.hear()[2])

    assert said["target"] == quote(target, safe="/?=")
    assert said["headers"]["x-note"].encode("utf-8", "surrogateescape") == "竹屿区".encode()
    assert said["headers"]["x-end"] == "储能 HTTP/1.1"


@pytest.mark.parametrize("size", [7, 64, 10_000])
def test_only_request_lines_of_pipelined_messages_are_encoded(told, size):
    """A body is what it was, byte for byte, also one that looks like a request."""
    body = request("/中文", "X: 甲\r\n\r\nGET /乙 HTTP/1.1")
    chunk = "丙\n\nGET /丁\r\n\r\n".encode()
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(chunk), chunk)
    asked = [
        request("/一?甲", "X-Note: 甲"),
        request("/二", f"Content-Length: {len(body)}", method="POST", body=body),
        b"\r\n" + request("/三"),
        request("/四", "Transfer-Encoding: chunked", method="POST", body=chunked),
        request("/五", "X-Note: 五"),
    ]
    whole = b"".join(asked)
    with connected(told) as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(whole), size):
            client.say(whole[start : start + size])
            turn(told)
        said = [json.loads(client.hear()[2]) for _ in asked]

    assert [one["target"] for one in said] == [
        quote(target, safe="/?") for target in ("/一?甲", "/二?", "/三?", "/四?", "/五?")
    ]
    assert [one["body"].encode() for one in said] == [b"", body, b"", chunk, b""]
    assert said[4]["headers"]["x-note"] == "五"


def turn(web) -> None:
    """A turn of the server's loop, so that it sees what was sent so far as one piece."""
    with connected(web) as other:
        other.say(request("/turn"))
        other.hear()
