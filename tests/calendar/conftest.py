"""Lets the tests of this room share its helpers, and gives each a country of its own."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "flow"))
sys.path.insert(0, str(Path(__file__).parent))

from flow_world import START, World, a_world, base_of_this_process

from quxun.country import Country, Size


@pytest.fixture
def world(engine):
    """A country of a few portals, polled once, with what is to come as news."""
    with ExitStack() as stack:

        def make(*, portals: int, notices: int, reprints: float = 0.0) -> World:
            size = Size(portals=portals, notices_per_column=notices, reprint_share=reprints)
            country = Country(seed=7, size=size, now=START, base=base_of_this_process())
            made = stack.enter_context(a_world(country, engine))
            made.add_all()
            made.look()
            return made

        yield make
