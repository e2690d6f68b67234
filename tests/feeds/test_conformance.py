from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import feedparser
import pytest
from feed_rules import atom_faults, json_faults, rss_faults
from feed_samples import A, addressed, announcements, ids, notice, page, pages
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

import feeds
from feeds import items

FAULTS = {"atom": atom_faults, "rss": rss_faults, "json": json_faults}


@pytest.mark.parametrize("form", feeds.FORMATS)
@pytest.mark.parametrize("count", [0, 1, 50])
@pytest.mark.parametrize("archive", [None, 8])
def test_usual_feeds_keep_every_rule(form, count, archive):
    """Validators find nothing in an empty feed, a short one, a full one and an archive of each."""
    made = page(
        *(notice(n) for n in range(1, count + 1)), prev_url="older", next_url="newer",
        hub_url="https://quxun.example/hub",
    )  # fmt: skip

    assert FAULTS[form](feeds.render(addressed(made, form, archive=archive), form)) == []


@settings(max_examples=80, deadline=None)
@given(pages(), st.none() | st.just(8))
def test_whatever_a_portal_writes_our_feeds_keep_every_rule(made, archive):
    """One bad title, date, address or attachment must not cost a region its feed."""
    for form in feeds.FORMATS:
        body = feeds.render(addressed(made, form, archive=archive), form)

        assert FAULTS[form](body) == []


@settings(max_examples=60, deadline=None)
@given(pages(most=9))
def test_formats_carry_the_same_entries_in_the_same_order(made):
    """A reader that changes format neither loses an entry nor sees it move."""
    in_atom, in_rss, in_json = ids(made)

    assert in_atom == in_rss == in_json
    assert len(in_atom) == sum(one.withdrawn_at is None for one in made.announcements)
    for form in ("atom", "rss"):
        parsed = feedparser.parse(io.BytesIO(feeds.render(made, form)), sanitize_html=False)
        assert not parsed.bozo
        assert [entry.id for entry in parsed.entries] == in_atom
        assert all(e.title.strip() and e.link.startswith("http") for e in parsed.entries)


@settings(max_examples=40, deadline=None)
@given(pages(), st.randoms(use_true_random=False))
def test_equal_content_is_equal_bytes(made, chance):
    """What was rendered before, and the order in which the store hands things over, do not show."""
    shuffled = list(made.announcements)
    chance.shuffle(shuffled)
    for form in feeds.FORMATS:
        warm = feeds.render(made, form)
        items.forget()

        assert feeds.render(replace(made, announcements=tuple(shuffled)), form) == warm


@settings(max_examples=40, deadline=None)
@given(announcements(1), announcements(1))
def test_a_changed_announcement_is_never_printed_as_it_was(before, after):
    """What is remembered of an entry is forgotten with its first change, however small."""
    feeds.render(page(before), "atom")
    told = {form: feeds.render(page(after), form) for form in feeds.FORMATS}
    items.forget()

    assert told == {form: feeds.render(page(after), form) for form in feeds.FORMATS}


def test_rendering_leaves_no_entry_in_another_feed():
    """Copies of remembered entries are moved into documents; the remembered ones stay whole."""
    both, one = page(notice(1), notice(2)), page(notice(1))
    first = feeds.render(both, "atom")
    feeds.render(one, "atom")

    assert feeds.render(both, "atom") == first
    assert len(etree.fromstring(first).findall(f"{A}entry")) == 2
    assert len(json.loads(feeds.render(both, "json"))["items"]) == 2


def test_feeds_rendered_at_once_do_not_take_entries_from_each_other():
    """Web workers render feeds that share entries in many threads."""
    several = [page(*(notice(n) for n in range(first, first + 20))) for first in range(1, 9)]
    alone = [feeds.render(made, "atom") for made in several]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda made: feeds.render(made, "atom"), several * 10))

    assert together == alone * 10
