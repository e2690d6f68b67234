"""Subscribers: add, list, show, data, import, export, try, endings, erase, suppress."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Annotated

import typer

from aggregator.errors import QuxunError, UsageError
from aggregator.model import Frequency, Subscriber, SubscriptionState
from quxun.cli.common import (
    AsJson,
    deed,
    inert,
    live,
    opened,
    read_file,
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
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="they confirmed to you: send no confirming mail")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add a subscriber; a confirming mail goes out unless --confirmed is given."""
    from aggregator.flow import subscribe as flow

    wanted = read_filter(filter_query)
    with opened() as parts:
        flow.sign_up(
            email,
            [wanted],
            frequency,
            store=parts.subscribers,
            outbox=parts.outbox,
            env=parts.templates_or_fail(),
            settings=parts.settings,
            now=parts.now(),
            confirmed=confirmed,
        )
        parts.bell.ring("mail.deliver")
        stored = parts.subscribers.get(email)
    if as_json:
        say(subscriber_answer(stored))
    else:
        done = "added" if confirmed else "added; the confirming mail is in the outbox"
        tell(f"{email}: {done}")


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
    with opened() as parts:
        stored = parts.subscribers.get(email)
    if as_json:
        say(subscriber_answer(stored))
        return
    for key, value in subscriber_answer(stored).items():
        tell(f"{key}: {value}")


@app.command("import")
def import_subscribers(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="CSV in UTF-8 with the columns email, filter, frequency, consent"
        ),
    ],
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="they confirmed to you already")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Import subscribers; each gets a confirming mail unless --confirmed is given."""
    from aggregator.filters import parse_query
    from aggregator.flow import subscribe as flow

    rows = _csv_rows(file)
    refused: list[str] = []
    unproven = 0
    with opened() as parts:
        for number, row in enumerate(rows, 2):
            if row.get("state") == "ended":
                refused.append(f"line {number}: its owner ended this subscription")
                continue
            consent = live((row.get("consent") or "").strip())
            unproven += confirmed and not consent
            try:
                flow.sign_up(
                    live((row.get("email") or "").strip()),
                    [parse_query(row.get("filter") or "")],
                    Frequency(row.get("frequency") or "daily"),
                    store=parts.subscribers,
                    outbox=parts.outbox,
                    env=parts.templates_or_fail(),
                    settings=parts.settings,
                    now=parts.now(),
                    confirmed=confirmed,
                )
                if consent:
                    email = live((row.get("email") or "").strip())
                    parts.persons.note_consent(parts.subscribers.get(email).id, consent)
            except (QuxunError, ValueError) as error:
                refused.append(f"line {number}: {error}")
    if as_json:
        say({"added": len(rows) - len(refused), "refused": refused})
    else:
        for line in refused:
            remark(f"refused: {line}")
        tell(f"{len(rows) - len(refused)} added, {len(refused)} refused")
    if unproven:
        remark(f"{unproven} lines say nothing in a column consent: how and when they agreed")
    if refused:
        raise QuxunError(f"{len(refused)} of {len(rows)} lines were refused")


@app.command()
def export() -> None:
    """Print all subscriptions as CSV, in the columns that import reads."""
    from aggregator.filters import canonical

    with opened() as parts:
        rows = parts.subscribers.list()
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("email", "filter", "frequency", "state"))
    for s in rows:
        for x in s.subscriptions:
            writer.writerow(
                (inert(s.email), canonical(x.wish.filter), x.frequency.value, x.state.value)
            )


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

    from aggregator.filters import canonical, describe
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
        f" (about {trial.daily} daily or {trial.weekly} weekly mails)",
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
    with opened() as parts, deed(parts, "suppress", email):
        parts.subscribers.suppress(email, reason, parts.now())
    tell(f"{email}: suppressed ({reason})")


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


def _csv_rows(file: Path) -> list[dict[str, str | None]]:
    try:
        text = read_file(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not in UTF-8: {error}") from error
    reader = csv.DictReader(text.splitlines())
    if "email" not in (reader.fieldnames or ()):
        raise UsageError(f'{file} has no column "email" in its first line')
    return list(reader)
