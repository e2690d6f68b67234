"""A sender that is killed at a step of its work: run as a program, told by lines on stdin.

Each line is ``step minutes``: a fork of this process delivers what is due at that time and kills
itself with SIGKILL at that step (before or after a call of the store, a write, an answer). One
line comes back: whether it was killed.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from aggregator import store
from aggregator.deliver import SmtpMailer
from aggregator.deliver.wire import Wire
from aggregator.flow import mail

NOW = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)


class Fuse:
    """Burns down by one at every step."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def step(self) -> None:
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1

    def around(self, what, name):
        real = getattr(what, name)

        def call(*args, **more):
            self.step()
            done = real(*args, **more)
            self.step()
            return done

        setattr(what, name, call)


def deliver(database: str, relay: str, notes: Path | None, steps: int, minutes: int) -> None:
    fuse = Fuse(steps)
    for what, name in ((store.Outbox, "claim_mails"), (store.Outbox, "turn"), (Wire, "write")):
        fuse.around(what, name)
    real = Wire.data_received

    def received(wire, data):
        fuse.step()
        real(wire, data)

    Wire.data_received = received
    mailer = SmtpMailer(relay, mail_from="digest@quxun.example", connections=2, notes=notes)
    mail.deliver_all(
        store=store.Outbox(store.connect(database)),
        mailer=mailer,
        clock=lambda: NOW + timedelta(minutes=minutes),
    )
    mailer.close()


def main() -> None:
    database, relay, *folder = sys.argv[1:]
    notes = Path(folder[0]) if folder else None
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    for line in sys.stdin:
        steps, minutes = map(int, line.split())
        child = os.fork()
        if child == 0:
            deliver(database, relay, notes, steps, minutes)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        said = "killed" if os.WIFSIGNALED(status) else str(os.waitstatus_to_exitcode(status))
        sys.stdout.write(f"{said}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
