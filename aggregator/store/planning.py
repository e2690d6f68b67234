"""Planning a batch of subscribers in one transaction: what is owed, and the mails it becomes.

Two phases with rendering between them, which needs no database: ``Batch`` says who gets which
selection, and takes the words of each; all of it is committed at once or not at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from aggregator.errors import PlanningError
from aggregator.model import (
    Announcement,
    AnnouncementId,
    Edition,
    EditionId,
    Filter,
    Frequency,
    Lane,
    Reader,
    Run,
    Selection,
    Share,
    SubscriberId,
    WishId,
)
from aggregator.store import recall, rows
from aggregator.store.further import Revisions, revisions_of
from aggregator.store.letterbox import LANES
from aggregator.store.members import share_merges
from aggregator.store.owed import Items, array, owed, standing
from aggregator.store.slim import slim

Chosen = tuple[tuple[AnnouncementId, str], ...]

#: No "on conflict": asking for it costs half as much again, and there is none to be met.
_INTO_LEDGER = (
    "insert into ledger (subscriber_id, announcement_id, reason, run_id, mail_id, at, revision)"
    " select w.whose, i.id, i.reason, :run, w.mail, :now, i.revision from"
    " unnest(cast(:places as integer[]), cast(:whose as bigint[]), cast(:mails as bigint[]))"
    " as w (place, whose, mail) join"
    " unnest(cast(:of as integer[]), cast(:ids as bigint[]), cast(:reasons as text[]),"
    " cast(:revisions as integer[])) as i (place, id, reason, revision) using (place)"
)


class Batch:
    """Implements ``ports.PlanningBatch`` in the caller's transaction."""

    def __init__(
        self,
        connection: Connection,
        run: Run,
        ids: Sequence[SubscriberId],
        now: datetime,
        filters: dict[WishId, Filter],
    ) -> None:
        self._connection = connection
        self._run = run
        self._now = now
        self._filters = filters
        share_merges(connection)
        people = _lock(connection, ids)
        found = owed(connection, run.frequency, list(people), now, lock=True)
        self._settled = dict(found.settled)
        self._unsent: dict[SubscriberId, list[int]] = defaultdict(list)
        items = recall.untold(connection, found.items)
        self._told = self._take_unsent(items)
        self._unsaid: dict[SubscriberId, Items] = {}
        ids_ = {one for theirs in items.values() for one, _ in theirs}
        #: Announcements of the selections, with the number of their last change.
        self._there = standing(connection, sorted(ids_), now)
        self.standing: Mapping[AnnouncementId, int] = self._there.changes
        self.shares: Sequence[Share] = self._shares(people, items, found.wishes)
        #: What the changes among the selections tell of.
        self.revisions: Revisions = revisions_of(
            connection, (item for share in self.shares for item in share.selection.items)
        )

    def announcements(self, ids: Sequence[AnnouncementId]) -> Sequence[Announcement]:
        """Announcements without their texts, which no mail prints."""
        return slim(self._connection, ids)

    def write(
        self,
        written: Sequence[tuple[Share, EditionId | Edition]],
        stamp: Callable[[SubscriberId], tuple[str, str]],
    ) -> tuple[int, Mapping[str, EditionId]]:
        """Put a mail for every reader of the shares into the outbox, and into the ledger what
        it brings.

        Whoever is left out is owed the same as before: the next batch that they are in finds it,
        be it of this run, when there was no time for their words, or of the next, when these could
        not be made or this run wrote to them before.

        Args:
            written: shares with their words, or the id of an edition that is there.
            stamp: key and Message-ID of a reader's mail.

        Returns:
            How many mails that made, and the ids of the new editions by their keys.

        Raises:
            PlanningError: when somebody who knows nothing of us wrote of one of the readers.
        """
        fresh = recall.named(self._connection, written)
        editions = store_editions(self._connection, self._run, fresh, self._now)
        made = self._enqueue(
            [
                (reader, editions[one.key] if isinstance(one, Edition) else one)
                for share, one in written
                for reader in share.readers
            ],
            stamp,
        )
        self._merge_unsent(made)
        self._write_ledger([share for share, _ in written], made)
        self._settle(made)
        return len(made), editions

    def _enqueue(
        self,
        letters: Sequence[tuple[Reader, EditionId]],
        stamp: Callable[[SubscriberId], tuple[str, str]],
    ) -> dict[SubscriberId, int]:
        """The outbox rows of those whom this run has not written to before."""
        run = self._run
        if not letters:
            return {}
        found = self._connection.execute(
            text(
                "insert into outbox (key, lane, subscriber_id, recipient, domain, edition_id,"
                " run_id, message_id, created_at, due_at) select v.key, :lane, v.id, v.email,"
                " nullif(lower(split_part(v.email, '@', 2)), ''), v.edition, :run, v.message_id,"
                " :now, :due from json_to_recordset(cast(:letters as json)) as v (key text,"
                " id bigint, email text, edition bigint, message_id text)"
                " on conflict (key) do nothing returning subscriber_id, id"
            ),
            {
                "lane": LANES[
                    Lane.IMMEDIATE if run.frequency is Frequency.IMMEDIATE else Lane.DIGEST
                ],
                "run": run.id, "now": self._now, "due": run.due_at,
                "letters": rows.to_json(
                    [_letter(reader, edition, *stamp(reader.id)) for reader, edition in letters]
                ),
            },
        )  # fmt: skip
        return {row[0]: row[1] for row in found}

    def _take_unsent(self, items: dict[SubscriberId, Items]) -> dict[SubscriberId, Items]:
        """Add what waits in mails of earlier runs that have not left; who was told what by it.

        A mail that is being sent is let be: nobody waits for it here.
        """
        told: dict[SubscriberId, Items] = defaultdict(set)
        if not items:
            return told
        found = self._connection.execute(
            text(
                "with waiting as (select o.id, o.subscriber_id from outbox o join runs r on"
                # "waiting" is what the index on readers holds.
                " r.id = o.run_id where o.subscriber_id = any(cast(:ids as bigint[])) and o.waiting"
                " and o.state in ('queued', 'deferred') and not o.was_ambiguous and o.edition_id is not null"
                # What an operator sends again may have come: no other mail brings it once more.
                " and o.resends = 0"
                " and r.frequency = :frequency and r.due_at < :due"
                # What is held stays with its run: an operator decides whether it leaves.
                " and r.held is null order by o.id"
                " for update of o skip locked) select w.id, w.subscriber_id, l.announcement_id,"
                " l.reason from waiting w left join ledger l on l.subscriber_id = w.subscriber_id"
                " and l.mail_id = w.id"
            ),
            {
                "ids": list(items),
                "frequency": self._run.frequency,
                "due": self._run.due_at,
            },
        )
        for mail, subscriber, announcement, reason in found:
            if mail not in self._unsent[subscriber]:
                self._unsent[subscriber].append(mail)
            if announcement is not None:
                told[subscriber].add((announcement, reason))
                items[subscriber].add((announcement, reason))
        return told

    def _shares(
        self,
        people: Mapping[SubscriberId, Reader],
        items: Mapping[SubscriberId, Items],
        wishes: Mapping[SubscriberId, tuple[WishId, ...]],
    ) -> Sequence[Share]:
        """Readers by what they get; those of equal selections together."""
        self._know(one for theirs in wishes.values() for one in theirs)
        alike: dict[tuple[str, tuple[WishId, ...], Chosen], list[Reader]] = defaultdict(list)
        for one, theirs in items.items():
            told = self._told.get(one, set())
            kept = self._there.kept(theirs, told)
            self._unsaid[one] = self._there.unsaid(told, kept)
            reader = people[one]
            if kept and not _all_told(kept, told):
                alike[reader.language, wishes[one], kept].append(reader)
        return [
            Share(
                selection=Selection(
                    language=language, wishes=tuple(map(self._filters.__getitem__, ids)), items=kept
                ),
                readers=tuple(readers),
            )
            for (language, ids, kept), readers in alike.items()
        ]

    def _know(self, ids: Iterable[WishId]) -> None:
        missing = sorted(set(ids) - self._filters.keys())
        if missing:
            for row in self._connection.execute(
                text("select id, filter from wishes where id = any(cast(:ids as bigint[]))"),
                {"ids": missing},
            ):
                self._filters[row[0]] = rows.from_json(row[1], Filter)

    def _merge_unsent(self, made: Mapping[SubscriberId, int]) -> None:
        """Let a mail take the place of earlier ones: what these brought, and how long they wait
        and how often they were tried for it.
        """
        moves = [
            (one, mail, made[one])
            for one, mails in self._unsent.items()
            if one in made
            for mail in mails
        ]
        if not moves:
            return
        unsaid = [(one, *item) for one in made for item in self._unsaid.get(one, ())]
        if unsaid:
            self._connection.execute(
                text(
                    "delete from ledger l using unnest(cast(:whose as bigint[]), cast(:ids as"
                    " bigint[]), cast(:reasons as text[])) as v (whose, id, reason) where"
                    " l.subscriber_id = v.whose and l.announcement_id = v.id and l.reason = v.reason"
                ),
                {
                    "whose": [one for one, _, _ in unsaid],
                    "ids": [one for _, one, _ in unsaid],
                    "reasons": [one for _, _, one in unsaid],
                },
            )
        values = {
            "whose": [one for one, _, _ in moves],
            "before": [one for _, one, _ in moves],
            "after": [one for _, _, one in moves],
            "run": self._run.id,
        }
        pairs = (
            " from unnest(cast(:whose as bigint[]), cast(:before as bigint[]),"
            " cast(:after as bigint[])) as v (whose, before, after)"
        )
        for statement in (
            (
                f"update ledger l set mail_id = v.after, run_id = :run{pairs}"
                " where l.subscriber_id = v.whose and l.mail_id = v.before"
            ),
            (
                "update outbox n set due_at = greatest(n.due_at, o.due_at), attempts = o.attempts,"
                f" waiting_since = o.since from (select v.after, max(b.due_at) as due_at,"
                " max(b.attempts) as attempts, min(coalesce(b.waiting_since, b.created_at)) as since"
                f"{pairs} join outbox b on b.id = v.before group by v.after) o where n.id = o.after"
            ),
            (
                "update outbox o set state = 'merged', lease_until = null, answer ="
                f" 'went into ' || n.message_id{pairs} join outbox n on n.id = v.after"
                " where o.id = v.before"
            ),
        ):
            self._connection.execute(text(statement), values)

    def _write_ledger(self, shares: Sequence[Share], made: Mapping[SubscriberId, int]) -> None:
        """One row for each reader and item; the database multiplies them out."""
        who: list[tuple[int, SubscriberId]] = []
        what: list[tuple[int, AnnouncementId, str]] = []
        place = 0
        for share in shares:
            mine = [reader.id for reader in share.readers if reader.id in made]
            moved = [one for one in mine if one in self._told]
            for readers, items in (
                ([one for one in mine if one not in self._told], share.selection.items),
                *(
                    ([one], tuple(x for x in share.selection.items if x not in self._told[one]))
                    for one in moved
                ),
            ):
                who += [(place, one) for one in readers]
                what += [(place, one, reason) for one, reason in items]
                place += 1
        values = {
            "now": self._now, "run": self._run.id,
            "places": array(one for one, _ in who),
            "whose": array(one for _, one in who),
            "mails": array(made[one] for _, one in who),
            "of": array(one for one, _, _ in what),
            "ids": array(one for _, one, _ in what),
            "reasons": array(f'"{one}"' for _, _, one in what),
            "revisions": array(self._there.revisions[one] for _, one, _ in what),
        }  # fmt: skip
        try:
            self._connection.execute(text(_INTO_LEDGER), values)
        except IntegrityError as error:
            raise PlanningError(
                "the ledger changed while a digest was planned: plan it again"
            ) from error

    def _settle(self, made: Mapping[SubscriberId, int]) -> None:
        """Note how far was looked, for those who got a mail and those who are owed nothing."""
        self._connection.execute(
            text(
                "update subscriptions n set settled = v.top from unnest(cast(:ids as bigint[]),"
                " cast(:tops as bigint[])) as v (id, top) where n.id = v.id"
                " and not n.subscriber_id = any(cast(:left as bigint[]))"
            ),
            {
                "ids": array(self._settled),
                "tops": array(self._settled.values()),
                "left": array(
                    reader.id
                    for share in self.shares
                    for reader in share.readers
                    if reader.id not in made
                ),
            },
        )


def _all_told(kept: Chosen, told: Items) -> bool:
    """Whether nothing is new beside what waits in an earlier mail: then that one goes as it is."""
    return told.issuperset(kept)


def _lock(connection: Connection, ids: Sequence[SubscriberId]) -> dict[SubscriberId, Reader]:
    """Those of them who may be written to, locked in order: one planner at a time for a person,
    and the second sees the first's ledger.
    """
    found = connection.execute(
        text(
            "select p.id, p.email, p.language, p.epoch from subscribers p"
            " where p.id = any(cast(:ids as bigint[])) and p.state = 'confirmed' and not exists"
            " (select 1 from suppressions x where x.email_key = p.email_key)"
            " order by p.id for no key update of p"
        ),
        {"ids": ids},
    )
    return {row[0]: Reader(id=row[0], email=row[1], language=row[2], epoch=row[3]) for row in found}


def store_editions(
    connection: Connection, run: Run, editions: Sequence[Edition], now: datetime
) -> dict[str, EditionId]:
    """Editions that are not there yet, in the order of their keys; ids of all by their keys."""
    if not editions:
        return {}
    ordered = sorted({one.key: one for one in editions}.values(), key=lambda one: one.key)
    found = connection.execute(
        text(
            "insert into editions as e (run_id, key, subject, text, html, items, created_at)"
            " select :run, v.key, v.subject, v.text, v.html, v.items, :now from"
            " json_to_recordset(cast(:editions as json)) as v (key text, subject text, text text,"
            " html text, items text) on conflict (key) do update set key = e.key returning e.key, e.id"
        ),
        {"run": run.id, "now": now, "editions": rows.to_json(ordered)},
    )
    return {row[0]: EditionId(row[1]) for row in found}


def _letter(reader: Reader, edition: EditionId, key: str, message_id: str) -> dict[str, object]:
    return {
        "key": key, "id": reader.id, "email": reader.email, "edition": edition,
        "message_id": message_id,
    }  # fmt: skip
