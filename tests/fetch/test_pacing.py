"""One queue a host for all workers (DESIGN "One number each"), kept in the database."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from fetch_portals import NOW, fetcher, ok, portal, reason_of, run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from aggregator import store
from aggregator.fetch import SharedPace
from aggregator.settings import Settings
from aggregator.wiring import Parts

WANTS = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from([0.0, 0.5, 2.0, 7.0])))


def test_a_host_has_one_queue(engine):
    """Whoever asks next comes after those before, and a host at rest is free at once."""
    hosts = store.Hosts(engine)

    assert hosts.reserve([("a", 2.0), ("b", 2.0), ("a", 3.0), ("a", 2.0)], NOW) == [0, 0, 2, 5]
    assert hosts.reserve([("a", 2.0), ("b", 1.0)], NOW + timedelta(seconds=1)) == [6, 1]
    assert hosts.reserve([("a", 2.0)], NOW + timedelta(days=1)) == [0]
    assert hosts.reserve([], NOW) == []


@given(calls=st.lists(st.tuples(st.integers(0, 20), WANTS), max_size=6))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_turns_at_a_host_never_overlap(engine, calls):
    """The law of the queue, whatever is asked for in whatever company."""
    hosts = store.Hosts(engine)
    with engine.begin() as connection:
        connection.execute(text("delete from hosts"))
    turns: dict[str, list[tuple[float, float]]] = {}

    for seconds, wants in sorted(calls, key=lambda call: call[0]):
        waits = hosts.reserve(wants, NOW + timedelta(seconds=seconds))
        for (host, delay), wait in zip(wants, waits, strict=True):
            turns.setdefault(host, []).append((seconds + wait, delay))

    for queue in turns.values():
        for (start, delay), (following, _) in itertools.pairwise(queue):
            assert following >= start + delay - 1e-6


def test_workers_asking_at_once_get_different_turns(engine):
    """Two workers must not both hear "now"; nor lock each other out in a ring."""
    hosts = store.Hosts(engine)
    names = ["a", "b", "c", "d"]

    def ask(n: int) -> list[tuple[str, float]]:
        wants = [(name, 1.0) for name in (names if n % 2 else reversed(names))]
        return list(zip((w[0] for w in wants), hosts.reserve(wants, NOW), strict=True))

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(40)))

    for name in names:
        turns = sorted(wait for answer in answers for host, wait in answer if host == name)
        assert turns == pytest.approx(range(40))


def test_two_workers_keep_one_pause(engine):
    """Two fetchers in two threads, one portal: its log shows one polite visitor."""
    hosts = store.Hosts(engine)
    delay, each = 0.12, 5

    def clock() -> datetime:
        return datetime.fromtimestamp(time.clock_gettime(time.CLOCK_REALTIME), UTC)

    async def work(requests, together: threading.Barrier) -> list[str]:
        client = fetcher(
            delay_seconds=delay, pacer=SharedPace(lambda wants: hosts.reserve(wants, clock()))
        )
        await asyncio.to_thread(together.wait)
        outcomes = await asyncio.gather(*(reason_of(client, request) for request in requests))
        client.close()
        return outcomes

    async def scene():
        async with portal(ok()) as made:
            together = threading.Barrier(2)
            halves = [[made.request(f"/{w}-{n}") for n in range(each)] for w in range(2)]
            outcomes = await asyncio.gather(
                *(
                    asyncio.to_thread(lambda half=half: asyncio.run(work(half, together)))
                    for half in halves
                )
            )
            return made, outcomes

    made, outcomes = run(scene())
    pauses = [b - a for a, b in itertools.pairwise(made.times)]

    assert outcomes == [["page"] * each] * 2
    assert len(pauses) == 2 * each - 1
    assert made.times[-1] - made.times[0] >= delay * (2 * each - 1) * 0.8
    assert sum(pause > delay / 2 for pause in pauses) >= each
    targets = [call.target[1] for call in made.calls]
    assert targets != sorted(targets)


def test_a_hundred_requests_ask_once(engine):
    """Turns are asked for together: no query per source."""
    hosts, asked = store.Hosts(engine), []
    event.listen(engine, "before_cursor_execute", lambda *a: asked.append(a[2]))

    async def scene() -> list[float]:
        pace = SharedPace(lambda wants: hosts.reserve(wants, NOW))
        return await asyncio.gather(*(pace((f"host-{n % 50}", 2.0)) for n in range(100)))

    waits = run(scene())

    assert sorted(waits) == [0.0] * 50 + [2.0] * 50
    assert sum("insert into hosts" in one for one in asked) == 1


def test_a_pace_serves_loop_after_loop():
    """A loop that ended in the middle of a question must not silence the next."""
    pace = SharedPace(lambda wants: [0.0 for _ in wants])

    async def give_up() -> None:
        task = asyncio.create_task(pace(("a", 1.0)))
        await asyncio.sleep(0)
        task.cancel()

    async def ask() -> float:
        return await pace(("a", 1.0))

    run(give_up())

    assert [run(ask()), run(ask())] == [0.0, 0.0]


@pytest.mark.parametrize(("delay", "shared"), [(0.0, False), (2.0, True)])
def test_only_pauses_cost_a_query(delay, shared):
    """The demonstration and the benchmarks wait for nothing, so they ask for nothing."""
    parts = Parts(
        settings=Settings(delay_seconds=delay, database_url="postgresql://nobody@127.0.0.2/none")
    )

    assert (parts.fetch._pacer is not None) is shared
