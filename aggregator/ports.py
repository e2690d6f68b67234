"""What the flow needs from outside: one small Protocol per need.

I/O rooms implement these and do not know the flow; ``wiring.py`` hands them over.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from typing import Protocol

from aggregator.alarms import Alarm
from aggregator.canaries import ExpectedMail, LateMail
from aggregator.channels import Channel, ChannelMessage, ChannelState, ChatVerdict, Robot
from aggregator.model import (
    Announcement,
    AnnouncementId,
    Article,
    ArticleReport,
    Asking,
    Delivery,
    Draft,
    Edition,
    EditionId,
    Entry,
    EntryId,
    Filter,
    Frequency,
    KnownEntry,
    Lane,
    ListReading,
    Mail,
    MailId,
    OutboxMail,
    Page,
    PollReport,
    PollSummary,
    ProjectNews,
    Request,
    Return,
    ReturnEvent,
    Revision,
    Run,
    RunId,
    Selection,
    Share,
    Source,
    SourceId,
    SourceKind,
    StoredEntry,
    Subscriber,
    SubscriberId,
    SubscriptionId,
    Unchanged,
    Verdict,
    Watch,
    Window,
)
from aggregator.paces import Complaint, Pace
from aggregator.push import (
    Follower,
    HookDelivery,
    HookState,
    HubLimits,
    HubRequest,
    Parcel,
    Reply,
    Told,
    Topic,
    Webhook,
    WebhookId,
)


class Fetcher(Protocol):
    """Bytes from the web, politely and safely."""

    async def get(self, request: Request) -> Page | Unchanged:
        """Make one request.

        Raises:
            FetchError: for every other end, with its reason.
        """
        ...

    async def robots_verdict(self, request: Request) -> str:
        """Say in words whether robots.txt lets us read this address."""
        ...


class RobotReader(Protocol):
    """Reads the addresses of chat robots, and writes the requests that post to them."""

    def read(self, address: str) -> Robot:
        """A robot from its address.

        Raises:
            UsageError: when it is none that we write to.
        """
        ...

    def parcel(self, robot: Robot, *, head: str, text: str, now: datetime) -> Parcel:
        """The request that posts a message to a robot's chat."""
        ...


class ChannelStore(Protocol):
    """Chats as places for digests, and the messages that wait for them."""

    def add(self, owner: SubscriberId, robot: Robot, now: datetime) -> Channel:
        """A new place for digests; the one that is there when the owner has this robot."""
        ...

    def list(self, owner: SubscriberId | None = None) -> Sequence[Channel]:
        """All of them, or an owner's."""
        ...

    def get(self, ref: str | int) -> Channel:
        """One by its id.

        Raises:
            NotFoundError: when there is none.
        """
        ...

    def set_state(
        self, channel: SubscriberId, state: ChannelState, now: datetime, *, problem: str = ""
    ) -> bool:
        """Pause a channel, call it dead, or go on; False when it stands so already."""
        ...

    def remove(self, channel: SubscriberId) -> None:
        """Forget a channel and all that is its own."""
        ...

    def claim_messages(
        self, now: datetime, *, limit: int, lease: timedelta
    ) -> Sequence[ChannelMessage]:
        """Lease messages that are due, of robots whose turn it is."""
        ...

    def take_turn(self, robot: Robot, now: datetime) -> bool:
        """Take a robot's turn for a message outside of every run."""
        ...

    def mark_message_handed(self, message: ChannelMessage) -> bool:
        """Commit that the next byte may be the message; False when the lease was lost."""
        ...

    def record_verdict(
        self, message: ChannelMessage, verdict: ChatVerdict, *, now: datetime, due_at: datetime
    ) -> bool:
        """Write what came of a message; True when its channel died of it."""
        ...


class Caller(Protocol):
    """Calls other people's callbacks: bounded, guarded, without redirects."""

    def check(self, url: str) -> tuple[str, str]:
        """An address as we shall call it, and its host.

        Raises:
            UsageError: when it is one that we never call.
        """
        ...

    async def call(self, parcel: Parcel) -> Reply:
        """Make one call; what went wrong stands in the reply."""
        ...


class HubStore(Protocol):
    """What is asked of the hub, who follows what, and who must be told."""

    def accept(self, request: HubRequest, now: datetime, *, limits: HubLimits) -> str | None:
        """Count and keep a request; why not, when a limit is reached."""
        ...

    def claim_requests(
        self, now: datetime, *, limit: int, lease: timedelta
    ) -> Sequence[HubRequest]:
        """Lease requests whose callback is to be asked."""
        ...

    def has_room(self, request: HubRequest, now: datetime, *, limits: HubLimits) -> str | None:
        """Why there is no room for one more follower."""
        ...

    def settle(self, request: HubRequest, outcome: str, now: datetime, *, confirmed: bool) -> None:
        """Write what the callback said, and do as asked when it confirmed."""
        ...

    def cursor(self) -> int:
        """The last change whose topics were marked."""
        ...

    def mark(self, names: Sequence[tuple[str, int]], *, through: int) -> None:
        """Note the last change of named feeds; searches are to be looked at up to ``through``."""
        ...

    def unmeasured(self) -> Sequence[tuple[Topic, int]]:
        """Topics whose last change must be looked up, and up to which change."""
        ...

    def measured(self, topic: Topic, version: int, suspect: int) -> None:
        """Write a topic's last change."""
        ...

    def claim_followers(self, now: datetime, *, limit: int, lease: timedelta) -> Sequence[Follower]:
        """Lease followers whose topic has changed since they were told."""
        ...

    def record_told(self, told: Sequence[Told]) -> None:
        """Write what came of telling them; whoever lost the lease changes nothing."""
        ...

    def drop(self, follower: int, reason: str, now: datetime) -> bool:
        """End a follower and have it told so."""
        ...


class WebhookStore(Protocol):
    """Where each webhook stands, and what came of every call."""

    def claim_webhooks(
        self, now: datetime, *, last: int, limit: int, lease: timedelta
    ) -> Sequence[Webhook]:
        """Lease those that stand before the last change and are due."""
        ...

    def begin(self, hook: Webhook, through: int) -> bool:
        """Fix the batch before it is sent; False when it must not be."""
        ...

    def record_call(
        self,
        hook: Webhook,
        *,
        cursor: int | None,
        due_at: datetime,
        delivery: HookDelivery | None,
        state: HookState = HookState.ACTIVE,
    ) -> None:
        """Write what came of a call, and let go of the lease."""
        ...

    def log(self, hook: WebhookId, delivery: HookDelivery) -> None:
        """Log a call that moves nothing."""
        ...


class Reader(Protocol):
    """Reads what strangers wrote, in a child process with bounds of memory and time."""

    async def read_list(self, page: Page, *, source: Source, now: datetime) -> ListReading:
        """Read a list page or feed.

        Raises:
            ParseError: when the bytes are not what they should be, or the child died.
        """
        ...

    async def read_article(
        self, page: Page, *, source: Source, entry: Entry, now: datetime
    ) -> tuple[Article, Draft]:
        """Read an article page and make the clean record of it.

        Raises:
            ParseError: as above.
        """
        ...

    async def draft_row(self, entry: Entry, *, source: Source, now: datetime) -> Draft:
        """Make the clean record of a row whose article could not be read."""
        ...

    async def detect(self, page: Page, *, now: datetime) -> tuple[SourceKind, ListReading]:
        """Find out what kind of source a page is, and read it."""
        ...


class PollStore(Protocol):
    """Sources and what they showed."""

    def due_sources(self, now: datetime, *, limit: int) -> Sequence[SourceId]:
        """Ids of the sources that are due and not leased, the longest waiting first,
        sources of one host side by side.
        """
        ...

    def unended(self, ids: Sequence[SourceId]) -> AbstractSet[SourceId]:
        """Those of them that were claimed and never reported on: they may end workers."""
        ...

    def claim_sources(
        self,
        ids: Sequence[SourceId],
        now: datetime,
        *,
        lease: timedelta,
        even_if_not_due: bool = False,
    ) -> Sequence[Source]:
        """Take the lease on those that are due and free; counts the attempt before the work."""
        ...

    def renew_sources(self, sources: Sequence[Source], until: datetime) -> None:
        """Hold the leases that are still ours until then."""
        ...

    def release_sources(self, sources: Sequence[Source]) -> None:
        """Give back leases whose turn did not come; the attempt is not counted."""
        ...

    def unseen(self, entries: Sequence[tuple[SourceId, Entry]]) -> Sequence[tuple[SourceId, Entry]]:
        """Those that the store does not hold, or holds with another ``raw_hash``."""
        ...

    def known_entries(self, source_id: SourceId, since: datetime) -> Sequence[KnownEntry]:
        """Entries of a source that were first seen since then, the newest first."""
        ...

    def record_polls(self, reports: Sequence[PollReport]) -> Sequence[PollSummary]:
        """Store the entries and mark the polls done in one transaction; a report whose
        lease was lost is left out. Bulk statements: no query per source.
        """
        ...


class ArticleStore(Protocol):
    """Entries whose article is to be read, and the announcements they make."""

    def due_entries(self, now: datetime, *, limit: int) -> Sequence[EntryId]:
        """Ids of entries whose article is due and not leased, first reads first."""
        ...

    def claim_entries(
        self, ids: Sequence[EntryId], now: datetime, *, lease: timedelta
    ) -> Sequence[StoredEntry]:
        """Take the lease on those that are due and free."""
        ...

    def renew_entries(self, entries: Sequence[StoredEntry], until: datetime) -> None:
        """Hold the leases that are still ours until then."""
        ...

    def record_articles(
        self, reports: Sequence[ArticleReport], now: datetime
    ) -> Sequence[AnnouncementId]:
        """Store pages, announcements, sightings and revisions in one transaction; the ids
        of announcements that are new or changed in substance.
        """
        ...


class ArchiveStore(Protocol):
    """Pages as they were fetched, and the entries that they are of."""

    def claim_archived(
        self, after: EntryId, *, limit: int, now: datetime, lease: timedelta, before: int | None
    ) -> Sequence[tuple[StoredEntry, Page]]:
        """Lease entries beyond that id whose page is kept and whose record is older than the
        extractor ``before`` (None: any), in order of id.
        """
        ...

    def record_articles(
        self, reports: Sequence[ArticleReport], now: datetime
    ) -> Sequence[AnnouncementId]:
        """As in ``ArticleStore``."""
        ...

    def cut_feeds(self, why: str) -> None:
        """Let what changed last stand in archive documents, so that the current ones go on
        showing what is new.
        """
        ...

    def reread_since(self, ids: Sequence[EntryId], since: datetime) -> int:
        """How many records of these entries were revised by a better reading since then."""
        ...


class PlanningBatch(Protocol):
    """A batch of subscribers who are being planned for; what is written is committed together.

    ``standing`` holds the number of the last change of every announcement of the shares,
    ``revisions`` what the changes among them tell of.
    """

    standing: Mapping[AnnouncementId, int]
    revisions: Mapping[tuple[AnnouncementId, str], Revision]
    shares: Sequence[Share]

    def announcements(self, ids: Sequence[AnnouncementId]) -> Sequence[Announcement]:
        """Announcements without their texts, which no mail prints."""
        ...

    def write(
        self,
        written: Sequence[tuple[Share, EditionId | Edition]],
        stamp: Callable[[SubscriberId], tuple[str, str]],
    ) -> tuple[int, Mapping[str, EditionId]]:
        """Put a mail for every reader of the shares into the outbox, and into the ledger what
        it brings; how many, and the ids of the new editions by their keys. ``stamp`` makes key
        and Message-ID of a reader's mail.
        """
        ...


class DigestStore(Protocol):
    """Runs, who is owed what, and the outbox."""

    def open_run(self, frequency: Frequency, due_at: datetime) -> Run | None:
        """The run of that slot, made if need be; None when it is planned already."""
        ...

    def planned_slots(self, frequency: Frequency, since: datetime) -> Sequence[datetime]:
        """Due times since then whose runs are planned already."""
        ...

    def first_run_at(self) -> datetime | None:
        """When the first subscriber confirmed: no run before that can owe anything."""
        ...

    def match(self, now: datetime) -> int:
        """Match what is new with what is wished for; how many announcements were looked at."""
        ...

    def subscribers_due(
        self, run: Run, now: datetime, *, after: SubscriberId | None, limit: int
    ) -> Sequence[SubscriberId]:
        """Subscribers who may be owed something by the run and whose hour (and weekday) falls
        into its slot, in order.
        """
        ...

    def planning(
        self, run: Run, ids: Sequence[SubscriberId], now: datetime
    ) -> AbstractContextManager[PlanningBatch]:
        """What a batch of subscribers is owed by a run, and the place for what is made of it:
        one transaction, committed when the block ends well.
        """
        ...

    def owed(
        self, subscriber: Subscriber, frequency: Frequency, now: datetime
    ) -> tuple[Selection, Sequence[Announcement]]:
        """What one subscriber would get now, and the announcements of it; locks nothing."""
        ...

    def revisions(self, selection: Selection) -> Mapping[tuple[AnnouncementId, str], Revision]:
        """What the changes of a selection tell of."""
        ...

    def brought(
        self, subscriber_id: SubscriberId, run_id: RunId
    ) -> tuple[Run, datetime, Selection, Sequence[Announcement]] | None:
        """What a run's mail to a subscriber brought by the ledger, and when it was planned."""
        ...

    def watch(self) -> Watch:
        """How well the sources are watched just now, everywhere and by region, with the names
        of those that are ill.
        """
        ...

    def project_news(self, until: date) -> tuple[Sequence[ProjectNews], date | None]:
        """The projects of the five weeks before that day, and the first day of our watching."""
        ...

    def leave_run(self, run_id: RunId, now: datetime, *, due: int, planned: int) -> datetime:
        """Leave a run open for those who could not be planned; since when it is left so."""
        ...

    def close_run(
        self, run_id: RunId, now: datetime, *, due: int = 0, planned: int = 0, missed: int = 0
    ) -> None:
        """Mark a run as planned: how many might be owed something, how many got a mail, and how
        many could not be planned, which is an alarm.
        """
        ...


class JournalStore(Protocol):
    """What is published, change by change."""

    def last(self) -> int:
        """The number of the newest change or cut; 0 for none."""
        ...

    def since(self, change: int, limit: int = ...) -> Sequence[tuple[int, frozenset[str]]]:
        """Numbers of later changes, the oldest first, and the names of the feeds they concern;
        none for a cut, which concerns every feed.
        """
        ...

    def version(self, name: str) -> tuple[int, datetime] | None:
        """The last change or cut of a named feed, and when its last change was made."""
        ...

    def window(self, name: str) -> Window | None:
        """The current document of a named feed, or None when nothing ever concerned it."""
        ...

    def archive(self, name: str, number: int) -> Window:
        """The archive document of a named feed that ends with a change.

        Raises:
            NotFoundError: when no document of it ends there.
        """
        ...


class FeedStore(Protocol):
    """Announcements as they are now, for feeds of any filter."""

    def feed_window(self, filter_: Filter) -> Sequence[Announcement]:
        """The 50 that changed last, withdrawn ones too."""
        ...

    def feed_version(self, filter_: Filter) -> tuple[int, datetime]:
        """The last change of what matches, and when it was; (0, first migration) for none."""
        ...


class SubscriberStore(Protocol):
    """Subscribers, their wishes and choices."""

    def may_ask(
        self,
        email: str,
        network: str | None,
        now: datetime,
        *,
        kind: Asking = ...,
        answered: bool = ...,
    ) -> Verdict:
        """Count a request for a mail, and say whether it is within the limits."""
        ...

    def rehearse(self, mail: Mail, now: datetime) -> None:
        """The work of queueing a mail, and then none queued."""
        ...

    def sign_up(
        self,
        email: str,
        filters: Sequence[Filter],
        frequency: Frequency,
        now: datetime,
        *,
        confirmed: bool = False,
        token_hash: bytes | None = None,
        ip: str | None = None,
    ) -> Subscriber:
        """Store a subscriber and their wishes, pending until confirmed."""
        ...

    def pending_confirmation(self, token_hash: bytes, now: datetime) -> Subscriber | None:
        """Whose confirming link this is, while it lives; changes nothing."""
        ...

    def confirm(
        self, token_hash: bytes, now: datetime, *, ip: str | None = None
    ) -> Subscriber | None:
        """Confirm once; a used or old token gives None."""
        ...

    def was_confirmed(self, token_hash: bytes, now: datetime) -> bool:
        """Whether that confirming link was used, as long as it would live."""
        ...

    def get(self, ref: str | int) -> Subscriber:
        """A subscriber by address or id.

        Raises:
            NotFoundError: when there is none.
        """
        ...

    def set_preferences(
        self,
        subscriber_id: SubscriberId,
        *,
        hour: int | None = None,
        minute: int | None = None,
        weekday: int | None = None,
        timezone: str | None = None,
        language: str | None = None,
        reminders: bool | None = None,
    ) -> None:
        """Change when and how a subscriber is written to; None leaves a thing as it is."""
        ...

    def set_frequency(self, subscription_id: SubscriptionId, frequency: Frequency) -> None:
        """Change how often a subscription is answered; resets nothing."""
        ...

    def pause(
        self,
        subscription_id: SubscriptionId,
        now: datetime | None = ...,
        *,
        until: datetime | None = ...,
    ) -> None:
        """Send nothing of it until it is resumed, or until then."""
        ...

    def resume(self, subscription_id: SubscriptionId, now: datetime) -> None:
        """Send what is announced from now on."""
        ...

    def end(
        self,
        subscriber_id: SubscriberId,
        *,
        reason: str,
        now: datetime,
        frequency: Frequency | None = None,
        subscription_id: SubscriptionId | None = None,
    ) -> int:
        """End all subscriptions, those of a frequency, or one; how many ended now."""
        ...

    def erase(self, subscriber_id: SubscriberId) -> None:
        """Delete a person, their subscriptions and their ledger."""
        ...


class PersonStore(Protocol):
    """What is held of a person as a whole."""

    def add_wish(
        self, subscriber_id: SubscriberId, wish: Filter, frequency: Frequency, now: datetime
    ) -> None:
        """Add an active subscription."""
        ...

    def raise_epoch(self, subscriber_id: SubscriberId) -> None:
        """Let every link to a person's choices that is out be void."""
        ...

    def ask_move(
        self, subscriber_id: SubscriberId, email: str, token_hash: bytes, now: datetime
    ) -> None:
        """Keep that a person wants their mail elsewhere."""
        ...

    def pending_move(self, token_hash: bytes, now: datetime) -> tuple[Subscriber, str] | None:
        """Who moves where by a link, while it lives; changes nothing."""
        ...

    def refuse_move(self, token_hash: bytes, reason: str, now: datetime) -> None:
        """End what was asked of a new address, and what goes there by that link already."""
        ...

    def was_moved(self, token_hash: bytes, now: datetime) -> bool:
        """Whether that link was used, as long as it would live."""
        ...

    def move(self, token_hash: bytes, told: Mail, now: datetime) -> Subscriber | None:
        """Move a person once, and tell the old address in the same transaction.

        Raises:
            UsageError: when the new address has subscriptions of its own.
        """
        ...

    def export(self, subscriber_id: SubscriberId) -> Mapping[str, object]:
        """All that is held of a person, in words of JSON."""
        ...


class OutboxStore(Protocol):
    """Mails that must leave, each once."""

    def enqueue_mail(self, mail: Mail, now: datetime) -> MailId | None:
        """Queue a mail unless its key is there already."""
        ...

    def claim_mails(
        self, now: datetime, *, limit: int, lease: timedelta, lane: Lane = ...
    ) -> Sequence[OutboxMail]:
        """Lease the mails that are due, up to a lane: confirmations before immediate before
        digests. Domains that must wait are left out, and what is beyond a domain's pace.
        """
        ...

    def doubt_lost(self, now: datetime) -> int:
        """Mark what was handed over by a sender that vanished as ambiguous; how many."""
        ...

    def editions(self, ids: Collection[EditionId]) -> Mapping[EditionId, Edition]:
        """The words of editions."""
        ...

    def paces(self) -> Sequence[Pace]:
        """What domains that complained take."""
        ...

    def praise(self, domains: Collection[str], now: datetime) -> None:
        """Raise the paces of domains that took what they were sent in the last minute."""
        ...

    def turn(
        self,
        deliveries: Sequence[Delivery],
        hand: Sequence[OutboxMail] = (),
        *,
        complaints: Sequence[Complaint] = (),
        now: datetime,
    ) -> AbstractSet[MailId]:
        """In one transaction, write what came of attempts and commit that the mails of ``hand``
        may get their final dot; the ids of those that may. The same again answers the same.
        """
        ...

    def renew_mails(self, mails: Sequence[OutboxMail], until: datetime) -> None:
        """Hold the leases that are still ours until then."""
        ...

    def tell_relay(self, problem: str | None) -> None:
        """Raise the alarm that the relay is not reached, or clear it."""
        ...


class ReturnStore(Protocol):
    """What came back of mails, and what follows for their addresses."""

    def record(self, returns: Sequence[Return], *, via: str, now: datetime) -> Sequence[str]:
        """Write what came back and do what follows; what was done for each, in a few words."""
        ...

    def mails_of(self, events: Sequence[ReturnEvent]) -> Sequence[MailId | None]:
        """The mails that a provider's events are about; None for those that are none of ours."""
        ...

    def since(self, at: datetime) -> Mapping[str, int]:
        """How many mails left since then (``sent``), and how many of each kind came back."""
        ...


class MailboxReader(Protocol):
    """A mailbox with what came back."""

    def read(self, take: Callable[[Sequence[bytes]], None], *, more: Callable[[], bool]) -> int:
        """Hand over what was not read yet, batch by batch, and mark what was recorded."""
        ...


class AlarmStore(Protocol):
    """What an operator must look at."""

    def raise_alarm(self, kind: str, words: str) -> bool:
        """Open an alarm, or renew the words of the open one; True when it was not open."""
        ...

    def clear_alarm(self, kind: str) -> bool:
        """Clear the open alarm of a kind; True when there was one."""
        ...

    def open_alarms(self) -> Sequence[Alarm]:
        """Those that are not cleared, the newest first."""
        ...

    def untold(self) -> Sequence[Alarm]:
        """Open alarms that a mail is to be written about."""
        ...

    def tell(self, alarm: Alarm, mail: Mail, now: datetime) -> None:
        """Queue the mail about an alarm, once."""
        ...


class Desk(Protocol):
    """What a mailer gets its mails from, and where it says what came of them.

    Every call may use the database; none is made while a transaction is open.
    """

    def take(self, room: int, *, express: bool = False) -> Sequence[OutboxMail]:
        """Mails to send, at most so many, the most urgent first; ``express``: only such as
        somebody waits for.
        """
        ...

    def turn(
        self,
        deliveries: Sequence[Delivery],
        hand: Sequence[OutboxMail],
        complaints: Sequence[Complaint],
    ) -> AbstractSet[MailId]:
        """As in ``OutboxStore``."""
        ...

    def renew(self) -> None:
        """Hold the leases of all that was taken and not yet told of."""
        ...

    def connections(self) -> Mapping[str, int]:
        """How many mails at once the domains take that complained of too many."""
        ...

    def over(self) -> bool:
        """Whether no further mail is to be begun."""
        ...

    def relay(self, problem: str | None) -> None:
        """Tell an operator that the relay is not reached for longer, or is again (None)."""
        ...

    def now(self) -> datetime:
        """The present time."""
        ...


class CanaryStore(Protocol):
    """The mails that are followed until they arrive."""

    def is_set(self, subscriber_id: SubscriberId | None) -> bool:
        """Make a subscriber the canary, and no other; False when another one, or none, was."""
        ...

    def expect(self, subscriber_id: SubscriberId, wait: timedelta, now: datetime) -> None:
        """Want every mail of a run to the canary within that time."""
        ...

    def late(self, now: datetime) -> Sequence[LateMail]:
        """Mails that should have arrived by now and were not told of yet."""
        ...

    def awaited_since(self, now: datetime) -> datetime | None:
        """When the oldest mail that left and has not arrived was queued."""
        ...

    def expected(self, message_id: str) -> tuple[MailId, ExpectedMail] | None:
        """What a mail of the canary's should be, by its Message-ID."""
        ...

    def settle(
        self, mail_id: MailId, *, problem: str | None, arrived_at: datetime | None = None
    ) -> None:
        """Write that a mail arrived, or what is wrong with it."""
        ...


class Mailer(Protocol):
    """Speaks SMTP."""

    def deliver(self, desk: Desk) -> None:
        """Send each of the desk's mails on its own until it has no more, time is over or nobody
        answers; every mail that was taken is told of once, whatever happens.
        """
        ...


class Bell(Protocol):
    """Rings a queue: a hint that there may be work. Never fails the caller."""

    def ring(self, task: str, *args: object) -> None:
        """Send the hint, best effort, within two seconds; a failure is logged and counted."""
        ...
