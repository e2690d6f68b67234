"""A reader for the tests: pages through every family by hand, knowing its rules."""

from __future__ import annotations

import html
import json
import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from urllib.parse import urlencode, urljoin

from quxun.country import Country, Size
from quxun.country.model import SHANGHAI, Column
from quxun.country.site import Answer, Site

NOW = datetime(2026, 11, 25, 10, 30, tzinfo=SHANGHAI)
LATER = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
SMALL = Size(portals=12, notices_per_column=34)


def country(seed: int = 7, size: Size = SMALL) -> Country:
    return Country(seed=seed, size=size, now=NOW)


def get(site: Site, url: str, form: dict[str, str] | None = None) -> Answer:
    """Ask the site for a URL without a network."""
    host, _, rest = url.removeprefix("http://").partition("/")
    host = host.split(":", 1)[0]
    body = urlencode(form).encode() if form is not None else b""
    return site.answer(host, "POST" if form is not None else "GET", "/" + rest, body)


def text_of(answer: Answer, site: Site, url: str) -> str:
    """Decode as the portal really encodes, whatever it says."""
    host = url.removeprefix("http://").split(":", 1)[0].split("/", 1)[0]
    kind = answer.head.decode()
    if "charset=UTF-8" in kind:
        return answer.body.decode("utf-8")
    return answer.body.decode(site.country.portal(host).habits.charset)


def read(site: Site, url: str, form: dict[str, str] | None = None) -> str:
    answer = get(site, url, form)
    assert answer.status == 200, (url, answer.status)
    return text_of(answer, site, url)


def plain(page: str) -> str:
    """The text of a page without tags and white space."""
    page = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"\s", "", html.unescape(re.sub(r"<[^>]*>", "", page))).replace("\x0b", "")


def column_url(site: Site, column: Column) -> str:
    return site.origin(column.host) + column.path


def walk(site: Site, column: Column) -> list[list[str]]:
    """Article URLs of every page of a column, page by page, as its own pager leads."""
    first = column_url(site, column)
    reader = {
        "trs": _trs,
        "guangdong": _linked,
        "boda": _linked,
        "shtml": _linked,
        "phpcms": _linked,
        "commercial": _linked,
        "jcms": _jcms,
        "jpaas": _jpaas,
        "gkmlpt": _gkmlpt,
        "search": _search,
        "rss": _feed,
        "atom": _feed,
    }[column.family]
    return reader(site, column, first)


def rows_of(fragment: str, base: str) -> list[str]:
    """Targets of the links that open a new window, as rows do; footer links leave the site."""
    hrefs = re.findall(r'<a href="([^"]*)"[^>]*target="_blank"', fragment)
    urls = [urljoin(base, html.unescape(href)) for href in hrefs]
    return [url for url in urls if "example.invalid" not in url]


def _trs(site, column, first):
    pages = [rows_of(read(site, first), first)]
    script = read(site, first)
    total = int(re.search(r"create(?:PageHTML|Page)\(\D*?(\d+)", script)[1])
    for number in range(1, total):
        url = urljoin(first, f"index_{number}.html")
        pages.append(rows_of(read(site, url), url))
    assert get(site, urljoin(first, f"index_{total}.html")).status == 404
    return pages


_NEXT = re.compile(r'<a href="([^"]+)"[^>]*>(?:下一页|下页|&gt;)</a>')


def _linked(site, column, first):
    pages, url = [], first
    while True:
        page = read(site, url)
        pages.append(rows_of(page, url))
        page = page.replace('<a class="next" ', "<a ")
        following = _NEXT.search(page)
        if following is None:
            return pages
        url = urljoin(url, html.unescape(following[1]))


def _jcms(site, column, first):
    page = read(site, first)
    records = _records(page)
    pages = [rows_of(record, first) for record in records]
    params = html.unescape(re.search(r'dataproxy\.jsp\?([^"]+)"', page)[1])
    form = dict(pair.split("=", 1) for pair in params.replace("%2F", "/").split("&"))
    form.pop("page")
    proxy = urljoin(first, re.search(r'href="([^"?]+dataproxy\.jsp)', page)[1])
    total = int(re.search(r"totalRecord:(\d+)", page)[1])
    start = len(records) + 1
    while start <= total:
        end = start + 3 * column.per_page - 1
        form |= {"startrecord": str(start), "endrecord": str(end), "perpage": str(column.per_page)}
        more = _records(read(site, proxy, form))
        assert more, f"records {start} to {end} of {total} are missing"
        assert more == _records(read(site, f"{proxy}?{urlencode(form)}"))
        pages += [rows_of(record, first) for record in more]
        start += len(more)
    wrong = read(site, proxy, form | {"unitid": "1", "startrecord": "1", "endrecord": "45"})
    assert _records(wrong) == []
    return [[url for page in pages for url in page]]


def _records(text: str) -> list[str]:
    if "dataStore=[" in text and "<record" not in text:
        return json.loads(re.search(r"dataStore=(\[.*\]);", text, re.DOTALL)[1])
    found = re.findall(r"<record>(.*?)</record>", text, re.DOTALL)
    return [
        piece[9:-3] if piece.startswith("<![CDATA[") else html.unescape(piece) for piece in found
    ]


def _jpaas(site, column, first):
    page = read(site, first)
    assert rows_of(page, first) == []
    found = re.search(r'parseType="\w+" url="([^"]+)" querydata="([^"]+)"', page)
    query = json.loads(found[2].replace("'", '"'))
    pages, number, total = [], 1, 1
    while number <= total:
        asked = query | {"paramJson": json.dumps({"pageNo": number, "pageSize": 15})}
        answer = json.loads(read(site, urljoin(first, found[1]) + "?" + urlencode(asked)))
        fragment = answer["data"]["html"]
        total = int(re.search(r'count="(\d+)"', fragment)[1])
        pages.append(rows_of(fragment, first))
        number += 1
    return pages


def _gkmlpt(site, column, first):
    pages, number = [], 1
    while True:
        answer = json.loads(read(site, first.replace("page=1", f"page={number}")))
        if not answer["articles"]:
            return pages
        pages.append([article["url"] for article in answer["articles"]])
        number += 1


def _search(site, column, first):
    pages, number = [], 1
    while True:
        data = json.loads(read(site, re.sub(r"page=1$", f"page={number}", first)))["data"]
        if not data["results"]:
            return pages
        pages.append([urljoin(first, item["url"]) for item in data["results"]])
        number += 1


def _feed(site, column, first):
    text = re.sub(r"^<\?xml[^>]*\?>", "", read(site, first))  # expat knows no GB 18030
    root = ET.fromstring(text)
    atom = "{http://www.w3.org/2005/Atom}"
    if column.family == "atom":
        return [[entry.find(f"{atom}link").get("href") for entry in root.iter(f"{atom}entry")]]
    return [[item.findtext("link").strip() for item in root.iter("item")]]
