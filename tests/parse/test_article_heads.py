"""Titles, days and sources of articles whose heads are unlike the usual ones."""

import pytest

from aggregator.text import squeeze
from tests.parse.articlepages import CRUMBS, FOOT, NAV, page, ps
from tests.parse.articleshells import BAR, NOTICE, NOW, article, read


def test_a_day_that_ends_a_title_is_the_titles_own():
    """Rows hang their dates on titles; a printed title is read as printed."""
    got = read(article("成品油价格公告（2025-08-12）", f"<div class='nr'>{ps(NOTICE)}</div>"))

    assert got.title == "成品油价格公告（2025-08-12）"
    assert got.date_text == "2025-08-13 09:37"


def test_a_title_that_only_a_script_or_field_has_is_found():
    """Some templates print the title by script; its field or variable still has it."""
    body = f"<div class='nr'>{ps(NOTICE)}</div>"
    field = f"<title>临溪区人民政府</title><input type='hidden' id='title' value='{NOTICE.title}'>"
    script = f"<title>临溪区人民政府</title><script>var title = '{NOTICE.title}';</script>"

    for head in (field, script):
        got = read(page(head, f"{NAV}{CRUMBS}<div class='art'>{BAR}{body}</div>{FOOT}"))

        assert got.title == NOTICE.title


@pytest.mark.parametrize(
    "title",
    [
        "注册会计师全国统一考试报名公告",
        "关于企业登录服务平台办理注册登记的通知",
        "欢迎各界企业家来临溪投资兴业",
        "首页改版后搜索更方便",
        "临溪区打印店安全检查情况",
    ],
)
def test_a_title_may_hold_the_words_of_buttons(title):
    """Only a line that is a button and nothing else is none."""
    shown = page(
        "<title>临溪区人民政府</title>",
        f"<div><span>登录</span><span>注册</span></div>{NAV}<div><div><div>{title}</div>{BAR}<div>{ps(NOTICE)}</div></div></div>{FOOT}",
    )

    assert read(shown).title == title


def test_an_empty_source_is_none():
    """来源 with nothing behind it names nobody; a button or headline beside it is no office."""
    for bar in (
        "<div>发布时间：2025-08-13 来源：</div>",
        "<div>时间：2025-08-13 来源： 作者： 点击：12</div>",
        "<div><span>2025-08-13</span><span>来源：</span></div><div>分享到</div>",
    ):
        got = read(article(NOTICE.title, f"<div class='nr'>{ps(NOTICE)}</div>", bar=bar))

        assert (got.source_text, (got.date_text or "")[:10]) == (None, "2025-08-13")


@pytest.mark.parametrize(
    "bar",
    [
        "发布日期：2025-08-13",
        "日期：2025/8/13",
        "【发布时间：2025年8月13日】",
        "更新时间：2025.08.13",
        "录入时间: 2025-08-13 9:37:5",
        "[ 2025-08-13 ]",
        "时 间：2025—08—13 09∶37",
        "发布于 2025-08-13 10:00",
        "2025-08-1310:00",
        "[发布时间2025年8月13日]",
        "临溪日报客户端 2025-08-13 15:35:47",
        "2025-08-13 10:00 浏览：12",
        "发布机构：区经信局　发布日期：2025-08-13",
        "<table><tr><td>发布日期</td><td>2025-08-13</td></tr></table>",
        "<ul><li>作者：小李</li><li>2025-08-13</li></ul>",
    ],
)
def test_a_day_is_read_however_it_is_labelled(bar):
    """Beside the title a day is the day of posting, the text's own days are not."""
    from aggregator.dates import read_date

    got = read(
        article(NOTICE.title, f"<div class='nr'>{ps(NOTICE)}</div>", bar=f"<div>{bar}</div>")
    )

    assert read_date(got.date_text or "", now=NOW).day.isoformat() == "2025-08-13"
    assert squeeze(got.body_text) == squeeze("".join(NOTICE.lines))


def test_who_issued_a_document_is_not_its_title():
    """The value of a label may stand in a cell that is called title; the name speaks and is none."""
    head = (
        "<table class='xxgk'><tr><td>发文机关</td><td class='title'>临溪区人民政府</td>"
        "<td>成文日期</td><td class='title'>2025年8月1日</td></tr></table>"
    )
    shown = f"{NAV}<div>{head}<div>{NOTICE.title}</div>{BAR}<div>{ps(NOTICE)}</div></div>{FOOT}"

    got = read(page("<title>临溪区人民政府关于公开的文件</title>", shown))

    assert got.title == NOTICE.title
    assert got.fields["发文机关"] == "临溪区人民政府"


def test_a_day_that_hangs_below_a_title_in_its_heading_is_the_day_of_posting():
    """One element may hold both; the title ends where the day's line begins."""
    shown = f"<h2>{NOTICE.title}<br><span>2025-08-13</span></h2><div>{ps(NOTICE)}</div>"

    got = read(page(f"<title>{NOTICE.title} 临溪区</title>", f"{NAV}<div>{shown}</div>{FOOT}"))

    assert (got.title, got.date_text) == (NOTICE.title, "2025-08-13")


def test_a_head_may_name_the_site_first():
    """Site, column, title: the last part is the title, however short."""
    shown = f"{NAV}<div><h3>临溪美术馆</h3>{ps(NOTICE)}</div>{FOOT}"

    got = read(page("<title>临溪市人民政府门户网站-文化场馆-临溪美术馆</title>", shown))

    assert got.title == "临溪美术馆"


def test_a_header_that_holds_title_and_bar_is_the_articles_own():
    """What is called header is the site's, unless the bar stands in it."""
    shown = (
        f"{NAV}<div><div class='nr header'><h2>{NOTICE.title}</h2>{BAR}</div>"
        f"<div><div class='title'>临溪区设备更新和技术改造项目</div><div>公告时间 2025年08月13日 09:37</div>{ps(NOTICE)}</div></div>{FOOT}"
    )

    assert read(page("<title>临溪区人民政府</title>", shown)).title == NOTICE.title


def test_a_name_before_a_day_and_its_clock_is_the_source():
    """Media print who and when on one line, without labels."""
    bar = "<div>临溪日报客户端 2025-08-13 15:35:47</div>"

    got = read(article(NOTICE.title, f"<div class='nr'>{ps(NOTICE)}</div>", bar=bar))

    assert (got.source_text, got.date_text) == ("临溪日报客户端", "2025-08-13 15:35:47")
