"""Sources from the shell: found out by address alone, shown before they are stored, polled."""

from __future__ import annotations

import csv
import io
import os
import pty
import subprocess
import sys

import pytest
from cli_shell import ROOT

pytestmark = pytest.mark.xdist_group("cli-sources")

BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>
<opml version="2.0"><body><outline text="&b;" xmlUrl="http://a.example/feed"/></body></opml>"""
OPML = """\ufeff<?xml version="1.0" encoding="utf-8"?><opml version="2.0"><body>
<outline text="城市"><outline text="甲区" xmlUrl="http://www.jia.gov.cn/rss.xml"/>
<outline text="no feed"/><outline title="乙报" text="x" xmlUrl="https://news.example/atom"/>
<outline text="坏" xmlUrl="javascript:alert(1)"/></outline></body></opml>"""
TSV = """\ufeffname\tregion\turl\tkind\tseen_in\tnote
江津区 政策文件库\t重庆市-江津区\thttps://www.jiangjin.example/zwgk/\ttrs\tsomebody (2026)\tunverified
全国 招商\t全国\thttps://nation.example/list\tlist\tsomebody\t
坏\t\tftp://old.example/\tlist\t\t
怪\t\thttps://odd.example/\ttelex\t\t
又\t\thttps://www.jiangjin.example/zwgk/\ttrs\t\t
"=1+1"\t\thttps://formula.example/feed\tfeed\t\t
"""


@pytest.mark.parametrize("kind", ["feed", "column", "jpage", "jpaas", "json"])
def test_a_source_is_found_out_by_its_address_alone(shell, land, kind: str):
    """An operator has an address and nothing else."""
    column = land.column(kind)
    got = shell.run("sources", "add", column["url"], "--yes", "--json").json

    assert got["source"]["kind"] == kind
    assert got["source"]["state"] == "active"
    assert got["probe"]["rows"] > 0
    assert got["probe"]["status"] == 200
    assert got["probe"]["charset"]
    assert got["probe"]["charset_why"]
    assert got["probe"]["robots"]
    assert set(got["probe"]["entries"][0]) == {"title", "url", "date"}


def test_a_test_says_what_it_saw_and_stores_nothing(shell, land):
    """Status, charset decision, rows, first titles with dates, next page, robots verdict."""
    url = land.column("column")["url"]
    done = shell.run("sources", "test", url)
    seen = shell.run("sources", "test", url, "--json").json

    for word in (": 200, column", "charset ", "robots ", "rows ", "next page ", "region "):
        assert word in done.out
    first = seen["entries"][0]
    assert f"{first['date'] or '(no date)'}  {first['title']}" in done.out
    assert "next" in seen
    assert shell.run("sources", "list", "--json").json == []


def test_without_a_terminal_nothing_is_stored_and_nothing_hangs(shell, land):
    """A script that forgot --yes sees what would be read and ends."""
    url = land.column("feed")["url"]
    done = shell.run("sources", "add", url, stdin="y\n", code=1)

    assert done.out == ""
    assert f"{url}: 200, feed" in done.err
    assert "--yes" in done.err.splitlines()[-1]
    assert shell.run("sources", "list", "--json").json == []


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["add", "gopher://a.example/", "--yes"], 2, "gopher://a.example/"),
        (["add", "www.jiangjin.gov.cn", "--yes"], 2, "www.jiangjin.gov.cn"),
        (["test", "http://"], 2, "http://"),
        (["add", "http://127.0.0.1:1/", "--yes"], 1, "127.0.0.1"),
        (["add", "http://a.example/", "--allow-private"], 2, "QUXUN_ALLOW_NETS"),
        (["add", "http://a.example/", "--category", "gossip"], 2, "gossip"),
        (["add", "http://127.0.1.1/", "--selectors", "none.toml"], 2, "none.toml"),
        (["show", "nobody"], 1, "nobody"),
        (["pause", "nobody"], 1, "nobody"),
        (["import", "missing.tsv"], 2, "missing.tsv"),
    ],
)
def test_what_cannot_be_done_is_one_line(shell, words: list[str], code: int, told: str):
    """The thing that was wrong is named; wrong usage is told from what did not work."""
    done = shell.run("sources", *words, code=code)

    assert told in done.complaint


def test_a_source_lives_from_add_to_remove(shell, land):
    """Added twice is a conflict, paused is not polled, removed is gone."""
    url = land.column("feed")["url"]
    shell.run("sources", "add", url, "--yes", "--name", "演示 源", "--region", "江津区",
              "--category", "notice", "--authority", "media")  # fmt: skip
    again = shell.run("sources", "add", url, "--yes", "--json", code=1)
    [one] = shell.run("sources", "list", "--json").json
    table = shell.run("sources", "list")

    assert url in again.err
    assert one["name"] == "演示 源"
    assert (one["region"], one["authority"]) == ("500116", "media")
    assert "1 sources" in table.out
    shell.run("sources", "pause", one["slug"])
    paused = shell.run("poll", "--all", "--json").json
    assert paused == {"polls": [], "announcements": 0}
    shell.run("sources", "resume", url)
    assert shell.run("sources", "show", one["slug"], "--json").json["state"] == "active"
    shell.run("sources", "remove", str(one["id"]), "--yes")
    assert shell.run("sources", "list", "--json").json == []


def test_a_source_is_forgotten_only_by_who_means_it(shell):
    """A slip of the hand, or of a script, takes no source away; --yes does."""
    (shell.folder / "list.tsv").write_text(TSV, encoding="utf-8")
    shell.run("sources", "import", "list.tsv", "--json")
    before = shell.run("sources", "list", "--json").json
    slug = before[0]["slug"]
    unasked = shell.run("sources", "remove", slug, stdin="y\n", code=2)
    asked, answer = pty.openpty()
    os.write(asked, b"n\n")
    refused = subprocess.run(
        [sys.executable, "-m", "quxun", "sources", "remove", slug],
        stdin=answer, capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), **shell.settings},
    )  # fmt: skip
    os.close(asked)
    os.close(answer)

    assert "--yes" in unasked.complaint
    assert refused.returncode != 0
    assert slug in refused.stderr
    assert shell.run("sources", "list", "--json").json == before
    shell.run("sources", "remove", slug, "--yes")
    assert len(shell.run("sources", "list", "--json").json) == len(before) - 1


def test_an_announcement_is_removed_for_good_only_by_who_means_it(offline):
    """Where nobody can be asked, a command that cannot be undone says what it needs."""
    done = offline.run("announcements", "remove", "1", "--why", "law", stdin="y\n", code=2)

    assert "--yes" in done.complaint


def test_a_catalogue_is_imported_untested_and_its_bad_rows_are_told(shell):
    """Hundreds of rows from other people: each bad one is named, none stops the others."""
    (shell.folder / "list.tsv").write_text(TSV, encoding="utf-8")
    got = shell.run("sources", "import", "list.tsv", "--json").json
    rows = {one["url"]: one for one in shell.run("sources", "list", "--json").json}

    assert (got["added"], got["state"]) == (3, "untested")
    assert [line.split(":")[0] for line in got["skipped"][:2]] == ["line 4", "line 5"]
    assert "is there already" in got["skipped"][2]
    assert "全国" in got["notes"][0]
    assert rows["https://www.jiangjin.example/zwgk/"]["region"] == "500116"
    assert rows["https://www.jiangjin.example/zwgk/"]["kind"] == "column"
    assert {one["state"] for one in rows.values()} == {"untested"}
    assert shell.run("poll", "--due", "--json").json["polls"] == []


def test_what_was_exported_is_imported_again(shell):
    """A move to another machine is two commands; no cell is a formula on the way."""
    (shell.folder / "list.tsv").write_text(TSV, encoding="utf-8")
    shell.run("sources", "import", "list.tsv", "--enable")
    exported = shell.run("sources", "export").out
    urls = [one["url"] for one in shell.run("sources", "list", "--json").json]
    for url in urls:
        shell.run("sources", "remove", url, "--yes")
    (shell.folder / "again.tsv").write_text(exported, encoding="utf-8")
    again = shell.run("sources", "import", "again.tsv", "--enable", "--json").json

    assert again == {"added": 3, "state": "active", "skipped": [], "notes": []}
    assert shell.run("sources", "export").out == exported
    cells = [c for row in csv.reader(io.StringIO(exported), delimiter="\t") for c in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_feeds_of_a_reader_are_imported_from_opml(shell):
    """OPML is what feed readers export; what is no address is told, with its line."""
    (shell.folder / "feeds.opml").write_text(OPML, encoding="utf-8")
    done = shell.run("sources", "import", "feeds.opml")
    rows = {one["name"]: one for one in shell.run("sources", "list", "--json").json}

    assert done.out == "2 sources imported (untested), 1 skipped\n"
    assert "line 4: 'javascript:alert(1)'" in done.err
    assert {name: one["authority"] for name, one in rows.items()} == {
        "甲区": "official",
        "乙报": "commercial",
    }


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (BOMB.encode(), "document type"),
        (b"<opml><body>", "not well-formed"),
        ("name\turl\n甲\thttp://a.example/".encode("gb18030"), "UTF-8"),
        (b"just some words\n", '"url"'),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_whole(shell, content: bytes, told: str):
    """An entity bomb above all; nothing is half imported."""
    (shell.folder / "list").write_bytes(content)

    assert told in shell.run("sources", "import", "list", code=2).complaint


def test_the_catalogue_we_ship_can_be_imported(shell):
    """Facts about real portals, waiting to be tested."""
    got = shell.run("sources", "import", "catalogue", "--json").json

    assert got["added"] > 100
    assert got["skipped"] == []


def test_a_poll_prints_what_came_and_names_what_failed(shell, land):
    """A table for people, one document for scripts, the reason beside each failure."""
    good = land.column("feed")["url"]
    shell.run("sources", "add", good, "--yes")
    (shell.folder / "bad.tsv").write_text(
        f"name\turl\tkind\n坏\t{good.rsplit('/', 1)[0]}/nothing-here.xml\tfeed\n", encoding="utf-8"
    )
    shell.run("sources", "import", "bad.tsv", "--enable")
    got = shell.run("poll", "--all", "--no-articles", "--json").json
    again = shell.run("poll", good)
    usage = shell.run("poll", code=2)

    by_outcome = {one["outcome"]: one for one in got["polls"]}
    assert by_outcome["read"]["found"] > 0
    assert by_outcome["read"]["new"] == by_outcome["read"]["found"]
    assert "404" in by_outcome["failed"]["problem"]
    assert "1 polls, 0 new entries" in again.out
    assert "--all" in usage.complaint


def test_a_person_at_a_terminal_is_shown_and_asked(shell, land):
    """What would be read stands there before the question; no is an answer, yes stores."""
    url = land.column("feed")["url"]
    refused = at_terminal(shell, "n\n", "sources", "add", url)
    nothing = shell.run("sources", "list", "--json").json
    stored = at_terminal(shell, "y\n", "sources", "add", url)

    assert refused.index(f"{url}: 200, feed") < refused.index("Store this source?")
    assert nothing == []
    assert "stored " in stored
    assert len(shell.run("sources", "list", "--json").json) == 1


def at_terminal(shell, typed: str, *words: str) -> str:
    """What a person sees who types that at a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "quxun", *words],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=shell.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **shell.settings},
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, typed.encode())
    seen = b""
    try:
        while part := os.read(ours, 65536):
            seen += part
    except OSError:  # Linux says so when the other side is closed
        pass
    os.close(ours)
    process.wait(120)
    return seen.decode()


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        ('rows = "li"\nrwos = "li"', 2, "rwos"),
        ("rows = 3", 2, "rows"),
        ('rows = "li:::first"', 2, "li:::first"),
        ('title = "a"', 2, "give rows too"),
        ('rows = ".no-such-row"', 1, "rows = '.no-such-row'"),
        ('rows = "a[href]"\ndate = ".never"', 1, "date = '.never'"),
        ('article_title = ".never"', 1, "article_title = '.never'"),
    ],
)
def test_a_selector_that_cannot_be_or_names_nothing_is_one_line(
    shell, land, content: str, code: int, told: str
):
    """Before it is stored: the name of the selector, what it is, and what was read instead."""
    url = land.column("column", family="trs")["url"]
    (shell.folder / "told.toml").write_text(content, encoding="utf-8")

    tested = shell.run("sources", "test", url, "--selectors", "told.toml", code=code)
    assert told in tested.err.splitlines()[-1]
    shell.run("sources", "add", url, "--yes")
    edited = shell.run("sources", "edit", url, "--selectors", "told.toml", code=code)
    assert told in edited.err.splitlines()[-1]
    assert shell.run("sources", "show", url, "--json").json["selectors"] == {}


def test_a_source_is_edited_and_shown_with_what_was_learned(shell, land):
    """New selectors are tried on the list and on its first article before they are kept; what is
    learned stands beside what was given, and another address is one command.
    """
    url = land.column("column", family="trs")["url"]
    other = land.column("column", family="boda")["url"]
    added = shell.run("sources", "add", url, "--yes", "--json").json["source"]
    (shell.folder / "told.toml").write_text(
        "rows = \"a[href^='./2']\"\narticle_title = 'title'\n", encoding="utf-8"
    )
    got = shell.run(
        "sources", "edit", added["slug"], "--selectors", "told.toml", "--yes", "--json"
    ).json
    shown = shell.run("sources", "show", added["slug"])
    moved = shell.run(
        "sources", "edit", url, "--url", other, "--no-selectors", "--yes", "--json"
    ).json["source"]
    taken = shell.run("sources", "add", other, "--yes", code=1)

    assert got["probe"]["missed"] == []
    assert got["probe"]["rows"] > 0
    assert got["probe"]["article"]["title"]
    assert got["source"]["selectors"] == {"rows": "a[href^='./2']", "article_title": "title"}
    assert "selectors: rows = a[href^='./2'], article_title = title" in shown.out
    assert "learned: rows = " in shown.out
    assert "redesign: none seen" in shown.out
    assert (moved["id"], moved["url"], moved["selectors"]) == (added["id"], other, {})
    assert "is there already" in taken.err.splitlines()[-1]


def test_a_redesign_is_told_by_the_poll_and_by_the_source(shell, land):
    """What was, what is, since when: an operator who comes a week later reads it there."""
    one = next(c for c in land.served.country.portals[-1].columns if c.kind == "column")
    url = land.served.url(one)
    slug = shell.run("sources", "add", url, "--yes", "--json").json["source"]["slug"]
    shell.run("poll", slug, "--no-articles")
    land.redesign(one.host)
    polled = shell.run("poll", slug, "--no-articles", "--json").json["polls"][0]
    shown = shell.run("sources", "show", slug)
    answer = shell.run("sources", "show", slug, "--json").json

    assert (polled["new"], polled["problem"]) == (0, None)
    assert polled["moved"] > 0
    assert "redesign: " in shown.out
    assert "redesigned, learned again" in shown.out
    assert f"{polled['moved']} known notices stand under new addresses" in shown.out
    assert answer["redesign"]["moved"] == polled["moved"]
    assert answer["redesign"]["at"]
