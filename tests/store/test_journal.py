"""The journal of what is published, and where it cuts feeds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from store_drafts import HOUR, NOW, again, draft_of, read, shown

import feeds
from aggregator import store
from aggregator.errors import NotFoundError
from aggregator.model import (
    ArticleOutcome,
    Authority,
    Category,
    Deadline,
    Facts,
    Filter,
    Flag,
    GraveReason,
    Kind,
    Region,
)
from aggregator.publication import DOCUMENT_ENTRIES, ends, feeds_of, marked

JIANGJIN = Region(code="500116", name="江津区", path=("重庆市", "江津区"))
LAND = (Category(slug="land", why=""),)


def one_shown(engine, title, **more):
    """The entry of a notice that a source has just shown."""
    return max(
        (e for e in shown(engine, title, **more) if e.entry.title == title), key=lambda e: e.id
    )


def publish(engine, *titles, at=NOW, **fields) -> None:
    """Notices of one source, a minute apart, in one batch each."""
    for number, title in enumerate(titles):
        moment = at + timedelta(minutes=number)
        entry = one_shown(engine, title, at=moment)
        store.Entries(engine).record_articles(
            [read(entry, draft_of(title, body_text=f"{title}之内容。" * 30, **fields), at=moment)],
            moment,
        )


def titles(window) -> list[str]:
    return [one.draft.title for one in window.entries]


def chain(engine, name) -> list:
    """The current document and every archive document, by following prev."""
    journal = store.Journal(engine)
    found = [journal.window(name)]
    while found[-1].prev is not None:
        found.append(journal.archive(name, found[-1].prev))
    return found


def many(engine, count: int, *, start: int = 0) -> None:
    names = [f"公告{start + number}" for number in range(count)]
    entries = shown(engine, *names, at=NOW)
    for place in range(0, len(entries), 40):
        store.Entries(engine).record_articles(
            [
                read(e, draft_of(e.entry.title, body_text=f"{e.entry.title * 9}。{e.id}"))
                for e in entries[place : place + 40]
            ],
            NOW,
        )


def test_every_notice_stands_in_the_chain_once_and_no_document_is_too_long(engine):
    """A consumer that walks the chain has everything, and no document is a burden."""
    many(engine, 230)

    documents = chain(engine, "all")

    archived = [title for one in documents[1:] for title in titles(one)]
    assert len(archived) == len(set(archived))
    assert {*archived, *titles(documents[0])} == {f"公告{number}" for number in range(230)}
    assert len(documents[0].entries) == DOCUMENT_ENTRIES
    assert all(0 < len(one.entries) <= DOCUMENT_ENTRIES for one in documents[1:])
    assert all(
        older.next == (newer.through if newer is not documents[0] else None)
        for newer, older in pairwise(documents)
    )


def test_an_archive_document_stays_what_it_was(engine):
    """Later notices, edits and withdrawals stand in later documents."""
    many(engine, 120)
    before = chain(engine, "all")[1:]
    [entry, *_] = [e for e in again(engine, NOW + 2 * HOUR) if e.entry.title == "公告3"]
    store.Entries(engine).record_articles(
        [
            read(
                entry,
                draft_of("公告3", body_text="更正：" + "面积改为二十亩。" * 40),
                at=NOW + 2 * HOUR,
            )
        ],
        NOW + 2 * HOUR,
    )
    many(engine, 120, start=500)

    journal = store.Journal(engine)
    for document in before:
        now = journal.archive("all", document.through)
        assert replace(now, next=document.next) == document
    edited = [o for one in chain(engine, "all") for o in one.entries if o.draft.title == "公告3"]
    assert {one.revision for one in edited} == {1, 2}


def test_a_number_that_ends_no_document_is_refused(engine):
    """An address that was never given out is not made up."""
    many(engine, 60)
    number = chain(engine, "all")[1].through

    with pytest.raises(NotFoundError, match="prev-archive"):
        store.Journal(engine).archive("all", number + 1)
    with pytest.raises(NotFoundError):
        store.Journal(engine).archive("500116", 10**17)


def test_what_moves_to_another_subject_leaves_a_grave_in_the_old_feed(engine):
    """A consumer of the old feed drops it, one of the new feed learns it; it is back later as
    something newer than its grave.
    """
    publish(engine, "地块出让", categories=LAND, kind=Kind.PROJECT)
    journal = store.Journal(engine)
    for step, (slug, kind) in enumerate([("policy", Kind.POLICY), ("land", Kind.PROJECT)], 1):
        at = NOW + step * 2 * HOUR
        [entry] = again(engine, at)
        store.Entries(engine).record_articles(
            [
                read(
                    entry,
                    draft_of(
                        "地块出让", categories=(Category(slug=slug, why=""),), kind=kind,
                        extractor=step + 1,
                    ),
                    at=at,
                )
            ],
            at,
        )  # fmt: skip
        if slug == "policy":
            assert [g.why for g in journal.window("land").graves] == [GraveReason.LEFT]
            assert titles(journal.window("policies")) == ["地块出让"]
            left_at = journal.window("land").graves[0].at

    back = journal.window("land")
    assert titles(back) == ["地块出让"]
    assert back.entries[0].changed_at > left_at
    assert [g.why for g in journal.window("policy").graves] == [GraveReason.LEFT]


def test_a_reprint_is_told_and_does_not_move_updated(engine):
    """Feeds name the other portal, and readers are not told that the notice changed."""
    publish(engine, "办法", authority=Authority.MEDIA)
    before = store.Journal(engine).window("all").entries[0]
    entry = one_shown(engine, "办法", name="乙区", at=NOW + HOUR)
    store.Entries(engine).record_articles(
        [read(entry, draft_of("办法", url="http://b.example/1", authority=Authority.MEDIA,
                            body_text="办法之内容。" * 30), at=NOW + HOUR)], NOW + HOUR,
    )  # fmt: skip

    [after] = store.Journal(engine).window("all").entries

    assert after.changed_at == before.changed_at
    assert after.change > before.change
    assert len(after.sightings) == 2


def test_a_source_that_is_removed_is_named_no_more(engine):
    """What an operator removed stands in no feed as a place to look."""
    publish(engine, "办法", authority=Authority.MEDIA)
    entry = one_shown(engine, "办法", name="乙区", at=NOW + HOUR)
    store.Entries(engine).record_articles(
        [read(entry, draft_of("办法", url="http://b.example/1", authority=Authority.MEDIA,
                            body_text="办法之内容。" * 30), at=NOW + HOUR)], NOW + HOUR,
    )  # fmt: skip
    sources = store.Sources(engine)

    sources.remove(entry.source.id)

    [one] = store.Journal(engine).window("all").entries
    assert [s.source_name for s in one.sightings] == ["甲区"]


def test_better_readings_go_into_the_archive_and_not_to_the_top(engine):
    """After a reprocess the current document shows what is new, not what was read again."""
    many(engine, 30)
    publish(engine, "最新", at=NOW + HOUR)
    at = NOW + timedelta(days=2)
    until = Deadline(value=NOW.date(), sentence="截止")
    entries = [e for e in again(engine, at) if e.entry.title != "最新"]
    store.Entries(engine).record_articles(
        [
            replace(
                read(e, draft_of(e.entry.title, body_text=f"{e.entry.title * 9}。{e.id}",
                                 facts=Facts(deadlines=(until,)), extractor=9), at=at),
                outcome=ArticleOutcome.REREAD,
            )
            for e in entries
        ],
        at,
    )  # fmt: skip
    store.Entries(engine).cut_feeds("test")
    store.Entries(engine).cut_feeds("nothing came since")

    documents = chain(engine, "all")

    assert "最新" in titles(documents[0])
    told = {one.draft.title: one for document in documents[::-1] for one in document.entries}
    assert all(told[e.entry.title].draft.facts.deadlines for e in entries)
    with engine.connect() as connection:
        assert connection.execute(text("select count(*) from cuts")).scalar() == 1


def test_numbers_commit_in_order(engine):
    """Who has seen a number has seen all lower ones: a transaction that is open has none."""
    publish(engine, "甲")
    slow = one_shown(engine, "慢", at=NOW + HOUR)
    with engine.connect() as other:
        other.execute(text("select pg_current_xact_id()"))  # open since before the next change
        publish(engine, "乙", at=NOW + HOUR)
        seen = store.Journal(engine).last()
        other.rollback()
    store.Entries(engine).record_articles([read(slow, draft_of("慢"), at=NOW + HOUR)], NOW + HOUR)

    with engine.connect() as connection:
        numbers = connection.execute(text("select change from changes order by at, change"))
        assert sorted(found := list(numbers.scalars())) == found
        assert found[-1] > seen


def test_what_is_excluded_is_published_nowhere_but_as_a_tender(engine):
    """Recruitment is no matter of ours; a tender is, for who asks for tenders."""
    publish(engine, "招聘", flags=(Flag.EXCLUDED,), categories=())
    publish(
        engine, "采购", flags=(Flag.EXCLUDED,), categories=(Category(slug="tender", why=""),),
        at=NOW + HOUR,
    )  # fmt: skip

    journal = store.Journal(engine)
    assert journal.window("all") is None
    assert titles(journal.window("tender")) == ["采购"]
    assert titles(journal.window("tender/500116")) == ["采购"]


def test_what_was_stored_before_the_journal_is_published_by_migrating(engine):
    """An older version's announcements stand in feeds after the upgrade, in their order."""
    many(engine, 12)
    with engine.begin() as connection:
        connection.execute(text("delete from changes"))
    store.migrate(engine)

    assert len(store.Journal(engine).window("all").entries) == 12
    before = store.Journal(engine).last()
    store.migrate(engine)
    assert store.Journal(engine).last() == before


@pytest.mark.parametrize("excluded", [False, True])
@pytest.mark.parametrize("slug", ["land", "tender", "policy"])
def test_feeds_of_an_announcement_are_those_whose_filter_matches(engine, slug, excluded):
    """The journal and the filters agree on what stands where."""
    publish(
        engine, "办法", categories=(Category(slug=slug, why=""),), regions=(JIANGJIN,),
        kind=Kind.PROJECT, flags=(Flag.EXCLUDED,) if excluded else (),
    )  # fmt: skip
    announcements = store.Announcements(engine)
    with engine.connect() as connection:
        one = announcements.get(
            connection.execute(text("select id from announcements")).scalar_one()
        )
    codes = ["500116", "500000", "110000"]
    subjects = ["policies", "projects", "land", "tender", "policy"]
    names = ["all", *codes, *subjects, *(f"{s}/{c}" for s in subjects for c in codes)]

    matching = {name for name in names if announcements.find(feeds.filter_of(name), limit=9)}

    assert feeds_of(one) & set(names) == matching
    assert bool(announcements.find(Filter(), limit=9)) != excluded


@given(st.lists(st.integers(1, 10**12), min_size=2, unique=True), st.data())
def test_a_document_ends_where_its_numbers_say(numbers, data):
    """Marks and cuts end documents; nothing else does."""
    numbers = sorted(numbers)
    cuts = sorted(data.draw(st.lists(st.integers(1, 10**12), max_size=4, unique=True)))
    for one, following in zip(numbers, [*numbers[1:], None], strict=True):
        cut = any(one <= c and (following is None or c < following) for c in cuts)
        assert ends(one, following, cuts) == (marked(one) or cut)


def test_one_change_in_sixty_four_ends_a_document():
    """Documents are neither tiny nor without end."""
    assert 900 < sum(marked(number) for number in range(64_000)) < 1100
