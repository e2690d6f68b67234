"""PostgreSQL: one module per noun, leases on rows, batches in a handful of statements."""

from aggregator.store.alarms import Alarms
from aggregator.store.announcements import Announcements
from aggregator.store.audit import Audit
from aggregator.store.canary import Canary
from aggregator.store.channels import Channels
from aggregator.store.deadlines import Deadlines
from aggregator.store.digests import Digests
from aggregator.store.engine import connect, drop_replaced, migrate, versions
from aggregator.store.entries import Entries
from aggregator.store.holds import Holds
from aggregator.store.hosts import Hosts
from aggregator.store.hub import Hub
from aggregator.store.journal import Journal
from aggregator.store.outbox import Outbox
from aggregator.store.people import People
from aggregator.store.persons import Persons
from aggregator.store.removals import Removals
from aggregator.store.returns import Returns
from aggregator.store.rulings import Rulings
from aggregator.store.runs import Runs
from aggregator.store.sent import Sent
from aggregator.store.sessions import Sessions
from aggregator.store.sign_ups import SignUpLimits
from aggregator.store.sources import PollRow, Sources
from aggregator.store.subscribers import Subscribers
from aggregator.store.suppressions import Suppressions
from aggregator.store.system import System
from aggregator.store.tries import Tries
from aggregator.store.unsettled import Unsettled
from aggregator.store.webhooks import Webhooks

__all__ = [
    "Alarms",
    "Announcements",
    "Audit",
    "Canary",
    "Channels",
    "Deadlines",
    "Digests",
    "Entries",
    "Holds",
    "Hosts",
    "Hub",
    "Journal",
    "Outbox",
    "People",
    "Persons",
    "PollRow",
    "Removals",
    "Returns",
    "Rulings",
    "Runs",
    "Sent",
    "Sessions",
    "SignUpLimits",
    "Sources",
    "Subscribers",
    "Suppressions",
    "System",
    "Tries",
    "Unsettled",
    "Webhooks",
    "connect",
    "drop_replaced",
    "migrate",
    "versions",
]
