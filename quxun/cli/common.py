"""What every command shares: its parts, its one answer on stdout, its table."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from aggregator.settings import Settings, load_settings
from aggregator.templates import environment
from aggregator.wiring import Parts, build_parts
from quxun import embedded

answers = Console(file=sys.stdout, highlight=False, soft_wrap=True)
errors = Console(file=sys.stderr, highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="print one JSON document and nothing else")]


@contextmanager
def opened() -> Iterator[Parts]:
    """The parts, on the configured URLs, else on the servers of QUXUN_HOME's embedded service
    (its running ones, or started for the moment).
    """
    settings = load_settings()
    if settings.database_url.get_secret_value():
        with _closing(settings) as parts:
            yield parts
        return
    with (
        embedded.servers(settings.home) as urls,
        _closing(load_settings(**embedded.settings_of(settings, urls))) as parts,
    ):
        yield parts


@contextmanager
def _closing(settings: Settings) -> Iterator[Parts]:
    parts = build_parts(settings, templates=environment())
    try:
        yield parts
    finally:
        parts.close()


def say(value: object) -> None:
    """Print one JSON document on stdout."""
    text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False, indent=2)
    sys.stdout.write(text + "\n")


def say_line(value: object) -> None:
    """Print one line of JSON on stdout at once: whoever reads a batch reads along."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table for people."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    answers.print(table)


def progress() -> Progress:
    """A progress bar on stderr, silent when nobody is looking."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )
