"""Announcements from the shell: search, show, why, and a feed's bytes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

import typer

from aggregator.errors import UsageError
from quxun.cli.common import AsJson, opened, read_filter, record_lines, say, show_table, tell

if TYPE_CHECKING:
    from aggregator.model import Announcement, Related

Reference = Annotated[
    str, typer.Argument(metavar="ANNOUNCEMENT", help='its id, as "quxun search" prints it')
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("feed")(feed)
    app.command("search")(search)
    app.command("show")(show)
    app.command("why")(why)


def feed(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="all, policies, projects, a category, a region code, one of these before "
            "/CODE, or search?QUERY (docs/feeds.md); deadlines?QUERY with --format ics",
        ),
    ],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="atom, rss, json, ics (deadlines as a calendar), or opml (the list of all feeds)",
        ),
    ] = "atom",
) -> None:
    """Print a feed as it is served: a name, a region, or any filter."""
    from quxun.web import calendar_bytes, feed_bytes

    with opened() as parts:
        body = calendar_bytes(parts, name) if form == "ics" else feed_bytes(parts, name, form)
    sys.stdout.buffer.write(body)


def search(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            help="words, all of which must stand in it; '\"exact phrase\"' (docs/filters.md)"
        ),
    ] = None,
    filter_query: Annotated[
        str,
        typer.Option(
            "--filter", metavar="QUERY", help="besides or alone, such as region=500116&kind=policy"
        ),
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="how many at most")] = 20,
    as_json: AsJson = False,
) -> None:
    """Find announcements by words, a filter or both, newest first."""
    from aggregator.model import Filter
    from aggregator.store.announcements import COUNTED

    said = urlencode([("q", word) for word in words or ()])
    wanted = read_filter(f"{filter_query.removeprefix('?')}&{said}")
    if wanted == Filter():
        raise UsageError(
            'give words, a filter or both: quxun search 氢能, quxun search --filter "category=land"'
        )
    with opened() as parts:
        found = parts.announcements.find(wanted, limit=limit)
        total = parts.announcements.count(wanted)
    counted = total < COUNTED
    if as_json:
        say({"total": total, "counted": counted, "announcements": [answer(one) for one in found]})
        return
    show_table(
        f"{total}{'' if counted else '+'} announcements",
        ("posted", "region", "kind", "title", "id"),
        [
            (_day(one), ", ".join(r.name for r in one.draft.regions), one.draft.kind.value,
             one.draft.title, one.uuid)
            for one in found
        ],
    )  # fmt: skip


def show(announcement: Reference, as_json: AsJson = False) -> None:
    """Show one announcement with its facts, sightings and revisions."""
    with opened() as parts:
        one = parts.announcements.get(announcement)
        revisions = parts.announcements.revisions(one.id)
        related = parts.announcements.citations(one.id)
        rulings = parts.rulings.of(one.id)
    known = {
        "cites": [_cited(two) for two in related.cites],
        "cited_by": [_cited(two) for two in related.cited_by],
    }
    if as_json:
        say({**answer(one), **known, "rulings": rulings, "revisions": revisions})
        return
    for line in record_lines({**answer(one), **known}):
        tell(line)
    for ruling in rulings:
        tell(f"{ruling.verdict} at {ruling.at:%Y-%m-%d %H:%M} by {ruling.by}: {ruling.why} "
             f"({ruling.announcement}, {ruling.other})")  # fmt: skip
    for revision in revisions:
        tell(f"revision {revision.revision} at {revision.at:%Y-%m-%d %H:%M}: "
             f"{', '.join(revision.changes)}")  # fmt: skip


def why(
    announcement: Reference,
    subscriber: Annotated[
        str, typer.Argument(metavar="SUBSCRIBER", help="the address of a subscriber")
    ],
    as_json: AsJson = False,
) -> None:
    """Say why an announcement was or was not sent to a subscriber."""
    with opened() as parts:
        found = parts.system.why(announcement, subscriber, parts.now())
    if as_json:
        say(
            {
                "announcement": announcement,
                "subscriber": subscriber,
                "rule": found.rule,
                "why": list(found.lines),
            }
        )
        return
    for line in found.lines:
        tell(line)


def answer(one: Announcement) -> dict[str, object]:
    """An announcement as printed: the shape of extract, and what the store knows besides."""
    from quxun.cli.reading import article_answer

    return {
        "id": str(one.uuid),
        "url": one.draft.url,
        **article_answer(one.draft),
        "authority": one.draft.authority.value,
        "first_seen_at": one.first_seen_at.isoformat(),
        "changed_at": one.changed_at.isoformat(),
        "revision": one.revision,
        "novelty": one.novelty.value,
        "withdrawn_at": one.withdrawn_at.isoformat() if one.withdrawn_at else None,
        "merged_into": str(one.merged_into) if one.merged_into else None,
        "sightings": [
            {"source": s.source_name, "url": s.url, "title": s.title, "at": s.seen_at.isoformat()}
            for s in one.sightings
        ],
    }


def _cited(one: Related) -> dict[str, object]:
    """One end of a citation as printed."""
    return {
        "id": str(one.uuid),
        "title": one.title,
        "relation": one.relation,
        "words": one.words,
        "withdrawn": one.withdrawn,
    }


def _day(one: Announcement) -> str:
    return f"{one.draft.posted_at:%Y-%m-%d}" if one.draft.posted_at else ""
