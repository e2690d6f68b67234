"""Announcements as the store gives them, made of drafts of tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from aggregator.model import Announcement, AnnouncementId, Draft

SEEN = datetime(2026, 10, 5, 2, 30, tzinfo=UTC)


def record_of(draft: Draft, number: int, changes: Mapping[str, object], **more) -> Announcement:
    """The record of a draft; ``changes`` are of the draft, those that begin with ``at_`` of it."""
    record = {k[3:]: v for k, v in changes.items() if k.startswith("at_")}
    words = {k: v for k, v in changes.items() if not k.startswith("at_")}
    one = Announcement(
        id=AnnouncementId(number),
        uuid=UUID(int=number),
        draft=replace(draft, **words),
        region_roll=("500116", "500100", "500000"),
        first_seen_at=SEEN,
        announced_at=SEEN,
        changed_at=SEEN + timedelta(minutes=number),
        change=number,
        **more,
    )
    return replace(one, **record)
