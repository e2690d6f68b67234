"""Commands that read what they are given: no store, no network, shapes that scripts depend on."""

from __future__ import annotations

import json
import random

import pytest

FEED = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel><title>演示区政府网</title><link>http://demo.example/</link>
<item><title>关于申报2026年技改项目的通知</title><link>/a/1.html</link>
<pubDate>Thu, 05 Mar 2026 08:00:00 +0800</pubDate><description>请于3月底前申报。</description></item>
<item><title>演示区工业用地挂牌出让公告</title><link>http://demo.example/a/2.html</link></item>
</channel></rss>"""
LIST = """<!DOCTYPE html><html><head><meta charset="utf-8"><title>通知公告</title></head><body>
<ul class="list">{}</ul><div class="page"><a href="index_1.html">下一页</a></div></body></html>"""
ROW = '<li><a href="./t20260{0}01_{0}.html" title="关于第{0}批项目的公告">第{0}批</a><span>2026-0{0}-01</span></li>'
ARTICLE = """<!DOCTYPE html><html><head><meta charset="utf-8"><title>通知-江津区人民政府</title>
<meta name="ArticleTitle" content="江津区关于支持制造业技术改造的若干措施">
<meta name="PubDate" content="2026-03-05 09:30"></head><body><h1>江津区关于支持制造业技术改造的若干措施</h1>
<p>来源：江津区经济信息委</p><div class="TRS_Editor"><p>江津府办发〔2026〕12号</p>
<p>各镇街、各部门：为支持制造业企业技术改造，现将有关事项通知如下。</p>
<p>对设备投资500万元以上的项目，给予最高200万元补助。</p>
<p>申报截止时间为2026年4月30日。请各单位认真组织企业申报，逾期不再受理。</p>
<p>重庆市江津区人民政府办公室</p><p>2026年3月5日</p>
<p><a href="P020260305.docx">附件：申报表.docx</a></p></div>
<script>alert(1)</script></body></html>"""
SITE = "http://www.jiangjin.example/zwgk/tzgg/"


def test_parse_reads_a_feed_from_stdin(offline):
    """Scripts take entries from here: the keys and the date are fixed."""
    done = offline.run("parse", "--url", "http://demo.example/rss.xml", stdin=FEED)

    assert done.err == ""
    assert set(done.json) == {"kind", "entries", "next"}
    assert done.json["kind"] == "feed"
    first, second = done.json["entries"]
    assert first == {
        "title": "关于申报2026年技改项目的通知",
        "url": "http://demo.example/a/1.html",
        "date": "2026-03-05T08:00:00+08:00",
        "summary": "请于3月底前申报。",
    }
    assert second["date"] is None


def test_parse_reads_a_list_page_and_names_the_next(offline):
    """The kind is found out, relative addresses are resolved against the page's own."""
    page = LIST.format("".join(ROW.format(n) for n in range(8, 0, -1)))
    done = offline.run("parse", "--url", SITE, "--json", stdin=page.encode("utf-8"))

    assert done.json["kind"] == "column"
    assert [e["date"] for e in done.json["entries"]] == [f"2026-0{n}-01" for n in range(8, 0, -1)]
    assert done.json["entries"][0]["title"] == "关于第8批项目的公告"
    assert done.json["entries"][0]["url"] == f"{SITE}t20260801_8.html"
    assert done.json["next"] == f"{SITE}index_1.html"


def test_an_empty_list_is_an_answer(offline):
    """Nothing to read is no failure (exit 0)."""
    done = offline.run(
        "parse", "--url", SITE, "--kind", "column", stdin="<html><body></body></html>"
    )

    assert done.json == {"kind": "column", "entries": [], "next": None}


def test_extract_prints_the_record_of_an_article(offline):
    """One document with every field that DESIGN.md names."""
    got = offline.run("extract", "--url", f"{SITE}t20260305_1.html", stdin=ARTICLE).json

    assert {
        "title", "date", "source", "issuer", "doc_number", "regions", "kind", "categories",
        "body_text", "body_html", "attachments", "facts",
    } <= set(got)  # fmt: skip
    assert got["title"] == "江津区关于支持制造业技术改造的若干措施"
    assert got["date"].startswith("2026-03-05")
    assert got["doc_number"] == "江津府办发〔2026〕12号"
    assert got["kind"] == "policy"
    assert {"code": "500116", "name": "江津区", "path": ["重庆市", "重庆市", "江津区"]} in got[
        "regions"
    ]
    assert set(got["categories"][0]) == {"slug", "why"}
    assert set(got["attachments"][0]) == {"name", "url", "media_type"}
    assert {
        "doc_numbers", "amounts", "deadlines", "areas", "stages", "validity", "cited", "contacts",
    } <= set(got["facts"])  # fmt: skip
    assert all("sentence" in fact for group in got["facts"].values() for fact in group)
    assert "script" not in got["body_html"]


@pytest.mark.parametrize("command", ["parse", "extract"])
def test_a_batch_is_answered_line_by_line_with_the_id(offline, command: str):
    """One page that cannot be read harms only its own line."""
    page = offline.folder / "页 1.html"
    page.write_text(ARTICLE if command == "extract" else FEED, encoding="utf-8")
    asked = [
        {"id": "a", "url": SITE, "path": str(page)},
        {"id": 2, "url": SITE, "path": "missing.html"},
        {"id": None, "url": SITE, "path": page.name},
    ]
    lines = "\n".join(json.dumps(one) for one in asked)
    good, bad, again = offline.run(command, "--batch", stdin=lines).lines

    assert good["id"] == "a"
    assert bad["id"] == 2
    assert "missing.html" in bad["error"]
    assert again["id"] is None
    assert {**again, "id": "a"} == good


def test_classify_answers_a_line_for_a_line(offline):
    """Titles alone, and titles with the portal's name; a byte order mark is no part of a title."""
    asked = (
        "\ufeff江津区2026年技改项目申报通知\n我区工业用地挂牌出让的公告\t重庆市江津区人民政府\n\n"
    )
    first, second, empty = offline.run("classify", stdin=asked).lines

    assert set(first) == {"title", "kind", "categories", "regions"}
    assert first["title"] == "江津区2026年技改项目申报通知"
    assert first["kind"] == "policy"
    assert first["categories"][0]["slug"] == "application"
    assert first["regions"][0]["path"] == ["重庆市", "重庆市", "江津区"]
    assert second["title"] == "我区工业用地挂牌出让的公告"
    assert second["categories"][0]["slug"] == "land"
    assert second["regions"][0]["code"] == "500116"
    assert empty["title"] == ""


def test_classify_names_the_candidates_of_a_name_that_stays_open(offline):
    """An operator sees between which districts a title leaves the choice, and settles it."""
    asked = "鼓楼区楼宇招商\n鼓楼区楼宇招商\t江苏省\n鼓楼区楼宇招商\t徐州市\n朝阳\n朝阳产业\n"
    alone, province, city, bare, word = offline.run("classify", stdin=asked).lines

    assert alone["regions"] == []
    assert [one["name"] for one in alone["open"]] == ["鼓楼区"]
    assert len(alone["open"][0]["candidates"]) == 4
    assert {one["path"][1] for one in province["open"][0]["candidates"]} == {"南京市", "徐州市"}
    assert "open" not in city
    assert city["regions"][0]["path"] == ["江苏省", "徐州市", "鼓楼区"]
    assert {"朝阳区", "朝阳市"} <= {one["name"] for one in bare["open"][0]["candidates"]}
    assert "open" not in word


def test_facts_carry_their_sentences(offline):
    """Every figure can be checked against the words it came from."""
    text = "对设备投资给予最高200万元补助。申报截止时间为2026年4月30日。总用地面积100亩。"
    asked = json.dumps({"id": "x", "text": text, "posted": "2026-03-05"}, ensure_ascii=False)
    [got] = offline.run("facts", stdin=asked).lines

    assert {
        "id", "doc_numbers", "registry_numbers", "amounts", "deadlines", "valid_from",
        "valid_until", "areas", "stages",
    } <= set(got)  # fmt: skip
    assert got["id"] == "x"
    [amount] = got["amounts"]
    assert (amount["yuan"], amount["basis"]) == (2_000_000, "cap")
    assert "最高200万元" in amount["sentence"]
    assert got["deadlines"][0]["day"] == "2026-04-30"
    assert round(got["areas"][0]["m2"]) == 66_667


def test_similar_says_whether_two_are_one(offline):
    """A reprint is the same, another notice of the same office is not."""
    one = {
        "title": "江津区技改项目申报通知",
        "text": "请各企业于四月底前申报。" * 20,
        "date": "2026-03-05",
    }
    other = {
        "title": "江津区人才引进公告",
        "text": "引进高层次人才若干名。" * 20,
        "date": "2026-03-05",
    }
    lines = [json.dumps({"a": one, "b": two}) for two in (one, other)]
    same, different = offline.run("similar", stdin="\n".join(lines)).lines

    assert set(same) == {"same", "score"}
    assert same["same"] is True
    assert different["same"] is False
    assert 0 <= different["score"] < same["score"] <= 1


@pytest.mark.parametrize(
    ("words", "stdin", "told"),
    [
        (["parse"], "", "--url"),
        (["parse", "--url", SITE, "--kind", "carrier-pigeon"], "", "carrier-pigeon"),
        (["facts"], '{"id": 1}\nno json\n', "line 2"),
        (["facts"], "[1]\n", "line 1"),
        (["facts"], '{"id": 1, "text": "x", "posted": "gestern"}', "gestern"),
        (["similar"], '{"a": 1}\n', '"a" and "b"'),
        (["extract", "--batch"], '{"id": 1, "url": "http://a.example/"}\n', '"path"'),
    ],
)
def test_what_cannot_be_read_is_one_line_and_exit_2(offline, words, stdin, told):
    """A script must see at once which line of its input is wrong."""
    done = offline.run(*words, stdin=stdin, code=2)

    [line] = done.err.splitlines()
    assert told in line


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("facts", '{"id": 1, "text": "x"}'),
        ("similar", '{"a": {"title": "x"}, "b": {"title": "y"}}'),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_answered(offline, command: str, line: str):
    """One slip in a file of thousands must not cost the answers behind it, nor shift them."""
    done = offline.run(command, stdin=f"{line}\n\n{{no json\n{line}\n", code=2)
    before, bad, after = done.lines

    assert before == after
    assert "error" not in before
    assert "JSON" in bad["error"]
    [told] = done.err.splitlines()
    assert "line 3 of stdin" in told


@pytest.mark.parametrize("command", ["parse", "extract"])
@pytest.mark.parametrize(
    ("body", "told"),
    [
        (random.Random(7).randbytes(3000), "no text"),
        (b"MZ\x90\x00" + bytes(range(1, 32)) * 40, "no text"),
        (b"%PDF-1.7\n" + bytes(99), "a PDF file"),
    ],
    ids=["chance", "program", "pdf"],
)
def test_a_file_is_no_empty_page(offline, command: str, body: bytes, told: str):
    """Whoever pastes a download's address must learn that it is one."""
    done = offline.run(command, "--url", f"{SITE}download", stdin=body, code=1)

    assert not done.out
    [line] = done.err.splitlines()
    assert told in line


def test_a_page_that_is_refused_is_exit_1(offline):
    """What a stranger wrote is not the caller's wrong usage."""
    done = offline.run("parse", "--url", SITE, stdin="<div>" * 100_000, code=1)

    assert "tags are open at once" in done.complaint


def test_lines_are_utf8_under_any_locale(cold):
    """Neither a terminal's encoding nor a broken byte changes what scripts read."""
    cold.settings["PYTHONIOENCODING"] = "gb18030"
    first, second = cold.run("classify", stdin="江津区技改申报通知\n".encode() + b"\xff\n").lines

    assert first["title"] == "江津区技改申报通知"
    assert second["title"] == "\ufffd"
