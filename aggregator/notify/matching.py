"""Wishes in memory, each asked only about what it can want. Pure.

Thousands of distinct wishes meet every new announcement: most name a region and a kind, so they
are kept by these, and a word that many look for is looked for once (``filters.Searched``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from aggregator.filters import Searched, matches
from aggregator.model import Announcement, Filter, Kind, WishId

_Kept = tuple[WishId, Filter]


class WishIndex:
    """Which of many wishes want an announcement; says the same as asking each of them."""

    def __init__(self, wishes: Mapping[WishId, Filter]) -> None:
        self._kept: dict[tuple[str | None, Kind | None], list[_Kept]] = defaultdict(list)
        for one, wish in wishes.items():
            for region in wish.region or (None,):
                for kind in wish.kind or (None,):
                    self._kept[region, kind].append((one, wish))

    def wanting(self, announcement: Announcement, text: str) -> set[WishId]:
        """The wishes that match; ``text`` is what ``filters.search_text`` made of it."""
        searched = Searched(text)
        return {
            one for one, wish in self._near(announcement) if matches(wish, announcement, searched)
        }

    def _near(self, announcement: Announcement) -> Iterable[_Kept]:
        for region in (None, *announcement.region_roll):
            for kind in (None, announcement.draft.kind):
                yield from self._kept.get((region, kind), ())
