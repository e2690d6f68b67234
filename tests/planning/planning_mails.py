"""What happens to mails: runs are planned, mails leave or do not, are held, resent, forgotten."""

from __future__ import annotations

from datetime import datetime

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from planning_model import lines_of
from planning_world import (
    DAY,
    MINUTE,
    SETTINGS,
    World,
    crash_before,
    frequencies,
    picks,
    printed,
    rarely,
)

from aggregator import store
from aggregator.errors import ConflictError
from aggregator.flow.digests import Planner
from aggregator.flow.reprints import reprint
from aggregator.model import Delivery, Frequency, MailState, OutboxMail
from aggregator.notify import MOST_SHOWN
from aggregator.store.waiting import NOTHING_LEFT

_WAITING = {"queued", "claimed", "handed", "deferred"}
#: What becomes of a mail that was claimed.
_FATES = (
    "sent", "sent", "sent", "sent", "deferred", "deferred", "refused", "ambiguous", "lost", "cut",
)  # fmt: skip
_STATES = {
    "sent": MailState.SENT,
    "deferred": MailState.DEFERRED,
    "refused": MailState.FAILED,
    "ambiguous": MailState.AMBIGUOUS,
}


class Mails(World):
    """Rules for runs and mails."""

    # --- Runs ---

    @rule(frequency=frequencies)
    def run(self, frequency: str) -> None:
        self._to_its_time(frequency)
        expected = self._expected(frequency)
        self._plan(frequency)
        for email, person in self.people.items():
            person.tell(expected[email], self.notices, self.now)
            type(self).told += len(expected[email][0])
            there = self.ledger(email)
            told = set(person.told)
            assert there == told, (email, there - told, told - there, person.ties)
            self._holds_what_the_ledger_says(email)

    @rule(frequency=frequencies, statement=st.integers(0, 45))
    def crash(self, frequency: str, statement: int) -> None:
        self._to_its_time(frequency)
        expected = self._expected(frequency)
        with crash_before(self.engine, statement):
            self._plan(frequency)
        for email, person in self.people.items():
            there, before = self.ledger(email), set(person.told)
            held, left_out = expected[email]
            assert there in (before, (before | held) - left_out)
            if there != before:
                person.tell(expected[email], self.notices, self.now)
            self._holds_what_the_ledger_says(email)

    @rule(hours=st.sampled_from([5, 17, 60]))
    def let_time_pass(self, hours: int) -> None:
        """Into the night, too, in which nobody is reminded by an immediate mail."""
        self.now += hours * 60 * MINUTE

    @rule()
    def print_anew(self) -> None:
        """What waits while it is withdrawn leaves without it, or not at all."""
        heirs = dict(
            self.rows(
                "select l.id, h.id from announcements l join announcements h"
                " on h.uuid = coalesce(l.merged_into, l.uuid)"
            )
        )
        for email, items in self.waiting_mails():
            person = self.people[email]
            left_out = {
                (number, why)
                for number, why in items
                if self.notices[heirs[number]].withdrawn
                and not (why.startswith("change:") and (number, "news") not in items)
            }
            if left_out:  # then what is one with another now is told as that one alone
                left_out |= {one for one in items if heirs[one[0]] != one[0]}
            if items == left_out or lines_of(items - left_out, self.notices):
                person.tell((set(), left_out), self.notices, self.now)
        reprint(
            store=self.digests,
            alarms=store.Alarms(self.engine),
            env=self.env,
            settings=SETTINGS,
            now=self.now,
        )
        for email, person in self.people.items():
            there, told = self.ledger(email), set(person.told)
            assert there == told, (email, there - told, told - there)
            self._holds_what_the_ledger_says(email)

    # --- Leaving ---

    @rule(fates=st.lists(st.sampled_from(_FATES), min_size=1, max_size=4))
    def send(self, fates: list[str]) -> None:
        before = self.mails()
        claimed = self.outbox.claim_mails(self.now, limit=99, lease=MINUTE / 2)
        answers = []
        for place, one in enumerate(claimed):
            fate = fates[place % len(fates)]
            if one.id in before:
                self._may_leave(before[one.id], one.to)
            if fate == "cut":  # before anything was said, by a sender that sleeps
                self.asleep.append(_answer(one, "refused", self.now))
                continue
            assert one.id in self.outbox.turn([], [one], now=self.now)
            if fate in {"sent", "ambiguous", "lost"}:
                self.arrived[one.message_id] += 1
            if fate != "lost":  # after all was said, and nobody heard the answer
                answers.append(_answer(one, fate, self.now))
        self.outbox.record_deliveries(answers)
        self._ended_for_a_reason(before)
        self._came_once()

    @rule()
    def wake_who_lost_the_lease(self) -> None:
        """A sender that slept answers for mails that others sent since, and changes none."""
        newest = dict(self.rows("select id, generation from outbox"))
        late = [one for one in self.asleep if newest[one.mail_id] != one.generation]
        before = self.rows("select * from outbox order by id")
        self.outbox.record_deliveries(late)
        assert self.rows("select * from outbox order by id") == before
        self.asleep.clear()

    @rule(rarely=rarely)
    def let_everything_leave(self, rarely: int) -> None:
        """Nothing waits for ever: once nothing is held, all that may leave leaves."""
        if rarely:
            return
        self.holds.release_all(who="operator", now=self.now)
        for run in self.holds.held_runs(999):
            self.holds.release_run(run, who="operator", now=self.now)
        for _ in range(3):
            self.now += 2 * DAY
            self.send(["sent"])
        left = [one.state for one in self.mails().values() if one.state in _WAITING]
        assert not left

    @rule(pick=picks, all_of_them=st.booleans())
    def hold_or_release(self, pick: int, *, all_of_them: bool) -> None:
        if all_of_them:
            if not self.holds.release_all(who="operator", now=self.now):
                self.holds.hold_all("x", who="operator", now=self.now)
            return
        runs = self.rows("select id from runs order by id desc limit 3")
        if runs:
            run = runs[pick % len(runs)][0]
            if not self.holds.release_run(run, who="operator", now=self.now):
                self.holds.hold_run(run, "x", who="operator", now=self.now)

    @rule(pick=picks, again=st.booleans())
    def resend(self, pick: int, *, again: bool) -> None:
        """An operator sends a mail once more: only what may go, and under its own Message-ID."""
        mails = self.mails()
        if not mails:
            return
        one = mails[sorted(mails, reverse=True)[pick % min(len(mails), 8)]]
        person = self.people.get(one.email)
        may = (
            one.state not in {"merged", "claimed", "handed"}
            and bool(one.recipient and one.text)
            and person is not None
            and not person.suppressed
            and not self._unasked(one)
            and one.answer != NOTHING_LEFT
            and (one.state != "sent" or again)
        )
        try:
            self.runs.resend(one.id, again=again, who="operator", now=self.now)
        except ConflictError:
            assert not may, one
        else:
            assert may, one
            self.resent[one.message_id] += 1

    # --- Answers ---

    @precondition(lambda self: self.people and self.notices)
    @rule(pick=picks)
    def ask_why(self, pick: int) -> None:
        number = self.one_of_them(pick)
        mails = self.mails()
        for email, person in self.people.items():
            found = self.system.why(str(number), email, self.now)
            rule_ = person.why(number, self.notices[number], self.now)
            if number in person.seen:
                rule_ = self._became(email, number, mails)
            assert found.rule == rule_, found.lines

    @rule()
    def tidy_up(self) -> None:
        self.system.prune(self.now)

    # --- Within ---

    def _expected(self, frequency: str) -> dict[str, tuple[set, set]]:
        """What the mail of a run will hold, by reader; nothing where none is due."""
        return {
            email: person.mail(
                person.owed(frequency, self.notices, self.now),
                self.waiting(email, frequency),
                self.notices,
            )
            for email, person in self.people.items()
        }

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
        assert not planner.missed
        self.digests.close_run(run.id, self.now)

    def _unasked(self, one) -> bool:
        """Whether a reader stopped what a mail answers, or has paused all of its frequency."""
        person = self.people[one.email]
        states = {t.state for t in person.ties if t.frequency == one.frequency}
        stopped = person.stopped(one.frequency, one.created_at)
        return stopped or (bool(states) and "active" not in states)

    def _may_leave(self, mail, to: str) -> None:
        """A mail leaves with words, to where its reader is, and not while it is held or unwanted."""
        assert mail.text
        assert to == mail.email
        assert mail.held is None
        assert self.holds.held() is None
        person = self.people[to]
        assert not person.suppressed
        assert not person.stopped(mail.frequency, mail.created_at)

    def _ended_for_a_reason(self, before: dict) -> None:
        """What is given up without an attempt was stopped, suppressed or erased indeed."""
        for number, now in self.mails().items():
            if now.state != "failed" or before[number].state == "failed":
                continue
            person = self.people.get(now.email)
            word = (now.answer or "erased").split()[0].rstrip(":")
            if word == "stopped":
                assert person.stopped(now.frequency, now.created_at)
            elif word == "suppressed":
                assert person.suppressed
            else:
                assert word in {"refused", "erased"}, now.answer

    def _came_once(self) -> None:
        """A Message-ID comes twice only after doubt, or because an operator wished it so."""
        for mail in self.mails().values():
            came = self.arrived[mail.message_id]
            assert came <= 1 + mail.was_ambiguous + self.resent[mail.message_id], mail
            assert came or mail.state != "sent", mail
            assert not came or mail.state != "merged", mail

    def _became(self, email: str, number: int, mails: dict) -> str:
        """The best that became of the mails that tell a reader of a notice."""
        found = self.rows(
            "select l.mail_id from ledger l join subscribers s on s.id = l.subscriber_id"
            " where s.email = :email and l.announcement_id = :number",
            email=email, number=number,
        )  # fmt: skip
        states = [(mails[row[0]].state, mails[row[0]].answer or "") for row in found]
        if any(state != "failed" for state, _ in states):
            return "sent"
        return "stopped" if any(said.startswith("stopped") for _, said in states) else "failed"

    def _holds_what_the_ledger_says(self, email: str) -> None:
        """What a reader has in the mailbox, or will have: each notice once as news, and in each
        mail what the ledger says of it, under the heading that it belongs to.
        """
        found = self.rows(
            "select o.id, e.text, array(select l.announcement_id || ' ' || l.reason from ledger l"
            " where l.mail_id = o.id and l.subscriber_id = o.subscriber_id) from outbox o"
            " join subscribers s on s.id = o.subscriber_id join editions e on"
            " e.id = o.edition_id where s.email = :email and o.state <> 'merged'"
            " and not (o.state = 'failed' and o.answer = :nothing)",
            email=email, nothing=NOTHING_LEFT,
        )  # fmt: skip
        as_news = [n for _, words, _ in found for n, under in printed(words) if under == "news"]
        assert len(as_news) == len(set(as_news)), as_news
        for _, words, told in found:
            items = {(int(n), reason) for n, _, reason in (one.partition(" ") for one in told)}
            lines = printed(words)
            assert set(lines.values()) <= {1}, words
            if words and len({n for n, _ in items}) <= MOST_SHOWN:  # forgotten after a week
                self._is_told(items, dict(lines))

    def _is_told(self, items: set, lines: dict) -> None:
        """Each notice of a mail has its line in it, and each line its notice."""
        shown = {number for number, _ in lines}
        told = {number for number, _ in items}
        assert shown <= told, (shown - told, items)
        copies = {n for pair in self.merged if pair & told for n in pair}
        assert set(lines_of(items, self.notices)) - shown <= copies, (items, lines)
        for number, under in lines:
            reasons = {reason.partition(":")[0] for n, reason in items if n == number}
            assert under in reasons


def _answer(one: OutboxMail, fate: str, now: datetime) -> Delivery:
    return Delivery(
        mail_id=one.id, generation=one.generation, answer=fate, at=now, state=_STATES[fate],
        run_id=one.run_id, retry_at=now + DAY if fate == "deferred" else None,
        meaning="refused" if fate == "refused" else "",
    )  # fmt: skip
