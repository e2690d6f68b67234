"""Settings in, working parts out; ``clock.now`` is read here and given on."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

from celery import Celery
from jinja2 import Environment
from sqlalchemy import Engine

import feeds
from aggregator import divisions, store
from aggregator.clock import now as now  # noqa: PLC0414  # offered to whoever has our parts
from aggregator.deliver import Composer, Signer, SmtpMailer, sender_address
from aggregator.deliver.arrivals import arrived_since, signature_fault
from aggregator.deliver.bell import CeleryBell, SilentBell
from aggregator.deliver.robots import Robots
from aggregator.errors import SettingsError
from aggregator.fetch import Courier, CurlFetcher, SharedPace
from aggregator.flow import canary, publish, returns
from aggregator.flow.channels import Post
from aggregator.flow.hub import Press
from aggregator.flow.polls import PollRules
from aggregator.flow.publish import House
from aggregator.flow.subscribe import house_of
from aggregator.flow.webhooks import Happening
from aggregator.model import FeedPage, MailId
from aggregator.ports import Bell
from aggregator.push import Edition, Topic
from aggregator.receive import Mailbox
from aggregator.sandbox import ParserChild
from aggregator.settings import Settings
from aggregator.templates import environment

Answer = TypeVar("Answer")

#: What a wiring of Celery needs to know of the broker (RELIABILITY.md §Settings, with reasons
#: in docs/celery.md). Kept here because the web and the commands ring the same bell.
BROKER_OPTIONS: dict[str, Any] = {
    "visibility_timeout": 900,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_timeout": 15,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 15,
}


@dataclass(slots=False, kw_only=True)
class Parts:
    """Everything a door needs, made when first asked for and kept as long as the process.

    ``templates`` is given by the door, because only doors know where they lie.
    """

    settings: Settings
    templates: Environment | None = None
    clock: Callable[[], datetime] = now
    _runner: asyncio.Runner | None = field(default=None, init=False, repr=False)

    def now(self) -> datetime:
        """The present time, UTC."""
        return self.clock()

    def templates_or_fail(self) -> Environment:
        """The templates' environment, which every door that renders has given."""
        return self.templates or environment()

    @cached_property
    def engine(self) -> Engine:
        """The database.

        Raises:
            SettingsError: when no database is configured.
        """
        url = self.settings.database_url.get_secret_value()
        if not url:
            raise SettingsError("QUXUN_DATABASE_URL is empty and no embedded service was started")
        return store.connect(url)

    @cached_property
    def sources(self) -> store.Sources:
        """Sources and their polls."""
        return store.Sources(self.engine)

    @cached_property
    def entries(self) -> store.Entries:
        """Entries and their articles."""
        return store.Entries(self.engine)

    @cached_property
    def announcements(self) -> store.Announcements:
        """Announcements, as feeds, pages and commands read them."""
        return store.Announcements(self.engine)

    @cached_property
    def journal(self) -> store.Journal:
        """What is published, change by change."""
        return store.Journal(self.engine)

    @cached_property
    def deadlines(self) -> store.Deadlines:
        """Deadlines, as calendars read them."""
        return store.Deadlines(self.engine)

    @cached_property
    def rulings(self) -> store.Rulings:
        """What an operator split and merged."""
        return store.Rulings(self.engine)

    @cached_property
    def removals(self) -> store.Removals:
        """What the law made us take out."""
        return store.Removals(self.engine)

    @cached_property
    def subscribers(self) -> store.Subscribers:
        """Subscribers, wishes and subscriptions."""
        return store.Subscribers(self.engine)

    @cached_property
    def persons(self) -> store.Persons:
        """What is held of a person as a whole."""
        return store.Persons(self.engine)

    @cached_property
    def tries(self) -> store.Tries:
        """Wishes tried before anybody subscribes."""
        return store.Tries(self.engine)

    @cached_property
    def digests(self) -> store.Digests:
        """Runs and the ledger."""
        return store.Digests(self.engine)

    @cached_property
    def outbox(self) -> store.Outbox:
        """Mails that must leave."""
        return store.Outbox(self.engine)

    @cached_property
    def alarms(self) -> store.Alarms:
        """What an operator must look at."""
        return store.Alarms(self.engine)

    @cached_property
    def unsettled(self) -> store.Unsettled:
        """Mails that wait for an operator's word."""
        return store.Unsettled(self.engine)

    @cached_property
    def returns(self) -> store.Returns:
        """What came back of our mails."""
        return store.Returns(self.engine)

    @cached_property
    def suppressions(self) -> store.Suppressions:
        """Addresses that get no mail."""
        return store.Suppressions(self.engine)

    @cached_property
    def mail_of(self) -> Callable[[str], MailId | None]:
        """Which mail the recipient of a bounce names."""
        return returns.finder(self.settings)

    @cached_property
    def bounce_mailbox(self) -> Mailbox | None:
        """The mailbox with what came back, where one is set."""
        url = self.settings.bounce_imap.get_secret_value()
        return Mailbox(url) if url else None

    @cached_property
    def canary(self) -> store.Canary:
        """The mails that are followed until they arrive."""
        return store.Canary(self.engine)

    def canary_arrived(self, raw: bytes) -> bool:
        """Take a mail that is the canary's digest, wherever it arrived; False for any other."""
        signer = self.signer
        return canary.arrived(
            raw,
            store=self.canary,
            alarms=self.alarms,
            settings=self.settings,
            now=self.now(),
            signature_fault=lambda mail: signature_fault(mail, signer) if signer else None,
        )

    def caught(self, address: str, since: datetime) -> Iterable[bytes]:
        """What arrived in our own mailbox since then, where we have one."""
        folder = self.settings.home / "mailbox"
        return arrived_since(folder, address, since) if self.settings.embedded else ()

    @cached_property
    def sessions(self) -> store.Sessions:
        """The operator's sessions."""
        return store.Sessions(self.engine, self.settings.operator_token.get_secret_value())

    @cached_property
    def audit(self) -> store.Audit:
        """What operators did."""
        return store.Audit(self.engine)

    @cached_property
    def runs(self) -> store.Runs:
        """Runs and their mails as an operator looks at them."""
        return store.Runs(self.engine)

    @cached_property
    def people(self) -> store.People:
        """What is wished for by how many, and who gets no mail."""
        return store.People(self.engine)

    @cached_property
    def holds(self) -> store.Holds:
        """The switches that keep mail back."""
        return store.Holds(self.engine)

    @cached_property
    def system(self) -> store.System:
        """Heartbeats and statistics."""
        return store.System(self.engine)

    @cached_property
    def hosts(self) -> store.Hosts:
        """Turns at hosts."""
        return store.Hosts(self.engine)

    @cached_property
    def fetch(self) -> CurlFetcher:
        """The HTTP client of this process; where hosts want pauses, all workers share them."""
        it = self.settings
        shared = it.delay_seconds > 0 and bool(it.database_url.get_secret_value())
        return CurlFetcher(
            user_agent=it.user_agent,
            clock=self.clock,
            delay_seconds=it.delay_seconds,
            allow_nets=it.allow_nets,
            pacer=SharedPace(lambda wants: self.hosts.reserve(wants, now())) if shared else None,
        )

    @cached_property
    def hub(self) -> store.Hub:
        """Who follows our feeds."""
        return store.Hub(self.engine)

    @cached_property
    def courier(self) -> Courier:
        """The way to other people's callbacks."""
        it = self.settings
        return Courier(user_agent=it.user_agent, clock=self.clock, allow_nets=it.allow_nets)

    @cached_property
    def channels(self) -> store.Channels:
        """Chats that digests go to."""
        return store.Channels(self.engine)

    @cached_property
    def robots(self) -> Robots:
        """How robots of chats are written to."""
        return Robots(relays=self.settings.relays)

    @cached_property
    def chat_courier(self) -> Courier:
        """The way to robots of chats."""
        return self.new_chat_courier()

    def new_chat_courier(self) -> Courier:
        """One of its own, for another loop: public addresses at 80 and 443 only."""
        it = self.settings
        return Courier(
            user_agent=it.user_agent, clock=self.clock, allow_nets=it.allow_nets, own_ports=False
        )

    @contextmanager
    def post_apart(self) -> Iterator[Post]:
        """What sending to channels needs, for a thread with a loop of its own."""
        courier = self.new_chat_courier()
        try:
            yield replace(self.post, caller=courier)
        finally:
            courier.close()

    @property
    def post(self) -> Post:
        """What sending to channels needs."""
        return Post(
            store=self.channels, subscribers=self.subscribers, outbox=self.outbox,
            alarms=self.alarms, robots=self.robots, caller=self.chat_courier,
            env=self.templates_or_fail(), settings=self.settings, clock=self.clock,
            jitter=random.random,
        )  # fmt: skip

    @cached_property
    def press(self) -> Press:
        """Feed documents for followers, each rendered once."""
        return Press(self.edition)

    @cached_property
    def webhooks(self) -> store.Webhooks:
        """Who is told of changes one by one."""
        return store.Webhooks(self.engine)

    def blank_page(self) -> FeedPage:
        """A page of our JSON Feed without entries."""
        authority, born = self.announcements.identity()
        public_url = self.settings.public_url
        return FeedPage(
            name="all", title=feeds.feed_title("all"), subtitle="", home_url=f"{public_url}/",
            self_url=f"{public_url}/feeds/all.json", tag_authority=authority, tag_date=born,
            updated_at=self.now(), announcements=(), coverage=None, public_url=public_url,
        )  # fmt: skip

    def happenings(self, change: int, through: int | None, limit: int) -> Sequence[Happening]:
        """The changes after one, with what they changed."""
        return [
            Happening(
                change=step.change, at=step.at, after=step.after, before=step.before,
                words=step.words,
            )
            for step in self.journal.steps(change, through, limit)
        ]  # fmt: skip

    def feed_version(self, name: str) -> int:
        """The last change of a feed."""
        return publish.feed_version(name, journal=self.journal, announcements=self.announcements)[0]

    def edition(self, topic: Topic) -> Edition:
        """A topic's current document, rendered now."""
        through = self.feed_version(topic.name)  # first: what comes meanwhile is told again
        page = publish.current_page(
            topic.name, topic.form, journal=self.journal, announcements=self.announcements,
            house=self.house, watch=self.sources.watch(),
        )  # fmt: skip
        return Edition(
            body=feeds.render(page, topic.form),
            media_type=f"{feeds.MEDIA_TYPES[topic.form]}; charset=utf-8",
            through=through,
        )

    @cached_property
    def reader(self) -> ParserChild:
        """The parser child of this process."""
        return ParserChild(invented=self.demo_divisions())

    @cached_property
    def mailer(self) -> SmtpMailer:
        """The way to the mail server.

        Raises:
            SettingsError: its address, the sender's or the DKIM key cannot be used.
        """
        it = self.settings
        sender = sender_address(it.mail_from)
        secret = bool(it.secret_key.get_secret_value())
        return SmtpMailer(
            it.smtp_url.get_secret_value(),
            mail_from=it.mail_from,
            composer=Composer(
                sender,
                house=house_of(it) if secret else None,
                bounce_domain=it.bounce_domain,
                signer=self.signer,
            ),
            notes=it.home
            / "sending"
            / hashlib.sha256(it.database_url.get_secret_value().encode()).hexdigest()[:16],
            connections=it.smtp_connections,
            per_second=it.smtp_per_second,
        )

    @property
    def signer(self) -> Signer | None:
        """What signs our mails, if there is a key.

        Raises:
            SettingsError: the key cannot be used.
        """
        it = self.settings
        if it.dkim_key_file is None:
            return None
        domain = it.dkim_domain or sender_address(it.mail_from).rpartition("@")[2]
        return Signer.of(it.dkim_key_file, domain=domain, selector=it.dkim_selector)

    @cached_property
    def bell(self) -> Bell:
        """Hints to the workers; silent when there is no broker."""
        url = self.settings.broker_url.get_secret_value()
        return CeleryBell(bell_app(url)) if url else SilentBell()

    @cached_property
    def house(self) -> House:
        """What all our feeds say of us."""
        authority, day = self.announcements.identity()
        return House(
            public_url=self.settings.public_url,
            tag_authority=authority,
            tag_date=day,
            hub_url=self.settings.hub_url,
        )

    @property
    def poll_rules(self) -> PollRules:
        """The settings' numbers for polls."""
        it = self.settings
        return PollRules(
            floor=timedelta(seconds=it.floor_seconds),
            ceiling=timedelta(seconds=it.ceiling_seconds),
            delay_seconds=it.delay_seconds,
        )

    def demo_divisions(self) -> tuple[tuple[str, str, str | None], ...]:
        """The invented divisions of the demonstration, or none: they never stand in a real feed."""
        path = self.settings.home / "demo-divisions.json"
        if not self.settings.demo or not path.exists():
            return ()
        rows = json.loads(path.read_text(encoding="utf-8"))
        return tuple((row[0], row[1], row[2]) for row in rows)

    def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Run a coroutine on this process's one loop, so that connections outlive a task."""
        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner.run(work)

    def close(self) -> None:
        """Let go of what was opened, in the order of need."""
        made = self.__dict__
        if "mailer" in made:
            self.mailer.close()
        if "reader" in made:
            self.reader.close()
        if "fetch" in made:
            self.fetch.close()
        if "courier" in made:
            self.courier.close()
        if "chat_courier" in made:
            self.chat_courier.close()
        if self._runner is not None:
            self._runner.close()
            self._runner = None
        if "engine" in made:
            self.engine.dispose()


def build_parts(settings: Settings, *, templates: Environment | None = None) -> Parts:
    """Wire the parts; nothing is opened before it is used."""
    parts = Parts(settings=settings, templates=templates)
    rows = parts.demo_divisions()
    if rows:
        divisions.add_demo(rows)
    return parts


def bell_app(broker_url: str) -> Celery:
    """A Celery app that only sends: two seconds and one try (RELIABILITY.md, row 3)."""
    app = Celery("quxun-bell", broker=celery_url(broker_url), set_as_current=False)
    app.conf.update(
        task_ignore_result=True,
        broker_connection_timeout=1,
        broker_connection_max_retries=1,
        broker_transport_options={
            **BROKER_OPTIONS,
            "socket_timeout": 2,
            "socket_connect_timeout": 1,
            "max_retries": 0,
        },
    )
    return app


def celery_url(broker_url: str) -> str:
    """The broker's address as Celery spells it: ``unix://`` is ``redis+socket://`` there."""
    return broker_url.replace("unix://", "redis+socket://", 1)
