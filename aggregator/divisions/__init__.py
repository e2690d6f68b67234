"""GB/T 2260 divisions with their history, development zones, and look-up by name. Pure."""

from aggregator.divisions.names import Mention, find, issuing, place, regions_in, resolve, unsettled
from aggregator.divisions.paths import called, heir
from aggregator.divisions.pinyin import spellings
from aggregator.divisions.table import Division, get, invent, invented, path, roll, shipped
from aggregator.model import Region

add_demo = invent

__all__ = [
    "Division",
    "Mention",
    "add_demo",
    "all_current",
    "called",
    "find",
    "get",
    "heir",
    "invented",
    "issuing",
    "path",
    "place",
    "region",
    "regions_in",
    "resolve",
    "roll",
    "shipped",
    "spellings",
    "unsettled",
]


def region(code: str) -> Region:
    """A division or zone as announcements carry it."""
    one = get(code)
    return Region(code=code, name=one.name if one else code, path=path(code))


def all_current() -> tuple[Division, ...]:
    """Every division and zone that exists now, invented ones too, by code."""
    present = [one for one in shipped().values() if one.valid_to is None]
    return tuple(sorted([*present, *invented()], key=lambda one: one.code))
