"""What should be in the store of one who read the whole country."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING

from quxun.country.families import FAMILIES
from quxun.country.model import Authority, Notice

if TYPE_CHECKING:
    from quxun.country.country import Country


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a notice stands or stood, and what stands there.

    ``whole`` is false where only a hint at an attachment is printed, ``official`` where a press
    or a trade portal tells it in its own way. ``revision`` is the edits this portal made.
    """

    column_url: str
    article_url: str
    title: str
    source: str
    posted_at: datetime
    authority: str
    official: bool
    whole: bool
    pinned: bool
    withdrawn: bool
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A notice and its places. ``withdrawn`` when no place is left."""

    notice: Notice
    places: tuple[Place, ...]
    withdrawn: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """All notices, oldest first as published."""

    notices: tuple[Known, ...]

    def standing_urls(self, column_url: str) -> set[str]:
        """The articles that stand in a column now."""
        return {
            place.article_url
            for known in self.notices
            for place in known.places
            if place.column_url == column_url and not place.withdrawn
        }

    def by_url(self) -> dict[str, Known]:
        """Notices by the URL of each of their articles, withdrawn ones too."""
        return {place.article_url: known for known in self.notices for place in known.places}

    def to_json(self) -> str:
        """The whole as JSON: days and instants in ISO 8601, enums by value."""
        return json.dumps(asdict(self), ensure_ascii=False, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Enum):
        return str(value.value)
    message = f"no JSON for {type(value).__name__}"
    raise TypeError(message)


def make_truth(country: Country, port: int) -> Truth:
    """Read the truth off a country served at a port."""
    known = []
    for notice in country.notices():
        places = []
        for column, standing, gone in country.sightings(notice.id):
            shown = country.shown(column, standing)
            origin = origin_of(column.host, port)
            places.append(
                Place(
                    column_url=origin + column.path,
                    article_url=origin + FAMILIES[column.family].article_path(column, standing),
                    title=shown.title,
                    source=shown.source,
                    posted_at=standing.posted_at,
                    authority=column.authority.value,
                    official=column.authority is Authority.OFFICIAL,
                    whole=not standing.attachment_only,
                    pinned=standing.pinned,
                    withdrawn=gone,
                    revision=standing.edits,
                )
            )
        known.append(
            Known(
                notice=notice,
                places=tuple(places),
                withdrawn=all(place.withdrawn for place in places),
            )
        )
    return Truth(notices=tuple(known))


def origin_of(host: str, port: int) -> str:
    """``http://host:port``, the port left out where it is 80."""
    return f"http://{host}" if port == 80 else f"http://{host}:{port}"  # noqa: PLR2004
