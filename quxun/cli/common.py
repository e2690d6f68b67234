"""What every command shares: its parts, its one answer on stdout, its table.

Commands import what they need when they run, so that ``--help`` and the commands that read one
page start at once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from aggregator.errors import CutShortError, OutageError, QuxunError, UsageError

if TYPE_CHECKING:
    from rich.progress import Progress

    from aggregator.model import Filter
    from aggregator.settings import Settings
    from aggregator.store.audit import Deed
    from aggregator.wiring import Parts

errors = Console(file=sys.stderr, highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="print one JSON document and nothing else")]


@contextmanager
def opened(*, migrate: bool = True) -> Iterator[Parts]:
    """The parts, on the configured URLs, else on the servers of QUXUN_HOME's embedded service
    (its running ones, or started for the moment, their schema brought up to date).

    Raises:
        QuxunError: when the database cannot be used, in words to act on.
    """
    from sqlalchemy.exc import ArgumentError, DatabaseError, InterfaceError

    from aggregator.settings import load_settings

    log_to_stderr()
    settings = load_settings()
    try:
        if settings.database_url.get_secret_value():
            with _closing(settings) as parts:
                yield parts
        else:
            from quxun import embedded

            with (
                embedded.servers(settings.home, migrate=migrate) as urls,
                _closing(load_settings(**embedded.settings_of(settings, urls))) as parts,
            ):
                yield parts
    except (DatabaseError, InterfaceError, ArgumentError, OutageError) as error:
        raise QuxunError(database_trouble(error)) from error


@contextmanager
def deed(parts: Parts, what: str, about: str, *, by: str | None = None) -> Iterator[None]:
    """Write into the audit what a command does inside, in one transaction with it; of an address
    in ``about`` only a part stays.
    """
    with parts.audit.along(deed_of(parts, what, about, by=by)):
        yield


def note_deed(parts: Parts, what: str, about: str) -> None:
    """Write into the audit what a command did outside of the database, once it is done."""
    it = deed_of(parts, what, about)
    parts.audit.note(who=it.who, what=it.what, about=it.about, now=it.at)


def deed_of(parts: Parts, what: str, about: str, *, by: str | None = None) -> Deed:
    """A deed of a command, as the audit keeps it."""
    from aggregator.addresses import email_key
    from aggregator.store.audit import Deed
    from aggregator.store.mails import masked

    key = email_key(about) if "@" in about else ""
    shown = masked(key[:1], key.rpartition("@")[2]) if key else about
    who = f"command: {by}" if by else "command"
    return Deed(who=who, what=what, about=shown, at=parts.now())


def know_divisions() -> None:
    """Know the invented divisions where QUXUN_HOME holds a demonstration; no server is asked."""
    from aggregator.settings import load_settings
    from aggregator.wiring import build_parts

    settings = load_settings()
    of_home = not settings.database_url.get_secret_value()
    build_parts(load_settings(demo=True) if of_home else settings)


def read_filter(query: str) -> Filter:
    """A filter as it was typed, before any server is started for it.

    Raises:
        UsageError: names the field that cannot be used and says what would do.
    """
    from aggregator.filters import parse_query

    know_divisions()
    return parse_query(query)


def someone_to_ask(*, yes: bool) -> None:
    """Refuse what must be asked for where nobody can be asked, before anything is opened.

    Raises:
        UsageError: there is no terminal, and no ``--yes``.
    """
    if not yes and not sys.stdin.isatty():
        raise UsageError("nothing is done: without a terminal nobody can be asked; say --yes")


def database_trouble(error: Exception) -> str:
    """What is wrong with the database, in one line that says how to mend it."""
    if isinstance(error, CutShortError):
        return str(error)
    cause = getattr(error, "orig", None) or (error.__cause__ or error)
    first = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
    if type(cause).__name__ in {"UndefinedTable", "UndefinedColumn"}:
        return f'the database lacks tables of ours ({first}); run "quxun migrate"'
    if type(error).__name__ == "ArgumentError":
        return (
            "QUXUN_DATABASE_URL cannot be read; it looks like postgresql://user:password@host/name"
        )
    return f"the database cannot be used: {first}; check QUXUN_DATABASE_URL and that it runs"


@contextmanager
def _closing(settings: Settings) -> Iterator[Parts]:
    from aggregator.templates import environment
    from aggregator.wiring import build_parts

    parts = build_parts(settings, templates=environment())
    try:
        yield parts
    finally:
        parts.close()


def log_to_stderr() -> None:
    """Logs go to stderr, from the level that is set: nothing is on stdout but the answer."""
    import logging

    import structlog

    from aggregator.settings import load_settings

    level = logging.getLevelNamesMapping().get(load_settings().log_level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False)
            if load_settings().log_json
            else structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def say(value: object) -> None:
    """Print one JSON document on stdout."""
    import msgspec

    text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False, indent=2)
    sys.stdout.write(text + "\n")


def say_line(value: object) -> None:
    """Print one line of JSON on stdout at once: whoever reads a batch reads along."""
    import msgspec

    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def tell(line: str) -> None:
    """Print one line for people on stdout."""
    sys.stdout.write(line + "\n")


def record_lines(record: Mapping[str, object], indent: str = "") -> Iterator[str]:
    """A record line by line as people read it: one of several below its name, nothing of what is
    not known.
    """
    for name, value in record.items():
        if value is None or value == "" or (isinstance(value, Sized) and not len(value)):
            continue
        if isinstance(value, Mapping):
            yield f"{indent}{name}:"
            yield from record_lines(value, f"{indent}  ")
        elif isinstance(value, list | tuple):
            if any(isinstance(one, Mapping) for one in value):
                yield f"{indent}{name}:"
                yield from (f"{indent}  - {_in_line(one)}" for one in value)
            else:
                yield f"{indent}{name}: {', '.join(map(_word, value))}"
        else:
            yield f"{indent}{name}: {_word(value)}"


def _in_line(one: object) -> str:
    if not isinstance(one, Mapping):
        return _word(one)
    return "; ".join(
        f"{name}: {_in_line(value) if isinstance(value, Mapping) else _word(value)}"
        for name, value in one.items()
        if value not in (None, "", [], ())
    )


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_word, value))
    return _in_line(value) if isinstance(value, Mapping) else str(value)


def remark(line: str) -> None:
    """Print one line on stderr: seen by people, not part of the answer."""
    sys.stderr.write(line + "\n")


def complain(line: str, *, name: str = "quxun") -> None:
    """Say on stderr, in one line, why it did not work."""
    remark(f"{name}: {' '.join(line.split())}")


#: Columns whose cells are copied into the next command.
_WHOLE = frozenset({"id", "slug", "source"})


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table for people."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in _WHOLE)
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    wide = None if sys.stdout.isatty() else 200  # a pipe has no width to fold for
    Console(file=sys.stdout, highlight=False, markup=False, width=wide).print(table)


def progress() -> Progress:
    """A progress bar on stderr, silent when nobody is looking."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )


def read_file(path: Path) -> bytes:
    """A file that the caller named.

    Raises:
        UsageError: when it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


#: What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def inert(text: str) -> str:
    """A cell that no spreadsheet takes for a formula (RELIABILITY.md, row 86)."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def live(text: str) -> str:
    """What ``inert`` was given: export and import are a round trip."""
    return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA) else text
