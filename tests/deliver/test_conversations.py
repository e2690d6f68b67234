"""A scripted server on real sockets: whatever it answers, each mail ends in one recorded state."""

from __future__ import annotations

from datetime import timedelta

import pytest
from desks import SENDER, Desk, row
from scripted import DOT

from aggregator.deliver import SmtpMailer

MINUTE = timedelta(minutes=1)


# local part: state, meaning, shortest wait, copies at the server
RULES = {
    "reader": ("sent", "taken", None, 1),
    "many": ("sent", "taken", None, 1),
    "dotmany": ("sent", "taken", None, 1),
    "bare": ("sent", "taken", None, 1),
    "nospace": ("sent", "taken", None, 1),
    "tabbed": ("sent", "taken", None, 1),
    "dotbare": ("sent", "taken", None, 1),
    "dotnospace": ("sent", "taken", None, 1),
    "slow": ("sent", "taken", None, 1),
    "grey": ("deferred", "later", MINUTE, 0),
    "full": ("deferred", "later", MINUTE, 0),
    "full5": ("deferred", "later", MINUTE, 0),
    "nodata": ("deferred", "later", MINUTE, 0),
    "later": ("deferred", "later", MINUTE, 0),
    "nouser": ("failed", "address", None, 0),
    "access": ("deferred", "rate", 10 * MINUTE, 0),
    "spam": ("failed", "content", None, 0),
    "netease": ("failed", "content", None, 0),
    "toolarge": ("failed", "content", None, 0),
    "qqdomain": ("deferred", "rate", 10 * MINUTE, 0),
    "qqsender": ("deferred", "rate", 10 * MINUTE, 0),
    "qqconnection": ("deferred", "rate", 10 * MINUTE, 0),
    "drc": ("deferred", "rate", MINUTE, 0),
    "spm": ("deferred", "rate", 2 * MINUTE, 0),
    "sfq": ("deferred", "rate", 15 * MINUTE, 0),
    "closing": ("deferred", "later", MINUTE, 0),
    "dotclosing": ("deferred", "later", MINUTE, 1),
    "closercpt": ("deferred", "lost", MINUTE, 0),
    "closedata": ("deferred", "lost", MINUTE, 0),
    "longline": ("deferred", "lost", MINUTE, 0),
    "endless": ("deferred", "lost", MINUTE, 0),
    "garbage": ("deferred", "lost", MINUTE, 0),
    "html": ("deferred", "lost", MINUTE, 0),
    "twice": ("deferred", "lost", MINUTE, 0),
    "ambiguous": ("ambiguous", "lost", None, 1),
    "closedot": ("ambiguous", "lost", None, 0),
    "badcode": ("ambiguous", "lost", None, 1),
    "dotgarbage": ("ambiguous", "lost", None, 1),
}


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("local", RULES)
def test_every_answer_ends_in_its_state(scripted, send, local, pipelining):
    """State, time of the next try, suppression and copies, for each rule (RELIABILITY.md, 109);
    and the mail behind it goes out as if nothing had happened.
    """
    server = scripted(pipelining=pipelining)
    state, means, wait, copies = RULES[local]

    desk = send(server, local, "behind")

    told = desk.told[1]
    assert (told.state, told.meaning) == (state, means)
    assert server.mails["<1@quxun.example>"] == copies
    assert bool(told.suppress) is (local == "nouser")
    if wait is None:
        assert told.retry_at is None
    else:
        assert wait * 0.9 <= told.retry_at - desk.now() <= wait * 1.1
    # Behind a dot the next envelope was on its way already.
    slowed = means == "rate" and not (pipelining and local in DOT)
    assert desk.told[2].state == ("queued" if slowed else "sent")
    assert server.mails["<2@quxun.example>"] == (0 if slowed else 1)


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_server_that_hangs_costs_one_timeout(scripted, send, pipelining):
    """Its mail is put off; those behind it are not lost."""
    server = scripted(pipelining=pipelining)

    desk = send(server, "hang", "behind", timeout=3)

    assert desk.told[1].state == "deferred"
    assert desk.told[2].state == "sent"


def test_a_server_that_offers_pipelining_and_cannot_is_spoken_to_step_by_step(scripted, send):
    """Some throw away what came before their answer; nothing is lost by believing them once."""
    server = scripted(keeps=False)

    desk = send(server, "a", "b", "c", timeout=3)

    assert set(desk.states.values()) == {"sent"}
    assert server.mails.total() == 3


def test_the_next_envelope_rides_behind_the_dot(scripted, send):
    """One round trip a mail: a server that was asked step by step would see five."""
    server = scripted()

    desk = send(server, *(f"reader{n}" for n in range(40)))

    assert set(desk.states.values()) == {"sent"}
    assert server.connections == 1
    assert server.commands.count("DATA") == 40
    assert len(server.recipients) == len(set(server.recipients)) == 40


def test_no_mail_leaves_before_it_is_committed_as_handed_over(scripted, send):
    """When a dot has come, the desk had been asked before: whatever order pipelining makes."""
    server = scripted()
    mails = [row(n, to=f"r{n}@inbox.example", in_doubt=n % 3 == 0) for n in range(1, 31)]
    desk = Desk(*mails)
    early = []

    def look(message):
        number = int(message["Message-ID"].strip("<").partition("@")[0])
        if number not in desk.handed:
            early.append(number)

    server.on_dot = look
    send(server, desk=desk, connections=4)

    assert early == []
    assert set(desk.states.values()) == {"sent"}


def test_a_window_of_mails_is_in_doubt_at_most(scripted, send):
    """A crash must not leave more to ask about than one window."""
    from aggregator.deliver.window import MOST

    desk = Desk(*(row(n, to=f"r{n}@inbox.example") for n in range(1, 301)))
    most = []
    turn = desk.turn

    def watched(deliveries, hand, complaints):
        done = turn(deliveries, hand, complaints)
        most.append(len(set(desk.handed) - desk.told.keys()))
        return done

    desk.turn = watched
    send(scripted(), desk=desk, connections=4)

    assert max(most) <= MOST
    assert len(desk.told) == 300


def test_what_is_in_doubt_is_committed_alone_at_the_last_moment(scripted, send):
    """A crash beside it must not use up its last attempt."""
    desk = Desk(*(row(n, to=f"r{n}@inbox.example", in_doubt=True) for n in range(1, 11)))
    server = scripted()
    wanted = []
    server.on_dot = lambda message: wanted.append(message["Message-ID"])
    turn = desk.turn

    def watched(deliveries, hand, complaints):
        ahead = {one.id for one in hand} - {int(m.strip("<").partition("@")[0]) for m in wanted}
        assert len(ahead) <= 1
        return turn(deliveries, hand, complaints)

    desk.turn = watched
    send(server, desk=desk, connections=1)

    assert set(desk.states.values()) == {"sent"}


def test_somebody_who_waits_is_served_before_the_rest_of_a_long_run(scripted, send):
    """A confirmation that comes in the middle of 600 digests is behind those in hand only."""
    from aggregator.model import Lane

    server = scripted()
    desk = Desk(*(row(n, to=f"r{n}@inbox.example") for n in range(1, 601)))
    order = []
    urgent = [row(1000, to="new@inbox.example", lane=Lane.CONFIRMATION)]
    take = desk.take

    def taken(room, *, express=False):
        return [urgent.pop()] if urgent and server.mails.total() > 20 else take(room)

    desk.take = taken
    server.on_dot = lambda message: order.append(message["Message-ID"])
    send(server, desk=desk, connections=2)

    asked = order.index("<1000@quxun.example>")
    assert asked < 590
    assert len(order) == 601


@pytest.mark.parametrize(
    "answers",
    [
        {"MAIL": ["421 4.3.2 idle for too long"]},
        {"MAIL": [None]},
        {"RSET": ["500 what"]},
        {"EHLO": ["502 not known"], "HELO": ["250 hello"]},
        {"EHLO": ["250-scripted\r\n250-AUTH=LOGIN PLAIN\r\n250 PIPELINING"]},
    ],
)
def test_a_connection_that_ends_is_made_anew_and_the_mail_goes(scripted, send, answers):
    """Old servers know no EHLO; others count mails or hang up: nobody's mail is put off for it."""
    server = scripted(answers=answers)
    sender_first = send(server, "grey", "reader", "other")

    assert sender_first.states == {1: "deferred", 2: "sent", 3: "sent"}


def test_a_domain_that_complains_gets_no_more_of_this_run(scripted, send):
    """What is in hand for it goes back untried; others are served."""
    server = scripted()
    mails = [row(n, to=f"{'qqdomain' if n == 3 else 'r'}@qq.example") for n in range(1, 41)]
    mails += [row(n, to="r@other.example") for n in range(41, 61)]
    desk = Desk(*mails)

    send(server, desk=desk)

    [complaint] = desk.complaints
    assert (complaint.domain, complaint.wait) == ("qq.example", 10 * MINUTE)
    states = [desk.told[n].state for n in range(1, 41)]
    assert states[:3] == ["sent", "sent", "deferred"]
    assert set(states[4:]) == {"queued"}
    assert {desk.told[n].state for n in range(41, 61)} == {"sent"}


def test_a_domain_gets_no_more_mails_at_once_than_it_takes(scripted, send):
    """163 counts connections; a mail under way is one of them."""
    server = scripted()
    under_way, most = [0], []
    desk = Desk(*(row(n, to=f"r{n}@163.example") for n in range(1, 41)))
    desk.limits = {"163.example": 1}

    server.on_dot = lambda _: most.append(under_way[0])
    send(server, desk=desk, connections=8)

    assert server.connections <= 8
    assert set(desk.states.values()) == {"sent"}


def test_too_many_connections_leave_those_there_are(scripted, send):
    """A relay that takes two clients at a time is content with two."""
    server = scripted()
    desk = Desk(*(row(n, to=f"r{n}@inbox.example") for n in range(1, 61)))
    real = server._serve
    lot = []

    def serve(connection):
        lot.append(connection)
        if len(lot) > 2:
            with connection:
                connection.sendall(b"421 4.7.0 too many connections\r\n")
            return
        real(connection)

    server._serve = serve
    send(server, desk=desk, connections=8)

    assert set(desk.states.values()) == {"sent"}
    assert server.mails.total() == 60


def test_a_relay_that_is_away_for_longer_is_an_alarm_until_it_is_back(scripted):
    """A restart is none; what keeps all mail back is told once, and its end as well."""
    server = scripted(greeting="421 4.3.2 not now")
    mailer = SmtpMailer(server.url, mail_from=SENDER)
    told = []
    for _ in range(4):
        desk = Desk(row())
        mailer.deliver(desk)
        told.append([said for step, said in desk.steps if step == "relay"])
    server.greeting = "220 well again"
    desk = Desk(row())
    mailer.deliver(desk)
    mailer.close()

    assert told[:2] == [[], []]
    assert "421 4.3.2 not now" in told[2][0]
    assert told[3] == []
    assert ("relay", None) in desk.steps
    assert desk.states == {1: "sent"}


@pytest.mark.parametrize(
    ("offered", "answers", "commands"),
    [
        ("AUTH PLAIN LOGIN", {"AUTH": ["235 welcome"]}, ["AUTH PLAIN AHVzZXIAcGE6c3M="]),
        ("AUTH=LOGIN", {"AUTH": ["334 VXNlcm5hbWU6"], "DXNLCG==": [], "DXNLCJ==": []}, None),
        ("AUTH CRAM-MD5", {"AUTH": ["334 PDEyMz4="]}, None),
    ],
)
def test_whoever_has_a_password_logs_in(scripted, offered, answers, commands):
    """By the way that the server offers; what it refuses is said, and no mail is lost."""
    greeting = f"250-scripted\r\n250 {offered}"
    server = scripted(answers={"EHLO": [greeting] * 2, **answers})
    url = server.url.replace("smtp://", "smtp://user:pa%3Ass@")
    mailer = SmtpMailer(url, mail_from=SENDER)
    desk = Desk(row())
    mailer.deliver(desk)
    mailer.close()

    said = [one for one in server.commands if one.startswith("AUTH")]
    assert said
    if commands:
        assert said == commands
        assert desk.states == {1: "sent"}
    else:
        assert desk.states == {1: "deferred"}
        assert "502 what?" in desk.told[1].answer


def test_a_password_goes_to_no_distant_server_in_the_clear():
    """Whoever sits between strikes STARTTLS from the offers; the password stays with us."""
    from aggregator.deliver.wire import Relay

    near = Relay.of("smtp://user:secret@127.0.0.1:25")
    assert near.password == "secret"
    far = Relay.of("smtp://user:secret@mail.example:587")
    assert not far.clear
    assert not far.near
    assert near.near
    assert Relay.of("smtp://user:secret@mail.example:587?tls=none").clear
