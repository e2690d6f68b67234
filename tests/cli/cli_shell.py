"""Running ``quxun`` in processes of its own, and what it answered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Done:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def lines(self) -> list:
        """The JSON lines on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def complaint(self) -> str:
        """The one line on stderr, without a traceback; nothing is on stdout."""
        assert self.out == ""
        [line] = self.err.splitlines()
        assert line.startswith("quxun")
        return line


@dataclass
class Shell:
    """Runs ``quxun`` with an environment that holds our settings and nobody else's."""

    settings: dict[str, str] = field(default_factory=dict)
    folder: Path = ROOT
    zygote: subprocess.Popen[bytes] | None = None

    def run(self, *words: str, stdin: str | bytes = b"", code: int = 0, **settings: str) -> Done:
        clean = {name: value for name, value in os.environ.items() if "QUXUN" not in name}
        given = {f"QUXUN_{name.upper()}": value for name, value in settings.items()}
        env = {**clean, "PYTHONPATH": str(ROOT), **self.settings, **given}
        given_bytes = stdin.encode() if isinstance(stdin, str) else stdin
        start = self._exec if self.zygote is None else self._fork
        answer = start(words, given_bytes, env)
        assert answer.code == code, f"{words}: exit {answer.code}\n{answer.out}\n{answer.err}"
        assert "Traceback" not in answer.err
        return answer

    def _exec(self, words: tuple[str, ...], stdin: bytes, env: dict[str, str]) -> Done:
        """A process from nothing, as a shell would start it."""
        done = subprocess.run(
            [sys.executable, "-m", "quxun", *words],
            input=stdin,
            env=env,
            cwd=self.folder,
            capture_output=True,
            timeout=120,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def _fork(self, words: tuple[str, ...], stdin: bytes, env: dict[str, str]) -> Done:
        """A process of its own too, forked from one that has imported everything."""
        streams = {name: self.folder / f".{name}" for name in ("stdin", "stdout", "stderr")}
        streams["stdin"].write_bytes(stdin)
        order = {"argv": words, "env": env, "cwd": str(self.folder)}
        order |= {name: str(path) for name, path in streams.items()}
        self.zygote.stdin.write(json.dumps(order).encode() + b"\n")
        self.zygote.stdin.flush()
        code = int(self.zygote.stdout.readline())
        return Done(
            code, streams["stdout"].read_text("utf-8"), streams["stderr"].read_text("utf-8")
        )


def settings_of(database: str, broker: str, home: Path) -> dict[str, str]:
    """What a distributed service would be told, with the country let through the guard."""
    return {
        "QUXUN_HOME": str(home / "home"),
        "QUXUN_DATABASE_URL": database,
        "QUXUN_BROKER_URL": broker,
        "QUXUN_SECRET_KEY": "a-secret-of-the-tests-long-enough",
        "QUXUN_PUBLIC_URL": "http://quxun.example",
        "QUXUN_ALLOW_NETS": "127.0.1.0/24",
        "QUXUN_DELAY_SECONDS": "0",
        "QUXUN_FLOOR_SECONDS": "1",
    }
