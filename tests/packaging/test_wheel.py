"""The wheel: installed into an empty environment it holds all it needs and runs the service."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import sysconfig
import urllib.request
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wheel")]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty environment with the wheel in it; its dependencies are those of this one.

    They are lent through a .pth file instead of being installed again: what is tried is
    what our wheel holds, not the package index.
    """
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "build",
            "--wheel",
            "--no-isolation",
            "--outdir",
            str(folder),
            str(ROOT),
        ],
        check=True,
        capture_output=True,
    )
    [wheel] = folder.glob("*.whl")
    target = folder / "env"
    venv.create(target, with_pip=False, symlinks=True)
    python = target / "bin" / "python"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "-q",
            "--python",
            str(python),
            "install",
            "--no-deps",
            "--no-index",
            str(wheel),
        ],
        check=True,
        capture_output=True,
    )
    site = next((target / "lib").glob("python3*")) / "site-packages"
    lent = folder / "lent"
    lent.mkdir()
    for entry in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if "quxun" not in entry.name and not entry.name.endswith(".pth"):
            (lent / entry.name).symlink_to(entry)
    (site / "lent.pth").write_text(str(lent), encoding="utf-8")
    return target / "bin"


def run(bin_: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(bin_ / "python"), "-I", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )


def test_templates_migrations_and_data_are_inside(installed: Path):
    """What is only in the repository is missing for everybody else."""
    code = (
        "import quxun, aggregator; from aggregator import divisions, normalise;"
        "from aggregator.templates import template_folder, environment; from pathlib import Path;"
        "from aggregator import store;"
        "assert 'env' in quxun.__file__, quxun.__file__;"
        "assert divisions.get('500116').name == '江津区';"
        "assert 'web/index.html' in environment().list_templates();"
        "assert (template_folder() / 'email').is_dir();"
        "assert list((Path(store.__file__).parent / 'migrations' / 'versions').glob('0*.py'));"
        "print(normalise.classify_title('江津区2026年技改项目申报通知').categories[0].slug)"
    )

    done = run(installed, "-c", code)

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "application"


def test_the_installed_wheel_runs_the_service(installed: Path, tmp_path: Path):
    """`pip install quxun[embedded]` and `quxun up` must be enough."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {k: v for k, v in os.environ.items() if not k.startswith(("QUXUN_", "PYTHON", "COV"))}
    tmp_path.chmod(0o755)
    process = subprocess.Popen(
        [str(installed / "quxun"), "up"],
        env={**env, "QUXUN_HOME": str(tmp_path / "home"), "QUXUN_PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
    )
    try:
        lines = iter(process.stdout.readline, "")
        ready = next((line for line in lines if line.startswith("Quxun is ready")), "")
        assert ready.strip() == f"Quxun is ready at http://127.0.0.1:{port}", process.stderr.read()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
            page = answer.read().decode()
        assert "区讯" in page
        assert "演示" not in page
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0
