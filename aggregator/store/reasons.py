"""Why an announcement was or was not sent to a subscriber: the one rule that decided, in words.

Every pair has an answer, and it is the planner's own: the same spells, matches and ledger.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, text

from aggregator.filters import matches, spelled
from aggregator.model import (
    NEWS,
    Announcement,
    Filter,
    Subscriber,
    Subscription,
    SubscriptionId,
    SubscriptionState,
)
from aggregator.store import recall, rows
from aggregator.store.matches import LOOK_BACK, MAILED
from aggregator.store.pruning import KEEP

#: What one of several subscriptions says counts in this order.
_RANKS = ("owed", "paused", "filter-changed", "before-you-asked", "not-confirmed", "ended")


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """An answer: ``rule`` is the word for what decided, ``lines`` say it with times.

    ``sent`` stands in the ledger, its mail left or is to leave; so do ``bounced`` (it came back),
    ``failed`` (it was refused or given up) and ``stopped`` (its reader stopped before it left),
    which are not tried again by themselves; ``owed`` goes with the next run;
    anything else is the rule by which it is left out: ``suppressed``, ``not-confirmed``,
    ``first-poll``, ``late``, ``held``, ``withdrawn``, ``merged``, ``too-old``, ``paused``,
    ``before-you-asked``, ``filter-changed``, ``ended``, ``no-match``. ``not-kept``: it may have
    been sent, but the journal of that time is gone (``store.pruning``).
    """

    rule: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spell:
    wish: Filter
    after: int
    until: int | None

    def holds(self, change: int) -> bool:
        return change > self.after and (self.until is None or change <= self.until)


def why(connection: Connection, one: Announcement, who: Subscriber, now: datetime) -> Why:
    """Why this announcement was or was not, or will be, sent to this subscriber."""
    told = (
        f"announced {one.announced_at:%Y-%m-%d %H:%M:%S} UTC, first seen "
        f"{one.first_seen_at:%Y-%m-%d %H:%M:%S} UTC, novelty {one.novelty.value}"
    )
    sent, rule = _in_ledger(connection, one, who)
    if sent:
        return Why(rule=rule, lines=(told, *sent))
    for before in recall.told(connection, {who.id: {(one.id, NEWS)}}):
        left = f"mail {before.message_id} left {before.at:%Y-%m-%d %H:%M:%S} UTC with it"
        return Why(rule="sent", lines=(told, f"{left}, by the journal of sent mails"))
    change = connection.execute(
        text("select announced_change from announcements where id = :id"), {"id": one.id}
    ).scalar_one()
    general = list(_left_out(who, one))
    if _before_the_journal(who, one, now):
        general.insert(
            0,
            (
                "not-kept",
                f"what was sent is kept for {KEEP.days} days: whether this was cannot be told any more",
            ),
        )
    if one.announced_at < now - LOOK_BACK or change == 0:
        general.append(("too-old", f"announced more than {LOOK_BACK.days} days ago"))
    spells = _spells(connection, who)
    own = [(sub, *_says(sub, spells.get(sub.id, ()), one, change)) for sub in who.subscriptions]
    lines = [f"{rule}: {said}" for rule, said in general]
    lines += [
        f"wish {spelled(sub.wish.filter) or 'everything'}: {said} ({rule})"
        for sub, rule, said in own
    ] or ["the subscriber has no subscription"]
    rules = [rule for _, rule, _ in own]
    best = next((rule for rule in _RANKS if rule in rules), "no-match")
    return Why(rule=general[0][0] if general else best, lines=(told, *lines))


def _before_the_journal(who: Subscriber, one: Announcement, now: datetime) -> bool:
    """Whether a ledger that said something of the two may have been pruned."""
    return (
        one.announced_at < now - KEEP
        and who.confirmed_at is not None
        and who.confirmed_at < one.announced_at + LOOK_BACK
    )


def _came_to(row: RowMapping) -> str:
    """The word for what became of a mail that the ledger names."""
    if row["bounced"]:
        return "bounced"
    if row["state"] != "failed":
        return "sent"
    return "stopped" if (row["answer"] or "").startswith("stopped") else "failed"


def _in_ledger(connection: Connection, one: Announcement, who: Subscriber) -> tuple[list[str], str]:
    """What the ledger says, line by line, and the rule: the best that became of its mails."""
    found = connection.execute(
        text(
            "select l.reason, l.at, o.state, o.sent_at, o.message_id, o.answer, o.bounced,"
            " o.bounced_at from ledger l"
            " left join outbox o on o.id = l.mail_id"
            " where l.subscriber_id = :subscriber and l.announcement_id = :announcement"
            " order by l.at, l.reason"
        ),
        {"subscriber": who.id, "announcement": one.id},
    ).mappings()
    lines = []
    rules = set()
    for row in found:
        rules.add(_came_to(row))
        sent = f", sent {row['sent_at']:%Y-%m-%d %H:%M:%S} UTC" if row["sent_at"] else ""
        if row["bounced"]:
            sent += f", came back ({row['bounced']}) {row['bounced_at']:%Y-%m-%d %H:%M} UTC"
        answer = f" ({row['answer']})" if row["answer"] and not sent else ""
        mail = f"mail {row['message_id']} is {row['state']}{sent}{answer}"
        lines.append(
            f"in the ledger as {row['reason']} since {row['at']:%Y-%m-%d %H:%M:%S} UTC, "
            + (mail if row["message_id"] else "its mail is not kept any more")
        )
    order = ("sent", "bounced", "stopped", "failed")
    return lines, next((rule for rule in order if rule in rules), "sent")


def _spells(connection: Connection, who: Subscriber) -> Mapping[SubscriptionId, Sequence[_Spell]]:
    found: dict[SubscriptionId, list[_Spell]] = defaultdict(list)
    for row in connection.execute(
        text(
            "select p.subscription_id, p.from_change, p.until_change, w.filter from spells p"
            " join wishes w on w.id = p.wish_id join subscriptions s on s.id = p.subscription_id"
            " where s.subscriber_id = :id order by p.from_change"
        ),
        {"id": who.id},
    ):
        wish = rows.from_json(row[3], Filter)
        found[SubscriptionId(row[0])].append(_Spell(wish=wish, after=row[1], until=row[2]))
    return found


def _left_out(who: Subscriber, one: Announcement) -> list[tuple[str, str]]:
    """The named rules by which an announcement goes to nobody, or nothing to this person."""
    found: list[tuple[str, str]] = []
    if who.confirmed_at is None:
        found.append(("not-confirmed", "the subscriber did not confirm"))
    if who.suppressed:
        found.append(("suppressed", who.suppressed))
    if one.merged_into:
        found.append(("merged", f"it is {one.merged_into} now, ask for that one"))
    elif one.withdrawn_at:
        found.append(("withdrawn", f"since {one.withdrawn_at:%Y-%m-%d %H:%M} UTC"))
    if one.novelty.value not in MAILED:
        found.append((one.novelty.value, "by this rule it is not mailed"))
    return found


def _says(  # noqa: PLR0911  # one for each rule
    sub: Subscription, spells: Sequence[_Spell], one: Announcement, change: int | None
) -> tuple[str, str]:
    """Rule and words of one subscription; what is not numbered yet is announced just now."""
    at = change if change is not None else max((s.after for s in spells), default=0) + 1
    wants = matches(sub.wish.filter, one)
    then = [spell for spell in spells if spell.holds(at)]
    if sub.state is SubscriptionState.ENDED:
        ended = f" since {sub.ended_at:%Y-%m-%d %H:%M:%S} UTC" if sub.ended_at else ""
        return "ended", f"ended{ended}: {sub.end_reason or 'no reason kept'}"
    if not wants:
        if any(matches(spell.wish, one) for spell in then):
            return "filter-changed", "does not match any more since the filter was changed"
        return "no-match", "does not match"
    if sub.state is SubscriptionState.PENDING:
        return "not-confirmed", "matches, but was not confirmed"
    paused = sub.state is SubscriptionState.PAUSED
    if any(matches(spell.wish, one) for spell in then):
        if paused:
            return "paused", "matches; owed when the subscription is resumed"
        return "owed", f"matches; owed at the next {sub.frequency.value} run"
    if then:
        return "filter-changed", "matches, but the filter of that time did not"
    if not spells or at <= min(spell.after for spell in spells):
        since = f"{sub.active_from:%Y-%m-%d %H:%M:%S} UTC"
        return "before-you-asked", f"matches, but was announced before it was active, at {since}"
    return "paused", "matches, but was announced while the subscription was paused"
