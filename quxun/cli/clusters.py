"""Announcements put right by hand: split, merged and removed, and so for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from quxun.cli.announcements import Reference, answer
from quxun.cli.common import AsJson, deed, opened, say, someone_to_ask, tell

if TYPE_CHECKING:
    from aggregator.model import Announcement

app = typer.Typer(help="Announcements: split, merge, remove.", no_args_is_help=True)

Why = Annotated[str, typer.Option("--why", metavar="WORDS", help="the reason, for the history")]
By = Annotated[
    str, typer.Option("--by", metavar="NAME", help="who decides, for the history; else you")
]


@app.command()
def split(
    announcement: Reference,
    sighting: Annotated[
        list[str],
        typer.Option(
            "--sighting", metavar="URL", help="the address of a page that shows something else"
        ),
    ],
    why: Why,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Take sightings out of an announcement: they are one of their own from now on.

    Whatever arrives later, they stay apart from the rest. Nobody who got the announcement is
    sent the new one.
    """
    with opened() as parts:
        who = by or _somebody()
        with deed(parts, "announcement split", announcement, by=who):
            made = parts.rulings.split(announcement, sighting, by=who, why=why, now=parts.now())
    _told(made, f"split: {made.uuid} is an announcement of its own", as_json=as_json)


@app.command()
def merge(
    announcement: Reference,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="the id of the other one")],
    why: Why,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Make one announcement of two: the older id lives, the other leads to it.

    They stay together whatever arrives later. Nobody who got either is sent the other.
    """
    with opened() as parts:
        who = by or _somebody()
        with deed(parts, "announcements merged", f"{announcement} and {other}", by=who):
            heir = parts.rulings.merge(announcement, other, by=who, why=why, now=parts.now())
    _told(heir, f"merged: {heir.uuid} has {len(heir.sightings)} sightings now", as_json=as_json)


@app.command()
def remove(
    announcement: Reference,
    why: Why,
    by: By = "",
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    as_json: AsJson = False,
) -> None:
    """Take an announcement out for good, of the archives of feeds too: the law demands it.

    Its title, text, files, addresses and raw pages are deleted; its id, days, regions, kind and
    categories stay, so that its entries stay in their feeds and say that it was removed. Exported files follow with the next "quxun feeds publish DIR"; what shared
    caches hold of archive documents must be purged there.
    """
    someone_to_ask(yes=yes)
    with opened() as parts:
        one = parts.announcements.get(announcement)
        if not yes:
            typer.confirm(f"remove {one.draft.title!r} for good?", abort=True, err=True)
        who = by or _somebody()
        with deed(parts, "announcement removed", str(one.uuid), by=who):
            gone = parts.removals.remove(announcement, by=who, why=why, now=parts.now())
    left = "its id, days, regions, kind and categories are left, so that feeds can say so"
    _told(gone, f"removed {gone.uuid}: {left}", as_json=as_json)


def _told(one: Announcement, line: str, *, as_json: bool) -> None:
    if as_json:
        say(answer(one))
    else:
        tell(line)


def _somebody() -> str:
    """The name under which we are logged in, where there is one."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"
