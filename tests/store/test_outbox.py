"""Mails that must leave, each once, whatever dies in between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from aggregator import store
from aggregator.model import Delivery, Filter, Frequency, Lane, Mail, MailState

NOW = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
LEASE = timedelta(seconds=60)
SOON = NOW + timedelta(minutes=5)


def mail(key: str, lane: Lane = Lane.DIGEST, to: str = "r@mail.example") -> Mail:
    return Mail(key=key, lane=lane, to=to, subject=key, text="t", html="h", message_id=f"<{key}@x>")


def end(claimed, state: MailState, **more) -> Delivery:
    return Delivery(
        mail_id=claimed.id, generation=claimed.generation, state=state, answer="", at=NOW, **more
    )


def test_a_key_is_queued_once(engine: Engine):
    """Planning twice queues nothing twice."""
    outbox = store.Outbox(engine)

    assert outbox.enqueue_mail(mail("a"), NOW) is not None
    assert outbox.enqueue_mail(mail("a"), NOW) is None


def test_confirmations_go_before_immediate_mails_before_digests(engine: Engine):
    """Who waits for a confirmation waits at the screen."""
    outbox = store.Outbox(engine)
    for lane in (Lane.DIGEST, Lane.IMMEDIATE, Lane.CONFIRMATION):
        outbox.enqueue_mail(mail(lane.value, lane), NOW)

    claimed = outbox.claim_mails(NOW, limit=9, lease=LEASE)
    assert [m.lane for m in claimed] == [Lane.CONFIRMATION, Lane.IMMEDIATE, Lane.DIGEST]


def test_two_senders_never_claim_the_same_mail(engine: Engine):
    """Two workers on one queue must not both speak to the reader's server."""
    outbox = store.Outbox(engine)
    for number in range(40):
        outbox.enqueue_mail(mail(str(number)), NOW)

    with ThreadPoolExecutor(4) as pool:
        claims = list(pool.map(lambda _: outbox.claim_mails(NOW, limit=40, lease=LEASE), range(4)))
    ids = [m.id for claim in claims for m in claim]
    assert len(ids) == len(set(ids)) == 40


def test_a_sender_that_died_before_handing_over_loses_nothing(engine: Engine):
    """Claimed and not handed: it certainly did not leave, so it goes again, unmarked."""
    outbox = store.Outbox(engine)
    outbox.enqueue_mail(mail("a"), NOW)
    outbox.claim_mails(NOW, limit=1, lease=LEASE)

    assert outbox.claim_mails(NOW + LEASE / 2, limit=1, lease=LEASE) == []
    [again] = outbox.claim_mails(SOON, limit=1, lease=LEASE)
    assert again.attempts == 2
    assert store.System(engine).stats()["mails_ambiguous"] == 0


def test_a_mail_whose_end_is_unknown_goes_once_more_and_no_more(engine: Engine):
    """At most two copies with one Message-ID, and the row says that we do not know."""
    outbox = store.Outbox(engine)
    outbox.enqueue_mail(mail("a"), NOW)
    ids = []
    for hours in range(4):
        for claimed in outbox.claim_mails(NOW + timedelta(hours=hours), limit=1, lease=LEASE):
            assert outbox.mark_handed(claimed.id, claimed.generation)
            ids.append(claimed.message_id)

    assert ids == ["<a@x>", "<a@x>"]
    assert outbox.states() == {"ambiguous": 1}


def test_a_lost_lease_hands_over_and_records_nothing(engine: Engine):
    """A sender that was frozen must not send beside its heir, nor write over its answer."""
    outbox = store.Outbox(engine)
    outbox.enqueue_mail(mail("a"), NOW)
    [frozen] = outbox.claim_mails(NOW, limit=1, lease=LEASE)
    [heir] = outbox.claim_mails(SOON, limit=1, lease=LEASE)

    assert not outbox.mark_handed(frozen.id, frozen.generation)
    outbox.record_deliveries([end(frozen, MailState.FAILED)])
    assert outbox.mark_handed(heir.id, heir.generation)
    outbox.record_deliveries([end(heir, MailState.SENT)])
    assert outbox.states() == {"sent": 1}


def test_an_answer_that_comes_after_the_lease_changes_nothing_of_the_heirs(engine: Engine):
    """Not while the heir's mail is under way, and not for longer than the heir asked for it."""
    outbox = store.Outbox(engine)
    outbox.enqueue_mail(mail("a"), NOW)
    [frozen] = outbox.claim_mails(NOW, limit=1, lease=LEASE)
    [heir] = outbox.claim_mails(SOON, limit=1, lease=LEASE)
    assert outbox.mark_handed(heir.id, heir.generation)

    outbox.record_deliveries([end(frozen, MailState.SENT)])
    assert outbox.turn([end(frozen, MailState.FAILED)], [frozen], now=SOON) == frozenset()
    outbox.renew_mails([frozen], SOON + 99 * LEASE)
    assert outbox.states() == {"handed": 1}

    assert outbox.doubt_lost(SOON + 2 * LEASE) == 1


def test_a_deferred_mail_waits_for_its_time(engine: Engine):
    """A greylisting server is asked again when it said, not at once."""
    outbox = store.Outbox(engine)
    outbox.enqueue_mail(mail("a"), NOW)
    [claimed] = outbox.claim_mails(NOW, limit=1, lease=LEASE)
    outbox.record_deliveries([end(claimed, MailState.DEFERRED, retry_at=SOON)])

    assert outbox.claim_mails(SOON - LEASE, limit=1, lease=LEASE) == []
    assert len(outbox.claim_mails(SOON, limit=1, lease=LEASE)) == 1


@pytest.mark.parametrize("when", ["before", "queued", "claimed"])
def test_a_suppressed_address_gets_none(engine: Engine, when: str):
    """A bounce that comes between planning and sending still stops the mail."""
    outbox, people = store.Outbox(engine), store.Subscribers(engine)
    if when == "before":
        people.suppress("R@mail.example", "bounce", NOW)
    outbox.enqueue_mail(mail("a", Lane.CONFIRMATION), NOW)
    outbox.enqueue_mail(mail("other", to="s@mail.example"), NOW)
    if when == "queued":
        people.suppress("R@mail.example", "bounce", NOW)
    claimed = outbox.claim_mails(NOW, limit=9, lease=LEASE)
    if when == "claimed":
        people.suppress("R@mail.example", "bounce", NOW)

    handed = [m.to for m in claimed if outbox.mark_handed(m.id, m.generation)]
    assert handed == ["s@mail.example"]
    assert outbox.claim_mails(NOW + LEASE / 2, limit=9, lease=LEASE) == []


def test_a_refused_address_is_suppressed_from_then_on(engine: Engine):
    """A server that said "no such user" is not asked again."""
    outbox = store.Outbox(engine)
    outbox.enqueue_mail(mail("a"), NOW)
    [claimed] = outbox.claim_mails(NOW, limit=1, lease=LEASE)
    outbox.record_deliveries([end(claimed, MailState.FAILED, suppress="550 no such user")])

    assert outbox.enqueue_mail(mail("b"), NOW) is None


def test_what_waits_does_not_leave_after_its_reader_stopped(engine: Engine):
    """Whoever pressed stop must not get one more mail that was planned a minute before."""
    outbox, people = store.Outbox(engine), store.Subscribers(engine)
    reader = people.sign_up("r@mail.example", [Filter()], Frequency.DAILY, NOW, confirmed=True)
    waiting = replace(mail("digest"), subscriber_id=reader.id)
    outbox.enqueue_mail(waiting, NOW)
    people.end(reader.id, reason="one-click", now=NOW, frequency=Frequency.DAILY)

    assert outbox.claim_mails(NOW, limit=9, lease=LEASE) == []
    assert outbox.states() == {"failed": 1}


@pytest.mark.parametrize("waits", ["held", "claimed", "deferred", "in doubt"])
def test_what_waited_at_a_stop_does_not_leave_when_its_reader_is_back(engine: Engine, waits):
    """It tells of what was announced before they asked anew, which they are never sent."""
    outbox, people = store.Outbox(engine), store.Subscribers(engine)
    reader = people.sign_up("r@mail.example", [Filter()], Frequency.DAILY, NOW, confirmed=True)
    outbox.enqueue_mail(replace(mail("digest"), subscriber_id=reader.id), NOW)
    if waits == "held":
        store.Holds(engine).hold_all("wrong", who="operator", now=NOW)
    claimed = outbox.claim_mails(NOW, limit=9, lease=LEASE)
    if waits == "deferred":
        outbox.record_deliveries([end(claimed[0], MailState.DEFERRED, retry_at=SOON)])
    elif waits == "in doubt":
        outbox.record_deliveries([end(claimed[0], MailState.AMBIGUOUS)])
    people.end(reader.id, reason="one-click", now=NOW, frequency=Frequency.DAILY)
    people.sign_up("r@mail.example", [Filter()], Frequency.DAILY, NOW, confirmed=True)
    store.Holds(engine).release_all(who="operator", now=NOW)

    assert outbox.claim_mails(SOON, limit=9, lease=LEASE) == []
    assert outbox.turn([], claimed, now=NOW) == set()
    assert outbox.states() == {"failed": 1}
    [ended] = store.Runs(engine).mails(state="failed")
    assert ended.answer == "stopped by its reader before it left"


def test_a_stop_changes_nothing_of_what_is_on_its_way_or_may_have_come_twice(engine: Engine):
    """Only its answer says whether it left; and what is left to the operator stays with them."""
    outbox, people = store.Outbox(engine), store.Subscribers(engine)
    reader = people.sign_up("r@mail.example", [Filter()], Frequency.DAILY, NOW, confirmed=True)
    for key in ("on its way", "doubtful"):
        outbox.enqueue_mail(replace(mail(key), subscriber_id=reader.id), NOW)
    going, doubtful = outbox.claim_mails(NOW, limit=9, lease=LEASE)
    for _ in range(2):
        outbox.record_deliveries([end(doubtful, MailState.AMBIGUOUS)])
        doubtful = next(iter(outbox.claim_mails(NOW, limit=9, lease=LEASE)), doubtful)
    assert outbox.turn([], [going], now=NOW) == {going.id}
    people.end(reader.id, reason="one-click", now=NOW)

    outbox.record_deliveries([end(going, MailState.SENT)])
    assert outbox.states() == {"sent": 1, "ambiguous": 1}


def test_a_stop_of_one_wish_ends_no_mail_that_tells_of_another_too(engine: Engine):
    """The rule is that of mails which are claimed: what still runs in its frequency keeps it."""
    outbox, people = store.Outbox(engine), store.Subscribers(engine)
    wishes = [Filter(q=(word,)) for word in ("储能", "氢能")]
    reader = people.sign_up("r@mail.example", wishes, Frequency.DAILY, NOW, confirmed=True)
    for key, lane in (("digest", Lane.DIGEST), ("question", Lane.CONFIRMATION)):
        outbox.enqueue_mail(replace(mail(key, lane), subscriber_id=reader.id), NOW)
    one, other = reader.subscriptions
    people.end(reader.id, reason="page", now=NOW, subscription_id=one.id)
    assert outbox.states() == {"queued": 2}
    people.end(reader.id, reason="page", now=NOW, subscription_id=other.id)

    assert [m.key for m in outbox.claim_mails(NOW, limit=9, lease=LEASE)] == ["question"]
    assert outbox.states() == {"failed": 1, "claimed": 1}


@pytest.mark.parametrize("answer", [MailState.DEFERRED, MailState.QUEUED, MailState.AMBIGUOUS])
def test_what_was_on_its_way_at_a_stop_does_not_go_once_more(engine: Engine, answer):
    """Its server did not take it; that its reader is back before the next try changes nothing."""
    outbox, people = store.Outbox(engine), store.Subscribers(engine)
    reader = people.sign_up("r@mail.example", [Filter()], Frequency.DAILY, NOW, confirmed=True)
    outbox.enqueue_mail(replace(mail("digest"), subscriber_id=reader.id), NOW)
    [going] = outbox.claim_mails(NOW, limit=9, lease=LEASE)
    assert outbox.turn([], [going], now=NOW) == {going.id}
    people.end(reader.id, reason="one-click", now=NOW)
    outbox.turn([end(going, answer)], now=NOW)
    people.sign_up("r@mail.example", [Filter()], Frequency.DAILY, NOW, confirmed=True)

    assert outbox.claim_mails(SOON, limit=9, lease=LEASE) == []
    assert outbox.states() == {"failed": 1}
