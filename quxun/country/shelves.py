"""What stands in a column and when that changed; what a portal does to a title."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from quxun.country.dice import maybe
from quxun.country.families import FAMILIES
from quxun.country.model import Column, Division, SourceKind, Standing, Wrap
from quxun.country.writing import Head

_PINNING = frozenset({"trs", "guangdong", "boda", "shtml"})
_ENOUGH_TO_PIN = 7
#: What a migration to another system adds to every article's number.
RENUMBERED = 300_000


@dataclass(slots=True)
class Shelf:
    """What stands in a column, newest first, and when that last changed."""

    standings: list[Standing]
    changed_at: datetime
    version: int = 0
    opening: tuple[Standing, ...] = ()

    def touch(self, now: datetime) -> None:
        """Count a change; times given out as Last-Modified never stand still (whole seconds)."""
        self.version += 1
        at = now.replace(microsecond=0)
        self.changed_at = max(at, self.changed_at + timedelta(seconds=1))

    def replace(self, fresh: dict[int, Standing]) -> None:
        """Put changed standings in the places of those with their ids."""
        self.standings = [fresh.get(one.id, one) for one in self.standings]
        self.opening = tuple(fresh.get(one.id, one) for one in self.opening)

    def put(self, standing: Standing) -> None:
        """Add a standing where its time of posting says."""
        place = 0
        for other in self.standings:
            if other.posted_at <= standing.posted_at:
                break
            place += 1
        self.standings.insert(place, standing)


def redesigned(column: Column, *, family: str | None, generations: int, undated: bool) -> Column:
    """A column after a redesign of its portal: family, addresses and rows as told.

    Feeds stay feeds; a column moves to another family together with its kind.
    """
    name = column.family
    if family is not None and column.kind is not SourceKind.FEED:
        name = family
    generation = column.generation + generations
    moves = generations or name != column.family
    settings = dict(column.settings) | ({"date": " "} if undated else {})
    return replace(
        column,
        generation=generation,
        family=name,
        kind=FAMILIES[name].kind,
        path=FAMILIES[name].column_path(column.slug, column.number, generation)
        if moves
        else column.path,
        settings=tuple(settings.items()),
    )


def pin_one(shelf: Shelf, column: Column, rng: Random) -> Standing | None:
    """Two lists in five of a family with pins keep an older notice on top."""
    if column.family not in _PINNING or not maybe(rng, 0.4):
        return None
    if len(shelf.standings) < _ENOUGH_TO_PIN:
        return None
    place = rng.randrange(3, min(len(shelf.standings), 30))
    pinned = replace(shelf.standings[place], pinned=True)
    shelf.standings[place] = pinned
    return pinned


def wrapped_title(head: Head, wrap: Wrap, *, home: Division, about: Division) -> str:
    """The title as a portal of ``home`` shows it, of a notice about ``about``."""
    inner = head.inner or head.title
    match wrap:
        case Wrap.FORWARD:
            return f"{home.name}转发《{head.title}》的通知"
        case Wrap.ISSUE:
            return f"关于印发《{inner}》的通知"
        case Wrap.BARE:
            return inner
        case Wrap.PRESS:
            return f"{about.stem}发布｜{inner}"
        case Wrap.PLAIN:
            return head.title


def settle(shelf: Shelf, column: Column, rng: Random) -> Standing | None:
    """Put what a history left on a shelf in order; the standing that is pinned now, if any."""
    shelf.standings.sort(key=lambda s: (s.posted_at, s.id), reverse=True)
    pinned = pin_one(shelf, column, rng)
    shelf.opening = tuple(shelf.standings[:12])
    shelf.version = 1
    return pinned
