"""The outbox as senders use it: paces, runs that are held, windows that are committed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, event, text

from aggregator import store
from aggregator.model import Delivery, Filter, Frequency, Lane, Mail, MailState, SuppressionKind
from aggregator.paces import Complaint
from aggregator.store import suppressions

NOW = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
LEASE = timedelta(seconds=90)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

EAST = Filter(region=("500116",))


@pytest.fixture
def outbox(engine: Engine) -> store.Outbox:
    return store.Outbox(engine)


def queue(outbox, *numbers, domain="mail.example", lane=Lane.DIGEST):
    for number in numbers:
        outbox.enqueue_mail(
            Mail(
                key=f"{lane}:{domain}:{number}", lane=lane, to=f"r{number}@{domain}", subject="s",
                text="t", html="h", message_id=f"<{number}.{domain}>",
            ),
            NOW,
        )  # fmt: skip


def run_of(engine, outbox, readers):
    """A run with an edition for so many readers."""
    people = store.Subscribers(engine)
    with engine.begin() as connection:
        run = connection.execute(
            text("insert into runs (frequency, due_at) values ('daily', :now) returning id"),
            {"now": NOW},
        ).scalar_one()
        edition = connection.execute(
            text(
                "insert into editions (run_id, key, subject, text, html, created_at)"
                " values (:run, :run, 'subject', 'text', 'html', :now) returning id"
            ),
            {"run": run, "now": NOW},
        ).scalar_one()
    for number in range(readers):
        who = people.sign_up(f"r{number}@mail.example", [Filter()], Frequency.DAILY, NOW,
                             confirmed=True)  # fmt: skip
        with engine.begin() as connection:
            connection.execute(
                text(
                    "insert into outbox (key, lane, subscriber_id, recipient, domain, edition_id,"
                    " run_id, message_id, created_at, due_at) values (:key, 2, :who, :to,"
                    " 'mail.example', :edition, :run, :key, :now, :now)"
                ),
                {"key": f"digest:{run}:{number}", "who": who.id, "to": who.email,
                 "edition": edition, "run": run, "now": NOW},
            )  # fmt: skip
    return run


def end(mail, state, meaning="", **more):
    return Delivery(
        mail_id=mail.id, generation=mail.generation, state=state, answer=f"554 {meaning}", at=NOW,
        meaning=meaning, domain=mail.domain, run_id=mail.run_id, **more,
    )  # fmt: skip


def complain(outbox, domain, wait=10 * MINUTE, tried=120.0):
    one = Complaint(
        domain=domain, wait=wait, tried=tried, under_way=8, connections=False, answer="550 x"
    )
    outbox.turn([], [], complaints=[one], now=NOW)


def test_a_row_of_an_edition_is_claimed_with_what_its_words_need(engine, outbox):
    """The reader's epoch and the run's frequency make the links; the words come by edition."""
    run = run_of(engine, outbox, 1)

    [mail] = outbox.claim_mails(NOW, limit=9, lease=LEASE)
    words = outbox.editions([mail.edition_id])

    assert (mail.run_id, mail.frequency, mail.epoch) == (run, Frequency.DAILY, 0)
    assert words[mail.edition_id].subject == "subject"


def test_a_reader_who_was_erased_gets_no_mail(engine, outbox):
    """What was planned before ends without a server seeing it."""
    run_of(engine, outbox, 1)
    with engine.begin() as connection:
        connection.execute(text("delete from subscribers"))

    assert outbox.claim_mails(NOW, limit=9, lease=LEASE) == []
    assert outbox.states() == {"failed": 1}


def test_a_domain_that_complained_waits_and_others_do_not(outbox):
    """Its mails stay queued without a row being written for each."""
    queue(outbox, 1, 2, domain="qq.example")
    queue(outbox, 3)
    complain(outbox, "qq.example")

    first = outbox.claim_mails(NOW, limit=9, lease=LEASE)
    after = outbox.claim_mails(NOW + 10 * MINUTE, limit=9, lease=LEASE)

    assert [one.domain for one in first] == ["mail.example"]
    assert [one.domain for one in after].count("qq.example") == 2


def test_workers_share_the_pace_of_a_domain(engine, outbox):
    """Sixty a minute are sixty, however many workers ask, and whatever waits before them."""
    queue(outbox, *range(40), domain="qq.example")
    queue(outbox, *range(40, 50))
    complain(outbox, "qq.example", wait=MINUTE, tried=120)
    other = store.Outbox(engine)

    then = NOW + 2 * MINUTE
    claimed = [
        one.domain
        for worker in (outbox, other, outbox)
        for one in worker.claim_mails(then, limit=30, lease=LEASE)
    ]

    assert claimed.count("qq.example") == 10  # what it takes in ten seconds
    assert claimed.count("mail.example") == 10
    more = other.claim_mails(then + timedelta(seconds=30), limit=99, lease=LEASE)
    assert 1 <= len(more) <= 30


def test_a_good_minute_raises_the_pace_and_many_end_it(engine, outbox):
    """What a domain took is found in its row; at last the row is gone."""
    complain(outbox, "qq.example", tried=100)
    outbox.praise({"qq.example", "other.example"}, NOW + MINUTE)
    assert [p.per_minute for p in outbox.paces()] == [50]

    for minutes in range(11, 300):
        outbox.praise({"qq.example"}, NOW + minutes * MINUTE)
    assert outbox.paces() == []


def test_a_hold_stops_what_is_in_hand(engine, outbox):
    """An operator who holds all mail means the next mail, not the next claim."""
    queue(outbox, 1)
    queue(outbox, 2, lane=Lane.CONFIRMATION)
    mails = outbox.claim_mails(NOW, limit=9, lease=LEASE)
    store.Holds(engine).hold_all("trouble", who="operator", now=NOW)

    may = outbox.turn([], mails, now=NOW)

    assert may == {one.id for one in mails if one.lane is Lane.CONFIRMATION}


def test_the_same_turn_twice_is_one(outbox):
    """A commit whose answer was lost is asked for again, and answers the same."""
    queue(outbox, 1, 2)
    first, second = outbox.claim_mails(NOW, limit=9, lease=LEASE)

    for _ in range(2):
        assert outbox.turn([end(first, MailState.SENT, "taken")], [second], now=NOW) == {second.id}
    assert outbox.states() == {"sent": 1, "handed": 1}


def test_a_mail_put_back_is_as_if_it_had_not_been_claimed(outbox):
    """A mail that had to wait for others' sake must not wait longer next time."""
    queue(outbox, 1)
    [mail] = outbox.claim_mails(NOW, limit=1, lease=LEASE)
    outbox.turn([end(mail, MailState.QUEUED)], now=NOW)

    [again] = outbox.claim_mails(NOW, limit=1, lease=LEASE)
    assert (mail.attempts, again.attempts) == (1, 1)
    assert again.generation > mail.generation


def test_a_lease_that_is_renewed_is_nobody_elses(outbox):
    """A slow server must not make a second worker send the same."""
    queue(outbox, 1, 2)
    mine, lost = outbox.claim_mails(NOW, limit=2, lease=LEASE)
    outbox.renew_mails([mine], NOW + 10 * LEASE)

    assert [one.id for one in outbox.claim_mails(NOW + 2 * LEASE, limit=9, lease=LEASE)] == [
        lost.id
    ]
    assert outbox.turn([], [mine, lost], now=NOW) == {mine.id}


def test_what_was_given_up_is_an_alarm(engine, outbox):
    """An operator learns of it without reading rows."""
    queue(outbox, 1)
    [mail] = outbox.claim_mails(NOW, limit=1, lease=LEASE)
    given_up = replace(end(mail, MailState.FAILED, "later"), answer="given up after 72 h: 450 x")
    outbox.turn([given_up], now=NOW)

    [alarm] = store.Alarms(engine).open_alarms()
    assert alarm.kind == "mail-given-up"
    assert "1 to mail.example" in alarm.text
    assert "r1@" not in alarm.text


def test_an_unknown_user_is_suppressed_with_evidence_and_a_full_mailbox_is_not(engine, outbox):
    """One hard bounce is enough, and says what the server said; quota is nobody's end."""
    queue(outbox, 1, 2)
    gone, full = outbox.claim_mails(NOW, limit=2, lease=LEASE)
    outbox.turn(
        [
            replace(end(gone, MailState.FAILED, "address", suppress="hard bounce: unknown user"),
                    answer="550 5.1.1 user unknown"),
            end(full, MailState.DEFERRED, "later", retry_at=NOW + MINUTE),
        ],
        now=NOW,
    )  # fmt: skip

    [one] = store.Suppressions(engine).list()
    assert one.email_key == "r1@mail.example"
    assert (one.reason, one.evidence) == ("hard bounce: unknown user", "550 5.1.1 user unknown")


def moved(engine, old, new, now=NOW):
    """The reader of an address gets their mail elsewhere from now on."""
    persons, who = store.Persons(engine), store.Subscribers(engine).get(old)
    persons.ask_move(who.id, new, b"link", now)
    told = Mail(
        key="told", lane=Lane.CONFIRMATION, to=old, subject="s", text="t", html="h",
        message_id="<told>",
    )  # fmt: skip
    return persons.move(b"link", told, now)


def to(outbox, now):
    """Where digests go that are claimed now, twice asked, with the epoch of their links."""
    claimed = [*outbox.claim_mails(now, limit=9, lease=LEASE)]
    claimed += outbox.claim_mails(now, limit=9, lease=LEASE)
    return [(one.to, one.domain, one.epoch) for one in claimed if one.lane is not Lane.CONFIRMATION]


@pytest.mark.parametrize("how", ["waits", "claimed", "refused", "handed", "doubt", "vanished"])
def test_who_moves_gets_the_mail_that_was_under_way(engine, outbox, how):
    """Links that open the choices of today never reach the mailbox that was left."""
    run_of(engine, outbox, 1)
    if how != "waits":
        [mail] = outbox.claim_mails(NOW, limit=9, lease=LEASE)
    if how in ("handed", "doubt", "vanished"):
        assert outbox.mark_handed(mail.id, mail.generation)
    if how == "doubt":
        outbox.record_deliveries([end(mail, MailState.AMBIGUOUS, "lost")])

    moved(engine, "r0@mail.example", "new@other.example")

    if how == "claimed":
        assert not outbox.mark_handed(mail.id, mail.generation)
    if how in ("refused", "handed"):
        outbox.record_deliveries([end(mail, MailState.DEFERRED, "later", retry_at=NOW + MINUTE)])
    assert to(outbox, NOW + 5 * MINUTE) == [("new@other.example", "other.example", 1)]


def test_a_mail_whose_reader_moved_is_not_handed_over(engine, outbox):
    """However its row was left behind: no dot is sent to an address that is theirs no more."""
    run_of(engine, outbox, 1)
    [mail] = outbox.claim_mails(NOW, limit=9, lease=LEASE)
    with engine.begin() as connection:
        connection.execute(text("update subscribers set email = 'n@x.example', epoch = 1"))

    assert not outbox.mark_handed(mail.id, mail.generation)


def test_what_was_refused_at_the_old_address_still_reaches_who_moved(engine, outbox):
    """That the old mailbox is suppressed is said of the old mailbox."""
    run_of(engine, outbox, 1)
    [mail] = outbox.claim_mails(NOW, limit=9, lease=LEASE)
    outbox.mark_handed(mail.id, mail.generation)
    moved(engine, "r0@mail.example", "new@other.example")
    outbox.record_deliveries([end(mail, MailState.DEFERRED, "later", retry_at=NOW + MINUTE)])
    with engine.begin() as connection:
        suppressions.suppress(
            connection, "r0@mail.example", SuppressionKind.HARD, reason="gone", evidence="", at=NOW
        )

    assert to(outbox, NOW + 5 * MINUTE) == [("new@other.example", "other.example", 1)]


def test_a_copy_that_is_sent_again_goes_where_its_reader_moved(engine, outbox):
    """An operator's copy holds links of today as well."""
    run_of(engine, outbox, 1)
    [mail] = outbox.claim_mails(NOW, limit=9, lease=LEASE)
    outbox.record_deliveries([end(mail, MailState.SENT)])
    moved(engine, "r0@mail.example", "new@other.example")

    store.Runs(engine).resend(mail.id, again=True, who="operator", now=NOW)

    assert to(outbox, NOW + 5 * MINUTE) == [("new@other.example", "other.example", 1)]


@pytest.mark.parametrize(
    ("stopped", "sent"), [(Frequency.DAILY, 0), (Frequency.WEEKLY, 1), (None, 0)]
)
def test_a_mail_is_stopped_by_its_own_frequency_alone(engine, outbox, stopped, sent):
    """Who stops the daily mail keeps the weekly one, and gets no daily one more."""
    run_of(engine, outbox, 1)
    people = store.Subscribers(engine)
    who = people.sign_up("r0@mail.example", [Filter()], Frequency.WEEKLY, NOW, confirmed=True)
    people.end(who.id, reason="one-click", now=NOW, frequency=stopped)

    assert len(outbox.claim_mails(NOW, limit=9, lease=LEASE)) == sent


@pytest.mark.parametrize("to", [Frequency.WEEKLY, Frequency.IMMEDIATE])
@pytest.mark.parametrize("ended", [False, True])
def test_what_waits_is_stopped_after_a_switch_of_frequency(engine, outbox, to, ended):
    """No subscription is daily any more when the reader presses stop, and the daily mail waits."""
    run_of(engine, outbox, 1)
    people = store.Subscribers(engine)
    [mine] = people.get("r0@mail.example").subscriptions
    people.set_frequency(mine.id, to, NOW)
    if ended:
        people.end(people.get("r0@mail.example").id, reason="one-click", now=NOW, frequency=to)

    assert len(outbox.claim_mails(NOW, limit=9, lease=LEASE)) == (0 if ended else 1)


def test_a_stop_after_a_switch_of_one_lets_what_else_was_switched_go_on(engine, outbox):
    """The mail that waits tells of both; who keeps one wish is still told."""
    run_of(engine, outbox, 1)
    people = store.Subscribers(engine)
    who = people.sign_up("r0@mail.example", [EAST], Frequency.DAILY, NOW, confirmed=True)
    for one in who.subscriptions:
        people.set_frequency(one.id, Frequency.WEEKLY, NOW)
    people.end(who.id, reason="page", now=NOW, subscription_id=who.subscriptions[0].id)

    assert len(outbox.claim_mails(NOW, limit=9, lease=LEASE)) == 1


def test_what_was_stopped_long_ago_keeps_no_mail_back_after_a_switch(engine, outbox):
    """The mail that waits is of the other wish, and its notices are owed by no other mail."""
    people = store.Subscribers(engine)
    old = people.sign_up("r0@mail.example", [EAST], Frequency.DAILY, NOW - DAY, confirmed=True)
    people.end(old.id, reason="one-click", now=NOW - 8 * HOUR)
    run_of(engine, outbox, 1)
    [mine] = [one for one in people.get("r0@mail.example").subscriptions if one.ended_at is None]
    people.set_frequency(mine.id, Frequency.WEEKLY, NOW)

    assert len(outbox.claim_mails(NOW, limit=9, lease=LEASE)) == 1


def test_nobody_else_can_let_a_stopped_mail_leave(engine, outbox):
    """Signing an address up is open to all: until its owner confirms, stopped stays stopped."""
    run_of(engine, outbox, 1)
    people = store.Subscribers(engine)
    people.end(people.get("r0@mail.example").id, reason="one-click", now=NOW)
    people.sign_up("r0@mail.example", [Filter()], Frequency.DAILY, NOW, token_hash=b"strangers")

    assert outbox.claim_mails(NOW, limit=9, lease=LEASE) == []
    assert outbox.states() == {"failed": 1}


def test_nothing_that_a_server_said_of_a_reader_outlives_them(engine, outbox):
    """Whoever is erased leaves figures behind and no words."""
    run_of(engine, outbox, 1)
    [mail] = outbox.claim_mails(NOW, limit=9, lease=LEASE)
    outbox.record_deliveries([end(mail, MailState.FAILED, "no r…@mail.example here")])
    store.Subscribers(engine).erase(mail.subscriber_id)

    assert store.Runs(engine).mail(mail.id).answer is None


def test_a_claim_reads_no_more_mails_than_it_takes(engine, outbox):
    """On the morning of a hundred thousand mails, what the database knew of yesterday's outbox
    made it sort all that wait, once for every claim.
    """
    with engine.begin() as connection:
        connection.execute(text("analyze outbox"))
        connection.execute(
            text(
                "insert into outbox (key, lane, recipient, domain, message_id, created_at, due_at)"
                " select n, 2, 'r' || n || '@mail.example', 'mail.example', n, :now, :now"
                " from generate_series(1, 5000) n"
            ),
            {"now": NOW},
        )
    plans = []

    @event.listens_for(engine, "before_cursor_execute")
    def explain(connection, _cursor, statement, parameters, _context, _many):
        if "with free as" in statement:
            found = connection.connection.cursor().execute(f"explain {statement}", parameters)
            plans.append("\n".join(row[0] for row in found))

    claimed = outbox.claim_mails(NOW, limit=100, lease=LEASE)

    assert len(claimed) == 100
    assert len(plans) == 1
    assert "Index Scan using outbox_due" in plans[0]
    assert "Sort" not in plans[0]
