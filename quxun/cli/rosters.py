"""Subscribers as a table: import and export, in the same columns."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.errors import QuxunError, UsageError
from aggregator.model import Choices, Filter, Frequency, Subscriber
from quxun.cli.common import AsJson, deed, inert, live, opened, read_file, remark, say, tell

if TYPE_CHECKING:
    from aggregator.wiring import Parts

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: How one is written to; empty cells leave a thing as it is.
WHEN = ("timezone", "hour", "minute", "weekday", "language", "reminders")
COLUMNS = ("email", "filter", "frequency", "state", *WHEN)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("import")(import_subscribers)
    app.command("export")(export)


def import_subscribers(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="CSV in UTF-8 with the column email, and as wished filter, frequency, consent,"
            " timezone, hour, minute, weekday, language, reminders",
        ),
    ],
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="they confirmed to you already")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Import subscribers; each gets a confirming mail unless --confirmed is given."""
    rows = _csv_rows(file)
    refused: list[str] = []
    unproven = added = 0
    with opened() as parts, deed(parts, "subscribers imported", f"{len(rows)} lines"):
        for number, row in enumerate(rows, 2):
            if _cell(row, "state") == "ended":
                refused.append(f"line {number}: its owner ended this subscription")
                continue
            unproven += confirmed and not _cell(row, "consent")
            try:
                added += _import_one(parts, row, confirmed=confirmed)
            except (QuxunError, ValueError) as error:
                refused.append(f"line {number}: {error}")
    there = len(rows) - len(refused) - added
    if as_json:
        say({"added": added, "there": there, "refused": refused})
    else:
        for line in refused:
            remark(f"refused: {line}")
        known = f", {there} were there already" if there else ""
        tell(f"{added} added{known}, {len(refused)} refused")
    if unproven:
        remark(f"{unproven} lines say nothing in a column consent: how and when they agreed")
    if refused:
        raise QuxunError(f"{len(refused)} of {len(rows)} lines were refused")


def _import_one(parts: Parts, row: Mapping[str, str | None], *, confirmed: bool) -> bool:
    """Import one line; whether anything was added by it."""
    from aggregator.filters import parse_query

    email, consent = live(_cell(row, "email")), live(_cell(row, "consent"))
    word = _cell(row, "frequency") or "daily"
    if word not in {one.value for one in Frequency}:
        raise UsageError(f"frequency: {word!r} is none of {', '.join(Frequency)}")
    wish, frequency = parse_query(_cell(row, "filter")), Frequency(word)
    choices = read_choices({name: _cell(row, name) for name in WHEN})
    there = sign_up(parts, email, wish, frequency, choices=choices, confirmed=confirmed)
    if consent:
        parts.persons.note_consent(parts.subscribers.get(email).id, consent)
    return there is None


def export() -> None:
    """Print all subscriptions as CSV, in the columns that import reads."""
    from aggregator.filters import spelled

    with opened() as parts:
        rows = parts.subscribers.list()
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    for s in rows:
        when = (
            s.timezone, s.hour, s.minute, WEEKDAYS[s.weekday], s.language,
            "yes" if s.reminders else "no",
        )  # fmt: skip
        for x in s.subscriptions:
            writer.writerow(
                (
                    inert(s.email), spelled(x.wish.filter), x.frequency.value,
                    x.state.value, *when,
                )
            )  # fmt: skip


def sign_up(
    parts: Parts,
    email: str,
    wish: Filter,
    frequency: Frequency,
    *,
    choices: Choices,
    confirmed: bool,
) -> str | None:
    """Sign somebody up as an operator may, without limits; no mail goes out where ``confirmed``,
    nor to who has this already.

    Returns:
        How the subscription stood before; None when it is new.
    """
    from aggregator.flow import choices as own
    from aggregator.flow import subscribe as flow

    was = found(parts, email)
    there = _standing(was, wish, frequency)
    if was is not None and there in ("active", "paused"):
        if confirmed:
            own.choose(was, choices, store=parts.subscribers)
        return there
    flow.sign_up(
        email,
        [wish],
        frequency,
        store=parts.subscribers,
        outbox=parts.outbox,
        env=parts.templates_or_fail(),
        settings=parts.settings,
        now=parts.now(),
        confirmed=confirmed,
        choices=choices,
    )
    return there


def found(parts: Parts, email: str) -> Subscriber | None:
    """Who has an address, if anybody has."""
    from aggregator.errors import NotFoundError

    try:
        return parts.subscribers.get(email)
    except NotFoundError:
        return None


def _standing(who: Subscriber | None, wish: Filter, frequency: Frequency) -> str | None:
    """How a subscription stands that somebody has already: active, paused or pending."""
    states = [
        one.state.value
        for one in (who.subscriptions if who else ())
        if one.wish.filter == wish and one.frequency is frequency and one.state.value != "ended"
    ]
    return states[0] if states else None


def read_choices(cells: Mapping[str, str]) -> Choices:
    """When and in which language, as words of a table or of options.

    Raises:
        UsageError: names what cannot be read.
    """
    weekday = cells["weekday"].lower()
    if weekday and weekday not in WEEKDAYS:
        raise UsageError(f"weekday: {weekday!r} is none of {', '.join(WEEKDAYS)}")
    reminders = cells["reminders"].lower()
    if reminders not in ("", "yes", "no"):
        raise UsageError(f"reminders: {reminders!r} is neither yes nor no")
    return Choices(
        hour=_number("hour", cells["hour"]),
        minute=_number("minute", cells["minute"]),
        weekday=WEEKDAYS.index(weekday) if weekday else None,
        timezone=cells["timezone"] or None,
        language=cells["language"] or None,
        reminders=reminders == "yes" if reminders else None,
    )


def _number(name: str, word: str) -> int | None:
    if not word:
        return None
    if not (word.isascii() and word.isdigit() and len(word) <= 2):  # noqa: PLR2004  # 0 to 59
        raise UsageError(f"{name}: {word!r} is no number")
    return int(word)


def _cell(row: Mapping[str, str | None], name: str) -> str:
    return (row.get(name) or "").strip()


def _csv_rows(file: Path) -> list[dict[str, str | None]]:
    try:
        text = read_file(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not in UTF-8: {error}") from error
    reader = csv.DictReader(text.splitlines())
    if "email" not in (reader.fieldnames or ()):
        raise UsageError(f'{file} has no column "email" in its first line')
    return list(reader)
