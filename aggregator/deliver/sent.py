"""The journal of sent mails outside of the database: one file a day, appended in batches.

A backup of yesterday knows nothing of the mails of today. These files do: which reader got which
notices in which mail, without an address in them (docs/adr/0037). A line begins with ``E``, an
edition and the notices in it, or ``M``, a mail that was taken; fields are parted by tabs. Every
process appends whole lines with one call, and reads nothing.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from aggregator.addresses import email_key
from aggregator.errors import OutageError
from aggregator.model import MailId, OutboxMail, SentMail, SentNote
from aggregator.ports import SentMails

log = structlog.get_logger()

#: What was appended is on the disk after so long, at the latest when a round of sending ends.
SYNC_SECONDS: Final = 1.0
#: So many mails are kept in memory while they cannot be written down.
MOST_UNWRITTEN: Final = 10_000
_COMPLAIN_SECONDS: Final = 60.0
_NAME: Final = re.compile(r"(\d{4}-\d\d-\d\d)-[0-9a-f]{8}\.log")
_MAIL, _EDITION = "M", "E"
_MAIL_FIELDS, _EDITION_FIELDS = 6, 3


class SentFiles:
    """Implements ``ports.SentJournal``.

    Args:
        folder: where the files lie.
        store: the database they are a journal of.
        days: how long files are kept; at least as long as backups.
        machine: whose folder it is, for alarms.
    """

    def __init__(self, folder: Path, store: SentMails, *, days: int, machine: str = "here") -> None:
        self._folder = folder
        self._store = store
        self._days = days
        self._machine = machine
        self._key: bytes | None = None
        self._file: int | None = None
        self._path: Path | None = None
        self._day: date | None = None
        self._editions: set[str] = set()
        self._synced = time.monotonic()
        #: Appended, and not known to be on the disk yet.
        self._unsynced: list[SentMail] = []
        self._unwritten: list[SentMail] = []
        self._noted_at: datetime | None = None
        self._complained = {OSError: float("-inf"), OutageError: float("-inf")}
        #: Another process may have raised it, and ended.
        self._alarmed = True

    def note(
        self, mails: Sequence[OutboxMail], now: datetime, *, others: Collection[MailId] = ()
    ) -> None:
        """Append mails that were taken.

        One that cannot be written down has left nevertheless: mail goes on, log and alarm say so,
        and what is missing is appended when that can be done again.
        """
        self._unwritten += [
            SentMail(key=one.key, message_id=one.message_id, to=one.to, edition=one.edition)
            for one in mails
        ]
        try:
            if others:
                self._unwritten += self._store.sent(others)
        except OutageError as error:
            self._complain(error)
        self._noted_at = now
        self._write(now)

    def sync(self) -> None:
        """Have on the disk what was noted."""
        if self._unwritten and self._noted_at is not None:
            self._write(self._noted_at)
        self._flush()

    def _write(self, now: datetime) -> None:
        try:
            self._open(now)
            self._append(self._unwritten, now)
        except (OSError, OutageError) as error:
            del self._unwritten[:-MOST_UNWRITTEN]
            self._complain(error)
            return
        self._unsynced += self._unwritten
        self._unwritten.clear()
        if time.monotonic() - self._synced > SYNC_SECONDS:
            self._flush()

    def _complain(self, error: OSError | OutageError) -> None:
        """Once a minute of the disk, and of the database."""
        kind = OSError if isinstance(error, OSError) else OutageError
        if time.monotonic() - self._complained[kind] < _COMPLAIN_SECONDS:
            return
        self._complained[kind] = time.monotonic()
        log.warning("sent mails not written down", mails=len(self._unwritten), why=str(error))
        if isinstance(error, OSError):
            self._alarmed = True
            self._store.tell_journal(
                self._machine,
                f"{len(self._unwritten)} mails that left are not written down in {self._folder}"
                f" ({error.strerror}): after a restore they would leave again; make room, or let the"
                " service write there, before it is stopped",
            )

    def _flush(self) -> None:
        """Have on the disk what was appended. Where that fails nobody knows what is there: it is
        appended once more the next time, to a file that is opened anew.
        """
        self._synced = time.monotonic()
        if self._file is None or not self._unsynced:
            return
        try:
            os.fdatasync(self._file)
        except OSError as error:
            self._unwritten = [*self._unsynced, *self._unwritten][-MOST_UNWRITTEN:]
            self._unsynced.clear()
            self._shut()
            self._complain(error)
            return
        self._unsynced.clear()
        if self._alarmed:
            self._alarmed = not self._store.tell_journal(self._machine, None)

    def close(self) -> None:
        """Let go of the file; what cannot be written down now never is, and is told."""
        self._complained = dict.fromkeys(self._complained, float("-inf"))
        self.sync()
        self._let_go()

    def _let_go(self) -> None:
        self._flush()
        self._shut()

    def _shut(self) -> None:
        file, self._file, self._day = self._file, None, None
        if file is not None:
            with suppress(OSError):  # what matters was asked of fdatasync
                os.close(file)

    def _append(self, mails: Iterable[SentMail], now: datetime) -> None:
        assert self._file is not None
        assert self._key is not None
        at = f"{now:%Y-%m-%dT%H:%M:%S.%fZ}"
        lines = [""]  # ends what a process that was killed left of a line
        fresh: set[str] = set()
        for mail in mails:
            edition = mail.edition
            known = edition is not None and (edition.key in self._editions or edition.key in fresh)
            if edition is not None and edition.items and not known:
                fresh.add(edition.key)
                lines.append(f"{_EDITION}\t{edition.key}\t{edition.items}")
            fields = (
                _MAIL,
                at,
                mail.message_id,
                mail.key if edition is not None else "",
                person_of(self._key, mail.to),
                edition.key if edition is not None and edition.items else "",
            )
            lines.append("\t".join(map(_field, fields)))
        left = memoryview(("\n".join(lines) + "\n").encode())
        while left:
            left = left[os.write(self._file, left) :]
        self._editions |= fresh

    def _is_there(self) -> bool:
        """Whether our file is still the one of its name: it may have been moved or deleted."""
        if self._file is None or self._path is None:
            return False
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._file))
        except OSError:
            return False

    def _open(self, now: datetime) -> None:
        """Have the file of the day, and none that is too old."""
        day = now.astimezone(UTC).date()
        if self._day == day and self._is_there():
            return
        self._let_go()
        self._editions.clear()
        if self._key is None:
            self._key = self._store.journal_key()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = self._folder / f"{day}-{mark_of(self._key)}.log"
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._day = day
        for path in files(self._folder, self._key, until=day - timedelta(days=self._days + 1)):
            with suppress(OSError):
                path.unlink()


def person_of(key: bytes, address: str) -> str:
    """A reader's word in the journal: whoever has the key and the address knows it again."""
    return hashlib.sha256(key + email_key(address).encode()).hexdigest()[:32]


def mark_of(key: bytes) -> str:
    """What the files of one database have in their names."""
    return hashlib.sha256(key + b"\0files").hexdigest()[:8]


def files(
    folder: Path, key: bytes, *, since: date = date.min, until: date = date.max
) -> list[Path]:
    """The files of a database for these days, the oldest first."""
    found = []
    for path in sorted(folder.glob(f"*-{mark_of(key)}.log")):
        named = _NAME.fullmatch(path.name)
        if named and since <= date.fromisoformat(named[1]) <= until:
            found.append(path)
    return found


def read(paths: Iterable[Path]) -> Iterator[SentNote | tuple[str, str]]:
    """The mails of these files, and the editions with what they tell of; a line that was cut
    short is passed over.
    """
    for path in paths:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                fields = line.rstrip("\n").split("\t")
                if fields[0] == _EDITION and len(fields) == _EDITION_FIELDS:
                    yield fields[1], fields[2]
                elif fields[0] == _MAIL and len(fields) == _MAIL_FIELDS:
                    with suppress(ValueError):
                        yield SentNote(
                            at=datetime.fromisoformat(fields[1]),
                            message_id=fields[2],
                            key=fields[3],
                            person=fields[4],
                            edition=fields[5],
                        )


def _field(text: str) -> str:
    return " ".join(text.split()) if "\t" in text or "\n" in text else text
