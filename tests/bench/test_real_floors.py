"""What is reached on third-party pages and titles, read in place: the floors that need them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from quxun.bench import floors
from quxun.bench.quality import OURS, bench_quality

NOW = datetime(2026, 11, 27, tzinfo=UTC)

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    "name",
    sorted({n.partition(".")[0] for n, f in floors.figures().items() if f.needs == "real"}),
)
def test_real_pages_reach_their_floors(real_data: Path, name: str):
    """A fall here is a mistake of ours: the pages have not changed."""
    got = bench_quality(real_data, sets=[name], now=NOW, with_peers=False, say=lambda _: None)

    assert got.below == []
    assert {one.who for one in got.scores} == {OURS}
