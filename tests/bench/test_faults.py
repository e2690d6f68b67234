"""The bench that kills: its verdict on books and mails, its mail server, and a short run of it."""

from __future__ import annotations

import json
import random
import smtplib
import socket
import subprocess
import sys
from dataclasses import replace

import pytest

from aggregator.settings import inherited_environment
from quxun.bench.battered import VICTIMS, order_of
from quxun.bench.inbox import arrivals
from quxun.bench.verdict import Book, Copy, judge

BOOK = Book(
    mail_id=1, message_id="<1@q>", recipient="r1@firm.example", subscriber_id=7, state="sent",
    was_ambiguous=False, answer="250 kept", over=True,
)  # fmt: skip
COPY = Copy(message_id="<1@q>", recipient="r1@firm.example", items=frozenset({"a", "b"}), words="w")
OWED = {(7, "a"), (7, "b")}
DOUBTED = replace(BOOK, was_ambiguous=True)
SECOND = replace(BOOK, mail_id=2, message_id="<2@q>")


def _judge(books, copies, *, ledger=None, owed=OWED):
    return judge(books, copies, ledger=ledger if ledger is not None else {1: OWED}, owed=owed)


@pytest.mark.parametrize(
    ("books", "copies"),
    [
        ([BOOK], [COPY]),
        ([DOUBTED], [COPY, COPY]),
        ([replace(DOUBTED, state="ambiguous")], []),
        ([replace(BOOK, state="failed", answer="550 nobody")], []),
        ([replace(SECOND, state="merged", answer="went into <1@q>"), BOOK], [COPY]),
    ],
)
def test_kept_promises_are_not_complained_of(books, copies):
    """Once, twice after a doubt, or not at all for a reason that is written down."""
    assert _judge(books, copies).broken == ()


@pytest.mark.parametrize(
    ("words", "books", "copies", "more"),
    [
        ("lost, though it is sent", [BOOK], [], {}),
        ("lost, though it is queued", [replace(BOOK, state="queued", over=False)], [], {}),
        ("lost, though it is failed", [replace(BOOK, state="failed", answer="")], [], {}),
        ("still handed", [replace(BOOK, state="handed", over=False)], [COPY], {}),
        ("though it was never in doubt", [BOOK], [COPY, COPY], {}),
        ("arrived 3 times", [DOUBTED], [COPY, COPY, COPY], {}),
        ("arrived, though it is merged", [replace(BOOK, state="merged")], [COPY], {}),
        ("arrived, though it is failed", [replace(BOOK, state="failed")], [COPY], {}),
        ("somebody else's", [BOOK], [replace(COPY, recipient="r2@firm.example")], {}),
        ("different things", [DOUBTED], [COPY, replace(COPY, words="others")], {}),
        ("not in the outbox", [BOOK], [COPY, replace(COPY, message_id="<9@q>")], {}),
        ("what the ledger does not", [BOOK], [COPY], {"ledger": {1: {(7, "a")}}}),
        ("all that the ledger does", [BOOK], [replace(COPY, items=frozenset("a"))], {}),
        ("never planned", [BOOK], [COPY], {"owed": OWED | {(7, "c")}}),
        ("planned and not owed", [BOOK], [COPY], {"owed": {(7, "a")}}),
        (
            "news in several mails",
            [BOOK, SECOND], [COPY, replace(COPY, message_id="<2@q>")],
            {"ledger": {1: OWED, 2: OWED}},
        ),
    ],
)  # fmt: skip
def test_each_broken_promise_is_named(words, books, copies, more):
    """A bench that cannot fail proves nothing."""
    assert words in "; ".join(_judge(books, copies, **more).broken)


def test_every_victim_is_killed_an_eighth_of_the_times():
    """Chance must not leave anything out; the same seed kills in the same order."""
    order = order_of(200, random.Random(3))

    assert len(order) == 200
    assert min(order.count(one) for one in VICTIMS) >= 25
    assert order == order_of(200, random.Random(3))


def test_what_a_kill_cut_short_is_not_counted_as_kept(tmp_path):
    """The file is the judge: what is in it whole arrived, whatever the sender was told."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "quxun.bench.inbox", str(tmp_path), str(port), "0"],
        env=inherited_environment(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout.readline() == "listening\n"
        with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
            for name in ("one", "two"):
                client.sendmail(
                    "a@firm.example", [f"{name}@firm.example"], f"Subject: {name}\n\n.\n"
                )
    finally:
        process.kill()
        process.communicate()
    [kept] = tmp_path.glob("*.kept")
    assert [(one.recipient, one.answered) for one in arrivals(tmp_path)] == [
        ("one@firm.example", True), ("two@firm.example", True)
    ]  # fmt: skip

    kept.write_bytes(kept.read_bytes()[:-1])

    assert [one.recipient for one in arrivals(tmp_path)] == ["one@firm.example"]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.xdist_group("embedded-running")
def test_ten_kills_lose_nothing_and_double_only_what_was_in_doubt():
    """Promise 2 of DESIGN.md, on the real worker, database, broker and a mail server."""
    seed = random.randrange(1_000_000)
    done = subprocess.run(
        [
            *(sys.executable, "-P", "-m", "quxun", "bench", "faults", "--json", "--kills", "10"),
            *("--digests", "150", "--senders", "1", "--seed", str(seed)),
        ],
        env=inherited_environment(), capture_output=True, text=True, check=False, timeout=850,
    )  # fmt: skip

    assert done.returncode == 0, f"seed {seed}: {done.stderr}"
    seen = json.loads(done.stdout)
    assert seen["kills"] == 10
    assert all(one["kills"] for one in seen["victims"])
    assert seen["mails"] >= 150
    assert seen["lost"] == 0
    assert seen["twice"] <= seen["ambiguous"]
    assert seen["copies_most"] <= 2
    assert seen["sent"] + seen["merged"] + seen["in_doubt"] == seen["mails"]
