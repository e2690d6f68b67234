"""Finding a name's addresses: what hangs or lies there is nobody else's trouble."""

from __future__ import annotations

import asyncio
import os
import queue
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from fetch_portals import CALM, fetcher, ok, portal, reason_of, run

from aggregator.fetch.addresses import Address
from aggregator.fetch.names import Names, _Threads, system_lookup


class Resolver:
    """Answers for ``quick`` names, hangs on ``slow`` ones until it is let go, knows no others."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.go = threading.Event()
        self.woken = 0
        self.asked: list[str] = []
        self.began = threading.Semaphore(0)

    def __call__(self, host: str, _port: int) -> list[str]:
        self.asked.append(host)
        self.began.release()
        if host.startswith("slow"):
            self.go.wait(60)
            self.woken += 1
        if host.startswith("odd"):
            raise UnicodeEncodeError("idna", host, 0, 1, "label too long")
        if host.startswith("quick"):
            return [self.host]
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def address(host: str) -> Address:
    return Address(url=f"http://{host}/", host=host, port=80, scheme="http")


def test_names_that_hang_hold_up_no_other():
    """Promise 6: sixty links to a dead name server must not make every portal unreachable."""

    async def scene():
        async with portal(ok()) as made:
            lookup = Resolver(made.host)
            client = fetcher(replace(CALM, connect_seconds=8.0), lookup=lookup)
            hung = [
                asyncio.create_task(reason_of(client, made.request(f"http://slow{n}:{made.port}/")))
                for n in range(60)
            ]
            for _ in hung:
                assert await asyncio.to_thread(lookup.began.acquire, timeout=60)
            names = [f"http://quick{n}:{made.port}/" for n in range(5)]
            quick = [await reason_of(client, made.request(name)) for name in names]
            waiting = sum(not task.done() for task in hung)
            slow = await asyncio.gather(*hung)
            client.close()
            woken = lookup.woken
            lookup.go.set()
            return quick, waiting, slow, woken

    quick, waiting, slow, woken = run(scene())

    assert quick == ["page"] * 5
    assert waiting == 60
    assert slow == ["dns"] * 60
    assert woken == 0, "closing waited for names"


@pytest.mark.parametrize("name", ["unknown.test", "odd.test"])
def test_a_name_without_an_address_says_so(name):
    """A wrong name is the operator's to mend, in words that name it."""

    async def scene() -> str:
        async with portal(ok()) as made:
            client = fetcher(lookup=Resolver(made.host))
            reason = await reason_of(client, made.request(f"http://{name}:{made.port}/"))
            client.close()
            return reason

    assert run(scene()) == "dns"


def test_a_host_is_looked_up_once_for_all_who_wait_and_for_a_while():
    """A hundred columns of one portal ask for one name once."""

    async def scene():
        lookup = Resolver("127.0.64.9")
        names = Names(CALM, lookup)
        together = await asyncio.gather(*(names.find(address("quick.test")) for _ in range(50)))
        later = await names.find(address("quick.test"))
        forgetful = Names(replace(CALM, name_seconds=0.0), lookup)
        await forgetful.find(address("quick.test"))
        await forgetful.find(address("quick.test"))
        return {*together, later}, lookup.asked

    found, asked = run(scene())

    assert found == {("127.0.64.9",)}
    assert len(asked) == 1 + 2


@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f.1", "2130706433", "0177.0.0.1", "::1", "a.0x"])
def test_a_number_is_no_name(host):
    """What libcurl reads itself is not looked up, and the guard sees what it read."""

    async def scene():
        lookup = Resolver("127.0.64.9")
        return await Names(CALM, lookup).find(address(host)), lookup.asked

    assert run(scene()) == ((), [])


def test_one_who_gives_up_does_not_spoil_the_answer_for_others():
    """A batch that is broken off must not take a name's answer with it."""

    async def scene():
        lookup = Resolver("127.0.64.9")
        names = Names(CALM, lookup)
        first = asyncio.create_task(names.find(address("slow.test")))
        second = asyncio.create_task(names.find(address("slow.test")))
        await asyncio.sleep(0)
        first.cancel()
        lookup.go.set()
        return await asyncio.gather(first, second, return_exceptions=True)

    first, second = run(scene())

    assert isinstance(first, asyncio.CancelledError)
    assert "slow.test" in str(second)


def test_a_loop_that_ended_in_the_middle_leaves_names_usable():
    """The thread comes back to a loop that is gone; the next loop asks anew."""
    lookup = Resolver("127.0.64.9")
    names = Names(replace(CALM, connect_seconds=0.05), lookup)

    async def give_up() -> None:
        with pytest.raises(Exception, match="says nothing"):
            await names.find(address("slow.test"))

    run(give_up())
    lookup.go.set()

    assert run(names.find(address("quick.test"))) == ("127.0.64.9",)
    with pytest.raises(Exception, match="not known"):
        run(names.find(address("slow.test")))


def test_threads_are_bounded_and_nothing_is_forgotten():
    """Five hundred names at once cost three threads here, and each gets its turn."""
    pool, gate = _Threads(3), threading.Event()
    done: queue.SimpleQueue[int] = queue.SimpleQueue()

    def work() -> None:
        gate.wait(60)
        done.put(threading.get_ident())

    for _ in range(500):
        pool.start(work)
    gate.set()

    assert len({done.get(timeout=60) for _ in range(500)}) == 3


def test_a_process_ends_while_a_name_hangs():
    """A command that is through must not wait half a minute for somebody's name server."""
    script = """
import asyncio, threading
from dataclasses import replace
from fetch_portals import CALM, fetcher, reason_of
from aggregator.model import Request

client = fetcher(replace(CALM, connect_seconds=0.05), lookup=lambda *_: threading.Event().wait())
print(asyncio.run(reason_of(client, Request(url="http://slow.test/", ignore_robots=True))))
"""
    path = os.pathsep.join([str(Path(__file__).parent), str(Path.cwd()), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    assert done.stdout == "dns\n"


def test_the_system_knows_its_own_name():
    """The real resolver, in the order it prefers, each address once."""
    found = system_lookup("localhost", 80)

    assert set(found) & {"127.0.0.1", "::1"}
    assert len(found) == len(set(found))
