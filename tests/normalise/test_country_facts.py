"""Figures of a whole simulated country against what its authors meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from aggregator.normalise import read_facts
from quxun.country import Country, Size

#: Least precision and recall. Measured on seeds 7 and 8: amounts .99/.98, deadlines and days in
#: force 1.00, stages .82/1.00 (a plant that passed its acceptance is 竣工 and 试生产 for us).
FLOORS = {"amounts": (0.97, 0.95), "deadlines": (0.97, 0.97), "from": (0.97, 0.97), "stages": (0.75, 0.95)}  # fmt: skip


@pytest.mark.parametrize("seed", [7, 8])
def test_figures_are_those_the_authors_meant(seed: int) -> None:
    """Two thousand amounts and their bases, the deadlines and the days in force."""
    country = Country(
        seed=seed,
        size=Size(portals=12, notices_per_column=24, reprint_share=0.0),
        now=datetime(2026, 11, 25, 2, 30, tzinfo=UTC),
    )
    right: Counter[str] = Counter()
    said: Counter[str] = Counter()
    meant: Counter[str] = Counter()

    def count(name: str, want: Iterable[object], got: Iterable[object]) -> None:
        wanted, given = Counter(want), Counter(got)
        right[name] += (wanted & given).total()
        said[name] += given.total()
        meant[name] += wanted.total()

    for known in country.truth().notices:
        notice = known.notice
        found = read_facts("\n".join(notice.paragraphs), posted=notice.posted_at.date())
        truth = notice.facts
        count(
            "amounts",
            ((float(one.yuan), one.basis.value) for one in truth.amounts),
            ((one.yuan, one.basis) for one in found.amounts),
        )
        count("deadlines", (d.day for d in truth.deadlines), (d.value for d in found.deadlines))
        count("stages", truth.stages, (one.value for one in found.stages))
        start = [truth.valid_from.isoformat()] if truth.valid_from else []
        count("from", start, (one.value for one in found.validity if one.role == "from"))

    for name, (precision, recall) in FLOORS.items():
        assert meant[name] > 20, name
        assert right[name] / said[name] >= precision, name
        assert right[name] / meant[name] >= recall, name
