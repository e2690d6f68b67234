"""Lists that stand in scripts (DOMAIN §3, "Other"): as many ways as scripts have to hold them."""

import json
from datetime import UTC, datetime

import pytest

from aggregator import parse
from tests.parse.listpages import SITE, notices

NOW = datetime(2025, 11, 21, 4, 0, tzinfo=UTC)
ROWS = notices(6, path="/zx/2025/{n}.html")
WANTED = [(r.title, SITE + r.path, r.iso) for r in ROWS]
MENU = '<div class="nav"><a href="/zwgk/zcjd/">政策文件与解读</a><a href="/zwgk/tzgg/">通知公告与公示</a><a href="/hd/">互动交流与咨询</a></div>'


def each(make):
    return "".join(make(at, row) for at, row in enumerate(ROWS))


def objects(**extra):
    return [
        {"id": n, "title": r.title, "url": r.path, "pubDate": r.iso} | extra
        for n, r in enumerate(ROWS)
    ]


def as_script(rows):
    return "[" + ",".join(
        f"{{title:'{r['title']}',url:'{r['url'].replace('/', chr(92) + '/')}',pubDate:'{r['pubDate']}',top:!1,}}" for r in rows
    ) + ",]"  # fmt: skip


SCRIPTS = {
    "array by array": each(
        lambda n, r: f"urls[{n}]='{r.path}';headers[{n}]=\"{r.title}\";year[{n}]='{r.day.year}';month[{n}]='{r.day.month}';day[{n}]='{r.day.day}';"
    ),
    "lists of strings": "var urls=["
    + ",".join(f"'{r.path}'" for r in ROWS)
    + "];var titles=new Array("
    + ",".join(f"'{r.title}'" for r in ROWS)
    + ");var dates=["
    + ",".join(f"'{r.iso}'" for r in ROWS)
    + "];",
    "call by call": each(lambda n, r: f'addRow({n}, "{r.title}", "{r.path}", "{r.iso}");\n'),
    "JSON": f"var list = {json.dumps(objects(), ensure_ascii=False)};",
    "JSON in a call": f"render({json.dumps({'total': 6, 'rows': objects()})});",
    "a state": f"var x={{a:1}};window.__INITIAL_STATE__={json.dumps({'menu': [{'name': '首页面板', 'url': '/'}], 'data': {'list': objects()}})};(function(){{}})()",
    "a script's own way": f"var x = function(a){{return a<1}}; var news = {as_script(objects())};",
    "whole script": json.dumps({"props": {"articles": objects(body="正文")}}, ensure_ascii=False),
    "written": each(
        lambda _, r: f"document.write('<li><a href=\"{r.path}\" title=\"{r.title}\">{r.title}<\\/a><span>{r.iso}<\\/span><\\/li>');\n"
    ),
    "written with variables": each(
        lambda _, r: f"document.writeln(\"<li><a href='{r.path}'>\" + icon + \"{r.title}</a> [{r.iso}]</li>\");"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_list_is_read_however_a_script_holds_it(name):
    """No browser runs here; what a script says is there to be read."""
    page = f"<html><body>{MENU}<div id=list></div><script>{SCRIPTS[name]}</script></body></html>"

    _, reading = parse.detect(page.encode(), url=f"{SITE}/zx/", content_type=None, now=NOW)

    assert [(e.title, e.url, e.date) for e in reading.entries] == WANTED


def test_a_menu_in_a_script_is_no_list():
    """Names and addresses without a day are a menu, a map or a chooser of cities."""
    menu = json.dumps([{"name": f"第{n}个栏目的名称", "url": f"/lm{n}/"} for n in range(9)])
    page = f"<html><body>{MENU}<script>var menus={menu};</script></body></html>"

    _, reading = parse.detect(page.encode(), url=f"{SITE}/zx/", content_type=None, now=NOW)

    assert reading.entries == ()


@pytest.mark.parametrize("piece", ["x={title:", "var a=[{'", "f('a',", "document.write('<a'+"])
def test_scripts_that_never_end_take_no_longer_than_others(piece):
    """Brackets that are opened ten thousand times and never closed."""
    page = f"<html><body>{MENU}<script>{piece * 10_000}</script></body></html>"

    _, reading = parse.detect(page.encode(), url=f"{SITE}/zx/", content_type=None, now=NOW)

    assert reading.entries == ()
