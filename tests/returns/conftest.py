"""Lets the tests of this room share ``returned_mail``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine

from aggregator import store

sys.path.insert(0, str(Path(__file__).parent))

from returned_mail import Post


@pytest.fixture
def post(engine: Engine) -> Post:
    return Post(
        engine=engine,
        returns=store.Returns(engine),
        suppressions=store.Suppressions(engine),
        people=store.Subscribers(engine),
        outbox=store.Outbox(engine),
    )
