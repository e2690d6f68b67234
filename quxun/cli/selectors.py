"""The operator's selectors, read from a file and checked before they are used."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Annotated

import typer

from aggregator.errors import ParseError, UsageError
from aggregator.model import Selectors

#: The names a file may hold.
NAMES = tuple(one.name for one in fields(Selectors))
SelectorsOption = Annotated[
    Path | None,
    typer.Option(
        "--selectors",
        metavar="FILE",
        help="TOML with CSS selectors rows, title, link, date, next; body, article_title, "
        "article_date, article_source for articles",
    ),
]


def read_selectors(path: Path | None) -> Selectors:
    """Selectors from a TOML file; none without one.

    Raises:
        UsageError: names what cannot be used: the file, a name, or a selector that is not CSS.
    """
    if path is None:
        return Selectors()
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be used: {error}") from error
    for name, value in given.items():
        if name not in NAMES:
            raise UsageError(f"{path}: no selector {name!r}; there are {', '.join(NAMES)}")
        if not isinstance(value, str) or not value.strip():
            raise UsageError(f"{path}: {name} is no text but {value!r}")
    told = Selectors(**given)
    if not told.rows and (told.title or told.link or told.date):
        raise UsageError(f"{path}: title, link and date are looked for within rows; give rows too")
    _check(told, path)
    return told


def _check(told: Selectors, path: Path) -> None:
    from selectolax.lexbor import LexborHTMLParser

    from aggregator.parse.told import select

    page = LexborHTMLParser("<p></p>")
    for name in NAMES:
        if selector := getattr(told, name):
            try:
                select(page, selector)
            except ParseError as error:
                raise UsageError(f"{path}: {name}: {error}") from error
