"""A simulated country: its portals, what stands on them, and what happens there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from random import Random

from quxun.country.chrome import Frame
from quxun.country.dice import dice, maybe
from quxun.country.families import FAMILIES, Shown
from quxun.country.look import Look, draw_look
from quxun.country.model import (
    SHANGHAI,
    Authority,
    Column,
    Edit,
    Nature,
    Notice,
    Portal,
    Size,
    Standing,
    Stub,
    Wrap,
)
from quxun.country.places import Atlas
from quxun.country.plan import (
    Planner,
    draw_targets,
    history_events,
    is_hidden,
    reprint_targets,
    reprint_wrap,
)
from quxun.country.roster import make_portals
from quxun.country.shelves import RENUMBERED, Shelf, redesigned, settle, wrapped_title
from quxun.country.truth import Truth, make_truth
from quxun.country.writing import Head, head_of, write


class Country:
    """Portals, columns and notices, the same for the same seed, size and clock values.

    Args:
        seed: decides everything that is not given.
        size: how big; see ``Size``.
        now: aware; the history ends here. No method reads a clock.
        base: the first three numbers of the portals' addresses, with the last dot.
    """

    def __init__(
        self, *, seed: int = 7, size: Size | None = None, now: datetime, base: str = "127.0.1."
    ) -> None:
        if now.tzinfo is None:
            raise ValueError(f"Country needs an aware time, not {now.isoformat()}")
        self.seed = seed
        self.size = size or Size()
        self.atlas = Atlas(seed)
        self.now = now.astimezone(SHANGHAI)
        self._portals = list(make_portals(self.size, self.atlas, seed, base))
        self._portal_at = {portal.host: n for n, portal in enumerate(self._portals)}
        self._columns = sorted(
            (column for portal in self._portals for column in portal.columns),
            key=lambda column: column.key,
        )
        self._planner = Planner(self.atlas, self._columns)
        self._stubs: dict[int, Stub] = {}
        self._where: dict[int, list[int]] = {}
        self._standings: dict[int, Standing] = {}
        self._past: dict[int, Standing] = {}
        self._numbers: dict[str, int] = {}
        self._articles: dict[tuple[str, str], int] = {}
        self._forwards: dict[tuple[str, str], int] = {}
        self._turns = 0
        self._looks: dict[tuple[str, int], Look] = {}
        start = self.now.replace(microsecond=0)
        self._shelves = [Shelf(standings=[], changed_at=start) for _ in self._columns]
        self._head = lru_cache(maxsize=8192)(self._make_head)
        self._notice = lru_cache(maxsize=4096)(self._make_notice)
        self._history()

    # What there is

    @property
    def portals(self) -> tuple[Portal, ...]:
        """All portals, in the order of their addresses."""
        return tuple(self._portals)

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, by key."""
        return tuple(self._columns)

    def divisions(self) -> tuple[tuple[str, str, str, str], ...]:
        """(code, name, parent, level) of every invented division, parents first."""
        return self.atlas.rows()

    def portal(self, host: str) -> Portal:
        """The portal at an address."""
        return self._portals[self._portal_at[host]]

    def notices(self) -> Iterator[Notice]:
        """Every notice ever published, in the order of publication, with all edits."""
        return (self.notice_by_id(notice_id) for notice_id in self._stubs)

    def notice_by_id(self, notice_id: int) -> Notice:
        """A notice with all its edits."""
        return self._notice(notice_id, len(self._stubs[notice_id].edits))

    def truth(self, port: int = 80) -> Truth:
        """What should be known of the country by one who read all of it.

        Args:
            port: where the portals are served; it stands in every URL.
        """
        return make_truth(self, port)

    def sightings(self, notice_id: int) -> list[tuple[Column, Standing, bool]]:
        """Where a notice stands or stood: column, standing, withdrawn."""
        out = []
        for standing_id in self._where[notice_id]:
            gone = standing_id in self._past
            standing = self._past[standing_id] if gone else self._standings[standing_id]
            out.append((self._columns[standing.column_key], standing, gone))
        return out

    # What families ask (families.View but for the origin)

    def standings(self, column: Column) -> Sequence[Standing]:
        """Everything in a column, newest first."""
        return self._shelves[column.key].standings

    def neighbours(self, column: Column) -> Sequence[Shown]:
        """A dozen that stood there from the start."""
        return [self.shown(column, standing) for standing in self._shelves[column.key].opening]

    def notice(self, standing: Standing) -> Notice:
        """The notice as this standing prints it."""
        return self._notice(standing.notice_id, standing.edits)

    def shown(self, column: Column, standing: Standing) -> Shown:
        """Title, source and path of a standing."""
        head = self._head(standing.notice_id, standing.edits)
        region = self.atlas.by_code[self._stubs[standing.notice_id].region_code]
        title = wrapped_title(
            head, standing.wrap, home=self.atlas.by_code[column.region_code], about=region
        )
        printed = title
        if column.setting("control") and standing.number % 5 == 0:
            middle = len(title) // 2
            printed = f"{title[:middle]}\x0b{title[middle:]}"
        portal = self._portals[self._portal_at[column.host]]
        source = head.issuer if column.authority is Authority.OFFICIAL else portal.name
        return Shown(
            standing=standing, title=title, printed=printed, source=source,
            path=FAMILIES[column.family].article_path(column, standing),
        )  # fmt: skip

    def frame(self, column: Column) -> Frame:
        """Portal and look around a column."""
        portal = self._portals[self._portal_at[column.host]]
        key = (portal.host, portal.generation)
        if key not in self._looks:
            self._looks[key] = draw_look(self.seed, portal.look_seed, portal.generation)
        return Frame(portal=portal, look=self._looks[key], atlas=self.atlas, column=column)

    def stamp(self, column: Column) -> tuple[int, datetime]:
        """Version and time of the last change of a column's lists."""
        shelf = self._shelves[column.key]
        return shelf.version, shelf.changed_at

    def column_version(self, key: int) -> int:
        """The version of a column's lists."""
        return self._shelves[key].version

    def standing_edits(self, standing_id: int) -> int:
        """How often a standing was edited, counting redesigns of its portal; -1 when it is gone."""
        standing = self._standings.get(standing_id)
        if standing is None:
            return -1
        portal = self._portals[self._portal_at[self._columns[standing.column_key].host]]
        return standing.edits + 1000 * portal.generation

    def article_at(self, host: str, path: str) -> Standing | None:
        """What stands at a path, if it is still there."""
        standing_id = self._articles.get((host, path))
        return None if standing_id is None else self._standings.get(standing_id)

    # What happens

    def publish(
        self, now: datetime, n: int = 1, *, column: Column | None = None,
        nature: Nature | None = None, reprints: bool = True,
    ) -> tuple[Notice, ...]:  # fmt: skip
        """Publish new notices, each in one column and perhaps reprinted in others.

        Args:
            now: aware; when they are posted.
            n: how many.
            column: where; by default anywhere official.
            nature: what; by default what the column usually has.
            reprints: whether other portals may carry them at once.
        """
        when = now.astimezone(SHANGHAI)
        out = []
        for _ in range(n):
            rng = self._turn("publish")
            home = column or rng.choice(self._homes())
            stub = self._planner.stub(self._columns[home.key], when, rng, nature=nature, ours=True)
            self._stubs[stub.id] = stub
            self._place(stub, home, when, rng, now=when)
            if reprints and maybe(rng, self.size.reprint_share):
                for target in self._targets(home, stub, rng):
                    self._place(stub, target, when, rng, reprint=True, now=when)
            out.append(self.notice_by_id(stub.id))
        return tuple(out)

    def reprint(
        self, notice: Notice, column: Column, now: datetime, *, wrap: Wrap | None = None
    ) -> Standing:
        """Let a column carry a notice that stands elsewhere, under today's date."""
        stub = self._stubs[notice.id]
        rng, when = self._turn("reprint"), now.astimezone(SHANGHAI)
        return self._place(stub, column, when, rng, reprint=True, now=when, wrap=wrap)

    def edit(
        self, notice: Notice, now: datetime, how: Edit | None = None, *, everywhere: bool = True
    ) -> Notice:
        """Change a notice in place and return it as it now is.

        By default a deadline moves by 14 days where there is one, else a correction is added.
        With ``everywhere`` false only the first portal changes its page.
        """
        stub = self._stubs[notice.id]
        if how is None:
            has_deadline = bool(self.notice_by_id(notice.id).facts.deadlines)
            how = Edit.DEADLINE if has_deadline else Edit.BODY
        self._stubs[stub.id] = replace(stub, edits=(*stub.edits, how))
        edits = len(stub.edits) + 1
        alive = [s for s in self._where[stub.id] if s in self._standings]
        for standing_id in alive if everywhere else alive[:1]:
            standing = self._standings[standing_id]
            changed = max(now.astimezone(SHANGHAI), standing.changed_at + timedelta(seconds=1))
            fresh = replace(standing, edits=edits, changed_at=changed)
            self._standings[standing_id] = fresh
            shelf = self._shelves[standing.column_key]
            shelf.standings[shelf.standings.index(standing)] = fresh
            column = self._columns[standing.column_key]
            shows_text = column.family in ("rss", "atom", "search")
            if how is Edit.TITLE or shows_text or self.frame(column).look.row == "card":
                shelf.touch(now)
        return self.notice_by_id(notice.id)

    def withdraw(self, notice: Notice, now: datetime, *, column: Column | None = None) -> None:
        """Take a notice down: rows go, articles answer 404. One column's only, if given."""
        for standing_id in list(self._where[notice.id]):
            standing = self._standings.get(standing_id)
            if standing is None or (column is not None and standing.column_key != column.key):
                continue
            shelf = self._shelves[standing.column_key]
            shelf.standings.remove(standing)
            shelf.touch(now)
            self._past[standing_id] = standing
            del self._standings[standing_id]

    def redesign(self, portal: Portal, now: datetime | None = None, *, keep_urls: bool = False,
                 family: str | None = None, renumber: bool = False, forward: bool = False,
                 undated: bool = False) -> Portal:  # fmt: skip
        """Give a portal new looks and, unless told otherwise, new addresses for all pages.

        Old addresses answer 404. Returns the portal as it now is.

        Args:
            portal: which.
            now: when, for Last-Modified.
            keep_urls: everything stays where it is.
            family: move its columns that are no feeds to another family's markup and paths.
            renumber: articles get new numbers, and so new addresses even with ``keep_urls``.
            forward: old addresses of lists lead to the new ones (301).
            undated: rows of lists print no dates any more.
        """
        place = self._portal_at[portal.host]
        old = self._portals[place]
        columns = []
        for column in old.columns:
            fresh = redesigned(
                column, family=family, generations=0 if keep_urls else 1, undated=undated
            )
            columns.append(fresh)
            self._columns[column.key] = fresh
            shelf = self._shelves[column.key]
            if renumber:
                shelf.replace(self._renumbered(shelf.standings))
            shelf.touch(now or self.now)
            if forward and fresh.path != column.path:
                self._forwards[column.host, column.path] = column.key
        self._portals[place] = replace(old, generation=old.generation + 1, columns=tuple(columns))
        self._articles = {
            key: value for key, value in self._articles.items() if key[0] != portal.host
        }
        for column in columns:
            for standing in self._shelves[column.key].standings:
                self._register(column, standing)
        return self._portals[place]

    def _renumbered(self, standings: Sequence[Standing]) -> dict[int, Standing]:
        fresh = {one.id: replace(one, number=one.number + RENUMBERED) for one in standings}
        self._standings.update(fresh)
        return fresh

    def forwarded(self, host: str, target: str) -> str | None:
        """Where an old address of a list leads since a redesign."""
        key = self._forwards.get((host, target))
        return None if key is None else self._columns[key].path

    def change(self, fraction: float, now: datetime) -> tuple[Column, ...]:
        """Add one new entry to that fraction of the columns (at least one); returns which."""
        rng = self._turn("change")
        count = max(1, round(len(self._columns) * fraction))
        chosen = rng.sample(self._columns, min(count, len(self._columns)))
        for column in chosen:
            self.publish(now, column=column, reprints=False)
        return tuple(chosen)

    # How it is done

    def _turn(self, what: str) -> Random:
        self._turns += 1
        return dice(self.seed, what, self._turns)

    def _homes(self) -> list[Column]:
        return [c for c in self._columns if c.authority is Authority.OFFICIAL] or self._columns

    def _targets(self, home: Column, stub: Stub, rng: Random) -> list[Column]:
        return draw_targets(reprint_targets(home, stub, self._columns, self.atlas), rng)

    def _history(self) -> None:
        """Fill the columns up to ``now``, oldest first so that all numbers rise."""
        rng = dice(self.seed, "history", len(self._columns))
        events = history_events(self._columns, self.size, self.now, rng)
        late: list[tuple[datetime, int, Stub]] = []
        for at, key in events:
            column = self._columns[key]
            stub = self._planner.stub(column, at, rng)
            self._stubs[stub.id] = stub
            self._place(stub, column, at, rng)
            if self.size.reprint_share and maybe(rng, self.size.reprint_share):
                for target in self._targets(column, stub, rng):
                    reprinted = at + timedelta(minutes=rng.choice((30, 90, 1440, 2900, 5800)))
                    if reprinted < self.now:
                        late.append((reprinted, target.key, stub))
        for at, key, stub in sorted(late, key=lambda event: event[:2]):
            self._place(stub, self._columns[key], at, rng, reprint=True)
        for column, shelf in zip(self._columns, self._shelves, strict=True):
            pinned = settle(shelf, column, rng)
            if pinned is not None:
                self._standings[pinned.id] = pinned

    def _place(
        self, stub: Stub, column: Column, at: datetime, rng: Random, *, reprint: bool = False,
        now: datetime | None = None, wrap: Wrap | None = None,
    ) -> Standing:  # fmt: skip
        """Let a notice stand in a column; ``now`` when it happens before a reader's eyes."""
        column = self._columns[column.key]
        if wrap is None:
            wrap = reprint_wrap(stub.nature, column.authority, rng) if reprint else Wrap.PLAIN
        hidden = is_hidden(stub, column, rng)
        number = self._numbers.get(column.host) or rng.randrange(12_000, 80_000)
        self._numbers[column.host] = number + rng.randrange(1, 4)
        standing = Standing(
            id=len(self._standings) + len(self._past) + 1, notice_id=stub.id,
            column_key=column.key, number=number, posted_at=at, changed_at=at, wrap=wrap,
            attachment_only=hidden, edits=len(stub.edits),
        )  # fmt: skip
        self._standings[standing.id] = standing
        self._where.setdefault(stub.id, []).append(standing.id)
        self._register(column, standing)
        shelf = self._shelves[column.key]
        if now is None:
            shelf.standings.append(standing)
        else:
            shelf.put(standing)
            shelf.touch(now)
        return standing

    def _register(self, column: Column, standing: Standing) -> None:
        path = FAMILIES[column.family].article_path(column, standing)
        self._articles[column.host, path] = standing.id

    def _make_head(self, notice_id: int, edits: int) -> Head:
        return head_of(self._stub(notice_id, edits), self.atlas)

    def _make_notice(self, notice_id: int, edits: int) -> Notice:
        return write(self._stub(notice_id, edits), self.atlas, self._head(notice_id, edits))

    def _stub(self, notice_id: int, edits: int) -> Stub:
        stub = self._stubs[notice_id]
        return stub if edits == len(stub.edits) else replace(stub, edits=stub.edits[:edits])
