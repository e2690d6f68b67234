"""What authors and editors of list pages do by habit or by accident, and is one list all the same."""

from datetime import UTC, datetime

import pytest

from aggregator import parse
from aggregator.model import Learned, Selectors, SourceKind
from aggregator.parse.rows import tidy_title
from tests.parse.listpages import PAGER, SITE, TITLES, listed, many, notices, portal, with_asides

NOW = datetime(2025, 11, 21, 4, 0, tzinfo=UTC)
COLUMN = f"{SITE}/zwgk/tz/"


def entries_of(html: str, url: str = COLUMN):
    _, reading = parse.detect(html.encode(), url=url, content_type=None, now=NOW)
    return reading.entries


def seen(html: str, url: str = COLUMN):
    return [(entry.title, entry.url, entry.date) for entry in entries_of(html, url)]


def as_rows(rows):
    return [(row.title, SITE + row.path, row.iso) for row in rows]


@pytest.mark.parametrize(
    "title", ["{d}开放日活动报名", "“书记接访日”安排（{d}）", "{d}  热线节目收听"]
)
@pytest.mark.parametrize(
    "row",
    [
        '<li><a href="{p}">{t}</a><span>{day}</span></li>',
        '<li><i>{day}</i><a href="{p}">{t}</a></li>',
    ],
)
def test_a_day_in_a_title_is_not_the_day_of_its_row(title, row):
    """The row prints another beside it: that is its date, and the title keeps all its words."""
    days = [("2025年11月3日", "2025-11-18"), ("2025年10月9日", "2025-11-12"), ("2025年9月2日", "2025-11-02")]  # fmt: skip
    rows = "".join(
        row.format(p=f"/art/{n}.html", t=title.format(d=said), day=day)
        for n, (said, day) in enumerate(days)
    )

    found = seen(portal(f"<ul>{rows}</ul>"))

    assert [(name, day) for name, _, day in found] == [
        (" ".join(title.format(d=said).split()), day) for said, day in days
    ]


def test_the_date_of_the_row_printed_in_the_title_too_is_no_part_of_it():
    """The same day twice is the CMS, not the author."""
    rows = "".join(
        f'<li><a href="{r.path}">{r.title} {r.iso}</a><span>{r.iso}</span></li>' for r in notices(6)
    )

    assert seen(portal(f"<ul>{rows}</ul>")) == as_rows(notices(6))


def test_the_year_may_stand_below_month_and_day():
    """Three years ago is not this year, though 03/10 alone would be."""
    rows = "".join(
        f'<li><a href="/a/{n}.html"><div><p>0{9 - n}/10</p><span>2022</span></div><h3>{TITLES[n]}</h3></a></li>'
        for n in range(6)
    )

    assert [day for *_, day in seen(portal(f"<ul>{rows}</ul>"))] == [
        f"2022-0{9 - n}-10" for n in range(6)
    ]


@pytest.mark.parametrize("name", ["hide", "none", "show"])
def test_tabs_that_are_hidden_are_of_the_same_list(name):
    """Scripts show one list at a time; the page holds all."""
    rows = notices(12)
    tabs = "".join(
        f'<ul class="list{"" if not at else " " + name}">{listed("undated", rows[at : at + 4])}</ul>'
        for at in (0, 4, 8)
    )

    assert [title for title, *_ in seen(portal(tabs))] == [row.title for row in rows]


def test_rows_of_a_table_that_is_closed_too_often_are_one_list():
    """Pinned rows printed by another template close the table once more; browsers do not mind."""
    rows = notices(10)
    one = '<tr><td width="15"><img src="/dot.gif"></td><td><a class="bt" href="{p}">{t}</a></td><td><span class="rq">{d}</span></td></tr>'
    made = [one.format(p=r.path, t=r.title, d=r.iso) for r in rows]
    html = portal(
        '<table><tr><td><table class="wai"><tr><td><table><tr><td><table>'
        + "</table></td></tr>".join(made[:3])
        + "</table></td></tr>"
        + "".join(made[3:])
        + "</table>"
    )

    assert seen(html) == as_rows(rows)


def test_a_title_of_two_characters_among_longer_ones_is_a_row():
    """Editors call a notice 喜讯; its row is made as all others are."""
    rows = notices(8)
    html = portal(listed("plain", rows)).replace(rows[5].title, "喜讯", 1)

    assert seen(html)[5] == ("喜讯", SITE + rows[5].path, rows[5].iso)


@pytest.mark.parametrize(
    ("shown", "title"),
    [
        ("置顶：招商手册（2025版）发布", "招商手册（2025版）发布"),
        ("【置顶】：招商手册发布", "招商手册发布"),
        ("[顶] 招商手册发布", "招商手册发布"),
        ("热烈祝贺我区三家企业上榜", "热烈祝贺我区三家企业上榜"),
        ("顶楼光伏项目备案公示", "顶楼光伏项目备案公示"),
        ("HOT 招商手册发布", "招商手册发布"),
        ("New energy park opens", "New energy park opens"),
    ],
)
def test_pins_are_taken_off_and_words_that_begin_alike_stay(shown, title):
    """热 is a mark only where it stands as one."""
    assert tidy_title(shown) == title


@pytest.mark.parametrize("path", ["/Show-{n}.html", "/tu/view{n}.html"])
def test_pictures_whose_addresses_count_up_are_news_of_a_home_page(path):
    """Captions as long as titles and addresses that differ in a number are no menu."""
    made = many("plain", crumbs=False, path="/t-{n}.html")
    pictures = "".join(
        f'<li><a href="{path.format(n=40 + n)}" title="{TITLES[n]}"><img src="/p/{n}.jpg"></a></li>'
        for n in range(4)
    )
    html = made.html.replace(
        '<div class="boxa">',
        f'<div class="tu"><h2>风采</h2><ul>{pictures}</ul></div><div class="boxa">',
    )

    titles = [entry.title for entry in entries_of(html, made.url)]

    assert set(TITLES[:4]) <= set(titles)
    assert {title for title, *_ in made.rows} <= set(titles)


def test_a_block_called_hot_that_is_headed_by_its_own_column_is_news():
    """The name is its designer's; the heading leads to the directory in which the rows stand."""
    made = many("plain", crumbs=False, path="/xw/{n}.html")
    rows = [f'<li><a href="/law/{500 + n}.html">{TITLES[n]}（法律）</a></li>' for n in range(6)]
    block = f'<div class="hot"><h3><a href="/law/">法律</a></h3><ul>{"".join(rows)}</ul></div>'
    titles = {f"{title}（法律）" for title in TITLES[:6]}

    html = made.html.replace('<div class="boxa">', block + '<div class="boxa">')
    headed = {entry.title for entry in entries_of(html, made.url)}
    other = {entry.title for entry in entries_of(html.replace('"/law/"', '"/zt/"'), made.url)}

    assert titles <= headed
    assert not titles & other


def test_summaries_with_links_of_their_own_are_no_article():
    """Each row brings its prose, a link to the whole of it and its key words."""
    prose = "各有关企业要按照要求认真组织实施，确保各项任务按期完成，取得实效。" * 6
    rows = notices(8)
    made = "".join(
        f'<div class="x"><h2><a href="{r.path}">{r.title}</a> <em>{r.iso}</em></h2><p>{prose}<span><a href="{r.path}">【详情】</a></span></p><h3>标签：<a href="/tag/zc/">惠企政策</a></h3></div>'
        for r in rows
    )

    assert seen(portal(made)) == as_rows(rows)


def test_a_home_page_that_says_at_length_who_its_owner_is_keeps_its_news():
    """An introduction is prose, and no article."""
    prose = "<p>临溪经济开发区位于江畔，规划面积二十平方公里，区内企业众多，交通便利。</p>" * 30
    rows = notices(5)

    titles = [t for t, *_ in seen(f"<body><div class='jj'>{prose}</div>{listed('plain', rows)}</body>", SITE + "/")]  # fmt: skip

    assert titles == [row.title for row in rows]


def test_an_article_of_one_scan_is_no_list_of_one_row():
    """Its title is a link to itself, its date stands below, and its text is a picture."""
    html = portal(
        f'<div><a href="#">{TITLES[0]}</a><p>2025-11-18</p><img src="scan.jpg"></div>'
    ).replace(PAGER, "")

    assert entries_of(html, f"{SITE}/zwgk/tz/202511/t20251118_77.html") == ()


def test_names_of_picture_files_and_imprints_are_no_titles():
    """Some CMS describe a picture by its file; footers are lists of links, too."""
    pictures = "".join(
        f'<li><a href="/view/{n}01.html"><img src="/p/{n}.jpg" alt="20250801/2025080109{n}.jpg"></a></li>'
        for n in range(10, 18)
    )
    foot = '<div class="footer_in"><p><a href="http://a.example/1001.html">临溪软件技术支持</a><a href="/2002.html">临ICP备05000000号-3</a><a href="/2003.html">临溪区融媒体中心承办</a></p></div>'

    assert seen(f"<body><ul>{pictures}</ul>{foot}</body>", SITE + "/") == []


def test_an_entity_that_was_escaped_twice_is_read():
    """&amp;nbsp; shows as &nbsp; to every visitor; nobody means that."""
    rows = notices(5)
    html = portal(listed("plain", rows)).replace(
        rows[1].title, "园区&amp;nbsp;招商&amp;amp;服务对接会"
    )

    assert seen(html)[1][0] == "园区 招商&服务对接会"


@pytest.mark.parametrize("make", ["undated", "undated_pictures"])
def test_a_column_that_leads_to_an_official_account_is_a_list(make):
    """Offices publish on one platform as on their own; other hosts are friends."""
    rows = notices(4, path="http://mp.weixin.qq.com/s/aBcDe{n}")

    found = seen(with_asides(listed(make, rows)))

    assert [(title, url) for title, url, _ in found] == [(row.title, row.path) for row in rows]


@pytest.mark.parametrize("path", ["/show.html#{n}", "/zwgk/tz/#/detail/{n}"])
def test_rows_that_lead_to_one_page_are_told_apart_by_their_titles(path):
    """The page shows each by script: what stands after # is no other page, but another notice."""
    rows = notices(12, path=path)
    html = portal(listed("plain", rows))

    entries = entries_of(html)

    assert [entry.title for entry in entries] == [row.title for row in rows]
    assert len({entry.key for entry in entries}) == len(rows)
    assert [entry.key for entry in entries] == [entry.key for entry in entries_of(html)]


@pytest.mark.parametrize(
    "row",
    [
        '<li><span><a href="{p}" target="_blank">{d}</a></span><a href="{p}">{t}</a></li>',
        '<li><div><a href="{p}">{t}</a></div><div class="time"><a>[{d}]</a></div></li>',
    ],
)
def test_a_date_that_is_a_link_is_no_title(row):
    """Whole rows are made links piece by piece."""
    rows = notices(9)
    html = portal("<ul>" + "".join(row.format(p=r.path, t=r.title, d=r.iso) for r in rows) + "</ul>")  # fmt: skip

    assert seen(html) == as_rows(rows)


@pytest.mark.parametrize("heading", ["最新动态", "最新政策", "最新公告"])
def test_the_main_list_may_be_headed_by_its_newness(heading):
    """Not all that is 最新 stands aside: beside it is an undated list."""
    rows = notices(8)
    side = "".join(f'<li><a href="/xx/{n}001.html">{TITLES[n]}（往年）</a></li>' for n in range(10))
    html = portal(
        f"<div><h3>{heading}</h3>{listed('plain', rows)}</div><div class='lb'><ul>{side}</ul></div>"
    )

    assert seen(html) == as_rows(rows)


def test_a_list_in_pieces_is_learned_at_every_poll():
    """No one way leads to all its rows."""
    rows = notices(9)
    lists = f'<ul class="a">{listed("plain", rows[:5])}</ul><ul class="b">{listed("plain", rows[5:])}</ul>'
    html = portal(lists.replace("<ul class='list'>", "").replace("</ul></ul>", "</ul>"))

    first = seen(html)
    _, reading = parse.detect(html.encode(), url=COLUMN, content_type=None, now=NOW)
    again = parse.read_list(
        html.encode(),
        url=COLUMN,
        content_type=None,
        kind=SourceKind.COLUMN,
        now=NOW,
        selectors=Selectors(),
        learned=Learned(rows=reading.learned.rows),
        json_paths={},
    )

    assert first == as_rows(rows)
    assert again.entries == reading.entries
    assert again.relearned is None
    assert PAGER in html
