"""The bench of feeds runs: every format, beside the library alone."""

from __future__ import annotations

import json

from lxml import etree

import feeds
from quxun.bench.feeds import bench_feeds, sample_page


def test_every_format_is_measured_after_a_change():
    """A bench that no longer runs is noticed by nobody until its figures are asked for."""
    times = bench_feeds(entries=3, rounds=2)

    assert [one.form for one in times.renderings] == list(feeds.FORMATS)
    assert all(one.kb > 1 and one.plain_ms > 0 for one in times.renderings)
    assert times.below == []


def test_the_measured_feed_is_a_whole_one():
    """What is measured has full texts, other sightings, attachments, an archive and coverage."""
    page = sample_page(50)
    atom = etree.fromstring(feeds.render(page, "atom"))
    told = json.loads(feeds.render(page, "json"))

    rels = {link.get("rel") for link in atom.iter("{http://www.w3.org/2005/Atom}link")}
    assert {"via", "related", "prev-archive", "hub"} <= rels
    assert sum("content_html" in item for item in told["items"]) == 17
    assert len(told["items"]) == 50
