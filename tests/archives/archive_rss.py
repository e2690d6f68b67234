"""A site that reads RSS 2.0 with the archives of RFC 5005, appendix B.

RSS has no tombstones and no ``updated``: such a site knows every item there ever was, each as the
feed printed it last, and cannot know which are gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from archive_atom import ATOM, HISTORY, Get, is_absolute, need
from lxml import etree


@dataclass
class Consumer:
    """Visits one feed whenever it likes, and holds every item that it ever printed."""

    address: str
    get: Get
    items: dict[str, str] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    etag: str | None = None
    documents: int = 0

    def visit(self) -> None:
        """Look at the feed and at every archive document that is new to us."""
        asked = {"If-None-Match": self.etag} if self.etag else {}
        status, headers, body = self.get(self.address, asked)
        if status == 304:
            return
        chain = [(self.address, self._channel(self.address, status, headers, body))]
        need(chain[0][1].find(f"{HISTORY}archive") is None, self.address, "says it is an archive")
        while (address := _links(*chain[-1]).get("prev-archive")) is not None:
            if address in self.read:
                break
            need(address not in {one for one, _ in chain}, address, "is met twice")
            older = self._channel(address, *self.get(address, {}))
            need(older.find(f"{HISTORY}archive") is not None, address, "does not say so")
            need(_links(address, older).get("current") == self.address, address, "leads elsewhere")
            chain.append((address, older))
        for address, channel in reversed(chain):
            found = [(one.findtext("guid"), one.findtext("title")) for one in channel.iter("item")]
            need(len(dict(found)) == len(found), address, "has an id twice")
            self.items.update((guid or "", title or "") for guid, title in found)
        self.read.update(one for one, _ in chain[1:])
        self.etag = headers.get("etag")

    def _channel(
        self, address: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> etree._Element:
        need(status == 200, address, f"answers {status}: {body[:200]!r}")
        kind = headers.get("content-type", "").partition(";")[0].strip()
        need(kind == "application/rss+xml", address, f"is of type {kind}")
        self.documents += 1
        channel = etree.fromstring(body).find("channel")
        assert channel is not None
        return channel


def _links(address: str, channel: etree._Element) -> dict[str, str]:
    links: dict[str, str] = {}
    for link in channel.findall(f"{ATOM}link"):
        rel, href = link.get("rel", "alternate"), link.get("href", "")
        need(is_absolute(href), address, f"has a link {rel} that is no address: {href!r}")
        links[rel] = href
    return links
