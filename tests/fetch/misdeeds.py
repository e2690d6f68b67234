"""What portals do wrong with a connection, each as they answer a call."""

from __future__ import annotations

import asyncio

from fetch_portals import (
    Call,
)

HEAD = b"HTTP/1.1 200 OK\r\n"


async def _hang() -> None:
    await asyncio.Event().wait()


async def slow_headers(call: Call) -> None:
    for byte in HEAD + b"Content-Type: text/html\r\n" * 100:
        await call.send(bytes([byte]))
        await asyncio.sleep(0.05)


async def slow_body(call: Call) -> None:
    await call.send(HEAD + b"Content-Length: 1000\r\n\r\n")
    for _ in range(1000):
        await call.send(b"x")
        await asyncio.sleep(0.05)


async def hang(_call: Call) -> None:
    await _hang()


async def hang_after_headers(call: Call) -> None:
    await call.send(HEAD + b"Content-Length: 10\r\n\r\n")
    await _hang()


async def endless(call: Call) -> None:
    await call.send(HEAD + b"\r\n")
    while True:
        await call.send(b"<li>x</li>" * 1000)


async def large(call: Call) -> None:
    await call.send(HEAD + b"Content-Length: 100000000\r\n\r\n")
    for _ in range(1000):
        await call.send(b"x" * 100_000)


async def large_without_length(call: Call) -> None:
    await call.send(HEAD + b"Connection: close\r\n\r\n" + b"x" * 100_000)
    for _ in range(1000):
        await call.send(b"x" * 100_000)


async def endless_chunks(call: Call) -> None:
    await call.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        await call.send(b"3e8\r\n" + b"x" * 1000 + b"\r\n")


async def endless_small_chunks(call: Call) -> None:
    await call.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        await call.send(b"1\r\nx\r\n" * 500)


async def endless_headers(call: Call) -> None:
    await call.send(HEAD)
    while True:
        await call.send(b"X-More: and more\r\n" * 50)


async def endless_trailers(call: Call) -> None:
    await call.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n")
    while True:
        await call.send(b"X-More: and more\r\n" * 50)


async def huge_header(call: Call) -> None:
    await call.send(HEAD + b"X-Huge: ")
    for _ in range(100):
        await call.send(b"x" * 100_000)


async def endless_hints(call: Call) -> None:
    while True:
        await call.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        await asyncio.sleep(0.05)


async def hints_in_a_flood(call: Call) -> None:
    while True:
        await call.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 50)


async def short_body(call: Call) -> None:
    await call.send(HEAD + b"Content-Length: 1000\r\n\r\n<ul><li>one")


async def cut_chunks(call: Call) -> None:
    await call.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n100\r\n<ul><li>one")


async def reset(call: Call) -> None:
    await call.send(HEAD + b"Content-Length: 1000\r\n\r\n<ul>")
    await asyncio.sleep(0.05)
    call.writer.transport.abort()


async def nothing(_call: Call) -> None:
    return
