"""Digests: plan writes rows, preview writes nothing, send plans and delivers now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.errors import QuxunError, UsageError
from aggregator.model import Frequency, SubscriptionState
from quxun.cli import runs
from quxun.cli.common import AsJson, deed, opened, say, tell

if TYPE_CHECKING:
    from aggregator.model import Digest, Mail
    from aggregator.wiring import Parts

app = typer.Typer(help="Digests: plan, preview, send; runs and their mails.", no_args_is_help=True)

Who = Annotated[
    str | None, typer.Option("--subscriber", metavar="EMAIL", help="only for this subscriber")
]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="as if it were this time: 2026-11-26T08:30+08:00"),
]
Eml = Annotated[
    Path | None,
    typer.Option("--eml", metavar="FILE", help="write the subscriber's mail to this file too"),
]


@app.command()
def plan(subscriber: Who = None, at: At = None, eml: Eml = None, as_json: AsJson = False) -> None:
    """Plan every run that is due: writes the ledger and the outbox, sends nothing.

    With --subscriber: what this one is owed, at once, whether a run is due or not.
    """
    with opened() as parts:
        planned, fault = _plan(parts, at, subscriber, eml)
    _tell(as_json, planned=planned)
    if fault:
        raise fault


@app.command()
def preview(
    subscriber: Who = None,
    frequency: Annotated[
        Frequency | None,
        typer.Option("--frequency", help="which digest; the first that has something if not given"),
    ] = None,
    at: At = None,
    eml: Eml = None,
    as_json: AsJson = False,
) -> None:
    """Show the digest a subscriber would get; writes nothing to the store."""
    if not subscriber:
        raise UsageError("say whose digest with --subscriber EMAIL")
    with opened() as parts:
        made = _previews(parts, subscriber, _time(parts, at), frequency)
        if eml and made:
            _write(eml, [made[0][1]], parts.now())
    if not made:
        if as_json:
            say({"subject": None, "items": 0})
        else:
            tell(f"nothing new for {subscriber}: no mail would go out")
        return
    digest, written = made[0]
    if as_json:
        say(
            {
                "subject": written.subject,
                "items": digest.total,
                "shown": sum(len(group.items) for group in digest.groups),
                "text": written.text,
                "html": written.html,
                "headers": written.headers,
            }
        )
    else:
        tell(f"Subject: {written.subject}\n\n{written.text}")


@app.command()
def send(subscriber: Who = None, at: At = None, eml: Eml = None, as_json: AsJson = False) -> None:
    """Plan what is due and deliver the outbox now; with --subscriber, theirs at once."""
    from aggregator.flow import mail

    with opened() as parts:
        planned, fault = _plan(parts, at, subscriber, eml)
        with deed(parts, "send", "what waits"):
            _print_anew(parts)
            tally = mail.deliver_all(
                store=parts.outbox, mailer=parts.mailer, clock=parts.now, sent=parts.sent
            )
    states = {state.value: count for state, count in tally.states.items()}
    _tell(as_json, planned=planned, **states)
    if fault:
        raise fault
    if states.get("failed"):
        raise QuxunError('some mails were refused for good; see "quxun stats"')
    if states and not states.get("sent"):
        raise QuxunError(
            f"no mail left ({tally.problem}); they stay in the outbox and are tried again"
        )


def _print_anew(parts: Parts) -> None:
    """Have nothing in waiting mails that was withdrawn since, as the workers do."""
    from aggregator.flow import reprints

    reprints.reprint(
        store=parts.digests,
        alarms=parts.alarms,
        env=parts.templates_or_fail(),
        settings=parts.settings,
        now=parts.now(),
    )


def _plan(
    parts: Parts, at: str | None, subscriber: str | None, eml: Path | None
) -> tuple[int, QuxunError | None]:
    """How many mails were planned, and what to say of one reader who could not be."""
    from aggregator.flow import digests as flow

    now = _time(parts, at)
    if subscriber is None:
        now = _not_ahead(parts, now, at)
    _print_anew(parts)  # first, or a later mail takes it over as something that was told
    if subscriber is None:
        if eml:
            raise UsageError(
                "--eml writes one subscriber's mail; say whose with --subscriber EMAIL"
            )
        with deed(parts, "plan", "what is due"):
            planned = flow.plan_due(
                store=parts.digests,
                env=parts.templates_or_fail(),
                settings=parts.settings,
                now=now,
            )
        return planned, None
    if eml:
        _write(eml, [mail for _, mail in _previews(parts, subscriber, now, None)], parts.now())
    who = parts.subscribers.get(subscriber)
    with deed(parts, "plan", f"for subscriber {who.id}"):
        planned, missed = flow.plan_for(
            who,
            store=parts.digests,
            env=parts.templates_or_fail(),
            settings=parts.settings,
            now=now,
        )
    if not missed:
        return planned, None
    return planned, QuxunError(
        f"the {', '.join(missed)} digest of {subscriber} could not be planned; the log above says"
        " why (digest not planned, digest not rendered). What they are owed stays owed"
    )


def _previews(
    parts: Parts, subscriber: str, now: datetime, frequency: Frequency | None
) -> list[tuple[Digest, Mail]]:
    """What a subscriber would get now: of one frequency, or of all that they have."""
    from aggregator.flow import digests as flow

    who = parts.subscribers.get(subscriber)
    mine = {x.frequency for x in who.subscriptions if x.state is SubscriptionState.ACTIVE}
    if frequency and frequency not in mine:
        raise UsageError(
            f"{subscriber} has no {frequency.value} wish that goes on;"
            f' "quxun subscribers show {subscriber}" shows what they have'
        )
    made = [
        flow.preview(
            who,
            one,
            store=parts.digests,
            env=parts.templates_or_fail(),
            settings=parts.settings,
            now=now,
        )
        for one in Frequency
        if one is frequency or (frequency is None and one in mine)
    ]
    return [one for one in made if one is not None]


def _write(path: Path, mails: Sequence[Mail], now: datetime) -> None:
    """Write the mail to the file; the second one beside it, and so on."""
    from aggregator.deliver import as_bytes

    for number, mail in enumerate(mails, 1):
        target = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        try:
            target.write_bytes(as_bytes(mail, now))
        except OSError as error:
            raise QuxunError(f"{target} cannot be written: {error.strerror}") from error


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
        raise UsageError(f"--at needs an offset, such as {read:%Y-%m-%dT%H:%M}+08:00")
    return read


def _not_ahead(parts: Parts, asked: datetime, at: str | None) -> datetime:
    """The time that everybody's runs are planned for: none that is still to come, for what was
    planned is not planned again when its time comes.
    """
    latest = parts.time_of_runs()
    if at is not None and asked > latest:
        raise UsageError(
            f"--at {at} is still to come: its runs would be taken from everybody. Look ahead with"
            ' "quxun digest preview --subscriber EMAIL --at TIME"'
        )
    return min(asked, latest)


def _tell(as_json: bool, **figures: object) -> None:
    if as_json:
        say(figures)
    else:
        tell(", ".join(f"{key} {value}" for key, value in figures.items()))


runs.register(app)
