"""Pages written after the patterns of DOMAIN.md, beside what a person says they show."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from aggregator import parse

GOLDEN = Path(__file__).parent.parent / "golden"
FAMILIES = sorted(path.parent.name for path in GOLDEN.glob("*/entries.json"))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_page_shows_what_a_person_sees_on_it(family):
    """Rows, titles in full, dates, links and the way on, found unaided."""
    folder = GOLDEN / family
    gold = json.loads((folder / "entries.json").read_text(encoding="utf-8"))

    kind, reading = parse.detect(
        (folder / "page.html").read_bytes(),
        url=gold["url"],
        content_type=None,
        now=datetime.fromisoformat(gold["now"]),
    )

    shown = [
        {"title": e.title, "url": e.url, "date": e.date and e.date[:10]} for e in reading.entries
    ]
    assert shown == gold["entries"]
    assert kind == gold["kind"]
    assert (reading.next.url if reading.next else None) == gold["next"]
    assert reading.charset == gold.get("charset", "utf-8")
    assert [e.title for e in reading.entries if e.pinned] == gold.get("pinned", [])
    assert len({e.raw_hash for e in reading.entries}) == len(reading.entries)
