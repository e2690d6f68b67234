"""Announcements as mails need them: with their sightings and without their texts."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, text

from aggregator.model import Announcement, AnnouncementId, Draft, Novelty
from aggregator.store.announcements import sightings_of

_DRAFTS = msgspec.json.Decoder(Draft)


def slim(connection: Connection, ids: Sequence[AnnouncementId]) -> Sequence[Announcement]:
    """Announcements with their sightings and without their texts."""
    found = connection.execute(
        text(
            "select id, uuid, cast(draft - 'body_html' - 'body_text' as text) as said,"
            " region_roll, first_seen_at, announced_at, changed_at, change, revision, novelty,"
            " source_id, source_name, withdrawn_at from announcements where id = any(cast(:ids as bigint[]))"
        ),
        {"ids": ids},
    ).mappings().all()  # fmt: skip
    shown = sightings_of(connection, [row["id"] for row in found])
    return [
        Announcement(
            id=AnnouncementId(row["id"]),
            uuid=row["uuid"],
            draft=_DRAFTS.decode(row["said"]),
            region_roll=tuple(row["region_roll"]),
            first_seen_at=row["first_seen_at"],
            announced_at=row["announced_at"],
            changed_at=row["changed_at"],
            change=row["change"],
            revision=row["revision"],
            novelty=Novelty(row["novelty"]),
            source_id=row["source_id"],
            source_name=row["source_name"],
            withdrawn_at=row["withdrawn_at"],
            sightings=tuple(shown.get(row["id"], ())),
        )
        for row in found
    ]
