"""The real store, planner, sender and guard; chat services on loopback; a clock that tests move."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chat_services import NETS, ChatService
from sqlalchemy import text

from aggregator.filters import parse_query
from aggregator.flow import channels as flow
from aggregator.flow import digests
from aggregator.model import Frequency
from aggregator.settings import Settings
from aggregator.wiring import Parts

_spec = importlib.util.spec_from_file_location(
    "channels_web", Path(__file__).parents[1] / "web" / "conftest.py", submodule_search_locations=[]
)
_web = importlib.util.module_from_spec(_spec)
sys.modules["channels_web"] = _web
_spec.loader.exec_module(_web)
web = _web.web
draft = _web.draft

OWNER = "reader@example.org"
DAY = timedelta(days=1)


@dataclass
class House:
    """Our service: its planner and its sender run when a test says so."""

    web: object
    stack: ExitStack

    @property
    def parts(self):
        return self.web.parts

    @property
    def now(self):
        return self.parts.now()

    def service(self, name: str) -> ChatService:
        """A service's server, to which our requests for that service's host are led."""
        made = ChatService(name)
        self.stack.callback(made.close)
        before = self.parts.settings.channel_relays
        relays = tuple(word for word in (*before, made.relay) if word)
        self.set(channel_relays=relays)
        return made

    def set(self, **changes: object) -> None:
        checked = Settings(**{**self.parts.settings.model_dump(), **changes})
        self.parts.settings = checked
        for made in ("robots", "chat_courier"):
            self.parts.__dict__.pop(made, None)

    def subscriber(self, email: str = OWNER, **preferences):
        store = self.parts.subscribers
        store.sign_up(email, [parse_query("")], Frequency.WEEKLY, self.now, confirmed=True)
        if preferences:
            store.set_preferences(store.get(email).id, **preferences)
        return store.get(email)

    def channel(self, address: str, *, owner=None, query: str = "", frequency=Frequency.IMMEDIATE):
        who = owner or self.subscriber()
        return flow.add(who, address, [parse_query(query)], frequency, post=self.parts.post)

    def publish(self, *numbers: int, **changes: object) -> None:
        self.web.publish(*(draft(number, **changes) for number in numbers))

    def plan(self) -> int:
        it = self.parts
        return digests.plan_due(
            store=it.digests, env=it.templates_or_fail(), settings=it.settings, now=self.now
        )

    def send(self) -> int:
        return self.parts.run(flow.deliver(post=self.parts.post))

    def run(self) -> int:
        """Some minutes later: plan what is due and send what has a turn."""
        self.later(timedelta(minutes=6))
        self.plan()
        return self.send()

    def test(self, channel):
        return self.parts.run(flow.test(channel, post=self.parts.post))

    def later(self, by: timedelta) -> None:
        self.web.pass_time(by)

    def again(self, channel):
        return self.parts.channels.get(channel.id)

    def rows(self, sql: str, **values):
        with self.parts.engine.begin() as connection:
            found = connection.execute(text(sql), values)
            return found.mappings().all() if found.returns_rows else []

    def messages(self, channel):
        return self.rows(
            "select * from outbox where subscriber_id = :id order by id", id=channel.id
        )

    def states(self, channel) -> list[str]:
        return [row["state"] for row in self.messages(channel)]

    def mails(self, to: str = OWNER):
        return self.rows("select * from outbox where recipient = :to order by id", to=to)


@contextmanager
def housed(made) -> Iterator[House]:
    with ExitStack() as stack:
        house = House(web=made, stack=stack)
        house.set(allow_nets=NETS)
        house.publish(99)  # what a first poll shows is never sent
        house.later(timedelta(hours=2))
        yield house


@pytest.fixture
def house(engine, database_url: str, tmp_path: Path) -> Iterator[House]:
    """Everything but the web server."""
    time = [_web.START]
    parts = Parts(settings=_web.settings_of(tmp_path, database_url), clock=lambda: time[0])
    made = _web.Web(parts=parts, port=0, time=time, shelf=None, memory=None, server=None)
    with housed(made) as house:
        yield house
    parts.close()


@pytest.fixture
def doors(web) -> Iterator[House]:
    """With the web server."""
    with housed(web) as house:
        yield house
