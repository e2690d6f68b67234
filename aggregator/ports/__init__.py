"""What the flow needs from outside: one small Protocol per need.

I/O rooms implement these and do not know the flow; ``wiring.py`` hands them over.
"""

from __future__ import annotations

from aggregator.ports.channels import ChannelStore, RobotReader
from aggregator.ports.digests import DigestStore, PlanningBatch, WaitingBatch
from aggregator.ports.feeds import FeedStore, JournalStore
from aggregator.ports.mail import Desk, Mailer, OutboxStore, SentJournal, SentMails
from aggregator.ports.polls import ArchiveStore, ArticleStore, PollStore
from aggregator.ports.push import Caller, HubStore, WebhookStore
from aggregator.ports.reading import Fetcher, Reader
from aggregator.ports.returns import MailboxReader, ReturnStore
from aggregator.ports.subscribers import PersonStore, SubscriberStore
from aggregator.ports.watching import AlarmStore, Bell, CanaryStore

__all__ = [
    "AlarmStore",
    "ArchiveStore",
    "ArticleStore",
    "Bell",
    "Caller",
    "CanaryStore",
    "ChannelStore",
    "Desk",
    "DigestStore",
    "FeedStore",
    "Fetcher",
    "HubStore",
    "JournalStore",
    "MailboxReader",
    "Mailer",
    "OutboxStore",
    "PersonStore",
    "PlanningBatch",
    "PollStore",
    "Reader",
    "ReturnStore",
    "RobotReader",
    "SentJournal",
    "SentMails",
    "SubscriberStore",
    "WaitingBatch",
    "WebhookStore",
]
