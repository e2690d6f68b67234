"""Keeps children alive: one that dies is started again within seconds; all end together."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from quxun.embedded import child
from quxun.embedded.child import ChildSpec

#: A child that lived this long had started well: its next death is answered at once.
SETTLED_SECONDS = 10.0
#: Never wait longer than this to start a child again.
LONGEST_WAIT = 3.0
#: Time to end by themselves, then the servers get the rest of the ten seconds.
SOFT_SECONDS = 5.0
SERVER_SECONDS = 3.0
#: What a child that is ended because its leader died gets to put its work down.
FOLLOW_SECONDS = 2.0


@dataclass(slots=True)
class _Ward:
    spec: ChildSpec
    process: subprocess.Popen[bytes]
    started: float
    deaths: int = 0
    again_at: float | None = None
    kill_at: float | None = None


def _say(line: str) -> None:
    with suppress(OSError, ValueError):  # whoever listened has gone; the service goes on
        sys.stderr.write(f"quxun: {line}\n")
        sys.stderr.flush()


@dataclass(slots=True)
class Supervisor:
    """Starts children and keeps them; everything happens in the thread that calls it.

    ``servers`` are stopped after everything else, because everything else uses them; ``say`` is
    told of every child that ended.
    """

    logs: Path
    servers: frozenset[str] = frozenset({"postgres", "valkey"})
    say: Callable[[str], None] = _say
    _wards: dict[str, _Ward] = field(default_factory=dict)

    def start(self, spec: ChildSpec) -> None:
        """Start a child and keep it alive from now on."""
        process = child.start(spec, log=self.log(spec.name))
        self._wards[spec.name] = _Ward(spec=spec, process=process, started=time.monotonic())

    def log(self, name: str) -> Path:
        """Where a child's words go."""
        return self.logs / f"{name}.log"

    def deaths(self, name: str) -> int:
        """How often a child ended since it last lived well."""
        return self._wards[name].deaths

    def pid(self, name: str) -> int | None:
        """The process of a child that runs now."""
        process = self._wards[name].process
        return process.pid if process.poll() is None else None

    def dead(self) -> str | None:
        """The name of a child that has ended and was not started again yet."""
        return next((n for n, w in self._wards.items() if w.process.poll() is not None), None)

    def look(self) -> None:
        """Start again what has ended: at once, later ever more slowly, up to three seconds."""
        now = time.monotonic()
        for name, ward in self._wards.items():
            code = ward.process.poll()
            if code is None:
                if ward.kill_at is not None and now >= ward.kill_at:
                    child.kill(ward.process, ward.spec)
                continue
            if ward.again_at is None:
                self._bury(name, ward, code, now)
            if ward.again_at is not None and now >= ward.again_at:
                self._start_again(name, ward, now)

    def _start_again(self, name: str, ward: _Ward, now: float) -> None:
        """Start it, or try later: no memory, no process and no disk are left at times."""
        try:
            ward.process = child.start(ward.spec, log=self.log(name))
        except (OSError, subprocess.SubprocessError) as error:
            ward.again_at = now + LONGEST_WAIT
            self.say(f"{name} cannot be started ({error}); it is tried again")
        else:
            ward.started, ward.again_at = now, None

    def _bury(self, name: str, ward: _Ward, code: int, now: float) -> None:
        child.kill(ward.process, ward.spec)  # what is left of its group
        lived = now - ward.started
        if lived > SETTLED_SECONDS or ward.kill_at is not None:
            ward.deaths = 0
        wait = 0.0 if ward.deaths == 0 else min(0.5 * 2**ward.deaths, LONGEST_WAIT)
        ward.deaths += 1
        ward.again_at, ward.kill_at = now + wait, None
        self.say(f"{name} ended ({_end(code)}); it is started again; see {self.log(name)}")
        if ward.spec.mend:
            ward.spec.mend(lived)
        for follower, other in self._wards.items():
            if other.spec.leader == name and other.process.poll() is None:
                self.restart(follower, f"{name} ended")

    def restart(self, name: str, why: str) -> None:
        """End a child that lives but does not work; ``look`` starts it again."""
        ward = self._wards[name]
        if ward.kill_at is not None:
            return
        self.say(f"{name} is ended and started again: {why}")
        child.stop(ward.process, ward.spec)
        ward.kill_at = time.monotonic() + FOLLOW_SECONDS

    def trim_logs(self) -> None:
        """Keep every child's log short."""
        for name in self._wards:
            child.trim_log(self.log(name))

    def age(self, name: str) -> float:
        """Seconds since a child was last started."""
        return time.monotonic() - self._wards[name].started

    def stop(self) -> None:
        """End everything within ten seconds: first what uses the servers, then those."""
        for names, seconds in (
            ([n for n in self._wards if n not in self.servers], SOFT_SECONDS),
            ([n for n in self._wards if n in self.servers], SERVER_SECONDS),
        ):
            self._end([self._wards[name] for name in names], seconds)

    def _end(self, wards: Sequence[_Ward], seconds: float) -> None:
        for ward in wards:
            child.stop(ward.process, ward.spec)
        end = time.monotonic() + seconds
        for ward in wards:
            try:
                ward.process.wait(timeout=max(end - time.monotonic(), 0.05))
            except subprocess.TimeoutExpired:
                child.kill(ward.process, ward.spec)
        for ward in wards:
            child.kill(ward.process, ward.spec)
            try:
                ward.process.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                ward.process.kill()


def _end(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
