"""Who reads only feeds has the store's announcements after any sleep (DESIGN.md, promise 5).

The same histories, many more and longer: ``.venv/bin/python tests/archives/prove.py --help``.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from archive_history import History
from archive_proof import Proof
from archive_world import START, open_web


@pytest.mark.parametrize("seed", range(2))
def test_readers_who_sleep_and_come_back_hold_what_the_store_holds(
    seed: int, database_url: str, tmp_path: Path
):
    """Whatever arrived late, was edited, withdrawn, merged or filed elsewhere while they slept."""
    time = [START]
    web = open_web(database_url, tmp_path, time)
    proof = Proof(web, History(parts=web.parts, time=time, seed=seed), names=SOME)
    proof.run(30)
    web.close()

    assert proof.figures.archives > 0
    assert proof.figures.comparisons > 0


def test_what_happens_while_somebody_reads_is_not_lost_on_them(database_url: str, tmp_path: Path):
    """A visit takes many requests, and portals do not wait for its end."""
    time = [START]
    web = open_web(database_url, tmp_path, time)
    proof = Proof(
        web,
        History(parts=web.parts, time=time, seed=7),
        names=("all", "500000", "policies"),
        busy=0.3,
    )
    proof.run(24, often=0.3)
    web.close()

    assert proof.figures.archives > 0


#: A feed of each sort, in the test run.
SOME = ("all", "tender", "500000", "land/500000")
