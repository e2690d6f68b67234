"""The bench of digests runs: real planner, store and senders, and Postfix's own tools beside them."""

import shutil
from pathlib import Path

import pytest

from quxun.bench.digest import bench_digest

TOOLS = ("smtp-sink", "smtp-source")


@pytest.mark.slow
@pytest.mark.skipif(
    not all(shutil.which(tool) or Path(f"/usr/sbin/{tool}").is_file() for tool in TOOLS),
    reason="NO POSTFIX: digests are measured beside its smtp-source (apt install postfix)",
)
def test_every_reader_of_a_morning_is_counted_once():
    """A bench that no longer runs is noticed by nobody until its figures are asked for."""
    told: list[str] = []

    seen = bench_digest(
        subscribers=120, wishes=48, announcements=400, news=400, senders=1, say=told.append,
        messages=50, seconds=0.05,
    )  # fmt: skip

    assert (seen.subscribers, seen.wishes, seen.news) == (120, 48, 400)
    assert 0 < seen.editions <= 48
    assert seen.editions <= seen.mails <= 120
    assert seen.items_a_mail >= 1
    assert seen.mail_bytes > 2_000
    assert min(seen.of_source, seen.of_obvious, seen.planner_peak_mb, seen.sender_peak_mb) > 0
