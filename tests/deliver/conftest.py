"""Lets the tests of this room share ``scripted`` and ``desks``, and servers that answer by script."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from desks import SENDER, Desk, row
from scripted import Scripted

from aggregator.deliver import SmtpMailer


@pytest.fixture
def scripted():
    """Make servers; they stop afterwards."""
    made = []

    def make(**options):
        made.append(Scripted(**options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def send():
    """Send mails to recipients of these local parts; the desk that was told of them."""
    mailers = []

    def go(server, *locals_, desk=None, url=None, **options):
        options = {"connections": 1, "timeout": 60, **options}
        mailers.append(SmtpMailer(url or server.url, mail_from=SENDER, **options))
        rows = [row(n, to=f"{local}@inbox.example") for n, local in enumerate(locals_, 1)]
        desk = desk or Desk(*rows)
        mailers[-1].deliver(desk)
        return desk

    yield go
    for one in mailers:
        one.close()
