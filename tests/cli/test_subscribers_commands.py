"""Subscribers from the shell: added, shown, imported, exported, erased."""

from __future__ import annotations

import csv
import io

import psycopg
import pytest


def test_subscribers_are_added_shown_and_suppressed(shell):
    """A confirming mail is due unless they confirmed to the operator."""
    new = shell.run("subscribers", "add", "a@inbox.example", "--filter", "region=500116&kind=policy",
                    "--frequency", "weekly", "--json").json  # fmt: skip
    shell.run("subscribers", "add", "b@inbox.example", "--confirmed")
    shell.run("subscribers", "suppress", "b@inbox.example", "--reason", "bounced")
    rows = shell.run("subscribers", "list", "--json").json
    shown = shell.run("subscribers", "show", "A@Inbox.example", "--json").json

    assert new["state"] == "pending"
    [wish] = new["subscriptions"]
    assert (wish["filter"], wish["frequency"]) == ("kind=policy&region=500116", "weekly")
    assert shell.run("stats", "--json").json["mails_waiting"] == 1
    assert [(one["email"], one["suppressed"]) for one in rows] == [
        ("a@inbox.example", None),
        ("b@inbox.example", "bounced"),
    ]
    assert shown == {name: value for name, value in new.items() if name != "added"}


def test_a_subscriber_is_added_whole_and_shown_in_lines(shell):
    """An operator who signs readers up by telephone sets their hour, and reads it again."""
    wish = ("--filter", "region=500116&q=储能 电池", "--frequency", "weekly", "--confirmed")
    when = ("--timezone", "Europe/Berlin", "--hour", "7", "--minute", "15", "--weekday", "fri",
            "--language", "en", "--reminders")  # fmt: skip
    assert "added" in shell.run("subscribers", "add", "a@inbox.example", *wish, *when).out
    lines = shell.run("subscribers", "show", "a@inbox.example").out
    assert "07:15 Europe/Berlin, weekly mails on Fri" in lines
    assert "reminders of deadlines: yes" in lines
    assert "q=储能&q=电池" in lines
    assert "{" not in lines
    again = shell.run("subscribers", "add", "a@inbox.example", *wish)
    assert "nothing was added" in again.out
    assert shell.run("stats", "--json").json["mails_waiting"] == 0
    for bad in (["--weekday", "8"], ["--language", "fr"], ["--minute", "7"], ["--timezone", "X/Y"]):
        assert bad[0].strip("-") in shell.run(
            "subscribers", "add", "b@inbox.example", "--confirmed", *bad, code=2
        ).complaint  # fmt: skip


def test_a_wish_that_ended_is_not_listed_as_if_it_went_on(shell):
    """The state of a person says that they confirmed once, not that mail comes."""
    shell.run("subscribers", "add", "dora@inbox.example", "--confirmed")
    assert "(ended)" not in shell.run("subscribers", "list").out
    with psycopg.connect(shell.settings["QUXUN_DATABASE_URL"]) as connection:
        connection.execute(
            "update subscriptions set state = 'ended', ended_at = now(), end_reason = 'one-click'"
        )
    assert "(ended)" in shell.run("subscribers", "list").out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["add", "not an address"], 2, "address"),
        (["add", "a@inbox.example", "--filter", "colour=red"], 2, "colour"),
        (["add", "a@inbox.example", "--frequency", "hourly"], 2, "hourly"),
        (["show", "no@one.example"], 1, "no subscriber"),
        (["erase", "no@one.example"], 1, "no subscriber"),
        (["import", "missing.csv"], 2, "missing.csv"),
    ],
)
def test_a_wrong_subscriber_is_one_line(shell, words: list[str], code: int, told: str):
    """The thing that was wrong is named."""
    assert told in shell.run("subscribers", *words, code=code).complaint


def test_erasing_leaves_no_address_anywhere(shell):
    """The law's right and our promise: not in rows, not in the queue, not in an export."""
    shell.run("subscribers", "add", "erika@inbox.example")
    shell.run("subscribers", "erase", "erika@inbox.example")

    with psycopg.connect(shell.settings["QUXUN_DATABASE_URL"]) as connection:
        tables = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'public'"
        ).fetchall()
        for (table,) in tables:
            rows = connection.execute(f'select t::text from "{table}" t').fetchall()
            assert not [row for row in rows if "erika" in row[0].lower()], table
        deeds = connection.execute("select who, what from audit").fetchall()
    assert deeds == [("command", "subscriber added"), ("command", "erase")]
    assert "erika" not in shell.run("subscribers", "export").out


def test_subscribers_survive_export_and_import_and_are_no_formulas(shell):
    """A spreadsheet opens the export; what begins with = must stay text there, and come back."""
    given = (
        "email,filter,frequency,state,timezone,hour,minute,weekday,language,reminders\n"
        "'=cmd@inbox.example,q=储能&region=500116,daily,active,Europe/Berlin,7,15,sun,en,yes\n"
        "b@inbox.example,,weekly,active\n"
        "nobody,,daily,active\n"
        "c@inbox.example,,hourly,active\n"
        "d@inbox.example,,daily,ended\n"
    )
    (shell.folder / "given.csv").write_text("\ufeff" + given, encoding="utf-8")
    done = shell.run("subscribers", "import", "given.csv", "--confirmed", "--json", code=1)
    exported = shell.run("subscribers", "export").out
    (shell.folder / "again.csv").write_text(exported, encoding="utf-8")
    again = shell.run("subscribers", "import", "again.csv", "--confirmed", "--json").json

    assert done.json["added"] == 2
    assert (again["added"], again["there"]) == (0, 2)
    assert "q=储能&region=500116,daily,active,Europe/Berlin,7,15,sun,en,yes" in exported
    assert [line.split(":")[0] for line in done.json["refused"]] == ["line 4", "line 5", "line 6"]
    assert shell.run("subscribers", "export").out == exported
    cells = [cell for row in csv.reader(io.StringIO(exported)) for cell in row]
    assert "'=cmd@inbox.example" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_evidence_of_consent_comes_with_an_import_and_stays_with_the_person(shell):
    """Who imports a list can show years later how each of them agreed."""
    given = "email,filter,consent\na@inbox.example,,表格 2026-03-01\nb@inbox.example,,\n"
    (shell.folder / "given.csv").write_text(given, encoding="utf-8")
    done = shell.run("subscribers", "import", "given.csv", "--confirmed")
    assert "1 lines say nothing" in done.err

    held = shell.run("subscribers", "data", "a@inbox.example").json
    assert held["subscriber"]["consent"] == "表格 2026-03-01"
    assert held["subscriptions"][0]["wish"] == "everything"
    shell.run("subscribers", "erase", "a@inbox.example")
    ended = shell.run("subscribers", "endings", "--json").json
    assert ended == [{"reason": "erased", "why": None, "count": 1}]
