"""The two commands of a newcomer: what is missing is told in one line."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKE = shutil.which("make")
pytestmark = pytest.mark.skipif(MAKE is None, reason="NO MAKE: the Makefile is not tried")


def make(*arguments, path=None):
    env = {
        k: v
        for k, v in os.environ.items()
        if k not in {"PYTHON", "QUXUN_HOME", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    }
    done = subprocess.run(
        [MAKE, "--no-print-directory", *arguments], cwd=ROOT,
        env={**env, "PATH": str(path)} if path else env,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    done.words = [line for line in done.stderr.splitlines() if not line.startswith("make:")]
    return done


def interpreter(folder: Path, name: str, *, lacks: str) -> Path:
    """A python3 that fails whatever speaks of what it lacks."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f'#!/bin/sh\ncase "$2" in *{lacks}*) exit 1;; esac\nexit 0\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def tools(tmp_path):
    """A PATH with a shell and no Python at all."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("sh", "echo"):
        (folder / name).symlink_to(shutil.which(name))
    return folder


def test_machine_without_python_is_told_what_to_install(tools):
    """The first thing a newcomer may see."""
    done = make("python-is-there", path=tools)

    assert done.returncode
    assert len(done.words) == 1
    assert "no Python 3.11 or newer with the venv module was found; install it" in done.words[0]


def test_old_python_is_named(tools):
    """Asked for by name, it is not silently replaced."""
    old = interpreter(tools, "python3.9", lacks="version_info")

    done = make("python-is-there", f"PYTHON={old}")

    assert done.returncode
    assert done.words == [
        f"quxun: {old} is no Python 3.11 or newer; say make PYTHON=/path/to/python3"
    ]


def test_python_without_venv_is_named(tools):
    """Debian parts venv from python3."""
    bare = interpreter(tools, "python3", lacks="ensurepip")

    done = make("python-is-there", path=tools)

    assert done.returncode
    assert done.words == [
        f"quxun: {bare.name} has no venv module; install it (Debian: apt install python3-venv)"
    ]


def test_newer_python_is_found_beside_an_old_one(tools):
    """python3 is 3.9 on many a machine that has 3.12 as well."""
    interpreter(tools, "python3", lacks="version_info")
    interpreter(tools, "python3.12", lacks="nothing")

    done = make("python-is-there", path=tools)

    assert (done.returncode, done.words) == (0, [])


@pytest.mark.parametrize("name", ["python3", "python3.13", "python3.12", "python3.11"])
def test_every_supported_python_is_looked_for(tools, name):
    """And each by its own name."""
    interpreter(tools, name, lacks="nothing")

    assert make("python-is-there", path=tools).returncode == 0


def test_home_of_make_run_is_beside_the_code_unless_it_is_said(tmp_path):
    """QUXUN_HOME from the environment wins."""
    assert 'QUXUN_HOME="./.quxun" exec .venv/bin/quxun up --demo' in make("-n", "run").stdout
    said = make("-n", "run", f"QUXUN_HOME={tmp_path}").stdout
    assert f'QUXUN_HOME="{tmp_path}" exec .venv/bin/quxun up --demo' in said


def test_lock_holds_for_every_supported_python():
    """Debian 12 has Python 3.11.2, for which redis asks for more than for the newest."""
    from importlib.metadata import PackageNotFoundError, requires

    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    lock = (ROOT / "requirements" / "run.txt").read_text(encoding="utf-8")
    locked = {
        canonicalize_name(line.partition("==")[0]) for line in lock.splitlines() if "==" in line
    }
    missing = set()
    for package in locked:
        try:
            needs = [Requirement(one) for one in requires(package) or []]
        except PackageNotFoundError:
            continue  # for another Python or machine than this one
        missing |= {
            (package, need.name, version)
            for need in needs
            for version in ("3.11.0", "3.12.0", "3.13.0", "3.14.0")
            for machine in ("x86_64", "aarch64")
            if need.marker
            and "extra" not in str(need.marker)
            and need.marker.evaluate({
                "python_version": version.rpartition(".")[0], "python_full_version": version,
                "platform_machine": machine,
            })
            and canonicalize_name(need.name) not in locked
        }  # fmt: skip

    assert not missing


def test_make_bench_holds_every_kind_of_figure():
    """Tests that ask for a floor, real pages, times and polls; one that fails stops no other."""
    said = make("-n", "bench").stdout

    assert 'grep -rl "bench.floors" tests' in said
    assert "for what in quality read poll" in said
    assert "|| failed=1; done; exit $failed" in said
