"""Lets the tests of this room share ``flow_world``, and gives each a country of its own."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from flow_world import START, World, a_world, base_of_this_process

from quxun.country import Country, Size


@pytest.fixture
def world(engine):
    """A maker of worlds: ``world(portals=2)``; they end with the test."""
    with ExitStack() as stack:

        def make(*, portals=12, notices=24, reprints=0.3, seed=7, now=START, **fetching) -> World:
            size = Size(portals=portals, notices_per_column=notices, reprint_share=reprints)
            country = Country(seed=seed, size=size, now=now, base=base_of_this_process())
            return stack.enter_context(a_world(country, engine, **fetching))

        yield make
