from __future__ import annotations

import json
import re
import socket
from dataclasses import replace
from datetime import date, timedelta
from urllib.parse import quote

import msgspec
import pytest
from selectolax.lexbor import LexborHTMLParser
from sqlalchemy import text

from aggregator.model import (
    Amount,
    ArticleOutcome,
    Attachment,
    Authority,
    Deadline,
    Fact,
    Facts,
    Kind,
    Redesign,
)

XSS = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


def parsed(page) -> LexborHTMLParser:
    return LexborHTMLParser(page.text)


def titles(page) -> list[str]:
    return [" ".join(h.text().split()) for h in parsed(page).css(".row h3")]


def test_the_first_page_lists_what_was_announced_newest_first(web, make_draft):
    """A newcomer sees at once what districts announced."""
    web.publish(make_draft(1), make_draft(2), make_draft(3))

    page = web.ask("/")

    assert page.status == 200
    assert [re.sub(r"\D", "", t) for t in titles(page)] == ["1", "2", "3"]
    assert "江津区" in page.text


def test_a_policy_and_its_explanation_lead_to_each_other(web, make_draft):
    """Whoever reads the one finds the other, in both directions, with the word for it."""
    policy = make_draft(1, title="江津区支持新型储能产业若干措施", title_key="")
    reading = make_draft(
        2,
        title="《江津区支持新型储能产业若干措施》政策解读",
        body_text="为何出台？补什么？怎么申请？",
    )
    web.publish(policy, reading)
    links = {a.text().strip(): a.attributes["href"] for a in parsed(web.ask("/")).css(".row h3 a")}
    to_policy, to_reading = (
        next(href for text, href in links.items() if one.title in text) for one in (policy, reading)
    )

    assert f'解读</span> <a href="{to_policy}"' in web.ask(to_reading).text
    assert f'解读见</span> <a href="{to_reading}"' in web.ask(to_policy).text


def test_filters_narrow_the_list_and_say_so(web, make_draft):
    """Region by name or code, kind, category and words: what they all hold for."""
    project = make_draft(2, title="某电池项目集中签约", kind=Kind.PROJECT)
    web.publish(make_draft(1), project)

    assert len(titles(web.ask(f"/?region={quote('江津区')}"))) == 2
    assert len(titles(web.ask("/?region=500000&kind=project"))) == 1
    assert titles(web.ask(f"/?q={quote('电池 签约')}")) == [
        "江津区 某电池项目集中签约".replace(" ", "")
    ]
    assert titles(web.ask("/?category=talent")) == []
    assert titles(web.ask(f"/?not={quote('电池')}&kind=")) != []


def test_a_filter_that_cannot_be_is_told_and_kept_in_the_form(web):
    """One line says what is wrong; what was typed is not lost."""
    page = web.ask(f"/?region={quote('无此地')}&q={quote(XSS)}")

    assert page.status == 400
    assert "无此地" in parsed(page).css_first(".problem").text()
    assert "<script" not in page.text


def test_long_lists_are_paged_without_repeating(web, make_draft):
    """Every notice is on exactly one page."""
    web.publish(*(make_draft(n) for n in range(1, 46)))

    pages = [titles(web.ask(f"/?kind=policy&page={n}")) for n in (1, 2, 3)]

    assert [len(page) for page in pages] == [20, 20, 5]
    assert len({title for page in pages for title in page}) == 45
    following = parsed(web.ask("/?kind=policy&page=2")).css_first("a[rel=next]")
    assert following.attributes["href"] == "/?kind=policy&page=3"
    assert web.ask("/?page=x").status == 400
    assert web.ask("/?page=99999999999999999999").status == 400


def test_one_announcement_shows_every_figure_with_its_sentence(web, make_draft):
    """Anyone can check: the figure, the sentence, the original, everywhere it was seen."""
    facts = Facts(
        deadlines=(Deadline(value=date(2026, 11, 30), sentence="请于11月30日前申报。"),),
        amounts=(
            Amount(value=500, yuan=5e6, basis="cap", unit="万元", sentence="最高补助500万元。"),
            Amount(value=300, yuan=3e6, basis="other", unit="万元", sentence="起始价300万元。"),
        ),
        areas=(
            Fact(
                value="42000平方米", unit="平方米", number=42000.0, sentence="总用地42000平方米。"
            ),
            Fact(value="80800", unit="㎡", number=80800.0, sentence="面积（㎡）80800"),
        ),
    )
    file = Attachment(name="申报表.doc", url="http://portal1.example/f.doc")
    web.publish(make_draft(1, facts=facts, attachments=(file,), doc_number="演示府发[2026]1号"))
    [one] = web.parts.announcements.find(_everything(), limit=9)

    page = web.ask(f"/a/{one.uuid}")

    for words in (
        "请于11月30日前申报。", "最高补助500万元。", "最高 500 万元", "剩56天", "申报表.doc",
        "演示府发[2026]1号", "非政府网站，以原文为准", "http://portal1.example/zwgk/1.html",
        "第1条 对企业给予支持。",
    ):  # fmt: skip
        assert words in page.text, words
    assert "<b>42000平方米</b>" in page.text
    assert "<b>80800 ㎡</b>" in page.text
    assert "截止</dt><dd><b>截止" not in page.text
    assert "金额</dt><dd><b>金额" not in page.text
    assert "<b>300 万元</b>" in page.text


def test_the_page_of_what_the_law_removed_says_that_and_nothing_more(web, make_draft):
    """A link to it must not lead to an empty record, nor to what was to be forgotten."""
    web.publish(make_draft(1))
    [one] = web.parts.announcements.find(_everything(), limit=9)
    web.parts.removals.remove(one.uuid, by="甲", why="法院判决", now=web.time[0])

    page = web.ask(f"/a/{one.uuid}")

    assert page.status == 410
    assert "依法删除" in page.text
    assert "2026-10-05 10:30" in page.text
    for gone in (one.draft.title, one.draft.url, "江津区", "政策支持", "法院判决", "甲"):
        assert gone not in page.text, gone


def test_a_revision_and_a_withdrawal_can_be_read(web, make_draft):
    """Nobody changes a notice behind our readers' backs."""
    web.publish(make_draft(1))
    web.pass_time(timedelta(hours=2))
    web.record([make_draft(1, title="关于支持第1类产业发展的若干措施(修订)", substance_hash="new")])
    [one] = web.parts.announcements.find(_everything(), limit=9)
    assert one.revision == 2
    assert "(修订)" in web.ask(f"/a/{one.uuid}").text
    assert "第 2 版" in web.ask(f"/a/{one.uuid}").text
    web.pass_time(timedelta(days=40))
    web.record([make_draft(1)], ArticleOutcome.WITHDRAWN)

    page = web.ask(f"/a/{one.uuid}")
    assert "已撤下" in page.text
    assert titles(web.ask("/")) == []


@pytest.mark.parametrize("authority", [Authority.MEDIA, Authority.COMMERCIAL])
def test_other_peoples_prose_is_not_reprinted(web, make_draft, authority):
    """Only official documents are free of copyright: others get a summary and a link."""
    web.publish(make_draft(1, authority=authority))
    [one] = web.parts.announcements.find(_everything(), limit=9)

    page = web.ask(f"/a/{one.uuid}")
    assert "第1条 对企业给予支持。" not in page.text
    assert "对第1类企业给予支持。" in page.text


def test_what_strangers_wrote_stays_text(web, make_draft):
    """A portal that was broken into must not run anything in our readers' browsers."""
    nasty = make_draft(
        1, title=XSS, issuer=XSS, doc_number=XSS, summary=XSS, body_html=f"<p>字{XSS}</p>",
        url="javascript:alert(1)", source_label=XSS, date_evidence=XSS,
        attachments=(Attachment(name=XSS, url="javascript:alert(1)"),),
    )  # fmt: skip
    web.publish(nasty, portal=XSS)
    [one] = web.parts.announcements.find(_everything(), limit=9)

    for path in ("/", f"/a/{one.uuid}", "/status", "/feeds"):
        page = web.ask(path)
        assert page.status == 200
        tree = parsed(page)
        assert not tree.css("script:not([src^='/static/']), img")
        assert not tree.css("a[href^=javascript]")
        assert not [e for e in tree.css("*") for name in e.attributes if name.startswith("on")]


def test_pages_load_nothing_from_elsewhere_and_say_so(web, make_draft):
    """No reader is tracked; a browser would refuse whatever slipped in."""
    web.publish(make_draft(1))

    for path in ("/", "/feeds", "/subscribe", "/status", "/about"):
        page = web.ask(path)
        assert page.status == 200
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["x-content-type-options"] == "nosniff"
        for element in parsed(page).css("link[rel=stylesheet], link[rel=icon]"):
            assert web.ask(element.attributes["href"]).status == 200


def test_feeds_page_and_autodiscovery_lead_to_feeds(web, make_draft):
    """A browser or reader finds the feed of exactly what is on the page."""
    web.publish(make_draft(1))

    found = parsed(web.ask("/?region=500116&kind=policy")).css("link[rel=alternate]")
    links = {x.attributes["type"]: x.attributes["href"] for x in found}
    assert links["application/atom+xml"] == "http://quxun.example/feeds/policies/500116.atom"
    assert "/feeds/500116.atom" in web.ask("/feeds").text
    searched = parsed(web.ask("/?q=abc&region=500116"))
    address = searched.css_first("link[type='application/feed+json']").attributes["href"]
    assert web.ask(address.removeprefix("http://quxun.example")).status == 200


def test_status_tells_which_source_is_ill_and_why(web, make_draft):
    """Coverage is honest: a reader sees what may be missing."""
    web.publish(make_draft(1))
    page = web.ask("/status")

    assert "演示区政府网" in page.text
    assert "正常" in page.text
    assert web.ask("/healthz").text == "ok\n"
    assert web.ask("/readyz").status == 200
    assert "quxun_announcements 1" in web.ask("/metrics").text


def test_status_tells_what_a_portal_was_redesigned_into(web, make_draft):
    """What healed by itself is said for a month, before and after side by side."""
    web.publish(make_draft(1))
    change = Redesign(
        at=web.time[0], what="addresses", before="li in ul.old", after="tr in table.new",
        found_before=20, found_after=15, moved=14,
    )  # fmt: skip
    with web.parts.engine.begin() as connection:
        connection.execute(
            text("update sources set redesign = cast(:change as jsonb)"),
            {"change": msgspec.json.encode(change).decode()},
        )
    page = web.ask("/status").text

    for words in ("已重新学习", "li in ul.old", "tr in table.new", "20 条", "15 条", "14 条旧公告"):
        assert words in page
    web.pass_time(timedelta(days=31))
    assert "已重新学习" not in web.ask("/status").text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 404),
        ("/a/not-a-uuid", 404),
        ("/a/00000000-0000-0000-0000-000000000000", 404),
        ("/a/1", 404),
        ("/static/../app.py", 404),
        ("/static/%2e%2e/app.py", 404),
        ("/confirm/x", 404),
        ("/preferences/x", 404),
        ("/unsubscribe/x", 404),
        ("/mailbox", 404),
        ("/docs", 404),
        ("/openapi.json", 404),
    ],
)
def test_what_is_not_there_is_a_clear_page(web, path, status):
    """No stack trace, no empty page, no hint about what we run."""
    answer = web.ask(path)

    assert answer.status == status
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content_Length": "50000000"}, None, 413),
        ({}, b"email=" + b"a" * 1_000_000, 413),
        ({}, b"&".join(b"q=%d" % n for n in range(10_000)), 400),
        ({}, b"email=%ff%fe", 400),
        ({"Content_Type": "application/json"}, b"{" * 1000, 415),
        ({"Content_Type": "multipart/form-data; boundary=x"}, b"--x", 415),
    ],
)
def test_bodies_are_bounded(web, headers, body, status):
    """A megabyte in a form field is nobody's address: it ends at once."""
    headers.setdefault("Content_Type", "application/x-www-form-urlencoded")
    answer = web.ask("/subscribe", "POST", body, **headers)

    assert answer.status == status


def test_an_endless_upload_is_cut_off(web):
    """A chunked body without an end must not fill our memory."""
    head = (
        b"POST /subscribe HTTP/1.1\r\nHost: quxun.example\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    )
    chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", web.port), timeout=60) as connection:
        connection.sendall(head)
        answer = b""
        for _ in range(200):
            try:
                connection.sendall(chunk)
            except (BrokenPipeError, ConnectionResetError):
                break
        try:
            answer = connection.recv(4096)
        except ConnectionResetError:
            answer = b"HTTP/1.1 413"

    assert b" 413" in answer.split(b"\r\n")[0]


def test_the_mailbox_shows_mails_safely_to_this_machine_only(web, tmp_path):
    """The demonstration's mails can be read, and nothing in them can act on our pages."""
    folder = tmp_path / "mailbox"
    folder.mkdir()
    (folder / "0001.eml").write_bytes(
        b"From: a@quxun.example\r\nTo: b@example.org\r\nSubject: =?utf-8?b?5pGY6KaB?=\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n\r\nhttp://quxun.example/confirm/abc\r\n"
        b"--x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
        b"<p>hello<script>alert(1)</script></p>\r\n--x--\r\n"
    )
    (tmp_path / "secret.eml").write_bytes(b"Subject: no\r\n\r\n")

    def here(path: str, **headers: str):
        return web.ask(path, Host="127.0.0.1", **headers)

    assert "摘要" in here("/mailbox").text
    page = here("/mailbox/0001.eml")
    assert "http://quxun.example/confirm/abc" in page.text
    assert "hello" not in page.text
    frame = here("/mailbox/0001.eml/html")
    assert "hello" in frame.text
    assert frame.headers["content-security-policy"].startswith("sandbox ")
    assert "allow-scripts" not in frame.headers["content-security-policy"]
    assert here("/mailbox/0001.eml/raw").body.startswith(b"From:")
    assert here("/mailbox/..%2fsecret.eml").status == 404
    assert here("/mailbox/none.eml").status == 404
    assert here("/mailbox", X_Forwarded_For="203.0.113.5").status == 404
    assert web.ask("/mailbox", Host="rebound.example").status == 404


def _everything():
    from aggregator.model import Filter

    return Filter()


def test_json_feed_is_json(web, make_draft):
    """Programs read it without a special parser."""
    web.publish(make_draft(1))

    answer = web.ask("/feeds/all.json")
    assert answer.headers["content-type"].startswith("application/feed+json")
    assert json.loads(answer.body)["feed_url"] == "http://quxun.example/feeds/all.json"


def test_list_shows_what_a_firm_gets_and_not_what_is_asked_of_it(web, make_draft):
    """A turnover asked for, shown where the subsidy stands, would mislead every investor."""
    asked = Amount(value=10.0, unit="亿元", yuan=1e9, basis="floor", sentence="营收10亿元以上")
    given = Amount(value=200.0, unit="万元", yuan=2e6, basis="cap", sentence="最高200万元")
    draft = make_draft(1)
    web.publish(replace(draft, facts=replace(draft.facts, amounts=(asked, given))))

    page = web.ask("/").text

    assert "200 万元" in page
    assert "10 亿元" not in page
