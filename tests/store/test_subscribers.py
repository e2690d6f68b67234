"""Nobody gets mail they did not confirm, and nobody's mailbox is flooded through us."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from aggregator import store
from aggregator.errors import NotFoundError, UsageError
from aggregator.model import Asking, Filter, Frequency, Kind, Lane, Mail, SubscriberState, Verdict

NOW = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
EMAIL = "reader@mail.example"
LIMITS = store.SignUpLimits()


def states(engine: Engine) -> dict[str, str]:
    return {
        f"{s.frequency}:{','.join(s.wish.filter.q)}": s.state.value
        for s in store.Subscribers(engine).get(EMAIL).subscriptions
    }


def test_a_token_confirms_once_and_not_for_ever(engine: Engine):
    """A link that leaked into a proxy's log must be worth nothing."""
    people = store.Subscribers(engine)
    people.sign_up(EMAIL, [Filter()], Frequency.DAILY, NOW, token_hash=b"old")
    people.sign_up(EMAIL, [Filter()], Frequency.DAILY, NOW + HOUR, token_hash=b"new")

    assert people.confirm(b"forged", NOW) is None
    assert people.confirm(b"old", NOW + timedelta(hours=49)) is None
    done = people.confirm(b"new", NOW + timedelta(hours=48))
    assert done is not None
    assert done.state is SubscriberState.CONFIRMED
    assert people.confirm(b"new", NOW + timedelta(hours=48)) is None


def test_a_strangers_sign_up_is_not_confirmed_along_with_ones_own(engine: Engine):
    """Somebody entered my address yesterday; my own confirmation must not say yes for them."""
    people = store.Subscribers(engine)
    people.sign_up(EMAIL, [Filter(q=("垃圾",))], Frequency.IMMEDIATE, NOW, token_hash=b"theirs")
    people.sign_up(EMAIL, [Filter(q=("储能",))], Frequency.DAILY, NOW, token_hash=b"mine")
    people.confirm(b"mine", NOW + HOUR)

    assert states(engine) == {"immediate:垃圾": "pending", "daily:储能": "active"}


def test_a_second_sign_up_leaves_what_runs_alone_until_confirmed(engine: Engine):
    """Anyone can type an address: it must change nothing for its owner."""
    people = store.Subscribers(engine)
    before = people.sign_up(EMAIL, [Filter(q=("a",))], Frequency.DAILY, NOW, confirmed=True)
    people.sign_up(
        EMAIL.upper(), [Filter(q=("a",)), Filter(q=("b",))], Frequency.DAILY, NOW + HOUR,
        token_hash=b"t",
    )  # fmt: skip
    assert states(engine) == {"daily:a": "active", "daily:b": "pending"}
    people.confirm(b"t", NOW + 2 * HOUR)

    after = people.get(EMAIL)
    assert states(engine) == {"daily:a": "active", "daily:b": "active"}
    assert after.subscriptions[0].active_from == before.subscriptions[0].active_from


def test_equal_wishes_are_stored_once(engine: Engine):
    """However many share a wish, it is matched once."""
    people = store.Subscribers(engine)
    one, other = (
        Filter(q=("b", "a"), kind=(Kind.POLICY,)),
        Filter(kind=(Kind.POLICY,), q=("b", "a")),
    )
    first = people.sign_up("a@mail.example", [one], Frequency.DAILY, NOW, confirmed=True)
    second = people.sign_up("b@mail.example", [other], Frequency.WEEKLY, NOW, confirmed=True)

    assert first.subscriptions[0].wish == second.subscriptions[0].wish
    assert store.System(engine).stats()["wishes"] == 1


@pytest.mark.parametrize("alias", [EMAIL, "READER+x@mail.example", "rea.der@mail.example"])
def test_one_address_is_asked_at_most_once_in_ten_minutes(engine: Engine, alias: str):
    """Ten thousand sign-ups for one victim are three mails a day, whatever tags they carry."""
    people = store.Subscribers(engine)
    asked = [
        people.may_ask(EMAIL if n == 0 else alias, f"10.0.{n}.0/24", NOW + n * HOUR / 12, LIMITS)
        for n in range(60)
    ]

    assert [n for n, said in enumerate(asked) if said is Verdict.YES] == [0, 2, 4]


def test_one_network_asks_ten_times_an_hour(engine: Engine):
    """Ten thousand addresses from one network are ten mails."""
    people = store.Subscribers(engine)
    asked = [people.may_ask(f"u{n}@mail{n}.example", "10.0.0.0/24", NOW, LIMITS) for n in range(30)]

    assert asked.count(Verdict.YES) == 10
    assert asked.count(Verdict.NO) == 20
    later = people.may_ask("v@mail.example", "10.0.0.0/24", NOW + timedelta(hours=2), LIMITS)
    assert later is Verdict.YES


def ask(people, number, *, domain, now=NOW, answered=False, kind=Asking.SIGN_UP, limits=LIMITS):
    """One sign-up from a network of its own."""
    network = f"10.{number // 250}.{number % 250}.0/24"
    return people.may_ask(f"u{number}@{domain}", network, now, limits, answered=answered, kind=kind)


def test_a_busy_mail_domain_is_asked_a_question_first(engine: Engine):
    """Sixty an hour at one provider pass; then people answer a sum and machines stay out."""
    people = store.Subscribers(engine)
    said = [ask(people, n, domain="qq.example") for n in range(62)]
    assert said == [Verdict.YES] * 60 + [Verdict.QUESTION] * 2

    assert ask(people, 70, domain="qq.example", answered=True) is Verdict.YES
    assert ask(people, 70, domain="qq.example", answered=True) is Verdict.NO
    assert ask(people, 71, domain="other.example") is Verdict.YES
    assert ask(people, 72, domain="qq.example", now=NOW + 2 * HOUR) is Verdict.YES


def test_an_operator_learns_which_limit_turns_people_away(engine: Engine):
    """Everybody is answered alike: without a count nobody learns that a whole office is shut out."""
    people, few = store.Subscribers(engine), store.SignUpLimits(domain_hour=3, all_hour=5)
    for _ in range(3):
        people.may_ask(EMAIL, "10.0.9.0/24", NOW, few)
    for number in range(12):
        people.may_ask(f"u{number}@m{number}.example", "10.0.0.0/24", NOW, store.SignUpLimits())
    for number in range(4):
        ask(people, number, domain="m.example", now=NOW + 2 * HOUR, limits=few)
    ask(people, 9, domain="n.example", now=NOW + 2 * HOUR, limits=few, answered=True)
    for number in range(3):
        ask(people, 90 + number, domain="o.example", now=NOW + 2 * HOUR, limits=few)

    away = store.People(engine).turned_away(NOW)
    assert away == {"address": (2, 0), "network": (2, 0), "domain": (0, 1), "all": (0, 2)}
    assert store.People(engine).turned_away(NOW + HOUR)["network"] == (0, 0)
    store.System(engine).prune(NOW + timedelta(days=40))
    figures = store.System(engine).stats()
    assert (figures["sign_ups_refused_network"], figures["sign_ups_asked_a_question"]) == (2, 3)
    assert store.People(engine).turned_away(NOW)["network"] == (0, 0)


def test_a_flood_raises_an_alarm_that_ends_with_it(engine: Engine):
    """An operator hears of a flood while it runs, and is not kept looking afterwards."""
    people, alarms = store.Subscribers(engine), store.Alarms(engine)
    few = store.SignUpLimits(all_hour=5)
    said = [ask(people, n, domain=f"m{n}.example", limits=few) for n in range(7)]

    assert said == [Verdict.YES] * 5 + [Verdict.QUESTION] * 2
    assert [one.kind for one in alarms.open_alarms()] == ["sign-ups"]
    store.Persons(engine).forget(NOW + HOUR / 2, few)
    assert alarms.open_alarms()
    store.Persons(engine).forget(NOW + 2 * HOUR, few)
    assert not alarms.open_alarms()


def test_a_strangers_sign_ups_do_not_lock_the_owner_out_of_their_link(engine: Engine):
    """Whoever types my address three times a day must not keep me from my own choices."""
    people = store.Subscribers(engine)
    for hour in range(3):
        assert people.may_ask(EMAIL, f"10.0.{hour}.0/24", NOW + hour * HOUR) is Verdict.YES

    link = [people.may_ask(EMAIL, "10.9.9.0/24", NOW + 3 * HOUR, kind=Asking.LINK)]
    link += [people.may_ask(EMAIL, "10.9.9.0/24", NOW + 3 * HOUR, kind=Asking.LINK)]
    assert link == [Verdict.YES, Verdict.NO]


def test_an_unknown_time_zone_is_refused(engine: Engine):
    """One bad name in a row would stop the planning of everybody's run."""
    people = store.Subscribers(engine)
    who = people.sign_up(EMAIL, [Filter()], Frequency.DAILY, NOW, confirmed=True)

    with pytest.raises(UsageError, match="Mars/Phobos"):
        people.set_preferences(who.id, timezone="Mars/Phobos")


def test_a_person_erased_leaves_no_address_and_gets_no_mail(engine: Engine):
    """Erased means erased: rows, queue and all; the queue goes on for the others."""
    people, outbox = store.Subscribers(engine), store.Outbox(engine)
    who = people.sign_up(EMAIL, [Filter()], Frequency.DAILY, NOW, confirmed=True)
    for key in ("a", "b"):
        outbox.enqueue_mail(
            Mail(key=key, lane=Lane.DIGEST, to=EMAIL, subject="", text="", html="",
                 message_id=f"<{key}>", subscriber_id=who.id), NOW,
        )  # fmt: skip
    [handed] = outbox.claim_mails(NOW, limit=1, lease=HOUR)
    outbox.mark_handed(handed.id, handed.generation)
    people.erase(who.id)

    with pytest.raises(NotFoundError):
        people.get(EMAIL)
    assert outbox.claim_mails(NOW + 2 * HOUR, limit=9, lease=HOUR) == []
    with engine.connect() as connection:
        left = connection.exec_driver_sql("select string_agg(o::text, '') from outbox o").scalar()
    assert EMAIL not in str(left)
