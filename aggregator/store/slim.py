"""Announcements as mails need them: with their sightings and without their texts."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, text

from aggregator.model import Announcement, AnnouncementId, Draft
from aggregator.store import rows
from aggregator.store.announcements import sightings_of

_DRAFTS = msgspec.json.Decoder(Draft)


def slim(connection: Connection, ids: Sequence[AnnouncementId]) -> Sequence[Announcement]:
    """Announcements with their sightings and without their texts."""
    found = connection.execute(
        text(
            "select id, uuid, cast(draft - 'body_html' - 'body_text' as text) as said,"
            " region_roll, first_seen_at, announced_at, changed_at, change, revision, novelty,"
            " source_id, source_name, withdrawn_at, merged_into, removed_at"
            " from announcements where id = any(cast(:ids as bigint[]))"
        ),
        {"ids": ids},
    ).mappings().all()  # fmt: skip
    shown = sightings_of(connection, [row["id"] for row in found])
    return [
        rows.announcement(row, tuple(shown.get(row["id"], ())), draft=_DRAFTS.decode(row["said"]))
        for row in found
    ]
