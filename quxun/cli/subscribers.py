"""Subscribers: add, list, show, data, import, export, try, endings, erase, suppress."""

from __future__ import annotations

from typing import Annotated

import typer

from aggregator.model import (
    Choices,
    Frequency,
    Subscriber,
    SubscriberState,
    Subscription,
    SubscriptionState,
)
from quxun.cli import rosters
from quxun.cli.common import (
    AsJson,
    deed,
    opened,
    read_filter,
    remark,
    say,
    show_table,
    tell,
)

app = typer.Typer(
    help="Subscribers: add, list, show, data, import, export, try, endings, erase, suppress.",
    no_args_is_help=True,
)

FrequencyOption = Annotated[Frequency, typer.Option("--frequency", help="how often a mail comes")]
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="the address")]


@app.command()
def add(
    email: Email,
    filter_query: Annotated[
        str,
        typer.Option(
            "--filter",
            metavar="QUERY",
            help="what they wish for, such as region=500116&kind=policy; empty means everything",
        ),
    ] = "",
    frequency: FrequencyOption = Frequency.DAILY,
    timezone: Annotated[
        str, typer.Option(metavar="ZONE", help="such as Europe/Berlin; Asia/Shanghai if not given")
    ] = "",
    hour: Annotated[
        int | None, typer.Option(min=0, max=23, help="hour of mails, 8 if not given")
    ] = None,
    minute: Annotated[int | None, typer.Option(help="0, 15, 30 or 45; 30 if not given")] = None,
    weekday: Annotated[
        str, typer.Option(metavar="DAY", help="mon … sun, of weekly mails; mon if not given")
    ] = "",
    language: Annotated[str, typer.Option(help="zh or en; zh if not given")] = "",
    reminders: Annotated[
        bool | None, typer.Option("--reminders/--no-reminders", help="remind of deadlines")
    ] = None,
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="they confirmed to you: send no confirming mail")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add a subscriber; a confirming mail goes out unless --confirmed is given."""
    choices = rosters.read_choices(
        {
            "timezone": timezone,
            "hour": "" if hour is None else str(hour),
            "minute": "" if minute is None else str(minute),
            "weekday": weekday,
            "language": language,
            "reminders": "" if reminders is None else "yes" if reminders else "no",
        }
    )
    wanted = read_filter(filter_query)
    with opened() as parts:
        was = rosters.found(parts, email)
        with deed(parts, "subscriber added", email):
            there = rosters.sign_up(
                parts, email, wanted, frequency, choices=choices, confirmed=confirmed
            )
        parts.bell.ring("mail.deliver")
        stored = parts.subscribers.get(email)
    if as_json:
        say({**subscriber_answer(stored), "added": there is None})
        return
    tell(f"{email}: {_came_to(there, confirmed=confirmed)}")
    known = was is not None and was.state is not SubscriberState.PENDING
    if known and not confirmed and choices != Choices():
        remark("their hour, zone and language stay as they are until they change them themselves")


def _came_to(there: str | None, *, confirmed: bool) -> str:
    """What adding a subscription came to, by how it stood before."""
    if there in ("active", "paused"):
        return f"has this already ({there}); nothing was added"
    if confirmed:
        return "confirmed; it was asked for before" if there else "added"
    again = "was asked for before; " if there else "added; "
    return f"{again}the confirming mail is in the outbox"


@app.command("list")
def list_subscribers(as_json: AsJson = False) -> None:
    """List subscribers and what they wish for."""
    from aggregator.filters import describe

    with opened() as parts:
        rows = parts.subscribers.list()
    if as_json:
        say([subscriber_answer(one) for one in rows])
        return
    show_table(
        f"{len(rows)} subscribers",
        ("email", "state", "suppressed", "wishes"),
        [
            (s.email, s.state.value, s.suppressed,
             "; ".join(f"{x.frequency.value}: {describe(x.wish.filter, 'en')}"
                       + ("" if x.state is SubscriptionState.ACTIVE else f" ({x.state.value})")
                       for x in s.subscriptions))
            for s in rows
        ],
    )  # fmt: skip


@app.command()
def show(email: Email, as_json: AsJson = False) -> None:
    """Show one subscriber with all subscriptions."""
    from aggregator.filters import describe, spelled

    with opened() as parts:
        stored = parts.subscribers.get(email)
    if as_json:
        say(subscriber_answer(stored))
        return
    for line in _in_words(stored):
        tell(line)
    if stored.subscriptions:
        show_table(
            "subscriptions",
            ("id", "frequency", "state", "since", "wish", "filter"),
            [
                (
                    x.id, x.frequency.value, _stands(x), f"{x.active_from:%Y-%m-%d %H:%M} UTC",
                    describe(x.wish.filter, "en"), spelled(x.wish.filter),
                )
                for x in stored.subscriptions
            ],
        )  # fmt: skip


def _in_words(one: Subscriber) -> list[str]:
    """A subscriber, line by line."""
    weekly = rosters.WEEKDAYS[one.weekday].capitalize()
    since = f" since {one.confirmed_at:%Y-%m-%d %H:%M} UTC" if one.confirmed_at else ""
    return [
        f"email: {one.email}",
        f"state: {one.state.value}{since}",
        f"mail goes there: {'no, ' + one.suppressed if one.suppressed else 'yes'}",
        f"time: {one.hour:02d}:{one.minute:02d} {one.timezone}, weekly mails on {weekly}",
        f"language: {one.language}",
        f"reminders of deadlines: {'yes' if one.reminders else 'no'}",
    ]


def _stands(one: Subscription) -> str:
    if one.paused_until:
        return f"{one.state.value} until {one.paused_until:%Y-%m-%d %H:%M} UTC"
    if one.ended_at:
        return f"{one.state.value} {one.ended_at:%Y-%m-%d %H:%M} UTC: {one.end_reason or ''}"
    return one.state.value


@app.command("try")
def try_filter(
    filter_query: Annotated[
        str,
        typer.Argument(
            metavar="FILTER", help="such as region=500116&kind=policy; '' is everything"
        ),
    ],
    days: Annotated[int, typer.Option(min=1, max=90, help="of the last so many days")] = 30,
    limit: Annotated[int, typer.Option(min=0, max=1000, help="list at most so many")] = 20,
    as_json: AsJson = False,
) -> None:
    """Try a wish: what it would have brought in the last days, by the rules of mail."""
    from datetime import timedelta

    from aggregator.filters import canonical, describe, spelled
    from quxun.web.words import day

    wanted = read_filter(filter_query)
    with opened() as parts:
        trial = parts.tries.would_have(wanted, parts.now(), days=timedelta(days=days), shown=limit)
    if as_json:
        say(
            {
                "filter": canonical(wanted),
                "days": days,
                "total": trial.total,
                "counted": trial.counted,
                "mails": {"daily": trial.daily, "weekly": trial.weekly},
                "there_before": trial.earlier_total,
                "announcements": [
                    {
                        "id": str(one.uuid),
                        "title": one.draft.title,
                        "posted": day(one.draft.posted_at or one.first_seen_at),
                        "regions": [region.code for region in one.draft.regions],
                        "url": one.draft.url,
                    }
                    for one in trial.found
                ],
            }
        )
        return
    many = f"{trial.total:,}" if trial.counted else f"over {trial.total:,}"
    show_table(
        f"{describe(wanted, 'en')}: would have brought {many} in the last {days} days"
        f" (about {trial.daily} daily or {trial.weekly} weekly mail{'s' if trial.weekly != 1 else ''})",
        ("posted", "region", "title", "id"),
        [
            (
                day(one.draft.posted_at or one.first_seen_at),
                ", ".join(region.name for region in one.draft.regions),
                one.draft.title,
                one.uuid,
            )
            for one in trial.found
        ],
    )
    if trial.earlier_total:
        remark(
            f"{trial.earlier_total:,} that match were there before we watched (posted in the last"
            f" {days} days): they are not mailed; \"quxun search --filter '{spelled(wanted)}'\" shows them"
        )


@app.command()
def data(email: Email) -> None:
    """Print all that is held of a person as JSON, as they can download it themselves."""
    with opened() as parts:
        held = parts.persons.export(parts.subscribers.get(email).id)
    say(held)


@app.command()
def endings(
    days: Annotated[int, typer.Option(min=1, max=3650, help="of the last so many days")] = 90,
    as_json: AsJson = False,
) -> None:
    """Count why subscriptions ended, and what people said."""
    from datetime import timedelta

    with opened() as parts:
        found = parts.persons.endings(parts.now() - timedelta(days=days))
    if as_json:
        say([{"reason": reason, "why": why, "count": count} for reason, why, count in found])
        return
    show_table(
        f"{sum(count for _, _, count in found)} subscriptions ended in the last {days} days",
        ("reason", "said", "count"),
        [(reason, why, count) for reason, why, count in found],
    )


@app.command()
def erase(email: Email) -> None:
    """Delete a subscriber and all that is known of them."""
    with opened() as parts:
        stored = parts.subscribers.get(email)
        with deed(parts, "erase", f"subscriber {stored.id}"):
            parts.subscribers.erase(stored.id)
    tell(f"{email}: erased")


@app.command()
def suppress(
    email: Email,
    reason: Annotated[str, typer.Option(help="why no mail goes there")] = "operator",
) -> None:
    """Send no mail to an address any more."""
    from aggregator.notify import check_address

    address = check_address(email)
    with opened() as parts, deed(parts, "suppress", address):
        parts.subscribers.suppress(address, reason, parts.now())
    tell(f"{address}: suppressed ({reason})")


def subscriber_answer(one: Subscriber) -> dict[str, object]:
    """A subscriber as printed."""
    from aggregator.filters import canonical

    return {
        "email": one.email,
        "state": one.state.value,
        "suppressed": one.suppressed,
        "timezone": one.timezone,
        "hour": one.hour,
        "minute": one.minute,
        "weekday": one.weekday,
        "language": one.language,
        "reminders": one.reminders,
        "confirmed_at": one.confirmed_at.isoformat() if one.confirmed_at else None,
        "subscriptions": [
            {
                "id": x.id,
                "filter": canonical(x.wish.filter),
                "frequency": x.frequency.value,
                "state": x.state.value,
                "active_from": x.active_from.isoformat(),
                "paused_until": x.paused_until.isoformat() if x.paused_until else None,
                "ended_at": x.ended_at.isoformat() if x.ended_at else None,
                "end_reason": x.end_reason,
            }
            for x in one.subscriptions
        ],
    }


rosters.register(app)
