"""The world that lives of subscriptions are lived in: a real store, a clock, and eyes for mails."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant
from planning_model import Item, Notice, Person, Tie
from sqlalchemy import Connection, Engine, event, text

from aggregator import store
from aggregator.errors import OutageError
from aggregator.flow.subscribe import house_of
from aggregator.model import Delivery, Filter, Frequency, NewSource, SourceKind
from aggregator.settings import Settings
from aggregator.templates import environment

FILTERS = {
    "everything": Filter(),
    "east": Filter(region=("500116",)),
    "west": Filter(region=("110101",)),
    "hydrogen": Filter(q=("氢能",)),
    "no hydrogen": Filter(exclude=("氢能",)),
    "east hydrogen": Filter(region=("500116",), q=("氢能",)),
}
#: Half past eight in Shanghai: daily runs are due, weekly ones too when it is a Monday.
START = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
SETTINGS = Settings(public_url="https://quxun.example", secret_key="a-secret-for-these-tests")
PEOPLE = ("a@inbox.example", "b@inbox.example")
#: Where they may move to.
PLACES = (*PEOPLE, "c@inbox.example")
TABLES = (
    "announcements, changes, stirred, matches, spells, wishes, subscribers, subscriptions, pauses,"
    " confirmations, moves, ledger, outbox, editions, runs, suppressions, sources, revisions,"
    " deadlines, endings, sign_ups, audit"
)

wishes, regions = st.sampled_from(sorted(FILTERS)), st.sampled_from(["500116", "110101"])
frequencies = st.sampled_from([one.value for one in Frequency])
#: Nought one time in four: what ends a life too early to see much of it.
rarely = st.integers(0, 3)
picks, people = st.integers(0, 11) | st.integers(0, 999), st.sampled_from(PEOPLE)

_HEADINGS = {"截止提醒": "reminder", "此前公告有变更": "change"}
_HEADING = re.compile(r"【(.+?)】\d+$")
_LINE = re.compile(r"\* (?:\[.+?\] )?第(\d{5})号")


class Crash(BaseException):
    """The process is gone; nothing may catch it."""


@contextmanager
def crash_before(engine: Engine, statement: int):
    """The process ends before its n-th statement from now."""
    left = [statement]

    def count(*_: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Crash

    event.listen(engine, "before_cursor_execute", count)
    try:
        yield
    except (Crash, OutageError):
        pass
    finally:
        event.remove(engine, "before_cursor_execute", count)


def printed(words: str) -> Counter[tuple[int, str]]:
    """The lines of a mail's text: which notice, under which heading, how often."""
    found: Counter[tuple[int, str]] = Counter()
    under = ""
    for line in words.splitlines():
        if heading := _HEADING.match(line):
            under = _HEADINGS.get(heading[1], "news")
        elif told := _LINE.match(line):
            found[int(told[1]), under] += 1
    return found


class World(RuleBasedStateMachine):
    """The store, the clock, and the simple model of both notices and readers."""

    engine: Engine
    #: Steps made in this process and items told, for who counts them.
    steps = told = 0

    def create(self) -> None:
        """A world without anybody and anything."""
        with self.engine.begin() as connection:
            connection.execute(text(f"truncate {TABLES} restart identity cascade"))
            connection.execute(text("update house set mail_held_at = null, mail_held_why = null"))
        self.now = START
        self.tick = 0
        self.notices: dict[int, Notice] = {}
        #: Whoever was told of one of a pair is held to know both.
        self.merged: list[set[int]] = []
        self.people: dict[str, Person] = {}
        self.suppressed: set[str] = set()
        self.slow: tuple[Connection, int, Notice] | None = None
        #: How often each Message-ID may have come to a mailbox, and how often an operator asked.
        self.arrived: Counter[str] = Counter()
        self.resent: Counter[str] = Counter()
        #: What senders would answer that sleep with mails in hand.
        self.asleep: list[Delivery] = []
        self.subscribers = store.Subscribers(self.engine)
        self.digests = store.Digests(self.engine)
        self.outbox = store.Outbox(self.engine)
        self.holds = store.Holds(self.engine)
        self.runs = store.Runs(self.engine)
        self.system = store.System(self.engine)
        self.env, self.house = environment(), house_of(SETTINGS)
        new = NewSource(name="甲区", kind=SourceKind.COLUMN, url="http://a.example/")
        self.source = store.Sources(self.engine).add(new, self.now)

    def teardown(self) -> None:
        """Let go of what was begun to be announced."""
        if getattr(self, "slow", None):
            self.slow[0].rollback()
            self.slow[0].close()

    @invariant()
    def counted(self) -> None:
        type(self).steps += 1  # of the class that lives
        if hasattr(self, "now"):
            self.now += MINUTE

    # --- What stands in the store ---

    def rows(self, sql: str, **values: object) -> list:
        """What a question to the database brings."""
        with self.engine.connect() as connection:
            return list(connection.execute(text(sql), values).all())

    def id_of(self, email: str) -> int:
        return self.subscribers.get(email).id

    def ledger(self, email: str) -> set[Item]:
        """What a reader was told, or will be by a mail that is planned."""
        found = self.rows(
            "select l.announcement_id, l.reason from ledger l join subscribers s on"
            " s.id = l.subscriber_id where s.email = :email",
            email=email,
        )
        return {(row[0], row[1]) for row in found}

    def waiting(self, email: str, frequency: str) -> set[Item]:
        """What stands in mails that a run of that frequency may take over."""
        found = self.rows(
            "select l.announcement_id, l.reason from outbox o join subscribers s on"
            " s.id = o.subscriber_id join runs r on r.id = o.run_id join ledger l on"
            " l.mail_id = o.id and l.subscriber_id = s.id where s.email = :email and r.frequency ="
            " :frequency and r.held is null and o.state in ('queued', 'deferred')"
            " and not o.was_ambiguous and o.resends = 0 and r.due_at < :now",
            email=email, frequency=frequency, now=self.now,
        )  # fmt: skip
        return {(row[0], row[1]) for row in found}

    def waiting_mails(self) -> list[tuple[str, set[Item]]]:
        """The mails that wait, and of which nobody can have a copy: whose, and what is in them."""
        found = self.rows(
            "select s.email, array(select l.announcement_id || ' ' || l.reason from ledger l where"
            " l.mail_id = o.id and l.subscriber_id = s.id) from outbox o join subscribers s on"
            " s.id = o.subscriber_id where o.edition_id is not null and o.state in ('queued',"
            " 'deferred') and not o.was_ambiguous and o.resends = 0"
        )
        return [
            (email, {(int(n), reason) for n, _, reason in (one.partition(" ") for one in told)})
            for email, told in found
        ]

    def mails(self) -> dict[int, object]:
        """Every digest of the outbox, by id."""
        found = self.rows(
            "select o.id, o.state, o.recipient, o.answer, o.message_id, o.resends, o.was_ambiguous,"
            " o.subscriber_id, o.created_at, s.email, r.frequency, r.held, e.text,"
            # By itself, and not just now.
            " o.state in ('queued', 'claimed', 'deferred')"
            " or (o.state = 'ambiguous' and isfinite(o.due_at)) as leaves from outbox o"
            " join runs r on r.id = o.run_id left join editions e on e.id = o.edition_id"
            " left join subscribers s on s.id = o.subscriber_id order by o.id"
        )
        return {row.id: row for row in found}

    def running(self, pick: int) -> tuple[str, Tie, int] | None:
        """Any subscription that is active or paused."""
        found = [
            (email, tie) for email, person in sorted(self.people.items()) for tie in person.ties
            if tie.state in {"active", "paused"}
        ]  # fmt: skip
        if not found:
            return None
        email, tie = found[pick % len(found)]
        who = self.subscribers.get(email)
        [one] = [
            s for s in who.subscriptions
            if (s.wish.filter, s.frequency) == (FILTERS[tie.wish], tie.frequency)
        ]  # fmt: skip
        return email, tie, one.id

    def one_of_them(self, pick: int) -> int:
        """Any of the notices; the new ones have the small numbers."""
        numbers = sorted(self.notices, reverse=True)
        return numbers[pick % len(numbers)]
