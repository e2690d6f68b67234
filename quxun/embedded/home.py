"""The folder of an embedded service: what lies in it, who may use it, that it can be written."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import pwd
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aggregator.errors import EmbeddedError
from aggregator.settings import runtime_folder

#: Less than this is "disk full": a fresh cluster and its first hours need it.
LEAST_BYTES = 200 * 1024 * 1024
#: Where PostgreSQL's data go when it runs as nobody and cannot reach the home.
ROOT_FALLBACK = Path("/var/lib/quxun")
#: A folder for sockets is short, and free of what PostgreSQL's and libpq's lists split at.
_PLAIN = re.compile(rb"[A-Za-z0-9_./+-]{1,60}")


class BusyError(EmbeddedError):
    """Another process holds the home."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whom PostgreSQL runs as: ourselves, or nobody when we are root (it refuses root)."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Home:
    """The folders of an embedded service, all below one."""

    path: Path

    @property
    def mailbox(self) -> Path:
        """Mails that were caught, one ``.eml`` file each."""
        return self.path / "mailbox"

    @property
    def logs(self) -> Path:
        """What the children say, one file each."""
        return self.path / "log"

    @property
    def valkey(self) -> Path:
        """Valkey's append-only file."""
        return self.path / "valkey"

    @property
    def service_file(self) -> Path:
        """How a running ``quxun up`` is reached: URLs and settings for commands."""
        return self.path / "service.json"

    @property
    def sockets(self) -> Path:
        """A short folder for sockets: a path there must fit into 107 bytes."""
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:10]
        name = f"quxun-{os.geteuid()}-{digest}"
        for base in (runtime_folder(), _temporary()):
            if base and _PLAIN.fullmatch(os.fsencode(base)) and _open_to_postgres(base):
                return base / name
        return Path("/tmp") / name  # noqa: S108  # ours, 0700 and checked

    def postgres(self, account: Account) -> Path:
        """PostgreSQL's data: below the home, unless its account cannot get there.

        Data that exist are found again, whatever became of the modes above them since.
        """
        inside = self.path / "postgres"
        outside = ROOT_FALLBACK / self.sockets.name / "postgres"
        if account.uid == os.geteuid() or (inside / "data").exists():
            return inside
        return outside if (outside / "data").exists() or not reachable(self.path) else inside

    def prepare(self, *, least_bytes: int = LEAST_BYTES) -> None:
        """Make the folders.

        Raises:
            EmbeddedError: when the home cannot be written or its disk is full.
        """
        try:
            for folder in (self.path, self.mailbox, self.logs, self.valkey):
                folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.path) as probe:
                probe.write(b"\0" * 4096)
                probe.flush()
        except OSError as error:
            raise EmbeddedError(cannot_write(self.path, error)) from error
        for folder in {self.path, _nearest(self.postgres(postgres_account()))}:
            free = shutil.disk_usage(folder).free
            if free < least_bytes:
                raise EmbeddedError(
                    f"the disk below {folder} is full: {free // 1_048_576} MB are free, "
                    f"{least_bytes // 1_048_576} MB are needed; "
                    f"make room or set QUXUN_HOME elsewhere"
                )
        try:
            self._prepare_sockets()
        except OSError as error:
            raise EmbeddedError(
                f"{self.sockets} cannot be made for sockets ({error.strerror}); set TMPDIR"
            ) from error

    def forget_sockets(self) -> None:
        """Leave nothing of ours in the temporary folder."""
        with suppress(OSError):
            (self.sockets / "valkey.sock").unlink(missing_ok=True)
            self.sockets.rmdir()

    def _prepare_sockets(self) -> None:
        """Make the short folder; one that somebody else made there first is not used."""
        folder, account = self.sockets, postgres_account()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        seen = folder.lstat()
        if not stat.S_ISDIR(seen.st_mode) or seen.st_uid not in {os.geteuid(), account.uid}:
            raise EmbeddedError(f"{folder} belongs to somebody else; remove it or set TMPDIR")
        if os.geteuid() == 0:
            os.chown(folder, account.uid, account.gid)
        folder.chmod(0o700)

    def secret(self, name: str) -> str:
        """A secret made once and kept in the home, mode 0600."""
        path = self.path / name
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text(encoding="ascii").strip()
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
        return path.read_text(encoding="ascii").strip()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the home for ourselves.

        Raises:
            BusyError: when another process has it.
            EmbeddedError: when its lock cannot be made.
        """
        path = self.path / "lock"
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EmbeddedError(cannot_write(self.path, error)) from error
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BusyError(
                    f"a service is running on {self.path} already{_by(path)}; "
                    f"stop it first (a backup or restore: let it end), or set QUXUN_HOME"
                ) from error
            os.truncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(handle)


def postgres_account() -> Account:
    """Whom PostgreSQL runs as."""
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid())
    nobody = pwd.getpwnam("nobody")
    return Account(uid=nobody.pw_uid, gid=nobody.pw_gid)


def _by(lock: Path) -> str:
    try:
        return f" (pid {int(lock.read_text(encoding='ascii'))})"
    except (OSError, ValueError):
        return ""


def _temporary() -> Path | None:
    try:
        return Path(tempfile.gettempdir())
    except OSError:
        return None


def _open_to_postgres(folder: Path) -> bool:
    return os.geteuid() != 0 or reachable(folder)


def _nearest(path: Path) -> Path:
    """The folder itself, or the first one above it that exists."""
    return next(one for one in (path, *path.parents) if one.exists())


def reachable(path: Path) -> bool:
    """Whether any account can get to a folder: every folder above it lets others through."""
    return all(reachable_mode(one) for one in (path, *path.parents) if one.exists())


def reachable_mode(path: Path) -> bool:
    """Whether a folder lets others through."""
    return bool(path.stat().st_mode & stat.S_IXOTH)


def cannot_write(path: Path, error: OSError) -> str:
    """Why a folder cannot be written, and what to do, in one line."""
    if error.errno == errno.ENOSPC:
        return f"the disk below {path} is full; make room or set QUXUN_HOME elsewhere"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{path} cannot be written ({error.strerror}); set QUXUN_HOME to a folder of yours"
    return f"{path} cannot be used: {error.strerror or error}; set QUXUN_HOME elsewhere"
