"""Entries as feedgen writes them, each written once: later documents get copies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator
from lxml.etree import _Element

from feeds.extensions import EntryExtension
from feeds.items import Item


class KeptEntry(FeedEntry):  # type: ignore[misc]  # feedgen has no types
    """An entry of one format; it must not be changed once it was written."""

    def __init__(self, item: Item, mint: str) -> None:
        super().__init__()
        self._made: _Element | None = None
        self.register_extension("quxun", EntryExtension)
        self.quxun.item = item
        self.quxun.mint = mint

    def atom_entry(self, extensions: bool = True) -> _Element:  # noqa: FBT001, FBT002  # feedgen's
        """The entry as Atom, the caller's to keep."""
        if self._made is None:
            self._made = super().atom_entry(extensions)
        return deepcopy(self._made)

    def rss_entry(self, extensions: bool = True) -> _Element:  # noqa: FBT001, FBT002  # feedgen's
        """The entry as an RSS item, the caller's to keep."""
        if self._made is None:
            self._made = super().rss_entry(extensions)
        return deepcopy(self._made)


def add_entries(
    feed: FeedGenerator,
    entries: Sequence[Item],
    form: str,
    make: Callable[[Item], KeptEntry],
) -> None:
    """Add the items in their order; ``make`` sets the fields of one that was not written yet."""
    for item in entries:
        entry = item.kept.get(form)
        if entry is None:
            entry = item.kept[form] = make(item)
        feed.add_entry(entry, order="append")
