"""Servers that refuse what mails say stop their sending: in one great run, and over many small ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from test_sending import LEASE, MINUTE, NOW, end, run_of

from aggregator import stops, store
from aggregator.model import MailState

STATES = {"taken": MailState.SENT, "later": MailState.DEFERRED, "address": MailState.FAILED}


@pytest.fixture
def outbox(engine):
    return store.Outbox(engine)


def run(engine, outbox, readers, at=NOW, frequency="daily"):
    """A run with a mail for so many readers, due at that time."""
    made = run_of(engine, outbox, readers)
    with engine.begin() as connection:
        connection.execute(
            text("update runs set frequency = :frequency, due_at = :at where id = :id"),
            {"id": made, "at": at, "frequency": frequency},
        )
        connection.execute(
            text(
                "update subscriptions n set frequency = :frequency where not exists"
                " (select 1 from subscriptions o where o.subscriber_id = n.subscriber_id"
                " and o.frequency = :frequency)"
            ),
            {"frequency": frequency},
        )
    return made


def answer(outbox, meanings, at=NOW):
    """Servers answer so to as many mails, one after the other, as far as these may leave."""
    for number, meaning in enumerate(meanings):
        now = at + number * timedelta(seconds=1)
        for mail in outbox.claim_mails(now, limit=1, lease=LEASE):
            one = end(mail, STATES.get(meaning, MailState.FAILED), meaning)
            if one.state is MailState.DEFERRED:
                one = replace(one, retry_at=now + 99 * MINUTE)
            outbox.turn([replace(one, at=now)], now=now)


def held(engine):
    return sorted(store.Holds(engine).held_runs())


def kinds(engine):
    return [one.kind for one in store.Alarms(engine).open_alarms()]


def small_runs(engine, outbox, meanings, gap=5 * MINUTE):
    """Immediate runs of one mail each, answered so."""
    made = []
    for number, meaning in enumerate(meanings):
        at = NOW + number * gap
        made.append(run(engine, outbox, 1, at, "immediate"))
        answer(outbox, [meaning], at)
    return made


def test_twenty_refusals_among_the_last_fifty_answers_hold_a_great_run(engine, outbox):
    """Yeses between them do not help: the rest of its mails stay queued, an alarm says why, and
    nobody is suspended. Released, those that were refused go again as well.
    """
    made = run(engine, outbox, 55)
    answer(outbox, ["taken", "content", "taken", "refused", "taken"] * 9 + ["taken", "content"])
    assert held(engine) == []
    answer(outbox, ["taken", "refused"], NOW + 2 * MINUTE)

    assert held(engine) == [made]
    assert kinds(engine) == [f"mail-content:{made}"]
    later = NOW + 5 * MINUTE
    assert outbox.claim_mails(later, limit=200, lease=LEASE) == []
    assert store.System(engine).stats()["subscribers"] == 55
    assert store.Suppressions(engine).list() == []

    store.Holds(engine).release_run(made, who="operator", now=later)
    assert len(outbox.claim_mails(later, limit=200, lease=LEASE)) == 55 - 29
    assert kinds(engine) == []


def test_a_few_refusals_among_many_good_answers_hold_nothing(engine, outbox):
    """One filter in fifty mailboxes is no reason to stop a run."""
    run(engine, outbox, 60)
    answer(outbox, ["content", "taken", "taken", "taken"] * 15)

    assert (held(engine), kinds(engine)) == ([], [])


def test_what_is_in_hand_does_not_leave_a_run_that_was_held(engine, outbox):
    """The answers that stop a run come while its next mails are on their way."""
    run(engine, outbox, 9)
    mails = outbox.claim_mails(NOW, limit=9, lease=LEASE)

    assert len(outbox.turn([end(mails[0], MailState.FAILED, "content")], mails[5:6], now=NOW)) == 1
    done = [end(one, MailState.FAILED, "content") for one in mails[1:5]]
    assert outbox.turn(done, mails[6:], now=NOW) == frozenset()


def test_a_site_with_five_readers_is_told_that_all_five_are_refused(engine, outbox):
    """They never make twenty: their mails failed one morning after the other, and nobody knew."""
    made = run(engine, outbox, 5)
    answer(outbox, ["content", "refused", "content", "content"])
    assert (held(engine), kinds(engine)) == ([], [])
    answer(outbox, ["refused"], NOW + MINUTE)

    assert (held(engine), kinds(engine)) == ([made], ["mail-content:daily"])


def test_immediate_runs_of_one_mail_each_are_held_together_and_released_together(engine, outbox):
    """A new run every five minutes: none of them ever has five answers."""
    made = small_runs(engine, outbox, ["taken", *["content"] * 4])
    assert (held(engine), kinds(engine)) == ([], [])
    made += small_runs_later(engine, outbox, 5)

    assert held(engine) == made[1:]
    assert kinds(engine) == ["mail-content:immediate"]
    made += small_runs_later(engine, outbox, 6)
    assert held(engine) == made[1:], "the next one is held with its first refusal"
    assert kinds(engine) == ["mail-content:immediate"]

    now = NOW + 60 * MINUTE
    assert store.Holds(engine).release_run(made[3], who="operator", now=now)
    assert (held(engine), kinds(engine)) == ([], [])
    assert len(outbox.claim_mails(now, limit=99, lease=LEASE)) == 6
    assert not store.Holds(engine).release_run(made[2], who="operator", now=now)


def small_runs_later(engine, outbox, number):
    at = NOW + number * 5 * MINUTE
    made = run(engine, outbox, 1, at, "immediate")
    answer(outbox, ["content"], at)
    return [made]


@pytest.mark.parametrize(
    ("meanings", "gap"),
    [
        (["content"] * 4 + ["taken"] + ["content"] * 4, 5 * MINUTE),
        (["content"] * 9, timedelta(hours=7)),
        (["address"] * 9, 5 * MINUTE),
        (["later"] * 9, 5 * MINUTE),
    ],
    ids=["one was taken", "over days", "nobody there", "greylisted"],
)
def test_other_answers_of_small_runs_hold_nothing(engine, outbox, meanings, gap):
    """An alarm that is raised for nothing is one that nobody reads."""
    small_runs(engine, outbox, meanings, gap)

    assert (held(engine), kinds(engine)) == ([], [])


def test_what_one_frequency_meets_stops_no_other(engine, outbox):
    """Daily words may be good where immediate ones are not."""
    small_runs(engine, outbox, ["content"] * 4)
    run(engine, outbox, 1, NOW + 30 * MINUTE)
    answer(outbox, ["content"], NOW + 30 * MINUTE)

    assert (held(engine), kinds(engine)) == ([], [])


def test_one_company_that_refuses_at_the_end_of_a_great_run_holds_nothing(engine, outbox):
    """Its greylist let its readers come last: that is no reason to wake somebody."""
    run(engine, outbox, 60)
    answer(outbox, ["taken"] * 49 + ["refused"] * 11)

    assert (held(engine), kinds(engine)) == ([], [])


def to_domains(engine, run_id, domains):
    """Send a run's mails to these domains, one each, in this order."""
    with engine.begin() as connection:
        ids = connection.execute(
            text("select id from outbox where run_id = :run order by id"), {"run": run_id}
        ).scalars()
        for mail_id, domain in zip(ids.all(), domains, strict=True):
            connection.execute(
                text("update outbox set domain = :domain where id = :id"),
                {"domain": domain, "id": mail_id},
            )


def test_one_domain_that_refuses_keeps_no_run_from_other_readers(engine, outbox):
    """Five sign-ups at a server that refuses everything must not silence a small site."""
    for number in range(3):
        at = NOW + number * 5 * MINUTE
        made = run(engine, outbox, 6, at, "immediate")
        to_domains(engine, made, ["refuses.example"] * 5 + ["good.example"])
        answer(outbox, ["content"] * 5, at)

        [mail] = outbox.claim_mails(at, limit=9, lease=LEASE)
        assert (mail.domain, mail.run_id) == ("good.example", made)
        outbox.turn([replace(end(mail, MailState.SENT, "taken"), at=at)], now=at)
    assert (held(engine), kinds(engine)) == ([], ["refusing:refuses.example"])

    store.Unsettled(engine).watch(NOW + timedelta(hours=20))
    assert kinds(engine) == ["refusing:refuses.example"]
    store.Unsettled(engine).watch(NOW + timedelta(hours=25))
    assert kinds(engine) == []


def test_two_domains_that_refuse_hold_a_small_run(engine, outbox):
    """Then it is what we say."""
    made = run(engine, outbox, 6)
    to_domains(engine, made, ["a.example"] * 4 + ["b.example"] * 2)
    answer(outbox, ["content"] * 5)

    assert (held(engine), kinds(engine)) == ([made], ["mail-content:daily"])


@pytest.mark.parametrize(("there", "stopped"), [(20, False), (21, True)])
def test_a_great_run_is_held_for_one_domain_only_when_most_readers_are_there(
    engine, outbox, there, stopped
):
    """QQ has most readers of many sites, and a company has a few."""
    made = run(engine, outbox, 42)
    to_domains(engine, made, ["a.example"] * (42 - there) + ["refuses.example"] * there)
    mails = outbox.claim_mails(NOW, limit=42, lease=LEASE)
    refused = [one for one in mails if one.domain == "refuses.example"]
    outbox.turn([end(one, MailState.FAILED, "refused") for one in refused], now=NOW)

    assert held(engine) == [made] * stopped
    assert kinds(engine) == [f"mail-content:{made}" if stopped else "refusing:refuses.example"]


def test_what_was_refused_before_a_release_counts_no_more(engine, outbox):
    """Whoever released a run has seen to it: one refusal more is no reason to hold the next."""
    made = [run(engine, outbox, 5, NOW + n * MINUTE, "immediate") for n in range(2)]
    answer(outbox, ["content"] * 4)
    holds = store.Holds(engine)
    holds.hold_run(made[1], "looked at", who="operator", now=NOW + MINUTE)
    holds.release_run(made[1], who="operator", now=NOW + 2 * MINUTE)
    answer(outbox, ["content"], NOW + 3 * MINUTE)

    assert (held(engine), kinds(engine)) == ([], [])


@pytest.mark.parametrize(
    ("refused", "mails", "stopped"),
    [(4, 5, 0), (5, 5, 5), (5, 29, 5), (5, 30, 0), (6, 30, 6), (19, 100_000, 0), (20, 100_000, 20)],
)
def test_the_row_that_stops_grows_with_the_run(refused, mails, stopped):
    """A fifth of a small run, and twenty of a great one."""
    assert stops.in_a_row(["refused"] * refused + ["taken"], mails=mails) == stopped


def test_a_refusal_among_many_yeses_is_not_looked_into():
    """A run of a hundred thousand must not be walked through for every one of them."""
    assert not stops.suspicious(["taken"] * 31 + ["content"])
    assert stops.suspicious(["taken"] * 24 + ["content"] * 8)
    assert stops.suspicious(["content"])
    assert not stops.suspicious(["taken", "later", "address"])
