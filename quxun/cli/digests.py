"""Digests: plan writes rows, preview writes nothing, send plans and delivers now."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from aggregator.deliver import as_bytes
from aggregator.errors import QuxunError, UsageError
from aggregator.flow import digests as flow
from aggregator.flow import mail
from aggregator.model import Frequency
from aggregator.wiring import Parts
from quxun.cli.common import AsJson, answers, opened, say

app = typer.Typer(help="Digests: plan, preview, send.")

Who = Annotated[str | None, typer.Option("--subscriber", help="an address")]
At = Annotated[str | None, typer.Option("--at", help="as if it were this time (ISO 8601)")]


@app.command()
def plan(at: At = None, as_json: AsJson = False) -> None:
    """Plan every run that is due: writes the ledger and the outbox, sends nothing."""
    with opened() as parts:
        planned = _plan(parts, _time(parts, at))
    _tell(as_json, planned=planned)


@app.command()
def preview(
    subscriber: Who = None,
    frequency: Annotated[Frequency, typer.Option("--frequency")] = Frequency.DAILY,
    at: At = None,
    eml: Annotated[Path | None, typer.Option("--eml", help="write the mail to this file")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the digest a subscriber would get; writes nothing to the store."""
    if not subscriber:
        raise UsageError("say whose digest with --subscriber ADDRESS")
    with opened() as parts:
        made = flow.preview(
            parts.subscribers.get(subscriber),
            frequency,
            store=parts.digests,
            env=parts.templates_or_fail(),
            settings=parts.settings,
            now=_time(parts, at),
        )
        if made is None:
            _tell(as_json, subject=None, items=0)
            return
        digest, written = made
        if eml:
            eml.write_bytes(as_bytes(written, parts.now()))
    if as_json:
        say(
            {
                "subject": written.subject,
                "items": len(digest.all_ids),
                "shown": sum(len(group.items) for group in digest.groups),
                "text": written.text,
                "html": written.html,
                "headers": written.headers,
            }
        )
    else:
        answers.print(f"Subject: {written.subject}\n\n{written.text}", markup=False)


@app.command()
def send(subscriber: Who = None, at: At = None, as_json: AsJson = False) -> None:
    """Plan what is due and deliver the outbox now; with --subscriber, theirs at once."""
    with opened() as parts:
        now = _time(parts, at)
        if subscriber:
            planned = flow.plan_for(
                parts.subscribers.get(subscriber),
                store=parts.digests,
                env=parts.templates_or_fail(),
                settings=parts.settings,
                now=now,
            )
        else:
            planned = _plan(parts, now)
        deliveries = mail.deliver_all(store=parts.outbox, mailer=parts.mailer, clock=parts.now)
    states: dict[str, int] = {}
    for one in deliveries:
        states[one.state.value] = states.get(one.state.value, 0) + 1
    _tell(as_json, planned=planned, **states)
    if states.get("failed"):
        raise QuxunError('some mails were refused for good; see "quxun stats"')


def _plan(parts: Parts, now: datetime) -> int:
    return flow.plan_due(
        store=parts.digests, env=parts.templates_or_fail(), settings=parts.settings, now=now
    )


def _time(parts: Parts, at: str | None) -> datetime:
    if at is None:
        return parts.now()
    try:
        read = datetime.fromisoformat(at)
    except ValueError as error:
        raise UsageError(
            f"--at must be ISO 8601, such as 2026-11-26T08:30+08:00, not {at!r}"
        ) from error
    if read.tzinfo is None:
        raise UsageError(f"--at needs an offset, such as {at}+08:00")
    return read


def _tell(as_json: bool, **figures: object) -> None:
    if as_json:
        say(figures)
    else:
        answers.print(", ".join(f"{key} {value}" for key, value in figures.items()), markup=False)
