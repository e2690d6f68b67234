"""From a source to a mail by commands alone: announcements, feeds, digests, subscribers."""

from __future__ import annotations

import json
import re
import socket
import xml.etree.ElementTree as ET
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

pytestmark = pytest.mark.xdist_group("cli-story")
READER = "reader@inbox.example"


class Inbox:
    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802  # aiosmtpd's
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 kept"


@pytest.fixture(scope="module")
def inbox():
    """A mail server that keeps what it is given."""
    kept = Inbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    yield kept, f"smtp://127.0.0.1:{port}"
    controller.stop()


@pytest.fixture(scope="module")
def town(empty_town, land, inbox):
    """A service with three sources polled, one reader, and one notice that came since."""
    shell = empty_town
    shell.settings["QUXUN_SMTP_URL"] = inbox[1]
    columns = [one for one in land.served.columns() if one["kind"] in {"feed", "column"}][:3]
    rows = "".join(f"{c['name']}\t{c['url']}\t{c['kind']}\t{c['authority']}\n" for c in columns)
    (shell.folder / "list.tsv").write_text(f"name\turl\tkind\tauthority\n{rows}", encoding="utf-8")
    shell.run("sources", "import", "list.tsv", "--enable")
    first = shell.run("poll", "--all", "--json").json
    assert first["announcements"] > 0
    shell.run("subscribers", "add", READER, "--frequency", "daily", "--confirmed")
    ours = {column["url"] for column in columns}
    for _ in range(200):
        notice = land.publish()
        shown = land.served.country.sightings(notice.id)
        if any(land.served.url(column) in ours for column, _, gone in shown if not gone):
            break
    second = shell.run("poll", "--all", "--json").json
    assert second["announcements"] > 0
    return shell


@pytest.fixture(scope="module")
def one(town):
    """The announcement that came last."""
    found = town.run("search", "的", "--limit", "1000", "--json").json
    assert found["total"] == len(found["announcements"])
    return next(a for a in found["announcements"] if a["novelty"] == "news")


def test_search_finds_by_words_and_filter(town, one):
    """All words must stand in it, the filter holds besides."""
    found = town.run("search", one["title"][:8], "--json").json
    none = town.run(
        "search", one["title"][:8], "--filter", "posted_after=2099-01-01", "--json"
    ).json
    table = town.run("search", one["title"][:8])
    alone = town.run("search", "--filter", f"kind={one['kind']}", "--limit", "1000", "--json").json

    assert one["id"] in [a["id"] for a in found["announcements"]]
    assert none == {"total": 0, "counted": True, "announcements": []}
    assert one["id"] in [a["id"] for a in alone["announcements"]]
    assert {a["kind"] for a in alone["announcements"]} == {one["kind"]}
    assert one["id"] in table.out
    assert "colour" in town.run("search", "x", "--filter", "colour=red", code=2).complaint


def test_show_prints_one_announcement_whole(town, one):
    """The shape of extract, and where it was seen."""
    got = town.run("show", one["id"], "--json").json

    assert {"title", "date", "facts", "sightings", "revisions", "novelty", "url"} <= set(got)
    assert {"cites", "cited_by", "rulings", "merged_into"} <= set(got)
    assert got["sightings"][0]["source"]
    lines = town.run("show", one["id"]).out
    assert one["title"] in lines
    assert not re.search(r"[\[{]'|': |\bNone\b|\(\)", lines)
    assert "quxun search" in town.run("show", "0", code=1).complaint
    assert "nonsense" in town.run("show", "nonsense", code=1).complaint


def test_what_is_merged_by_hand_is_one_and_can_be_split_again(town, one):
    """The older id lives and says why; the other shows where it went; a split makes a new one."""
    found = town.run("search", "的", "--limit", "1000", "--json").json["announcements"]
    first, second = [a for a in found if a["id"] != one["id"] and len(a["sightings"]) == 1][:2]
    merged = town.run(
        "announcements",
        "merge",
        first["id"],
        second["id"],
        "--why",
        "同一事项",
        "--by",
        "值班员",
        "--json",
    ).json
    [lost] = {first["id"], second["id"]} - {merged["id"]}
    shown = town.run("show", merged["id"], "--json").json
    gone = first if first["id"] == lost else second

    assert {s["url"] for s in merged["sightings"]} == {first["url"], second["url"]}
    assert town.run("show", lost, "--json").json["merged_into"] == merged["id"]
    assert [(r["verdict"], r["by"], r["why"]) for r in shown["rulings"]] == [
        ("merge", "值班员", "同一事项")
    ]

    made = town.run(
        "announcements",
        "split",
        merged["id"],
        "--sighting",
        gone["url"],
        "--why",
        "看错了",
        "--json",
    ).json
    assert made["title"] == gone["title"]
    assert made["id"] not in {first["id"], second["id"]}
    wrong = ("announcements", "split", one["id"], "--sighting", "http://x.example/", "--why", "x")
    assert "quxun show" in town.run(*wrong, code=2).complaint


@pytest.mark.parametrize("form", ["atom", "rss", "json", "opml"])
def test_feeds_are_printed_as_they_are_served(town, form: str):
    """A site without our web server can still publish files."""
    done = town.run("feed", "all", "--format", form)

    if form == "json":
        assert done.json["items"]
    else:
        assert ET.fromstring(done.out.encode()) is not None
    assert done.err == ""


def test_deadlines_are_printed_as_a_calendar(town):
    """A site without our web server can publish calendars, too: of a feed and of any filter."""
    for name in ("policies", "deadlines", "deadlines?kind=policy"):
        printed = town.run("feed", name, "--format", "ics").out.splitlines()
        assert (printed[0], printed[-1]) == ("BEGIN:VCALENDAR", "END:VCALENDAR")
    wrong = town.run("feed", "deadlines?colour=red", "--format", "ics", code=2)
    assert "colour" in wrong.complaint


def test_a_feed_that_is_not_there_is_one_line(town):
    """The name that was asked for, and what there is."""
    assert "gossip" in town.run("feed", "gossip", code=1).complaint
    assert "ics2" in town.run("feed", "all", "--format", "ics2", code=2).complaint
    assert town.run("feed", "search?q=的", "--format", "json").json["items"]


def test_stats_count_what_is_there(town):
    """Numbers an operator watches."""
    got = town.run("stats", "--json").json

    assert got["sources"] == 3
    assert got["announcements"] > 0
    assert "announcements" in town.run("stats").out


def test_doctor_is_well_when_all_is(town):
    """Every part is looked at."""
    done = town.run("doctor", "--json")

    assert {part["what"] for part in done.json} == {
        "database", "clock", "broker", "smtp", "disk", "duplicates", "webhooks",
        "alarms", "hold", "bounces", "dkim",
    }  # fmt: skip
    assert [part["words"] for part in done.json if not part["well"]] == []


def test_doctor_says_how_to_mend_what_is_ill(town):
    """Exit 1, still one document, and the variable to look at in each ill part's words."""
    done = town.run(
        "doctor", "--json", code=1,
        database_url="postgresql://nobody@127.0.0.1:1/none",
        broker_url="redis://127.0.0.1:1/0", smtp_url="smtp://127.0.0.1:1",
    )  # fmt: skip
    ill = {part["what"]: part["words"] for part in done.json if not part["well"]}

    assert set(ill) == {"database", "clock", "broker", "smtp"}
    assert "QUXUN_DATABASE_URL" in ill["database"]
    assert "QUXUN_BROKER_URL" in ill["broker"]
    assert "QUXUN_SMTP_URL" in ill["smtp"]
    assert "database" in done.err


def test_an_empty_database_is_told_to_migrate(town, servers):
    """A new operator's first command must not end in a traceback."""
    empty = servers.database.replace("/quxun?", "/postgres?")
    done = town.run("stats", code=1, database_url=empty)

    assert "quxun migrate" in done.complaint


def test_a_digest_is_previewed_then_sent_once(town, one, inbox):
    """Preview writes nothing; send delivers; a second send has nothing more to say."""
    kept, _ = inbox
    why_before = town.run("why", one["id"], READER, "--json").json["why"]
    preview = town.run("digest", "preview", "--subscriber", READER, "--eml", "a.eml", "--json").json
    untouched = town.run("stats", "--json").json
    sent = town.run("digest", "send", "--subscriber", READER, "--eml", "b.eml", "--json").json
    again = town.run("digest", "send", "--subscriber", READER, "--json").json
    why_after = town.run("why", one["id"], READER)

    assert any("owed" in line for line in why_before)
    assert preview["items"] >= 1
    assert one["title"][:6] in preview["text"]
    assert (untouched["mails_sent"], untouched["mails_waiting"], untouched["ledger"]) == (0, 0, 0)
    assert sent == {"planned": 1, "sent": 1}
    assert again == {"planned": 0}
    [mail] = kept.mails
    assert mail["To"] == READER
    assert mail["Subject"] == preview["subject"]
    assert "in the ledger as news" in why_after.out
    for name in ("a.eml", "b.eml"):
        written = message_from_bytes((town.folder / name).read_bytes(), policy=policy.default)
        assert written["Subject"] == preview["subject"]
    assert town.run("digest", "preview", "--subscriber", READER, "--json").json == {
        "subject": None,
        "items": 0,
    }


def test_a_plan_takes_a_time_and_says_what_is_wrong_with_it(town):
    """As if it were then; a time without an offset is no time."""
    assert town.run("digest", "plan", "--json").json["planned"] >= 0
    assert "offset" in town.run("digest", "plan", "--at", "2026-11-26T08:30", code=2).complaint
    assert "monday" in town.run("digest", "plan", "--at", "monday", code=2).complaint
    assert "--subscriber" in town.run("digest", "preview", code=2).complaint
    assert "--subscriber" in town.run("digest", "send", "--eml", "x.eml", code=2).complaint
    assert town.run("digest", "preview", "--subscriber", "no@one.example", code=1).complaint


def test_a_wish_is_tried_from_the_shell_as_on_the_page(town, one):
    """An operator who adds a reader sees first what that reader would get."""
    tried = town.run("subscribers", "try", "", "--json").json
    assert one["id"] in [found["id"] for found in tried["announcements"]]
    assert tried["counted"]
    assert 1 <= tried["mails"]["daily"] <= tried["total"]
    none = town.run("subscribers", "try", "q=这样的公告没有", "--limit", "0", "--json").json
    assert (none["total"], none["announcements"]) == (0, [])
    assert "region" in town.run("subscribers", "try", "region=nowhere", code=2).complaint


def test_json_is_one_document_with_logs_elsewhere(town):
    """A pipe into a JSON reader must work with the most talkative log."""
    done = town.run("poll", "--all", "--json", log_level="DEBUG")

    assert json.loads(done.out)["polls"]


def test_migrate_can_run_again(town):
    """Deployments run it every time."""
    assert town.run("migrate").out == "the database is up to date\n"
    assert Path(town.folder).is_dir()
