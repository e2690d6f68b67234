"""Rows known again after a move, templates learned anew: the decisions alone."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.healing import carried, forwarding_of, known_again, learn_articles
from aggregator.model import ArticleShape, Entry, KnownEntry, Learned, Source, SourceId, SourceKind

NOW = datetime(2026, 11, 27, 2, tzinfo=UTC)
TITLES = (
    "关于支持储能产业发展的若干措施",
    "关于组织申报人才安居补贴的通知",
    "关于公布首批标准地名单的公告",
    "关于举办秋季项目推介会的通知",
)


def row(key, title, day=None):
    return Entry(key=f"new/{key}", url=f"http://a.example/new/{key}", title=title, date=day)


def old(key, title, day=None):
    return KnownEntry(key=f"old/{key}", title=title, date=day, date_text=day)


def pairs(rows, known):
    return {key: one.key for key, one in known_again(rows, known).items()}


def test_a_whole_page_under_new_addresses_is_known_again():
    """Titles and days are what they were; one row is news."""
    known = [old(n, title, f"2026-11-0{n + 1}") for n, title in enumerate(TITLES)]
    rows = [row("x", "关于印发新办法的通知书全文", "2026-11-20")]
    rows += [row(n, title, f"2026-11-0{n + 1}") for n, title in enumerate(TITLES)]

    assert pairs(rows, known) == {f"new/{n}": f"old/{n}" for n in range(4)}


CASES = {
    "the same title a month later is another notice": (
        [(1, TITLES[0], "2026-11-05"), (2, TITLES[1], "2026-11-06")],
        [(1, TITLES[0], "2026-10-05"), (2, TITLES[1], "2026-11-06")],
        {},
    ),
    "a day more or less is the same": (
        [(1, TITLES[0], "2026-11-05"), (2, TITLES[1], "2026-11-07")],
        [(1, TITLES[0], "2026-11-04"), (2, TITLES[1], "2026-11-08")],
        {1: 1, 2: 2},
    ),
    "a daily notice is the one of its day": (
        [(1, TITLES[0], "2026-11-04"), (2, TITLES[0], "2026-11-05"), (3, TITLES[0], "2026-11-06")],
        [(1, TITLES[0], "2026-11-04"), (2, TITLES[0], "2026-11-05"), (3, TITLES[0], "2026-11-06")],
        {1: 1, 2: 2, 3: 3},
    ),
    "cut titles are known by their beginnings": (
        [(1, TITLES[0][:13] + "…", "2026-11-04"), (2, TITLES[1][:13] + "...", "2026-11-05")],
        [(1, TITLES[0], "2026-11-04"), (2, TITLES[1], "2026-11-05")],
        {1: 1, 2: 2},
    ),
    "without days a title must be one of a kind": (
        [(1, TITLES[0], None), (2, TITLES[1], None), (3, TITLES[2], None)],
        [(1, TITLES[0], "2026-11-04"), (2, TITLES[1], "2026-11-05"), (3, TITLES[2], "2026-10-05"),
         (4, TITLES[2], "2026-09-05")],
        {1: 1, 2: 2},
    ),
    "one or two of many prove nothing": (
        [(n, f"{TITLES[0]}之{n}" if n else TITLES[1], "2026-11-04") for n in range(6)],
        [(0, TITLES[1], "2026-11-04")],
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_which_rows_are_known_again(case):
    """Wrongly known is a notice lost, wrongly new is one announced twice."""
    rows, known, expected = CASES[case]

    found = pairs([row(*one) for one in rows], [old(*one) for one in known])
    assert found == {f"new/{mine}": f"old/{theirs}" for mine, theirs in expected.items()}


def test_what_still_stands_has_not_moved():
    """An office posts the text of last week again: both stand there, so both are notices."""
    stands = Entry(key="old/1", url="u", title=TITLES[0], date="2026-11-04")
    rows = [stands, row(1, TITLES[0], "2026-11-05"), row(2, TITLES[1], "2026-11-05")]

    assert pairs(rows, [old(1, TITLES[0], "2026-11-04")]) == {}


@given(
    days=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), max_size=12),
    known_days=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), max_size=12),
)
def test_no_notice_is_known_again_twice(days, known_days):
    """However alike the rows: two of them never become one entry, and days stay near."""
    rows = [row(n, TITLES[t], f"2026-11-0{d}") for n, (t, d) in enumerate(days)]
    known = [old(n, TITLES[t], f"2026-11-0{d}") for n, (t, d) in enumerate(known_days)]
    found = known_again(rows, known)

    assert len({one.key for one in found.values()}) == len(found)
    by_key = {one.key: one for one in rows}
    for key, one in found.items():
        assert by_key[key].title == one.title
        assert abs(int(by_key[key].date[-2:]) - int(one.date[-2:])) <= 1


def test_what_the_old_list_said_and_the_new_one_does_not_is_kept():
    """A redesign that cuts titles and drops days takes nothing from what we know."""
    kept = carried(row(1, TITLES[0][:13] + "…"), old(1, TITLES[0], "2026-11-04"))

    assert (kept.key, kept.title, kept.date) == ("new/1", TITLES[0], "2026-11-04")


@pytest.mark.parametrize(
    ("seen", "body", "told"),
    [
        ("aab", "a", False),
        ("aabab", "a", False),
        ("aabb", "b", True),
        ("aabcb", "a", False),
        ("bb", "b", True),
    ],
)
def test_two_articles_running_of_one_new_shape_are_a_new_template(seen, body, told):
    """One notice made by hand must not unlearn a column."""
    learned = Learned(article=ArticleShape(body="a"))
    change = None
    for shape in seen:
        learned, now = learn_articles(
            learned, [(ArticleShape(body=shape), learned.article.body == shape)], now=NOW
        )
        change = change or now

    assert learned.article.body == body
    assert (change is not None) is told


def test_a_new_template_that_reads_like_the_old_one_is_learned_and_not_told():
    """A line "from X to X" tells an operator nothing."""
    learned = Learned(article=ArticleShape(title="h1", body="a"))
    changed = ArticleShape(title="h2", body="a")

    learned, change = learn_articles(learned, [(changed, False)] * 2, now=NOW)

    assert learned.article == changed
    assert change is None


@pytest.mark.parametrize(("days", "told"), [(0, False), (2, True)])
def test_the_templates_of_a_sources_past_are_no_redesign(days, told):
    """The first day reads years of articles, and offices change templates within years."""
    learned = Learned(article=ArticleShape(body="a"))
    seen = [(ArticleShape(body="b"), False)] * 2

    _, change = learn_articles(learned, seen, now=NOW, since=NOW - timedelta(days=days))

    assert (change is not None) is told


@pytest.mark.parametrize(
    ("url", "to", "taken"),
    [
        ("http://a.example/zwgk/", "https://a.example/zwgk/", True),
        ("http://www.a.example/zwgk/", "http://a.example/new/", True),
        ("http://a.example/zwgk/", "http://b.example/zwgk/", False),
        ("http://a.example/zwgk/", "http://a.example:8080/zwgk/", False),
        ("http://a.example/zwgk/", "http://a.example/", False),
    ],
)
def test_an_address_is_taken_after_three_equal_answers_over_a_day(url, to, taken):
    """On the same site, and never the front page, where everything that is gone leads."""
    source = Source(id=SourceId(1), slug="s", name="n", kind=SourceKind.COLUMN, url=url)
    address, at = None, NOW
    for wait in (timedelta(0), timedelta(hours=1), timedelta(hours=1), timedelta(days=1)):
        at += wait
        forwarding, address = forwarding_of(source, to, at)
        source = type(source)(
            id=source.id, slug="s", name="n", kind=source.kind, url=url, forwarding=forwarding
        )
        assert wait == timedelta(days=1) or address is None

    assert address == (to if taken else None)


def test_twice_the_rows_cost_twice_the_work():
    """The decision is made between two polls, while everybody waits: counted, not timed."""

    def calls(count: int) -> int:
        titles = [f"关于公布本区本年度重点项目名单的第{n:05}号公告" for n in range(count)]
        rows = [row(f"n{n}", title) for n, title in enumerate(titles)]
        known = [old(f"o{n}", title) for n, title in enumerate(titles)]
        made = 0

        def count_one(_frame, event, _what):
            nonlocal made
            made += event == "call"

        sys.setprofile(count_one)
        try:
            found = known_again(rows, known)
        finally:
            sys.setprofile(None)
        assert {key: one.key for key, one in found.items()} == {
            f"new/n{n}": f"old/o{n}" for n in range(count)
        }
        return made

    assert calls(400) < 2.5 * calls(200)
