"""An office whose notices state deadlines, for tests of changes and reminders."""

from dataclasses import replace

from offices import DAY, HOUR, MORNING, READER, SETTINGS, Office
from sqlalchemy import text

from aggregator import store
from aggregator.flow import digests
from aggregator.flow.subscribe import house_of
from aggregator.model import (
    ArticleOutcome,
    ArticleReport,
    Deadline,
    Facts,
    Frequency,
)
from aggregator.templates import environment


class Desk(Office):
    """An office whose notices state deadlines, and are edited and withdrawn."""

    def __init__(self, engine):
        super().__init__(engine)
        self.drafts = {}
        self.facts = Facts()

    def _draft(self, title, at, kind):
        made = replace(super()._draft(title, at, kind), facts=self.facts)
        self.drafts[title] = made
        return made

    def announce(self, *titles, due=None, **more):
        deadlines = (Deadline(value=due, sentence="截止"),) if due else ()
        self.facts = Facts(deadlines=deadlines)
        super().announce(*titles, **more)

    def plan(self, now=MORNING):
        """The runs that fall due just then; those between the mornings concern nobody here."""
        self.digests.match(now)
        planned = 0
        for frequency in (Frequency.IMMEDIATE, Frequency.DAILY):
            run = self.digests.open_run(frequency, now)
            planner = digests.Planner(
                run, store=self.digests, env=environment(), house=house_of(SETTINGS), now=now
            )
            planned += planner.plan_all()
            self.digests.close_run(run.id, now)
        return planned

    def _look(self, title, at, outcome, draft=None):
        entries = store.Entries(self.engine)
        with self.engine.begin() as connection:
            connection.execute(
                text("update entries set due_at = :at, lease_until = null where title = :title"),
                {"at": at, "title": title},
            )
        claimed = entries.claim_entries(entries.due_entries(at, limit=99), at, lease=HOUR)
        entries.record_articles(
            [
                ArticleReport(
                    entry=one, at=at, outcome=outcome, due_at=at + 99 * DAY, draft=draft,
                    gone_since=at if outcome is ArticleOutcome.WITHDRAWN else None,
                )
                for one in claimed
                if one.entry.title == title
            ],
            at,
        )  # fmt: skip

    def edit(self, title, at, **changes):
        """The portal changes its page."""
        self.told += 1
        self.drafts[title] = replace(
            self.drafts[title], substance_hash=f"edited {self.told}", **changes
        )
        self._look(title, at, ArticleOutcome.READ, self.drafts[title])

    def move(self, title, at, *days):
        """The deadlines of a notice become others."""
        facts = Facts(deadlines=tuple(Deadline(value=day, sentence="截止") for day in days))
        self.edit(title, at, facts=facts)

    def withdraw(self, title, at):
        self._look(title, at, ArticleOutcome.WITHDRAWN)

    def remind(self, email=READER):
        self.subscribers.set_preferences(self.subscribers.get(email).id, reminders=True)

    def reasons(self):
        with self.engine.connect() as connection:
            return list(
                connection.execute(
                    text("select reason from ledger order by at, announcement_id, reason")
                ).scalars()
            )

    def sent(self):
        return [mail for mail in self.mails() if mail.key.startswith("digest:")]
