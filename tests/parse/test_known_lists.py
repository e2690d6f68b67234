"""A list of known shape is read at once, and exactly as learning would read it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator import parse
from aggregator.model import Learned, Selectors, SourceKind
from aggregator.parse.column import parse_column
from aggregator.parse.tree import document
from tests.parse.listpages import AROUND, MAKES, UNDATED, page

NOW = datetime(2025, 12, 30, 4, 0, tzinfo=UTC)
EVERY = [*MAKES, *UNDATED]


def column(made, shape=None):
    return parse_column(document(made.html, url=made.url), base=made.url, now=NOW, shape=shape)


@settings(max_examples=150, deadline=None)
@given(
    make=st.sampled_from(EVERY),
    around=st.sampled_from(list(AROUND)),
    count=st.integers(6, 30),
    weeks=st.integers(0, 3),
    more=st.integers(-2, 4),
)
def test_a_known_shape_reads_what_learning_reads(make, around, count, weeks, more):
    """Weeks later, with newer rows and a few more or fewer of them: nothing else may change."""
    first = column(page(make, around, count=count))
    later = page(make, around, count=count + more, week=weeks)

    known, learned = column(later, first.shape), column(later)

    assert known.entries == learned.entries
    assert [(e.title, e.url) for e in known.entries] == [(t, u) for t, u, _ in later.rows]
    assert (known.shape, known.relearned) == (first.shape, None)


@pytest.mark.parametrize("around", ["portal", "with_asides", "nested"])
@pytest.mark.parametrize("make", EVERY)
def test_most_makes_are_read_without_a_look_at_the_rest_of_the_page(make, around):
    """The fast way is taken, not only allowed: for every make in every column."""
    first = column(page(make, around, count=15))

    assert column(page(make, around, count=14, week=1), first.shape).kept


@settings(max_examples=100, deadline=None)
@given(
    before=st.sampled_from(EVERY),
    after=st.sampled_from(EVERY),
    around=st.sampled_from(["portal", "with_asides", "nested"]),
)
def test_after_a_redesign_the_rows_are_found_all_the_same(before, after, around):
    """The shape of the old design is no help and no harm; both designs are told."""
    first = column(page(before, around, count=12))
    later = page(after, around, count=12, week=1)

    known, learned = column(later, first.shape), column(later)

    assert known.entries == learned.entries
    assert bool(known.relearned) == (known.shape != first.shape)


def read(html, url, learned):
    return parse.read_list(
        html.encode(), url=url, content_type=None, kind=SourceKind.COLUMN, now=NOW,
        selectors=Selectors(), learned=learned, json_paths={},
    )  # fmt: skip


ROW = '<li><a href="/a/{0}.html">{1}</a><span>{2}</span></li>'


@pytest.mark.parametrize(
    ("spoilt", "why"),
    [
        (lambda n: ROW.format(n, "详情", f"2025-08-{n:02}"), "no such rows"),
        (lambda n: ROW.format(n, f"第{n:02}期", f"2025-08-{n:02}"), "no title"),
        (lambda n: ROW.format(n, "请登录后查看全部内容", f"2025-08-{n:02}"), "say the same"),
        (
            lambda n: ROW.format(n, f"第{n}条通知公告的标题", "" if n > 6 else "2025-08-01"),
            "no date",
        ),
        (
            lambda n: ROW.format(n, f"第{n}条通知公告的标题", "2025-08-01") if n < 4 else "",
            "only 3",
        ),
    ],
)
def test_a_shape_is_dropped_when_its_rows_are_no_rows_any_more(spoilt, why):
    """The old list may stay as an empty frame while the news move: then they are found anew."""
    where = '<div class="weizhi">当前位置：<a href="/">首页</a></div>'
    old = "".join(ROW.format(n, f"第{n}条通知公告的标题", f"2025-08-{n:02}") for n in range(1, 13))
    new = "".join(
        f'<p class="n"><a href="/b/{n}.html">新版栏目里第{n}条通知公告</a><i>2025-09-{n:02}</i></p>'
        for n in range(1, 13)
    )
    first = read(f"{where}<ul class='old'>{old}</ul>", "http://a.example/", Learned())
    left = "".join(spoilt(n) for n in range(1, 13))

    later = read(
        f"{where}<ul class='old'>{left}</ul><div>{new}</div>", "http://a.example/", first.learned
    )

    assert [e.title for e in later.entries] == [f"新版栏目里第{n}条通知公告" for n in range(1, 13)]
    assert why in later.relearned.why
    assert "ul.old" in later.relearned.before
    assert (
        read(old and f"{where}<div>{new}</div>", "http://a.example/", later.learned).relearned
        is None
    )


def test_a_shape_kept_by_an_older_release_still_leads():
    """Sources keep shapes in the store; their first form was the mere way to the rows."""
    made = page("plain", "portal", count=12)
    now_kept = column(made).shape
    way = now_kept.partition(":")[2]

    old = read(made.html, made.url, Learned(rows=way))
    again = read(made.html, made.url, replace(Learned(), rows=now_kept))

    assert old.entries == again.entries
    assert (old.relearned, old.learned.rows) == (None, now_kept)
