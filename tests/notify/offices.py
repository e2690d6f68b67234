"""What a door has in its hands, on the real store, for tests of whole digests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from aggregator import cluster, store
from aggregator.flow import digests, subscribe
from aggregator.model import (
    ArticleOutcome,
    ArticleReport,
    Category,
    Delivery,
    Draft,
    Entry,
    Frequency,
    Kind,
    MailState,
    NewSource,
    PollReport,
    Precision,
    Reader,
    SourceKind,
)
from aggregator.notify import digest_mail
from aggregator.settings import Settings
from aggregator.templates import environment

#: Half past eight in Shanghai, when daily digests fall due.
MORNING = datetime(2026, 9, 14, 0, 30, tzinfo=UTC)
BEFORE = MORNING - timedelta(hours=12)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
READER = "reader@inbox.example"
SETTINGS = Settings(
    public_url="https://quxun.example", secret_key="a-secret-for-these-tests", immediate_seconds=300
)


class Office:
    """What a door has in its hands: the parts, and short words for the flow's calls."""

    def __init__(self, engine):
        self.engine = engine
        self.subscribers = store.Subscribers(engine)
        self.digests = store.Digests(engine)
        self.outbox = store.Outbox(engine)
        self.told = 0

    def sign_up(self, *filters, email=READER, frequency=Frequency.DAILY, now=BEFORE, **more):
        return subscribe.sign_up(
            email, filters, frequency,
            store=self.subscribers, outbox=self.outbox, env=environment(), settings=SETTINGS,
            now=now, **more,
        )  # fmt: skip

    def plan(self, now=MORNING):
        return digests.plan_due(store=self.digests, env=environment(), settings=SETTINGS, now=now)

    def announce(self, *titles, at=BEFORE + HOUR, kind=Kind.POLICY):
        """One poll that brings these notices, its articles read at once."""
        sources, entries = store.Sources(self.engine), store.Entries(self.engine)
        known = list(sources.list())
        new = NewSource(
            name="江津区人民政府网",
            kind=SourceKind.COLUMN,
            url="http://a.example/",
            region="500116",
        )
        source = known[0] if known else sources.add(new, at)
        with self.engine.begin() as connection:
            connection.execute(text("update sources set first_polled_at = :t"), {"t": at - 9 * DAY})
        [claimed] = sources.claim_sources([source.id], at, lease=HOUR, even_if_not_due=True)
        rows = tuple(
            Entry(key=one, url=f"http://a.example/{one}", title=one, raw_hash="1") for one in titles
        )
        sources.record_polls(
            [
                PollReport(
                    source=claimed, at=at, outcome="read", found=len(rows), entries=rows,
                    next_poll_at=at + HOUR,
                )
            ]
        )  # fmt: skip
        claimed = entries.claim_entries(entries.due_entries(at, limit=99), at, lease=HOUR)
        reports = [
            ArticleReport(
                entry=one, at=at, outcome=ArticleOutcome.READ, due_at=at + 99 * DAY,
                draft=self._draft(one.entry.title, at, kind),
            )
            for one in claimed
        ]  # fmt: skip
        entries.record_articles(reports, at)

    def _draft(self, title, at, kind):
        self.told += 1
        made = Draft(
            title=title,
            url=f"http://a.example/{title}",
            posted_at=at - HOUR,
            date_precision=Precision.MINUTE,
            kind=kind,
            categories=(Category(slug=kind.value, why="标题"),),
            body_text=f"{title}。" + f"第{self.told}号正文各不相同{self.told**7}。" * 9,
        )
        return replace(
            made,
            title_key=cluster.title_key(title),
            substance_hash=made.body_text,
        )

    def mails(self, now=MORNING + 30 * DAY):
        """All mails that wait, taken out."""
        taken = self.outbox.claim_mails(now, limit=999, lease=HOUR)
        self.outbox.record_deliveries(
            [
                Delivery(
                    mail_id=one.id, generation=one.generation, state=MailState.SENT,
                    answer="250", at=now,
                )
                for one in taken
            ]
        )  # fmt: skip
        return [one.mail or self._whole(one, now) for one in taken]

    def _whole(self, one, now):
        """An edition as its reader will have it."""
        edition = self.outbox.editions([one.edition_id])[one.edition_id]
        reader = Reader(id=one.subscriber_id, email=one.to, language="zh", epoch=one.epoch)
        return digest_mail(
            edition, reader, frequency=one.frequency, due_at=now, run_id=one.run_id,
            house=subscribe.house_of(SETTINGS), now=one.created_at,
        )  # fmt: skip
