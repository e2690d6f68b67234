"""A person as a whole: moved, given away, paused, and forgotten in time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, event, text

from aggregator import store
from aggregator.errors import NotFoundError, UsageError
from aggregator.model import Filter, Frequency, Lane, Mail, SubscriberState, SubscriptionState

NOW = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EMAIL, ELSEWHERE = "reader@mail.example", "reader@new.example"
WEEKLY = Frequency.WEEKLY


def signed_up(engine: Engine, email: str = EMAIL, *, now: datetime = NOW, ip: str | None = None):
    return store.Subscribers(engine).sign_up(
        email, [Filter(q=("储能",))], Frequency.DAILY, now, confirmed=True, ip=ip
    )


def known(engine: Engine) -> list[str]:
    return [one.email for one in store.Subscribers(engine).list()]


def notice(key: str, to: str = EMAIL, lane: Lane = Lane.CONFIRMATION, owner=None) -> Mail:
    return Mail(
        key=key, lane=lane, to=to, subject="s", text="t", html="h", message_id=f"<{key}>",
        subscriber_id=owner,
    )  # fmt: skip


def rows(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(sql))]


def test_who_did_not_confirm_is_forgotten_after_two_days(engine: Engine):
    """Somebody else may have typed the address: it must not stay."""
    people = store.Subscribers(engine)
    people.sign_up(EMAIL, [Filter()], Frequency.DAILY, NOW, token_hash=b"one")
    people.sign_up(EMAIL, [Filter()], Frequency.DAILY, NOW + 47 * HOUR, token_hash=b"two")
    signed_up(engine, "sure@mail.example")
    people.sign_up("sure@mail.example", [Filter(q=("垃圾",))], WEEKLY, NOW, token_hash=b"strangers")

    assert store.Persons(engine).forget(NOW + 50 * HOUR) == 0
    assert [x.state.value for x in people.get("sure@mail.example").subscriptions] == ["active"]
    assert people.pending_confirmation(b"two", NOW + 50 * HOUR)
    assert store.Persons(engine).forget(NOW + 96 * HOUR) == 1
    assert known(engine) == ["sure@mail.example"]


def test_a_person_without_subscriptions_is_forgotten_after_four_weeks(engine: Engine):
    """Stopping is enough: nobody has to ask for the rest, and a pause is no ending."""
    people, persons = store.Subscribers(engine), store.Persons(engine)
    gone, resting = signed_up(engine), signed_up(engine, "resting@mail.example")
    people.end(gone.id, reason="stop-link", now=NOW + DAY)
    people.pause(resting.subscriptions[0].id, NOW + DAY)

    assert persons.forget(NOW + 28 * DAY) == 0
    assert persons.forget(NOW + 29 * DAY + HOUR) == 1
    assert known(engine) == ["resting@mail.example"]
    assert rows(engine, "select reason, subscriber_id from endings") == [("stop-link", None)]


def test_looking_for_the_dead_costs_nothing_between(engine: Engine):
    """The sweeper comes every few seconds; a hundred thousand people are looked at seldom."""
    people, persons = store.Subscribers(engine), store.Persons(engine)
    people.sign_up(EMAIL, [Filter()], Frequency.DAILY, NOW - 60 * HOUR, token_hash=b"one")

    assert persons.forget(NOW - 12 * HOUR - timedelta(minutes=1)) == 0
    assert persons.forget(NOW - 12 * HOUR + timedelta(minutes=1)) == 0
    assert persons.forget(NOW) == 1


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2ff::5", "2001:db8:1:200::/56"),
        ("paper form", "paper form"),
        (None, None),
    ],
)
def test_of_the_address_of_a_consent_only_its_network_stays(engine: Engine, given, kept):
    """Evidence of consent, but not for ever of where somebody sat."""
    signed_up(engine, ip=given)
    persons = store.Persons(engine)

    persons.forget(NOW + 89 * DAY)
    assert rows(engine, "select confirmed_from from subscribers") == [(given,)]
    for days in (91, 92):
        persons.forget(NOW + days * DAY)
        assert rows(engine, "select confirmed_from from subscribers") == [(kept,)]


def test_what_mails_said_is_forgotten_after_a_week(engine: Engine):
    """A journal of deliveries needs no letters in it; what still has to leave stays whole."""
    who = signed_up(engine)
    born = NOW - 8 * DAY
    with engine.begin() as connection:
        for number, state in enumerate(("sent", "failed", "merged", "deferred"), 1):
            connection.execute(
                text(
                    "insert into editions (key, subject, text, html, created_at)"
                    " values (:key, 's', 'words', 'words', :born)"
                ),
                {"key": state, "born": born},
            )
            connection.execute(
                text(
                    "insert into outbox (key, lane, state, subscriber_id, recipient, edition_id,"
                    " mail, message_id, created_at, due_at) values (:key, 2, :state, :who, :to,"
                    " :edition, '{\"html\": \"words\"}', :key, :born, :born)"
                ),
                {
                    "key": state, "state": state, "who": who.id, "to": EMAIL, "edition": number,
                    "born": born,
                },
            )  # fmt: skip
    store.System(engine).prune(NOW)
    store.Persons(engine).forget(NOW)

    whole = rows(
        engine,
        "select o.key from outbox o join editions e on e.id = o.edition_id where recipient <> ''"
        " or o.mail <> '{}' or e.text <> '' or e.html <> ''",
    )
    assert whole == [("deferred",)]


def test_the_reason_of_every_ending_is_kept_whoever_ends_it(engine: Engine):
    """Subscribed again and stopped again: both endings are there, whoever wrote them."""
    people = store.Subscribers(engine)
    who = signed_up(engine)
    people.end(who.id, reason="one-click", now=NOW + HOUR)
    signed_up(engine, now=NOW + 2 * HOUR)
    with engine.begin() as connection:
        connection.execute(
            text("update subscriptions set state = 'ended', end_reason = 'complaint'")
        )
    signed_up(engine, now=NOW + 3 * HOUR)
    people.erase(who.id)

    kept = rows(engine, "select reason, subscriber_id from endings order by id")
    assert kept == [("one-click", None), ("complaint", None), ("erased", None)]
    assert store.Persons(engine).endings(NOW - DAY)


def test_erasing_fails_no_mail_that_another_carried(engine: Engine):
    """A mail that was merged into another never met a relay: an operator has nothing to mend."""
    who = signed_up(engine)
    with engine.begin() as connection:
        for state in ("merged", "sent", "queued"):
            connection.execute(
                text(
                    "insert into outbox (key, lane, state, subscriber_id, recipient, mail,"
                    " message_id, created_at, due_at)"
                    " values (:key, 2, :key, :who, :to, '{}', :key, :now, :now)"
                ),
                {"key": state, "who": who.id, "to": EMAIL, "now": NOW},
            )
    store.Subscribers(engine).erase(who.id)

    kept = rows(engine, "select key, state, recipient from outbox order by id")
    assert kept == [("merged", "merged", ""), ("sent", "sent", ""), ("queued", "failed", "")]


def test_a_pause_ends_by_itself_and_sooner_when_it_is_resumed(engine: Engine):
    """Back from holiday, mail comes without a click; what came meanwhile stays left out."""
    people, persons = store.Subscribers(engine), store.Persons(engine)
    one = signed_up(engine).subscriptions[0].id
    people.pause(one, NOW, until=NOW + 7 * DAY)
    assert persons.wake(NOW + 6 * DAY) == 0
    assert people.get(EMAIL).subscriptions[0].paused_until == NOW + 7 * DAY

    assert persons.wake(NOW + 7 * DAY) == 1
    [back] = people.get(EMAIL).subscriptions
    assert (back.state, back.paused_until) == (SubscriptionState.ACTIVE, None)
    assert rows(engine, "select until_at is not null from pauses") == [(True,)]
    people.pause(one, NOW + 8 * DAY, until=NOW + 9 * DAY)
    people.resume(one, NOW + 8 * DAY + HOUR)
    people.pause(one, NOW + 8 * DAY + 2 * HOUR)
    assert persons.wake(NOW + 99 * DAY) == 0


def test_a_person_moves_with_all_that_is_theirs(engine: Engine):
    """The same person elsewhere: wishes, ledger and waiting mails go along, nothing comes twice."""
    people, persons, outbox = (
        store.Subscribers(engine), store.Persons(engine), store.Outbox(engine),
    )  # fmt: skip
    who = signed_up(engine)
    people.sign_up(EMAIL, [Filter(q=("x",))], WEEKLY, NOW, token_hash=b"confirming")
    outbox.enqueue_mail(notice("digest", lane=Lane.DIGEST, owner=who.id), NOW)
    persons.ask_move(who.id, ELSEWHERE, b"first", NOW)
    persons.ask_move(who.id, "other@new.example", b"second", NOW)
    assert persons.pending_move(b"first", NOW)[1] == ELSEWHERE
    assert people.get(EMAIL).id == who.id
    assert persons.pending_move(b"first", NOW + 49 * HOUR) is None

    moved = persons.move(b"first", notice("told"), NOW + HOUR)
    assert moved is not None
    assert (moved.id, moved.email, moved.epoch) == (who.id, ELSEWHERE, who.epoch + 1)
    assert moved.state is SubscriberState.CONFIRMED
    assert moved.subscriptions[0].active_from == who.subscriptions[0].active_from
    with pytest.raises(NotFoundError):
        people.get(EMAIL)
    waiting = rows(engine, "select key, recipient, mail->>'to' from outbox order by key")
    assert waiting == [("digest", ELSEWHERE, ELSEWHERE), ("told", EMAIL, EMAIL)]
    for token in (b"first", b"second"):
        assert persons.move(token, notice("again"), NOW + HOUR) is None
    assert people.confirm(b"confirming", NOW + HOUR) is None


def test_nobody_moves_on_top_of_somebody_who_gets_mail(engine: Engine):
    """Two people's ledgers are never mixed; an address that only was typed gives way."""
    persons = store.Persons(engine)
    who, other = signed_up(engine), signed_up(engine, ELSEWHERE)
    persons.ask_move(who.id, ELSEWHERE, b"first", NOW)
    with pytest.raises(UsageError, match="stop or remove"):
        persons.move(b"first", notice("told"), NOW)
    assert known(engine) == [EMAIL, ELSEWHERE]

    store.Subscribers(engine).end(other.id, reason="preferences", now=NOW)
    # A chat that still gets digests is not lost without a word.
    chat = signed_up(engine, "chat@mail.example")
    with engine.begin() as connection:
        connection.execute(
            text("update subscribers set owner_id = :owner where id = :id"),
            {"owner": other.id, "id": chat.id},
        )
    with pytest.raises(UsageError, match="chats"):
        persons.move(b"first", notice("told"), NOW)
    store.Subscribers(engine).end(chat.id, reason="preferences", now=NOW)
    assert persons.move(b"first", notice("told"), NOW)
    assert known(engine) == [ELSEWHERE]


def test_what_is_held_is_given_out_whole_and_then_erased_whole(engine: Engine):
    """A person sees every row about them, and after erasing no table names them."""
    people, persons = store.Subscribers(engine), store.Persons(engine)
    people.may_ask(EMAIL, "10.0.0.0/24", NOW)
    who = signed_up(engine, ip="203.0.113.9")
    one = who.subscriptions[0].id
    people.pause(one, NOW + HOUR)
    people.resume(one, NOW + 2 * HOUR)
    people.end(who.id, reason="one-click", now=NOW + 3 * HOUR)
    persons.explain(who.id, "too-many", NOW + 4 * HOUR)
    persons.add_wish(who.id, Filter(q=("算力",)), WEEKLY, NOW + 5 * HOUR)
    persons.ask_move(who.id, ELSEWHERE, b"token", NOW)
    store.Outbox(engine).enqueue_mail(notice("m", owner=who.id), NOW)

    held = json.loads(json.dumps(persons.export(who.id)))
    assert held["subscriber"]["email"] == EMAIL
    assert held["subscriber"]["confirmed_from"] == "203.0.113.9"
    assert [x["wish"] for x in held["subscriptions"]] == [
        "q=储能", "q=算力",
    ]  # fmt: skip
    assert [(x["reason"], x["why"]) for x in held["endings"]] == [("one-click", "too-many")]
    for name in ("pauses", "mails", "moves", "requests"):
        assert len(held[name]) == 1, name
    assert {"ledger", "confirmations", "suppressions"} <= held.keys()

    people.erase(who.id)
    for (table,) in rows(engine, "select tablename from pg_tables where schemaname = 'public'"):
        found = rows(engine, f"select t::text from {table} t")
        named = [row for row in found if EMAIL in str(row) or ELSEWHERE in str(row)]
        assert not named, table


def test_who_stopped_before_confirming_is_forgotten_like_who_never_confirmed(engine: Engine):
    """They said no: of all people their address must not stay for ever."""
    people = store.Subscribers(engine)
    who = people.sign_up(EMAIL, [Filter()], Frequency.DAILY, NOW, token_hash=b"one")
    people.end(who.id, reason="one-click", now=NOW + HOUR)

    assert store.Persons(engine).forget(NOW + 47 * HOUR) == 0
    assert store.Persons(engine).forget(NOW + 49 * HOUR) == 1
    assert known(engine) == []


def test_every_table_that_names_a_person_is_in_what_they_are_given(engine: Engine):
    """A table that somebody adds is no secret from whom it is about."""
    who = signed_up(engine)
    asked: list[str] = []

    def note(_connection, _cursor, statement, *_):
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    store.Persons(engine).export(who.id)
    event.remove(engine, "before_cursor_execute", note)
    naming = rows(
        engine,
        "select distinct table_name from information_schema.columns where table_schema = 'public'"
        " and column_name in ('subscriber_id', 'owner_id', 'email', 'email_key', 'subscription_id')",
    )
    said = " ".join(asked)
    # Spells are the planner's own notes of what subscriptions and pauses say.
    assert {name for (name,) in naming if f" {name} " not in said} == {"spells"}
