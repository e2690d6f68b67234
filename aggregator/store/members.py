"""Who belongs to an announcement: its sightings with what each says, and what was ruled of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from aggregator import cluster
from aggregator.model import Announcement, AnnouncementId, Draft, EntryId, SourceId
from aggregator.store import rows

#: Reposts come up to a year later; older ones are notices of their own (DOMAIN.md §13).
LOOK_BACK = timedelta(days=400)
#: So many announcements a draft is compared with; more are told to the operator.
MOST_COMPARED = 40
#: The newest so many holders of a key are candidates.
MOST_HOLDERS = 500

#: Any number will do; it must only never change. Whoever copies a ledger has it alone.
_MERGES = 7_405_119


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An entry of an announcement with what it says.

    ``entry_id`` is None for an announcement whose sightings are gone: its own words stand in.
    ``bound`` members say nothing known (stored before drafts were kept): they stay with the
    announcement's lead.
    """

    entry_id: EntryId | None
    announcement_id: AnnouncementId | None
    draft: Draft
    source_id: SourceId | None
    source_name: str
    region: str | None
    seen_at: datetime
    leads: bool = False
    bound: bool = False


def candidates(
    connection: Connection, drafts: Sequence[tuple[Draft, frozenset[int], datetime]], now: datetime
) -> dict[int, list[AnnouncementId]]:
    """Which announcements each draft is compared with, as places in ``drafts``.

    Those that share keys with it, the most keys first and then the nearest in time. One look
    into the index a key: a condition on all keys at once is taken for a reason to read the
    whole table. Where more share keys than are looked at (a template's paragraphs), that is
    written down for the operator.
    """
    pairs = [(place, key) for place, (_, keys, _) in enumerate(drafts) for key in sorted(keys)]
    if not pairs:
        return {}
    days = [at for _, _, at in drafts]
    chosen: dict[int, list[AnnouncementId]] = defaultdict(list)
    crowded: dict[int, tuple[int, str]] = {}
    for place, one, among in connection.execute(
        text(
            "with wanted as (select * from unnest(cast(:places as integer[]),"
            " cast(:keys as bigint[])) w (place, key)), held as (select k.key, a.id, a.sort_at from"
            " (select distinct key from wanted) k cross join lateral (select id, sort_at"
            " from announcements where keys @> array[k.key] and merged_into is null"
            " and sort_at between :since and :until order by id desc limit :holders) a),"
            " shared as (select w.place, h.id, count(*) as keys, min(abs(extract(epoch from"
            " h.sort_at - t.at))) as apart from held h join wanted w on w.key = h.key"
            " join unnest(cast(:ats as timestamptz[])) with ordinality t (at, n)"
            " on t.n = w.place + 1 group by w.place, h.id),"
            " ranked as (select place, id, row_number() over (partition by place order by keys desc,"
            " apart, id) as rank, count(*) over (partition by place) as among from shared)"
            " select place, id, among from ranked where rank <= :most"
        ),
        {
            "places": [place for place, _ in pairs],
            "keys": [key for _, key in pairs],
            "ats": days,
            "since": min(*days, now) - LOOK_BACK,
            "until": max(*days, now) + LOOK_BACK,
            "holders": MOST_HOLDERS,
            "most": MOST_COMPARED,
        },
    ):
        chosen[place].append(AnnouncementId(one))
        if among > MOST_COMPARED:
            title = drafts[place][0].title
            crowded[cluster.title_number(title)] = (among, title)
    if crowded:
        _write_crowded(connection, crowded, now)
    return {place: sorted(ids) for place, ids in chosen.items()}


def _write_crowded(
    connection: Connection, crowded: Mapping[int, tuple[int, str]], now: datetime
) -> None:
    ordered = sorted(crowded.items())
    connection.execute(
        text(
            "insert into crowded (key, candidates, looked_at, example, at) select k, c, :most, e,"
            " :now from unnest(cast(:keys as bigint[]), cast(:counts as integer[]),"
            " cast(:examples as text[])) as r (k, c, e) on conflict (key) do update set"
            " candidates = excluded.candidates, example = excluded.example, at = excluded.at"
        ),
        {
            "keys": [key for key, _ in ordered],
            "counts": [count for _, (count, _) in ordered],
            "examples": [title for _, (_, title) in ordered],
            "most": MOST_COMPARED,
            "now": now,
        },
    )


def members_of(
    connection: Connection, known: Mapping[AnnouncementId, Announcement]
) -> dict[AnnouncementId, list[Member]]:
    """The members of announcements, in one query."""
    found: dict[AnnouncementId, list[Member]] = {one: [] for one in known}
    for row in connection.execute(
        text(
            "select g.announcement_id, g.entry_id, g.source_id, g.source_name, g.url, g.title,"
            " g.seen_at, g.draft, s.region from sightings g join sources s on s.id = g.source_id"
            " where g.announcement_id = any(cast(:ids as bigint[])) order by g.seen_at, g.entry_id"
        ),
        {"ids": sorted(known)},
    ).mappings():
        one = known[row["announcement_id"]]
        leads = row["source_id"] == one.source_id and row["url"] == one.draft.url
        said = None if row["draft"] is None else rows.from_json(row["draft"], Draft)
        leads = leads and not any(m.leads for m in found[one.id])
        found[one.id].append(
            Member(
                entry_id=row["entry_id"],
                announcement_id=one.id,
                draft=one.draft if leads or said is None else said,
                source_id=row["source_id"],
                source_name=row["source_name"],
                region=row["region"],
                seen_at=row["seen_at"],
                leads=leads,
                bound=said is None and not leads,
            )
        )
    for one in known.values():
        if not any(m.leads for m in found[one.id]):
            found[one.id].insert(
                0,
                Member(
                    entry_id=None,
                    announcement_id=one.id,
                    draft=one.draft,
                    source_id=one.source_id,
                    source_name=one.source_name,
                    region=None,
                    seen_at=one.first_seen_at,
                    leads=True,
                ),
            )
    return found


def rulings_of(
    connection: Connection, entries: Iterable[EntryId]
) -> dict[tuple[EntryId, EntryId], bool]:
    """What an operator ruled of pairs of these entries: together, or apart."""
    found = connection.execute(
        text(
            "select one, two, together from ruled_pairs where one = any(cast(:ids as bigint[]))"
            " and two = any(cast(:ids as bigint[]))"
        ),
        {"ids": sorted(set(entries))},
    )
    return {(EntryId(row[0]), EntryId(row[1])): row[2] for row in found}


def in_groups(
    members: Sequence[Member], ruled: Mapping[tuple[EntryId, EntryId], bool]
) -> list[list[Member]]:
    """Members as the announcements that they should be, whatever they are now."""
    pairs: dict[tuple[int, int], bool] = {}
    for i, one in enumerate(members):
        for j in range(i + 1, len(members)):
            other = members[j]
            if one.entry_id is not None and other.entry_id is not None:
                low, high = sorted((one.entry_id, other.entry_id))
                if (low, high) in ruled:
                    pairs[i, j] = ruled[low, high]
                    continue
            home = one.announcement_id == other.announcement_id is not None
            if home and (one.bound or other.bound) and (one.leads or other.leads):
                pairs[i, j] = True
    free = [place for place, one in enumerate(members) if not one.bound]
    seats = {place: seat for seat, place in enumerate(free)}
    groups = cluster.grouped(
        [members[place].draft for place in free],
        ruled={(seats[i], seats[j]): v for (i, j), v in pairs.items() if i in seats and j in seats},
    )
    found = [[members[free[seat]] for seat in group] for group in groups]
    for one in members:
        if one.bound:
            next(
                group for group in found
                if any(m.leads and m.announcement_id == one.announcement_id for m in group)
            ).append(one)  # fmt: skip
    return found


def move(connection: Connection, members: Sequence[Member], to: AnnouncementId) -> None:
    """Let entries show another announcement, each with what it says, for it no longer leads.

    An entry that another worker holds is written by that one: it waits for our announcement,
    and asks the sighting where it belongs.
    """
    ids = [one.entry_id for one in members if one.entry_id is not None]
    if not ids:
        return
    connection.execute(
        text(
            "update sightings g set announcement_id = :to, draft = coalesce(r.draft, g.draft)"
            " from unnest(cast(:ids as bigint[]), cast(:drafts as jsonb[])) as r (id, draft)"
            " where g.entry_id = r.id"
        ),
        {
            "to": to,
            "ids": ids,
            "drafts": [
                None if one.bound else rows.to_json(one.draft)
                for one in members if one.entry_id is not None
            ],
        },
    )  # fmt: skip
    connection.execute(
        text(
            "update entries set announcement_id = :to from (select id from entries"
            " where id = any(cast(:ids as bigint[])) order by id for update skip locked) mine"
            " where entries.id = mine.id"
        ),
        {"to": to, "ids": ids},
    )


def merge_into(
    connection: Connection, lost: AnnouncementId, heir: Announcement, now: datetime
) -> None:
    """End an announcement in favour of an older one: its feed entry becomes a tombstone that
    names the heir, and who got either has had both. An heir that was withdrawn is there again
    when a page of the other still is.
    """
    copy_ledger(connection, lost, heir.id)
    connection.execute(
        text(
            "update announcements set merged_into = :heir where merged_into ="
            " (select uuid from announcements where id = :lost)"
        ),
        {"heir": heir.uuid, "lost": lost},
    )
    connection.execute(
        text(
            "update announcements set merged_into = :heir, keys = '{}', names = '{}', cites = '{}',"
            " withdrawn_at = coalesce(withdrawn_at, :now), changed_at = :now where id = :lost"
        ),
        {"heir": heir.uuid, "lost": lost, "now": now},
    )
    connection.execute(
        text(
            "update announcements set withdrawn_at = null, changed_at = :now where id = :heir and withdrawn_at is not null"
            " and exists (select 1 from sightings g join entries e on e.id = g.entry_id"
            " where g.announcement_id = :heir and e.gone_since is null)"
        ),
        {"heir": heir.id, "now": now},
    )


def copy_ledger(connection: Connection, before: AnnouncementId, after: AnnouncementId) -> None:
    """Who got the one as news is not sent the other; no digest is planned meanwhile. Their
    revisions are not the same, so only what changes from now on is a change to them.
    """
    connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _MERGES})
    connection.execute(
        text(
            "insert into ledger (subscriber_id, announcement_id, reason, run_id, mail_id, at,"
            " revision) select l.subscriber_id, :after, l.reason, l.run_id, l.mail_id, l.at,"
            " (select a.revision from announcements a where a.id = :after) from ledger l"
            " where l.announcement_id = :before and l.reason not like 'change:%'"
            " on conflict do nothing"
        ),
        {"before": before, "after": after},
    )


def share_merges(connection: Connection) -> None:
    """Let no ledger be copied until the commit: two announcements that become one are either
    one when a digest is planned, or it is in the ledger when they do.
    """
    connection.execute(text("select pg_advisory_xact_lock_shared(:lock)"), {"lock": _MERGES})


def crowded_keys(connection: Connection, *, since: datetime) -> list[tuple[int, int, str]]:
    """Where the search for duplicates was cut: candidates, looked at, and a title; worst first."""
    found = connection.execute(
        text(
            "select candidates, looked_at, example from crowded where at >= :since"
            " order by candidates desc limit 20"
        ),
        {"since": since},
    )
    return [(row[0], row[1], row[2]) for row in found]
