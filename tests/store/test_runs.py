"""Runs as an operator sees them, and one mail sent again: once, the same, and never unasked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from aggregator import store
from aggregator.errors import ConflictError, NotFoundError
from aggregator.model import Delivery, Lane, Mail, MailState

NOW = datetime(2026, 10, 5, 0, 30, tzinfo=UTC)
LEASE = timedelta(minutes=1)


def plan(engine, *people, frequency="daily", due=NOW):
    """A run with a mail for each of these addresses; its number and theirs."""
    with engine.begin() as connection:
        run = connection.execute(
            text(
                "insert into runs (frequency, due_at, planned_at, people_due, people_planned)"
                " values (:f, :due, :due, :due_people, :n) returning id"
            ),
            {"f": frequency, "due": due, "due_people": len(people) + 3, "n": len(people)},
        ).scalar_one()
    mails = []
    for address in people:
        mail = Mail(
            key=f"{run}:{address}", lane=Lane.DIGEST, to=address, subject="区讯 2 条",
            text="t https://quxun.example/unsubscribe/abcdefghijklmnopqrstuvwxyz", html="<p>h</p>",
            message_id=f"<{run}.{address}>",
        )  # fmt: skip
        mails.append(store.Outbox(engine).enqueue_mail(mail, due))
        with engine.begin() as connection:
            connection.execute(
                text("update outbox set run_id = :run, domain = :domain where id = :id"),
                {"run": run, "domain": address.partition("@")[2], "id": mails[-1]},
            )
    return run, mails


def deliver(engine, states, now=NOW):
    """Claim what is due and let each mail end in the state that is named for its number."""
    outbox = store.Outbox(engine)
    claimed = outbox.claim_mails(now, limit=99, lease=LEASE)
    outbox.record_deliveries(
        [
            Delivery(
                mail_id=one.id, generation=one.generation,
                state=MailState(states.get(one.id, "sent")),
                answer="450 busy" if states.get(one.id) == "deferred" else "554 no", at=now,
                retry_at=now + timedelta(hours=1) if states.get(one.id) == "deferred" else None,
            )
            for one in claimed
        ]
    )  # fmt: skip
    return claimed


def state(engine, mail):
    return store.Runs(engine).mail(mail)


def test_a_list_of_runs_tells_what_went_with_the_next_one(engine):
    """After a hold "4 mails, nothing unsent" looked as if they had left."""
    run, mails = plan(engine, "ann@a.example", "bob@a.example")
    with engine.begin() as connection:
        connection.execute(
            text("update outbox set state = 'merged' where id = :id"), {"id": mails[0]}
        )
    deliver(engine, {})

    [listed] = store.Runs(engine).runs()
    assert (listed.id, listed.rest) == (run, {"merged": 1})


def test_a_run_tells_where_each_mail_is(engine):
    """Planned, sent, deferred with the next try and the answer, failed; by domain, too."""
    run, mails = plan(engine, "ann@a.example", "bob@a.example", "cyd@b.example", "dan@b.example")
    deliver(engine, {mails[1]: "failed", mails[2]: "deferred", mails[3]: "ambiguous"})
    runs = store.Runs(engine)

    one = runs.run(run)
    assert (one.mails, one.sent, one.rest) == (
        4, 1, {"failed": 1, "deferred": 1, "ambiguous": 1},
    )  # fmt: skip
    assert (one.people_due, one.people_planned, one.people_without) == (7, 4, 3)
    by_domain = {row.domain: row for row in runs.domains(run, NOW)}
    assert by_domain["a.example"].states == {"sent": 1, "failed": 1}
    assert by_domain["b.example"].next_try_at == NOW + timedelta(hours=1)
    assert by_domain["b.example"].answer == "450 busy"
    assert [row.to for row in runs.mails(run_id=run)] == [
        "d…@b.example", "c…@b.example", "b…@a.example", "a…@a.example",
    ]  # fmt: skip
    assert [row.id for row in runs.mails(run_id=run, state="failed")] == [mails[1]]
    assert [row.id for row in runs.mails(run_id=run, domain="b.example")] == [mails[3], mails[2]]
    assert [row.id for row in runs.mails(run_id=run, before=mails[2], limit=1)] == [mails[1]]


def test_runs_without_mail_are_left_out_unless_asked_for(engine):
    """Three hundred empty slots a day would hide the one with trouble."""
    full, _ = plan(engine, "ann@a.example")
    empty, _ = plan(engine, frequency="immediate", due=NOW + timedelta(hours=1))

    assert [row.id for row in store.Runs(engine).runs()] == [full]
    assert [row.id for row in store.Runs(engine).runs(empty=True)] == [empty, full]
    assert [row.id for row in store.Runs(engine).runs(empty=True, before=NOW + LEASE)] == [full]


@pytest.mark.parametrize("ended", ["failed", "ambiguous"])
def test_what_failed_goes_again_as_the_same_mail(engine, ended):
    """The reader's program tells two copies by their Message-ID; the ledger is not asked again."""
    _, [mail] = plan(engine, "ann@a.example")
    deliver(engine, {mail: ended})
    if ended == "ambiguous":
        deliver(engine, {mail: ended})  # its one more try by itself
    assert deliver(engine, {}) == []

    store.Runs(engine).resend(mail, again=False, who="operator", now=NOW)
    [again] = deliver(engine, {})

    assert again.mail.message_id == state(engine, mail).message_id
    assert (state(engine, mail).state, state(engine, mail).resends) == ("sent", 1)
    assert deliver(engine, {}) == []
    assert store.Audit(engine).last_deeds()[0].about == f"mail {mail}, was {ended}"


def test_what_was_given_up_is_tried_for_three_days_again(engine):
    """A domain that was away for a week: the first greylisting must not end it at once."""
    from aggregator.deliver.answers import GIVE_UP

    _, [mail] = plan(engine, "ann@a.example")
    deliver(engine, {mail: "failed"})
    later = NOW + 2 * GIVE_UP
    store.Runs(engine).resend(mail, again=False, who="operator", now=later)
    [again] = store.Outbox(engine).claim_mails(later, limit=9, lease=LEASE)

    assert again.waiting_since == later
    assert again.attempts <= 1


def test_what_was_sent_goes_again_only_when_asked_twice(engine):
    """A slip of the hand is not a second mail."""
    _, [mail] = plan(engine, "ann@a.example")
    deliver(engine, {})
    with pytest.raises(ConflictError, match="was sent"):
        store.Runs(engine).resend(mail, again=False, who="operator", now=NOW)
    assert deliver(engine, {}) == []

    store.Runs(engine).resend(mail, again=True, who="operator", now=NOW)
    assert len(deliver(engine, {})) == 1


def test_what_was_put_off_is_tried_now(engine):
    """The domain is well again: nobody waits for six hours."""
    _, [mail] = plan(engine, "ann@a.example")
    deliver(engine, {mail: "deferred"})
    assert deliver(engine, {}) == []

    store.Runs(engine).resend(mail, again=False, who="operator", now=NOW)
    assert len(deliver(engine, {})) == 1


def test_what_must_not_go_is_not_sent_again(engine):
    """Suppressed, erased, just being sent, unknown: each says why."""
    _, mails = plan(engine, "ann@a.example", "bob@a.example", "cyd@b.example")
    runs = store.Runs(engine)
    deliver(engine, dict.fromkeys(mails, "failed"))
    store.People(engine).suppress("ann@a.example", who="operator", now=NOW)
    with engine.begin() as connection:
        connection.execute(
            text("update outbox set recipient = '', mail = '{}' where id = :id"), {"id": mails[1]}
        )
        connection.execute(
            text("update outbox set state = 'handed' where id = :id"), {"id": mails[2]}
        )

    for mail, why in zip(mails, ("suppressed", "deleted", "being sent"), strict=True):
        with pytest.raises(ConflictError, match=why):
            runs.resend(mail, again=True, who="operator", now=NOW)
    with pytest.raises(NotFoundError):
        runs.resend(10**12, again=True, who="operator", now=NOW)
    assert deliver(engine, {}) == []


def test_a_large_run_is_counted_over_its_index(engine):
    """A page about 100,000 mails must not read 100,000 wide rows each time."""
    run, _ = plan(engine)
    with engine.begin() as connection:
        connection.execute(
            text(
                "insert into outbox (key, lane, state, recipient, mail, message_id, created_at,"
                " due_at, run_id, domain) select 'k' || n, 2, case when n % 50 = 0 then 'failed'"
                " else 'sent' end, 'r@d.example', '{}', 'm' || n, :now, :now, :run,"
                " 'd' || n % 7 || '.example' from generate_series(1, 5000) n"
            ),
            {"run": run, "now": NOW},
        )
        connection.execute(text("analyze outbox"))
        connection.execute(text("set local enable_seqscan = off"))
        plan_of = "\n".join(
            connection.execute(
                text(
                    "explain select state, count(*) from outbox where run_id = :run group by state"
                ),
                {"run": run},
            ).scalars()
        )
    assert "outbox_of_run" in plan_of
    [listed] = store.Runs(engine).runs()
    assert (listed.mails, listed.rest) == (100, {"failed": 100})
    assert store.Runs(engine).run(run).states == {"failed": 100, "sent": 4900}
    assert len(store.Runs(engine).mails(run_id=run)) == 50


def test_wishes_are_counted_by_people(engine):
    """How many would miss it: of those who still have it, each once."""
    from aggregator.model import Filter, Frequency, Kind

    subscribers = store.Subscribers(engine)
    policy = Filter(kind=(Kind.POLICY,))
    for number in range(3):
        subscribers.sign_up(f"r{number}@a.example", [policy], Frequency.DAILY, NOW, confirmed=True)
    subscribers.sign_up("r0@a.example", [policy, Filter()], Frequency.WEEKLY, NOW, confirmed=True)

    found = store.People(engine).wishes()
    assert [(one.filter, one.subscribers) for one in found] == [(policy, 3), (Filter(), 1)]
    assert store.People(engine).counts() == {"confirmed": 3, "daily": 3, "weekly": 2}

    gone = subscribers.get("r2@a.example")
    subscribers.end(gone.id, reason="one-click", now=NOW)
    assert store.People(engine).counts() == {"confirmed": 2, "ended": 1, "daily": 2, "weekly": 2}
