"""The real web server, store and caller, callbacks on loopback, and a clock that tests move."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from push_subscriber import NETS, Callbacks

from aggregator.flow import hub
from aggregator.push import HubLimits

_spec = importlib.util.spec_from_file_location(
    "push_web", Path(__file__).parents[1] / "web" / "conftest.py", submodule_search_locations=[]
)
_web = importlib.util.module_from_spec(_spec)
sys.modules["push_web"] = _web
_spec.loader.exec_module(_web)
web = _web.web
draft = _web.draft


@dataclass
class House:
    """Our service: its web server, and its push worker, run when a test says so."""

    web: object
    stack: ExitStack

    @property
    def parts(self):
        return self.web.parts

    def topic(self, address: str = "all.atom") -> str:
        return f"{self.parts.settings.public_url}/feeds/{address}"

    def callbacks(self, **more) -> Callbacks:
        made = Callbacks(**more)
        self.stack.callback(made.close)
        return made

    def ask(self, **fields: str):
        """Post a form to the hub; ``topic="…"`` is sent as ``hub.topic``."""
        return self.web.post("/hub", {f"hub.{name}": value for name, value in fields.items()})

    def follow(self, who: Callbacks, address="all.atom", path="/callback", secret=None, **fields):
        """Subscribe and have the callback confirm it."""
        topic = self.topic(address)
        who.want("subscribe", topic, secret)
        if secret:
            fields["secret"] = secret
        answer = self.ask(mode="subscribe", topic=topic, callback=who.url(path), **fields)
        assert answer.status == 202, answer.text
        self.verify()

    def leave(self, who: Callbacks, address="all.atom", path="/callback"):
        topic = self.topic(address)
        who.want("unsubscribe", topic)
        answer = self.ask(mode="unsubscribe", topic=topic, callback=who.url(path))
        assert answer.status == 202, answer.text
        self.verify()

    def verify(self, limits: HubLimits | None = None) -> int:
        it = self.parts
        return it.run(hub.verify(store=it.hub, caller=it.courier, clock=it.now, limits=limits))

    def push_notice(self) -> None:
        it = self.parts
        hub.notice(
            store=it.hub, last=it.journal.last, changes=it.journal.since, version=it.feed_version
        )

    def push(self, **instead):
        """One run of the push worker."""
        it = self.parts
        self.push_notice()
        given = {"caller": it.courier, "press": it.press, **instead}
        return it.run(
            hub.distribute(
                store=it.hub, hub_url=it.settings.hub_url, clock=it.now, jitter=lambda: 0.5,
                **given,
            )
        )  # fmt: skip

    def hook(self, who: Callbacks, query: str = "", path: str = "/hook", secret: str = ""):
        """A webhook to a callback."""
        from aggregator.flow import webhooks

        it = self.parts
        return it.webhooks.add(
            who.url(path), query, secret or webhooks.new_secret(), cursor=it.journal.last(),
            now=it.now(),
        )  # fmt: skip

    def call_hooks(self, **instead) -> int:
        """One run of the push worker, as far as webhooks go."""
        from aggregator.flow import webhooks

        it = self.parts
        given = {"caller": it.courier, **instead}
        return it.run(
            webhooks.deliver(
                store=it.webhooks, last=it.journal.last, happenings=it.happenings,
                blank=it.blank_page, clock=it.now, jitter=lambda: 0.5, **given,
            )
        )  # fmt: skip

    def publish(self, *numbers: int, **changes: object) -> None:
        self.web.publish(*(draft(number, **changes) for number in numbers))

    def later(self, by: timedelta) -> None:
        self.web.pass_time(by)

    def rows(self, sql: str, **values):
        from sqlalchemy import text

        with self.parts.engine.begin() as connection:
            found = connection.execute(text(sql), values)
            return found.mappings().all() if found.returns_rows else []

    def followers(self):
        return self.rows("select * from websub_subscriptions order by id")

    def outcomes(self) -> list[str]:
        return [row["outcome"] for row in self.rows("select * from websub_requests order by id")]


@pytest.fixture
def house(web) -> Iterator[House]:
    web.parts.settings = web.parts.settings.model_copy(update={"allow_nets": NETS})
    with ExitStack() as stack:
        yield House(web=web, stack=stack)
