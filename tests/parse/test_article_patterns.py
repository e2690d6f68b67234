"""Articles in the many ways that portals make them, each read as a person reads it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aggregator import parse
from aggregator.text import squeeze
from tests.parse.articlepages import made

NOW = datetime(2026, 1, 10, 4, 0, tzinfo=UTC)
PAGES = dict(made())


def read(html, url, *, learned=None):
    return parse.read_article(
        html.encode(), url=url, content_type=None, now=NOW, selector=None, learned=learned
    )


@pytest.mark.parametrize("name", PAGES)
def test_a_person_and_we_read_the_same(name):
    """Whatever the template, its title, day, source and text are found, and nothing else."""
    page = PAGES[name]

    got = read(page.html, page.notice.url)

    assert squeeze(got.title) == page.notice.title
    assert (got.date_text or got.meta.get("pubdate") or "")[:10].replace(
        "—", "-"
    ) == page.notice.posted
    assert got.source_text == page.notice.source
    assert squeeze(got.body_text) == squeeze("".join(page.notice.lines))


@pytest.mark.parametrize("name", [name for name in PAGES if name.endswith("-0")])
def test_what_one_article_taught_reads_the_next_as_if_nothing_were_known(name):
    """A known shape makes reading fast, never different; the template is known again."""
    make = name.removesuffix("-0")
    taught = read(PAGES[name].html, PAGES[name].notice.url).shape

    for other in (f"{make}-1", f"{make}-2"):
        page = PAGES[other]
        alone = read(page.html, page.notice.url)
        known = read(page.html, page.notice.url, learned=taught)

        assert replace(known, shape=None, shape_kept=False) == replace(alone, shape=None)
        assert known.shape_kept == (alone.shape is not None)


def test_a_shape_of_another_template_is_dropped_and_the_new_one_told():
    """A redesign must neither hide the text nor go unnoticed."""
    old = read(PAGES["asp_table-0"].html, PAGES["asp_table-0"].notice.url).shape
    page = PAGES["ucap-1"]
    alone = read(page.html, page.notice.url)

    got = read(page.html, page.notice.url, learned=old)

    assert not got.shape_kept
    assert got == alone
    assert got.shape.title.endswith("h1>ucaptitle")


@pytest.mark.parametrize("editor", ["TRS_Editor", "nr"])
def test_what_stands_far_from_title_and_text_is_not_lost_on_a_known_page(editor):
    """Only what says nothing of an article is passed by: header, files and a text's end stay."""
    first, second = PAGES["trs-0"].notice, PAGES["trs-1"].notice
    head = "<table class='head'><tr><td>索 引 号</td><td>LX-2025-{0}</td><td>发文机关</td><td>临溪区经信局</td></tr></table>"
    menu = "<ul class='menu'>" + "<li><a href='/a'>办事指南与查询</a></li>" * 30 + "</ul>"

    def shown(notice, more=""):
        lines = "".join(f"<p>{line}</p>" for line in notice.lines)
        return (
            f"<html><head><title>{notice.title}</title></head><body>{menu}<div class='top'>{head.format(len(more))}</div>"
            "<div class='crumbs'>当前位置：<a href='/'>首页</a> &gt; <a href='/tz'>通知公告</a></div>"
            f"<div class='art'><h1>{notice.title}</h1><div class='xx'>发布时间：{notice.posted} 来源：区经信局</div>"
            f"<div class='{editor}'>{lines}</div>{more}</div>"
            f"<div class='fj'><p>附件：<a href='{len(more)}.pdf'>申报表</a></p></div>{menu}"
            "<div class='footer'><p>版权所有：临溪区人民政府</p></div></body></html>"
        )

    after = "<div class='end'><p>本通知自发布之日起施行，由区经信局负责解释，有效期三年。</p></div>"
    taught = read(shown(first), first.url).shape
    page = shown(second, after)
    alone = read(page, second.url)

    known = read(page, second.url, learned=taught)

    assert known.shape_kept
    assert replace(known, shape=None, shape_kept=False) == replace(alone, shape=None)
    assert known.fields["索引号"] == f"LX-2025-{len(after)}"
    assert [one.name for one in known.attachments] == ["申报表"]
    assert known.breadcrumbs == ("首页", "通知公告")
    assert ("有效期三年" in known.body_text) == (editor == "nr")
