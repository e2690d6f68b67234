"""Speaks SMTP: one recipient a mail, the connection kept, every answer classified.

The order that makes "once" true (RELIABILITY.md, row 12): the whole message but its final dot
goes out, then the store commits that the mail is handed over, then the dot. What fails before
that commit can be sent again without doubt; what fails after it is ambiguous.
"""

from __future__ import annotations

import smtplib
import ssl
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from email.utils import parseaddr
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from aggregator.deliver.answers import Answer, Stage, delivery_of
from aggregator.deliver.mime import as_bytes
from aggregator.errors import SettingsError
from aggregator.model import Delivery, Mail, OutboxMail
from aggregator.ports import OutboxStore

_PORTS: Final = {"smtp": 25, "smtps": 465}
_CLEAR: Final = "none"
_READY, _GO_ON = 250, 354


class SmtpMailer:
    """Implements ``ports.Mailer`` over one connection that is kept between calls.

    Args:
        url: ``smtp://user:password@host:port`` (STARTTLS where the server offers it) or
            ``smtps://…``; ``?tls=none`` never encrypts. Empty: nothing can be delivered.
        mail_from: the sender as in the From header; its address is the envelope's too.
        per_second: mails a second at most; 0 for no limit.
        timeout: seconds for every step of the conversation.
        dot_timeout: seconds for the answer to the final dot.
        per_connection: mails before the connection is renewed; some servers count them.
        pause: waits, for pacing.
        ticks: a clock for pacing, in seconds.
    """

    def __init__(
        self,
        url: str,
        *,
        mail_from: str,
        per_second: float = 0,
        timeout: float = 20,
        dot_timeout: float = 60,
        per_connection: int = 100,
        pause: Callable[[float], None] = time.sleep,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._sender = _envelope(mail_from)
        self._gap = 1 / per_second if per_second else 0.0
        self._timeout = timeout
        self._dot_timeout = dot_timeout
        self._per_connection = per_connection
        self._pause = pause
        self._ticks = ticks
        self._connection: smtplib.SMTP | None = None
        self._sent_on_it = 0
        self._last = -self._gap
        if url:
            _check(url)

    def deliver(
        self, mails: Sequence[OutboxMail], *, store: OutboxStore, now: datetime
    ) -> list[Delivery]:
        """Send each mail on its own; one Delivery a mail, whatever happens.

        When the server cannot be reached, the rest of the mails is put off untried.
        """
        done: list[Delivery] = []
        unreachable: Answer | None = None
        for row in mails:
            answer = unreachable or self._send(row, store=store)
            if answer.stage is Stage.CONNECT:
                unreachable = answer
            done.append(delivery_of(row, answer, now=now))
        return done

    def as_bytes(self, mail: Mail, at: datetime) -> bytes:
        """A mail as it goes over the wire."""
        return as_bytes(mail, at)

    def close(self) -> None:
        """End the connection, politely where the server still listens."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.quit()
            except (smtplib.SMTPException, OSError):
                connection.close()

    def _send(self, row: OutboxMail, *, store: OutboxStore) -> Answer:
        """One attempt; a connection that the server dropped meanwhile is made anew once."""
        try:
            payload = _stuffed(as_bytes(row.mail, row.created_at))
        except (ValueError, UnicodeError) as error:
            return Answer(stage=Stage.DATA, code=500, text=f"we cannot write this mail: {error}")
        reused = self._connection is not None
        answer = self._attempt(row, payload, store=store)
        if reused and answer.code in (0, 421) and answer.stage is Stage.SENDER:
            answer = self._attempt(row, payload, store=store)
        return answer

    def _attempt(self, row: OutboxMail, payload: bytes, *, store: OutboxStore) -> Answer:
        stage = Stage.CONNECT
        try:
            connection = self._connected()
            self._wait_for_turn()
            stage = Stage.SENDER
            code, text = connection.docmd("MAIL", f"FROM:<{self._sender}>")
            if code == _READY:
                stage = Stage.RECIPIENT
                code, text = connection.docmd("RCPT", f"TO:<{row.mail.to}>")
            if stage is Stage.RECIPIENT and code // 100 == 2:  # noqa: PLR2004  # 250, 251, 252
                stage = Stage.DATA
                code, text = connection.docmd("DATA")
            if stage is Stage.DATA and code == _GO_ON:
                connection.send(payload)
                if not self._handed(row, store=store):
                    self._drop()  # without its dot the server throws it away (RFC 5321 §4.1.1.4)
                    return Answer(stage=Stage.DATA, code=0, text="another worker took this mail")
                stage = Stage.DOT
                code, text = self._dot(connection)
        except smtplib.SMTPResponseException as error:
            self._drop()
            # Outside the greeting it only says that an answer was too long to be one.
            code = error.smtp_code if stage is Stage.CONNECT else 0
            return Answer(stage=stage, code=code, text=_said(error.smtp_error))
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            return Answer(stage=stage, code=0, text=_reason(error))
        self._after(connection, code)
        return Answer(stage=stage, code=max(code, 0), text=_said(text))

    def _handed(self, row: OutboxMail, *, store: OutboxStore) -> bool:
        """Commit it; when the store fails, leave no half message on the connection."""
        try:
            return store.mark_handed(row.id, row.generation)
        except BaseException:
            self._drop()
            raise

    def _dot(self, connection: smtplib.SMTP) -> tuple[int, bytes]:
        if connection.sock is not None:
            connection.sock.settimeout(self._dot_timeout)
        connection.send(b".\r\n")
        code, text = connection.getreply()
        if connection.sock is not None:
            connection.sock.settimeout(self._timeout)
        return code, text

    def _after(self, connection: smtplib.SMTP, code: int) -> None:
        """Keep the connection for the next mail, unless the server is done with it."""
        self._sent_on_it += 1
        if code == _READY and self._sent_on_it < self._per_connection:
            return
        if code == _READY:
            self.close()
        elif code == 421 or not 400 <= code < 600:  # noqa: PLR2004  # RFC 5321 §4.2.1
            self._drop()
        else:
            try:
                connection.rset()
            except (smtplib.SMTPException, OSError):
                self._drop()

    def _connected(self) -> smtplib.SMTP:
        if self._connection is None:
            self._connection = self._connect()
            self._sent_on_it = 0
        return self._connection

    def _connect(self) -> smtplib.SMTP:
        if not self._url:
            raise smtplib.SMTPException("QUXUN_SMTP_URL is empty: there is no mail server")
        parts = urlsplit(self._url)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        name = self._sender.rpartition("@")[2]
        connection: smtplib.SMTP
        if parts.scheme == "smtps":
            connection = smtplib.SMTP_SSL(
                host, port, local_hostname=name, timeout=self._timeout,
                context=ssl.create_default_context(),
            )  # fmt: skip
        else:
            connection = smtplib.SMTP(host, port, local_hostname=name, timeout=self._timeout)
        try:
            self._greet(connection, user=parts.username, password=parts.password)
        except (smtplib.SMTPException, OSError):
            connection.close()
            raise
        return connection

    def _greet(self, connection: smtplib.SMTP, *, user: str | None, password: str | None) -> None:
        connection.ehlo_or_helo_if_needed()
        clear = parse_qs(urlsplit(self._url).query).get("tls") == [_CLEAR]
        secure = isinstance(connection, smtplib.SMTP_SSL)
        if not secure and not clear and connection.has_extn("starttls"):
            connection.starttls(context=ssl.create_default_context())
            connection.ehlo_or_helo_if_needed()
        if user:
            connection.login(unquote(user), unquote(password or ""))

    def _wait_for_turn(self) -> None:
        rest = self._last + self._gap - self._ticks()
        if rest > 0:
            self._pause(rest)
        self._last = self._ticks()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        known = parts.scheme in _PORTS and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        known = False
    if not known:
        raise SettingsError("QUXUN_SMTP_URL must look like smtp://user:password@host:port")


def _envelope(mail_from: str) -> str:
    local, _, domain = parseaddr(mail_from)[1].rpartition("@")
    if not local or not domain:
        raise SettingsError(f"QUXUN_MAIL_FROM holds no address: {mail_from!r}")
    return f"{local}@{domain.encode('idna').decode('ascii')}"


def _stuffed(message: bytes) -> bytes:
    """With dots doubled at line begins (RFC 5321 §4.5.2) and a line end last."""
    return message.replace(b"\r\n.", b"\r\n..")


def _said(text: bytes | str) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
