"""Heartbeats, figures, the reasons why, and the pruning of what is old."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine, text

from aggregator.filters import canonical, matches
from aggregator.model import (
    Announcement,
    AnnouncementId,
    Subscriber,
    SubscriberId,
    SubscriptionState,
)
from aggregator.store.announcements import Announcements
from aggregator.store.digests import LOOK_BACK, MAILED
from aggregator.store.subscribers import Subscribers

#: Polls are kept this long, sign-ups a week.
KEEP_POLLS = timedelta(days=30)
KEEP_SIGN_UPS = timedelta(days=7)


class System:
    """What operators and supervisors ask."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def beat(self, name: str, now: datetime) -> None:
        """Say that a process is alive."""
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "insert into heartbeats (name, at) values (:name, :now)"
                    " on conflict (name) do update set at = excluded.at"
                ),
                {"name": name, "now": now},
            )

    def beats(self) -> Mapping[str, datetime]:
        """When each process last said that it is alive."""
        with self._engine.connect() as connection:
            found = connection.execute(text("select name, at from heartbeats order by name"))
            return {row[0]: row[1] for row in found}

    def stats(self) -> Mapping[str, int]:
        """What the store holds, in figures."""
        with self._engine.connect() as connection:
            row = connection.execute(
                text(
                    "select (select count(*) from sources) as sources,"
                    " (select count(*) from sources where state = 'active') as sources_active,"
                    " (select count(*) from sources where state = 'active' and health in"
                    " ('well', 'new')) as sources_well,"
                    " (select count(*) from entries) as entries,"
                    " (select count(*) from entries where announcement_id is null)"
                    " as entries_waiting,"
                    " (select count(*) from announcements) as announcements,"
                    " (select count(*) from announcements where withdrawn_at is not null)"
                    " as withdrawn, (select count(*) from sightings) as sightings,"
                    " (select count(*) from revisions) as revisions,"
                    " (select count(*) from pages) as pages,"
                    " (select count(*) from subscribers where state = 'confirmed' and owner_id is"
                    " null) as subscribers, (select count(*) from channels) as channels,"
                    " (select count(*) from wishes) as wishes,"
                    " (select count(*) from ledger) as ledger,"
                    " (select count(*) from outbox where state = 'sent') as mails_sent,"
                    " (select count(*) from outbox where state in ('queued', 'claimed', 'handed',"
                    " 'deferred')) as mails_waiting,"
                    " (select count(*) from outbox where state = 'failed') as mails_failed,"
                    " (select count(*) from outbox where was_ambiguous) as mails_ambiguous,"
                    " (select count(*) from outbox where bounced is not null) as mails_bounced,"
                    " (select coalesce(sum(count), 0) from returns_counted where kind = 'foreign')"
                    " as returns_foreign, (select count(*) from suppressions) as suppressions"
                )
            ).mappings().one()  # fmt: skip
            return {name: int(value) for name, value in row.items()}

    def why(self, announcement: str, subscriber: str, now: datetime) -> Sequence[str]:
        """Why an announcement was or was not sent to a subscriber, in words with times."""
        one = Announcements(self._engine).get(announcement)
        who = Subscribers(self._engine).get(subscriber)
        told = (
            f"announced {one.announced_at:%Y-%m-%d %H:%M:%S} UTC, first seen "
            f"{one.first_seen_at:%Y-%m-%d %H:%M:%S} UTC, novelty {one.novelty.value}"
        )
        in_ledger = self._in_ledger(who.id, one.id)
        return [told, *(in_ledger or (*_left_out(who, one, now), *_wishes(who, one)))]

    def _in_ledger(self, subscriber: SubscriberId, announcement: AnnouncementId) -> list[str]:
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select l.reason, l.at, o.state, o.sent_at, o.message_id, o.bounced,"
                    " o.bounced_at from ledger l"
                    " left join outbox o on o.id = l.mail_id"
                    " where l.subscriber_id = :subscriber and l.announcement_id = :announcement"
                ),
                {"subscriber": subscriber, "announcement": announcement},
            ).mappings()
            lines = []
            for row in found:
                sent = f", sent {row['sent_at']:%Y-%m-%d %H:%M:%S} UTC" if row["sent_at"] else ""
                if row["bounced"]:
                    sent += f", came back ({row['bounced']}) {row['bounced_at']:%Y-%m-%d %H:%M} UTC"
                lines.append(
                    f"in the ledger as {row['reason']} since {row['at']:%Y-%m-%d %H:%M:%S} UTC,"
                    f" mail {row['message_id']} is {row['state']}{sent}"
                )
            return lines

    def prune(self, now: datetime) -> None:
        """Forget what need not be kept (RELIABILITY.md §Security model, personal data)."""
        with self._engine.begin() as connection:
            connection.execute(text("delete from polls where at < :t"), {"t": now - KEEP_POLLS})
            connection.execute(
                text("delete from sign_ups where at < :t"), {"t": now - KEEP_SIGN_UPS}
            )
            connection.execute(
                text("delete from confirmations where expires_at < :t"),
                {"t": now - KEEP_SIGN_UPS},
            )
            connection.execute(
                text(
                    "update outbox set mail = '{}', recipient = '' where"
                    " coalesce(sent_at, created_at) < :t"
                    " and recipient <> '' and (state in ('sent', 'failed', 'merged')"
                    " or (state = 'ambiguous' and due_at = 'infinity'))"
                ),
                {"t": now - KEEP_SIGN_UPS},
            )


def _left_out(who: Subscriber, one: Announcement, now: datetime) -> list[str]:
    """The named rules by which an announcement goes to nobody, or nothing to this person."""
    lines: list[str] = []
    if who.suppressed:
        lines.append(f"suppressed: {who.suppressed}")
    if who.confirmed_at is None:
        lines.append("not-confirmed: the subscriber did not confirm")
    if one.novelty.value not in MAILED:
        lines.append(f"{one.novelty.value}: by this rule it is not mailed")
    if one.withdrawn_at:
        lines.append(f"withdrawn at {one.withdrawn_at:%Y-%m-%d %H:%M} UTC")
    if now - one.announced_at > LOOK_BACK:
        lines.append(f"announced more than {LOOK_BACK.days} days ago")
    return lines


def _wishes(who: Subscriber, one: Announcement) -> list[str]:
    """What each wish of the person says to it."""
    if not who.subscriptions:
        return ["the subscriber has no subscription"]
    lines = []
    for wish in who.subscriptions:
        name = canonical(wish.wish.filter) or "everything"
        if not matches(wish.wish.filter, one):
            says = "does not match"
        elif wish.state is not SubscriptionState.ACTIVE:
            says = f"matches, but is {wish.state.value}"
        elif wish.active_from > one.announced_at:
            says = f"matches, but is active only from {wish.active_from:%Y-%m-%d %H:%M:%S} UTC"
        else:
            says = f"matches; owed at the next {wish.frequency.value} run"
        lines.append(f"wish {name}: {says}")
    return lines
