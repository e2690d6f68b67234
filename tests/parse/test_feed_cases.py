"""Feeds written by us, each beside what it says: number of entries, titles, links, dates, ids.

A folder of ``tests/golden/feeds`` is a case: ``feed.xml`` (or ``.json``) and ``expected.json``,
in the manner of gofeed's. ``shows`` names the point of the case. ``id`` is what an entry is known
by: its address, or where it has none the id that the feed gives it. ``error`` is the reason for
which a feed is refused. ``well_formed`` is left null where parsers may differ.
"""

import json
from datetime import datetime
from pathlib import Path

import pytest

from aggregator import parse
from aggregator.errors import ParseError
from aggregator.model import Learned, Selectors, SourceKind
from aggregator.urls import entry_key, text_key
from quxun.bench.floors import floor

FEEDS = Path(__file__).parent.parent / "golden" / "feeds"
CASES = sorted(path.parent.name for path in FEEDS.glob("*/expected.json"))


def read(name: str):
    gold = json.loads((FEEDS / name / "expected.json").read_text(encoding="utf-8"))
    [path] = (FEEDS / name).glob("feed.*")
    kind, reading = parse.detect(
        path.read_bytes(),
        url=gold["url"],
        content_type=None,
        now=datetime.fromisoformat(gold["now"]),
    )
    assert kind is SourceKind.FEED
    return gold, reading


def refused(name: str) -> bool:
    return "error" in json.loads((FEEDS / name / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", [name for name in CASES if not refused(name)])
def test_a_feed_says_what_its_author_wrote(name: str):
    """Whatever the format and however broken: every entry, its title, link, date and id."""
    gold, reading = read(name)

    assert [(e.title, e.url, e.date) for e in reading.entries] == [
        (one["title"], one["url"], one["date"]) for one in gold["entries"]
    ]
    assert [e.key for e in reading.entries] == [
        entry_key(one["url"]) if one["url"] else text_key(f"{one['id']}|")
        for one in gold["entries"]
    ]
    for entry, one in zip(reading.entries, gold["entries"], strict=True):
        assert one.get("summary") in {None, entry.summary}
        assert one.get("content", "") in (entry.content_html or "")
    assert len(reading.entries) == gold["count"]
    assert (reading.title, reading.charset) == (gold["title"], gold["charset"])
    if gold["well_formed"] is not None:
        told = [note for note in reading.notes if note.startswith("not well-formed")]
        assert bool(told) is not gold["well_formed"]


@pytest.mark.parametrize("name", [name for name in CASES if refused(name)])
def test_what_cannot_be_read_whole_is_refused(name: str):
    """Half a feed would look like a list from which notices were taken away."""
    gold = json.loads((FEEDS / name / "expected.json").read_text(encoding="utf-8"))
    [path] = (FEEDS / name).glob("feed.*")

    with pytest.raises(ParseError) as caught:
        parse.read_list(
            path.read_bytes(), url=gold["url"], content_type=None, kind=SourceKind.FEED,
            now=datetime.fromisoformat(gold["now"]), selectors=Selectors(),
            learned=Learned(), json_paths={},
        )  # fmt: skip

    assert caught.value.reason == gold["error"]


def test_there_are_as_many_cases_as_are_pinned():
    """A case that is taken away is a promise that is taken away."""
    assert len(CASES) >= floor("feeds.cases")
