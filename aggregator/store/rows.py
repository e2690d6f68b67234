"""Rows to nouns and back: the one place where columns and fields meet."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from sqlalchemy import RowMapping

from aggregator.model import (
    Announcement,
    AnnouncementId,
    Authority,
    Draft,
    Entry,
    EntryId,
    Forwarding,
    Health,
    Learned,
    Novelty,
    Redesign,
    Sighting,
    Source,
    SourceId,
    SourceKind,
    SourceSettings,
    SourceState,
    StoredEntry,
)

Row = RowMapping
Noun = TypeVar("Noun")


def to_json(value: object) -> str:
    """A noun as text for a ``jsonb`` column, which holds neither NUL nor lone surrogates."""
    try:
        text = msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        text = msgspec.json.encode(_storable(msgspec.to_builtins(value))).decode()
    if "\\u0000" in text:
        text = msgspec.json.encode(_storable(msgspec.json.decode(text))).decode()
    return text


def _storable(value: object) -> object:
    """Builtins with every string made storable."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_storable(key): _storable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(one) for one in value]
    return value


def from_json(value: object, noun: type[Noun]) -> Noun:
    """A noun from what psycopg makes of a ``jsonb`` column."""
    return msgspec.convert(value, type=noun)


def plain(value: dict[str, object]) -> dict[str, object]:
    """Builtins that JSON knows, of what columns hold: times become words."""
    return dict(msgspec.to_builtins(value))


def record(text: str) -> Announcement:
    """An announcement as a change of the journal published it."""
    return _RECORDS.decode(text)


_RECORDS = msgspec.json.Decoder(Announcement)


def source(row: Row, prefix: str = "") -> Source:
    """A source from its row; ``prefix`` when it was joined to another table."""

    def col(name: str) -> Any:
        return row[prefix + name]

    return Source(
        id=SourceId(col("id")),
        slug=col("slug"),
        name=col("name"),
        kind=SourceKind(col("kind")),
        url=col("url"),
        region=col("region"),
        authority=Authority(col("authority")),
        settings=from_json(col("settings"), SourceSettings),
        state=SourceState(col("state")),
        learned=from_json(col("learned"), Learned),
        etag=col("etag"),
        last_modified=col("last_modified"),
        body_hash=col("body_hash"),
        generation=col("generation"),
        attempts=col("attempts"),
        failures=col("failures"),
        first_polled_at=col("first_polled_at"),
        last_polled_at=col("last_polled_at"),
        last_ok_at=col("last_ok_at"),
        last_new_at=col("last_new_at"),
        next_poll_at=col("next_poll_at"),
        usual_gap=col("usual_gap"),
        usual_rows=col("usual_rows"),
        health=Health(col("health")),
        problem=col("problem"),
        gap_open=col("gap_open"),
        held=col("held"),
        redesign=from_json(col("redesign"), Redesign) if col("redesign") else None,
        forwarding=from_json(col("forwarding"), Forwarding) if col("forwarding") else None,
        full_at=col("full_at"),
    )


#: The columns that ``source`` reads.
SOURCE_COLUMNS = (
    "id", "slug", "name", "kind", "url", "region", "authority", "settings", "state", "learned",
    "etag", "last_modified", "body_hash", "generation", "attempts", "failures", "first_polled_at",
    "last_polled_at", "last_ok_at", "last_new_at", "next_poll_at", "usual_gap", "usual_rows",
    "health", "problem", "gap_open", "held", "redesign",
    "forwarding", "full_at",
)  # fmt: skip


def stored_entry(row: Row) -> StoredEntry:
    """An entry joined to its source, whose columns begin with ``s_``."""
    return StoredEntry(
        id=EntryId(row["id"]),
        source=source(row, "s_"),
        entry=from_json(row["entry"], Entry),
        first_seen_at=row["first_seen_at"],
        first_poll=row["first_poll"],
        generation=row["generation"],
        attempts=row["attempts"],
        reads=row["reads"],
        read_at=row["read_at"],
        etag=row["etag"],
        last_modified=row["last_modified"],
        page_hash=row["page_hash"],
        gone_since=row["gone_since"],
        announcement_id=row["announcement_id"],
    )


def announcement(
    row: Row, sightings: tuple[Sighting, ...] = (), *, draft: Draft | None = None
) -> Announcement:
    """An announcement with the sightings that were read beside it; ``draft`` when that was too."""
    return Announcement(
        id=AnnouncementId(row["id"]),
        uuid=row["uuid"],
        draft=draft or from_json(row["draft"], Draft),
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
        merged_into=row["merged_into"],
        removed_at=row["removed_at"],
        sightings=sightings,
    )


def sighting(row: Row) -> Sighting:
    """A sighting from its row."""
    return Sighting(
        source_id=SourceId(row["source_id"]),
        source_name=row["source_name"],
        url=row["url"],
        title=row["title"],
        authority=Authority(row["authority"]),
        seen_at=row["seen_at"],
    )
