"""Promise 2: one announcement is one entry in a feed and one line in a subscriber's mails."""

from __future__ import annotations

from collections import Counter
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller
from flow_processes import free_port, now, wait_for

from aggregator import store
from aggregator.model import Filter, Frequency, Kind

pytestmark = pytest.mark.slow
READER = "reader@inbox.example"


class Relay:
    """A real SMTP server that keeps what it took, and may do something after the final dot."""

    def __init__(self) -> None:
        self.taken = []
        self.after_dot = None
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port())
        self._controller.start()
        self.url = f"smtp://127.0.0.1:{self._controller.port}?tls=none"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802  # aiosmtpd's name
        self.taken.append(message_from_bytes(envelope.content, policy=policy.default))
        if self.after_dot:
            act, self.after_dot = self.after_dot, None
            act()
        return "250 taken"

    def close(self) -> None:
        self._controller.stop()


@pytest.fixture
def relay():
    made = Relay()
    yield made
    made.close()


def test_one_notice_is_one_line_whatever_happens(world, service, relay):
    """Reprints on other portals, three wishes that all match, and a sender that dies between
    the final dot and its commit: the reader has each notice once as news. The one mail in
    doubt comes twice at most, under one Message-ID, and is marked.
    """
    it = world(portals=12, notices=3)
    it.add_all()
    it.look()
    it.now = now()
    people = store.Subscribers(it.engine)
    for number in range(3):
        people.sign_up(
            f"{number}-{READER}",
            [Filter(), Filter(kind=(Kind.POLICY, Kind.PROJECT)), Filter(region=("990000",))],
            Frequency.IMMEDIATE, it.now, confirmed=True,
        )  # fmt: skip
    it.now = now()
    notices = it.do(it.country.publish, it.now, 6)
    it.look()
    run = service(it, smtp_url=relay.url)
    worker = run.worker(queues="mail")
    relay.after_dot = lambda: run.kill(worker)
    run.scheduler()
    wait_for(lambda: relay.after_dot is None, what=f"a first mail is taken\n{run.words()}")
    it.later(now() - it.now)
    it.look()
    run.leases_run_out()
    run.worker(queues="mail")
    wait_for(
        lambda: (
            it.one("select count(*) from outbox where state = 'sent'") >= 3
            and not it.one("select count(*) from outbox where state <> 'sent'")
        ),
        what=f"all mails are sent\n{run.words()}",
    )

    copies = Counter(mail["Message-ID"] for mail in relay.taken)
    doubtful = {r["message_id"] for r in it.rows("select * from outbox where was_ambiguous")}
    assert {one for one, count in copies.items() if count > 1} <= doubtful
    assert max(copies.values()) == 2
    assert len(doubtful) == 1
    mine = it.announcements.find(Filter(), limit=500)
    news = [one for one in mine if one.novelty in ("news", "late-news")]
    assert 0 < len(news) <= len(notices)
    for number in range(3):
        to = f"{number}-{READER}"
        mails = {m["Message-ID"]: m for m in relay.taken if m["To"] == to}.values()
        text = "\n".join(m.get_body(("plain",)).get_content() for m in mails)
        for one in news:
            assert text.count(one.draft.title) == 1, (to, one.draft.title)
    feed = [one.uuid for one in it.announcements.feed_window(Filter(), limit=500)]
    assert len(feed) == len(set(feed)) == len(mine)
    ledger = it.rows(
        "select subscriber_id, announcement_id from ledger group by 1, 2 having count(*) > 1"
    )
    assert ledger == []
