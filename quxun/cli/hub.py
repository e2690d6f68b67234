"""The WebSub hub: who follows our feeds, and ending it."""

from __future__ import annotations

from typing import Annotated

import typer

from aggregator.errors import NotFoundError
from quxun.cli.common import AsJson, deed, opened, say, show_table, tell

app = typer.Typer(help="The WebSub hub: list and drop followers.", no_args_is_help=True)


@app.command("list")
def list_followers(as_json: AsJson = False) -> None:
    """List who follows which feed, how it goes, and who ended lately with the reason."""
    with opened() as parts:
        found = parts.hub.followers()
    if as_json:
        say([{name: _plain(value) for name, value in row.items()} for row in found])
        return
    show_table(
        f"{sum(row['ended_at'] is None for row in found)} followers",
        ("id", "topic", "callback", "until", "sent", "failing since", "last answer", "ended"),
        [
            (
                row["id"], row["topic"], row["callback"], f"{row['expires_at']:%Y-%m-%d}",
                row["sent_at"] and f"{row['sent_at']:%Y-%m-%d %H:%M}",
                row["failing_since"] and f"{row['failing_since']:%Y-%m-%d %H:%M}",
                (row["last_answer"] or "")[:60], row["why"],
            )
            for row in found
        ],
    )  # fmt: skip


@app.command()
def drop(
    follower: Annotated[int, typer.Argument(metavar="ID", help='as "quxun hub list" prints it')],
    reason: Annotated[str, typer.Option(help="what it is told")] = "ended by the operator",
) -> None:
    """End a follower; its callback is told so, with the reason."""
    with opened() as parts:
        with deed(parts, "follower dropped", f"follower {follower}"):
            done = parts.hub.drop(follower, reason, parts.now())
        if not done:
            raise NotFoundError(f'no follower {follower}; "quxun hub list" shows them')
        parts.bell.ring("push.verify")
    tell(f"follower {follower}: dropped ({reason})")


def _plain(value: object) -> object:
    return value.isoformat() if hasattr(value, "isoformat") else value
