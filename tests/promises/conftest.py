"""The promises are proven on the real thing: a country, PostgreSQL, Valkey, workers, SMTP."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "flow"))

from flow_processes import Service, now
from flow_world import World, a_world, base_of_this_process

from quxun.country import Country, Size


@pytest.fixture
def world(engine):
    """A maker of worlds on the present time; they end with the test."""
    with ExitStack() as stack:

        def make(*, portals=12, notices=5, reprints=0.3, seed=7, **fetching) -> World:
            size = Size(portals=portals, notices_per_column=notices, reprint_share=reprints)
            country = Country(seed=seed, size=size, now=now(), base=base_of_this_process())
            return stack.enter_context(a_world(country, engine, **fetching))

        yield make


@pytest.fixture
def service(database_url, broker_url, tmp_path):
    """A maker of services over a world; their processes end before the world does."""
    made: list[Service] = []

    def make(world, *, broker=broker_url, **settings) -> Service:
        made.append(Service(world, tmp_path, database=database_url, broker=broker, **settings))
        return made[-1]

    yield make
    for one in made:
        one.close()
