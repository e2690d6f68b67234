"""The story of a digest: which runs are due, who is owed what, into the outbox once.

Safe to run twice and by two at once: a run is a row unique on its slot, a mail is unique on
its key, and the ledger decides what is owed. No window and no cursor (DESIGN.md, promise 8).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import blake2b
from time import monotonic
from typing import Final

import structlog
from jinja2 import Environment

from aggregator.errors import OutageError
from aggregator.flow.slots import due_slots
from aggregator.flow.subscribe import house_of
from aggregator.model import (
    Announcement,
    AnnouncementId,
    Coverage,
    Digest,
    Edition,
    EditionId,
    Filter,
    Frequency,
    Mail,
    Radar,
    Reader,
    Revision,
    Run,
    Selection,
    Share,
    Subscriber,
    SubscriberId,
    SubscriptionState,
    Watch,
)
from aggregator.notify import (
    SHANGHAI,
    House,
    Press,
    Purpose,
    Tally,
    coverage_of,
    digest_key,
    digest_mail,
    items_of,
    message_id,
    plan_digest,
    radar_of,
    render_edition,
    tally_of,
)
from aggregator.notify.tokens import read
from aggregator.ports import DigestStore, PlanningBatch, WaitingBatch
from aggregator.settings import Settings

log = structlog.get_logger()

#: So long a run is planned again and again for those who could not be planned in it.
TRY_AGAIN_FOR: Final = timedelta(hours=1)
#: Subscribers planned in one transaction: memory does not follow their number.
PAGE: Final = 600
#: For so many seconds words are made while readers are locked: who stops meanwhile waits for it.
RENDER_FOR: Final = 1.0
#: What a planner keeps of a run: selections with their words, and announcements.
_EDITIONS_KEPT: Final = 20_000
_ANNOUNCEMENTS_KEPT: Final = 5_000
#: A selection, and which version of each of its announcements was printed.
Told = tuple[Selection, tuple[int, ...]]


def plan_due(*, store: DigestStore, env: Environment, settings: Settings, now: datetime) -> int:
    """Plan every run that is due and was not planned, the missed ones of 7 days included.

    Returns:
        How many mails were put into the outbox.
    """
    since = store.first_run_at()
    if since is None:
        return 0
    house = house_of(settings)
    store.match(now)
    planned = 0
    for frequency in (Frequency.IMMEDIATE, Frequency.DAILY, Frequency.WEEKLY):
        slots = due_slots(frequency, now, since=since, immediate=_immediate(settings))
        done = set(store.planned_slots(frequency, slots[0], now)) if slots else set()
        for slot in slots:
            run = None if slot in done else store.open_run(frequency, slot, now=now)
            if run is None:
                continue
            planner = Planner(run, store=store, env=env, house=house, now=now)
            planned += planner.plan_all()
            _finish(planner, run, store, now)
    return planned


def _finish(planner: Planner, run: Run, store: DigestStore, now: datetime) -> None:
    """Close a run; one that somebody could not be planned in is tried again for a while first.

    What was in the way (a lock, a deadlock, a time-out) passes as a rule, and a daily reader
    would wait a day for it. Who never can be planned must not keep a run open for ever.
    Immediate runs are closed at once: everybody is in the next one, minutes later.
    """
    done, missed = {"due": planner.due, "planned": planner.planned}, planner.missed
    if missed and run.frequency is not Frequency.IMMEDIATE:
        since = store.leave_run(run.id, now, **done)
        if now - since < TRY_AGAIN_FOR:
            log.warning("run is tried again", run=run.id, missed=missed)
            return
        done = {"due": 0, "planned": 0}  # counted just now
    store.close_run(run.id, now, **done, missed=missed)


def preview(
    subscriber: Subscriber,
    frequency: Frequency,
    *,
    store: DigestStore,
    env: Environment,
    settings: Settings,
    now: datetime,
) -> tuple[Digest, Mail] | None:
    """The digest a subscriber would get now, and its mail; writes nothing."""
    selection, found = store.owed(subscriber, frequency, now)
    known = {one.id: one for one in found}
    tally = _tally(frequency, store, now)
    digest = plan_digest(
        selection, frequency, items_of(selection, known, store.revisions(selection)),
        due_at=now, now=now, coverage=coverage_of(store.watch(), selection.wishes),
        radar=radar_of(tally, selection.wishes) if tally else None,
    )  # fmt: skip
    if digest is None:
        return None
    house = house_of(settings)
    edition = render_edition(env, digest, house=house, now=now)
    reader = Reader(
        id=subscriber.id, email=subscriber.email, language=subscriber.language,
        epoch=subscriber.epoch,
    )  # fmt: skip
    return digest, digest_mail(
        edition, reader, frequency=frequency, due_at=now, house=house, now=now
    )


def brought(token: str, *, store: DigestStore, settings: Settings, now: datetime) -> Digest | None:
    """All that a mail brought, in its order, for who has its link; None when that is no good, or
    when nothing is kept of the mail any more. Announcements are as they are now.
    """
    ticket = read(house_of(settings).keys, token, purpose=Purpose.REST, now=now)
    if ticket is None or ticket.run_id is None:
        return None
    found = store.brought(ticket.subscriber_id, ticket.run_id)
    if found is None:
        return None
    run, planned_at, selection, announcements = found
    known = {one.id: one for one in announcements}
    return plan_digest(
        selection, run.frequency, items_of(selection, known, store.revisions(selection)),
        due_at=run.due_at, now=planned_at, coverage=Coverage(watched=0, well=0), most=len(known),
    )  # fmt: skip


def plan_for(
    subscriber: Subscriber,
    *,
    store: DigestStore,
    env: Environment,
    settings: Settings,
    now: datetime,
) -> tuple[int, Sequence[Frequency]]:
    """Plan what one subscriber is owed in all frequencies at once, as runs of their own.

    Returns:
        How many mails were put into the outbox, and which frequencies could not be planned.
    """
    planned, missed = 0, []
    mine = {x.frequency for x in subscriber.subscriptions if x.state is SubscriptionState.ACTIVE}
    # Never that of a slot, which would count as planned for everybody.
    due_at = now.replace(microsecond=now.microsecond or 1)
    for frequency in sorted(mine):
        selection, _ = store.owed(subscriber, frequency, now)
        run = store.open_run(frequency, due_at, alone=True) if selection.items else None
        if run is None:
            continue
        planner = Planner(run, store=store, env=env, house=house_of(settings), now=now)
        planned += planner.plan([subscriber.id])
        store.close_run(run.id, now, due=1, planned=planner.planned, missed=planner.missed)
        if planner.missed:
            missed.append(frequency)
    return planned, missed


class Planner:
    """Plans one run, batch by batch; what many readers share is loaded and rendered once."""

    def __init__(
        self,
        run: Run,
        *,
        store: DigestStore,
        env: Environment,
        house: House,
        now: datetime,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        self._run = run
        self._ticks = ticks
        self._store = store
        self._house = house
        self._now = now
        #: How many might be owed something, and how many got a mail.
        self.due = self.planned = 0
        #: How many could not be planned, for whatever fault.
        self.missed = self._unwritten = 0
        self._known: dict[AnnouncementId, Announcement] = {}
        self._editions: dict[Told, EditionId] = {}
        self._revisions: Mapping[tuple[AnnouncementId, str], Revision] = {}
        self._coverages: dict[tuple[Filter, ...], Coverage] = {}
        self._radars: dict[tuple[Filter, ...], Radar | None] = {}
        self._press = Press(env, house=house, now=now)

    @cached_property
    def _seen(self) -> Watch:
        """How well the sources are watched, asked once a run."""
        return self._store.watch()

    @cached_property
    def _tally(self) -> Tally | None:
        """The projects of the week for weekly mails, asked once a run."""
        return _tally(self._run.frequency, self._store, self._run.due_at)

    def plan_all(self) -> int:
        """Plan for everybody who is due; how many mails that made."""
        after = None
        while ids := self._store.subscribers_due(self._run, self._now, after=after, limit=PAGE):
            self.due += len(ids)
            self.plan(ids)
            after = ids[-1]
        if self.planned:
            log.info(
                "planned", frequency=self._run.frequency.value, due_at=self._run.due_at,
                mails=self.planned,
            )  # fmt: skip
        return self.planned

    def plan(self, ids: Sequence[SubscriberId]) -> int:
        """Plan for these subscribers, in one transaction unless their words take too long; how many
        mails that made.

        Where it fails, each half is planned on its own: what is wrong with one reader keeps
        nobody else's mail back. Nothing is lost by it: what is owed is a set, and whoever plans
        next finds it still owed.
        """
        planned = 0
        try:
            while ids:
                made, ids = self._plan(ids)
                planned += made
        except OutageError:
            raise  # everybody's: the run is planned again
        except Exception:
            if len(ids) == 1:
                log.exception("digest not planned", subscriber=ids[0], run=self._run.id)
                self.missed += 1
                return planned
        else:
            return planned
        half = len(ids) // 2
        return planned + self.plan(ids[:half]) + self.plan(ids[half:])

    def _plan(self, ids: Sequence[SubscriberId]) -> tuple[int, Sequence[SubscriberId]]:
        """Plan for these in one transaction: how many mails that made, and for whom there was no
        time left. Each call makes the words of one selection at least, or finds that it cannot.
        """
        self._unwritten = 0
        left: list[SubscriberId] = []
        with self._store.planning(self._run, ids, self._now) as batch:
            self._load(batch)
            self._revisions = batch.revisions
            written: list[tuple[Share, EditionId | Edition]] = []
            fresh: dict[str, Told] = {}
            until: float | None = None
            for share in batch.shares:
                told = (share.selection, tuple(batch.standing[x] for x, _ in share.selection.items))
                known = self._editions.get(told)
                if known is not None:
                    written.append((share, known))
                    continue
                if until is None:
                    until = self._ticks() + RENDER_FOR
                elif self._ticks() > until:
                    left += [reader.id for reader in share.readers]
                    continue
                if (edition := self._written(share)) is not None:
                    fresh[edition.key] = told
                    written.append((share, edition))
            planned, editions = batch.write(written, self._stamp)
        self.missed += self._unwritten
        # Only now: what was not committed is known to nobody.
        self.planned += planned
        if len(self._editions) > _EDITIONS_KEPT:
            self._editions.clear()
        for key, told in fresh.items():
            self._editions[told] = editions[key]
        return planned, sorted(left)

    def printed(self, batch: WaitingBatch) -> list[tuple[Share, Edition]]:
        """New words for mails of this run that wait; where they cannot be made, none."""
        self._load(batch)
        self._revisions = batch.revisions
        made = [(share, self._written(share)) for share in batch.shares]
        self.missed, self._unwritten = self.missed + self._unwritten, 0
        return [(share, edition) for share, edition in made if edition is not None]

    def _stamp(self, reader: SubscriberId) -> tuple[str, str]:
        """Key and Message-ID of a reader's mail."""
        key = digest_key(self._run.frequency, self._run.due_at, reader)
        return key, message_id(self._house, key)

    def _load(self, batch: PlanningBatch | WaitingBatch) -> None:
        """Know the announcements of a batch as they are now."""
        stale = [
            one for one, change in batch.standing.items()
            if one not in self._known or self._known[one].change != change
        ]  # fmt: skip
        if len(self._known) + len(stale) > _ANNOUNCEMENTS_KEPT:
            self._known.clear()
            stale = list(batch.standing)
        self._known.update({one.id: one for one in batch.announcements(stale)})

    def _coverage(self, selection: Selection) -> Coverage:
        wishes = selection.wishes
        if wishes not in self._coverages:
            self._coverages[wishes] = coverage_of(self._seen, wishes)
        return self._coverages[wishes]

    def _radar(self, selection: Selection) -> Radar | None:
        wishes = selection.wishes
        if wishes not in self._radars:
            self._radars[wishes] = radar_of(self._tally, wishes) if self._tally else None
        return self._radars[wishes]

    def _written(self, share: Share) -> Edition | None:
        """The words of a selection; None, and the fault in the log, when they cannot be made."""
        selection = share.selection
        try:
            digest = plan_digest(
                selection, self._run.frequency,
                items_of(selection, self._known, self._revisions),
                due_at=self._run.due_at, now=self._now, coverage=self._coverage(selection),
                radar=self._radar(selection),
            )  # fmt: skip
            return None if digest is None else _of(selection, self._press.edition(digest))
        except Exception:  # a bug with one selection must not keep everybody else's back
            first = share.readers[0].id
            log.exception("digest not rendered", subscriber=first, run=self._run.id)
            self._unwritten += len(share.readers)
            return None


def _of(selection: Selection, edition: Edition) -> Edition:
    """An edition under a key that its items decide too: not all stand in its words."""
    items = blake2b(repr(selection.items).encode(), digest_size=8).hexdigest()
    return replace(edition, key=f"{edition.key}-{items}")


def _immediate(settings: Settings) -> timedelta:
    return timedelta(seconds=settings.immediate_seconds)


def _tally(frequency: Frequency, store: DigestStore, due_at: datetime) -> Tally | None:
    """What the radar of weekly mails is made of."""
    if frequency is not Frequency.WEEKLY:
        return None
    until = due_at.astimezone(SHANGHAI).date()
    news, first = store.project_news(until)
    return tally_of(news, until=until, first=first)
