"""The bench of polls runs: real worker, store and curl on a country of a few columns."""

import shutil

import pytest

from quxun.bench.poll import bench_poll


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("curl"), reason="NO CURL: polls are measured beside it")
def test_polls_are_measured_through_worker_and_store():
    """A bench that no longer runs is noticed by nobody until its figures are asked for."""
    told: list[str] = []

    phases = bench_poll(
        count=4, html_share=0.5, changed=0.5, urls=[], concurrency=1, say=told.append
    )

    assert [phase.sources for phase in phases] == [4, 4, 4]
    cold, unchanged, changed = (phase.new_entries for phase in phases)
    assert cold >= 4 * 15
    assert (unchanged, changed) == (0, 2)
