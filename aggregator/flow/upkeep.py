"""The story of the upkeep: every step is made, whatever becomes of the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog

from aggregator.errors import OutageError
from aggregator.ports import AlarmStore

log = structlog.get_logger(__name__)


def do_each(steps: Mapping[str, Callable[[], object]], *, alarms: AlarmStore) -> None:
    """Make steps in their order, each guarded by itself.

    A step that fails is logged and raises an alarm of its own, which is cleared when the step
    goes well again; the others are made.

    Args:
        steps: what to do, by the name that its alarm bears.
        alarms: where faults are told.

    Raises:
        OutageError: the database is away: every step needs it.
    """
    failing = {alarm.kind for alarm in alarms.open_alarms()}
    for name, step in steps.items():
        kind = f"upkeep:{name}"
        try:
            step()
        except OutageError:
            raise
        except Exception as error:  # a bug in one step must not keep the others back
            log.exception("upkeep step failed", step=name)
            alarms.raise_alarm(
                kind,
                f'the step "{name}" fails ({type(error).__name__}); the others go on, and it is tried'
                " again by itself. The worker's log says why (upkeep step failed).",
            )
        else:
            if kind in failing:
                alarms.clear_alarm(kind)
