"""Whatever happens to notices and readers, in whatever order: each is sent once, or why not."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from planning_machine import Planning


def test_every_notice_reaches_each_reader_once_or_a_rule_says_why_not(engine):
    """Short lives of the machine, the same ones each time; ``tests/planning/prove.py`` lets it
    live long, and new lives each time.
    """

    class Here(Planning):
        pass

    Here.engine = engine
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=6, stateful_step_count=40, deadline=None, database=None,
            derandomize=True, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
