"""Random lives of subscriptions on the real store, beside the simple model of what is owed."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from planning_mails import Mails
from planning_model import WANTS, Notice, Tie, day_of
from planning_notices import Notices, deadlines
from planning_readers import Readers
from planning_world import DAY, PEOPLE, frequencies, picks, wishes

_KINDS = [(region, hydrogen) for region in ("500116", "110101") for hydrogen in (True, False)]


class Planning(Notices, Readers, Mails):
    """Every matching announcement reaches each confirmed subscriber exactly once, what changed of
    it and when it ends as promised, or is left out by exactly the rule that ``why`` names.
    """

    @initialize(asked=st.tuples(*[st.tuples(wishes, frequencies)] * 2), reminders=st.booleans())
    def begin(self, asked: tuple[tuple[str, str], ...], *, reminders: bool) -> None:
        self.create()
        for email, (wish, frequency) in zip(PEOPLE, asked, strict=True):
            self.subscribe(email, wish, frequency)
            if reminders:
                self.wish_reminders_or_not(email)

    # --- What a life is mostly made of, so that chance does not have to find it ---

    @precondition(lambda self: self.running(0))
    @rule(pick=picks, due_in=deadlines, more=st.booleans(), leaves=st.booleans())
    def announce_what_is_wished_and_run(
        self, *, pick: int, due_in: int | None, more: bool, leaves: bool
    ) -> None:
        """Something that a running subscription wants, and perhaps something else."""
        _, tie, _ = self.running(pick)
        kinds = [
            (region, hydrogen) for region, hydrogen in _KINDS
            if WANTS[tie.wish](Notice(0, self.now, region, hydrogen))
        ]  # fmt: skip
        region, hydrogen = kinds[pick % len(kinds)]
        self.announce(region=region, hydrogen=hydrogen, due_in=due_in)
        if more:
            self.announce(region="500116", hydrogen=not hydrogen, novelty="late-news")
        self.run(tie.frequency)
        if leaves:
            self.send(["sent"])

    @precondition(lambda self: self.seen_and_wished())
    @rule(pick=picks, due_in=deadlines, gone=st.booleans(), leaves=st.booleans())
    def change_what_was_sent_and_run(
        self, *, pick: int, due_in: int | None, gone: bool, leaves: bool
    ) -> None:
        number, frequency = self.seen_and_wished()[pick % len(self.seen_and_wished())]
        if gone or self.notices[number].withdrawn:
            self.withdraw_or_restore(self.place_of(number))
        else:
            place = self.place_of(number)
            self.edit(pick=place, region=None, hydrogen=None, due_in=due_in, quiet=False)
        self.run(frequency)
        if leaves:
            self.send(["sent"])

    @precondition(lambda self: self.seen_and_wished())
    @rule(pick=picks, days=st.sampled_from([1, 2, 6, 7]))
    def come_near_a_deadline_and_run(self, pick: int, days: int) -> None:
        """A day in the morning, so many days before something ends that a reader knows."""
        number, frequency = self.seen_and_wished()[pick % len(self.seen_and_wished())]
        deadline = self.notices[number].deadline
        while deadline and (deadline - day_of(self.now)).days > days:
            self.now += DAY
        self.run(frequency)

    @precondition(lambda self: self.running(0))
    @rule(pick=picks, how=st.sampled_from(["pause", "wish", "frequency"]), wish=wishes)
    def waver_and_run(self, pick: int, how: str, wish: str) -> None:
        """A reader changes something and takes it back: they are owed what they were, once."""
        email, tie, _ = self.running(pick)
        before, frequency = tie.wish, tie.frequency
        if how == "pause":
            self.pause_or_resume(pick, None)
        elif how == "wish":
            self.change_filter(pick, wish)
        else:
            self.change_frequency(pick, "weekly" if frequency == "daily" else "daily")
        if tie in self.people[email].ties and tie.state != "ended":
            mine = self.place_of_tie(email, tie)
            if how == "pause":
                self.pause_or_resume(mine, None)
            elif how == "wish":
                self.change_filter(mine, before)
            else:
                self.change_frequency(mine, frequency)
        self.run(frequency)

    def place_of_tie(self, email: str, tie: Tie) -> int:
        """By which pick a running subscription is meant."""
        found = [
            (whose, one) for whose, person in sorted(self.people.items()) for one in person.ties
            if one.state in {"active", "paused"}
        ]  # fmt: skip
        return next(
            place for place, (whose, one) in enumerate(found) if whose == email and one is tie
        )

    def seen_and_wished(self) -> list[tuple[int, str]]:
        """The notices that readers know and still wish for, and how often they are written to."""
        return [
            (number, tie.frequency)
            for _, person in sorted(self.people.items())
            for tie in person.ties if tie.state == "active"
            for number in sorted(person.seen, reverse=True)[:3]
            if not self.notices[number].merged and WANTS[tie.wish](self.notices[number])
        ]  # fmt: skip

    def place_of(self, number: int) -> int:
        """By which pick a notice is meant."""
        return sorted(self.notices, reverse=True).index(number)
