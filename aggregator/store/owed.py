"""What subscribers are owed: a set, not a window (DESIGN.md, promise 8), as one query.

Owed as news is what was announced in a spell of a subscription, matches the wish of that spell
and the present one, and is not in the ledger. ``settled`` says up to which match a subscription
was looked at already; it saves work and decides nothing, the ledger does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from aggregator.model import NEWS, AnnouncementId, Frequency, SubscriberId, WishId
from aggregator.store.further import further
from aggregator.store.matches import LOOK_BACK, MAILED

Items = set[tuple[AnnouncementId, str]]

#: The subscriptions that a run answers.
_MINE = (
    "select n.id, n.subscriber_id, n.wish_id, n.settled from subscriptions n"
    " where n.subscriber_id = any(cast(:ids as bigint[])) and n.state = 'active'"
    " and n.frequency = :frequency order by n.subscriber_id, n.id"
)
_OWED = (
    "with seen as materialized (select n.id, n.subscriber_id, n.wish_id, m.announcement_id,"
    " m.change, m.number from unnest(cast(:mine as bigint[]), cast(:subscribers as bigint[]),"
    " cast(:wishes as bigint[]), cast(:settled as bigint[])) as n (id, subscriber_id, wish_id,"
    " settled) join matches m on m.wish_id = n.wish_id and m.number > n.settled),"
    # The spells of these alone: nobody else's are read.
    " lived as materialized (select p.subscription_id, p.wish_id, p.from_change, p.until_change"
    " from spells p where p.subscription_id = any(cast(:mine as bigint[]))),"
    # Numbers are sorted before they are spelled: as words it takes three times as long.
    " owed as (select distinct s.subscriber_id, s.announcement_id from seen s"
    " where exists (select 1 from lived p where p.subscription_id = s.id"
    " and s.change > p.from_change and (p.until_change is null or s.change <= p.until_change)"
    " and (p.wish_id = s.wish_id or exists (select 1 from matches o where o.wish_id = p.wish_id"
    " and o.announcement_id = s.announcement_id)))"
    " and not exists (select 1 from ledger l where l.subscriber_id = s.subscriber_id"
    f" and l.announcement_id = s.announcement_id and l.reason = '{NEWS}'))"
    " select cast(null as bigint), o.subscriber_id,"
    " string_agg(cast(o.announcement_id as text), ' '), cast(null as bigint)"
    " from owed o group by o.subscriber_id"
    " union all select s.id, null, null, max(s.number) from seen s group by s.id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What people are owed, which of their wishes a run answers, and how far was looked."""

    items: Mapping[SubscriberId, Items]
    wishes: Mapping[SubscriberId, tuple[WishId, ...]]
    settled: Mapping[int, int]


def owed(
    connection: Connection,
    frequency: Frequency,
    ids: Sequence[SubscriberId],
    now: datetime,
    *,
    lock: bool,
) -> Owed:
    """What these subscribers are owed by a run of that frequency; with ``lock`` nobody changes
    their subscriptions until the commit.
    """
    mine = connection.execute(
        text(_MINE + (" for no key update" if lock else "")), {"ids": ids, "frequency": frequency}
    ).all()
    wishes: dict[SubscriberId, list[WishId]] = defaultdict(list)
    for row in mine:
        wishes[row[1]].append(row[2])
    items: dict[SubscriberId, Items] = {}
    settled: dict[int, int] = {}
    news = _News()
    for subscription, subscriber, found, top in connection.execute(
        text(_OWED),
        {
            "mine": array(row[0] for row in mine),
            "subscribers": array(row[1] for row in mine),
            "wishes": array(row[2] for row in mine),
            "settled": array(row[3] for row in mine),
        },
    ):
        if subscriber is None:
            settled[subscription] = top
        else:
            items[subscriber] = set(map(news.__getitem__, found.split(" ")))
    for subscriber, announcement, reason in further(connection, frequency, wishes, now):
        items.setdefault(subscriber, set()).add((announcement, reason))
    return Owed(
        items=items,
        wishes={one: tuple(sorted(theirs)) for one, theirs in wishes.items()},
        settled=settled,
    )


class _News(dict[str, tuple[AnnouncementId, str]]):
    """What is owed as news, by the number as it is spelled; made once for all who are owed it."""

    def __missing__(self, spelled: str) -> tuple[AnnouncementId, str]:
        made = self[spelled] = AnnouncementId(int(spelled)), NEWS
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Announcements that are there: the numbers of their last change and revision, which of them
    were withdrawn, and which are no news: by their novelty, or announced too long ago.
    """

    changes: Mapping[AnnouncementId, int]
    revisions: Mapping[AnnouncementId, int]
    withdrawn: Collection[AnnouncementId]
    no_news: Collection[AnnouncementId]
    #: What is kept of news whatever else there is, which is nearly all of it.
    plain: AbstractSet[tuple[AnnouncementId, str]]

    def kept(
        self, items: Items, waiting: Collection[tuple[AnnouncementId, str]] = ()
    ) -> tuple[tuple[AnnouncementId, str], ...]:
        """Those items that may be mailed, in order: of what was withdrawn, only that it was, and
        not even that to who would have read of it in a mail that still waits.

        What stands in a mail that still waits stays news, however old it grows or with what it
        became one: it was owed in time. What follows news is told whatever its notice is by now.
        """
        if self.plain >= items:
            return tuple(sorted(items))
        return tuple(
            sorted(
                (one, reason)
                for one, reason in items
                if one in self.changes
                and (
                    one not in self.withdrawn
                    or (reason.startswith("change:") and (one, NEWS) not in waiting)
                )
                and (one not in self.no_news or reason != NEWS or (one, reason) in waiting)
            )
        )

    def unsaid(self, told: Items, kept: Collection[tuple[AnnouncementId, str]]) -> Items:
        """Of what stands in a mail that is written anew before it left, what its reader finds no
        more, for it was withdrawn: it is owed as before when it is back.
        """
        said = set(kept)
        return {item for item in told if item[0] in self.withdrawn and item not in said}


def standing(connection: Connection, ids: Sequence[AnnouncementId], now: datetime) -> Standing:
    """Those of them that mails may tell of just now.

    Matches are a little behind: what was merged a moment ago is left out here.
    """
    found = connection.execute(
        text(
            "select id, change, revision, withdrawn_at is not null,"
            " novelty <> all(cast(:mailed as text[])) or announced_at < :since"
            " from announcements where id = any(cast(:ids as bigint[])) and merged_into is null"
            " and removed_at is null"
        ),
        {"ids": ids, "mailed": list(MAILED), "since": now - LOOK_BACK},
    ).all()
    return Standing(
        plain={(row[0], NEWS) for row in found if not (row[3] or row[4])},
        changes={row[0]: row[1] for row in found},
        revisions={row[0]: row[2] for row in found},
        withdrawn={row[0] for row in found if row[3]},
        no_news={row[0] for row in found if row[4]},
    )


def array(values: Iterable[object]) -> str:
    """Numbers and plain words as an array, spelled by hand: the driver takes ten times as long."""
    return "{" + ",".join(map(str, values)) + "}"
