"""What an operator split or merged stays so; groups in the store do not hang on the order."""

from __future__ import annotations

import itertools
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text
from store_drafts import HOUR, NOW, again, draft_of, read, shown

from aggregator import store
from aggregator.errors import UsageError
from aggregator.model import Authority, Filter, Frequency

TEXT = (
    "为支持企业扩大投资，经区政府同意，现就{batch}设备补助申报事项通知如下。请符合条件的企业于{day}前"
    "报送申请表和设备发票，最高补助{cap}万元，逾期不予受理。材料一式三份，报区投资促进局企业服务科。"
)
FIRST = {"batch": "第一批", "day": "3月31日", "cap": 100}
SECOND = {"batch": "第二批", "day": "9月30日", "cap": 80}


def store_one(engine: Engine, name: str, title: str, words: str, at=NOW, **more) -> int:
    """One portal's page, stored; the announcement that it shows."""
    authority = more.pop("authority", Authority.OFFICIAL)
    due = shown(engine, title, name=name, at=at, authority=authority)
    [entry] = [one for one in due if one.source.name == name]
    draft = draft_of(title, body_text=words, url=f"http://{name}.example/1.html", **more)
    store.Entries(engine).record_articles([read(entry, draft, at=at)], at)
    with engine.connect() as connection:
        return connection.execute(
            text("select announcement_id from sightings where entry_id = :id"), {"id": entry.id}
        ).scalar_one()


def groups(engine: Engine) -> set[frozenset[str]]:
    """Sources by the announcement that they show."""
    found = store.Announcements(engine).find(Filter(), limit=99)
    return {frozenset(s.source_name for s in one.sightings) for one in found}


def everyone_got(engine: Engine, *ids: int) -> int:
    """A subscriber who was mailed these; their id."""
    who = store.Subscribers(engine).sign_up(
        f"{uuid4().hex}@mail.example", [Filter()], Frequency.DAILY, NOW - 24 * HOUR, confirmed=True
    )
    with engine.begin() as connection:
        connection.execute(
            text(
                "insert into ledger (subscriber_id, announcement_id, reason, at)"
                " select :who, unnest(cast(:ids as bigint[])), 'news', :now"
            ),
            {"who": who.id, "ids": list(ids), "now": NOW},
        )
    return who.id


def owed(engine: Engine, who: int) -> list[int]:
    fresh = store.Subscribers(engine).get(who)
    selection, _ = store.Digests(engine).owed(fresh, Frequency.DAILY, NOW + HOUR)
    return [one for one, _ in selection.items]


def test_a_sighting_split_out_stays_out_whatever_arrives_later(engine: Engine):
    """The operator has read both pages; no later reprint may bring them together again."""
    words = TEXT.format(**FIRST)
    one = store_one(engine, "甲区", "设备补助申报事项通知", words)
    assert store_one(engine, "乙市", "设备补助申报事项通知", words) == one
    reader = everyone_got(engine, one)
    rulings = store.Rulings(engine)

    made = rulings.split(
        one, ["http://乙市.example/1.html"], by="值班员", why="两个不同的批次", now=NOW
    )
    later = store_one(engine, "丙县", "设备补助申报事项通知", words, at=NOW + HOUR)
    for entry in again(engine, NOW + 3 * HOUR):
        draft = draft_of(
            "设备补助申报事项通知",
            body_text=f"{words}（再次阅读）",
            url=f"http://{entry.source.name}.example/1.html",
        )
        report = read(entry, draft, at=NOW + 3 * HOUR)
        store.Entries(engine).record_articles([report], NOW + 3 * HOUR)

    assert made.id != one
    assert later in {one, made.id}
    assert not any({"甲区", "乙市"} <= group for group in groups(engine))
    assert owed(engine, reader) == []
    [ruling] = rulings.of(made.id)
    assert (ruling.verdict, ruling.by, ruling.why) == ("split", "值班员", "两个不同的批次")
    assert [r.id for r in rulings.of(one)] == [ruling.id]


def test_the_id_stays_with_what_is_left_when_the_leading_page_is_split_out(engine: Engine):
    """The feed entry goes on with the rest; the page that never belonged gets an id of its own."""
    words = TEXT.format(**FIRST)
    one = store_one(engine, "甲区", "设备补助申报事项通知", words)
    store_one(engine, "乙市", "设备补助申报事项通知", words, issuer="乙市政府")
    before = store.Announcements(engine).get(one)

    made = store.Rulings(engine).split(
        one, ["http://甲区.example/1.html"], by="值班员", why="x", now=NOW
    )

    after = store.Announcements(engine).get(one)
    assert (after.uuid, after.source_name, after.draft.issuer) == (before.uuid, "乙市", "乙市政府")
    assert after.change > before.change
    assert (made.source_name, made.draft) == ("甲区", before.draft)


def test_merged_ones_stay_together_and_leave_a_tombstone_that_names_the_heir(engine: Engine):
    """The older id lives. Who got either is not sent the other; a copy of either joins both."""
    one = store_one(engine, "甲区", "第一批设备补助申报通知", TEXT.format(**FIRST))
    other = store_one(engine, "乙市", "第二批设备补助申报通知", TEXT.format(**SECOND))
    assert one != other
    had_one, had_other = everyone_got(engine, one), everyone_got(engine, other)
    lost = store.Announcements(engine).get(other)

    heir = store.Rulings(engine).merge(other, one, by="值班员", why="同一事项", now=NOW)
    copy = store_one(engine, "丙县", "第二批设备补助申报通知", TEXT.format(**SECOND), at=NOW + HOUR)

    assert (heir.id, copy) == (one, one)
    assert groups(engine) == {frozenset({"甲区", "乙市", "丙县"})}
    assert owed(engine, had_one) == owed(engine, had_other) == []
    window = store.Announcements(engine).feed_window(Filter())
    [grave] = [a for a in window if a.withdrawn_at]
    assert (grave.uuid, grave.merged_into) == (lost.uuid, heir.uuid)
    assert store.Announcements(engine).count(Filter()) == 1


def test_the_last_ruling_on_a_pair_holds(engine: Engine):
    """A merge may be taken back; the old id does not rise from its grave."""
    words = TEXT.format(**FIRST)
    one = store_one(engine, "甲区", "第一批设备补助申报通知", words)
    other = store_one(engine, "乙市", "第二批设备补助申报通知", TEXT.format(**SECOND))
    rulings = store.Rulings(engine)
    rulings.merge(one, other, by="a", why="x", now=NOW)
    made = rulings.split(one, ["http://乙市.example/1.html"], by="b", why="y", now=NOW)

    assert made.id not in {one, other}
    assert groups(engine) == {frozenset({"甲区"}), frozenset({"乙市"})}
    assert store.Announcements(engine).get(other).merged_into is not None


@pytest.mark.parametrize("urls", [["http://甲区.example/1.html"], ["http://nobody.example/"], []])
def test_a_split_that_would_leave_nothing_changes_nothing(engine: Engine, urls):
    """A mistyped address is told, not guessed."""
    one = store_one(engine, "甲区", "设备补助申报事项通知", TEXT.format(**FIRST))

    with pytest.raises(UsageError):
        store.Rulings(engine).split(one, urls, by="a", why="x", now=NOW)
    assert groups(engine) == {frozenset({"甲区"})}


PAGES = (
    ("甲区", "关于组织申报第一批设备补助资金的通知", TEXT.format(**FIRST)),
    ("乙市", "关于组织申报第二批设备补助资金的通知", TEXT.format(**SECOND)),
    ("丙站", "转发《关于组织申报第一批设备补助资金的通知》", "来源：甲区\n" + TEXT.format(**FIRST)),
    ("丁报", "企业扩产有新补助", TEXT.format(**SECOND) + "\n编辑：演示"),
    ("戊网", "关于组织申报第…", ""),
)


@pytest.mark.parametrize(
    "order", [*[*itertools.permutations(range(4))][::5], (4, 0, 1, 2, 3), (0, 4, 3, 2, 1)]
)
def test_the_order_of_arrival_decides_nothing(engine: Engine, order):
    """Whoever was read first, two batches are two announcements with their reprints."""
    for number in order:
        name, title, words = PAGES[number]
        store_one(engine, name, title, words, at=NOW + number * timedelta(minutes=1))

    found = {group - {"戊网"} for group in groups(engine)} - {frozenset()}
    assert found == {frozenset({"甲区", "丙站"}), frozenset({"乙市", "丁报"})}


def test_a_page_that_shows_two_to_be_one_brings_them_together(engine: Engine):
    """One portal has the number, another the text; the third has both. Two entries of feeds
    become one and a tombstone, and who got the one is not sent the other.
    """
    number, words = "甲府发〔2026〕3号", TEXT.format(**FIRST)
    one = store_one(engine, "甲区", "甲府发〔2026〕3号文件", "全文见附件。", doc_number=number)
    other = store_one(engine, "乙报", "企业买设备可以领补助了", words)
    assert one != other
    reader = everyone_got(engine, other)
    third = store_one(engine, "丙网", "关于申报设备补助的通知", words, doc_number=number)

    assert third == one
    assert groups(engine) == {frozenset({"甲区", "乙报", "丙网"})}
    heir, lost = (store.Announcements(engine).get(n) for n in (one, other))
    assert lost.merged_into == heir.uuid
    assert owed(engine, reader) == []


def test_a_page_of_a_merged_one_may_come_in_the_same_batch(engine: Engine):
    """The page that shows two to be one, and the other's own page read anew beside it: the
    second must find where it belongs now, and not end the batch for everybody.
    """
    number, words = "甲府发〔2026〕3号", TEXT.format(**FIRST)
    shown(engine, "关于申报设备补助的通知", name="丙网")  # first, and read last
    one = store_one(engine, "甲区", "甲府发〔2026〕3号文件", "全文见附件。", doc_number=number)
    store_one(engine, "乙报", "企业买设备可以领补助了", words)
    later = NOW + 25 * HOUR
    due = {e.source.name: e for e in again(engine, later)}
    shown_anew = read(
        due["乙报"],
        draft_of("企业买设备可以领补助了", body_text=words, url="http://乙报.example/1.html"),
        at=later,
    )  # fmt: skip
    both = draft_of(
        "关于申报设备补助的通知", body_text=words, url="http://丙网.example/1.html",
        doc_number=number,
    )  # fmt: skip

    store.Entries(engine).record_articles([read(due["丙网"], both, at=later), shown_anew], later)

    assert groups(engine) == {frozenset({"甲区", "乙报", "丙网"})}
    with engine.connect() as connection:
        shows = connection.execute(text("select distinct announcement_id from sightings"))
        assert shows.scalars().all() == [one]


def test_a_reprint_is_found_among_very_many_of_one_wording(engine: Engine):
    """A template's notices crowd the search: it is cut at the nearest, and says so."""
    titles = [f"第{n}号地块设备补助申报事项通知" for n in range(1, 61)]
    words = {
        title: TEXT.format(batch=f"{n}号地块", day=f"{n % 12 + 1}月{n % 27 + 1}日", cap=100 + n)
        for n, title in enumerate(titles, 1)
    }
    entries = shown(engine, *titles, name="甲区")
    reports = [
        read(one, draft_of(one.entry.title, body_text=words[one.entry.title])) for one in entries
    ]
    store.Entries(engine).record_articles(reports, NOW)
    assert len(groups(engine)) == 1  # all of one source
    before = store.Announcements(engine).count(Filter())

    store_one(engine, "乙市", f"转发《{titles[6]}》", "来源：甲区\n" + words[titles[6]])

    assert before == len(titles)
    assert store.Announcements(engine).count(Filter()) == before
    [(candidates, looked_at, _), *_] = store.Announcements(engine).crowded(NOW)
    assert candidates > looked_at
