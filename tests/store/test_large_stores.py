"""What runs by itself and what operators ask stays quick when the store is years old."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, event, text
from test_digests import announce

from aggregator import store
from aggregator.model import MailId, SubscriberId
from aggregator.store import channels
from aggregator.store.erasing import remove
from aggregator.store.held import held_of
from aggregator.store.mails import Mails

NOW = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
#: Readers, and mails: of 100 days, the last two of which are not sent.
READERS, MAILS = 400, 40_000
ROWS = (
    (
        "insert into subscribers (email, email_key, state, created_at, confirmed_at)"
        " select n || '@mail.example', n || '@mail.example', 'confirmed', :then, :then"
        f" from generate_series(1, {READERS}) n"
    ),
    (
        "insert into runs (frequency, due_at, planned_at) select 'daily', at, at from"
        " generate_series(:then, :then + interval '100 days', '1 day') at"
    ),
    (
        "insert into editions (run_id, key, subject, text, html, created_at)"
        f" select 1, n, 's', repeat('t', 500), 'h', :then + n * interval '{100 * DAY // MAILS}'"
        f" from generate_series(1, {MAILS}, 10) n"
    ),
    (
        "insert into outbox (key, lane, state, recipient, domain, mail, message_id, created_at,"
        " due_at, sent_at, subscriber_id, edition_id, run_id) select n, 2,"
        " case when at > :unsent then 'deferred' when n % 100 = 0 then 'failed' else 'sent' end,"
        " case when at < :kept then '' else who || '@mail.example' end,"
        " case when n % 1000 = 0 then 'rare.example' else 'mail.example' end, '{}', n, at, at,"
        " case when at <= :unsent and n % 100 > 0 then at end, who, 1 + n / 10,"
        f" 1 + n / {MAILS // 100}"
        f" from (select n, 1 + n % {READERS} as who, :then + n * interval '{100 * DAY // MAILS}' as at"
        f" from generate_series(1, {MAILS}) n) made"
    ),
    (
        "insert into ledger (subscriber_id, announcement_id, reason, run_id, mail_id, at)"
        " select o.subscriber_id, o.id, 'news', o.run_id, o.id, o.created_at from outbox o"
    ),
)


READ_WHOLE = "Seq Scan on (outbox|ledger|subscribers)"


@pytest.fixture
def old(engine: Engine) -> Engine:
    """A store of a hundred days, of which the planner knows."""
    for n in range(9):
        announce(engine, f"notice {n}", at=NOW - 99 * DAY)
    times = {"then": NOW - 100 * DAY, "unsent": NOW - 2 * DAY, "kept": NOW - 8 * DAY}
    with engine.begin() as connection:
        for statement in ROWS:
            connection.execute(text(statement), times)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze"))
    return engine


@contextmanager
def explained(engine: Engine) -> Iterator[list[str]]:
    """The plans of what is asked of the tables that grow."""
    plans: list[str] = []

    def explain(connection, _cursor, statement, parameters, _context, _many):
        if re.search("outbox|ledger|min.confirmed_at", statement):
            found = connection.connection.cursor().execute(f"explain {statement}", parameters)
            plans.append(statement + "\n" + "\n".join(row[0] for row in found))

    event.listen(engine, "before_cursor_execute", explain)
    try:
        yield plans
    finally:
        event.remove(engine, "before_cursor_execute", explain)


def erase(engine: Engine) -> None:
    with engine.begin() as connection:
        remove(connection, SubscriberId(7), reason="erased")


def hold(engine: Engine) -> None:
    with engine.connect() as connection:
        held_of(connection, store.Subscribers(engine).get("7@mail.example"))


def remove_chat(engine: Engine) -> None:
    with engine.begin() as connection:
        channels.forget(connection, "id = :id", 9)


ASKED = {
    "the sweep's pruning": lambda it: store.System(it).prune(NOW),
    "chats that died": lambda it: store.Channels(it).prune(NOW),
    "a person's own data": hold,
    "the canary's mails": lambda it: store.Canary(it).expect(SubscriberId(7), DAY, NOW),
    "a mail's notices": lambda it: Mails(it).items(MailId(MAILS // 2)),
    "mails to a domain": lambda it: Mails(it).mails(domain="rare.example"),
    "what came back": lambda it: store.Returns(it).since(NOW - 3 * DAY),
    "the first run": lambda it: store.Digests(it).first_run_at(),
    "a chat that is removed": remove_chat,
    "erasing a person": erase,
    "who is forgotten": lambda it: store.Persons(it).forget(NOW),
}


def test_nothing_reads_a_whole_journal(old: Engine):
    """Of 40 million mails, every 15 seconds, that is a disk that does nothing else."""
    whole = {}
    for name, ask in ASKED.items():
        with explained(old) as plans:
            ask(old)
        assert plans, name
        whole[name] = [one for one in plans if re.search(READ_WHOLE, one)]

    assert {name: plans for name, plans in whole.items() if plans} == {}
