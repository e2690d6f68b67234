"""The commands an operator has when the pages are not at hand: runs, hold, release, resend."""

from __future__ import annotations

import psycopg
import pytest


@pytest.fixture
def run(shell):
    """A daily run with one mail that was sent and one that failed: its number and theirs."""
    with psycopg.connect(shell.settings["QUXUN_DATABASE_URL"], autocommit=True) as connection:
        number = connection.execute(
            "insert into runs (frequency, due_at, planned_at, people_due, people_planned)"
            " values ('daily', now(), now(), 5, 2) returning id"
        ).fetchone()[0]
        mails = [
            connection.execute(
                "insert into outbox (key, lane, state, recipient, mail, message_id, created_at,"
                " due_at, run_id, domain, attempts, answer) values (%s, 2, %s, %s, '{}', %s,"
                " now(), now(), %s, 'a.example', 1, %s) returning id",
                (state, state, f"{state}@a.example", f"<{state}@q>", number, answer),
            ).fetchone()[0]
            for state, answer in (("sent", "250 ok"), ("failed", "550 no such user"))
        ]
    return number, *mails


def test_a_run_is_shown_without_whole_addresses(shell, run):
    """How many are where, the answers, and nobody's address in a terminal's history."""
    number, _, failed = run
    [listed] = shell.run("digest", "runs", "--json").json
    got = shell.run("digest", "run", str(number), "--json").json
    words = shell.run("digest", "run", str(number)).out

    assert listed["run"] == number
    assert listed["not_sent"] == {"failed": 1}
    assert got["states"] == {"sent": 1, "failed": 1}
    assert (got["people_due"], got["people_without"]) == (5, 3)
    assert [(m["mail"], m["to"], m["answer"]) for m in got["listed"]] == [
        (failed, "f…@a.example", "550 no such user")
    ]
    assert "failed@a.example" not in words + str(got)
    assert "550 no such user" in words
    assert "there is no run 99" in shell.run("digest", "run", "99", code=1).complaint
    wrong = shell.run("digest", "run", str(number), "--state", "sending", code=2).complaint
    assert "'queued', 'claimed', 'handed', 'sent'" in wrong


def test_mail_is_held_and_let_go(shell, run):
    """Held mail is ill in the doctor's eyes until it is released."""
    number = str(run[0])
    shell.run("digest", "hold", "--why", "wrong figures")
    shell.run("digest", "hold", number, "--why", "wrong words")
    again = shell.run("digest", "hold").out
    assert "held already (wrong figures, since " in again
    assert "held already (wrong words)" in shell.run("digest", "hold", number).out
    looked = {one["what"]: one for one in shell.run("doctor", "--json", code=1).json}

    assert not looked["hold"]["well"]
    assert "wrong figures" in looked["hold"]["words"]
    assert "HELD" in shell.run("digest", "runs").out
    assert f"run {number}" in shell.run("digest", "release").out
    assert shell.run("digest", "run", number, "--json").json["held"] == "wrong words"
    assert "released" in shell.run("digest", "release", number).out
    assert "was not held" in shell.run("digest", "release", number).out
    assert shell.run("digest", "release", "99", code=1).complaint
    assert shell.run("digest", "hold", "99", code=1).complaint


def test_one_mail_is_sent_again(shell, run):
    """A failed one at once; a sent one only when that is said."""
    _, sent, failed = run

    assert shell.run("digest", "resend", str(failed), "--json").json == {
        "mail": failed, "state": "queued", "resends": 1,
    }  # fmt: skip
    assert "--again" in shell.run("digest", "resend", str(sent), code=1).complaint
    assert shell.run("digest", "resend", str(sent), "--again", "--json").json["resends"] == 1
    assert shell.run("digest", "resend", "999", code=1).complaint


def test_a_mail_that_waits_for_the_operator_is_left_as_it_is(shell, run):
    """Another one is not: a number mistyped is told."""
    _, _, failed = run
    assert "does not wait for you" in shell.run("digest", "dismiss", str(failed), code=1).complaint
    with psycopg.connect(shell.settings["QUXUN_DATABASE_URL"], autocommit=True) as connection:
        connection.execute("update outbox set answer = 'given up after 72 h: 450 4.2.0 later'")

    assert "it stays as it is" in shell.run("digest", "dismiss", str(failed)).out
    assert shell.run("digest", "dismiss", str(failed), code=1).complaint
    assert shell.run("digest", "dismiss", "999", code=1).complaint


def test_a_preview_of_nothing_says_so(shell):
    """No line that reads like a mail named None."""
    shell.run("subscribers", "add", "reader@inbox.example", "--frequency", "daily", "--confirmed")
    who = ("--subscriber", "reader@inbox.example")

    assert "nothing new" in shell.run("digest", "preview", *who).out
    weekly = shell.run("digest", "preview", *who, "--frequency", "weekly", code=2)
    assert "has no weekly wish" in weekly.complaint
    assert shell.run("digest", "preview", *who, "--json").json == {"subject": None, "items": 0}


def _runs(shell):
    with psycopg.connect(shell.settings["QUXUN_DATABASE_URL"]) as connection:
        return connection.execute("select count(*) from runs").fetchone()[0]


def test_runs_of_everybody_are_planned_at_no_time_to_come(shell):
    """They would be taken from everybody who is in them. One reader may be served ahead."""
    shell.run("subscribers", "add", "reader@inbox.example", "--frequency", "daily", "--confirmed")

    for command in ("plan", "send"):
        refused = shell.run("digest", command, "--at", "2999-01-01T08:30+08:00", code=2)
        assert "still to come" in refused.complaint
    assert _runs(shell) == 0
    ahead = ("--at", "2999-01-01T08:30+08:00", "--subscriber", "reader@inbox.example")
    assert shell.run("digest", "plan", *ahead, "--json").json == {"planned": 0}
    assert shell.run("digest", "plan", "--json").json == {"planned": 0}
    assert _runs(shell) > 0


_ANNOUNCED = """
insert into announcements (uuid, source_name, title, title_key, url, posted_at, sort_at, kind,
  categories, regions, region_roll, authority, excluded, novelty, substance_hash, draft, search,
  change, announced_change, first_seen_at, announced_at, changed_at)
select gen_random_uuid(), '', '通知甲', '', 'http://a.example/1', now(), now(), 'policy', '{}',
  array['500116'], array['500116'], 'official', false, 'news', '',
  '{"title": "通知甲", "url": "http://a.example/1", "posted_at": null}', '', n, n, now(), now(), now()
from nextval('change_number') n;
create function torn() returns trigger language plpgsql as $$ begin raise 'torn'; end $$;
create trigger torn before insert on editions for each row execute function torn();
"""


def test_a_reader_who_could_not_be_planned_is_no_reader_without_news(shell):
    """An answer of "planned 0" and exit code 0 would say that all is well."""
    shell.run("subscribers", "add", "reader@inbox.example", "--frequency", "daily", "--confirmed")
    with psycopg.connect(shell.settings["QUXUN_DATABASE_URL"], autocommit=True) as connection:
        connection.execute(_ANNOUNCED)

    for command in ("plan", "send"):
        done = shell.run(
            "digest", command, "--subscriber", "reader@inbox.example", code=1, log_level="CRITICAL"
        )
        assert done.out.startswith("planned 0")
        [line] = done.err.splitlines()
        assert "the daily digest of reader@inbox.example could not be planned" in line
