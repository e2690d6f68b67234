"""What left after the backup that was restored: nobody is told it a second time.

A restored store does not know the notices of its lost days: they are polled again, and become
other rows. What a mail told of is therefore named by the rows of the sources that showed it
(``entries.key``), which are the same. ``store.sent`` takes in the journal of sent mails;
``untold`` holds what is owed against it, in the planner's transaction, and writes into the ledger
what it leaves out (docs/adr/0037).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import Connection, text

from aggregator.model import (
    AnnouncementId,
    Edition,
    EditionId,
    Share,
    SubscriberId,
)

Items = set[tuple[AnnouncementId, str]]

#: What was recalled is needed as long as notices are owed and changes told, and then some.
KEEP: Final = timedelta(days=60)

#: The name of a source's row, and what its notice says, withdrawn or not.
NAME: Final = "encode(substring(sha256(convert_to(s.slug || ' ' || e.key, 'UTF8')) for 12), 'hex')"
SUBSTANCE: Final = "a.substance_hash || case when a.withdrawn_at is null then '' else '-' end"
#: A reader's word, as ``deliver.sent.person_of`` makes it.
PERSON: Final = "left(encode(sha256(h.journal_key || convert_to(p.email_key, 'UTF8')), 'hex'), 32)"
_NAMED: Final = (
    f"select a.id, max({SUBSTANCE}) as substance,"
    f" coalesce(array_agg({NAME} order by e.id) filter (where e.id is not null), '{{}}') as names"
    " from announcements a left join entries e on e.announcement_id = a.id"
    " left join sources s on s.id = e.source_id where a.id = any(cast(:ids as bigint[]))"
    " group by a.id"
)
#: Pairs that are owed, and the mail that told of each before; of several the last.
_TOLD: Final = f"""
with asked as materialized (
  select * from unnest(cast(:who as bigint[]), cast(:what as bigint[]), cast(:why as text[]))
    as q (subscriber_id, announcement_id, reason)
), named as materialized (
  select e.announcement_id, {NAME} as name from entries e join sources s on s.id = e.source_id
  where e.announcement_id in (select announcement_id from asked)
), mailed as materialized (
  select m.subscriber_id as reader, m.* from recalled_mails m
    where m.subscriber_id in (select subscriber_id from asked)
  union all
  select p.id as reader, m.* from subscribers p cross join house h join recalled_mails m
    on m.subscriber_id is null and m.person = {PERSON}
    where p.id in (select subscriber_id from asked)
)
select distinct on (q.subscriber_id, q.announcement_id, q.reason)
  q.subscriber_id, q.announcement_id, q.reason, m.mail_id, m.message_id, m.at,
  case when i.substance = {SUBSTANCE} then a.revision end as revision
from asked q join named d on d.announcement_id = q.announcement_id
  join recalled_items i on i.name = d.name
  join mailed m on m.reader = q.subscriber_id and m.edition = i.edition
  join announcements a on a.id = q.announcement_id
where q.reason = 'news'
  or (q.reason like 'change:%' and i.substance = {SUBSTANCE})
  or (q.reason like 'reminder:%' and q.reason = i.reason)
order by 1, 2, 3, i.substance = {SUBSTANCE} desc, m.at desc
"""
_KEPT: Final = (
    "insert into ledger (subscriber_id, announcement_id, reason, run_id, mail_id, at, revision)"
    " select t.subscriber_id, t.announcement_id, t.reason, o.run_id, t.mail_id, t.at, t.revision"
    " from unnest(cast(:who as bigint[]), cast(:what as bigint[]), cast(:why as text[]),"
    " cast(:mails as bigint[]), cast(:ats as timestamptz[]), cast(:revisions as integer[]))"
    " as t (subscriber_id, announcement_id, reason, mail_id, at, revision)"
    " left join outbox o on o.id = t.mail_id on conflict do nothing"
)


def named(
    connection: Connection, written: Sequence[tuple[Share, EditionId | Edition]]
) -> list[Edition]:
    """The new editions among these, each with the names of what it tells of."""
    fresh = {one.key: (share, one) for share, one in written if isinstance(one, Edition)}
    if not fresh:
        return []
    ids = {item[0] for share, _ in fresh.values() for item in share.selection.items}
    known = {
        row.id: (row.substance, row.names)
        for row in connection.execute(text(_NAMED), {"ids": sorted(ids)})
    }
    return [
        replace(
            one,
            items=msgspec.json.encode(
                [(reason, *known[item]) for item, reason in share.selection.items if item in known]
            ).decode(),
        )
        for share, one in fresh.values()
    ]


def told(
    connection: Connection, items: Mapping[SubscriberId, Collection[tuple[AnnouncementId, str]]]
) -> Sequence[_Told]:
    """Which of these pairs a mail told of that left after the backup."""
    if (
        not items
        or not connection.execute(text("select exists (select 1 from recalled_mails)")).scalar_one()
    ):
        return ()
    asked = [(who, *item) for who, theirs in items.items() for item in theirs]
    found = connection.execute(
        text(_TOLD),
        {
            "who": [one for one, _, _ in asked],
            "what": [one for _, one, _ in asked],
            "why": [one for _, _, one in asked],
        },
    )
    return [msgspec.convert(dict(row), _Told) for row in found.mappings()]


def untold(
    connection: Connection, items: Mapping[SubscriberId, Items]
) -> dict[SubscriberId, Items]:
    """What is owed without what was told before the restore, which goes into the ledger."""
    rest = {who: set(theirs) for who, theirs in items.items()}
    found = told(connection, items)
    if found:
        for one in found:
            rest[one.subscriber_id].discard((one.announcement_id, one.reason))
        connection.execute(
            text(_KEPT),
            {
                "who": [one.subscriber_id for one in found],
                "what": [one.announcement_id for one in found],
                "why": [one.reason for one in found],
                "mails": [one.mail_id for one in found],
                "ats": [one.at for one in found],
                "revisions": [one.revision for one in found],
            },
        )
    return {who: theirs for who, theirs in rest.items() if theirs}


def prune(connection: Connection, now: datetime) -> None:
    """Forget what nothing can be owed of any more."""
    if connection.execute(
        text("delete from recalled_mails where at < :before"), {"before": now - KEEP}
    ).rowcount:
        connection.execute(
            text(
                "delete from recalled_items i where not exists"
                " (select 1 from recalled_mails m where m.edition = i.edition)"
            )
        )


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    subscriber_id: SubscriberId
    announcement_id: AnnouncementId
    reason: str
    mail_id: int | None
    message_id: str
    at: datetime
    revision: int | None
