from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from feed_samples import (
    AT,
    COVERAGE,
    FH,
    PLACE,
    SEEN,
    A,
    addressed,
    atom,
    golden_documents,
    ids,
    notice,
    page,
    rss,
)
from lxml import etree

import feeds
from aggregator.model import Grave, GraveReason

CHAIN = {"prev_url": "older", "next_url": "newer", "hub_url": "https://quxun.example/hub"}


def links(parent: etree._Element) -> dict[str, str]:
    return {link.get("rel"): link.get("href") for link in parent.findall(f"{A}link")}


def test_current_document_leads_to_the_archive():
    """A consumer that slept starts at the document it knows and walks back (RFC 5005 §4)."""
    made = page(notice(), **CHAIN)

    for parent in (atom(addressed(made, "atom")), rss(addressed(made, "rss"))[0]):
        form = "atom" if parent.tag == f"{A}feed" else "rss"
        assert links(parent)["prev-archive"] == f"{PLACE}/archive/7.{form}"
        assert not {"current", "next-archive"} & links(parent).keys()
        assert parent.find(f"{FH}archive") is None
    told = json.loads(feeds.render(addressed(made, "json"), "json"))
    assert told["next_url"] == told["_quxun"]["prev_archive"] == f"{PLACE}/archive/7.json"
    assert "archive" not in told["_quxun"]


def test_archive_document_names_its_neighbours():
    """Whoever holds an archive document finds the living feed and both ways along the chain."""
    made = page(notice(), **CHAIN)

    for form, parent in (
        ("atom", atom(addressed(made, "atom", archive=8))),
        ("rss", rss(addressed(made, "rss", archive=8))[0]),
    ):
        told = links(parent)
        assert parent.find(f"{FH}archive") is not None
        assert told["self"] == f"{PLACE}/archive/8.{form}"
        assert told["current"] == f"{PLACE}.{form}"
        assert told["prev-archive"] == f"{PLACE}/archive/7.{form}"
        assert told["next-archive"] == f"{PLACE}/archive/9.{form}"
    told = json.loads(feeds.render(addressed(made, "json", archive=8), "json"))["_quxun"]
    assert told["archive"] is True
    assert told["current"] == f"{PLACE}.json"
    assert told["next_archive"] == f"{PLACE}/archive/9.json"


@pytest.mark.parametrize("form", feeds.FORMATS)
def test_nothing_of_now_stands_in_an_archive_document(form):
    """Its bytes must be the same in a year, whatever became of sources, hub or lifetimes."""
    made = addressed(page(notice(), notice(2), **CHAIN), form, archive=8)
    later = replace(made, hub_url="https://hub.example/", coverage=None)
    body = feeds.render(made, form)

    assert body == feeds.render(later, form)
    assert not any(word in body for word in (b"hub", b"coverage", b"<ttl>", b"watched"))
    assert body == feeds.render(replace(later, coverage=COVERAGE), form)


@pytest.mark.parametrize("form", feeds.FORMATS)
def test_only_the_later_document_is_ever_added(form):
    """A consumer that compares a kept archive document with the one served finds one line more."""
    made = addressed(page(notice(), notice(2), prev_url="older"), form, archive=8)
    before = feeds.render(made, form).decode()
    after = feeds.render(replace(made, next_url="https://quxun.example/n"), form).decode()

    added = [
        ',"next_archive":"https://quxun.example/n"',
        f'<link rel="next-archive" href="https://quxun.example/n" type="application/{form}+xml"/>',
        f'<atom:link rel="next-archive" href="https://quxun.example/n" type="application/{form}+xml"/>',
    ]
    assert before in {after.replace(line, "") for line in added}


def test_what_is_no_more_leaves_a_tombstone_and_no_entry():
    """A consumer learns which entry is no more, when, and why; RSS cannot say it and is silent."""
    reasons = list(GraveReason)
    made = page(
        notice(1),
        graves=tuple(
            Grave(
                uuid=UUID(int=60 + n), at=SEEN + timedelta(days=n), why=why,
                merged_into=UUID(int=1) if why is GraveReason.MERGED else None,
            )
            for n, why in enumerate(reasons)
        ),
    )  # fmt: skip

    assert all(len(found) == 1 for found in ids(made))
    stones = atom(made).findall(f"{AT}deleted-entry")
    said = [stone.findtext(f"{AT}comment") for stone in stones]
    assert [stone.get("ref")[-2:] for stone in stones] == ["3f", "3e", "3d", "3c"]
    assert [words.rsplit("(", 1)[1] for words in said] == [f"{why.value})" for why in reasons[::-1]]
    assert stones[0].get("when").startswith("2026-10-08T02:30:00")
    heir = ids(made)[0][0]
    assert heir in said[2]
    listed = json.loads(feeds.render(made, "json"))["_quxun"]["withdrawn"]
    assert [(one["id"], one["when"]) for one in listed] == [
        (stone.get("ref"), stone.get("when")) for stone in stones
    ]
    assert [one["why"] for one in listed] == [why.value for why in reasons[::-1]]
    assert listed[2]["merged_into"] == heir


def test_a_withdrawn_announcement_is_buried_once():
    """The page may hold both the record and its grave."""
    gone = notice(2, at_withdrawn_at=SEEN + timedelta(days=1))
    grave = Grave(uuid=gone.uuid, at=SEEN + timedelta(days=1))
    made = page(notice(1), gone, graves=(grave,))

    assert len(atom(made).findall(f"{AT}deleted-entry")) == 1
    assert all(len(found) == 1 for found in ids(made))


def test_a_tombstone_is_never_older_than_its_entry():
    """RFC 6721 §3: one that is older than the entry it names is to be ignored."""
    one = notice(7)
    entry = atom(page(one)).find(f"{A}entry")
    made = page(graves=(Grave(uuid=one.uuid, at=one.changed_at),))

    assert atom(made).find(f"{AT}deleted-entry").get("when") >= entry.findtext(f"{A}updated")


GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", sorted(golden_documents()))
def test_documents_are_printed_as_they_always_were(name):
    """A new release must not print an old archive document otherwise: consumers hold its bytes.

    ``make golden`` writes them anew; a changed archive document needs a line in CHANGELOG.md.
    """
    assert golden_documents()[name] == (GOLDEN / name).read_bytes()
