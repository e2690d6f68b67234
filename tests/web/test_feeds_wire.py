"""What clients do on the wire, with sockets of our own: nothing tidies it up on the way."""

from __future__ import annotations

import socket
from contextlib import contextmanager

import pytest

from quxun.web import wire

ATOM = "/feeds/all.atom"
GET = b"GET /feeds/all.atom HTTP/1.1\r\nHost: quxun.example\r\nUser-Agent: newsboat/2.21\r\n\r\n"
HEAD = b"HEAD" + GET[3:]


class Wire:
    """One connection, read message by message."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.file = self.socket.makefile("rb")

    def say(self, data: bytes) -> None:
        self.socket.sendall(data)

    def hear(self, *, head: bool = False) -> tuple[int, dict[str, str], bytes]:
        status = int(self.file.readline().split()[1])
        headers = {}
        while (line := self.file.readline().strip()) != b"":
            name, _, value = line.decode("latin-1").partition(": ")
            headers[name.lower()] = value
        empty = head or status in {204, 304}
        return status, headers, b"" if empty else self.file.read(int(headers["content-length"]))

    def is_closed(self) -> bool:
        return self.file.read(1) == b""


@contextmanager
def connected(web):
    made = Wire(web.port)
    try:
        yield made
    finally:
        made.file.close()
        made.socket.close()


def pour(sink: socket.socket, data: bytes) -> None:
    """Send the same over and over, half a gigabyte at most."""
    for _ in range(500_000_000 // len(data)):
        sink.sendall(data)


@pytest.fixture
def known(patient, make_draft):
    """A server that has answered these very requests before."""
    patient.publish(make_draft(1), make_draft(2))
    for asked, head in ((GET, False), (HEAD, True)):
        with connected(patient) as client:
            for _ in range(3):
                client.say(asked)
                assert client.hear(head=head)[0] == 200
    assert GET in patient.memory.known
    assert HEAD in patient.memory.known
    return patient


def test_the_short_way_answers_like_the_long_one(known):
    """No client can tell which way its answer took, save by the wait."""
    with connected(known) as client:
        client.say(GET)
        short = client.hear()
        client.say(GET.replace(b"newsboat/2.21", b"another"))
        long = client.hear()
    with connected(known) as client:
        client.say(HEAD)
        head = client.hear(head=True)

    for one in (short, long, head):
        one[1].pop("date")
    assert short == long
    assert (head[0], head[1]) == (short[0], short[1])
    assert short[1]["content-length"] == str(len(short[2]))


def test_a_connection_goes_on_through_all_kinds_of_requests(known):
    """Known and unknown requests, bodies and heads alternate on one connection."""
    form = b"POST /hub HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\n"
    with connected(known) as client:
        for _ in range(3):
            client.say(GET)
            assert client.hear()[0] == 200
            client.say(HEAD)
            assert client.hear(head=True)[0] == 200
            client.say(b"GET /feeds/land.rss HTTP/1.1\r\nHost: a\r\n\r\n")
            assert client.hear()[0] == 200
            client.say(form + b"abcd")
            assert client.hear()[0] in {400, 415}


def test_pipelined_requests_are_answered_in_order(known):
    """A client may send all its questions at once."""
    rss = b"GET /feeds/all.rss HTTP/1.1\r\nHost: a\r\n\r\n"
    with connected(known) as client:
        client.say(GET + rss + HEAD + GET)
        first, second = client.hear(), client.hear()
        third, fourth = client.hear(head=True), client.hear()

        assert first[2] == fourth[2]
        assert "atom" in first[1]["content-type"]
        assert "rss" in second[1]["content-type"]
        assert third[1]["content-length"] == first[1]["content-length"]
        client.say(GET)
        assert client.hear()[2] == first[2]


def test_a_known_request_behind_one_that_is_being_answered_waits_its_turn(known):
    """The answer of a slow page must not be overtaken."""
    slow = b"GET /feeds/land.atom HTTP/1.1\r\nHost: a\r\n\r\n"
    with connected(known) as client:
        client.say(slow)
        client.say(GET)
        first, second = client.hear(), client.hear()

    assert b"/feeds/land.atom" in first[2]
    assert b"/feeds/all.atom" in second[2]


@pytest.mark.parametrize("cut", [1, 3, 20, len(GET) - 2, len(GET) - 1])
def test_a_request_may_come_in_pieces(known, cut):
    """Networks cut where they like; half of a known request is none."""
    with connected(known) as client:
        client.say(GET[:cut])
        known.ask("/feeds/all.rss")  # a turn of the loop later
        client.say(GET[cut:])
        assert client.hear()[0] == 200
        client.say(GET + GET[:cut])
        assert client.hear()[0] == 200
        known.ask("/feeds/all.rss")
        client.say(GET[cut:])
        assert client.hear()[0] == 200


def test_a_body_that_looks_like_a_known_request_is_a_body(known):
    """Else a form could ask in another's name on a shared connection."""
    head = b"POST /feeds/all.atom HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(GET)
    with connected(known) as client:
        client.say(head)
        known.ask("/feeds/all.rss")
        client.say(GET)
        assert client.hear()[0] == 405
        client.say(b"GET /feeds/all.rss HTTP/1.1\r\nHost: a\r\n\r\n")
        assert "rss" in client.hear()[1]["content-type"]


@pytest.mark.parametrize(
    "asked",
    [
        GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        b"GET /feeds/all.atom HTTP/1.0\r\n\r\n",
    ],
)
def test_a_client_that_wants_the_connection_closed_gets_that(known, asked):
    """It reads until the end; without one it waits until it gives up."""
    for _ in range(2):
        with connected(known) as client:
            client.say(asked)
            status, headers, body = client.hear()

            assert (status, headers["connection"]) == (200, "close")
            assert body.rstrip().endswith(b"</feed>")
            assert client.is_closed()


def test_a_change_ends_what_is_remembered(known, make_draft):
    """On connections that stay open, too."""
    with connected(known) as client:
        client.say(GET)
        before = client.hear()
        known.publish(make_draft(3))
        known.look()
        client.say(GET)
        after = client.hear()
        client.say(GET)
        again = client.hear()

    assert before[1]["etag"] != after[1]["etag"]
    assert make_draft(3).title.encode() in after[2]
    assert again[2] == after[2]


def test_a_client_that_does_not_read_harms_nobody(known):
    """It asks and asks; what it does not take is not piled up."""
    with connected(known) as deaf:
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.socket.settimeout(0.05)
        with pytest.raises(TimeoutError):
            pour(deaf.socket, GET * 20)
        with connected(known) as client:
            client.say(GET)
            assert client.hear()[0] == 200
        assert known.ask("/feeds/all.rss").status == 200


def test_what_a_client_does_not_take_is_not_piled_up(known, make_draft):
    """One that asks the known question again and again and reads nothing costs its sockets only."""
    known.publish(*map(make_draft, range(3, 40)))
    known.look()
    with connected(known) as client:
        for _ in range(3):
            client.say(GET)
            assert len(client.hear()[2]) > 20_000
    assert known.memory.known[GET].answers.fresh

    with connected(known) as deaf:
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(400):
            deaf.say(GET)
            known.ask("/feeds/all.atom", "OPTIONS")  # a turn of the loop later
        kept = [
            one.transport.get_write_buffer_size() for one in known.server.server_state.connections
        ]

    assert max(kept) < 1_000_000


def test_heads_without_end_are_refused(known):
    """A server that collects them runs out of memory."""
    with connected(known) as client:
        client.say(b"GET /feeds/all.atom HTTP/1.1\r\n")
        with pytest.raises(ConnectionError):
            pour(client.socket, b"X-Long: " + b"a" * 4096 + b"\r\n")
    assert known.ask("/feeds/all.rss").status == 200


def test_a_long_head_is_told_why(known):
    """One line, for whoever debugs a client."""
    with connected(known) as client:
        client.say(b"GET /feeds/all.atom HTTP/1.1\r\nCookie: " + b"a" * (wire.HEAD_BYTES + 1))
        status, headers, body = client.hear()

        assert status == 431
        assert headers["connection"] == "close"
        assert b"65,536" in body


def test_a_head_that_does_not_come_to_its_end_is_ended(known, monkeypatch):
    """Thousands of half requests are an old way to take a server down."""
    monkeypatch.setattr(wire, "HEAD_SECONDS", 0.2)
    with connected(known) as silent, connected(known) as slow:
        slow.say(GET[:30])

        assert slow.hear()[0] == 408
        assert slow.is_closed()
        assert silent.is_closed()
    assert known.ask("/feeds/all.rss").status == 200


def test_an_idle_connection_is_let_go_whichever_way_it_was_answered(known):
    """What was answered the short way must not stay open for ever."""
    known.server.config.timeout_keep_alive = 0
    with connected(known) as client:
        client.say(GET)
        assert client.hear()[0] == 200
        assert client.is_closed()


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET /feeds/" + b"a" * 5000 + b".atom HTTP/1.1", 414),
        (b"GET //feeds/all.atom HTTP/1.1", 404),
        (b"GET /feeds/../feeds/all.atom HTTP/1.1", 404),
        (b"GET /feeds/%2e%2e/all.atom HTTP/1.1", 404),
        (b"GET /feeds/all%00.atom HTTP/1.1", 404),
        (b"GET /feeds/%ff%fe.atom HTTP/1.1", 404),
        (b"GET /feeds/all.atom?%00 HTTP/1.1", 308),
        (b"GET http://evil.example/feeds/all.atom HTTP/1.1", 200),
        (b"GET /feeds/all\x00.atom HTTP/1.1", 400),
        (b"GET /feeds/\xe5\x8c\xba.atom HTTP/1.1", 404),
        (b"GET /feeds/\xff\xfe.atom HTTP/1.1", 404),
        (b"GET /\xc4\xcf.html?\x80 HTTP/1.1", 404),
        (b"BREW /feeds/all.atom HTTP/1.1", 400),
        (b"nonsense", 400),
    ],
)
def test_odd_request_lines_get_one_clear_status(known, line, status):
    """Scanners send them all day; a person behind one should learn why."""
    with connected(known) as client:
        client.say(line + b"\r\nHost: a\r\n\r\n")
        got, headers, body = client.hear()

    assert got == status
    assert b"Traceback" not in body
    assert "evil" not in headers.get("location", "")
