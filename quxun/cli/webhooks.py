"""Webhooks: add, list, show, pause, resume, remove, test, redeliver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.errors import QuxunError, UsageError
from quxun.cli.common import AsJson, deed, opened, read_filter, say, show_table, tell

if TYPE_CHECKING:
    from aggregator.push import HookDelivery, Webhook

app = typer.Typer(
    help="Webhooks: add, list, show, pause, resume, remove, test, redeliver.",
    no_args_is_help=True,
)

Ref = Annotated[str, typer.Argument(metavar="WEBHOOK", help="its id or its address")]


@app.command()
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="what is to be called")],
    filter_query: Annotated[
        str,
        typer.Option(
            "--filter",
            metavar="QUERY",
            help="what it is told of, such as region=500116&kind=policy; empty means everything",
        ),
    ] = "",
    secret: Annotated[
        str,
        typer.Option(help="whsec_ and base64 of 24 to 64 bytes; made and shown when not given"),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Add a webhook: it is told of every change from now on. The secret is shown this once."""
    from aggregator.filters import canonical
    from aggregator.flow import webhooks as flow

    query = canonical(read_filter(filter_query))
    key = flow.check_secret(secret) if secret else flow.new_secret()
    with opened() as parts:
        address, host = parts.courier.check(url)
        with deed(parts, "webhook added", f"at {host}"):
            hook = parts.webhooks.add(
                address, query, key, cursor=parts.journal.last(), now=parts.now()
            )
    if as_json:
        say({**_answer(hook), "secret": key})
    else:
        tell(f"webhook {hook.id} to {hook.url}: added")
        tell(f"secret: {key}")


@app.command("list")
def list_webhooks(as_json: AsJson = False) -> None:
    """List the webhooks and how far each was told."""
    with opened() as parts:
        hooks, last = parts.webhooks.list(), parts.journal.last()
    if as_json:
        say([{**_answer(one), "behind": max(last - one.cursor, 0)} for one in hooks])
        return
    show_table(
        f"{len(hooks)} webhooks, the last change is {last}",
        ("id", "url", "filter", "state", "told to", "failing since", "problem"),
        [
            (
                one.id, one.url, one.query or "everything", one.state.value, one.cursor,
                one.failing_since and f"{one.failing_since:%Y-%m-%d %H:%M}", one.problem,
            )
            for one in hooks
        ],
    )  # fmt: skip


@app.command()
def show(
    webhook: Ref,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="calls of the log")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show a webhook and its last calls: when, which changes, status, how long, the answer."""
    with opened() as parts:
        hook = parts.webhooks.get(webhook)
        calls = parts.webhooks.deliveries(hook.id, limit=limit)
    if as_json:
        say({**_answer(hook), "deliveries": [_call(one) for one in calls]})
        return
    for key, value in _answer(hook).items():
        tell(f"{key}: {value}")
    show_table(
        f"the last {len(calls)} calls",
        ("at", "id", "try", "events", "status", "ms", "answer"),
        [
            (
                f"{one.at:%Y-%m-%d %H:%M:%S}", one.message_id, one.attempt, one.events,
                one.status or "none", one.took_ms, one.answer[:100],
            )
            for one in calls
        ],
    )  # fmt: skip


@app.command()
def pause(webhook: Ref) -> None:
    """Call it no more; it keeps its place."""
    from aggregator.push import HookState

    with opened() as parts:
        hook = parts.webhooks.get(webhook)
        with deed(parts, "webhook paused", f"webhook {hook.id}"):
            parts.webhooks.set_state(hook.id, HookState.PAUSED, parts.now())
    tell(f"webhook {hook.id}: paused after change {hook.cursor}")


@app.command()
def resume(webhook: Ref) -> None:
    """Call it again, from where it stands; nothing is skipped."""
    from aggregator.push import HookState

    with opened() as parts:
        hook = parts.webhooks.get(webhook)
        with deed(parts, "webhook resumed", f"webhook {hook.id}"):
            parts.webhooks.set_state(hook.id, HookState.ACTIVE, parts.now())
        parts.bell.ring("push.deliver")
    tell(f"webhook {hook.id}: goes on after change {hook.cursor}")


@app.command()
def remove(webhook: Ref) -> None:
    """Forget it and its log."""
    with opened() as parts:
        hook = parts.webhooks.get(webhook)
        with deed(parts, "webhook removed", f"webhook {hook.id}"):
            parts.webhooks.remove(hook.id)
    tell(f"webhook {hook.id} to {hook.url}: removed")


@app.command()
def test(webhook: Ref, as_json: AsJson = False) -> None:
    """Call it now with an event of type "test"; exit 1 when it does not take it."""
    from aggregator.flow import webhooks as flow

    with opened() as parts:
        hook = parts.webhooks.get(webhook)
        call = parts.run(
            flow.test(hook, store=parts.webhooks, caller=parts.courier, clock=parts.now)
        )
    if as_json:
        say(_call(call))
    else:
        tell(f"webhook {hook.id}: {call.answer} in {call.took_ms} ms")
    if not 200 <= call.status < 300:  # noqa: PLR2004  # RFC 9110 §15.3
        raise QuxunError(f"{hook.url} did not take it: {call.answer}")


@app.command()
def redeliver(
    webhook: Ref,
    since: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="CHANGE",
            help="send everything after this change again; without it, what was sent last",
        ),
    ] = None,
) -> None:
    """Send again what was sent, in the order of changes, and go on from there."""
    with opened() as parts:
        hook = parts.webhooks.get(webhook)
        if since is None:
            last = next((one for one in parts.webhooks.deliveries(hook.id, limit=1000)
                         if one.last), None)  # fmt: skip
            if last is None:
                raise QuxunError(f"webhook {hook.id} was sent nothing yet; give --since CHANGE")
            since = last.first - 1
        if since > hook.cursor:
            raise UsageError(f"--since {since} is not sent yet: it stands at change {hook.cursor}")
        with deed(parts, "webhook sent again", f"webhook {hook.id} after change {since}"):
            parts.webhooks.rewind(hook.id, since, parts.now())
        parts.bell.ring("push.deliver")
    tell(f"webhook {hook.id}: everything after change {since} is sent again")


def _answer(one: Webhook) -> dict[str, object]:
    """A webhook as printed, without its secret."""
    return {
        "id": one.id,
        "url": one.url,
        "filter": one.query,
        "state": one.state.value,
        "created_at": one.created_at.isoformat(),
        "cursor": one.cursor,
        "failing_since": one.failing_since.isoformat() if one.failing_since else None,
        "next_call_at": one.due_at.isoformat() if one.due_at and one.failing_since else None,
        "problem": one.problem,
    }


def _call(one: HookDelivery) -> dict[str, object]:
    return {
        "id": one.message_id,
        "at": one.at.isoformat(),
        "attempt": one.attempt,
        "events": one.events,
        "first_change": one.first,
        "last_change": one.last,
        "status": one.status or None,
        "took_ms": one.took_ms,
        "answer": one.answer,
    }
