"""The canary: a digest that is swallowed, altered or stuck is an alarm; one that arrives is none."""

from __future__ import annotations

import socket
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from aiosmtpd.controller import Controller
from pydantic import SecretStr
from sqlalchemy import text

from aggregator import cluster
from aggregator.deliver.arrivals import arrived_since
from aggregator.flow import canary, digests, mail
from aggregator.model import (
    ArticleOutcome,
    ArticleReport,
    Category,
    Draft,
    Entry,
    Filter,
    Frequency,
    Kind,
    NewSource,
    PollReport,
    Precision,
    SourceKind,
)
from aggregator.settings import Settings
from aggregator.templates import environment
from aggregator.wiring import Parts

ADDRESS = "canary@reader.example"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@dataclass
class Way:
    """A mail server on loopback: what it is given, and what becomes of it."""

    kept: list[bytes] = field(default_factory=list)
    swallow: bool = False
    alter: object = None

    async def handle_DATA(self, server, session, envelope):  # noqa: N802  # aiosmtpd's
        content = bytes(envelope.content)
        if not self.swallow:
            self.kept.append(self.alter(content) if self.alter else content)
        return "250 kept"


@pytest.fixture
def way():
    made = Way()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(made, hostname="127.0.0.1", port=port)
    controller.start()
    made.url = f"smtp://127.0.0.1:{port}"
    yield made
    controller.stop()


class Service:
    """The parts, and a morning that can be lived through."""

    def __init__(self, database_url, way, home):
        self.way = way
        self.time = datetime.now(UTC)
        self.parts = Parts(
            settings=Settings(
                home=home, database_url=SecretStr(database_url), smtp_url=SecretStr(way.url),
                secret_key=SecretStr("a-secret-of-the-tests-long-enough"),
                public_url="https://quxun.example", canary=ADDRESS, canary_frequency="immediate",
            ),
            clock=lambda: self.time,
        )  # fmt: skip
        self.told = 0

    def announce(self, *titles):
        """Notices that are announced now."""
        at, sources, entries = self.time, self.parts.sources, self.parts.entries
        known = list(sources.list())
        new = NewSource(
            name="江津区", kind=SourceKind.COLUMN, url="http://a.example/", region="500116"
        )
        source = known[0] if known else sources.add(new, at)
        with self.parts.engine.begin() as connection:
            connection.execute(text("update sources set first_polled_at = :t"), {"t": at - 9 * DAY})
        [claimed] = sources.claim_sources([source.id], at, lease=MINUTE, even_if_not_due=True)
        rows = tuple(
            Entry(key=one, url=f"http://a.example/{one}", title=one, raw_hash="1") for one in titles
        )
        sources.record_polls(
            [
                PollReport(
                    source=claimed, at=at, outcome="read", found=len(rows), entries=rows,
                    next_poll_at=at + DAY,
                )
            ]
        )  # fmt: skip
        claimed = entries.claim_entries(entries.due_entries(at, limit=99), at, lease=MINUTE)
        reports = []
        for one in claimed:
            self.told += 1
            body = f"{one.entry.title}。" + f"第{self.told}号正文各不相同{self.told**7}。" * 9
            made = Draft(
                title=one.entry.title, url=one.entry.url, posted_at=at - MINUTE,
                date_precision=Precision.MINUTE, kind=Kind.POLICY, body_text=body,
                categories=(Category(slug="policy", why="标题"),), substance_hash=body,
                title_key=cluster.title_key(one.entry.title),
            )  # fmt: skip
            reports.append(
                ArticleReport(
                    entry=one, at=at, outcome=ArticleOutcome.READ, due_at=at + DAY, draft=made
                )
            )
        entries.record_articles(reports, at)

    def run(self):
        """One run, planned and sent."""
        digests.plan_due(
            store=self.parts.digests, env=environment(), settings=self.parts.settings, now=self.time
        )
        mail.deliver_all(store=self.parts.outbox, mailer=self.parts.mailer, clock=self.parts.now)

    def watch(self):
        canary.watch(
            store=self.parts.canary, subscribers=self.parts.subscribers, alarms=self.parts.alarms,
            settings=self.parts.settings, now=self.time,
        )  # fmt: skip

    def look(self):
        """What the mailbox shows is compared."""
        taken, self.way.kept = self.way.kept, []
        return [self.parts.canary_arrived(raw) for raw in taken]

    @property
    def alarms(self):
        return [one.text for one in self.parts.alarms.open_alarms()]

    def morning(self, *titles):
        """Something is announced, planned and sent six minutes later, and looked for."""
        self.announce(*titles)
        self.time += 6 * MINUTE
        self.run()
        self.watch()
        return self.look()


@pytest.fixture
def service(engine, database_url, way, tmp_path):
    made = Service(database_url, way, tmp_path)
    made.watch()  # the canary subscribes
    made.time += MINUTE
    yield made
    made.parts.close()


def test_a_digest_that_arrives_is_no_alarm(service):
    """Every morning is checked, end to end, and nobody hears of it."""
    assert service.morning("通知甲", "通知乙") == [True]
    service.time += 20 * MINUTE
    service.watch()

    last = service.parts.canary.last()
    assert service.alarms == []
    assert last.arrived_at is not None
    assert last.problem is None


def test_a_digest_that_was_swallowed_is_an_alarm_and_the_next_clears_it(service):
    """The relay says 250 and nobody gets anything: only the canary notices."""
    service.way.swallow = True
    service.morning("通知甲")
    service.time += 10 * MINUTE
    service.watch()
    assert service.alarms == []
    service.time += 10 * MINUTE
    service.watch()
    service.watch()

    [said] = service.alarms
    assert "was sent" in said
    assert "has not arrived" in said
    service.way.swallow = False
    assert service.morning("通知乙") == [True]
    assert service.alarms == []


def test_a_digest_that_never_left_says_where_it_is_stuck(service):
    """A relay that is down is told as that, with its words."""
    service.way.url = "smtp://127.0.0.1:1"
    service.parts.settings.__dict__["smtp_url"] = SecretStr(service.way.url)
    service.morning("通知甲")
    service.time += 20 * MINUTE
    service.watch()

    assert any("has not left: it is deferred" in said for said in service.alarms)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (b"Subject: ", b"Subject: [EXTERNAL] ", "subject is another"),
        (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b"", "Post is missing"),
        (b"https://quxun.example/unsubscribe/", b"https://evil.example/u/", "leads nowhere"),
        (b"From: ", b"From: x@evil.example, ", "from another address"),
    ],
)
def test_a_digest_that_was_altered_is_an_alarm(service, before, after, said):
    """A gateway that rewrites, cuts or relabels our mails breaks them for every reader."""

    def alter(content):
        assert before in content
        return content.replace(before, after)

    service.way.alter = alter
    assert service.morning("通知甲") == [True]

    assert any(said in one for one in service.alarms)


def test_words_that_were_altered_are_an_alarm(service):
    """Footers that gateways add, links that they rewrite: the words are compared, all of them."""
    import email
    from email import policy

    def alter(content):
        made = email.message_from_bytes(content, policy=policy.default)
        part = made.get_body(("plain",))
        part.set_content(part.get_content() + "\n-- checked by a gateway --\n")
        return made.as_bytes(policy=policy.SMTP)

    service.way.alter = alter
    assert service.morning("通知甲") == [True]

    [said] = service.alarms
    assert "text was altered" in said


def test_items_that_are_not_in_the_ledger_are_an_alarm(service):
    """A mail must tell what the ledger says it told, or it will be told again or never."""
    service.announce("通知甲", "通知乙")
    service.time += 6 * MINUTE
    service.run()
    with service.parts.engine.begin() as connection:
        connection.execute(
            text(
                "delete from ledger where announcement_id = (select max(announcement_id) from ledger)"
            )
        )
    service.watch()
    service.look()

    [said] = service.alarms
    assert "1 of its items are not in the ledger" in said


def test_mails_of_others_are_none_of_the_canarys(service):
    """Whoever brings what arrived reads everything else on: bounces, other readers, noise."""
    subscribers = service.parts.subscribers
    subscribers.sign_up(
        "reader@inbox.example", [Filter()], Frequency.IMMEDIATE, service.time, confirmed=True
    )
    service.time += MINUTE

    assert sorted(service.morning("通知甲")) == [False, True]
    service.way.kept = [
        b"",
        b"\xff\xfe",
        b"Message-ID: <x@y>\r\nTo: canary@reader.example\r\n\r\nx",
    ]
    assert service.look() == [False, False, False]
    assert service.alarms == []


def test_held_mail_is_not_late(service):
    """An operator who holds all mail must not be told that it does not arrive."""
    service.parts.holds.hold_all("wrong figures", who="operator", now=service.time)
    service.morning("通知甲")
    service.time += 60 * MINUTE
    service.watch()
    assert service.alarms == []

    service.parts.holds.release_all(who="operator", now=service.time)
    service.time += 14 * MINUTE
    service.watch()
    assert service.alarms == []
    service.time += 2 * MINUTE
    service.watch()
    assert len(service.alarms) == 1


def test_another_canary_takes_the_place_of_the_first(service):
    """The old address gets no more mail; none is late for it."""
    settings = service.parts.settings
    service.way.swallow = True
    service.morning("通知甲")
    settings.__dict__["canary"] = "canary2@reader.example"
    service.time += 60 * MINUTE
    service.watch()

    subscribers = service.parts.subscribers
    assert service.alarms == []
    assert {x.state for x in subscribers.get(ADDRESS).subscriptions} == {"ended"}
    assert {x.state for x in subscribers.get("canary2@reader.example").subscriptions} == {"active"}
    settings.__dict__["canary_frequency"] = "daily"
    service.watch()
    kept = {x.frequency: x.state for x in subscribers.get("canary2@reader.example").subscriptions}
    assert kept == {Frequency.IMMEDIATE: "ended", Frequency.DAILY: "active"}


def test_the_local_mailbox_is_looked_into_while_something_is_awaited(service, tmp_path):
    """Embedded, the mailbox's folder is where mail arrives."""
    service.announce("通知甲")
    service.time += 6 * MINUTE
    service.run()
    service.watch()
    box = tmp_path / "mailbox"
    box.mkdir()
    (box / f"20261127T083000-000001-1-{ADDRESS}.eml").write_bytes(service.way.kept.pop())
    (box / "20261127T083000-000002-1-other@inbox.example.eml").write_bytes(b"not ours")

    def look():
        return canary.look_into(
            lambda address, since: arrived_since(box, address, since - DAY),
            service.parts.canary_arrived,
            store=service.parts.canary, settings=service.parts.settings, now=service.time,
        )  # fmt: skip

    assert [look(), look()] == [1, 0]
    assert service.parts.canary.last().problem is None


@pytest.mark.parametrize(
    "value",
    ["<;", "<a@[ ", "<", "", "<\0@x>", "=?zlib?b?eJwDAAAAAAE=?=", "<a@b", '"', "<@>", "<a@[b]\\"],
)
def test_a_letter_with_any_message_id_is_passed_on(service, value):
    """The canary's mailbox is often that of the bounces, to which anybody writes."""
    letter = f"Message-ID: {value}\r\nTo: <;, {ADDRESS}\r\nSubject: x\r\n\r\nx"

    assert not service.parts.canary_arrived(letter.encode())


def test_a_digest_that_cannot_be_read_any_more_is_an_alarm(service):
    """What breaks its reading was not in it when it left."""
    service.way.alter = lambda raw: raw.replace(
        b"Subject: ", b"Subject: x\r\nContent-Type: text/plain; charset=zlib\r\nX-Was: "
    )
    assert service.morning("通知甲") == [True]
    assert "arrived, but" in service.alarms[0]


def test_a_signature_that_breaks_on_the_way_is_an_alarm(service, tmp_path):
    """Where we sign, the signature must hold at the far end, too."""
    key = tmp_path / "dkim.pem"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "1024"], check=True, capture_output=True)
    service.parts.settings.__dict__["dkim_key_file"] = key
    assert service.morning("通知甲") == [True]
    assert service.alarms == []

    service.way.alter = lambda content: content.replace(b"List-Id: ", b"List-Id: x ")
    assert service.morning("通知乙") == [True]
    assert any("signature does not hold" in said for said in service.alarms)
    service.way.alter = lambda content: content.replace(b"DKIM-Signature:", b"X-Old:")
    assert service.morning("通知丙") == [True]
    assert any("signature is missing" in said for said in service.alarms)
    service.way.alter = None
    assert service.morning("通知丁") == [True]
    assert service.alarms == []
