"""The command in processes of its own: killed, without room, without a database, told to stop."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from export_folders import picture, write
from sqlalchemy import text
from test_runs import go_on, hold_back

from aggregator.settings import inherited_environment
from aggregator.wiring import Parts
from quxun.bench.journals import write_journal
from tests.waiting import until

PLACES = ["500116", "370203", "440304"]


def command(
    parts: Parts, root: Path, *options: str, limit: int | None = None
) -> subprocess.Popen[str]:
    def bound() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen(
        [sys.executable, "-m", "quxun", "feeds", "publish", str(root), *options],
        env={**inherited_environment(), **parts.settings.as_environment()},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=bound,  # noqa: PLW1509  # tests have no threads

        start_new_session=True,
    )  # fmt: skip


def came(what: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait until something is there, while the process that makes it lives."""
    until(
        what,
        what="what the process writes",
        trouble=lambda: process.poll() is not None and process.communicate(),
    )


@pytest.fixture
def following(parts, root) -> Iterator[subprocess.Popen[str]]:
    process = command(parts, root, "--follow")
    try:
        came((root / ".quxun/state.json").exists, process)
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_killed_run_is_finished_by_the_next(parts, root, tmp_path):
    """Kill -9 at any moment: no half file is seen, no process is left, nothing is left over."""
    write_journal(parts.engine, announcements=260, places=PLACES)
    process = command(parts, root, "--jobs", "2")
    came(lambda: any((root / "feeds").rglob("*.json")), process)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()

    process.kill()
    process.communicate()
    for path, (body, _) in picture(root).items():
        if path.endswith(".atom"):
            assert body.endswith(b"</feed>")
    until_gone(children)
    write(parts, root)
    write(parts, tmp_path / "undisturbed")

    assert picture(root) == picture(tmp_path / "undisturbed")
    assert {one.name for one in (root / ".quxun").iterdir()} == {"lock", "state.json"}


def reached(root: Path, change: int) -> Callable[[], bool]:
    """Whether a folder has come so far."""
    return lambda: f'"through":{change},' in (root / ".quxun/state.json").read_text()


def until_gone(pids: list[str]) -> None:
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), what=f"the end of {pids}")


def test_several_processes_print_what_one_prints(parts, root, tmp_path):
    """How many share the work must not be seen in any file."""
    write_journal(parts.engine, announcements=120, places=PLACES)
    done = command(parts, root, "--jobs", "3")
    out, err = done.communicate(timeout=120)
    write(parts, tmp_path / "one")

    assert done.returncode == 0, err
    assert "documents of" in out
    assert picture(root) == picture(tmp_path / "one")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_full_disk_leaves_what_readers_have(parts, root, jobs):
    """Old feeds are whole feeds; the operator is told in one line."""
    last = write_journal(parts.engine, announcements=130, places=PLACES)
    hold_back(parts, last - 1)
    write(parts, root)
    before = picture(root)
    go_on(parts, last)

    done = command(parts, root, "--jobs", jobs, "--all", limit=20_000)
    _, err = done.communicate(timeout=120)

    assert done.returncode == 1
    [line] = [one for one in err.splitlines() if one.startswith("quxun: ")]
    assert "File too large; the files that readers see stay" in line
    assert "Traceback" not in err
    after = picture(root)
    assert all(body in {before[path][0], after[path][0]} for path, (body, _) in before.items())
    for path, (body, _) in after.items():
        if path.endswith(".atom"):
            assert body.endswith(b"</feed>")
    write(parts, root)
    assert picture(root)["feeds/all.atom"] != before["feeds/all.atom"]


def test_a_second_writer_is_refused_in_one_line(parts, root, following):
    """Two of them would put documents of different times side by side."""
    done = command(parts, root)
    _, err = done.communicate(timeout=120)

    assert done.returncode == 1
    assert f"process {following.pid}" in err.splitlines()[-1]


def test_what_is_followed_gets_new_files_and_stops_when_told(parts, root, following):
    """The compose file's publisher: a change is there soon, and SIGTERM ends it."""
    last = write_journal(parts.engine, announcements=90, places=PLACES)
    came(reached(root, last), following)
    assert "feeds/land/500116.json.gz" in picture(root)
    assert (root / ".quxun/seen").exists()

    following.send_signal(signal.SIGTERM)
    _, err = following.communicate(timeout=60)

    assert following.returncode == 0, err
    assert not list((root / ".quxun").glob("new-*"))


def test_a_database_that_is_away_is_waited_for(parts, root, following, database_url, servers):
    """A restart of PostgreSQL must not end the publisher, nor harm a file."""
    name = database_url.rpartition("/")[2].partition("?")[0]
    last = write_journal(parts.engine, announcements=60, places=PLACES)
    came(reached(root, last), following)
    before = picture(root)
    parts.engine.dispose()
    admin = servers.database.replace("/quxun?", "/postgres?")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"alter database {name} allow_connections false")
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,)
        )
        line = following.stderr.readline()
        while "export_waits" not in line:
            line = following.stderr.readline()
        assert picture(root) == before
        connection.execute(f"alter database {name} allow_connections true")
    with parts.engine.begin() as connection:
        connection.execute(text("insert into cuts select max(change) + 1, now(), 'x' from changes"))

    came(reached(root, last + 1), following)
    assert list((root / "feeds/500116/archive").iterdir())


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_run_that_is_told_to_stop_stops_in_the_middle(parts, root, jobs):
    """An operator who ends it need not wait for half a million files."""
    write_journal(parts.engine, announcements=400, places=PLACES)
    process = command(parts, root, "--jobs", jobs)
    came(lambda: any((root / ".quxun").glob("new-*/*")), process)

    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=120)

    assert process.returncode == 1
    assert "stopped; the next run goes on" in err.splitlines()[-1]
    assert not (root / ".quxun/state.json").exists()
    assert write(parts, root).documents
