"""Serving a feed, and its newest archive document, costs the same however much is stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import archive_atom
import pytest
from archive_growth import COMMON, OLD, RARE, begin, counted, grow
from archive_history import History
from archive_proof import address
from archive_world import START, Web, fresh_database, open_web

from quxun.embedded import Urls

SMALL, LARGE = 1_000, 15_000


@pytest.fixture(scope="module")
def blocks(
    servers: Urls, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[tuple[str, str, int], int]]:
    """Blocks touched by feed, document and size of the journal."""
    found: dict[tuple[str, str, int], int] = {}
    home, time = tmp_path_factory.mktemp("web"), [START]
    with fresh_database(servers) as url:
        web = open_web(url, home, time)
        begin(History(parts=web.parts, time=time, seed=5))
        for size in (SMALL, LARGE):
            grow(web.parts.engine, size)
            for feed in (COMMON, RARE, OLD):
                found |= {(feed, what, size): n for what, n in touched(url, home, feed).items()}
        web.close()
        yield found


def touched(url: str, home: Path, feed: str) -> dict[str, int]:
    """What the current and the newest archive document cost a process that has neither."""
    web = open_web(url, home, [START])
    warm(web)
    with counted(web.parts.engine) as blocks:
        status, _, body = web.get(address(feed, "atom"), {})
        assert status == 200
        current = sum(blocks)
        older = archive_atom.parse(feed, body).links["prev-archive"]
        blocks.clear()
        assert web.get(older, {})[0] == 200
        archive = sum(blocks)
    web.close()
    return {"current": current, "archive": archive}


def warm(web: Web) -> None:
    """Let the process know what it asks once: who we are, how well we are."""
    assert web.get(address("other", "atom"), {})[0] == 200


@pytest.mark.parametrize("what", ["current", "archive"])
@pytest.mark.parametrize("feed", [COMMON, RARE, OLD])
def test_what_a_document_reads_does_not_grow_with_the_store(
    blocks: dict[tuple[str, str, int], int], feed: str, what: str
):
    """Fifteen times the changes: a common feed, a rare one, one that nobody writes to."""
    small, large = blocks[feed, what, SMALL], blocks[feed, what, LARGE]

    assert 0 < large <= 2 * small + 200, (feed, what, small, large)
