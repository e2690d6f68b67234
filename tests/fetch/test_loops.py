"""One fetcher outlives the loops that use it, whatever ends in the middle."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import replace

from fetch_portals import (
    CALM,
    Call,
    Portal,
    fetcher,
    new_address,
    ok,
    portal,
    reason_of,
    run,
)

from aggregator.fetch.limits import Limits


def test_one_fetcher_serves_loop_after_loop():
    """A command may run the loop twice with one set of parts."""
    client = fetcher()

    async def scene() -> str:
        async with portal(ok()) as made:
            return await reason_of(client, made.request(ignore_robots=False))

    outcomes = [run(scene()) for _ in range(3)]
    client.close()

    assert outcomes == ["page"] * 3


def test_connections_outlive_a_loop():
    """A worker that runs one loop a task must not shake hands anew with every portal."""
    client = fetcher()
    port, go_on = threading.Event(), threading.Event()
    seen: list[Portal] = []

    async def stand() -> None:
        async with portal(ok()) as made:
            seen.append(made)
            port.set()
            await asyncio.to_thread(go_on.wait, 30)

    server = threading.Thread(target=lambda: run(stand()))
    server.start()
    try:
        assert port.wait(120)
        outcomes = [run(reason_of(client, seen[0].request(f"/{n}"))) for n in range(3)]
        client.close()
    finally:
        go_on.set()
        server.join(30)

    assert outcomes == ["page"] * 3
    assert (seen[0].hits, seen[0].connections) == (3, 1)


def test_a_pause_outlives_a_loop():
    """Nor does a host lose its pause because we began a new task."""
    client = fetcher(delay_seconds=0.4)
    times: list[float] = []
    host = new_address()

    async def scene() -> str:
        async with portal(ok(), host=host) as made:
            reason = await reason_of(client, made.request())
            times.extend(made.times)
            return reason

    outcomes = [run(scene()) for _ in range(2)]
    client.close()

    assert outcomes == ["page"] * 2
    assert times[1] - times[0] > 0.39


def test_a_loop_that_broke_off_in_the_middle_leaves_the_client_usable():
    """A task killed by its time limit leaves exchanges behind that nobody waits for."""
    client = fetcher()

    async def hang(_call: Call) -> None:
        await asyncio.Event().wait()

    async def give_up() -> None:
        async with portal(hang) as made:
            task = asyncio.create_task(reason_of(client, made.request()))
            await made.came.wait()
            task.cancel()

    async def scene() -> str:
        async with portal(ok()) as made:
            return await reason_of(client, made.request())

    run(give_up())
    outcomes = [run(scene()) for _ in range(2)]
    client.close()

    assert outcomes == ["page"] * 2


def test_waiting_for_a_slot_is_not_charged_to_a_fetch():
    """The seconds of a fetch are for its own portal, not for those that were served before it."""

    async def slow(call: Call) -> bytes:
        await asyncio.sleep(0.15)
        return ok(b"", "Location: /there", status="302 Found") if call.target == "/list" else ok()

    async def scene() -> list[str]:
        limits = replace(CALM, in_flight=1, total_seconds=3.0)
        async with contextlib.AsyncExitStack() as stack:
            made = [await stack.enter_async_context(portal(slow)) for _ in range(24)]
            client = fetcher(limits)
            outcomes = await asyncio.gather(*(reason_of(client, one.request()) for one in made))
            client.close()
            return outcomes

    assert run(scene()) == ["page"] * 24


def test_a_cancelled_fetch_leaves_the_client_usable():
    """Batches end by a deadline: what was in flight must free its slot, its host and its line."""

    async def answer(call: Call) -> bytes:
        if call.target.startswith("/slow"):
            await asyncio.Event().wait()
        return ok()

    async def scene() -> tuple[list[bool], str, int]:
        async with portal(answer) as made:
            client = fetcher(Limits(in_flight=2))
            tasks = [asyncio.create_task(client.get(made.request(f"/slow{n}"))) for n in range(4)]
            await made.came.wait()
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            outcome = await reason_of(client, made.request("/quick"))
            client.close()
            return [isinstance(e, asyncio.CancelledError) for e in ended], outcome, made.hits

    assert run(scene()) == ([True] * 4, "page", 2)


def test_a_cancelled_asker_does_not_spoil_robots_for_others():
    """Twenty wait for one robots.txt; the first giving up is nobody else's affair."""

    async def scene() -> list[str]:
        gate = asyncio.Event()

        async def answer(call: Call) -> bytes:
            if call.target == "/robots.txt":
                await gate.wait()
            return ok(b"User-agent: *\nAllow: /\n")

        async with portal(answer) as made:
            client = fetcher(Limits())
            tasks = [
                asyncio.create_task(reason_of(client, made.request(f"/{n}", ignore_robots=False)))
                for n in range(5)
            ]
            await made.came.wait()
            tasks[0].cancel()
            gate.set()
            outcomes = await asyncio.gather(*tasks[1:])
            client.close()
            return outcomes

    assert run(scene()) == ["page"] * 4


def test_closing_in_the_middle_of_an_exchange_is_no_crash():
    """A worker that is told to stop stops."""

    async def scene() -> str:
        async def answer(_call: Call) -> None:
            await asyncio.Event().wait()

        async with portal(answer) as made:
            client = fetcher()
            task = asyncio.create_task(reason_of(client, made.request()))
            await made.came.wait()
            client.close()
            assert await task == "timeout"
        async with portal(ok()) as again:
            outcome = await reason_of(client, again.request())
            client.close()
            return outcome

    assert run(scene()) == "page"
