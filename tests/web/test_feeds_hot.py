from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import event

from aggregator.errors import OutageError

ATOM = "/feeds/all.atom"


@contextmanager
def statements(web):
    """The statements that the server sends to PostgreSQL meanwhile."""
    seen: list[str] = []

    def note(_conn, _cursor, statement, *_rest):
        seen.append(statement)

    event.listen(web.parts.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(web.parts.engine, "before_cursor_execute", note)


@contextmanager
def held(web):
    """Rendering stands still, pages already read, until it is let go."""
    reached, go = threading.Event(), threading.Event()
    real = web.shelf._press.make

    def slow(*args):
        made = real(*args)
        reached.set()
        assert go.wait(60)
        return made

    web.shelf._press.make = slow
    try:
        yield reached, go
    finally:
        go.set()
        web.shelf._press.make = real


def test_hot_requests_never_reach_the_database(patient, make_draft):
    """Thousands of readers must not be felt by those who store."""
    patient.publish(make_draft(1))
    first = patient.ask(ATOM)
    patient.ask("/feeds/search.json?q=%E6%94%AF%E6%8C%81")

    with statements(patient) as seen:
        answers = [
            patient.ask(ATOM),
            patient.ask(ATOM, If_None_Match=first.headers["etag"]),
            patient.ask(ATOM, Accept_Encoding="gzip"),
            patient.ask(ATOM, "HEAD"),
            patient.ask("/feeds/search.json?q=%E6%94%AF%E6%8C%81"),
            patient.ask("/feeds/search.atom"),
            patient.ask("/feeds/no-such.atom"),
        ]

    assert seen == []
    assert [one.status for one in answers] == [200, 304, 200, 200, 200, 308, 404]


def test_a_change_is_shown_after_the_next_look(patient, make_draft):
    """Whatever was remembered of a feed ends with the change."""
    patient.publish(make_draft(1))
    tag = patient.ask(ATOM).headers["etag"]
    for _ in range(3):
        assert patient.ask(ATOM, If_None_Match=tag).status == 304
    patient.publish(make_draft(2))

    patient.look()

    for _ in range(3):
        answer = patient.ask(ATOM, If_None_Match=tag)
        assert answer.status == 200
        assert make_draft(2).title in answer.text


def test_a_feed_is_rendered_once_however_many_ask_at_once(patient, make_draft):
    """After a change everybody's reader comes; one of them pays."""
    patient.publish(make_draft(1))

    with ThreadPoolExecutor(16) as crowd:
        answers = list(crowd.map(lambda _: patient.ask(ATOM), range(32)))

    assert {one.status for one in answers} == {200}
    assert len({one.body for one in answers}) == 1
    assert patient.shelf.rendered == 1


def test_while_a_feed_is_rendered_others_get_the_one_before(patient, make_draft):
    """Nobody waits long for the page of a slow store."""
    patient.publish(make_draft(1))
    before = patient.ask(ATOM).body
    patient.publish(make_draft(2))
    patient.look()

    with held(patient) as (reached, go), ThreadPoolExecutor(1) as one:
        first = one.submit(patient.ask, ATOM)
        assert reached.wait(60)
        meanwhile = patient.ask(ATOM)
        go.set()
        after = first.result(20)

    assert meanwhile.body == before
    assert make_draft(2).title in after.text


def test_a_change_during_rendering_is_not_lost(patient, make_draft):
    """What is committed after the page was read stands in the next document."""
    patient.publish(make_draft(1))

    with held(patient) as (reached, go), ThreadPoolExecutor(1) as one:
        first = one.submit(patient.ask, ATOM)
        assert reached.wait(60)
        patient.publish(make_draft(2))
        patient.look()
        go.set()
        assert make_draft(2).title not in first.result(20).text

    assert make_draft(2).title in patient.ask(ATOM).text


def test_readers_keep_their_feeds_while_the_store_is_away_and_get_news_after(patient, make_draft):
    """A restart of the database is nothing that a reader should notice."""
    patient.publish(make_draft(1))
    before = patient.ask(ATOM)
    patient.publish(make_draft(2))
    patient.look()

    def away(*_):
        raise OutageError("the database cannot be reached just now")

    real, patient.shelf._press.make = patient.shelf._press.make, away
    for _ in range(3):
        assert patient.ask(ATOM).body == before.body
    assert patient.ask("/feeds/land.atom").status == 503
    patient.shelf._press.make = real
    patient.look()

    assert make_draft(2).title in patient.ask(ATOM).text
    assert patient.ask("/feeds/land.atom").status == 200


def test_what_is_searched_for_stays_within_bounds(patient, make_draft, monkeypatch):
    """Anybody may ask for feeds without end; the ones in use stay."""
    monkeypatch.setattr("quxun.web.feedshelf.SHELF_BYTES", 60_000)
    patient.publish(make_draft(1))
    for number in range(40):
        for _ in range(2):  # the second is remembered by its bytes
            assert patient.ask(f"/feeds/search.atom?q=a{number}").status == 200
        patient.look()
        assert patient.ask(ATOM).status == 200

    held_now = sum(
        len(one.answers.document.plain) for one in patient.shelf._slots.values() if one.answers
    )
    assert held_now <= 60_000
    assert ATOM in patient.shelf._slots
    remembered = {id(one.answers): one.answers for one in patient.memory.known.values()}
    assert sum(one.document.weight for one in remembered.values()) <= 70_000
    with statements(patient) as seen:
        assert patient.ask(ATOM).status == 200
        assert patient.ask("/feeds/search.atom?q=a0").status == 200
    assert len(seen) > 0


def test_a_crowd_of_searches_holds_up_no_named_feed(patient, make_draft):
    """Anybody may ask for searches without end, and slow ones; readers of a feed must not feel it."""
    patient.publish(make_draft(1))
    go, real = threading.Event(), patient.shelf._press.make

    def slow(address, *more):
        assert not address.name.startswith("search?") or go.wait(60)
        return real(address, *more)

    patient.shelf._press.make = slow
    with ThreadPoolExecutor(12) as crowd:
        searches = [crowd.submit(patient.ask, f"/feeds/search.atom?q=a{n}") for n in range(12)]
        try:
            assert patient.ask(ATOM).status == 200
            assert not any(one.done() for one in searches)
        finally:
            go.set()
        assert {one.result(20).status for one in searches} == {200}


def test_what_matches_a_search_no_more_leaves_it(patient, beside, make_draft):
    """A corrected title takes a notice out of a search, on every server alike, for readers that
    go by the date, too.
    """
    path = "/feeds/search.json?q=%E5%82%A8%E8%83%BD"
    corrected = make_draft(1, title="氢能措施", title_key="氢能措施", substance_hash="氢能")
    patient.publish(make_draft(1, title="储能措施", title_key="储能措施"))
    patient.publish(make_draft(2, title="储能办法", title_key="储能办法"))
    patient.pass_time(timedelta(hours=2))
    patient.look()
    before = patient.ask(path)
    assert [one["title"] for one in json.loads(before.body)["items"]] == ["储能措施", "储能办法"]
    patient.publish(corrected)

    patient.look()

    after = patient.ask(path)
    assert [one["title"] for one in json.loads(after.body)["items"]] == ["储能办法"]
    assert after.body == beside(patient).ask(path).body
    since = before.headers["last-modified"]
    assert patient.ask(path, If_Modified_Since=since).status == 200


def test_what_the_law_takes_out_of_an_archive_is_seen_by_who_has_only_its_date(patient, make_draft):
    """No 304 may keep the old words alive."""
    for start in (1, 41, 81):
        patient.publish(*(make_draft(number) for number in range(start, start + 40)))
    patient.pass_time(timedelta(hours=1))
    journal = patient.parts.journal
    number = journal.archive("all", journal.window("all").prev).prev
    path = f"/feeds/all/archive/{number}.atom"
    since = patient.ask(path).headers["last-modified"]
    [one, *_] = journal.archive("all", number).entries
    patient.parts.removals.remove(one.id, by="甲", why="法院", now=patient.time[0])

    patient.look()

    answer = patient.ask(path, If_Modified_Since=since)
    assert answer.status == 200
    assert one.draft.title not in answer.text


def test_misses_are_not_kept(patient):
    """Names and numbers are without end; what there is not takes no memory."""
    for number in range(20):
        patient.ask(f"/feeds/nothing{number}.atom")

    assert patient.shelf._slots == {}


def test_the_date_is_final_a_few_seconds_after_a_change(patient, make_draft):
    """A reader that has only the date earns its 304 from then on, on every server."""
    patient.publish(make_draft(1))
    first = patient.ask(ATOM)
    patient.pass_time(timedelta(seconds=6))
    patient.look()

    final = patient.ask(ATOM)
    assert final.headers["etag"] == first.headers["etag"]
    assert final.headers["last-modified"] != first.headers["last-modified"]
    assert patient.ask(ATOM, If_Modified_Since=final.headers["last-modified"]).status == 304
    assert patient.shelf.rendered == 1


def test_answers_are_counted(patient, make_draft):
    """An operator sees how many readers earn their 304."""
    patient.publish(make_draft(1))
    tag = patient.ask(ATOM).headers["etag"]
    for _ in range(3):
        patient.ask(ATOM, If_None_Match=tag)
    patient.ask(ATOM)

    text = patient.ask("/metrics").text

    assert 'quxun_feed_answers{status="304"} 3' in text
    assert 'quxun_feed_answers{status="200"} 2' in text
    assert "quxun_feeds_rendered 1" in text
