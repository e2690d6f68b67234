"""What is published of an announcement: its record, the feeds it stands in, and where they are cut.

A record is the announcement as one change of the journal published it, without what no feed
prints. Feeds and their archive documents are made of records only (docs/adr/0018).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from itertools import product

from aggregator.model import Announcement, Authority, Draft, Facts, Flag, Kind

#: The kinds have feeds of their own names, because ``policy`` and ``project`` are categories too.
KIND_FEEDS = {"policies": Kind.POLICY, "projects": Kind.PROJECT}
#: Entries of a document (DESIGN.md, one number each); no document spans more changes.
DOCUMENT_ENTRIES = 50
#: One change in so many ends a document in every feed that it concerns.
_MARK_BITS = 6
_GOLDEN = 0x9E3779B97F4A7C15
#: Changes in an era; the index of the journal finds a feed's changes era by era.
ERA_BITS = 13
_EXCERPT = 600
#: Lists of names are published by duty and are not for us to spread (DOMAIN.md §16).
_NAME_LIST = re.compile(r"名单|公示|名册|花名册")
#: The title of what was taken out because the law demands it.
REMOVED = "（已依法移除）"


def record_of(one: Announcement) -> Announcement:
    """The announcement without what no feed, hub or calendar prints."""
    draft = one.draft
    facts = draft.facts
    whole = prints_whole(draft)
    return replace(
        one,
        change=0,
        draft=Draft(
            title=draft.title,
            url=draft.url,
            posted_at=draft.posted_at,
            date_precision=draft.date_precision,
            source_label=draft.source_label,
            issuer=draft.issuer,
            doc_number=draft.doc_number,
            valid_from=draft.valid_from,
            valid_until=draft.valid_until,
            validity=draft.validity,
            regions=draft.regions,
            kind=draft.kind,
            categories=tuple(replace(category, why="") for category in draft.categories),
            authority=draft.authority,
            summary=draft.summary,
            body_html=draft.body_html if whole else "",
            body_text="" if draft.summary else draft.body_text[:_EXCERPT],
            attachments=draft.attachments,
            facts=Facts(amounts=facts.amounts, deadlines=facts.deadlines, stages=facts.stages),
            flags=draft.flags,
            title_key=draft.title_key,
        ),
    )


def blanked(one: Announcement) -> Announcement:
    """An announcement that says nothing any more and stands where it stood."""
    draft = one.draft
    return replace(
        one,
        sightings=(),
        draft=Draft(
            title=REMOVED,
            url="",
            posted_at=draft.posted_at,
            date_precision=draft.date_precision,
            regions=draft.regions,
            kind=draft.kind,
            categories=tuple(replace(category, why="") for category in draft.categories),
            authority=draft.authority,
            flags=tuple(flag for flag in draft.flags if flag is Flag.EXCLUDED),
        ),
    )


def prints_whole(draft: Draft) -> bool:
    """Whether feeds print the whole text: official policy documents only, and no list of names
    (DOMAIN.md §14, §16).
    """
    return (
        draft.authority is Authority.OFFICIAL
        and draft.kind is Kind.POLICY
        and not any(c.slug in {"interpretation", "notice"} for c in draft.categories[:1])
        and not _NAME_LIST.search(draft.title)
    )


def feeds_of(one: Announcement) -> frozenset[str]:
    """The names of all named feeds that an announcement stands in while it is there.

    ``all``, kinds, categories, regions and zones that hold it, and ``subject/region``; the same
    as the filters of these names say. What is excluded stands in ``tender`` alone.
    """
    if one.withdrawn_at is not None or one.merged_into is not None:
        return frozenset()
    draft = one.draft
    subjects = {category.slug for category in draft.categories}
    if Flag.EXCLUDED in draft.flags:
        subjects &= {"tender"}
        broad: set[str] = set()
    else:
        subjects |= {name for name, kind in KIND_FEEDS.items() if kind is draft.kind}
        broad = {"all", *one.region_roll}
    return frozenset(
        broad
        | subjects
        | {f"{subject}/{code}" for subject, code in product(subjects, one.region_roll)}
    )


def same_print(one: Announcement, other: Announcement) -> bool:
    """Whether readers could not tell two records apart."""
    return replace(one, change=0) == replace(other, change=0)


# --- Where documents end -----------------------------------------------------------------


def marked(change: int) -> bool:
    """Whether a change ends a document wherever it stands: one in 64, as its number says."""
    return (change * _GOLDEN & (1 << 64) - 1) >> (64 - _MARK_BITS) == 0


def ends(change: int, following: int | None, cuts: Sequence[int]) -> bool:
    """Whether a document ends after a feed's change, whose next change is ``following``.

    ``cuts`` are the sorted change numbers at which every feed was cut.
    """
    place = bisect_left(cuts, change)
    return marked(change) or (place < len(cuts) and (following is None or cuts[place] < following))


def document_ends(changes: Sequence[int], cuts: Sequence[int]) -> list[int]:
    """Where the archive documents of a feed end: places in its changes, the oldest first."""
    found: list[int] = []
    begun = 0
    for place, change in enumerate(changes):
        following = changes[place + 1] if place + 1 < len(changes) else None
        if place + 1 - begun == DOCUMENT_ENTRIES or ends(change, following, cuts):
            found.append(place)
            begun = place + 1
    return found


def era_keys(names: Sequence[str], change: int) -> list[int]:
    """Keys under which the index finds the changes of feeds in the era of a change."""
    return [_key(name) << 24 | change >> ERA_BITS for name in names]


def era_probes(name: str, eras: Sequence[int]) -> list[int]:
    """The keys of one feed in several eras."""
    high = _key(name) << 24
    return [high | era for era in eras]


def _key(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big") >> 25
