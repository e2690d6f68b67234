"""The one clock: pure code is given ``now``, and doors ask here."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The present time, UTC."""
    return datetime.now(UTC)  # noqa: TID251  # the one clock
