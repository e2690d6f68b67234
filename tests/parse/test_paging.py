"""Where a list goes on, for the families that do not say it with a plain link."""

from datetime import UTC, datetime

import pytest

from aggregator import parse
from aggregator.errors import ParseError
from aggregator.model import Learned, Selectors, SourceKind

NOW = datetime(2025, 8, 20, 4, 0, tzinfo=UTC)
ROWS = "".join(
    f'<li><a href="/a/{n}.html">关于公布第{n}批重点项目名单的公告</a><span>2025-08-1{n}</span></li>'
    for n in range(5)
)
SITE = "http://www.qushu.example"


def read(page, url, kind=SourceKind.COLUMN, *, selectors=None, learned=None):
    return parse.read_list(
        page.encode(),
        url=SITE + url,
        content_type=None,
        kind=kind,
        now=NOW,
        selectors=selectors or Selectors(),
        learned=learned or Learned(),
        json_paths={},
    )


@pytest.mark.parametrize(
    ("url", "pager", "wanted"),
    [
        ("/zc/", '<script>createPageHTML(3, 0, "index", "html");</script>', "/zc/index_1.html"),
        ("/zc/index.html", "<script>createPageHTML(3,0,'index','html')</script>", "/zc/index_1.html"),
        ("/zc/index_1.html", "<script>createPage(3,1,'index','html')</script>", "/zc/index_2.html"),
        ("/zc/index_2.html", "<script>createPageHTML(3,2,'index','html')</script>", None),
        ("/zc/", "<script>createPageHTML(1,0,'index','html')</script>", None),
        ("/zc/list.shtml", "<script>createPageHTML('page',4,1,'list','shtml',60)</script>", "/zc/list_2.shtml"),
        ("/zc/list_4.shtml", "<script>createPageHTML('page',4,4,'list','shtml',60)</script>", None),
        ("/zc/", "<script>function createPageHTML(total, current, name){}</script>", None),
        ("/zc.htm", '<a href="zc/64.htm">下页</a>', "/zc/64.htm"),
        ("/zc/64.htm", '<a href="../zc.htm">上页</a><a href="63.htm">下页</a>', "/zc/63.htm"),
        ("/l.html", "<a onclick=\"go('list_2.html')\" href='javascript:;'>下一页</a>", "/list_2.html"),
        ("/l.html", '<a href="javascript:void(0)" tagname="/zc/column-index-2.shtml">下一页</a>', "/zc/column-index-2.shtml"),
        ("/list_12_1.html", '<b class="cur">1</b><a href="list_12_2.html">2</a><a href="list_12_3.html">3</a>', "/list_12_2.html"),
        ("/l.html", '<a href="l.html">下一页</a>', None),
        ("/l.html", '<a href="http://other.example/2.html">下一页</a>', None),
        ("/l.html", '<a href="javascript:next()">下一页</a>', None),
        # TRS: names of variables, other stems, several calls, a definition before the call
        ("/zc/", "<script>var countPage = 9;var currentPage = 0;createPageHTML(countPage, currentPage, 'index', 'html');</script>", "/zc/index_1.html"),
        ("/zc/index_1.htm", "<script>var currentPage = 1;//第几页\nvar countPage = 3//共几页\nvar nextPage = currentPage+1;</script>", "/zc/index_2.htm"),
        ("/zc/", "<script>function createPageHTML(c,i,n,e){if(c<2)return;}\ncreatePageHTML(4, 0, 'index', 'shtml', 77);</script>", "/zc/index_1.shtml"),
        ("/zc/default.html", "<script>createPageHTML(20,0,'default','html')</script>", "/zc/default_1.html"),
        # Guangdong: page 2 is index_2, said by a plain link
        ("/zc/index.html", '<span class="current">1</span><a href="index_2.html">2</a><a href="index_2.html" class="next">下一页</a>', "/zc/index_2.html"),
        ("/zc/index_2.html", '<a href="index.html">上一页</a><a href="index_3.html" class="next"></a>', "/zc/index_3.html"),
        # Boda: pages count down; the last page's link is cut
        ("/zc/1.htm", '<a href="../zc.htm">首页</a><a href="2.htm">上页</a><span>下页</span><span>尾页</span>', None),
        # public/column and other query strings
        ("/public/column/7?type=4&action=list", '<a href="?type=4&amp;action=list&amp;pageIndex=2">下一页</a>', "/public/column/7?type=4&action=list&pageIndex=2"),
        ("/iList.jsp?node_id=3&cur_page=2", '<a href="iList.jsp?node_id=3&cur_page=1">上一页</a><a href="iList.jsp?node_id=3&cur_page=3">下一页</a>', "/iList.jsp?node_id=3&cur_page=3"),
        ("/l.jsp?page=2", "<a href='javascript:goPage(1)'>1</a><b>2</b><a href='javascript:goPage(3)'>3</a>", "/l.jsp?page=3"),
        ("/l.jsp", "<script>function goPage(n){location.href='l.jsp?id=7&p='+n;}</script><a href='javascript:goPage(2)'>下一页</a>", "/l.jsp?id=7&p=2"),
        ("/l/", "<script>function toPage(n){window.location='list_'+n+'.html'}</script><a onclick='toPage(2)'>2</a><a onclick='toPage(3)'>3</a>", "/l/list_2.html"),
        # shtml, phpcms, dedecms, PowerEasy
        ("/x/column.shtml", '<a href="column-index-2.shtml">下一页&gt;</a>', "/x/column-index-2.shtml"),
        ("/list-10405-1.html", '<a href="/list-10405-2.html" class="a1">下一页</a>', "/list-10405-2.html"),
        ("/a/list_12_2.html", "<a href='list_12_1.html'>1</a><li class='thisclass'>2</li><a href='list_12_3.html'>3</a>", "/a/list_12_3.html"),
        ("/Class/ShowClass.aspx", "<a href='ShowClass_2.aspx'>后页</a>", "/Class/ShowClass_2.aspx"),
        # A form sent back to the server is nothing that can be asked for
        ("/List.aspx", "<a href=\"javascript:__doPostBack('AspNetPager1','2')\">下一页</a>", None),
        # What says next and is none: a neighbour, a carousel, a calendar
        ("/l.html", '<a href="/a/2.html">下一篇</a>', None),
        ("/l.html", '<div class="slide"><a class="next" href="javascript:;"></a><a href="#">&gt;</a></div>', None),
        ("/l.html", "".join(f'<a href="/day_{n}.html">{n}</a>' for n in range(1, 31)), None),
        # The last page
        ("/list_8.html", '<a href="list_7.html">上一页</a><b class="cur">8</b><a href="javascript:;" class="disabled">下一页</a>', None),
        ("/list_8.html", '<a href="list_1.html">1</a><a href="list_7.html">7</a><span class="current">8</span><a href="list_8.html">下一页</a>', None),
        ("/l.html", '<a href="/l_2.html"><img src="n.gif" alt="下一页"></a>', "/l_2.html"),
        ("/l.html", '<a href="l_2.html">[下一页]</a>', "/l_2.html"),
        ("/l.html", '<link rel="next" href="/l/2/">', "/l/2/"),
    ],
)  # fmt: skip
def test_the_next_page_is_found_as_each_family_names_it(url, pager, wanted):
    """A page that is not read is a gap; a page that is read twice is a loop."""
    reading = read(f"<html><body><ul>{ROWS}</ul>{pager}</body></html>", url)

    assert (reading.next.url if reading.next else None) == (wanted and SITE + wanted)


def test_a_proxy_is_asked_on_until_its_records_end():
    """Records come in windows; the answer's own address tells which one comes next."""
    records = "".join(f"<record><![CDATA[{row}</li>]]></record>" for row in ROWS.split("</li>")[:5])
    page = f"<datastore><totalrecord>12</totalrecord><recordset>{records}</recordset></datastore>"
    url = (
        "/module/web/jpage/dataproxy.jsp?startrecord={}&endrecord={}&perpage=5&unitid=7&columnid=9"
    )

    first = read(page, url.format(1, 5), SourceKind.JPAGE)
    last = read(page, url.format(6, 12), SourceKind.JPAGE)

    assert len(first.entries) == 5
    assert first.next.url == SITE + url.format(6, 10)
    assert last.next is None


def test_an_older_proxy_answers_with_an_array():
    """Not XML but a script's array of fragments."""
    page = "[" + ",".join(f"'{row}</li>'" for row in ROWS.split("</li>")[:5]) + "]"
    url = "/module/jpage/dataproxy.jsp?startrecord=1&endrecord=5&perpage=5"

    assert len(read(page, url, SourceKind.JPAGE).entries) == 5


def test_selectors_of_an_operator_win_and_are_told_when_they_fail():
    """What an operator says is done; where it finds nothing the page is read unaided."""
    page = f"<ul class=a><li><a href=/x.html>短讯</a><i>2025-01-02</i></li></ul><ul>{ROWS}</ul>"

    told = read(page, "/", selectors=Selectors(rows="ul.a > li", date="i", link="a"))
    wrong = read(page, "/", selectors=Selectors(rows="ul.zzz > li"))

    assert [(e.title, e.date) for e in told.entries] == [("短讯", "2025-01-02")]
    assert len(wrong.entries) >= 5
    assert "ul.zzz" in wrong.notes[0]
    with pytest.raises(ParseError, match="no CSS"):
        read(page, "/", selectors=Selectors(rows="ul[["))


def test_the_learned_list_stays_when_another_grows():
    """The list of a source is the one it was, not the largest of the day."""
    other = "".join(
        f'<p class="n"><a href="/n/{n}.html">另一个栏目里第{n}条篇幅较长的动态消息标题</a>2025-08-0{n % 9 + 1}</p>'
        for n in range(30)
    )
    where = "<div>当前位置：<a href=/>首页</a></div>"
    first = read(f"{where}<ul>{ROWS}</ul>", "/")

    later = read(f"{where}<ul>{ROWS}</ul><div>{other}</div>", "/", learned=first.learned)

    assert [entry.key for entry in later.entries] == [entry.key for entry in first.entries]


def test_a_shape_that_no_longer_fits_is_replaced_and_both_are_told():
    """An operator reads what changed; a page without any rows is no redesign of them."""
    where = "<div>当前位置：<a href=/>首页</a></div>"
    first = read(f'{where}<ul class="old">{ROWS}</ul>', "/")
    moved = f"{where}<table class='new'>{ROWS}</table>".replace("li>", "tr>").replace(
        "<a", "<td><a"
    )

    kept = read(f'{where}<ul class="old">{ROWS}</ul>', "/", learned=first.learned)
    bare = read(where, "/", learned=first.learned)
    later = read(moved, "/", learned=first.learned)

    assert (kept.learned, kept.relearned) == (first.learned, None)
    assert (bare.learned, bare.relearned, bare.entries) == (first.learned, None, ())
    assert [entry.key for entry in later.entries] == [entry.key for entry in first.entries]
    assert "ul.old" in later.relearned.before
    assert "table.new" in later.relearned.after
    assert later.learned.rows != first.learned.rows


def test_a_feed_tells_how_long_to_wait_and_its_rows_are_known_again():
    """Ttl and the hash of each entry: what was seen costs nothing the next time."""
    item = "<item><title>关于第{0}批项目的公告</title><link>/{0}.html</link></item>"
    feed = "<rss><channel><title>t</title><ttl>90</ttl>{}</channel></rss>"

    one = read(feed.format(item.format(1) + item.format(2)), "/rss", SourceKind.FEED)
    two = read(feed.format(item.format(3) + item.format(1)), "/rss", SourceKind.FEED)

    assert one.ttl.total_seconds() == 5400
    assert two.entries[1].raw_hash == one.entries[0].raw_hash != one.entries[1].raw_hash
