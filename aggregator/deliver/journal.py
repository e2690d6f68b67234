"""How far each mail in hand has come, written where a killed process leaves it behind.

A file of this machine, mapped into memory: a note costs no call of the system, and the kernel
keeps it when the process is killed. Whoever sends next on this machine reads that the dot of a
mail was not begun (so it goes again without doubt), or was answered (so it does not). Only a mail
between its dot and its answer is in doubt. Without the file, after a crash of the machine say,
everything that was handed over is.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

from aggregator.model import MailId, OutboxMail

_SLOT: Final = struct.Struct("<QIB3x")
_STEP_AT: Final = 12
#: More than a window of mails and all connections hold.
SLOTS: Final = 512


class Step(IntEnum):
    """How far a mail has come."""

    NOT_BEGUN = 1
    DOT_BEGUN = 2
    TAKEN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a process that is no more left about a mail."""

    mail_id: MailId
    generation: int
    step: Step


class Journal:
    """The notes of this process; made when it first notes something.

    Args:
        folder: where the notes of all processes of this machine lie that send for one database;
            None keeps none.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._file: int | None = None
        self._map: mmap.mmap | None = None
        self._path: Path | None = None
        self._slots: dict[MailId, int] = {}
        self._free: list[int] = []

    def begin(self, mail: OutboxMail) -> None:
        """Note that a mail is about to be handed over."""
        if mail.id in self._slots or not self._open() or not self._free:
            return
        at = self._slots[mail.id] = self._free.pop()
        assert self._map is not None
        _SLOT.pack_into(self._map, at, mail.id, mail.generation, Step.NOT_BEGUN)

    def note(self, mail_id: MailId, step: Step) -> None:
        """Note how far it has come."""
        at = self._slots.get(mail_id)
        if at is not None and self._map is not None:
            self._map[at + _STEP_AT] = step

    def forget(self, mail_id: MailId) -> None:
        """What the database knows needs no note."""
        at = self._slots.pop(mail_id, None)
        if at is not None and self._map is not None:
            _SLOT.pack_into(self._map, at, 0, 0, 0)
            self._free.append(at)

    @contextmanager
    def left_behind(self) -> Iterator[list[Note]]:
        """The notes of processes that are no more; thrown away when the block ends well."""
        found: list[tuple[Path, int]] = []
        notes: list[Note] = []
        try:
            for path in self._others():
                with suppress(OSError):
                    file = os.open(path, os.O_RDWR)
                    found.append((path, file))
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    notes += _read(os.read(file, SLOTS * _SLOT.size))
                    continue
                if found and found[-1][0] == path:
                    os.close(found.pop()[1])
            yield notes
            for path, _ in found:
                path.unlink(missing_ok=True)
        finally:
            for _, file in found:
                os.close(file)

    def close(self) -> None:
        """Let the next process read what is left, which is nothing when all went well."""
        if self._map is not None:
            self._map.close()
            self._map = None
        if self._file is not None:
            if not self._slots and self._path is not None:
                self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None
        self._slots.clear()

    def _open(self) -> bool:
        """Whether there is a file to note in."""
        if self._map is not None or self._folder is None:
            return self._map is not None
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Nobody finds it under its name before it is locked.
            made = self._folder / f".{uuid.uuid4().hex}"
            file = os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.truncate(file, SLOTS * _SLOT.size)
            self._path = made.with_name(f"{made.name[1:]}.notes")
            made.rename(self._path)
            self._map = mmap.mmap(file, SLOTS * _SLOT.size)
        except OSError:
            self._folder = None  # a home that cannot be written: everything handed is in doubt
            return False
        self._file = file
        self._free = [number * _SLOT.size for number in range(SLOTS)]
        return True

    def _others(self) -> list[Path]:
        if self._folder is None:
            return []
        return [path for path in self._folder.glob("*.notes") if path != self._path]


def _read(raw: bytes) -> list[Note]:
    notes = []
    for at in range(0, len(raw) - _SLOT.size + 1, _SLOT.size):
        mail_id, generation, step = _SLOT.unpack_from(raw, at)
        if mail_id and step in set(Step):
            notes.append(Note(mail_id=MailId(mail_id), generation=generation, step=Step(step)))
    return notes
