"""What is owed, told once more and simply: no SQL, no numbers of a journal, no code of ours.

Time is a count of announcements, or a clock where days are promised. A reader's ledger is what
they were told, by reason. Everything is looked at anew for every question, so that nothing can
be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

#: Filters by name, as predicates.
WANTS = {
    "everything": lambda _: True,
    "east": lambda a: a.region == "500116",
    "west": lambda a: a.region == "110101",
    "hydrogen": lambda a: a.hydrogen,
    "no hydrogen": lambda a: not a.hydrogen,
    "east hydrogen": lambda a: a.region == "500116" and a.hydrogen,
}
#: What a reader is told of a revision; a text that reads otherwise is told to nobody.
TOLD = {"withdrawn", "deadlines", "title"}
SHANGHAI = timedelta(hours=8)
#: A notice and the reason for which it is told.
Item = tuple[int, str]


def day_of(at: datetime) -> date:
    """The day in Shanghai."""
    return (at + SHANGHAI).date()


@dataclass
class Change:
    """A revision: what it changed, field by field; ``quiet`` ones are better readings of ours."""

    number: int
    at: datetime
    fields: dict[str, tuple[str, str]]
    quiet: bool

    def told(self, now: datetime) -> bool:
        fresh = self.at >= now - timedelta(days=15)
        return fresh and not self.quiet and bool(TOLD & set(self.fields))


def come_to_something(changes: Iterable[Change]) -> bool:
    """Whether something is otherwise after all of them than it was before."""
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    for one in sorted(changes, key=lambda one: one.number):
        for name, (old, new) in one.fields.items():
            before.setdefault(name, old)
            after[name] = new
    return any(before[name] != after[name] for name in TOLD & set(before))


@dataclass
class Notice:
    """An announcement; ``tick`` is its place in the order in which they were announced."""

    tick: int
    at: datetime
    region: str
    hydrogen: bool
    novelty: str = "news"
    deadline: date | None = None
    withdrawn: bool = False
    merged: bool = False
    changes: list[Change] = field(default_factory=list)

    @property
    def revision(self) -> int:
        return 1 + len(self.changes)

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
    #: Since when it is what it is, when it ended, and how long a link can confirm it.
    since: datetime | None = None
    ended_at: datetime | None = None
    link_until: datetime | None = None
    paused_until: datetime | None = None
    #: Frequencies that it was switched from.
    left: set[str] = field(default_factory=set)

    @property
    def runs(self) -> bool:
        return self.state in {"active", "paused"}

    def ended_since(self, at: datetime) -> bool:
        """Whether its reader ended it then or later; one that became another's has no such time."""
        return not self.runs and self.ended_at is not None and self.ended_at >= at

    def begin(self, tick: int) -> None:
        self.state, self.paused_until = "active", None
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
    """A reader; ``told`` is when they were told of what, ``seen`` in which revision, as news."""

    created_at: datetime
    ties: list[Tie] = field(default_factory=list)
    confirmed_at: datetime | None = None
    suppressed: bool = False
    reminders: bool = False
    told: dict[Item, datetime] = field(default_factory=dict)
    seen: dict[int, int] = field(default_factory=dict)

    def owed(self, frequency: str, notices: dict[int, Notice], now: datetime) -> set[Item]:
        """What a run of that frequency owes them, with what was told already left out."""
        if not self.confirmed_at or self.suppressed:
            return set()
        news = {
            (number, "news") for number, one in notices.items()
            if number not in self.seen and one.rule(now) is None
            and any(t.frequency == frequency and t.says(one) == "owed" for t in self.ties)
        }  # fmt: skip
        wished = [
            (number, notices[number]) for number in self.seen
            if not notices[number].merged and any(
                t.frequency == frequency and t.state == "active" and WANTS[t.wish](notices[number])
                for t in self.ties
            )
        ]  # fmt: skip
        changes = {
            (number, f"change:{change.number}")
            for number, one in wished
            for change in self._untold(number, one, now)
        }
        reminders = {
            (number, reason)
            for number, one in wished
            if self.reminders and not one.withdrawn and _awake(frequency, now)
            for reason in [self._reminder(number, one, day_of(now))]
            if reason is not None
        }
        return news | changes | reminders

    def _untold(self, number: int, one: Notice, now: datetime) -> list[Change]:
        found = [
            change for change in one.changes
            if change.number > self.seen[number] and change.told(now)
            and (number, f"change:{change.number}") not in self.told
        ]  # fmt: skip
        return found if come_to_something(found) else []

    def _reminder(self, number: int, one: Notice, today: date) -> str | None:
        if one.deadline is None or one.deadline < today:
            return None
        left = (one.deadline - today).days
        last = max(day_of(at) for (n, _), at in self.told.items() if n == number)
        for days in (1, 7):
            if left <= days < (one.deadline - last).days:
                return f"reminder:{days}:{one.deadline.isoformat()}"
        return None

    def mail(
        self, owed: set[Item], waiting: set[Item], notices: dict[int, Notice]
    ) -> tuple[set[Item], set[Item]]:
        """What the mail of a run holds, with what waits in earlier mails that did not leave, or
        nothing when there is nothing new to say; and what these told of, and no mail does any more.
        """
        kept = {
            (number, reason)
            for number, reason in owed | waiting
            if not notices[number].merged and not gone((number, reason), waiting, notices)
        }
        if not owed or not kept - waiting or not lines_of(kept, notices):
            return set(), set()
        return kept, {
            (number, reason)
            for number, reason in waiting - kept
            if notices[number].withdrawn and not notices[number].merged
        }

    def tell(self, mail: tuple[set[Item], set[Item]], notices: dict[int, Notice], now: datetime):
        """Know what a mail holds, and nothing of what it leaves out."""
        held, left_out = mail
        for number, reason in held - set(self.told):
            self.told[number, reason] = now
            if reason == "news":
                self.seen[number] = notices[number].revision
        for number, reason in left_out:
            del self.told[number, reason]
            if reason == "news":
                del self.seen[number]

    def stopped(self, frequency: str, planned_at: datetime) -> bool:
        """Whether they ended what a mail of that frequency answers, after it was planned."""
        theirs = [tie for tie in self.ties if tie.frequency == frequency]
        switched = [tie for tie in self.ties if frequency in tie.left]
        if any(tie.runs for tie in theirs):
            return False
        return (
            any(tie.ended_since(planned_at) for tie in theirs)
            or (
                any(tie.ended_since(planned_at) for tie in switched)
                and not any(tie.runs for tie in switched)
            )
            or (
                any(tie.state == "ended" or tie.ended_at for tie in self.ties)
                and not any(tie.runs for tie in self.ties)
            )
        )

    def why(self, number: int, one: Notice, now: datetime) -> str:
        """The one word that answers why what they were not told of was not sent."""
        if not self.confirmed_at:
            return "not-confirmed"
        if self.suppressed:
            return "suppressed"
        if rule := one.rule(now):
            return rule
        said = {tie.says(one) for tie in self.ties}
        ranks = ("owed", "paused", "filter-changed", "before-you-asked", "not-confirmed", "ended")
        return next((rule for rule in ranks if rule in said), "no-match")


def gone(item: Item, waiting: set[Item], notices: dict[int, Notice]) -> bool:
    """Whether it is not to be told, for it was withdrawn; that it was is told to who knew of it."""
    number, reason = item
    one = notices[number]
    known = reason.startswith("change:") and (number, "news") not in waiting
    return one.withdrawn and not one.merged and not known


def lines_of(items: Iterable[Item], notices: dict[int, Notice]) -> dict[int, str]:
    """Under which heading each notice of a mail stands, once: news says all there is, a change
    more than a reminder; changes that come to nothing are none.
    """
    reasons: dict[int, set[str]] = {}
    for number, reason in items:
        reasons.setdefault(number, set()).add(reason)
    found: dict[int, str] = {}
    for number, those in reasons.items():
        changes = [one for one in notices[number].changes if f"change:{one.number}" in those]
        if "news" in those:
            found[number] = "news"
        elif come_to_something(changes):
            found[number] = "change"
        elif any(one.startswith("reminder:") for one in those):
            found[number] = "reminder"
    return found


def _awake(frequency: str, now: datetime) -> bool:
    """Immediate mails remind nobody before their hour, half past eight."""
    local = now + SHANGHAI
    return frequency != "immediate" or (local.hour, local.minute) >= (8, 30)
