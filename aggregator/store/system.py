"""Heartbeats, figures, the reasons why, and the pruning of what is old."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine, text

from aggregator.store import sign_ups
from aggregator.store.announcements import Announcements
from aggregator.store.matches import Matcher
from aggregator.store.pruning import BATCH, BATCHES, Pruning
from aggregator.store.reasons import Why, why
from aggregator.store.subscribers import Subscribers

#: Polls are kept this long, sign-ups a week.
KEEP_POLLS = timedelta(days=30)
KEEP_SIGN_UPS = timedelta(days=7)


#: What mails said, and to whom; in the words of the indexes, so that no years are gone through.
_WORDS: Final = (
    (
        "update outbox set mail = '{}', recipient = '' where id = any(array(select id from outbox"
        " where not waiting and recipient <> '' and coalesce(sent_at, created_at) < :t"
        " order by coalesce(sent_at, created_at) limit :batch for update skip locked))"
    ),
    # In doubt for the second time, and for good.
    (
        "update outbox set mail = '{}', recipient = '' where id = any(array(select id from outbox"
        " where waiting and state = 'ambiguous' and due_at = 'infinity' and recipient <> ''"
        " and coalesce(sent_at, created_at) < :t limit :batch for update skip locked))"
    ),
    (
        "delete from editions where id = any(array(select e.id from editions e where"
        " e.created_at < :t and not exists (select 1 from outbox o where o.edition_id = e.id"
        " and o.waiting) order by e.created_at limit :batch))"
    ),
)


class System:
    """What operators and supervisors ask."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pruning = Pruning(engine)

    def time(self) -> datetime:
        """The present time by the database's clock."""
        with self._engine.connect() as connection:
            found: datetime = connection.execute(text("select clock_timestamp()")).scalar_one()
            return found

    def beat(self, name: str, now: datetime) -> None:
        """Say that a process is alive."""
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "insert into heartbeats (name, at) values (:name, :now)"
                    " on conflict (name) do update set at = excluded.at"
                ),
                {"name": name, "now": now},
            )

    def beats(self) -> Mapping[str, datetime]:
        """When each process last said that it is alive."""
        with self._engine.connect() as connection:
            found = connection.execute(text("select name, at from heartbeats order by name"))
            return {row[0]: row[1] for row in found}

    def stats(self) -> Mapping[str, int]:
        """What the store holds, in figures."""
        with self._engine.connect() as connection:
            row = connection.execute(
                text(
                    "select (select count(*) from sources) as sources,"
                    " (select count(*) from sources where state = 'active') as sources_active,"
                    " (select count(*) from sources where state = 'active' and health in"
                    " ('well', 'new')) as sources_well,"
                    " (select count(*) from entries) as entries,"
                    " (select count(*) from entries where announcement_id is null)"
                    " as entries_waiting,"
                    " (select count(*) from announcements) as announcements,"
                    " (select count(*) from announcements where withdrawn_at is not null)"
                    " as withdrawn, (select count(*) from sightings) as sightings,"
                    " (select count(*) from revisions) as revisions,"
                    " (select count(*) from pages) as pages,"
                    " (select count(*) from subscribers where state = 'confirmed' and owner_id is"
                    " null) as subscribers, (select count(*) from channels) as channels,"
                    " (select count(*) from wishes) as wishes,"
                    " (select count(*) from ledger) as ledger,"
                    " (select count(*) from outbox where state = 'sent') as mails_sent,"
                    " (select count(*) from outbox where state in ('queued', 'claimed', 'handed',"
                    " 'deferred')) as mails_waiting,"
                    " (select count(*) from outbox where state = 'failed') as mails_failed,"
                    " (select count(*) from outbox where was_ambiguous) as mails_ambiguous,"
                    " (select count(*) from outbox where bounced is not null) as mails_bounced,"
                    " (select coalesce(sum(count), 0) from returns_counted where kind = 'foreign')"
                    " as returns_foreign, (select count(*) from suppressions) as suppressions, "
                    + ", ".join(
                        f"(select coalesce(sum(refused), 0) from sign_ups_refused where by_limit ="
                        f" '{name}') as sign_ups_refused_{name}"
                        for name in sign_ups.LIMIT_NAMES
                    )
                    + ", (select coalesce(sum(asked), 0) from sign_ups_refused)"
                    " as sign_ups_asked_a_question"
                )
            ).mappings().one()  # fmt: skip
            return {name: int(value) for name, value in row.items()}

    def why(self, announcement: str, subscriber: str, now: datetime) -> Why:
        """Why an announcement was or was not sent to a subscriber, in words with times.

        Raises:
            NotFoundError: there is no such announcement, or no such subscriber.
        """
        one = Announcements(self._engine).get(announcement)
        who = Subscribers(self._engine).get(subscriber)
        with self._engine.connect() as connection:
            return why(connection, one, who, now)

    def prune(self, now: datetime) -> None:
        """Forget what need not be kept (RELIABILITY.md §Security model, personal data)."""
        with self._engine.begin() as connection:
            connection.execute(text("delete from polls where at < :t"), {"t": now - KEEP_POLLS})
            connection.execute(
                text("delete from sign_ups where at < :t"), {"t": now - KEEP_SIGN_UPS}
            )
            sign_ups.fold(connection, now)
            connection.execute(
                text("delete from confirmations where expires_at < :t"),
                {"t": now - KEEP_SIGN_UPS},
            )
        for statement in _WORDS:
            self._in_batches(statement, now)
        Matcher(self._engine).prune(now)
        self._pruning.prune(now)

    def _in_batches(self, statement: str, now: datetime) -> None:
        """A few small transactions; the next call goes on."""
        values = {"t": now - KEEP_SIGN_UPS, "batch": BATCH}
        for _ in range(BATCHES):
            with self._engine.begin() as connection:
                if connection.execute(text(statement), values).rowcount < BATCH:
                    return
