"""Channels: add, list, test, pause, resume, remove."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.errors import QuxunError
from aggregator.model import Frequency
from quxun.cli.common import AsJson, deed, opened, read_filter, say, show_table, tell

if TYPE_CHECKING:
    from aggregator.channels import Channel
    from aggregator.wiring import Parts

app = typer.Typer(
    help="Channels: digests in a chat: add, list, test, pause, resume, remove.",
    no_args_is_help=True,
)

Ref = Annotated[str, typer.Argument(metavar="CHANNEL", help="its id")]


@app.command()
def add(
    subscriber: Annotated[
        str, typer.Argument(metavar="SUBSCRIBER", help="whose it is: a confirmed address")
    ],
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL", help="the robot's address (docs/channels.md); - reads it from stdin"
        ),
    ],
    frequency: Annotated[
        Frequency, typer.Option("--frequency", help="how often a message comes")
    ] = Frequency.DAILY,
    filter_query: Annotated[
        str,
        typer.Option(
            "--filter",
            metavar="QUERY",
            help="what goes there, such as region=500116&kind=policy; empty means everything",
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Let a subscriber's digests go to a chat, too; nothing is sent yet (see "test")."""
    from aggregator.flow import channels as flow

    wanted = read_filter(filter_query)
    address = sys.stdin.readline() if url == "-" else url
    with opened() as parts:
        owner = parts.subscribers.get(subscriber)
        with deed(parts, "channel added", f"of subscriber {owner.id}"):
            channel = flow.add(owner, address, [wanted], frequency, post=parts.post)
        answer = _answer(channel, parts)
    if as_json:
        say(answer)
    else:
        tell(f"channel {channel.id} to {channel.robot.shown}: added, {frequency.value}")


@app.command("list")
def list_channels(
    subscriber: Annotated[
        str | None, typer.Argument(metavar="SUBSCRIBER", help="only theirs")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List channels, what goes there, and what is wrong; addresses are masked."""
    with opened() as parts:
        owner = parts.subscribers.get(subscriber).id if subscriber else None
        found = parts.channels.list(owner)
        answers = [_answer(one, parts) for one in found]
        wishes = [_said(one, parts) for one in found]
    if as_json:
        say(answers)
        return
    show_table(
        f"{len(answers)} channels",
        ("id", "owner", "address", "state", "wishes", "last taken", "problem"),
        [
            (
                one["id"], one["owner"], one["address"], one["state"], said,
                one["taken_at"] or "never", one["problem"],
            )
            for one, said in zip(answers, wishes, strict=True)
        ],
    )  # fmt: skip


@app.command()
def test(channel: Ref, as_json: AsJson = False) -> None:
    """Send a test message now; a dead channel that takes it goes on. Exit 1 when it does not."""
    from aggregator.channels import Outcome
    from aggregator.flow import channels as flow

    with opened() as parts:
        one = parts.channels.get(channel)
        verdict = parts.run(flow.test(one, post=parts.post))
        parts.bell.ring("push.channels")
    if as_json:
        say({"id": one.id, "outcome": verdict.outcome.value, "answer": verdict.words})
    else:
        tell(f"channel {one.id}: {verdict.words}")
    if verdict.outcome is not Outcome.TAKEN:
        raise QuxunError(f"{one.robot.shown} did not take it: {verdict.words}")


@app.command()
def pause(channel: Ref) -> None:
    """Send nothing there; what is announced meanwhile is owed when it goes on."""
    from aggregator.channels import ChannelState

    with opened() as parts:
        one = parts.channels.get(channel)
        with deed(parts, "channel paused", f"channel {one.id}"):
            parts.channels.set_state(one.id, ChannelState.PAUSED, parts.now())
    tell(f"channel {one.id}: paused")


@app.command()
def resume(channel: Ref) -> None:
    """Send there again, what was missed included, up to 35 days back."""
    from aggregator.channels import ChannelState

    with opened() as parts:
        one = parts.channels.get(channel)
        with deed(parts, "channel resumed", f"channel {one.id}"):
            parts.channels.set_state(one.id, ChannelState.ACTIVE, parts.now())
        parts.bell.ring("push.channels")
    tell(f"channel {one.id}: goes on")


@app.command()
def remove(channel: Ref) -> None:
    """Forget it, its address, and what was sent there."""
    with opened() as parts:
        one = parts.channels.get(channel)
        with deed(parts, "channel removed", f"channel {one.id}"):
            parts.channels.remove(one.id)
    tell(f"channel {one.id} to {one.robot.shown}: removed")


def _said(one: Channel, parts: Parts) -> str:
    from aggregator.filters import describe
    from aggregator.flow import channels as flow

    return "; ".join(
        f"{frequency.value}: {describe(wish, 'en')}"
        for frequency, wish in flow.wishes_of(one, post=parts.post)
    )


def _answer(one: Channel, parts: Parts) -> dict[str, object]:
    """A channel as printed; never its whole address."""
    from aggregator.filters import canonical
    from aggregator.flow import channels as flow

    return {
        "id": one.id,
        "owner": parts.subscribers.get(int(one.owner_id)).email,
        "service": one.robot.service.value,
        "address": one.robot.shown,
        "state": one.state.value,
        "problem": one.problem,
        "taken_at": one.taken_at.isoformat() if one.taken_at else None,
        "failing_since": one.failing_since.isoformat() if one.failing_since else None,
        "wishes": [
            {"frequency": frequency.value, "filter": canonical(wish)}
            for frequency, wish in flow.wishes_of(one, post=parts.post)
        ],
    }
