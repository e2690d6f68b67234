"""Real parts over a real database, and a place for the folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from aggregator.settings import Settings
from aggregator.wiring import Parts

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "store")]


@pytest.fixture
def parts(engine: Engine, database_url: str, tmp_path: Path) -> Iterator[Parts]:
    made = Parts(
        settings=Settings(
            home=tmp_path,
            database_url=database_url,
            secret_key="a-secret-of-the-tests-long-enough",
            public_url="http://quxun.example",
        )
    )
    yield made
    made.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "served"
