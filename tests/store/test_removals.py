"""Taking announcements out because the law demands it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from store_drafts import HOUR, NOW, again, draft_of, read, shown

from aggregator import store
from aggregator.errors import UsageError
from aggregator.model import Announcement, GraveReason, Page, PollReport
from aggregator.store.publish import publish

TABLES = ("announcements", "entries", "sightings", "revisions", "changes", "pages")


def published(engine: Engine, *names: str) -> list[Announcement]:
    """Notices that a source has just shown, by their titles."""
    entries = shown(engine, *names)
    for place in range(0, len(entries), 40):
        store.Entries(engine).record_articles(
            [
                read(e, draft_of(e.entry.title, body_text=f"{e.entry.title}之内容。" * 30))
                for e in entries[place : place + 40]
            ],
            NOW,
        )
    with engine.connect() as connection:
        ids = connection.execute(text("select id from announcements order by id")).scalars().all()
    return [store.Announcements(engine).get(one) for one in ids]


def rows_with(engine: Engine, words: str) -> list[str]:
    """Rows of the store that still hold some words."""
    with engine.connect() as connection:
        return [
            row
            for table in TABLES
            for row in connection.execute(text(f"select t::text from {table} t")).scalars()
            if words in row
        ]


def chain(engine: Engine) -> list:
    journal = store.Journal(engine)
    found = [journal.window("all")]
    while found[-1].prev is not None:
        found.append(journal.archive("all", found[-1].prev))
    return found


def test_what_the_law_demands_is_blanked_in_archives_too(engine):
    """Nothing is left to read of it anywhere, its entry stays where it stood, and the portal's
    page is not looked at again.
    """
    published(engine, *(f"公告{number}号" for number in range(120)))
    with engine.begin() as connection:  # what an edit would have left there
        connection.execute(
            text(
                "insert into revisions (announcement_id, revision, at, changes) select id, 2, now(),"
                ' \'{"title": ["公告5号之前", "公告5号"]}\' from announcements where title = \'公告5号\''
            )
        )
    before = chain(engine)
    [one] = [o for d in before[1:] for o in d.entries if o.draft.title == "公告5号"]

    store.Removals(engine).remove(one.uuid, by="甲", why="法院", now=NOW + HOUR)

    journal = store.Journal(engine)
    after = [journal.archive("all", document.through) for document in before[1:]]
    told = [o for document in after for o in document.entries if o.uuid == one.uuid]
    assert [o.draft.title for o in told] == ["（已依法移除）"]
    assert [len(d.entries) for d in after] == [len(d.entries) for d in before[1:]]
    graves = [g for d in chain(engine) for g in d.graves if g.uuid == one.uuid]
    assert {g.why for g in graves} == {GraveReason.REMOVED}
    assert not rows_with(engine, "公告5号之")
    due = {e.entry.title for e in again(engine, NOW + 3 * HOUR)}
    assert "公告4号" in due
    assert "公告5号" not in due
    with pytest.raises(UsageError, match="removed"):
        store.Removals(engine).remove(one.uuid, by="甲", why="法院", now=NOW + HOUR)


def test_a_removal_is_told_although_the_notice_was_withdrawn_before(engine):
    """Whoever keeps archive documents learns that their words changed, every time."""
    both = published(engine, "甲", "乙")
    with engine.begin() as connection:
        connection.execute(text("update announcements set withdrawn_at = now()"))
        publish(connection, [one.id for one in both], NOW + HOUR)
    numbers = [store.Journal(engine).last()]

    for one in both:
        store.Removals(engine).remove(one.id, by="甲", why="法院", now=NOW + 2 * HOUR)
        numbers.append(store.Journal(engine).last())

    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("asked", ["heir", "lost"])
def test_what_was_merged_goes_with_its_heir(engine, asked):
    """The same notice had an entry of its own in archives, with the same words; whoever demands
    its removal may name either.
    """
    both = published(engine, "甲", "乙")
    store.Rulings(engine).merge(both[0].id, both[1].id, by="甲", why="同一", now=NOW + HOUR)
    [heir] = store.Journal(engine).window("all").entries

    [lost] = [one for one in both if one.id != heir.id]
    named = heir if asked == "heir" else lost
    gone = store.Removals(engine).remove(named.uuid, by="甲", why="法院", now=NOW + 2 * HOUR)

    assert gone.uuid == heir.uuid
    assert store.Journal(engine).window("all").entries == ()
    assert not rows_with(engine, "之内容")


def test_nothing_is_merged_with_what_was_removed(engine):
    """A living notice must not vanish behind a grave."""
    published(engine, "公告1号", "公告2号")
    one, two = store.Journal(engine).window("all").entries
    store.Removals(engine).remove(one.uuid, by="甲", why="法院", now=NOW + HOUR)

    with pytest.raises(UsageError, match="removed"):
        store.Rulings(engine).merge(two.uuid, one.uuid, by="甲", why="同一条", now=NOW + HOUR)
    assert [e.uuid for e in store.Journal(engine).window("all").entries] == [two.uuid]


def test_a_portal_that_touches_its_row_brings_no_page_back(engine):
    """Neither a look that was under way nor a later one keeps the page again."""
    [one] = published(engine, "办法")
    at = NOW + 2 * HOUR
    [entry] = again(engine, at)
    store.Removals(engine).remove(one.id, by="甲", why="法院", now=at)

    page = Page(
        url="http://a.example/", requested_url="http://a.example/", status=200, body=b"x",
        fetched_at=at,
    )  # fmt: skip
    store.Entries(engine).record_articles([read(entry, draft_of("办法"), at=at, page=page)], at)
    sources = store.Sources(engine)
    [claimed] = sources.claim_sources(
        [entry.source.id], at + HOUR, lease=timedelta(minutes=1), even_if_not_due=True
    )
    row = replace(entry.entry, raw_hash="2", title="办法 (新)")
    sources.record_polls(
        [
            PollReport(
                source=claimed, at=at + HOUR, outcome="read", found=1, entries=(row,),
                next_poll_at=at + 2 * HOUR,
            )
        ]
    )  # fmt: skip

    with engine.connect() as connection:
        kept = connection.execute(text("select title, page_hash, due_at from entries")).one()
        assert tuple(kept) == ("", None, None)
        assert connection.execute(text("select count(*) from pages")).scalar_one() == 0


def test_a_page_that_changes_after_its_removal_changes_nothing(engine):
    """A portal that touches its list does not bring back what was taken out."""
    [one] = published(engine, "办法")
    [entry] = again(engine, NOW + 2 * HOUR)
    store.Removals(engine).remove(one.id, by="甲", why="法院", now=NOW + 2 * HOUR)
    at = NOW + 2 * HOUR
    store.Entries(engine).record_articles([read(entry, draft_of("办法 (新)"), at=at)], at)

    window = store.Journal(engine).window("all")
    assert window.entries == ()
    assert store.Announcements(engine).get(one.id).draft.title == "（已依法移除）"
