"""Addresses that get no mail: list, add, remove, export."""

from __future__ import annotations

import csv
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from quxun.cli.common import AsJson, deed, inert, opened, say, show_table, tell

if TYPE_CHECKING:
    from aggregator.model import Suppression

app = typer.Typer(
    help="Addresses that get no mail, and why: list, add, remove, export.", no_args_is_help=True
)

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="the address")]
Lifted = Annotated[
    bool, typer.Option("--lifted", help="those that were taken back, instead of those that hold")
]


@app.command("list")
def list_suppressions(lifted: Lifted = False, as_json: AsJson = False) -> None:
    """List the addresses that get no mail, newest first."""
    with opened() as parts:
        rows = parts.suppressions.list(lifted=lifted)
    if as_json:
        say([answer(one) for one in rows])
        return
    show_table(
        f"{len(rows)} addresses {'got no mail for a while' if lifted else 'get no mail'}",
        ("email", "kind", "reason", "since", "evidence", *(("lifted", "by") if lifted else ())),
        [
            (
                one.email_key, one.kind.value, one.reason, f"{one.at:%Y-%m-%d %H:%M} UTC",
                one.evidence,
                *((f"{one.lifted_at:%Y-%m-%d %H:%M} UTC", one.lifted_by) if lifted else ()),
            )
            for one in rows
        ],
    )  # fmt: skip


@app.command()
def add(
    email: Email,
    reason: Annotated[str, typer.Option(help="why no mail goes there")] = "operator",
) -> None:
    """Send no mail to an address any more; only you can take that back."""
    from aggregator.notify import check_address

    address = check_address(email)
    with opened() as parts, deed(parts, "suppress", address):
        done = parts.suppressions.add(address, reason, parts.now())
    tell(f"{address}: {'gets no mail' if done else 'got none already, after a complaint'}")


@app.command()
def remove(
    email: Email,
    by: Annotated[
        str, typer.Option("--by", help="who takes it back, for the history")
    ] = "operator",
) -> None:
    """Let mail go to an address again, whatever the reason was; the history keeps it.

    What a complaint ended stays ended: the person must subscribe again.
    """
    with opened() as parts, deed(parts, "lift", email, by=by):
        done = parts.suppressions.remove(email, parts.now(), by=by)
    tell(
        f"{done.email_key}: gets mail again; it was held back since {done.at:%Y-%m-%d}: {done.reason}"
    )


@app.command()
def export(lifted: Lifted = False) -> None:
    """Print them as CSV; no cell is a formula for a spreadsheet."""
    with opened() as parts:
        rows = parts.suppressions.list(lifted=lifted)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    columns = list(answer(rows[0])) if rows else ["email", "kind", "reason", "evidence", "at"]
    writer.writerow(columns)
    for one in rows:
        writer.writerow(inert(str(cell or "")) for cell in answer(one).values())


def answer(one: Suppression) -> dict[str, str | None]:
    """A suppression as printed."""
    shown: dict[str, str | None] = {
        "email": one.email_key,
        "kind": one.kind.value,
        "reason": one.reason,
        "evidence": one.evidence,
        "at": one.at.isoformat(),
    }
    if one.lifted_at is None:
        return {**shown, "tried_at": one.tried_at.isoformat() if one.tried_at else None}
    return {**shown, "lifted_at": one.lifted_at.isoformat(), "lifted_by": one.lifted_by}
