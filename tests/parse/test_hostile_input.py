"""Feeds and pages that mean harm (RELIABILITY, "Feeds" and "Pages"): refused or bounded."""

import time
from datetime import UTC, datetime

import pytest

from aggregator import normalise, parse
from aggregator.errors import ParseError
from aggregator.model import Learned, Selectors, SourceKind

NOW = datetime(2025, 8, 20, 4, 0, tzinfo=UTC)
URL = "http://www.qushu.example/list/"
ITEM = "<item><title>关于第{0}批项目的公告</title><link>/{0}.html</link></item>"
ROW = '<li><a href="{0}.html">关于公布第{0}批重点项目名单的公告</a><span>2025-08-1{0}</span></li>'


def rss(inside: str, prolog: str = "") -> bytes:
    head = f'<?xml version="1.0"?>{prolog}<rss version="2.0"><channel><title>t</title>'
    return f"{head}{inside}</channel></rss>".encode()


def read(body: bytes, kind=SourceKind.FEED, content_type=None):
    return parse.read_list(
        body,
        url=URL,
        content_type=content_type,
        kind=kind,
        now=NOW,
        selectors=Selectors(),
        learned=Learned(),
        json_paths={},
    )


ENTITIES = (
    '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    f'<!DOCTYPE r [<!ENTITY a "{"x" * 50_000}">]>',
    '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
    '<!DOCTYPE r [<!ENTITY x SYSTEM "http://127.0.0.1:9/">]>',
    '<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1:9/">%p;]>',
)


@pytest.mark.parametrize("prolog", ENTITIES)
def test_a_feed_with_entities_of_its_own_is_refused(prolog):
    """Billion laughs, quadratic blow-up and reading of our files all need a subset."""
    with pytest.raises(ParseError, match="entities"):
        read(rss(ITEM.format(1).replace("</title>", "&a;&x;</title>"), prolog))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (rss("<a>" * 2500 + ITEM.format(1)), "too_deep"),
        (rss("<item " + " ".join(f"a{n}=''" for n in range(1500)) + "/>"), "too_many_attributes"),
        (b"<html><body><p>hello</p></body></html>", "parse"),
        (b'{"items": []}', "parse"),
        (bytes(range(256)) * 4, "parse"),
        (rss(ITEM.format(1)) + rss(ITEM.format(2)), "parse"),
        (rss(ITEM.format(1))[:-12], "truncated"),
        (b"", "empty"),
        (b'<?xml version="1.0" encoding="utf-7"?><rss/>', "parse"),
        (b" " * (10 * 1024 * 1024 + 1), "too_large"),
        (b"%PDF-1.4", "parse"),
    ],
)
def test_what_is_no_feed_is_refused_with_its_reason(body, reason):
    """Nothing is stored of it, and the operator reads why."""
    with pytest.raises(ParseError) as caught:
        read(body)

    assert caught.value.reason == reason


def test_a_feed_of_many_entries_is_cut_and_counted():
    """At most 2,000 entries a poll; the rest is counted, not forgotten in silence."""
    reading = read(rss("".join(ITEM.format(n) for n in range(2300))))

    assert len(reading.entries) == 2000
    assert reading.unread == 300
    assert "300" in reading.notes[0]


@pytest.mark.parametrize(
    "inside",
    [
        f"<item><title>{'长' * 100_000}</title><link>/1</link></item>",
        f"<item><title>公告标题</title><guid>{'g' * 100_000}</guid></item>",
        f"<item><title>公告标题</title><description>{'&lt;b&gt;' * 20_000}</description></item>",
        f"<item><title>公告标题</title><description>{'x' * 1_000_000}</description></item>",
        f"<item><title>公告标题</title><author>{'a@' * 50_000}</author></item>",
        f"<item><title>公告标题</title><author><name>{'((' * 50_000}</name></author></item>",
        "<item><title>公\x0b告\x01标题</title><link>/1</link></item>",
        "<item><title>公&#8;告标题</title><link>javascript:alert(1)</link></item>",
        "<item><title>公告\u202e标题</title></item>",
        "<item><title>公告标题</title><pubDate>yesterday, or so</pubDate></item>",
        "<item><title>公告标题</title><link>http://[::1</link></item>",
    ],
)
def test_odd_entries_are_read_within_bounds(inside):
    """Huge, deep, broken or deceptive fields cost little and come out clean."""
    started = time.process_time()
    reading = read(rss(inside))

    assert time.process_time() - started < 15
    (entry,) = reading.entries
    assert 0 < len(entry.title) <= 500
    assert len(entry.key) == 32
    assert len(entry.author or "") <= 320
    assert not {"\x0b", "\x01", "\x08", "\u202e"} & set(entry.title)
    assert entry.url is None or entry.url.startswith("http")


LIST = "".join(ROW.format(n) for n in range(1, 6))


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("<div>" * 3000 + LIST, "too_deep"),
        ("<p " + " ".join(f"a{n}=1" for n in range(1200)) + f">{LIST}", "too_many_attributes"),
        ("<p " + " ".join(f"a{n}='1'" for n in range(1200)) + ' x="' + LIST, "too_many_attributes"),
        ("<p " + " ".join(f"a{n}='>'" for n in range(1200)) + f">{LIST}", "too_many_attributes"),
        ('<p x="<" ' + " ".join(f"a{n}" for n in range(1200)) + f">{LIST}", "too_many_attributes"),
        ("<p < " + " ".join(f"a{n}" for n in range(1200)) + f">{LIST}", "too_many_attributes"),
        ("<title>页面不存在</title><body>页面不存在，五秒后返回首页", "soft_404"),
        ("<title>访问被拦截</title><body>您的请求存在安全威胁，已被云盾拦截", "challenge"),
        ("<title>统一身份认证</title><body><form><input type=password></form>", "challenge"),
        ("<html><script>document.cookie='a=1';location.reload()</script></html>", "challenge"),
    ],
)
def test_pages_that_hurt_or_hide_are_refused(page, reason):
    """A barrier is no empty list: the source is ill, its rows stay."""
    with pytest.raises(ParseError) as caught:
        read(page.encode(), SourceKind.COLUMN)

    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "page",
    [
        "<" * 300_000 + LIST,
        f"<ul>{LIST.replace('</li>', '').replace('</a>', '').replace('</span>', '')}",
        "<table>" * 500 + f"<ul>{LIST}</ul>",
        f"<ul>{LIST}</ul>" + "<p>" + "文字" * 300_000,
        f"<ul>{LIST}</ul>" + "<a href=x>甲乙丙丁戊己庚辛</a>" * 5000,
        f"<ul>{LIST}</ul>" + "2025-" * 50_000 + "((((" * 20_000,
        f"<SCRIPT></SCRIPT><ul>{LIST}</ul>" + "<script>" * 100_000,
        f"<ul>{LIST}</ul>" + "<script" * 150_000,
        f"<ul>{LIST}</ul><script>title: " + "\n" * 400_000 + "</script>",
        f"<ul>{LIST}</ul><script>title: a[" + " " * 200_000 + "</script>",
        f"<ul>{LIST}</ul><script>title: [{{" + "/*" * 400_000 + "}]</script>",
        f"<ul>{LIST}</ul>".replace("<li>", "<li>\x00"),
    ],
)
def test_sloppy_and_flooding_pages_are_read_in_time(page):
    """What browsers forgive we forgive, in bounded time."""
    started = time.process_time()
    reading = read(f"<html><body>{page}</body></html>".encode(), SourceKind.COLUMN)

    assert time.process_time() - started < 40
    found = {entry.url for entry in reading.entries}
    assert {f"{URL}{n}.html" for n in range(1, 6)} <= found


def test_scripts_in_large_letters_are_cut_like_small_ones():
    """What a script holds is no row and no text, however its tags are written."""
    written = "".join(ROW.format(n) for n in range(6, 9))
    page = (
        f"<ul>{LIST}</ul><SCRIPT>İ var a = '{written}'</Script><p>甲</p><script>{written}</SCRIPT>"
    )

    reading = read(page.encode(), SourceKind.COLUMN)

    assert [entry.url for entry in reading.entries] == [f"{URL}{n}.html" for n in range(1, 6)]


@pytest.mark.parametrize(
    "inside",
    [
        '<a href="http://[::1">附件：项目表</a>',
        '<iframe src="http://[::1/表.pdf"></iframe>',
        '<a href="http://[/表.pdf">下载</a><a oldsrc="//[.doc" href="#">下载</a>',
    ],
)
def test_an_address_that_cannot_be_taken_apart_costs_its_link_and_not_the_notice(inside):
    """Nobody loses a notice because of one broken link in it."""
    said = "区科技局现将本批项目予以公布，请有关单位遵照执行。" * 12
    page = f"<h1>关于公布第三批项目的公告</h1><div><p>{said}</p>{inside}</div>"

    article = parse.read_article(
        page.encode(), url=f"{URL}1.html", content_type=None, now=NOW, selector=None, learned=None
    )
    draft = normalise.draft_page(article, now=NOW)

    assert draft.title == "关于公布第三批项目的公告"
    assert "区科技局现将" in draft.body_text
    assert "[" not in draft.body_html


def test_a_request_that_leads_nowhere_is_not_sent():
    """A page whose script names a broken address is read for what else it holds."""
    asks = "<script url=\"http://[x\" querydata=\"{'type':'list'}\"></script>"
    page = f"<html><body>{asks}<ul>{LIST}</ul></body></html>"

    _, reading = parse.detect(page.encode(), url=URL, content_type=None, now=NOW)

    assert reading.next is None or "[" not in reading.next.url


def test_a_comment_that_never_ends_hides_the_list():
    """As in a browser: nothing is shown, so nothing is there."""
    page = f"<html><body>{'介绍文字。' * 30}<!-- <ul>{LIST}</ul></body></html>"

    assert read(page.encode(), SourceKind.COLUMN).entries == ()


TEXT = "关于镕基路改造与㐂善街道㛃项目的公告"


@pytest.mark.parametrize(
    ("declared", "encoding", "content_type", "charset"),
    [
        ("gb2312", "gb18030", None, "gb18030"),
        ("utf-8", "gb18030", None, "gb18030"),
        ("gbk", "utf-8", "text/html; charset=gbk", "utf-8"),
        ("", "utf-8", "text/html; charset=ISO-8859-1", "utf-8"),
        ("", "gb18030", "text/html; charset=gb2312", "gb18030"),
        ("", "gb18030", None, "gb18030"),
        ("no-such-charset", "utf-8", None, "utf-8"),
        ("utf-8", "utf-8-sig", None, "utf-8"),
        ("utf-16", "utf-16", None, "utf-16-le"),
        ("utf-16", "utf-16-le", None, "utf-16-le"),
    ],
)
def test_chinese_stays_readable_whatever_is_declared(declared, encoding, content_type, charset):
    """One character outside gb2312 must not cut a title, a wrong header not garble a page."""
    page = f'<html><head><meta charset="{declared}"></head><body><ul>' + "".join(
        f'<li><a href="{n}.html">{TEXT}之{n}</a><span>2025-08-1{n}</span></li>' for n in range(3)
    )

    reading = read(page.encode(encoding), SourceKind.COLUMN, content_type)

    assert [entry.title for entry in reading.entries] == [f"{TEXT}之{n}" for n in range(3)]
    assert reading.charset == charset


def test_a_few_bytes_in_another_charset_do_not_garble_the_rest():
    """Portals paste GBK fragments into UTF-8 pages."""
    page = f"<ul>{LIST}</ul>".encode() + "访问统计".encode("gb18030")

    reading = read(page + "。本页说明文字".encode() * 300, SourceKind.COLUMN)

    assert reading.entries[0].title == "关于公布第1批重点项目名单的公告"
