"""A mail server for ``quxun bench faults``: whatever it took is in a file before it says so.

It takes its time before it keeps a mail and before it answers, so that a kill finds mails
between the final dot and its answer. When whoever sent a mail is gone before it is kept, it is
thrown away as often as not: without an answer nothing was promised (RFC 5321 §4.2.5). Every life
of the server writes a file of its own; a record that a kill cut short is the last of its file,
and was not kept. Run as a program:
``python -m quxun.bench.inbox FOLDER PORT SECONDS``.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: No mail of ours is larger.
_MOST_BYTES = 5_000_000
#: Of mails whose sender was gone before they were kept.
_THROWN_AWAY = 0.5
_END = b"\r\n.\r\n"
_OFFERS = b"250-inbox\r\n250-PIPELINING\r\n250-SIZE 5000000\r\n250 8BITMIME\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A mail that was kept after its final dot; ``answered`` says whether the sender was told."""

    recipient: str
    raw: bytes
    at_ns: int
    answered: bool


def arrivals(folder: Path) -> Iterator[Arrival]:
    """Everything that was kept, in the order of its coming within each life of the server."""
    for path in sorted(folder.glob("*.kept")):
        told = {int(one) for one in _lines(path.with_suffix(".told"))}
        data, at, number = path.read_bytes(), 0, 0
        while (end := data.find(b"\n", at)) >= 0:
            size, at_ns, recipient = data[at:end].decode("utf-8").split(" ", 2)
            at = end + 1 + int(size)
            if at > len(data):
                break
            number += 1
            yield Arrival(
                recipient=recipient, raw=data[end + 1 : at], at_ns=int(at_ns),
                answered=number in told,
            )  # fmt: skip


def _lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    whole, _, _ = path.read_text(encoding="ascii").rpartition("\n")
    return whole.split()


class _Reader(asyncio.StreamReader):
    """Knows that the other side is gone, whatever of its words is unread."""

    gone = False

    def feed_eof(self) -> None:
        """The other side ended, or was killed."""
        self.gone = True
        super().feed_eof()

    def set_exception(self, exc: Exception) -> None:
        """The connection broke."""
        self.gone = True
        super().set_exception(exc)


class _Inbox:
    """One life of the server: its two files and its conversations."""

    def __init__(self, folder: Path, pause: float) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        name = folder / f"{time.monotonic_ns():020d}"
        self._kept = os.open(name.with_suffix(".kept"), flags, 0o644)
        self._told = os.open(name.with_suffix(".told"), flags, 0o644)
        self._pause = pause
        self._count = 0

    async def talk(self, reader: _Reader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            await self._converse(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the sender was killed
        finally:
            writer.close()

    async def _converse(self, reader: _Reader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 inbox\r\n")
        recipient = ""
        while line := await reader.readline():
            word = line[:4].upper()
            if word == b"EHLO":
                writer.write(_OFFERS)
            elif word == b"RCPT":
                recipient = line.partition(b"<")[2].partition(b">")[0].decode("utf-8", "replace")
                writer.write(b"250 ok\r\n")
            elif word == b"DATA":
                writer.write(b"354 go on\r\n")
                await self._take(reader, writer, recipient)
            elif word == b"QUIT":
                return
            else:
                writer.write(b"250 ok\r\n")

    async def _take(self, reader: _Reader, writer: asyncio.StreamWriter, recipient: str) -> None:
        raw = (await reader.readuntil(_END))[: -len(_END)]
        await asyncio.sleep(random.random() * self._pause)  # noqa: S311  # when a kill finds us
        if reader.gone and random.random() < _THROWN_AWAY:  # noqa: S311  # a server's mood
            return
        head = f"{len(raw)} {time.time_ns()} {recipient}\n".encode()
        os.write(self._kept, head + raw)  # the kernel has it: a kill takes nothing away
        self._count += 1
        number = self._count
        await asyncio.sleep(random.random() * self._pause)  # noqa: S311  # as above
        writer.write(b"250 kept\r\n")
        os.write(self._told, f"{number}\n".encode())


async def _serve(folder: Path, port: int, pause: float) -> None:
    inbox = _Inbox(folder, pause)

    def conversation() -> asyncio.Protocol:
        talk: Any = inbox.talk  # it is given the reader that we make
        return asyncio.StreamReaderProtocol(_Reader(limit=_MOST_BYTES), talk)

    server = await asyncio.get_running_loop().create_server(conversation, "127.0.0.1", port)
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
