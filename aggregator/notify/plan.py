"""Who gets what: the announcements owed to a subscriber become the one digest of a run.

Pure. What is owed was decided by the store's ledger, which holds all of it, shown or not; here
it is put in order, grouped and cut to what one mail can hold (DOMAIN.md §14).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Final

from aggregator.model import (
    NEWS,
    Announcement,
    AnnouncementId,
    Coverage,
    Digest,
    DigestGroup,
    DigestItem,
    Draft,
    Flag,
    Frequency,
    Kind,
    Novelty,
    Radar,
    Revision,
    Selection,
)
from aggregator.notify.alterations import alterations

#: Items that a digest prints; the rest stands behind a link and in the ledger.
MOST_SHOWN: Final = 30
#: A deadline is soon when it is at most this many days away.
SOON_DAYS: Final = 7
#: The groups in the order in which they are printed.
GROUPS: Final = ("reminder", "soon", "change", "policy", "project", "rest")

#: Days before a deadline on which a reader may be reminded of it; the nearest is asked first.
REMIND_DAYS: Final = (1, 7)
_WEIGHTS = {NEWS: 0, "change": 1, "reminder": 2}

SHANGHAI: Final = timezone(timedelta(hours=8))


def plan_digest(
    selection: Selection,
    frequency: Frequency,
    items: Sequence[DigestItem],
    *,
    due_at: datetime,
    now: datetime,
    coverage: Coverage,
    radar: Radar | None = None,
    most: int = MOST_SHOWN,
) -> Digest | None:
    """What the mail of a selection says, or None when there is nothing new.

    Args:
        selection: in which language, and which wishes it answers.
        frequency: the run's; one mail answers all subscriptions of that frequency.
        items: what is owed, with the ledger's reason; one given twice is printed once.
        due_at: the run's due time.
        now: days to a deadline are counted from this instant's day in Shanghai.
        coverage: how well the sources are watched just now.
        radar: what weekly mails show besides.
        most: how many items have room, over all groups.
    """
    owed = _each_once(items)
    if not owed:
        return None
    today = now.astimezone(SHANGHAI).date()
    sorted_out: dict[str, list[DigestItem]] = {slug: [] for slug in GROUPS}
    for one in owed:
        sorted_out[_section(one, today=today)].append(one)
    groups: list[DigestGroup] = []
    places: dict[str, None] = {}
    room = most
    for slug, members in sorted_out.items():
        if not members:
            continue
        ranked = _ranked(slug, members, today=today)
        shown = tuple(ranked[:room])
        regions = (one.announcement.draft.regions for one in ranked)
        places.update((some[0].name, None) for some in regions if some)
        room -= len(shown)
        groups.append(DigestGroup(slug=slug, items=shown, total=len(ranked)))
    return Digest(
        language=selection.language,
        wishes=selection.wishes,
        frequency=frequency,
        due_at=due_at,
        groups=tuple(groups),
        more=max(0, len(owed) - most),
        coverage=coverage,
        places=tuple(places),
        radar=radar,
    )


def item_of(one: Announcement, reason: str, revisions: Sequence[Revision] = ()) -> DigestItem:
    """An owed announcement as a line; what was found late is marked so.

    Args:
        one: as it is now.
        reason: the ledger's.
        revisions: for a change, those that it tells of.
    """
    return DigestItem(
        announcement=one,
        reason=reason,
        late=reason == NEWS and one.novelty is Novelty.LATE_NEWS,
        alterations=alterations(revisions),
    )


def items_of(
    selection: Selection,
    known: Mapping[AnnouncementId, Announcement],
    revisions: Mapping[tuple[AnnouncementId, str], Revision],
) -> list[DigestItem]:
    """The lines of a selection: several changes of one announcement are told as one, and not at
    all where they come to nothing.
    """
    told: dict[AnnouncementId, list[str]] = {}
    for one, reason in selection.items:
        told.setdefault(one, []).append(reason)
    items: list[DigestItem] = []
    for one, reasons in told.items():
        changes = [revisions[one, x] for x in reasons if (one, x) in revisions]
        for reason in reasons:
            changed = reason.startswith("change:")
            item = item_of(known[one], reason, changes if changed else ())
            if item.alterations or not changed:
                items.append(item)
    return items


def group_of(draft: Draft, *, today: date) -> str:
    """Under which heading a notice is printed; what cannot be applied for is never "soon"."""
    deadline = next_deadline(draft, today=today)
    if deadline is not None and (deadline - today).days <= SOON_DAYS:
        return "soon"
    first = draft.categories[0].slug if draft.categories else ""
    if first == "interpretation":
        return "rest"
    return {Kind.POLICY: "policy", Kind.PROJECT: "project"}.get(draft.kind, "rest")


def next_deadline(draft: Draft, *, today: date) -> date | None:
    """The first stated deadline that has not passed; none when the notice itself is no more
    in force or only reports a change of status.
    """
    over = draft.valid_until is not None and draft.valid_until < today
    if over or Flag.STATUS_CHANGE in draft.flags:
        return None
    return min((d.value for d in draft.facts.deadlines if d.value >= today), default=None)


def reminder_of(one: Announcement, *, told_on: date, today: date) -> str | None:
    """The reason for which a notice that was sent before is owed again: its deadline is near.

    Seven days before it and one day before it, counted from the first mail on or after that day;
    not when a mail since then told of the notice, for that named the day already. A deadline
    that moved is another one: the reason holds its day (docs/adr/0030).

    Args:
        one: the notice as it is now.
        told_on: the day of the last mail that told of it.
        today: the day of planning; both in Shanghai.
    """
    on = next_deadline(one.draft, today=today)
    if on is None or one.withdrawn_at is not None or one.merged_into is not None:
        return None
    for days in REMIND_DAYS:
        if (on - today).days <= days < (on - told_on).days:
            return f"reminder:{days}:{on.isoformat()}"
    return None


def _each_once(items: Iterable[DigestItem]) -> list[DigestItem]:
    """Each announcement in one place: news says all there is; a change says more than a
    reminder, whose day it prints; several changes of one are one.
    """
    kept: dict[AnnouncementId, DigestItem] = {}
    for item in sorted(items, key=_weight):
        kept.setdefault(item.announcement.id, item)
    return list(kept.values())


def _weight(item: DigestItem) -> tuple[int, int]:
    kind, _, rest = item.reason.partition(":")
    return (_WEIGHTS.get(kind, 9), -int(rest) if kind == "change" and rest.isdigit() else 0)


def _section(item: DigestItem, *, today: date) -> str:
    kind = item.reason.partition(":")[0]
    return (
        kind
        if kind in _WEIGHTS and kind != NEWS
        else group_of(item.announcement.draft, today=today)
    )


def _ranked(slug: str, members: Iterable[DigestItem], *, today: date) -> list[DigestItem]:
    """The nearest deadline first among the soon ones; else the newest first."""

    def newest(item: DigestItem) -> tuple[float, int]:
        one = item.announcement
        at = one.draft.posted_at or one.first_seen_at
        return (-at.timestamp(), -one.id)

    ranked = sorted(members, key=newest)
    if slug in {"soon", "reminder"}:
        ranked.sort(key=lambda item: next_deadline(item.announcement.draft, today=today) or today)
    return ranked
