"""The folder holds the documents that our web server serves, byte for byte."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta

import feedparser
import pytest
from export_folders import picture, write
from sqlalchemy import text

from aggregator import store
from aggregator.store.outline import Outline, Records
from aggregator.wiring import Parts
from quxun.bench.journals import districts, write_journal
from quxun.web.addresses import read_address
from quxun.web.feedshelf import FeedShelf

PLACES = [*districts(2000)[:3], "500116", "500117"]


def served(parts: Parts, paths) -> dict:
    """What the web answers for some files, long after their last change."""
    later = Parts(settings=parts.settings, clock=lambda: datetime.now(UTC) + timedelta(hours=1))
    shelf = FeedShelf(later, patience=0)
    try:
        return {path: shelf.document(read_address(f"/{path}", "")) for path in paths}
    finally:
        shelf.close()
        later.close()


@pytest.mark.parametrize("seed", range(3))
def test_the_outline_of_the_journal_has_the_documents_that_the_journal_has(parts, seed):
    """Two ways to make a document must never differ: one is the export's, one the web's."""
    write_journal(parts.engine, announcements=260, places=PLACES[: seed + 2], seed=seed)
    with parts.engine.begin() as connection:
        connection.execute(text("insert into cuts select 133 + :n, now(), 'test'"), {"n": seed})
        connection.execute(text("delete from changes where change = 133 + :n"), {"n": seed})
    outline, journal = Outline.load(parts.engine), store.Journal(parts.engine)
    records = Records(parts.engine, 40)

    assert "all" in outline.feeds
    for name, feed in outline.feeds.items():
        current = feed.window(None, records)
        assert current == journal.window(name)
        numbers, number = [], current.prev
        while number is not None:
            one = feed.window(number, records)
            assert one == journal.archive(name, number)
            numbers.append(number)
            number = one.prev
        assert numbers[::-1] == feed.numbers


def test_every_file_is_what_the_web_serves_at_its_address(parts, root):
    """Whoever follows a feed must not notice which of the two it was answered by."""
    write_journal(parts.engine, announcements=150, places=PLACES[-2:])

    report = write(parts, root)

    files = picture(root)
    plain = [path for path in files if not path.endswith((".gz", ".opml"))]
    web = served(parts, plain)
    assert any("/archive/" in path for path in plain)
    assert {"feeds/all.atom", "feeds/land/500116.rss", "feeds/index.opml"} <= set(files)
    for path, document in web.items():
        assert files[path][0] == document.plain
        assert 0 <= files[path][1] - document.modified_at.timestamp() <= 1
        assert gzip.decompress(files[f"{path}.gz"][0]) == document.plain
        assert files[f"{path}.gz"][1] == files[path][1]
        if path.endswith(".atom"):
            updated = feedparser.parse(document.plain).feed.updated
            is_open = "/archive/" in path and b'rel="next-archive"' not in document.plain
            assert files[path][1] == datetime.fromisoformat(updated).timestamp() - is_open
    assert report.files == len(files)
    assert write(parts, root).files == 0
    assert picture(root) == files
