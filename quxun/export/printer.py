"""Documents into files: names, times and order, the same for one feed and for all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from itertools import islice
from pathlib import Path

import msgspec
from sqlalchemy import Engine

import aggregator
import feeds
from aggregator.flow import publish
from aggregator.flow.publish import House
from aggregator.model import Watch, Window
from aggregator.store.outline import FeedOutline, Records
from quxun.export.folder import Folder

#: The format that is written last, and that says how far a feed was written.
_LAST = "json"
FORMS = (*(form for form in feeds.FORMATS if form != _LAST), _LAST)
#: Documents whose records are read in one go, and those that are flushed in one go.
_READ = 50
_FLUSHED = 1000
#: Records and items kept while many documents are printed.
_KEPT = 3000


class _Ours(msgspec.Struct, frozen=True):
    prev_archive: str | None = None


class _Printed(msgspec.Struct, frozen=True, rename={"ours": "_quxun"}):
    ours: _Ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One document that is to be printed; ``number`` is None for the current one."""

    feed: FeedOutline
    number: int | None

    @property
    def order(self) -> tuple[int, bool]:
        """By its last change: neighbours share records. A feed's current document comes last."""
        last = self.feed.changes[-1] if self.number is None else self.number
        return last, self.number is None


@dataclass(slots=True, kw_only=True)
class Printer:
    """Prints documents into a folder."""

    folder: Folder
    house: House
    watch: Watch
    #: Called every some documents; what it raises ends the printing.
    check: Callable[[], None] = lambda: None
    #: Documents that are others than before.
    documents: int = field(default=0, init=False)

    def print(self, name: str, window: Window, number: int | None = None) -> None:
        """Stage one document in every format, the one that ``archived_through`` reads last."""
        changed, at = False, window.at
        coverage = publish.coverage_of(publish.wanted_by(name), self.watch)
        for form in FORMS:
            page = publish.window_page(
                name, form, window, house=self.house, number=number,
                coverage=coverage if number is None else None,
            )  # fmt: skip
            if form == FORMS[0]:
                at = feeds.stamp(page, feeds.items_of(page))
                if page.archived and page.next_url is None:
                    at -= timedelta(seconds=1)  # it is another when its successor is named
            path = f"feeds/{file_of(name, form, number)}"
            changed |= self.folder.put(path, feeds.render(page, form), at)
        self.documents += changed

    def print_many(
        self, jobs: Iterable[Job], engine: Engine, *, flushed: int = _FLUSHED
    ) -> Iterator[int]:
        """Print documents in the order of their changes; yields how many, after every commit."""
        records = Records(engine, _KEPT)
        feeds.remember(_KEPT)
        left = iter(sorted(jobs, key=lambda job: job.order))
        count = 0
        try:
            while some := list(islice(left, _READ)):
                self.check()
                records.fetch(change for job in some for change in job.feed.needs(job.number))
                for job in some:
                    self.print(job.feed.name, job.feed.window(job.number, records), job.number)
                count += len(some)
                if count >= flushed:
                    self.folder.commit()
                    yield count
                    count = 0
            self.folder.commit()
            yield count
        finally:
            feeds.remember(feeds.MOST_ITEMS)

    def archived_through(self, name: str) -> int | None:
        """The newest archive document that the current document in the folder leads to."""
        body = self.folder.read(f"feeds/{file_of(name, _LAST, None)}")
        try:
            url = msgspec.json.decode(body, type=_Printed).ours.prev_archive if body else None
            return int(url.rpartition("/")[2].partition(".")[0]) if url else None
        except (msgspec.DecodeError, ValueError):
            return None


def file_of(name: str, form: str, number: int | None) -> str:
    """A document's file below the folder ``feeds``: as in its address."""
    return publish.feed_address("", name, form, number).removeprefix("/feeds/")


def name_of(path: str) -> tuple[str, int | None]:
    """The feed and the number of a document by its file below the folder ``feeds``."""
    stem = path.removesuffix(".gz").rpartition(".")[0]
    name, slash, number = stem.rpartition("/archive/")
    return (name, int(number)) if slash and number.isdigit() else (stem, None)


def jobs_of(
    feed: FeedOutline, *, since: int | None = None, blanked: Sequence[int] = ()
) -> list[Job]:
    """A feed's current document and its archive documents, those from a number on, and those
    that hold changes which were blanked.
    """
    again = feed.holders(blanked)
    numbers: Sequence[int | None] = [
        number for number in feed.numbers if since is None or number >= since or number in again
    ]
    return [Job(feed=feed, number=number) for number in (*numbers, None)]


@lru_cache(maxsize=1)
def _program() -> str:
    """A digest of the code and the words that documents are made by."""
    digest = hashlib.blake2b(digest_size=12)
    core = Path(aggregator.__file__).parent
    made_by = [
        *Path(feeds.__file__).parent.glob("*.py"),
        *core.glob("divisions/*"),
        *(core / name for name in ("publication.py", "filters.py", "text.py", "flow/publish.py")),
        *(core / "store").glob("outline.py"),
        Path(__file__),
    ]
    for path in sorted(one for one in made_by if one.is_file()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def printer_of(house: House) -> str:
    """Who printed a folder: another program or address prints everything anew."""
    said = msgspec.json.encode(house) + _program().encode()
    return hashlib.blake2b(said, digest_size=12).hexdigest()


def said_of(watch: Watch) -> str:
    """A digest of what documents say of the coverage."""
    return hashlib.blake2b(msgspec.json.encode(watch, order="sorted"), digest_size=12).hexdigest()
