"""What readers do: ask, confirm, change, pause, stop, move, and are forgotten."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from planning_model import Person, Tie
from planning_world import (
    DAY,
    FILTERS,
    PLACES,
    SETTINGS,
    World,
    frequencies,
    people,
    picks,
    rarely,
    wishes,
)
from sqlalchemy import text

from aggregator import store
from aggregator.errors import UsageError
from aggregator.flow import moving
from aggregator.model import Frequency
from aggregator.notify.tokens import confirmation_hash
from aggregator.store.letterbox import STOPPED

_LINKS_LIVE = timedelta(hours=48)
_ENDED_FOR = timedelta(days=28)


class Readers(World):
    """Rules for readers."""

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
        tie.link_until = self.now + _LINKS_LIVE
        if confirm:
            self.announce(region="500116", hydrogen=True)
            assert self.subscribers.confirm(token, self.now) is not None
            if tie.state == "paused":
                tie.begin(self.tick)
            self._confirmed(email, tie)

    @precondition(lambda self: self.people)
    @rule(pick=picks, wish=wishes)
    def change_filter(self, pick: int, wish: str) -> None:
        found = self.running(pick)
        if found is None:
            return
        email, tie, subscription = found
        self.subscribers.set_wish(subscription, FILTERS[wish], self.now)
        if wish == tie.wish or not self._makes_room(email, tie, wish, tie.frequency):
            return
        tie.wish, tie.since = wish, self.now
        if tie.state == "active":
            tie.close(self.tick)
            tie.begin(self.tick)

    @precondition(lambda self: self.people)
    @rule(pick=picks, frequency=frequencies)
    def change_frequency(self, pick: int, frequency: str) -> None:
        found = self.running(pick)
        if found is None:
            return
        email, tie, subscription = found
        self.subscribers.set_frequency(subscription, Frequency(frequency))
        if frequency != tie.frequency and self._makes_room(email, tie, tie.wish, frequency):
            tie.left.add(tie.frequency)
            tie.frequency = frequency

    @precondition(lambda self: self.people)
    @rule(pick=picks, days=st.none() | st.integers(1, 3))
    def pause_or_resume(self, pick: int, days: int | None) -> None:
        found = self.running(pick)
        if found is None:
            return
        _, tie, subscription = found
        if tie.state == "active":
            tie.paused_until = None if days is None else self.now + days * DAY
            self.subscribers.pause(subscription, self.now, until=tie.paused_until)
            tie.stop("paused", self.tick)
        else:
            self.subscribers.resume(subscription, self.now)
            tie.begin(self.tick)

    @rule()
    def wake_who_paused_until_now(self) -> None:
        woken = store.Persons(self.engine).wake(self.now)
        due = [
            tie for person in self.people.values() for tie in person.ties
            if tie.state == "paused" and tie.paused_until and tie.paused_until <= self.now
        ]  # fmt: skip
        for tie in due:
            tie.begin(self.tick)
        assert woken == len(due)

    @precondition(lambda self: self.people)
    @rule(pick=picks, rarely=rarely)
    def unsubscribe(self, pick: int, rarely: int) -> None:
        found = self.running(pick)
        if found is None or rarely:
            return
        email, tie, subscription = found
        before = self.mails()
        self.subscribers.end(
            self.id_of(email), reason="x", now=self.now, subscription_id=subscription
        )
        tie.stop("ended", self.tick)
        tie.ended_at = self.now
        self._ends_what_waited(email, before)

    @precondition(lambda self: self.people)
    @rule(email=people)
    def wish_reminders_or_not(self, email: str) -> None:
        person = self.people.get(email)
        if person is not None:
            person.reminders = not person.reminders
            self.subscribers.set_preferences(self.id_of(email), reminders=person.reminders)

    @rule(email=st.sampled_from(PLACES), rarely=rarely)
    def suppress_or_lift(self, email: str, rarely: int) -> None:
        if email in self.suppressed:
            with self.engine.begin() as connection:
                connection.execute(
                    text("delete from suppressions where email_key = :key"), {"key": email}
                )
            self.suppressed.discard(email)
        elif not rarely:
            self.subscribers.suppress(email, "bounced", self.now)
            self.suppressed.add(email)
        self._know_the_suppressed()

    @precondition(lambda self: self.people)
    @rule(pick=picks, place=st.sampled_from(PLACES))
    def move_to_another_address(self, pick: int, place: str) -> None:
        """By the link in the mail to the new address, as the page's button does it."""
        before = sorted(self.people)[pick % len(self.people)]
        person, token = self.people[before], uuid4().hex
        if place == before or not person.confirmed_at:
            return
        persons = store.Persons(self.engine)
        persons.ask_move(self.id_of(before), place, confirmation_hash(token), self.now)
        there = self.people.get(place)
        if there and any(tie.state in {"active", "paused"} for tie in there.ties):
            try:
                self._move(token)
            except UsageError:
                return
            raise AssertionError("two people at one address")
        self._move(token)
        self.people[place] = self.people.pop(before)
        for tie in person.ties:
            tie.link_until = None  # links of before are void
        self._know_the_suppressed()
        assert self._move(token) is None  # once

    @precondition(lambda self: self.people)
    @rule(email=people, rarely=rarely)
    def erase(self, email: str, rarely: int) -> None:
        if email in self.people and not rarely:
            del self.people[email]
            self.subscribers.erase(self.id_of(email))

    @rule()
    def forget_who_is_gone(self) -> None:
        """Who never confirmed, or stopped long ago; and what mails said a week ago."""
        store.Persons(self.engine).forget(self.now)
        for email, person in list(self.people.items()):
            for tie in list(person.ties):
                self._forget_what_was_asked(person, tie)
            if self._is_gone(person):
                del self.people[email]
        assert {row[0] for row in self.rows("select email from subscribers")} == set(self.people)

    # --- Within ---

    def _ends_what_waited(self, email: str, before: dict) -> None:
        """A stop ends the mails that answer what was stopped, and no others: even if its reader
        is back before they are released.
        """
        person = self.people[email]
        for number, now in self.mails().items():
            was = before[number]
            if was.leaves and was.email == email and person.stopped(was.frequency, was.created_at):
                assert (now.state, now.answer) == ("failed", STOPPED)
            else:
                assert (now.state, now.answer) == (was.state, was.answer)

    def _move(self, token: str) -> object:
        return moving.move(
            token, persons=store.Persons(self.engine), env=self.env, settings=SETTINGS,
            now=self.now,
        )  # fmt: skip

    def _know_the_suppressed(self) -> None:
        for email, person in self.people.items():
            person.suppressed = email in self.suppressed

    def _forget_what_was_asked(self, person: Person, tie: Tie) -> None:
        old = tie.since < self.now - _LINKS_LIVE
        if tie.state != "pending" or not old or (tie.link_until and tie.link_until > self.now):
            return
        if tie.ended_at:
            tie.state = "ended"
        else:
            person.ties.remove(tie)

    def _is_gone(self, person: Person) -> bool:
        if not person.confirmed_at:
            stopped = all(tie.state == "ended" for tie in person.ties)
            return stopped and person.created_at < self.now - _LINKS_LIVE
        return person.confirmed_at < self.now - _ENDED_FOR and all(
            tie.state == "ended" and (tie.ended_at or tie.since) < self.now - _ENDED_FOR
            for tie in person.ties
        )

    def _asked(self, email: str, wish: str, frequency: str) -> Tie:
        person = self.people.setdefault(email, Person(created_at=self.now))
        person.suppressed = email in self.suppressed
        for tie in person.ties:
            if (tie.wish, tie.frequency) == (wish, frequency):
                if tie.state == "ended":
                    tie.state, tie.since = "pending", self.now
                return tie
        person.ties.append(Tie(wish, frequency, "pending", since=self.now))
        return person.ties[-1]

    def _confirmed(self, email: str, tie: Tie) -> None:
        person = self.people[email]
        person.confirmed_at = person.confirmed_at or self.now
        if tie.state == "pending":
            tie.spells = []
            tie.since, tie.ended_at = self.now, None
            tie.left.clear()
            tie.begin(self.tick)

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
            if wish == tie.wish:
                twin.since = min(twin.since, tie.since)
            return False
        if twin.state == "paused":
            tie.spells += twin.spells
        ties.remove(twin)
        return True
