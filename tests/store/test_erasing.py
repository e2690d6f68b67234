"""Erased means erased: no table holds an address, nor what one can be told from."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, text

from aggregator import store
from aggregator.model import Asking, Filter, Frequency, Lane, Mail, SubscriberId

NOW = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
BEFORE, EMAIL, ASKED = "hua.zhang@zhang-family.example", "Hua@huazhang.example", "hz@hz-new.example"


def queued(engine: Engine, key: str, to: str, owner: SubscriberId | None) -> None:
    mail = Mail(
        key=key, lane=Lane.CONFIRMATION, to=to, subject="s", text="t", html="h",
        message_id=f"<{hashlib.sha256(key.encode()).hexdigest()}>", subscriber_id=owner,
    )  # fmt: skip
    store.Outbox(engine).enqueue_mail(mail, NOW)


def link_key(address: str) -> str:
    return f"link:{hashlib.sha256(address.encode()).hexdigest()[:32]}:5"


def told(engine: Engine, words: list[str]) -> list[str]:
    """The columns of any table that hold one of the words."""
    with engine.connect() as connection:
        columns = connection.execute(
            text("select table_name, column_name from information_schema.columns"
                 " where table_schema = 'public'")
        ).all()  # fmt: skip
        return [
            f"{table}.{column}"
            for table, column in columns
            for word in words
            if connection.execute(
                text(
                    f'select 1 from "{table}" where position(:word in lower("{column}"::text)) > 0'
                ),
                {"word": word.lower()},
            ).first()
        ]


def test_nothing_is_left_of_the_addresses_that_a_person_had_or_asked_for(engine: Engine):
    """A domain of one's own names one as well, and a digest of an address proves it to who has it."""
    people, persons = store.Subscribers(engine), store.Persons(engine)
    network = "10.0.0.0/24"
    people.may_ask(BEFORE, network, NOW)
    who = people.sign_up(BEFORE, [Filter()], Frequency.DAILY, NOW, confirmed=True, ip="203.0.113.9")
    queued(engine, link_key(BEFORE), BEFORE, who.id)
    people.may_ask(EMAIL, network, NOW + HOUR, kind=Asking.ADDRESS)
    persons.ask_move(who.id, EMAIL, b"first", NOW + HOUR)
    told_there = Mail(
        key="moved:1", lane=Lane.CONFIRMATION, to=BEFORE, subject="s", text="t", html="h",
        message_id="<moved>", subscriber_id=who.id,
    )  # fmt: skip
    assert persons.move(b"first", told_there, NOW + HOUR)
    queued(engine, link_key(EMAIL), EMAIL, who.id)
    people.may_ask(ASKED, network, NOW + 2 * HOUR, kind=Asking.ADDRESS)
    persons.ask_move(who.id, ASKED, b"second", NOW + 2 * HOUR)
    queued(engine, "move:2", ASKED, who.id)
    people.may_ask("other@mail.example", network, NOW + 2 * HOUR)
    words = [
        piece
        for one in (BEFORE, EMAIL)
        for piece in (*one.split("@"), store_folded(one), link_key(one).split(":")[1])
    ]
    assert told(engine, words)
    people.erase(who.id)

    assert told(engine, [*words, "203.0.113"]) == []
    # Somebody else's mailbox: its limit goes on, or erasing would be a way to flood it.
    assert set(told(engine, ASKED.split("@"))) == {"sign_ups.email_key", "sign_ups.mail_domain"}
    # What was asked for is counted all the same: who erases and asks again floods nobody.
    with engine.connect() as connection:
        asked = connection.execute(
            text("select count(*) from sign_ups where network = :n"), {"n": network}
        )
        assert asked.scalar() == 4
    assert told(engine, ["other@mail.example"])


def store_folded(address: str) -> str:
    local, _, domain = address.lower().partition("@")
    return f"{local.replace('.', '')}@{domain}"
