"""Random lives of subscriptions on the real store, beside the simple model of what is owed."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from planning_model import Notice, Person, Tie
from sqlalchemy import Connection, Engine, event, text

from aggregator import store
from aggregator.errors import OutageError
from aggregator.filters import search_text
from aggregator.flow.digests import Planner
from aggregator.flow.subscribe import house_of
from aggregator.model import (
    AnnouncementId,
    Delivery,
    Draft,
    Filter,
    Frequency,
    Kind,
    MailState,
    NewSource,
    Region,
    SourceKind,
)
from aggregator.notify import MOST_SHOWN
from aggregator.settings import Settings
from aggregator.store import publish, rows
from aggregator.store.members import merge_into
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
TABLES = (
    "announcements, changes, stirred, matches, spells, wishes, subscribers, subscriptions, pauses,"
    " confirmations, ledger, outbox, editions, runs, suppressions, sources"
)

wishes, regions = st.sampled_from(sorted(FILTERS)), st.sampled_from(["500116", "110101"])
frequencies = st.sampled_from([one.value for one in Frequency])
#: Nought one time in four: what ends a life too early to see much of it.
rarely = st.integers(0, 3)
picks, people = st.integers(0, 999), st.sampled_from(PEOPLE)


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


class Planning(RuleBasedStateMachine):
    """Every matching announcement reaches each confirmed subscriber exactly once, or is left out
    by exactly the rule that ``why`` names.
    """

    engine: Engine
    #: Steps made in this process and items told, for who counts them.
    steps = told = 0

    # --- The world ---

    @initialize(asked=st.tuples(*[st.tuples(wishes, frequencies)] * 2))
    def begin(self, asked: tuple[tuple[str, str], ...]) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(f"truncate {TABLES} restart identity cascade"))
        self.now = START
        self.tick = 0
        self.notices: dict[int, Notice] = {}
        #: Whoever was told of one of a pair is held to know both.
        self.merged: list[set[int]] = []
        #: A mail that is written anew while they are away leaves them out; that they came back is
        #: a change, which this machine does not know.
        self.wavered: set[int] = set()
        self.people: dict[str, Person] = {}
        self.slow: tuple[Connection, int, Notice] | None = None
        self.subscribers = store.Subscribers(self.engine)
        self.digests = store.Digests(self.engine)
        self.outbox = store.Outbox(self.engine)
        self.system = store.System(self.engine)
        self.env, self.house = environment(), house_of(SETTINGS)
        new = NewSource(name="甲区", kind=SourceKind.COLUMN, url="http://a.example/")
        self.source = store.Sources(self.engine).add(new, self.now)
        for email, (wish, frequency) in zip(PEOPLE, asked, strict=True):
            self.subscribe(email, wish, frequency)

    def teardown(self) -> None:
        if getattr(self, "slow", None):
            self.slow[0].rollback()
            self.slow[0].close()

    @invariant()
    def counted(self) -> None:
        type(self).steps += 1  # of the class that lives
        if hasattr(self, "now"):
            self.now += MINUTE

    # --- Announcements ---

    @rule(
        brought=st.lists(
            st.tuples(
                regions, st.booleans(),
                st.sampled_from(["news"] * 9 + ["late-news", "late", "first-poll", "held"]),
            ),
            min_size=1, max_size=4,
        )
    )  # fmt: skip
    def announce_some(self, brought: list[tuple[str, bool, str]]) -> None:
        for region, hydrogen, novelty in brought:
            self.announce(region=region, hydrogen=hydrogen, novelty=novelty)

    @rule(
        region=regions, hydrogen=st.booleans(), frequency=frequencies, more=st.booleans()
    )  # fmt: skip
    def announce_and_run(self, *, region: str, hydrogen: bool, frequency: str, more: bool) -> None:
        self.announce(region=region, hydrogen=hydrogen, novelty="news")
        if more:
            self.announce(region="500116", hydrogen=not hydrogen, novelty="late-news")
        self.run(frequency)

    def announce(self, *, region: str, hydrogen: bool, novelty: str) -> None:
        one = Notice(tick=0, at=self.now, region=region, hydrogen=hydrogen, novelty=novelty)
        with self.engine.begin() as connection:
            number = self._insert(connection, one)
            publish.publish(connection, [number], self.now)
        self._announced(number, one)

    @precondition(lambda self: self.slow is None)
    @rule(region=regions, hydrogen=st.booleans())
    def begin_to_announce(self, *, region: str, hydrogen: bool) -> None:
        one = Notice(tick=0, at=self.now, region=region, hydrogen=hydrogen)
        connection = self.engine.connect()
        self.slow = (connection, self._insert(connection, one), one)

    @precondition(lambda self: self.slow is not None)
    @rule()
    def announce_at_last(self) -> None:
        connection, number, one = self.slow
        publish.publish(connection, [number], self.now)
        connection.commit()
        connection.close()
        self.slow = None
        self._announced(number, one)

    @precondition(lambda self: self.notices)
    @rule(pick=picks, region=regions, hydrogen=st.booleans())
    def edit(self, *, pick: int, region: str, hydrogen: bool) -> None:
        number = self._one(pick)
        one = self.notices[number]
        if one.merged:
            return
        one.region, one.hydrogen = region, hydrogen
        with self.engine.begin() as connection:
            publish.lock(connection, [number])
            connection.execute(
                text(
                    "update announcements set title = :title, search = :search, draft ="
                    " cast(:draft as jsonb), regions = :regions, region_roll = :regions,"
                    " changed_at = :now, revision = revision + 1 where id = :id"
                ),
                {**self._columns(number, one), "id": number, "now": self.now},
            )
            publish.publish(connection, [number], self.now)

    @precondition(lambda self: self.notices)
    @rule(pick=picks)
    def withdraw_or_restore(self, pick: int) -> None:
        number = self._one(pick)
        one = self.notices[number]
        if one.merged:
            return
        one.withdrawn = not one.withdrawn
        self.wavered.add(number)
        with self.engine.begin() as connection:
            publish.lock(connection, [number])
            connection.execute(
                text(
                    "update announcements set withdrawn_at = case when :gone then"
                    " cast(:now as timestamptz) end where id = :id"
                ),
                {"gone": one.withdrawn, "now": self.now, "id": number},
            )
            publish.publish(connection, [number], self.now)

    @precondition(lambda self: len(self.notices) > 1)
    @rule(pick=picks, other=picks)
    def merge(self, pick: int, other: int) -> None:
        heir, lost = sorted((self._one(pick), self._one(other)))
        if heir == lost or self.notices[heir].merged or self.notices[lost].merged:
            return
        with self.engine.begin() as connection:
            publish.lock(connection, [heir, lost])
            merge_into(
                connection,
                AnnouncementId(lost),
                store.Announcements(self.engine).get(heir),
                self.now,
            )
            publish.publish(connection, [heir, lost], self.now)
        self.notices[lost].merged = True
        self.merged.append({heir, lost})
        for person in self.people.values():
            if lost in person.got:
                person.got.add(heir)

    @rule()
    def let_go_what_was_held(self) -> None:
        store.Sources(self.engine).release_held(self.source.id)
        self.tick += 1
        for number, one in self.notices.items():
            if one.novelty == "held":
                one.novelty, one.tick = "news", self.tick
                # The database dates what it lets go by its own clock.
                one.at = store.Announcements(self.engine).get(number).announced_at

    # --- Readers ---

    @rule(email=people, wish=wishes, frequency=frequencies)
    def subscribe(self, email: str, wish: str, frequency: str) -> None:
        self.subscribers.sign_up(
            email, [FILTERS[wish]], Frequency(frequency), self.now, confirmed=True
        )
        self._confirmed(email, self._asked(email, wish, frequency))

    @rule(email=people, wish=wishes, frequency=frequencies, confirm=st.booleans())
    def ask(self, *, email: str, wish: str, frequency: str, confirm: bool) -> None:
        token = sha256(uuid4().bytes).digest()
        self.subscribers.sign_up(
            email, [FILTERS[wish]], Frequency(frequency), self.now, token_hash=token
        )
        tie = self._asked(email, wish, frequency)
        if confirm:
            self.announce(region="500116", hydrogen=True, novelty="news")
            self.subscribers.confirm(token, self.now)
            self._confirmed(email, tie)

    @precondition(lambda self: self.people)
    @rule(pick=picks, wish=wishes)
    def change_filter(self, pick: int, wish: str) -> None:
        found = self._running(pick)
        if found is None:
            return
        email, tie, subscription = found
        self.subscribers.set_wish(subscription, FILTERS[wish], self.now)
        if wish == tie.wish or not self._makes_room(email, tie, wish, tie.frequency):
            return
        tie.wish = wish
        if tie.state == "active":
            tie.close(self.tick)
            tie.begin(self.tick)

    @precondition(lambda self: self.people)
    @rule(pick=picks, frequency=frequencies)
    def change_frequency(self, pick: int, frequency: str) -> None:
        found = self._running(pick)
        if found is None:
            return
        email, tie, subscription = found
        self.subscribers.set_frequency(subscription, Frequency(frequency))
        if frequency != tie.frequency and self._makes_room(email, tie, tie.wish, frequency):
            tie.frequency = frequency

    @precondition(lambda self: self.people)
    @rule(pick=picks)
    def pause_or_resume(self, pick: int) -> None:
        found = self._running(pick)
        if found is None:
            return
        _, tie, subscription = found
        if tie.state == "active":
            self.subscribers.pause(subscription, self.now)
            tie.stop("paused", self.tick)
        else:
            self.subscribers.resume(subscription, self.now)
            tie.begin(self.tick)

    @precondition(lambda self: self.people)
    @rule(pick=picks, rarely=rarely)
    def unsubscribe(self, pick: int, rarely: int) -> None:
        found = self._running(pick)
        if found is None or rarely:
            return
        email, tie, subscription = found
        who = self.subscribers.get(email)
        self.subscribers.end(who.id, reason="x", now=self.now, subscription_id=subscription)
        tie.stop("ended", self.tick)

    @precondition(lambda self: self.people)
    @rule(email=people, rarely=rarely)
    def suppress_or_lift(self, email: str, rarely: int) -> None:
        person = self.people.get(email)
        if person is None or (rarely and not person.suppressed):
            return
        person.suppressed = not person.suppressed
        if person.suppressed:
            self.subscribers.suppress(email, "bounced", self.now)
        else:
            with self.engine.begin() as connection:
                connection.execute(text("delete from suppressions"))
            for other, one in self.people.items():
                if one.suppressed:
                    self.subscribers.suppress(other, "bounced", self.now)

    @precondition(lambda self: self.people)
    @rule(email=people)
    def move_to_another_address(self, email: str) -> None:
        person = self.people.get(email)
        other = f"moved-{email}" if not email.startswith("moved-") else email
        if person is None or other in self.people or person.suppressed:
            return
        with self.engine.begin() as connection:
            connection.execute(
                text("update subscribers set email = :new, email_key = :new where email = :old"),
                {"new": other, "old": email},
            )
        self.people[other] = self.people.pop(email)

    @precondition(lambda self: self.people)
    @rule(email=people, rarely=rarely)
    def erase(self, email: str, rarely: int) -> None:
        if email in self.people and not rarely:
            suppressed = self.people.pop(email).suppressed
            self.subscribers.erase(self.subscribers.get(email).id)
            if suppressed:
                with self.engine.begin() as connection:
                    connection.execute(
                        text("delete from suppressions where email_key = :key"), {"key": email}
                    )

    # --- Runs ---

    @rule(frequency=frequencies)
    def run(self, frequency: str) -> None:
        self._to_its_time(frequency)
        expected = {
            email: person.owed(frequency, self.notices, self.now)
            for email, person in self.people.items()
        }
        self._plan(frequency)
        for email, person in self.people.items():
            person.got |= expected[email]
            type(self).told += len(expected[email])
            there = self._ledger(email)
            assert there == person.got, (there - person.got, person.got - there, person.ties)
            self._in_one_mail_each(email)

    @rule(frequency=frequencies, statement=st.integers(0, 45))
    def crash(self, frequency: str, statement: int) -> None:
        self._to_its_time(frequency)
        with crash_before(self.engine, statement):
            self._plan(frequency)
        for email, person in self.people.items():
            there = self._ledger(email)
            owed = person.owed(frequency, self.notices, self.now)
            assert person.got <= there <= person.got | owed
            assert there in (person.got, person.got | owed)
            person.got = there
            self._in_one_mail_each(email)

    @rule(all_of_them=st.booleans())
    def send(self, *, all_of_them: bool) -> None:
        claimed = self.outbox.claim_mails(self.now, limit=99, lease=MINUTE)
        self.outbox.record_deliveries(
            [
                Delivery(
                    mail_id=one.id, generation=one.generation, answer="250", at=self.now,
                    state=MailState.SENT if all_of_them or place % 2 else MailState.DEFERRED,
                    retry_at=None if all_of_them or place % 2 else self.now + DAY,
                )
                for place, one in enumerate(claimed)
            ]
        )  # fmt: skip

    @precondition(lambda self: self.people and self.notices)
    @rule(pick=picks)
    def ask_why(self, pick: int) -> None:
        number = self._one(pick)
        for email, person in self.people.items():
            found = self.system.why(str(number), email, self.now)
            rule_ = person.why(number, self.notices[number], self.now)
            if rule_ == "sent" and "stopped by its reader" in found.lines[-1]:
                rule_ = "stopped"  # planned, and then they wanted no mail of that frequency
            assert found.rule == rule_, found.lines

    @rule()
    def tidy_up(self) -> None:
        self.system.prune(self.now)

    # --- Within ---

    def _insert(self, connection: Connection, one: Notice) -> int:
        values = {
            **self._columns(0, one), "uuid": uuid4(), "at": one.at, "novelty": one.novelty,
            "source": self.source.id,
        }  # fmt: skip
        number = connection.execute(
            text(
                "insert into announcements (uuid, source_id, source_name, title, title_key, url,"
                " posted_at, sort_at, kind, categories, regions, region_roll, authority, excluded,"
                " novelty, substance_hash, draft, search, change, first_seen_at, announced_at,"
                " changed_at) values (:uuid, :source, '甲区', :title, '', 'http://a.example/x', :at,"
                " :at, 'policy', '{}', :regions, :regions, 'official', false, :novelty, '',"
                " cast(:draft as jsonb), :search, 0, :at, :at, :at) returning id"
            ),
            values,
        ).scalar_one()
        connection.execute(
            text(
                "update announcements set title = :title, search = :search, draft ="
                " cast(:draft as jsonb) where id = :id"
            ),
            {**self._columns(number, one), "id": number},
        )
        return number

    def _columns(self, number: int, one: Notice) -> dict[str, object]:
        draft = Draft(
            title=f"第{number:05d}号{'氢能' if one.hydrogen else '储能'}通知", url="http://a.example/x",
            posted_at=one.at, kind=Kind.POLICY,
            regions=(Region(code=one.region, name="甲区", path=("甲区",)),),
        )  # fmt: skip
        return {
            "title": draft.title, "search": search_text(draft), "draft": rows.to_json(draft),
            "regions": [one.region],
        }  # fmt: skip

    def _announced(self, number: int, one: Notice) -> None:
        self.tick += 1
        self.notices[number] = replace(one, tick=self.tick)

    def _one(self, pick: int) -> int:
        """Any of the notices, the new ones more often."""
        numbers = sorted(self.notices, reverse=True)
        return numbers[pick % min(len(numbers), 12)]

    def _asked(self, email: str, wish: str, frequency: str) -> Tie:
        person = self.people.setdefault(email, Person())
        for tie in person.ties:
            if (tie.wish, tie.frequency) == (wish, frequency):
                if tie.state == "ended":
                    tie.state = "pending"
                return tie
        person.ties.append(Tie(wish, frequency, "pending"))
        return person.ties[-1]

    def _confirmed(self, email: str, tie: Tie) -> None:
        self.people[email].confirmed = True
        if tie.state == "pending":
            tie.spells = []
            tie.begin(self.tick)

    def _running(self, pick: int):
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

    def _makes_room(self, email: str, tie: Tie, wish: str, frequency: str) -> bool:
        """Whether a tie may take that place; one that is there and active takes over."""
        ties = self.people[email].ties
        twin = next(
            (t for t in ties if t is not tie and (t.wish, t.frequency) == (wish, frequency)), None
        )
        if twin is None:
            return True
        if twin.state == "active":
            tie.stop("ended", self.tick)
            twin.spells += tie.spells
            tie.spells = []
            return False
        if twin.state == "paused":
            tie.spells += twin.spells
        ties.remove(twin)
        return True

    def _to_its_time(self, frequency: str) -> None:
        if frequency == "immediate":
            self.now += 5 * MINUTE
            return
        day = self.now.replace(hour=0, minute=30, second=0, microsecond=0)
        while day <= self.now or (frequency == "weekly" and day.weekday() != 0):
            day += DAY
        self.now = day

    def _plan(self, frequency: str) -> None:
        self.digests.match(self.now)
        run = self.digests.open_run(Frequency(frequency), self.now)
        assert run is not None
        planner = Planner(run, store=self.digests, env=self.env, house=self.house, now=self.now)
        planner.plan_all()
        self.digests.close_run(run.id, self.now)

    def _ledger(self, email: str) -> set[int]:
        with self.engine.connect() as connection:
            found = connection.execute(
                text(
                    "select l.announcement_id from ledger l join subscribers s on"
                    " s.id = l.subscriber_id where s.email = :email and l.reason = 'news'"
                ),
                {"email": email},
            )
            return set(found.scalars())

    def _in_one_mail_each(self, email: str) -> None:
        """What a reader has in the mailbox, or will have: each notice once, and none untold."""
        with self.engine.connect() as connection:
            found = connection.execute(
                text(
                    "select o.id, e.text, array(select l.announcement_id from ledger l"
                    " where l.mail_id = o.id and l.subscriber_id = o.subscriber_id) from outbox o"
                    " join subscribers s on s.id = o.subscriber_id join editions e on"
                    " e.id = o.edition_id where s.email = :email and o.state <> 'merged'"
                ),
                {"email": email},
            ).all()
        shown = [
            number for _, words, _ in found for number in self.notices
            if f"第{number:05d}号" in words
        ]  # fmt: skip
        assert len(shown) == len(set(shown))
        for _, words, told in found:
            told_here = {n for n in self.notices if f"第{n:05d}号" in words}
            assert told_here <= set(told)
            if words and len(told) <= MOST_SHOWN:  # words are forgotten after a week
                left_out = {one for pair in self.merged if pair & set(told) for one in pair}
                untold = set(told) & set(self.notices) - told_here - left_out - self.wavered
                assert not untold, (untold, words)
