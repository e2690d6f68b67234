"""TLS profiles and tunnels, against portals whose certificates and keys lie beside this file.

The keys are of no secret: both certificates name ``portal.test`` and are trusted by nobody but
these tests. ``weak.pem`` has 1024 bits, as old portals do.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fetch_portals import Answer, Call, Portal, fetcher, new_address, ok, portal, reason_of, run

from aggregator.model import Request

HERE = Path(__file__).parent
STRONG, WEAK = HERE / "strong.pem", HERE / "weak.pem"


def secret(of: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.load_cert_chain(of)
    return context


@contextlib.asynccontextmanager
async def tls_portal(certificate: Path, answer: Answer) -> AsyncIterator[Portal]:
    made = Portal(new_address(), answer)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        with contextlib.suppress(asyncio.CancelledError):
            await made.serve(reader, writer)

    server = await asyncio.start_server(serve, made.host, 0, ssl=secret(certificate))
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def well(_call: Call) -> bytes:
    return ok()


@pytest.mark.parametrize(
    ("certificate", "profile", "trusted", "name", "outcome"),
    [
        (STRONG, "strict", True, "portal.test", "page"),
        (STRONG, "legacy", True, "portal.test", "page"),
        (WEAK, "strict", True, "portal.test", "tls"),
        (WEAK, "legacy", True, "portal.test", "page"),
        (WEAK, "legacy", False, "portal.test", "tls"),
        (STRONG, "strict", False, "portal.test", "tls"),
        (STRONG, "legacy", True, "other.test", "tls"),
    ],
    ids=["well", "well-legacy", "weak", "weak-legacy", "stranger-legacy", "stranger", "misnamed"],
)
def test_a_legacy_profile_takes_weak_keys_but_no_strangers(
    certificate, profile, trusted, name, outcome
):
    """DOMAIN §7: old portals are read, and a certificate is checked all the same."""

    async def scene() -> tuple[str, int]:
        async with tls_portal(certificate, well) as made:
            client = fetcher(
                authorities=str(certificate) if trusted else None, lookup=lambda *_: [made.host]
            )
            url = f"https://{name}:{made.port}/"
            reason = await reason_of(client, made.request(url, tls_profile=profile))
            client.close()
            return reason, made.hits

    assert run(scene()) == (outcome, 1 if outcome == "page" else 0)


def test_a_legacy_connection_serves_no_strict_source():
    """What was shaken hands on in the weaker way is not taken over by another source."""

    async def scene() -> list[str]:
        async with tls_portal(WEAK, well) as made:
            client = fetcher(authorities=str(WEAK), lookup=lambda *_: [made.host])
            url = f"https://portal.test:{made.port}/"
            profiles = ["legacy", "strict", "legacy"]
            outcomes = [
                await reason_of(client, made.request(url, tls_profile=one)) for one in profiles
            ]
            client.close()
            return outcomes

    assert run(scene()) == ["page", "tls", "page"]


def test_an_answer_through_a_tunnel_is_the_portals_own():
    """What a proxy says before the tunnel stands must not hide the portal's headers."""

    async def answer(call: Call) -> bytes | None:
        if call.method == "CONNECT":
            await call.send(b"HTTP/1.1 200 Established\r\nX-Proxy: 1\r\nETag: forged\r\n\r\n")
            await call.writer.start_tls(secret(STRONG))
            return b""
        return ok(gzip.compress(b"<li>hello"), "Content-Encoding: gzip", 'ETag: "1"')

    async def scene():
        async with portal(answer) as proxy:
            client = fetcher(authorities=str(STRONG))
            page = await client.get(
                Request(url="https://portal.test/x", proxy=proxy.base, ignore_robots=True)
            )
            client.close()
            return page, [f"{call.method} {call.target}" for call in proxy.calls]

    page, asked = run(scene())

    assert (page.status, page.body, page.etag) == (200, b"<li>hello", '"1"')
    assert asked == ["CONNECT portal.test:443", "GET /x"]
