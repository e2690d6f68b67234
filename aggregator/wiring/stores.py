"""The database, and all that is kept in it."""

from __future__ import annotations

from functools import cached_property

from sqlalchemy import Engine

from aggregator import store
from aggregator.errors import SettingsError
from aggregator.settings import Settings


class Stores:
    """What reads and writes the database, each made when it is first asked for."""

    settings: Settings

    @cached_property
    def engine(self) -> Engine:
        """The database.

        Raises:
            SettingsError: when no database is configured.
        """
        url = self.settings.database_url.get_secret_value()
        if not url:
            raise SettingsError("QUXUN_DATABASE_URL is empty and no embedded service was started")
        return store.connect(url)

    @cached_property
    def sources(self) -> store.Sources:
        """Sources and their polls."""
        return store.Sources(self.engine)

    @cached_property
    def entries(self) -> store.Entries:
        """Entries and their articles."""
        return store.Entries(self.engine)

    @cached_property
    def announcements(self) -> store.Announcements:
        """Announcements, as feeds, pages and commands read them."""
        return store.Announcements(self.engine)

    @cached_property
    def journal(self) -> store.Journal:
        """What is published, change by change."""
        return store.Journal(self.engine)

    @cached_property
    def deadlines(self) -> store.Deadlines:
        """Deadlines, as calendars read them."""
        return store.Deadlines(self.engine)

    @cached_property
    def rulings(self) -> store.Rulings:
        """What an operator split and merged."""
        return store.Rulings(self.engine)

    @cached_property
    def removals(self) -> store.Removals:
        """What the law made us take out."""
        return store.Removals(self.engine)

    @cached_property
    def subscribers(self) -> store.Subscribers:
        """Subscribers, wishes and subscriptions."""
        return store.Subscribers(self.engine)

    @cached_property
    def persons(self) -> store.Persons:
        """What is held of a person as a whole."""
        return store.Persons(self.engine)

    @cached_property
    def tries(self) -> store.Tries:
        """Wishes tried before anybody subscribes."""
        return store.Tries(self.engine)

    @cached_property
    def digests(self) -> store.Digests:
        """Runs and the ledger."""
        return store.Digests(self.engine)

    @cached_property
    def outbox(self) -> store.Outbox:
        """Mails that must leave."""
        return store.Outbox(self.engine)

    @cached_property
    def sent_mails(self) -> store.Sent:
        """The database's side of the journal of sent mails."""
        return store.Sent(self.engine)

    @cached_property
    def alarms(self) -> store.Alarms:
        """What an operator must look at."""
        return store.Alarms(self.engine)

    @cached_property
    def unsettled(self) -> store.Unsettled:
        """Mails that wait for an operator's word."""
        return store.Unsettled(self.engine)

    @cached_property
    def returns(self) -> store.Returns:
        """What came back of our mails."""
        return store.Returns(self.engine)

    @cached_property
    def suppressions(self) -> store.Suppressions:
        """Addresses that get no mail."""
        return store.Suppressions(self.engine)

    @cached_property
    def canary(self) -> store.Canary:
        """The mails that are followed until they arrive."""
        return store.Canary(self.engine)

    @cached_property
    def sessions(self) -> store.Sessions:
        """The operator's sessions."""
        return store.Sessions(self.engine, self.settings.operator_token.get_secret_value())

    @cached_property
    def audit(self) -> store.Audit:
        """What operators did."""
        return store.Audit(self.engine)

    @cached_property
    def runs(self) -> store.Runs:
        """Runs and their mails as an operator looks at them."""
        return store.Runs(self.engine)

    @cached_property
    def people(self) -> store.People:
        """What is wished for by how many, and who gets no mail."""
        return store.People(self.engine)

    @cached_property
    def holds(self) -> store.Holds:
        """The switches that keep mail back."""
        return store.Holds(self.engine)

    @cached_property
    def system(self) -> store.System:
        """Heartbeats and statistics."""
        return store.System(self.engine)

    @cached_property
    def hosts(self) -> store.Hosts:
        """Turns at hosts."""
        return store.Hosts(self.engine)

    @cached_property
    def hub(self) -> store.Hub:
        """Who follows our feeds."""
        return store.Hub(self.engine)

    @cached_property
    def channels(self) -> store.Channels:
        """Chats that digests go to."""
        return store.Channels(self.engine)

    @cached_property
    def webhooks(self) -> store.Webhooks:
        """Who is told of changes one by one."""
        return store.Webhooks(self.engine)
