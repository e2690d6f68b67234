"""Whose word is believed about who asks."""

from __future__ import annotations

import asyncio

import pytest

from aggregator.settings import Settings
from aggregator.wiring import Parts
from quxun.web.http import network_of
from quxun.web.server import server_of


@pytest.mark.parametrize(
    ("nets", "told", "network"),
    [
        ("10.213.97.0/24", "203.0.113.9", "203.0.113.0/24"),
        ("10.213.97.0/24", "198.51.100.1, 203.0.113.9", "203.0.113.0/24"),
        ("10.213.97.0/24", "::ffff:203.0.113.9", "203.0.113.0/24"),
        ("10.213.97.0/24", "2001:db8:1:2ff::9", "2001:db8:1:200::/56"),
        ("10.99.0.0/16", "203.0.113.9", "10.213.97.0/24"),
        ("", "203.0.113.9", "10.213.97.0/24"),
    ],
)
def test_a_proxy_of_ours_says_who_asks_and_nobody_else_does(tmp_path, nets, told, network):
    """Behind nginx all readers would share one limit; without it anybody could write an address."""
    from starlette.requests import Request

    parts = Parts(settings=Settings(home=tmp_path, proxy_nets=nets, public_url="http://q.example"))
    config = server_of(parts).config
    found: list[str] = []

    async def app(scope, receive, send):
        found.append(network_of(Request(scope)))

    config.app = app
    config.load()
    scope = {
        "type": "http", "client": ("10.213.97.4", 5000), "scheme": "http", "method": "GET",
        "path": "/", "headers": [(b"x-forwarded-for", told.encode())],
    }  # fmt: skip
    asyncio.run(config.loaded_app(scope, None, None))

    assert found == [network]
