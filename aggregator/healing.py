"""What a redesign is, told from a failure: the decisions, as plain functions.

Shapes are learned and dropped by the parse room; here it is decided what that means for the
source: whether the new rows carry on the old, which of them are known notices under new
addresses, and in which words the operator reads it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Generic, TypeVar
from urllib.parse import SplitResult, urlsplit

from aggregator.model import (
    Article,
    ArticleShape,
    Entry,
    Forwarding,
    KnownEntry,
    Learned,
    ListReading,
    Redesign,
    Source,
    SourceKind,
)
from aggregator.text import fold

_T = TypeVar("_T")

#: Moved notices keep their day, give or take one; older ones than this are notices of their
#: own (DOMAIN.md §13).
NEAR = timedelta(days=1)
KNOWN_FOR = timedelta(days=400)
#: Fewer rows than this known again prove no move: an office may post one notice twice.
FEW = 2
#: An address that leads on for good is believed after so many equal answers over so long.
SURE_TIMES = 3
SURE_AFTER = timedelta(hours=24)
#: List and articles that change within this time changed together.
ONE_CHANGE = timedelta(days=30)
#: The articles of a source's first day are its past: what several templates made.
SETTLED_AFTER = timedelta(days=1)
#: Shorter titles, and shorter beginnings of cut ones, are shared by different notices.
TELLING = 12


def known_again(
    rows: Sequence[Entry], known: Sequence[KnownEntry], *, taken: Iterable[str] = ()
) -> dict[str, KnownEntry]:
    """Which rows of a page are known entries that moved to a new address, by the row's key.

    Title and day (± 1) speak together; where a day is missing the title must be one of a
    kind on both sides. An entry that still stands under its old address has not moved, and
    one or two of many rows prove nothing: then the answer is empty.

    Args:
        rows: all rows of a page, as they stand now.
        known: entries of the same source, of the last 400 days.
        taken: keys of known entries that were found again on an earlier page.
    """
    here = {row.key for row in rows}
    old_keys = {one.key for one in known}
    gone = here | set(taken)
    left = [(_bare(one.title), one) for one in known if one.key not in gone]
    everywhere = _Titles(left)
    on_day: dict[str, list[tuple[str, KnownEntry]]] = {}
    for title, one in left:
        on_day.setdefault((one.date or "")[:10], []).append((title, one))
    by_day = {day: _Titles(titled) for day, titled in on_day.items()}
    strangers = [(_bare(row.title), row) for row in rows if row.key not in old_keys]
    twins = _Titles(strangers)
    found: dict[str, KnownEntry] = {}
    used: set[str] = set()
    for title, row in strangers:
        if not row.date and len(list(islice(twins.alike(title), 2))) > 1:
            continue
        for titles in _places(row.date, by_day) if row.date else ([everywhere],):
            free = (one for held in titles for one in held.alike(title) if one.key not in used)
            fits = list(islice(free, 2))
            if len(fits) == 1:
                found[row.key] = fits[0]
                used.add(fits[0].key)
            if fits:
                break
    return found if len(found) >= max(FEW, len(strangers) / 2) else {}


def _bare(title: str) -> str:
    return fold(title).rstrip(".…")


class _Titles(Generic[_T]):
    """Things by their titles: two are alike if they are equal, or one is cut as rows cut them."""

    def __init__(self, titled: Iterable[tuple[str, _T]]) -> None:
        self._by: dict[str, list[_T]] = {}
        for title, one in titled:
            self._by.setdefault(title, []).append(one)
        self._sorted = sorted(self._by)

    def alike(self, title: str) -> Iterator[_T]:
        """All that bear such a title, found without looking at the others."""
        for length in range(TELLING + 1, len(title)):
            yield from self._by.get(title[:length], ())
        for place in range(bisect_left(self._sorted, title), len(self._sorted)):
            other = self._sorted[place]
            if other != title and (len(title) <= TELLING or not other.startswith(title)):
                return
            yield from self._by[other]


def _places(
    day: str, by_day: Mapping[str, _Titles[KnownEntry]]
) -> tuple[list[_Titles[KnownEntry]], ...]:
    """Where to look for a row of a day: on that day, then beside it and where no day is told."""
    here = date.fromisoformat(day[:10])
    near = ((here - NEAR).isoformat(), (here + NEAR).isoformat(), "")
    return tuple(
        [by_day[one] for one in days if one in by_day] for days in ((here.isoformat(),), near)
    )


def carried(row: Entry, known: KnownEntry) -> Entry:
    """A row under its new address, with what the old list said and the new one does not."""
    cut = len(known.title) > len(row.title) and row.title.endswith(("…", "..."))
    return replace(
        row,
        title=known.title if cut else row.title,
        date=row.date or known.date,
        date_text=row.date_text if row.date else known.date_text,
    )


def redesign_of(
    source: Source,
    reading: ListReading,
    *,
    kind: SourceKind,
    moved: int,
    known: int,
    now: datetime,
) -> Redesign | None:
    """What changed about a list that still has rows, or None when it is as it was.

    Args:
        source: as it was before this poll.
        reading: of its first page.
        kind: how that was read.
        moved: rows known again under new addresses, on all pages.
        known: rows of the first page that are known, moved ones too.
        now: UTC.
    """
    if not source.first_polled_at or not reading.entries:
        return None
    change = reading.relearned
    if kind is not source.kind:
        what, before, after = "kind", source.kind.value, kind.value
    elif change:
        what, before, after = "list", change.before, change.after
    elif moved:
        what, before, after = "addresses", "", ""
    else:
        return None
    return Redesign(
        at=now,
        what="addresses" if moved else what,
        before=before,
        after=after,
        found_before=source.usual_rows,
        found_after=len(reading.entries),
        moved=moved,
        healed=known > 0,
    )


def in_words(change: Redesign) -> str:
    """A redesign as a line for the operator: what was, what is, what came of it."""
    what = {
        "kind": f"its rows come another way ({change.before} → {change.after})",
        "articles": f"article template {change.before} → {change.after}",
    }.get(change.what, "")
    if not what:
        what = f"{change.before} → {change.after}" if change.after else "the same markup"
    parts = ["redesigned, learned again", what]
    if change.articles:
        parts.append(f"article template {change.articles[0]} → {change.articles[1]}")
    if change.what != "articles":
        parts.append(f"{change.found_after} rows where there were {change.found_before}")
    if change.moved:
        parts.append(f"{change.moved} known notices stand under new addresses and keep their ids")
    return "; ".join(parts)


def not_carried_on(source: Source, change: Redesign, sample: str) -> str:
    """What to tell the operator of rows that carry on nothing."""
    return (
        f"{source.slug}: another list stands where the known one was ({change.before or 'rows'} → "
        f"{change.after or 'rows'}), and none of its {change.found_after} rows is known, the first: "
        f"{sample[:60]!r}. They are stored and held from mail; look at {source.url}, then "
        f'"quxun sources release {source.slug}"'
    )


def selectors_missed(source: Source, reading: ListReading) -> str:
    """What to tell the operator of selectors that match nothing, and what was read instead."""
    names = " and ".join(
        f"{name} = {getattr(source.settings.selectors, name)!r}" for name in reading.missed
    )
    verb = "match" if len(reading.missed) > 1 else "matches"
    seen = (
        f"read unaided: {len(reading.entries)} rows, the first {reading.entries[0].title[:40]!r}"
        if reading.entries
        else "and nothing was read unaided"
    )
    return (
        f"{source.slug}: the given selector {names} {verb} nothing at {source.url}; {seen}. Give "
        f'new ones or none with "quxun sources edit {source.slug} --selectors FILE"'
    )


def forwarding_of(
    source: Source, moved_to: str | None, now: datetime
) -> tuple[Forwarding | None, str | None]:
    """What is known of an address that leads on, and the source's new address once it is sure.

    Three equal answers over a day on the same site (RELIABILITY, row 44); elsewhere an operator
    decides. What leads to a site's front page has not moved, it is gone.
    """
    if moved_to is None or (_is_front(moved_to) and not _is_front(source.url)):
        return None, None
    before = source.forwarding
    if before is None or before.to != moved_to:
        return Forwarding(to=moved_to, since=now), None
    seen = replace(before, times=before.times + 1)
    sure = seen.times >= SURE_TIMES and now - seen.since >= SURE_AFTER
    if sure and _host(source.url) == _host(moved_to):
        return None, moved_to
    return seen, None


def proposal(source: Source, seen: Forwarding, now: datetime) -> str | None:
    """What to tell the operator of an address that leads to another site, once it is sure."""
    if seen.times < SURE_TIMES or now - seen.since < SURE_AFTER:
        return None
    return (
        f"{source.slug}: {source.url} leads for good to {seen.to}, since "
        f"{seen.since:%Y-%m-%d}; if that is its column: "
        f'"quxun sources edit {source.slug} --url {seen.to}"'
    )


def _is_front(url: str) -> bool:
    return urlsplit(url).path in {"", "/", "/index.html", "/index.htm", "/index.shtml"}


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{(parts.hostname or '').removeprefix('www.')}:{_port(parts)}"


def _port(parts: SplitResult) -> int:
    """The port, those of http and https being one."""
    port = parts.port or 443
    return 443 if port == 80 else port  # noqa: PLR2004


def article_selectors_missed(source: Source, article: Article) -> str:
    """The same of selectors for articles."""
    names = " and ".join(
        f"{name} = {getattr(source.settings.selectors, name)!r}" for name in article.missed
    )
    return (
        f"the given selector {names} matches nothing at {article.url}; read unaided: "
        f"{article.title[:40]!r}, {len(article.body_text)} characters"
    )


def learn_articles(
    learned: Learned,
    seen: Sequence[tuple[ArticleShape, bool]],
    *,
    now: datetime,
    since: datetime | None = None,
) -> tuple[Learned, Redesign | None]:
    """What the articles of one source teach of its template.

    One that does not fit may be a notice made by hand; two running of one new shape are a new
    template.

    Args:
        learned: as it is kept.
        seen: the shapes of articles in the order in which they were read, and whether the
            kept one was used. Articles too short to teach have none.
        now: UTC.
        since: when the source was first polled; within a day of it a new template is learned
            and not told.
    """
    old, change = learned, None
    settled = since is None or now - since >= SETTLED_AFTER
    for shape, kept in seen:
        held = old.article or (ArticleShape(body=old.body) if old.body else None)
        if held is None or kept or _fits(shape, held):
            told = shape if held is None else _filled(held, shape)
            old = replace(old, article=told, body=None, article_next=None)
        elif old.article_next is not None and old.article_next.agrees(shape):
            before, after = shape_words(held), shape_words(shape)
            if settled and before != after:  # an operator could not tell such a change from none
                change = Redesign(at=now, what="articles", before=before, after=after)
            old = replace(old, article=shape, body=None, article_next=None)
        else:
            old = replace(old, article_next=shape)
    return old, change


def together(before: Redesign | None, change: Redesign) -> Redesign:
    """What is kept when articles changed: a list that changed lately belongs to it."""
    if before is None or before.what == "articles" or change.at - before.at > ONE_CHANGE:
        return change
    return replace(before, articles=(change.before, change.after))


def _fits(shape: ArticleShape, held: ArticleShape) -> bool:
    """Whether two shapes agree wherever both say something."""
    return all(
        mine is None or theirs is None or mine == theirs
        for mine, theirs in zip(_ways(shape), _ways(held), strict=True)
    )


def _filled(held: ArticleShape, shape: ArticleShape) -> ArticleShape:
    """A shape with what another of the same template tells beside it."""
    return ArticleShape(
        title=held.title or shape.title,
        date=held.date or shape.date,
        source=held.source or shape.source,
        body=held.body or shape.body,
    )


def _ways(shape: ArticleShape) -> tuple[str | None, ...]:
    return shape.title, shape.date, shape.source, shape.body


def shape_words(shape: ArticleShape) -> str:
    """An article's shape in words: where its body stands, the inner container first."""
    parts = (shape.body or "").rstrip("#@").split(">")
    return " in ".join(reversed(parts[-3:]))
