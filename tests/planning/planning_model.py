"""What is owed, told once more and simply: no SQL, no numbers of a journal, no code of ours.

Time is a count of announcements. A reader's ledger is a set. Everything is looked at anew for
every question, so that nothing can be forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

#: Filters by name, as predicates.
WANTS = {
    "everything": lambda _: True,
    "east": lambda a: a.region == "500116",
    "west": lambda a: a.region == "110101",
    "hydrogen": lambda a: a.hydrogen,
    "no hydrogen": lambda a: not a.hydrogen,
    "east hydrogen": lambda a: a.region == "500116" and a.hydrogen,
}


@dataclass
class Notice:
    """An announcement; ``tick`` is its place in the order in which they were announced."""

    tick: int
    at: datetime
    region: str
    hydrogen: bool
    novelty: str = "news"
    withdrawn: bool = False
    merged: bool = False

    def rule(self, now: datetime) -> str | None:
        """Why it goes to nobody, if it does."""
        if self.merged:
            return "merged"
        if self.withdrawn:
            return "withdrawn"
        if self.novelty not in {"news", "late-news"}:
            return self.novelty
        return "too-old" if self.at < now - timedelta(days=35) else None


@dataclass
class Tie:
    """A subscription: under which wish, how often, and when it was active under which wish."""

    wish: str
    frequency: str
    state: str
    spells: list[list] = field(default_factory=list)  # wish, after, until (None: to this day)

    def begin(self, tick: int) -> None:
        self.state = "active"
        self.spells.append([self.wish, tick, None])

    def stop(self, state: str, tick: int) -> None:
        self.state = state
        self.close(tick)

    def close(self, tick: int) -> None:
        for spell in self.spells:
            if spell[2] is None:
                spell[2] = tick

    def says(self, one: Notice) -> str:
        """The rule by which this subscription brings a notice or does not."""
        then = [
            wish for wish, after, until in self.spells
            if after < one.tick and (until is None or one.tick <= until)
        ]  # fmt: skip
        wanted_then = any(WANTS[wish](one) for wish in then)
        if self.state == "ended":
            return "ended"
        if not WANTS[self.wish](one):
            return "filter-changed" if wanted_then else "no-match"
        if self.state == "pending":
            return "not-confirmed"
        if wanted_then:
            return "paused" if self.state == "paused" else "owed"
        if then:
            return "filter-changed"
        first = min((after for _, after, _ in self.spells), default=None)
        return "before-you-asked" if first is None or one.tick <= first else "paused"


@dataclass
class Person:
    """A reader; ``got`` is what they were sent as news."""

    ties: list[Tie] = field(default_factory=list)
    confirmed: bool = False
    suppressed: bool = False
    got: set[int] = field(default_factory=set)

    def owed(self, frequency: str, notices: dict[int, Notice], now: datetime) -> set[int]:
        """What a run of that frequency brings them."""
        if not self.confirmed or self.suppressed:
            return set()
        return {
            number for number, one in notices.items()
            if number not in self.got and one.rule(now) is None
            and any(t.frequency == frequency and t.says(one) == "owed" for t in self.ties)
        }  # fmt: skip

    def why(self, number: int, one: Notice, now: datetime) -> str:
        """The one word that answers why."""
        if number in self.got:
            return "sent"
        if not self.confirmed:
            return "not-confirmed"
        if self.suppressed:
            return "suppressed"
        if rule := one.rule(now):
            return rule
        said = {tie.says(one) for tie in self.ties}
        ranks = ("owed", "paused", "filter-changed", "before-you-asked", "not-confirmed", "ended")
        return next((rule for rule in ranks if rule in said), "no-match")
