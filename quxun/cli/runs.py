"""Runs and their mails: what became of them, holding them back, sending one again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.errors import QuxunError
from aggregator.model import Frequency, MailId, MailState, RunId
from quxun.cli.common import AsJson, opened, say, show_table, tell

if TYPE_CHECKING:
    from aggregator.store.runs import RunRow

#: Whose deed it is in the audit.
WHO = "command"

Number = Annotated[int, typer.Argument(metavar="RUN", help='as "quxun digest runs" prints it')]
MaybeNumber = Annotated[
    int | None, typer.Argument(metavar="[RUN]", help="one run; all mail of runs when not given")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (runs, run, hold, release, resend, dismiss):
        app.command(command.__name__)(command)


def runs(
    frequency: Annotated[
        Frequency | None, typer.Option("--frequency", help="only runs of this one")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="those without a mail, too")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="how many")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the last runs: how many mails each has, and where those are that did not leave."""
    with opened() as parts:
        found = parts.runs.runs(frequency=frequency, empty=all_, limit=limit)
        hold = parts.holds.held()
    if as_json:
        say([_plain(row, "not_sent") for row in found])
        return
    show_table(
        "runs" + (f"; ALL MAIL IS HELD since {hold.at:%Y-%m-%d %H:%M} UTC" if hold else ""),
        ("id", "frequency", "due", "planned", "mails", "not sent", "held"),
        [
            (
                row.id,
                row.frequency.value,
                f"{row.due_at:%Y-%m-%d %H:%M}",
                row.planned_at and f"{row.planned_at:%Y-%m-%d %H:%M}",
                f"{row.mails:,}",
                ", ".join(f"{state} {count:,}" for state, count in row.rest.items()),
                row.held,
            )
            for row in found
        ],
    )


def run(
    run_id: Number,
    state: Annotated[
        MailState | None, typer.Option("--state", help="list its mails in this state")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="mails listed")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show one run by domain, and those of its mails that did not leave."""
    with opened() as parts:
        one = parts.runs.run(RunId(run_id))
        domains = parts.runs.domains(one.id, parts.now())
        states = [state.value] if state else [name for name in one.rest if name != "merged"]
        mails = [
            mail
            for name in states
            for mail in parts.runs.mails(run_id=one.id, state=name, limit=limit)
        ][:limit]
    if as_json:
        listed = [
            {
                "mail": mail.id, "to": mail.to, "state": mail.state, "attempts": mail.attempts,
                "resends": mail.resends, "answer": mail.answer,
                "next_try": mail.due_at.isoformat()
                if mail.due_at and mail.state in ("queued", "deferred") else None,
                "sent_at": mail.sent_at and mail.sent_at.isoformat(),
                "message_id": mail.message_id,
            }
            for mail in mails
        ]  # fmt: skip
        by_domain = [
            {
                "domain": row.domain,
                "states": dict(row.states),
                "next_try": row.next_try_at and row.next_try_at.isoformat(),
                "answer": row.answer,
                "pace": row.pace,
            }
            for row in domains
        ]
        say({**_plain(one), "domains": by_domain, "listed": listed})
        return
    tell(_in_words(one))
    show_table(
        "by domain",
        ("domain", "mails", "sent", "not sent", "next try", "pace", "answer"),
        [
            (
                row.domain, f"{row.mails:,}", f"{row.states.get('sent', 0):,}",
                ", ".join(f"{k} {v:,}" for k, v in row.states.items() if k != "sent"),
                row.next_try_at and f"{row.next_try_at:%Y-%m-%d %H:%M}", row.pace, row.answer,
            )
            for row in domains
        ],
    )  # fmt: skip
    if mails:
        show_table(
            f"mails {state}" if state else "mails that did not leave",
            ("id", "to", "state", "attempts", "answer"),
            [(mail.id, mail.to, mail.state, mail.attempts, mail.answer) for mail in mails],
        )


def hold(
    run_id: MaybeNumber = None,
    why: Annotated[
        str, typer.Option("--why", help="shown wherever the hold is")
    ] = "held by command",
) -> None:
    """Hold back all mail of runs, or one run's; planning and confirmations go on."""
    with opened() as parts:
        was = None
        if run_id is not None:
            was = parts.holds.hold_run(RunId(run_id), why, who=WHO, now=parts.now())
        elif not parts.holds.hold_all(why, who=WHO, now=parts.now()):
            hold = parts.holds.held()
            was = f"{hold.why}, since {hold.at:%Y-%m-%d %H:%M} UTC" if hold else "until just now"
    what = "all mail of runs is" if run_id is None else f"run {run_id} is"
    if was is not None:
        tell(f"{what} held already ({was}); nothing was changed")
        return
    tell(f'{what} held ({why}); "quxun digest release{_tail(run_id)}" lets it go')


def release(run_id: MaybeNumber = None) -> None:
    """Let held mail go again."""
    with opened() as parts:
        if run_id is None:
            done = parts.holds.release_all(who=WHO, now=parts.now())
        else:
            parts.runs.run(RunId(run_id))  # one that is not there is told
            done = parts.holds.release_run(RunId(run_id), who=WHO, now=parts.now())
        still = parts.holds.held_runs()
        parts.bell.ring("mail.deliver")
    what = "all mail" if run_id is None else f"run {run_id}"
    tell(f"{what}: {'released' if done else 'was not held'}")
    if run_id is None and still:
        tell("still held on their own: " + ", ".join(f"run {one}" for one in still))


def resend(
    mail_id: Annotated[int, typer.Argument(metavar="MAIL", help="its number")],
    again: Annotated[
        bool, typer.Option("--again", help="even though it was sent: a second copy")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Queue one mail again, under its own Message-ID; one that waits is tried now."""
    from aggregator.errors import ConflictError

    with opened() as parts:
        try:
            row = parts.runs.resend(MailId(mail_id), again=again, who=WHO, now=parts.now())
        except ConflictError as error:
            english = str(error).rpartition(" · ")[2]
            # On the page a second press is asked for.
            english = english.replace("say it again to send", "--again sends")
            raise QuxunError(english) from error
        parts.bell.ring("mail.deliver")
        parts.bell.ring("push.channels")
    if as_json:
        say({"mail": row.id, "state": row.state, "resends": row.resends})
    else:
        often = "once" if row.resends == 1 else f"{row.resends} times"
        sent = f"resent {often}" if row.resends else "tried now, no copy of it left yet"
        tell(f"mail {row.id} to {row.to}: {row.state}, {sent}, {row.message_id}")


def dismiss(
    mail_id: Annotated[int, typer.Argument(metavar="MAIL", help="its number")],
) -> None:
    """Leave one mail as it is that waits for you: in doubt twice, given up, refused by a chat."""
    from aggregator.errors import ConflictError

    with opened() as parts:
        try:
            parts.unsettled.dismiss(MailId(mail_id), who=WHO, now=parts.now())
        except ConflictError as error:
            raise QuxunError(str(error).rpartition(" · ")[2]) from error
    tell(f"mail {mail_id}: dismissed; it stays as it is")


def _plain(row: RunRow, states: str = "states") -> dict[str, object]:
    return {
        "run": row.id,
        "frequency": row.frequency.value,
        "due_at": row.due_at.isoformat(),
        "planned_at": row.planned_at and row.planned_at.isoformat(),
        "held": row.held,
        "people_due": row.people_due,
        "people_planned": row.people_planned,
        "people_without": row.people_without,
        "mails": row.mails,
        states: dict(row.states),
    }


def _in_words(one: RunRow) -> str:
    planned = f"planned {one.planned_at:%Y-%m-%d %H:%M}" if one.planned_at else "NOT PLANNED"
    people = (
        f"; {one.people_due:,} subscribers due, {one.people_planned:,} planned,"
        f" {one.people_without:,} with nothing new"
        if one.people_due is not None
        else ""
    )
    rest = ", ".join(f"{state} {count:,}" for state, count in one.rest.items())
    held = f"; HELD: {one.held}" if one.held else ""
    return (
        f"run {one.id}: {one.frequency.value}, due {one.due_at:%Y-%m-%d %H:%M} UTC, {planned}"
        f"{people}; {one.mails:,} mails, {one.sent:,} sent{', ' + rest if rest else ''}{held}"
    )


def _tail(run_id: int | None) -> str:
    return "" if run_id is None else f" {run_id}"
