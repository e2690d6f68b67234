"""Random lives of subscriptions on the real store, beside the simple model of what is owed."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from planning_mails import Mails
from planning_model import WANTS, Notice, Tie, day_of
from planning_notices import Notices, deadlines
from planning_readers import Readers
from planning_world import DAY, PEOPLE, frequencies, picks, wishes

#: What happens on a day of a life.
_DAYS = ("news", "news", "change", "near", "waver", "join")
_A_DAY = st.tuples(st.sampled_from(_DAYS), picks, deadlines, st.booleans(), st.booleans())
Day = tuple[str, int, int | None, bool, bool]
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

    def live(self, days: list[Day]) -> None:
        """What a life is mostly made of, so that chance does not have to find it."""
        for name, pick, due_in, some, leaves in days:
            if any(t.state == "active" for person in self.people.values() for t in person.ties):
                getattr(self, f"_{name}")(pick, due_in, some)
                if leaves:
                    self.send(["sent"])

    # Several rules, or chance would come to it too rarely among all that happens besides.

    @rule(days=st.lists(_A_DAY, min_size=1, max_size=2))
    def live_a_day_or_two(self, days: list[Day]) -> None:
        self.live(days)

    @rule(days=st.lists(_A_DAY, min_size=2, max_size=4))
    def live_some_days(self, days: list[Day]) -> None:
        self.live(days)

    @rule(days=st.lists(_A_DAY, min_size=5, max_size=7))
    def live_a_week(self, days: list[Day]) -> None:
        self.live(days)

    def _news(self, pick: int, due_in: int | None, more: bool) -> None:  # noqa: FBT001  # a day's
        """Something that a running subscription wants, and perhaps something else."""
        _, tie = self._any_tie(pick)
        kinds = [
            (region, hydrogen) for region, hydrogen in _KINDS
            if WANTS[tie.wish](Notice(0, self.now, region, hydrogen))
        ]  # fmt: skip
        region, hydrogen = kinds[pick % len(kinds)]
        self.announce(region=region, hydrogen=hydrogen, due_in=due_in)
        if more:
            self.announce(region="500116", hydrogen=not hydrogen, novelty="late-news")
        self.run(tie.frequency)

    def _change(self, pick: int, due_in: int | None, gone: bool) -> None:  # noqa: FBT001  # a day's
        """What a reader knows changes, goes or is back."""
        number, frequency = self._any_known(pick)
        if number and (gone or self.notices[number].withdrawn):
            self.withdraw_or_restore(self._place_of(number))
        elif number:
            place = self._place_of(number)
            self.edit(pick=place, region=None, hydrogen=None, due_in=due_in, quiet=False)
        self.run(frequency)

    def _near(self, pick: int, days: int | None, near: bool) -> None:  # noqa: FBT001  # a day's
        """A morning so many days before something ends that a reader knows."""
        number, frequency = self._any_known(pick)
        deadline = self.notices[number].deadline if number else None
        while deadline and (deadline - day_of(self.now)).days > (1 if near else days or 7):
            self.now += DAY
        self.run(frequency)

    def _waver(self, pick: int, due_in: int | None, pause: bool) -> None:  # noqa: FBT001  # a day's
        """A reader changes something and takes it back: they are owed what they were, once."""
        email, tie = self._any_tie(pick)
        before, frequency = tie.wish, tie.frequency
        other = "everything" if before != "everything" else "west"
        region, hydrogen = _KINDS[pick % len(_KINDS)]
        self.announce(region=region, hydrogen=hydrogen)
        for wish in (other, before):
            if not any(one is tie for one in self.people[email].ties) or tie.state == "ended":
                break  # it stands for another now
            if pause:
                self.pause_or_resume(self._place_of_tie(tie), None)
            else:
                self.change_filter(self._place_of_tie(tie), wish)
            self.announce(region="110101", hydrogen=not hydrogen)
            if due_in is not None:
                self.run(frequency)
        self.run(frequency)

    def _join(self, pick: int, due_in: int | None, first: bool) -> None:  # noqa: FBT001  # a day's
        """One wish under two frequencies, of which one becomes the other: it owes what both did."""
        email, tie = self._any_tie(pick)
        other = "daily" if tie.frequency != "daily" else "weekly"
        if email not in PEOPLE:
            return
        region, hydrogen = _KINDS[pick % len(_KINDS)]
        self.announce(region=region, hydrogen=hydrogen)
        self.subscribe(email, tie.wish, other)
        self.announce(region="110101", hydrogen=not hydrogen)
        self.run(other if first else tie.frequency)
        twins = [
            one for one in self.people[email].ties
            if one.wish == tie.wish and one.state == "active" and one.frequency in {other, tie.frequency}
        ]  # fmt: skip
        if len(twins) > 1:
            one, another = twins if due_in is None else twins[::-1]
            self.change_frequency(self._place_of_tie(one), another.frequency)
            self.run(another.frequency)

    # --- Within ---

    def _any_tie(self, pick: int) -> tuple[str, Tie]:
        found = [
            (email, tie) for email, person in sorted(self.people.items()) for tie in person.ties
            if tie.state == "active"
        ]  # fmt: skip
        return found[pick % len(found)]

    def _any_known(self, pick: int) -> tuple[int, str]:
        """A notice that a reader knows and still wishes for, and how often they are written to."""
        found = [
            (number, tie.frequency)
            for _, person in sorted(self.people.items())
            for tie in person.ties if tie.state == "active"
            for number in sorted(person.seen, reverse=True)[:3]
            if not self.notices[number].merged and WANTS[tie.wish](self.notices[number])
        ]  # fmt: skip
        return found[pick % len(found)] if found else (0, self._any_tie(pick)[1].frequency)

    def _place_of(self, number: int) -> int:
        """By which pick a notice is meant."""
        return sorted(self.notices, reverse=True).index(number)

    def _place_of_tie(self, tie: Tie) -> int:
        """By which pick a running subscription is meant."""
        found = [
            one for _, person in sorted(self.people.items()) for one in person.ties
            if one.state in {"active", "paused"}
        ]  # fmt: skip
        return next(place for place, one in enumerate(found) if one is tie)
