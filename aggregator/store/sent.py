"""The database's side of the journal of sent mails, and what makes a restored database sound."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

import msgspec
import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from aggregator.errors import OutageError
from aggregator.model import Edition, Frequency, Lane, MailId, SentMail, SentNote, SubscriberId
from aggregator.store import alarms, rows
from aggregator.store.letterbox import LANES, SPENT
from aggregator.store.publish import cut
from aggregator.store.recall import NAME, PERSON

log = structlog.get_logger()

_BATCH: Final = 1_000
#: Numbers that are passed over for every day since the backup, and once: whatever was given out
#: meanwhile, to mails, readers, links or changes of feeds, is not given out again.
A_DAY: Final = 2_000_000
_GENERATIONS: Final = 1_000_000
#: Whoever missed such a run is planned for in it (``flow.digests``).
_CAUGHT_UP: Final = timedelta(minutes=15)
#: ``notify.render.digest_key``: frequency, slot and reader.
_PARTS: Final = 4
_SLOT: Final = "%Y%m%dT%H%M%S%f"

_LEFT = (
    "insert into outbox as o (key, lane, state, subscriber_id, recipient, mail, run_id, message_id,"
    " created_at, due_at, sent_at, answered_at, meaning, answer) select v.key, v.lane, 'sent',"
    " v.subscriber, '', '{}', v.run, v.message_id, v.at, v.at, v.at, v.at, 'taken', :answer"
    " from json_to_recordset(cast(:notes as json)) as v (key text, lane integer,"
    " subscriber bigint, run bigint, message_id text, at timestamptz)"
    " on conflict (key) do update set state = 'sent', sent_at = excluded.sent_at,"
    " answered_at = excluded.answered_at, meaning = 'taken', answer = excluded.answer,"
    " lease_until = null, generation = o.generation + 1 where o.state <> 'sent'"
    " returning o.key, o.id"
)
#: The canary's mails of then are not waited for.
_ARRIVED = (
    "insert into canary_checks (mail_id, run_id, message_id, wanted_by, arrived_at)"
    " select o.id, o.run_id, o.message_id, o.sent_at, o.sent_at from outbox o"
    " join house h on h.canary_id = o.subscriber_id where o.id = any(cast(:ids as bigint[]))"
    " on conflict do nothing"
)
#: Mails that still wait in the backup and went into a later one before that left: the ledger
#: holds a row once, so whatever another mail told of was merged into that one.
_MERGED = f"""
with told as materialized (
  select distinct on (l.subscriber_id, l.announcement_id, l.reason)
    l.subscriber_id, l.announcement_id, l.reason, l.mail_id as before, m.mail_id as after,
    m.message_id
  from outbox w join ledger l on l.subscriber_id = w.subscriber_id and l.mail_id = w.id
    join entries e on e.announcement_id = l.announcement_id
    join sources s on s.id = e.source_id
    join recalled_items i on i.name = {NAME} and i.reason = l.reason
    join recalled_mails m on m.edition = i.edition and m.subscriber_id = w.subscriber_id
      and m.mail_id <> w.id
  where w.waiting and w.lane > 0
  order by 1, 2, 3, m.at desc
), merged as (
  update outbox o set state = 'merged', lease_until = null, answer = 'went into ' || t.message_id
  from (select distinct on (before) before, message_id from told) t where o.id = t.before
), moved as (
  update ledger l set mail_id = t.after,
    run_id = (select o.run_id from outbox o where o.id = t.after)
  from told t where l.subscriber_id = t.subscriber_id
    and l.announcement_id = t.announcement_id and l.reason = t.reason
), owed_again as (
  delete from ledger l using (select distinct subscriber_id, before from told) t
  where l.subscriber_id = t.subscriber_id and l.mail_id = t.before
    and not exists (select 1 from told u where u.subscriber_id = l.subscriber_id
      and u.announcement_id = l.announcement_id and u.reason = l.reason)
)
select count(distinct before) from told
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What came of a replay: mails that left after the backup, and how many of them nobody in
    the backup was a reader of.
    """

    mails: int
    strangers: int


class Sent:
    """Implements ``ports.SentMails``, and takes the journal in again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def journal_key(self) -> bytes:
        """What makes of an address a word that only this database can tell again."""
        with self._engine.connect() as connection:
            return bytes(
                connection.execute(text("select journal_key from house")).scalar_one() or b""
            )

    def tell_journal(self, machine: str, problem: str | None) -> bool:
        """Raise the alarm that a machine's journal cannot be written, or clear it; False when
        that cannot be done now: it stops no mail.
        """
        kind = f"journal:{machine}"
        try:
            with self._engine.begin() as connection:
                if problem is None:
                    alarms.clear_alarm(connection, kind)
                else:
                    alarms.raise_alarm(connection, kind, problem)
        except (SQLAlchemyError, OutageError) as error:
            log.warning("alarm neither raised nor cleared", kind=kind, why=str(error))
            return False
        return True

    def sent(self, ids: Collection[MailId]) -> Sequence[SentMail]:
        """Mails as the journal is told of them."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select o.key, o.message_id, o.recipient, e.key as edition, e.items"
                    " from outbox o left join editions e on e.id = o.edition_id"
                    " where o.id = any(cast(:ids as bigint[]))"
                ),
                {"ids": list(ids)},
            )
            return [
                SentMail(
                    key=row.key, message_id=row.message_id, to=row.recipient,
                    edition=None if row.edition is None else Edition(
                        key=row.edition, subject="", text="", html="", items=row.items
                    ),
                )
                for row in found
            ]  # fmt: skip

    def stamp(self, now: datetime) -> None:
        """Note in the database, so in its backup, when that is made."""
        with self._engine.begin() as connection:
            connection.execute(text("update house set backed_up_at = :now"), {"now": now})

    def backed_up_at(self) -> datetime | None:
        """When the backup was made that this database was restored from."""
        with self._engine.connect() as connection:
            found: datetime | None = connection.execute(
                text("select backed_up_at from house")
            ).scalar()
            return found

    def leap(self, now: datetime) -> None:
        """Let nothing be mistaken for what was given out after the backup: numbers go on far
        behind it, links to choices that were revoked stay so, and nobody is logged in.
        """
        with self._engine.begin() as connection:
            since = connection.execute(text("select backed_up_at from house")).scalar()
            days = max((now - since).days, 0) + 1 if since else 366
            connection.execute(
                text(
                    "select setval(c.oid::regclass, coalesce(pg_sequence_last_value(c.oid), 0) + :leap)"
                    " from pg_class c join pg_sequence q on q.seqrelid = c.oid"
                    " where c.relnamespace = current_schema()::text::regnamespace"
                    " and q.seqtypid = 'bigint'::regtype"
                ),
                {"leap": days * A_DAY},
            )
            for statement in (
                "update subscribers set epoch = epoch + 1",
                # What senders of the lost time noted of mails is of none of these.
                f"update outbox set generation = generation + {_GENERATIONS} where waiting",
                "delete from operator_sessions",
                "delete from heartbeats",
            ):
                connection.execute(text(statement))
            # Whoever keeps documents of our feeds reads them again.
            cut(connection, "restored from a backup", always=True)

    def replay(self, journal: Iterable[SentNote | tuple[str, str]]) -> Replayed:
        """Take in the journal of sent mails; again, nothing more.

        A mail that is in the backup counts as sent; one that was made after it gets its row, so
        that no other mail ever has its Message-ID, and what it told of is recalled.
        """
        with self._engine.begin() as connection:
            connection.execute(text("set local statement_timeout = 0"))
            readers = _Readers(connection)
            whole = {
                row.message_id: row.id
                for row in connection.execute(
                    text("select id, message_id from outbox where waiting and edition_id is null")
                )
            }
            mails = strangers = 0
            lines = iter(journal)
            while batch := list(islice(lines, _BATCH)):
                _keep_items(connection, [one for one in batch if isinstance(one, tuple)])
                notes = [one for one in batch if isinstance(one, SentNote)]
                left = [whole[one.message_id] for one in notes if one.message_id in whole]
                connection.execute(
                    text(
                        "update outbox o set state = 'sent', sent_at = coalesce(sent_at, now()),"
                        f" mail = {SPENT}, lease_until = null, answer = :answer where id = any(:ids) and waiting"
                    ),
                    {"ids": left, "answer": _ANSWER},
                )
                mails += len(left)
                new, strange = _keep_mails(connection, readers, [one for one in notes if one.key])
                mails, strangers = mails + new, strangers + strange
            connection.execute(text(_MERGED))
            return Replayed(mails=mails, strangers=strangers)


_ANSWER: Final = "250 by the journal of sent mails, after a restore"


class _Readers:
    """The readers in the backup, by the word that the journal has for their address; one who
    moved since is known by number.
    """

    def __init__(self, connection: Connection) -> None:
        found = connection.execute(
            text(f"select p.id, {PERSON} as person from subscribers p cross join house h")
        ).all()
        self._by_word = {row.person: SubscriberId(row.id) for row in found}
        self._ids = set(self._by_word.values())

    def find(self, person: str, number: str) -> SubscriberId | None:
        """The reader that a note is of."""
        found = self._by_word.get(person)
        if found is None and number.isdecimal() and int(number) in self._ids:
            found = SubscriberId(int(number))
        return found


def _keep_items(connection: Connection, editions: Sequence[tuple[str, str]]) -> None:
    told = [
        {"edition": edition, "name": name, "reason": reason, "substance": substance}
        for edition, items in editions
        for reason, substance, names in _items(items)
        for name in names
    ]
    if told:
        connection.execute(
            text(
                "insert into recalled_items (edition, name, reason, substance)"
                " select v.edition, v.name, v.reason, v.substance from json_to_recordset("
                "cast(:told as json)) as v (edition text, name text, reason text, substance text)"
                " on conflict do nothing"
            ),
            {"told": rows.to_json(told)},
        )


def _items(words: str) -> Iterator[tuple[str, str, list[str]]]:
    try:
        yield from msgspec.json.decode(words, type=list[tuple[str, str, list[str]]])
    except msgspec.MsgspecError:
        return  # a line that was cut short


def _keep_mails(
    connection: Connection, readers: _Readers, notes: Sequence[SentNote]
) -> tuple[int, int]:
    """Mails of runs; how many are new to the backup, and of how many it knows no reader."""
    runs = _Runs(connection)
    known: list[dict[str, object]] = []
    recalled: dict[str, dict[str, object]] = {}
    strangers = 0
    for note in {one.message_id: one for one in notes}.values():
        parts = note.key.split(":")
        if len(parts) != _PARTS or parts[1] not in set(Frequency):
            continue
        reader = readers.find(note.person, parts[3])
        strangers += reader is None
        recalled[note.key] = {
            "message_id": note.message_id, "edition": note.edition, "person": note.person,
            "subscriber": reader, "mail": None, "at": note.at,
        }  # fmt: skip
        run = runs.of(parts[1], parts[2])
        if reader is not None and run is not None:
            immediate = parts[1] == Frequency.IMMEDIATE
            known.append(
                {
                    "key": note.key, "lane": LANES[Lane.IMMEDIATE if immediate else Lane.DIGEST], "subscriber": reader, "run": run,
                    "message_id": note.message_id, "at": note.at,
                }
            )  # fmt: skip
    found = connection.execute(text(_LEFT), {"notes": rows.to_json(known), "answer": _ANSWER}).all()
    for row in found:
        recalled[row.key]["mail"] = row.id
    connection.execute(text(_ARRIVED), {"ids": [row.id for row in found]})
    # What the backup knows to be sent stands in its ledger.
    kept = [one for one in recalled.values() if one["mail"] or one["subscriber"] is None]
    connection.execute(
        text(
            "insert into recalled_mails (message_id, edition, person, subscriber_id, mail_id, at)"
            " select v.message_id, v.edition, v.person, v.subscriber, v.mail, v.at"
            " from json_to_recordset(cast(:mails as json)) as v (message_id text, edition text,"
            " person text, subscriber bigint, mail bigint, at timestamptz) on conflict do nothing"
        ),
        {"mails": rows.to_json(kept)},
    )
    return len(found), strangers


class _Runs:
    """The runs of slots, made where the backup has none; they are planned for who got nothing."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[tuple[str, str], int | None] = {}

    def of(self, frequency: str, slot: str) -> int | None:
        """The number of a run; None for a word that is no slot."""
        if (frequency, slot) not in self._known:
            self._known[frequency, slot] = self._find(frequency, slot)
        return self._known[frequency, slot]

    def _find(self, frequency: str, slot: str) -> int | None:
        try:
            due_at = datetime.strptime(slot, _SLOT).replace(tzinfo=UTC)
        except ValueError:
            return None
        # Others are planned by nobody any more: who got nothing by them gets it by the next.
        ends = frequency == Frequency.IMMEDIATE or due_at.timestamp() % _CAUGHT_UP.total_seconds()
        found: int = self._connection.execute(
            text(
                "insert into runs (frequency, due_at, planned_at)"
                " values (:frequency, :due, case when :ends then :due end)"
                " on conflict (frequency, due_at) do update set due_at = excluded.due_at"
                " returning id"
            ),
            {"frequency": frequency, "due": due_at, "ends": bool(ends)},
        ).scalar_one()
        return found
