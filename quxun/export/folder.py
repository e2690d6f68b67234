"""A folder of feeds for a web server: whole files only, each with its twin in gzip, one writer.

Paths are plain strings here: half a million of them are made in a run.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from aggregator.errors import QuxunError
from quxun.web.documents import gzipped

#: What is ours and nobody reads: the lock, the state, and files that are not whole yet.
OURS = ".quxun"
_SUFFIXES = (".atom", ".rss", ".json")
#: More files than these are flushed together, with the whole file system.
_TOGETHER = 300
_FLUSHERS = 8


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What a folder holds: everything up to a change, printed by a version under an address.

    ``seal`` says what that change was; ``removed`` when something was last taken out by law;
    ``lists`` is a digest of what its lists are made of; ``covered_at`` is when the coverage of
    all its documents was last the present one.
    """

    through: int
    seal: str
    removed: str
    printer: str
    lists: str = ""
    coverage: str = ""
    covered_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Staged:
    new: str
    path: str


class Folder:
    """The files below one folder; ``put`` stages them, ``commit`` lets readers see them.

    Each file is written whole beside the others, flushed, and then renamed into its place, its
    gzip twin just before it. Nothing is written that is there already.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._new = root / OURS / f"new-{os.getpid()}"
        self._top = str(root)
        self._staged: list[_Staged] = []
        self._count = 0
        self.files = 0
        self.bytes = 0

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one that writes here; what a killed run left half is cleared away.

        Raises:
            QuxunError: another process writes here, or nobody can.
        """
        try:
            (self.root / OURS).mkdir(parents=True, exist_ok=True)
            lock = (self.root / OURS / "lock").open("a+", encoding="ascii")
        except OSError as error:
            raise trouble(self.root, error) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                lock.seek(0)
                other = lock.read().strip() or "unknown"
                raise QuxunError(
                    f"{self.root} is being written by another quxun feeds publish (process {other})"
                ) from error
            try:
                lock.truncate(0)
                lock.write(f"{os.getpid()}\n")
                lock.flush()
                self.sweep()
            except OSError as error:
                raise trouble(self.root, error) from error
            yield

    def sweep(self) -> None:
        """Clear away what processes left that were ended; nobody else writes here."""
        for left in (self.root / OURS).glob("new-*"):
            shutil.rmtree(left, ignore_errors=True)
        self._count = 0

    def state(self) -> State | None:
        """What the folder holds, or None for a new or a damaged one."""
        try:
            return msgspec.json.decode((self.root / OURS / "state.json").read_bytes(), type=State)
        except (OSError, msgspec.DecodeError):
            return None

    def set_state(self, state: State) -> None:
        """Note what the folder holds; everything of it was committed before."""
        if state == self.state():
            return
        try:
            self._new.mkdir(parents=True, exist_ok=True)
            new = self._new / "state.json"
            with new.open("wb") as file:
                file.write(msgspec.json.encode(state))
                file.flush()
                os.fsync(file.fileno())
            new.rename(self.root / OURS / "state.json")
        except OSError as error:
            raise trouble(self.root, error) from error

    def beat(self) -> None:
        """Say by the time of a file that somebody keeps this folder fresh."""
        with suppress(OSError):
            (self.root / OURS / "seen").touch()

    def read(self, path: str) -> bytes | None:
        """A file's bytes, or None where there is none."""
        try:
            with open(f"{self._top}/{path}", "rb") as file:  # noqa: PTH123  # many of them
                return file.read()
        except OSError:
            return None

    def put(self, path: str, body: bytes, modified_at: datetime) -> bool:
        """Stage a document; whether it is another one than that which is there.

        Its time is the document's. Where another one had that second before, it is a second
        later: nginx makes its ETag of time and size, and readers ask by the time alone.

        Raises:
            QuxunError: it could not be written; what was there stays.
        """
        final = f"{self._top}/{path}"
        twin = f"{final}.gz"
        seconds = int(modified_at.replace(microsecond=0).timestamp())
        there, beside = _second(final), _second(twin)
        same = there is not None and self.read(path) == body
        if same and there == beside:
            return False
        packed = gzipped(body)
        if there is not None:
            seconds = max(seconds, there if same else there + 1)
        if beside is not None:  # it may be new already: a run was killed between the two
            seconds = max(seconds, beside if self.read(f"{path}.gz") == packed else beside + 1)
        try:
            self._stage(twin, packed, seconds)
            self._stage(final, body, seconds)
        except OSError as error:
            self.forget()
            raise trouble(self.root, error) from error
        return True

    def commit(self) -> None:
        """Flush what was staged, and put it into its place in the order of staging.

        Raises:
            QuxunError: it could not be; files that are not in their place yet stay as they were.
        """
        if not self._staged:
            return
        try:
            flush([one.new for one in self._staged])
            for folder in {one.path.rpartition("/")[0] for one in self._staged}:
                Path(folder).mkdir(parents=True, exist_ok=True)
            for one in self._staged:
                os.rename(one.new, one.path)  # noqa: PTH104  # many of them
            self.files += len(self._staged)
        except OSError as error:
            raise trouble(self.root, error) from error
        finally:
            self.forget()

    def documents(self) -> Iterator[str]:
        """Paths below ``feeds`` of all feed documents and their twins."""
        top = f"{self._top}/feeds"
        for folder, _, names in os.walk(top):
            below = folder[len(top) + 1 :]
            for name in names:
                if name.removesuffix(".gz").endswith(_SUFFIXES):
                    yield f"{below}/{name}" if below else name

    def remove(self, path: str) -> None:
        """Remove a document's file.

        Raises:
            QuxunError: it could not be removed.
        """
        try:
            (self.root / "feeds" / path).unlink(missing_ok=True)
        except OSError as error:
            raise trouble(self.root, error) from error

    def forget(self) -> None:
        """Drop what is staged and not in its place."""
        for one in self._staged:
            with suppress(OSError):
                os.unlink(one.new)  # noqa: PTH108  # many of them
        self._staged = []

    def close(self) -> None:
        """Leave nothing half behind."""
        self.forget()
        shutil.rmtree(self._new, ignore_errors=True)

    @property
    def staged(self) -> int:
        """How many files wait for ``commit``."""
        return len(self._staged)

    def _stage(self, path: str, body: bytes, seconds: int) -> None:
        if not self._count:
            self._new.mkdir(parents=True, exist_ok=True)
        self._count += 1
        new = f"{self._new}/{self._count}"
        self._staged.append(_Staged(new=new, path=path))
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            view = memoryview(body)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fchmod(
                descriptor, 0o644
            )  # a web server of another user reads it, whatever the umask
            os.utime(descriptor, (seconds, seconds))
        finally:
            os.close(descriptor)
        self.bytes += len(body)


def flush(files: list[str]) -> None:
    """Have files on the disk before their names are: few of them each, many all at once."""
    if len(files) > _TOGETHER and _sync_file_system(files[0].rpartition("/")[0]):
        return
    if len(files) > _FLUSHERS:
        with ThreadPoolExecutor(_FLUSHERS) as pool:
            list(pool.map(_flush_one, files))
    else:
        for file in files:
            _flush_one(file)


def trouble(root: Path, error: OSError) -> QuxunError:
    """What the system said, in one line that says what to do."""
    said = error.strerror or type(error).__name__
    return QuxunError(
        f"{root}: {said}; the files that readers see stay as they are. Make room or mend the"
        " permissions, and run it again"
    )


def _flush_one(file: str) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_file_system(folder: str) -> bool:
    """syncfs(2), which Python does not offer; whether there is one."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "syncfs"):
        return False
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if libc.syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(descriptor)
    return True


def _second(path: str) -> int | None:
    try:
        return int(os.stat(path).st_mtime)  # noqa: PTH116  # many of them
    except OSError:
        return None
