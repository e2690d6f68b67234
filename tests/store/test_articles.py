"""Placing what articles say: one announcement a notice, whoever stores it and however often."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine, text
from store_drafts import BODY, HOUR, LEASE, NOW, again, draft_of, read, shown

from aggregator import store
from aggregator.model import (
    ArticleOutcome,
    ArticleReport,
    ArticleShape,
    Authority,
    Deadline,
    Entry,
    Facts,
    Filter,
    Flag,
    Novelty,
    Page,
    PollReport,
    Precision,
    Redesign,
)
from aggregator.store import rows


def test_two_portals_make_one_announcement_with_two_sightings(engine: Engine):
    """A notice that city and district both print is one entry in a feed."""
    [ours] = shown(engine, "储能扶持办法")
    store.Entries(engine).record_articles([read(ours, draft_of("储能扶持办法"))], NOW)
    [theirs] = shown(engine, "储能扶持办法", name="乙市")
    changed = store.Entries(engine).record_articles([read(theirs, draft_of("储能扶持办法"))], NOW)

    [one] = store.Announcements(engine).find(Filter(), limit=9)
    assert [s.source_name for s in one.sightings] == ["甲区", "乙市"]
    assert (one.revision, changed) == (1, [])


@pytest.mark.parametrize(
    "titles", [("同一标题通知", "同一标题通知"), ("甲办法全文", "媒体改写的另一个标题")]
)
def test_two_workers_storing_one_notice_at_once_make_one_announcement(
    engine: Engine, titles: tuple[str, str]
):
    """Both look, neither sees the other's row: without locks there would be two entries.

    The second pair shares nothing but its text.
    """
    reports = []
    for number, title in enumerate(titles):
        [entry] = shown(engine, title, name=f"区{number}")
        reports.append(read(entry, draft_of(title, body_text=BODY * 2)))
    both = threading.Barrier(2)

    def work(report: ArticleReport) -> None:
        both.wait(60)
        store.Entries(engine).record_articles([report], NOW)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, reports))

    assert store.Announcements(engine).count(Filter()) == 1


def test_an_uncommitted_notice_holds_up_its_twin_until_it_is_there(engine: Engine):
    """The same, interleaved by hand: the second worker waits and then adds a sighting."""
    [first] = shown(engine, "同一标题通知", name="区一")
    [second] = shown(engine, "同一标题通知", name="区二")
    entries = store.Entries(engine)
    with engine.connect() as held, ThreadPoolExecutor(1) as pool:
        held.execute(text("lock table sightings in access exclusive mode"))
        one = pool.submit(entries.record_articles, [read(first, draft_of("同一标题通知"))], NOW)
        _until_waiting(held, 1)
        with ThreadPoolExecutor(1) as other:
            two = other.submit(
                entries.record_articles, [read(second, draft_of("同一标题通知"))], NOW
            )
            _until_waiting(held, 2)
            held.rollback()
            assert (len(one.result(20)), two.result(20)) == (1, [])

    [found] = store.Announcements(engine).find(Filter(), limit=9)
    assert len(found.sightings) == 2


def test_who_writes_a_notice_of_a_source_holds_up_no_poll_and_no_lesson_of_it(engine: Engine):
    """Its row names the source; were the source locked whole, two such writers would deadlock."""
    [entry] = shown(engine, "储能扶持办法")
    sources, entries = store.Sources(engine), store.Entries(engine)
    shape = ArticleShape(title="h1", body="div.content")
    with engine.begin() as other:  # what a foreign key locks while a notice is being written
        other.execute(text("select 1 from sources for key share"))
        entries.record_articles([replace(read(entry, draft_of("储能扶持办法")), shape=shape)], NOW)
        [claimed] = sources.claim_sources(
            [entry.source.id], NOW + HOUR, lease=LEASE, even_if_not_due=True
        )
        [summary] = sources.record_polls(
            [PollReport(source=claimed, at=NOW + HOUR, outcome="read", next_poll_at=NOW + HOUR)]
        )

    assert summary.source_id == entry.source.id
    assert sources.get(str(entry.source.id)).learned.article == shape


def _until_waiting(connection, number: int) -> None:
    """Come back when that many backends wait for a lock."""
    for _ in range(20_000):
        waiting = connection.execute(
            text(
                "select count(distinct pid) from pg_locks where not granted and pid <> pg_backend_pid()"
            )
        ).scalar_one()
        if waiting >= number:
            return
    raise AssertionError(f"never saw {number} waiting")


def test_an_edit_is_a_revision_that_can_be_compared(engine: Engine):
    """Who was told the old deadline can see what changed, and feeds print it again."""
    [entry] = shown(engine, "申报通知")
    store.Entries(engine).record_articles([read(entry, draft_of("申报通知"))], NOW)
    [before] = store.Announcements(engine).find(Filter(), limit=9)
    later = NOW + 2 * HOUR
    [entry] = again(engine, later)
    edited = draft_of("申报通知", body_text=f"更正：{BODY}")
    changed = store.Entries(engine).record_articles([read(entry, edited, at=later)], later)

    [after] = store.Announcements(engine).find(Filter(), limit=9)
    [revision] = store.Announcements(engine).revisions(after.id)
    assert changed == [before.id]
    assert after.uuid == before.uuid
    assert (after.revision, after.changed_at) == (2, later)
    assert after.change > before.change
    assert revision.changes["body_text"] == (before.draft.body_text, edited.body_text)


def test_better_reading_of_the_same_page_tells_nobody(engine: Engine):
    """A new extractor over the archive updates records and sends nothing (promise 10)."""
    page = Page(url="u", requested_url="u", status=200, body=b"<p>raw</p>", fetched_at=NOW)
    [entry] = shown(engine, "办法")
    store.Entries(engine).record_articles([read(entry, draft_of("办法"), page=page)], NOW)
    [before] = store.Announcements(engine).find(Filter(), limit=9)
    later = NOW + 2 * HOUR
    [entry] = again(engine, later)
    better = draft_of("办法", body_text=f"{BODY}附件清单", extractor=2)
    changed = store.Entries(engine).record_articles(
        [read(entry, better, page=page, at=later)], later
    )

    [after] = store.Announcements(engine).find(Filter(), limit=9)
    assert (after.draft.body_text, after.draft.extractor) == (better.body_text, 2)
    assert (after.changed_at, changed) == (before.changed_at, [])
    assert store.Announcements(engine).page_of(after.id) == b"<p>raw</p>"


def test_a_newer_reading_with_another_deadline_is_written_down_and_told_to_nobody(engine: Engine):
    """What we said before stays to be compared; the portal changed nothing, so nobody is told."""
    page = Page(url="u", requested_url="u", status=200, body=b"<p>raw</p>", fetched_at=NOW)
    [entry] = shown(engine, "办法")
    store.Entries(engine).record_articles([read(entry, draft_of("办法"), page=page)], NOW)
    [before] = store.Announcements(engine).find(Filter(), limit=9)
    later = NOW + 2 * HOUR
    [entry] = again(engine, later)
    until = Deadline(value=date(2026, 4, 30), sentence="申报截止四月三十日")
    better = replace(
        draft_of("办法", facts=Facts(deadlines=(until,)), extractor=9), substance_hash="better"
    )
    changed = store.Entries(engine).record_articles(
        [read(entry, better, page=page, at=later)], later
    )

    [after] = store.Announcements(engine).find(Filter(), limit=9)
    [revision] = store.Announcements(engine).revisions(after.id)
    assert (after.revision, after.changed_at, changed) == (2, before.changed_at, [])
    assert revision.changes == {"deadlines": ("", "2026-04-30")}
    assert revision.why == "reread"


@pytest.mark.parametrize("field", ["body", "deadline"])
def test_a_new_template_is_no_change_but_a_new_deadline_is(engine: Engine, field: str):
    """A redesign prints one line more beside every text: nobody hears of a thousand changes."""
    pages = [
        Page(url="u", requested_url="u", status=200, body=body, fetched_at=NOW)
        for body in (b"<p>old</p>", b"<div>new</div>")
    ]
    [entry] = shown(engine, "办法")
    store.Entries(engine).record_articles([read(entry, draft_of("办法"), page=pages[0])], NOW)
    later = NOW + 2 * HOUR
    with engine.begin() as connection:
        connection.execute(
            text("update sources set redesign = cast(:redesign as jsonb)"),
            {"redesign": rows.to_json(Redesign(at=later, what="list", before="a", after="b"))},
        )
    [entry] = again(engine, later)
    drawn = draft_of("办法", body_text=f"办法。{BODY}来源甲区")
    if field == "deadline":
        until = Deadline(value=date(2026, 4, 30), sentence="申报截止四月三十日")
        drawn = replace(drawn, facts=Facts(deadlines=(until,)), substance_hash="put off")
    changed = store.Entries(engine).record_articles(
        [read(entry, drawn, page=pages[1], at=later)], later
    )

    [after] = store.Announcements(engine).find(Filter(), limit=9)
    assert after.draft.body_text == drawn.body_text
    assert bool(changed) is (field == "deadline")
    assert after.revision == (2 if field == "deadline" else 1)


def test_the_official_source_takes_the_lead_and_a_commercial_one_never_does(engine: Engine):
    """What a portal for sale printed must not stand where the government's own words can."""
    [paper] = shown(engine, "储能扶持办法", name="资讯站", authority=Authority.COMMERCIAL)
    sold = draft_of("储能扶持办法", authority=Authority.COMMERCIAL, body_text=BODY * 2 + "广告")
    store.Entries(engine).record_articles([read(paper, sold)], NOW)
    [gov] = shown(engine, "储能扶持办法", name="政府网")
    own = draft_of("储能扶持办法", body_text=BODY * 2)
    store.Entries(engine).record_articles([read(gov, own)], NOW)
    [again_paper] = [e for e in again(engine, NOW + 2 * HOUR) if e.id == paper.id]
    store.Entries(engine).record_articles([read(again_paper, sold)], NOW + 2 * HOUR)

    [one] = store.Announcements(engine).find(Filter(), limit=9)
    assert (one.source_name, one.draft.body_text) == ("政府网", own.body_text)


@pytest.mark.parametrize("how", ["another copy", "row only", "read otherwise", "edited"])
def test_only_what_the_issuer_changed_is_a_change_to_readers(engine: Engine, how: str):
    """A mail "changed since it was sent" about our own reading makes readers doubt every mail:
    the portal's copy that speaks instead of a broker's, the article behind a bare row, a new
    extractor on a page with another visit counter.
    """
    until = Deadline(value=date(2026, 4, 30), sentence="申报截止四月三十日")
    pages = [
        Page(url="u", requested_url="u", status=200, body=body, fetched_at=NOW)
        for body in (b"<p>seen 1</p>", b"<p>seen 2</p>")
    ]
    first = Authority.COMMERCIAL if how == "another copy" else Authority.OFFICIAL
    [entry] = shown(engine, "储能扶持办法", name="资讯站", authority=first)
    known = draft_of(
        "储能扶持办法", authority=first, body_text="" if how == "row only" else BODY * 2
    )
    if how == "row only":
        known = replace(known, flags=(Flag.ROW_ONLY,))
    outcome = ArticleOutcome.ROW_ONLY if how == "row only" else ArticleOutcome.READ
    was = replace(read(entry, known, page=None if how == "row only" else pages[0]), outcome=outcome)
    store.Entries(engine).record_articles([was], NOW)
    later = NOW + 2 * HOUR
    if how == "another copy":
        [entry] = shown(engine, "储能扶持办法", name="政府网")
    else:
        [entry] = again(engine, later)
    now = draft_of(
        "储能扶持办法", body_text=BODY * 2 + ("更正" if how == "edited" else ""),
        facts=Facts(deadlines=(until,)), extractor=9 if how == "read otherwise" else 1,
    )  # fmt: skip
    store.Entries(engine).record_articles(
        [read(entry, replace(now, substance_hash="other"), page=pages[1], at=later)], later
    )

    [one] = store.Announcements(engine).find(Filter(), limit=9)
    [revision] = store.Announcements(engine).revisions(one.id)
    assert one.draft.facts.deadlines == (until,)
    assert revision.changes["deadlines"] == ("", "2026-04-30")
    assert revision.why == ("edited" if how == "edited" else "reread")


@pytest.mark.parametrize(
    ("posted", "precision", "novelty"),
    [
        (NOW - timedelta(days=2), Precision.DAY, Novelty.NEWS),
        (NOW - timedelta(days=3), Precision.DAY, Novelty.LATE_NEWS),
        (NOW - timedelta(days=3) + HOUR, Precision.MINUTE, Novelty.NEWS),
        (NOW - timedelta(days=30), Precision.DAY, Novelty.LATE_NEWS),
        (NOW - timedelta(days=31), Precision.DAY, Novelty.LATE),
        (NOW + timedelta(days=2), Precision.DAY, Novelty.NEWS),
        (None, Precision.DAY, Novelty.NEWS),
    ],
)
def test_age_at_first_sight_decides_whether_it_is_news(engine, posted, precision, novelty):
    """A district that uploads last year's papers must not fill anybody's mailbox."""
    [entry] = shown(engine, "公告")
    draft = draft_of("公告", posted_at=posted, date_precision=precision)
    store.Entries(engine).record_articles([read(entry, draft)], NOW)

    assert [a.novelty for a in store.Announcements(engine).find(Filter(), limit=9)] == [novelty]


def test_first_poll_and_flood_are_stored_and_not_news(engine: Engine):
    """Adding a source floods no one; neither does a portal that moved its whole archive."""
    [old] = shown(engine, "首次", polled_before=False)
    store.Entries(engine).record_articles([read(old, draft_of("首次"))], NOW)
    flood = shown(engine, *(f"第{n}份旧文件" for n in range(51)), at=NOW + HOUR)
    store.Entries(engine).record_articles(
        [read(e, draft_of(e.entry.title, body_text="")) for e in flood], NOW + HOUR
    )

    found = store.Announcements(engine).find(Filter(), limit=99)
    assert {a.draft.title: a.novelty for a in found}["首次"] is Novelty.FIRST_POLL
    assert [a.novelty for a in found].count(Novelty.HELD) == 51


def test_fifty_one_changed_rows_are_no_flood(engine: Engine):
    """A template change touches every row of a list and is no reason to hold real news."""
    sources = store.Sources(engine)
    shown(engine, *(f"第{n}号" for n in range(60)), polled_before=False)
    [source] = sources.list()
    later = NOW + 2 * HOUR
    [claimed] = sources.claim_sources([source.id], later, lease=LEASE)
    rows = tuple(Entry(key=f"第{n}号", url=None, title="新模板", raw_hash="2") for n in range(60))
    [summary] = sources.record_polls(
        [PollReport(source=claimed, at=later, outcome="read", entries=rows, next_poll_at=later)]
    )

    assert (summary.new, summary.changed) == (0, 60)
    assert not sources.get(source.slug).held


def test_a_row_that_changes_while_its_article_is_read_stays_due(engine: Engine):
    """The worker read the old page; the edit it did not see must not wait for a day."""
    [entry] = shown(engine, "变动")
    sources = store.Sources(engine)
    [source] = sources.list()
    soon = NOW + timedelta(minutes=1)
    [claimed] = sources.claim_sources([source.id], soon, lease=LEASE, even_if_not_due=True)
    row = Entry(key="变动", url="http://a.example/变动", title="变动（已更正）", raw_hash="2")
    sources.record_polls(
        [PollReport(source=claimed, at=soon, outcome="read", entries=(row,), next_poll_at=soon)]
    )
    report = replace(read(entry, draft_of("变动")), due_at=NOW + timedelta(days=1))
    store.Entries(engine).record_articles([report], soon)

    assert list(store.Entries(engine).due_entries(soon, limit=9)) == [entry.id]


def test_a_withdrawn_notice_leaves_pages_and_stays_in_feeds_as_gone(engine: Engine):
    """A consumer learns of the withdrawal; a reader no longer finds the notice."""
    [entry] = shown(engine, "撤回")
    store.Entries(engine).record_articles([read(entry, draft_of("撤回"))], NOW)
    version, _ = store.Announcements(engine).feed_version(Filter())
    later = NOW + 2 * HOUR
    [entry] = again(engine, later)
    gone = ArticleReport(entry=entry, at=later, outcome=ArticleOutcome.WITHDRAWN, gone_since=NOW)
    changed = store.Entries(engine).record_articles([gone], later)

    announcements = store.Announcements(engine)
    [tombstone] = announcements.feed_window(Filter())
    assert changed == [tombstone.id]
    assert (tombstone.withdrawn_at, announcements.find(Filter(), limit=9)) == (later, [])
    assert announcements.feed_version(Filter())[0] > version


def test_first_reads_go_before_second_looks(engine: Engine):
    """Fresh news must not queue behind thousands of re-reads."""
    [old] = shown(engine, "旧")
    store.Entries(engine).record_articles([read(old, draft_of("旧"))], NOW)
    sources = store.Sources(engine)
    [source] = sources.list()
    later = NOW + 3 * HOUR
    [claimed] = sources.claim_sources([source.id], later, lease=LEASE)
    row = Entry(key="新", url="http://a.example/新", title="新", raw_hash="1")
    sources.record_polls(
        [PollReport(source=claimed, at=later, outcome="read", entries=(row,), next_poll_at=later)]
    )

    due = store.Entries(engine).due_entries(later, limit=9)
    assert len(due) == 2
    assert due[1] == old.id


def test_text_that_cannot_be_stored_harms_only_itself(engine: Engine):
    """NUL and lone surrogates from one portal must not fail the batch of a hundred."""
    [bad, good] = shown(engine, "坏\x00题\ud800", "好题")
    torn = replace(draft_of("坏题"), title="坏\x00题\ud800", summary="\x00", body_text="短")
    reports = [read(bad, torn), read(good, draft_of("好题"))]
    store.Entries(engine).record_articles(reports, NOW)

    titles = {a.draft.title for a in store.Announcements(engine).find(Filter(), limit=9)}
    assert titles == {"坏题?", "好题"}


def test_a_row_alone_gives_way_to_its_article_and_never_replaces_one(engine: Engine):
    """What a portal could not deliver at first is made good when it can."""
    [entry] = shown(engine, "仅标题")
    row = draft_of("仅标题", body_text="", flags=(Flag.ROW_ONLY,))
    only = ArticleReport(
        entry=entry, at=NOW, outcome=ArticleOutcome.ROW_ONLY, draft=row, due_at=NOW + HOUR
    )
    store.Entries(engine).record_articles([only], NOW)
    [first] = again(engine, NOW + 2 * HOUR)
    store.Entries(engine).record_articles([read(first, draft_of("仅标题"))], NOW + 2 * HOUR)
    [second] = again(engine, NOW + 9 * HOUR)
    store.Entries(engine).record_articles([replace(only, entry=second)], NOW + 9 * HOUR)

    [one] = store.Announcements(engine).find(Filter(), limit=9)
    assert one.draft.body_text == draft_of("仅标题").body_text
