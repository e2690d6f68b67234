"""Random histories of portals: arrivals, edits, withdrawals, reprints, rulings, new extractors.

A history goes through the doors of the store that the service itself uses, and says nothing of
what ought to come of it: what the store holds afterwards is what consumers must hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from archive_notices import ALL, REGIONS, Author, keyed
from sqlalchemy import text

from aggregator import divisions
from aggregator.errors import UsageError
from aggregator.model import (
    ArticleOutcome,
    ArticleReport,
    Category,
    Draft,
    Entry,
    EntryId,
    Filter,
    Kind,
    NewSource,
    Page,
    PollReport,
    Source,
    SourceKind,
    StoredEntry,
)
from aggregator.wiring import Parts

LEASE = timedelta(seconds=90)
#: Spans between two events: many in the same second, some a year apart.
SPANS = (0, 0, 0.001, 0.4, 0.7, 1, 40, 3_600, 40_000, 86_400, 900_000, 30_000_000)


@dataclass
class Notice:
    """A page of a portal, and what it says now; ``entry`` is its row in the store."""

    portal: int
    key: str
    draft: Draft
    entry: EntryId
    gone: bool = False


@dataclass(kw_only=True)
class History(Author):
    """One random history, told step by step.

    On ``hold``, reports are ``held`` for somebody else to record.
    """

    parts: Parts
    notices: list[Notice] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    hold: bool = False
    held: list[ArticleReport] = field(default_factory=list)
    _portals: dict[int, Source] = field(default_factory=dict)

    def step(self) -> str:
        """Let time pass, and something happen; what it was."""
        self.time[0] += timedelta(seconds=self.pick.choice(SPANS))
        events: list[tuple[int, Callable[[], object]]] = [
            (30, self.arrive), (20, self.edit), (8, self.reprint), (8, self.withdraw),
            (7, self.restore), (6, self.reread), (3, self.split), (3, self.merge),
            (1, self.rename), (1, self.remove), (4, self.return_trip),
        ]  # fmt: skip
        weights = [weight for weight, _ in events]
        [event] = self.pick.choices([event for _, event in events], weights)
        if not self.notices:
            event = self.arrive
        name = event.__name__
        self.told.append(f"{self.now.isoformat()} {name}")
        if event() is not None:
            self.counts[name] += 1
        return name

    def flood(self, lists: int, many: int = 40) -> None:
        """Portals show so many lists of new notices: documents fill and are closed."""
        for _ in range(lists):
            portal = self.pick.randrange(4)
            self.time[0] += timedelta(minutes=1)
            self._show(portal, [self._draft(portal) for _ in range(many)])

    # --- What portals do -----------------------------------------------------------------

    def arrive(self, most: int = 8) -> int:
        """A portal shows new notices; now and then a whole list at once."""
        portal = self.pick.randrange(7)
        many = self.pick.choice((1, 1, 1, 2, 3, most, 60 if self.pick.random() < 0.1 else 1))
        return self._show(portal, [self._draft(portal) for _ in range(many)])

    def reprint(self) -> int | None:
        """Another portal prints what one has printed, perhaps under a title that it cut."""
        if not self.notices:
            return None
        one = self.pick.choice(self.notices)
        portal = self.pick.choice([n for n in range(7) if n != one.portal])
        draft = replace(one.draft, url=self._url(portal), authority=self._authority(portal))
        if self.pick.random() < 0.3:
            draft = replace(draft, posted_at=self._posted())
        return self._show(portal, [keyed(draft)])

    def edit(self) -> object:
        """A portal changes pages: words, dates, files, or where it counts them."""
        some = [self.pick.choice(self.notices) for _ in range(self.pick.choice((1, 1, 2, 9)))]
        return self._read([(one, self._edited(one.draft)) for one in _each(some)])

    def withdraw(self) -> object:
        """Pages are gone, twice."""
        many = self.pick.choice((1, 1, 5))
        return self._withdraw(_each([self.pick.choice(self.notices) for _ in range(many)]))

    def restore(self) -> object:
        """Pages that were gone are there again, changed or not."""
        gone = [one for one in self.notices if one.gone]
        if not gone:
            return None
        some = _each([self.pick.choice(gone) for _ in range(3)])
        return self._read([
            (one, one.draft if self.pick.random() < 0.6 else self._edited(one.draft))
            for one in some
        ])  # fmt: skip

    def return_trip(self) -> object:
        """A notice leaves a feed and comes back, by edits or by readings, perhaps at once."""
        one = self.pick.choice(self.notices)
        home = one.draft
        away = replace(
            home, regions=(divisions.region("370202"),), kind=Kind.OTHER,
            categories=(Category(slug="notice", why="试"),),
        )  # fmt: skip
        done: object = None
        for draft in (away, home):
            if self.pick.random() < 0.5:
                done = self._read([(one, draft)]) or done
            else:
                done = self._reread({one.entry: draft}) or done
            self.time[0] += timedelta(seconds=self.pick.choice((0, 0.3, 0.9, 1, 5_000)))
        return done

    # --- What we do ----------------------------------------------------------------------

    def reread(self) -> object:
        """A newer extractor reads the archive, and files some notices elsewhere."""
        told = self._reread({
            one.entry: self._refiled(one.draft)
            for one in self.notices if self.pick.random() < 0.3
        })  # fmt: skip
        if self.pick.random() < 0.7:
            self.parts.entries.cut_feeds("read again")
        return told

    def split(self) -> object:
        """An operator takes a page out of an announcement."""
        found = self.parts.announcements.find(Filter(category=ALL), limit=9_999)
        many = [one for one in found if len({s.url for s in one.sightings}) > 1]
        if not many:
            return None
        one = self.pick.choice(many)
        url = self.pick.choice(one.sightings).url
        try:
            return self.parts.rulings.split(one.id, [url], by="值班", why="两件事", now=self.now)
        except UsageError:
            return None  # a page that cannot be kept apart

    def merge(self) -> object:
        """An operator says that two announcements are one."""
        found = self.parts.announcements.find(Filter(), limit=9_999, include_withdrawn=True)
        alive = [one for one in found if one.merged_into is None]
        if len(alive) < 2:
            return None
        one, other = self.pick.sample(alive, 2)
        try:
            return self.parts.rulings.merge(one.id, other.id, by="值班", why="一件事", now=self.now)
        except UsageError:
            return None

    def rename(self) -> object:
        """An operator gives a portal another name."""
        if not self._portals:
            return None
        portal = self.pick.choice(sorted(self._portals))
        new = replace(self._new(portal), name=f"{portal}号门户·{self._next()}")
        source = self.parts.sources.change(self._portals[portal].id, new, self.now)
        self._portals[portal] = source
        return source

    def remove(self) -> object:
        """An operator removes a portal; its announcements stay."""
        if self.pick.random() < 0.5 or not self._portals:
            return None
        portal = self.pick.choice(sorted(self._portals))
        source = self._portals.pop(portal)
        self.parts.sources.remove(source.id)
        self.notices = [one for one in self.notices if one.portal != portal]
        return source

    # --- The doors -----------------------------------------------------------------------

    def _show(self, portal: int, drafts: Sequence[Draft]) -> int:
        source = self._portals.get(portal)
        if source is None:
            source = self._portals[portal] = self.parts.sources.add(self._new(portal), self.now)
        sources = self.parts.sources
        [claimed] = sources.claim_sources([source.id], self.now, lease=LEASE, even_if_not_due=True)
        rows = {draft.url: draft for draft in drafts}
        shown = tuple(
            Entry(key=url, url=url, title=draft.title, raw_hash=draft.substance_hash)
            for url, draft in rows.items()
        )
        sources.record_polls([
            PollReport(source=claimed, at=self.now, outcome="read", found=len(shown),
                       entries=shown, next_poll_at=self.now)
        ])  # fmt: skip
        with self.parts.engine.connect() as connection:
            found = connection.execute(
                text("select id, key from entries where key = any(cast(:k as text[]))"),
                {"k": list(rows)},
            )
            ids = {row[1]: EntryId(row[0]) for row in found}
        fresh = [Notice(portal, url, draft, ids[url]) for url, draft in rows.items()]
        self.notices += fresh
        self._read([(one, one.draft) for one in fresh])
        return len(fresh)

    def _read(self, said: Sequence[tuple[Notice, Draft]]) -> object:
        """Articles were fetched and say this."""
        claimed = self._claim([one for one, _ in said])
        reports = []
        for one, draft in said:
            if one.entry not in claimed:
                continue
            one.draft, one.gone = draft, False
            page = Page(url=draft.url, requested_url=draft.url, status=200,
                        body=repr(draft).encode(), fetched_at=self.now)  # fmt: skip
            reports.append(
                ArticleReport(entry=claimed[one.entry], at=self.now, outcome=ArticleOutcome.READ,
                              draft=draft, page=page, due_at=self.now)
            )  # fmt: skip
        return self._record(reports)

    def _reread(self, drafts: dict[EntryId, Draft]) -> object:
        """The extractor, a version younger, finds this in pages that we kept."""
        self.extractor += 1
        if not drafts:
            return None
        claimed = self.parts.entries.claim_archived(
            EntryId(0), limit=99_999, now=self.now, lease=LEASE, before=None
        )
        reports = []
        for stored, page in claimed:
            draft = drafts.get(stored.id)
            if draft is None:
                reports.append(
                    ArticleReport(entry=stored, at=self.now, outcome=ArticleOutcome.REREAD)
                )
                continue
            draft = replace(draft, extractor=self.extractor)
            for one in self.notices:
                one.draft = draft if one.entry == stored.id else one.draft
            reports.append(
                ArticleReport(entry=stored, at=self.now, outcome=ArticleOutcome.REREAD,
                              draft=draft, page=page)
            )  # fmt: skip
        return self._record(reports)

    def _withdraw(self, some: Sequence[Notice]) -> object:
        claimed = self._claim(some)
        self._record([
            ArticleReport(entry=entry, at=self.now, outcome=ArticleOutcome.GONE_ONCE,
                          due_at=self.now, gone_since=self.now)
            for entry in claimed.values()
        ])  # fmt: skip
        if self.pick.random() < 0.8:
            self.time[0] += timedelta(days=1)
        claimed = self._claim(some)
        self._record([
            ArticleReport(entry=entry, at=self.now, outcome=ArticleOutcome.WITHDRAWN,
                          due_at=self.now, gone_since=entry.gone_since or self.now)
            for entry in claimed.values()
        ])  # fmt: skip
        for one in some:
            one.gone = one.gone or one.entry in claimed
        return len(claimed) or None

    def _claim(self, notices: Sequence[Notice]) -> dict[EntryId, StoredEntry]:
        claimed = self.parts.entries.claim_entries(
            [one.entry for one in notices], self.now, lease=LEASE
        )
        return {one.id: one for one in claimed}

    def _record(self, reports: Sequence[ArticleReport]) -> object:
        if not reports:
            return None
        if self.hold:
            self.held += reports
            return None
        return self.parts.entries.record_articles(reports, self.now)

    def _new(self, portal: int) -> NewSource:
        return NewSource(
            name=f"{portal}号门户", kind=SourceKind.COLUMN, url=f"http://p{portal}.example/zwgk/",
            region=REGIONS[portal % len(REGIONS)], authority=self._authority(portal),
        )  # fmt: skip


def _each(notices: Sequence[Notice]) -> list[Notice]:
    return list({one.entry: one for one in notices}.values())
