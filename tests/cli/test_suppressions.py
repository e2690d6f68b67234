"""Which addresses get no mail: seen, changed and carried elsewhere by command."""

from __future__ import annotations

import csv
import io

import psycopg


def test_a_list_that_an_operator_keeps(shell):
    """Added, seen with its reason, taken back, and still in the history."""
    shell.run("suppressions", "add", "A@Inbox.example", "--reason", "=asked by letter")
    shell.run("subscribers", "suppress", "b@inbox.example")
    held = shell.run("suppressions", "list", "--json").json
    table = shell.run("suppressions", "list")
    rows = list(csv.DictReader(io.StringIO(shell.run("suppressions", "export").out)))

    assert {(one["email"], one["kind"], one["reason"]) for one in held} == {
        ("a@inbox.example", "operator", "=asked by letter"),
        ("b@inbox.example", "operator", "operator"),
    }
    assert "asked by letter" in table.out
    assert {row["reason"] for row in rows} == {"'=asked by letter", "operator"}

    shell.run("suppressions", "remove", "a@inbox.example", "--by", "Li")
    with psycopg.connect(shell.settings["QUXUN_DATABASE_URL"]) as connection:
        deeds = connection.execute("select who, what, about from audit order by id").fetchall()
    assert deeds == [
        ("command", "suppress", "a…@inbox.example"),
        ("command", "suppress", "b…@inbox.example"),
        ("command: Li", "lift", "a…@inbox.example"),
    ]
    [lifted] = shell.run("suppressions", "list", "--lifted", "--json").json
    assert (lifted["email"], lifted["lifted_by"]) == ("a@inbox.example", "Li")
    assert len(shell.run("suppressions", "list", "--json").json) == 1
    assert shell.run("stats", "--json").json["suppressions"] == 1


def test_what_is_wrong_is_told_in_a_line(shell):
    """No address, nobody held back, nowhere to listen."""
    assert "address" in shell.run("suppressions", "add", "not one", code=2).complaint
    assert "suppressions list" in shell.run(
        "suppressions", "remove", "a@inbox.example", code=1
    ).complaint  # fmt: skip
    assert "QUXUN_BOUNCE_LISTEN" in shell.run("bounces", code=1).complaint
    told = shell.run("bounces", code=1, bounce_listen="127.0.0.1:2424").complaint
    assert "QUXUN_BOUNCE_DOMAIN" in told
    for name, value in (
        ("bounce_listen", "here"), ("bounce_imap", "imap.example"), ("post_secret", "short-one"),
    ):  # fmt: skip
        complaint = shell.run("stats", code=1, **{name: value}).complaint
        assert f"QUXUN_{name.upper()}" in complaint
        assert "imap.example (" not in complaint
        assert "short-one" not in complaint
    assert "ILL bounces" in shell.run(
        "doctor", code=1, bounce_listen="127.0.0.1:1", bounce_domain="b.example"
    ).out  # fmt: skip


def test_the_doctor_does_not_speak_for_a_service_of_another_shell(shell, tmp_path):
    """What this shell was not told may be set where the service was started."""
    alone = shell.run("doctor", "--json", home=str(tmp_path)).json
    (tmp_path / "service.json").write_text("{}", encoding="utf-8")
    beside = shell.run("doctor", "--json", home=str(tmp_path)).json
    for found, said in ((alone, False), (beside, True)):
        words = {one["what"]: one["words"] for one in found}
        for what in ("dkim", "bounces"):
            assert ("the running service may have others" in words[what]) is said, what


def test_what_is_no_address_is_not_suppressed(shell):
    """A slip that is taken for an address lets mail go on to the one that was meant."""
    for command in (("subscribers", "suppress"), ("suppressions", "add")):
        assert "name@example.org" in shell.run(*command, "nonsense", code=2).complaint
    assert shell.run("suppressions", "list", "--json").json == []
