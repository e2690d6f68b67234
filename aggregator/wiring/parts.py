"""The parts of a process, each made when it is first asked for."""

from __future__ import annotations

import asyncio
import hashlib
import json
import platform
import random
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

from jinja2 import Environment

import feeds
from aggregator import divisions
from aggregator.clock import now
from aggregator.deliver import Composer, SentFiles, Signer, SmtpMailer, sender_address
from aggregator.deliver.arrivals import arrived_since, signature_fault
from aggregator.deliver.bell import CeleryBell, SilentBell
from aggregator.deliver.robots import Robots
from aggregator.fetch import Courier, CurlFetcher, SharedPace
from aggregator.flow import canary, publish, returns
from aggregator.flow.alarms import time_of_runs
from aggregator.flow.channels import Post
from aggregator.flow.hub import Press
from aggregator.flow.publish import House
from aggregator.flow.reports import PollRules
from aggregator.flow.subscribe import house_of
from aggregator.flow.webhooks import Happening
from aggregator.model import FeedPage, MailId
from aggregator.ports import Bell
from aggregator.push import Edition, Topic
from aggregator.receive import Mailbox
from aggregator.sandbox import ParserChild
from aggregator.settings import Settings
from aggregator.templates import environment
from aggregator.wiring.broker import bell_app
from aggregator.wiring.stores import Stores

Answer = TypeVar("Answer")


@dataclass(slots=False, kw_only=True)
class Parts(Stores):
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

    def time_of_runs(self) -> datetime:
        """The present time for runs: never later than the database has it."""
        return time_of_runs(self.now(), self.system.time(), alarms=self.alarms)

    def templates_or_fail(self) -> Environment:
        """The templates' environment, which every door that renders has given."""
        return self.templates or environment()

    @cached_property
    def mail_of(self) -> Callable[[str], MailId | None]:
        """Which mail the recipient of a bounce names."""
        return returns.finder(self.settings)

    @cached_property
    def sent(self) -> SentFiles | None:
        """The journal of sent mails outside of the database, unless none is kept."""
        it = self.settings
        if not it.sent_days:
            return None
        return SentFiles(
            it.home / "sent", self.sent_mails, days=it.sent_days, machine=platform.node()
        )

    @cached_property
    def bounce_mailbox(self) -> Mailbox | None:
        """The mailbox with what came back, where one is set."""
        url = self.settings.bounce_imap.get_secret_value()
        return Mailbox(url) if url else None

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
    def courier(self) -> Courier:
        """The way to other people's callbacks."""
        it = self.settings
        return Courier(user_agent=it.user_agent, clock=self.clock, allow_nets=it.allow_nets)

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
            jitter=random.random, sent=self.sent,
        )  # fmt: skip

    @cached_property
    def press(self) -> Press:
        """Feed documents for followers, each rendered once."""
        return Press(self.edition)

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
        if made.get("sent") is not None:
            made["sent"].close()
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
