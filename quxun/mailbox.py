"""The local mailbox: an SMTP server on loopback that keeps every mail as an ``.eml`` file."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import signal
import time
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from aggregator.errors import EmbeddedError, SettingsError
from aggregator.settings import Settings, load_settings

log = structlog.get_logger()

#: No mail of ours is larger; a larger one is refused, not cut.
MOST_BYTES = 5_000_000


class Keeper:
    """Writes what arrives; a file stands under its name only when it is whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = itertools.count(1)

    async def handle_DATA(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep one mail; answers after it is on the disk."""
        del server, session
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        to = re.sub(r"[^A-Za-z0-9@._+-]", "_", (envelope.rcpt_tos or ["nobody"])[0])[:80]
        name = f"{stamp}-{next(self._count):06d}-{os.getpid()}-{to}.eml"
        content = envelope.content or b""
        body = content.encode() if isinstance(content, str) else content
        body = _return_path(envelope) + body
        try:
            await asyncio.to_thread(_write, self._folder / name, body)
        except OSError as error:
            log.exception("mail not kept", name=name)
            return f"452 cannot be kept: {error.strerror}"
        return "250 kept"


def run(settings: Settings) -> None:
    """Serve at QUXUN_SMTP_URL until we are told to stop.

    Raises:
        SettingsError: when that address is not on loopback.
        EmbeddedError: when nothing can listen there, or nothing can be kept.
    """
    parts = urlsplit(settings.smtp_url.get_secret_value())
    if parts.hostname not in {"127.0.0.1", "localhost", "::1"} or not parts.port:
        raise SettingsError("QUXUN_SMTP_URL must be smtp://127.0.0.1:PORT for the local mailbox")
    folder = settings.home / "mailbox"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedError(
            f"{folder} cannot be used for mail ({error.strerror}); set QUXUN_HOME elsewhere"
        ) from error
    try:
        asyncio.run(serve(folder, parts.hostname, parts.port))
    except OSError as error:
        raise EmbeddedError(
            f"port {parts.port} on {parts.hostname} cannot be used for mail "
            f"({os.strerror(error.errno or 0)}); set QUXUN_SMTP_URL to another"
        ) from error


async def serve(folder: Path, host: str, port: int) -> None:
    """Keep mails in a folder until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, done.set)
    keeper = Keeper(folder)  # one for all connections: it numbers the files
    server = await loop.create_server(
        lambda: SMTP(
            keeper,
            data_size_limit=MOST_BYTES,
            enable_SMTPUTF8=True,
            hostname="mailbox.quxun.invalid",
            loop=loop,
        ),
        host,
        port,
    )
    async with server:
        await done.wait()


def _return_path(envelope: Envelope) -> bytes:
    """Who the envelope says to send it back to, as the last server writes it (RFC 5321 §4.4)."""
    sender = re.sub(r"[^\x21-\x7e]", "", envelope.mail_from or "")
    return f"Return-Path: <{sender}>\r\n".encode()


def _write(path: Path, body: bytes) -> None:
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


if __name__ == "__main__":
    # Without the command line, which would load everything for the smallest of our processes.
    run(load_settings())
