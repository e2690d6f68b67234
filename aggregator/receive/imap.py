"""A mailbox with what came back, read over IMAP (RFC 3501) with the standard library.

Of each message only the beginning is fetched. It is marked as read, or deleted, only after the
caller said that it was recorded; what was not is there the next time.
"""

from __future__ import annotations

import base64
import imaplib
import re
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from aggregator.errors import MailboxError, SettingsError

#: So much of a message is fetched.
KEPT_BYTES: Final = 512 * 1024
#: Messages fetched, recorded and marked together.
BATCH: Final = 20
_PORTS: Final = {"imap": 143, "imaps": 993}
_AFTERWARDS: Final = {"seen": r"(\Seen)", "delete": r"(\Seen \Deleted)"}
_UID: Final = re.compile(rb"\bUID (\d{1,10})\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Address:
    secure: bool
    clear: bool
    host: str
    port: int
    user: str
    password: str
    folder: str
    afterwards: str


class Mailbox:
    """One mailbox.

    Args:
        url: ``imaps://user:password@host/folder`` (``imap://``: STARTTLS where it is offered;
            ``?tls=none`` never encrypts; ``?after=delete`` deletes what was read instead of
            marking it). No folder means INBOX.
        timeout: seconds for every step of the conversation.

    Raises:
        SettingsError: when it is no such address.
    """

    def __init__(self, url: str, *, timeout: float = 10.0) -> None:
        self._at = _address(url)
        self._timeout = timeout

    @property
    def host(self) -> str:
        """The server's name."""
        return self._at.host

    def read(self, take: Callable[[Sequence[bytes]], None], *, more: Callable[[], bool]) -> int:
        """Hand over the messages that were not read yet, a batch at a time.

        Args:
            take: records a batch; when it raises, the batch stays unread.
            more: whether there is time for another batch.

        Returns:
            How many were read and marked.

        Raises:
            MailboxError: when the server cannot be reached or refuses.
        """
        try:
            connection = self._connect()
        except (OSError, imaplib.IMAP4.error) as error:
            raise MailboxError(self._trouble(error)) from error
        try:
            return self._read(connection, take, more)
        except (OSError, imaplib.IMAP4.error) as error:
            raise MailboxError(self._trouble(error)) from error
        finally:
            _leave(connection)

    def _read(
        self,
        connection: imaplib.IMAP4,
        take: Callable[[Sequence[bytes]], None],
        more: Callable[[], bool],
    ) -> int:
        waiting = self._waiting(connection)
        done = 0
        for start in range(0, len(waiting), BATCH):
            if not more():
                break
            uids = waiting[start : start + BATCH]
            found = self._fetch(connection, uids)
            take(list(found.values()))
            # What the server kept back this time has not been read: it is asked for again.
            if found:
                self._mark(connection, list(found))
            done += len(found)
        return done

    def _waiting(self, connection: imaplib.IMAP4) -> list[str]:
        _well(connection.select(_quoted(_wire(self._at.folder))), "SELECT")
        found = _well(connection.uid("SEARCH", "UNSEEN", "UNDELETED"), "SEARCH")
        numbers = b" ".join(one for one in found if isinstance(one, bytes)).split()
        return [one.decode("ascii") for one in numbers if one.isdigit()]

    def _fetch(self, connection: imaplib.IMAP4, uids: Sequence[str]) -> dict[str, bytes]:
        """The beginnings of messages by UID; a message that has gone meanwhile is left out."""
        answer = _well(
            connection.uid("FETCH", ",".join(uids), f"(UID BODY.PEEK[]<0.{KEPT_BYTES}>)"), "FETCH"
        )
        found: dict[str, bytes] = {}
        for number, one in enumerate(answer):
            if not isinstance(one, tuple):
                continue
            # UID may stand before the message or, as RFC 3501 allows, behind it.
            rest = answer[number + 1] if number + 1 < len(answer) else b""
            named = _UID.search(one[0]) or _UID.search(rest if isinstance(rest, bytes) else b"")
            if named and named[1].decode() in uids:
                found[named[1].decode()] = one[1][:KEPT_BYTES]
        return found

    def _mark(self, connection: imaplib.IMAP4, uids: Sequence[str]) -> None:
        chosen = ",".join(uids)
        flags = _AFTERWARDS[self._at.afterwards]
        _well(connection.uid("STORE", chosen, "+FLAGS.SILENT", flags), "STORE")
        if self._at.afterwards == "delete":
            if "UIDPLUS" in connection.capabilities:
                _well(connection.uid("EXPUNGE", chosen), "EXPUNGE")
            else:
                _well(connection.expunge(), "EXPUNGE")

    def _connect(self) -> imaplib.IMAP4:
        it = self._at
        connection: imaplib.IMAP4
        if it.secure:
            connection = imaplib.IMAP4_SSL(
                it.host, it.port, ssl_context=ssl.create_default_context(), timeout=self._timeout
            )
        else:
            connection = imaplib.IMAP4(it.host, it.port, timeout=self._timeout)
        try:
            if not it.secure and not it.clear and "STARTTLS" in connection.capabilities:
                connection.starttls(ssl.create_default_context())
            connection.login(_quoted(it.user), it.password)
            if "ID" in connection.capabilities:
                # NetEase lets nobody in who does not say what he is (RFC 2971).
                with suppress(imaplib.IMAP4.error):
                    connection.xatom("ID", '("name" "Quxun")')
        except BaseException:
            _leave(connection)
            raise
        return connection

    def _trouble(self, error: Exception) -> str:
        said = " ".join(str(error).split())[:200] or type(error).__name__
        for secret in (self._at.password, self._at.user):
            said = said.replace(secret, "…") if secret else said
        return (
            f"the bounce mailbox at {self._at.host} cannot be read: {said}; check QUXUN_BOUNCE_IMAP"
        )


def _well(answer: tuple[str, Sequence[object]], what: str) -> Sequence[object]:
    if answer[0] != "OK":
        said = next((one for one in answer[1] if isinstance(one, bytes)), b"")
        raise imaplib.IMAP4.error(f"{what} was refused: {said.decode('utf-8', 'replace')}")
    return answer[1]


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _wire(folder: str) -> str:
    """A folder's name in the modified UTF-7 of RFC 3501 §5.1.3."""

    def shifted(found: re.Match[str]) -> str:
        digits = base64.b64encode(found[0].encode("utf-16-be")).decode().rstrip("=")
        return f"&{digits.replace('/', ',')}-"

    return re.sub(r"[^\x20-\x7e]+", shifted, folder.replace("&", "&-"))


def _leave(connection: imaplib.IMAP4) -> None:
    try:
        connection.logout()
    except (OSError, imaplib.IMAP4.error):
        connection.shutdown()


def _address(url: str) -> _Address:
    wrong = SettingsError("QUXUN_BOUNCE_IMAP must look like imaps://user:password@host/folder")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise wrong from error
    query = parse_qs(parts.query)
    afterwards = query.get("after", ["seen"])[-1]
    if parts.scheme not in _PORTS or not parts.hostname or not parts.username:
        raise wrong
    if afterwards not in _AFTERWARDS:
        raise SettingsError("QUXUN_BOUNCE_IMAP: after must be seen or delete")
    words = [unquote(word or "") for word in (parts.username, parts.password, parts.path[1:])]
    if not all(word.isprintable() for word in words):
        raise wrong
    if not (words[0].isascii() and words[1].isascii()):
        raise SettingsError("QUXUN_BOUNCE_IMAP: user and password must be ASCII for IMAP's LOGIN")
    return _Address(
        secure=parts.scheme == "imaps",
        clear=query.get("tls") == ["none"],
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        user=words[0],
        password=words[1],
        folder=words[2] or "INBOX",
        afterwards=afterwards,
    )
