"""Commands that read bytes or lines and print what they say: no store, no network."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.clock import now as clock
from aggregator.errors import SourceError, UsageError
from aggregator.model import SourceKind
from quxun.cli.common import AsJson, complain, say, say_line

if TYPE_CHECKING:
    from aggregator.model import Draft, Facts, ListReading, Region

Url = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="the page's own address; not fetched")
]
Batch = Annotated[
    bool, typer.Option("--batch", help='read JSON lines {"id","url","path"}, answer in JSON lines')
]
Pages = Annotated[
    SourceKind | None, typer.Option("--kind", help="how to read it, instead of finding it out")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("parse")(parse_command)
    app.command("extract")(extract)
    app.command("classify")(classify)
    app.command("facts")(facts)
    app.command("similar")(similar)


def parse_command(
    url: Url = None, kind: Pages = None, batch: Batch = False, as_json: AsJson = False
) -> None:
    """Read a list page or a feed from stdin and print its entries as JSON."""
    del as_json  # the answer is JSON either way

    def read(body: bytes, address: str) -> dict[str, object]:
        return list_answer(read_list(body, address, kind))

    _answer(read, url, batch=batch)


def extract(url: Url = None, batch: Batch = False, as_json: AsJson = False) -> None:
    """Read an article page from stdin and print its record as JSON."""
    from aggregator import normalise, parse

    del as_json

    def read(body: bytes, address: str) -> dict[str, object]:
        now = clock()
        article = parse.read_article(
            body, url=address, content_type=None, now=now, selector=None, learned=None
        )
        return article_answer(normalise.draft_page(article, now=now))

    _answer(read, url, batch=batch)


def read_list(body: bytes, address: str, kind: SourceKind | None) -> ListReading:
    """Read a list of a known kind, or find the kind out."""
    from aggregator import parse
    from aggregator.model import Learned, Selectors

    now = clock()
    if kind is None:
        return parse.detect(body, url=address, content_type=None, now=now)[1]
    return parse.read_list(
        body,
        url=address,
        content_type=None,
        kind=kind,
        now=now,
        selectors=Selectors(),
        learned=Learned(),
        json_paths={},
    )


def list_answer(reading: ListReading) -> dict[str, object]:
    """The shape of ``quxun parse`` (DESIGN.md §Commands)."""
    return {
        "kind": reading.kind.value,
        "entries": [
            {"title": e.title, "url": e.url, "date": e.date, "summary": e.summary}
            for e in reading.entries
        ],
        "next": reading.next.url if reading.next else None,
    }


def article_answer(draft: Draft) -> dict[str, object]:
    """The shape of ``quxun extract`` (DESIGN.md §Commands)."""
    import msgspec

    return {
        "title": draft.title,
        "date": day_or_minute(draft),
        "source": draft.source_label,
        "issuer": draft.issuer,
        "doc_number": draft.doc_number,
        "regions": [region_answer(region) for region in draft.regions],
        "kind": draft.kind.value,
        "categories": msgspec.to_builtins(draft.categories),
        "body_text": draft.body_text,
        "body_html": draft.body_html,
        "attachments": msgspec.to_builtins(draft.attachments),
        "facts": msgspec.to_builtins(draft.facts),
        "flags": [flag.value for flag in draft.flags],
    }


def day_or_minute(draft: Draft) -> str | None:
    """The posted date as printed: a day, or an instant with its offset."""
    from aggregator import normalise

    if draft.posted_at is None:
        return None
    local = draft.posted_at.astimezone(normalise.SHANGHAI)
    return local.date().isoformat() if draft.date_precision == "day" else local.isoformat()


def region_answer(region: Region) -> dict[str, object]:
    """A region as printed: code, name, and the names of the divisions above it."""
    return {"code": region.code, "name": region.name, "path": list(region.path)}


def classify() -> None:
    """Read titles (title or title<TAB>site a line), print kind, categories and regions."""
    import msgspec

    from aggregator import normalise

    for line in _lines():
        title, _, site = line.partition("\t")
        got = normalise.classify_title(title, site=site or None)
        answer: dict[str, object] = {
            "title": title,
            "kind": got.kind.value,
            "categories": msgspec.to_builtins(got.categories),
            "regions": [region_answer(region) for region in got.regions],
        }
        if got.open:
            answer["open"] = [
                {"name": name, "candidates": [region_answer(region) for region in regions]}
                for name, regions in got.open
            ]
        say_line(answer)


def facts() -> None:
    """Read JSON lines {"id","text","posted"} and print the facts of each, with sentences."""
    from aggregator import normalise

    def read(row: dict[str, object]) -> dict[str, object]:
        found = normalise.read_facts(str(row.get("text") or ""), posted=_day(row.get("posted")))
        return {"id": row.get("id"), **facts_answer(found)}

    _each_line(read)


def facts_answer(found: Facts) -> dict[str, object]:
    """The shape of ``quxun facts`` (DESIGN.md §Commands)."""
    until = [fact for fact in found.validity if fact.role == "until"]
    since = [fact for fact in found.validity if fact.role == "from"]
    return {
        "doc_numbers": [
            {"number": f.value, "role": f.role, "sentence": f.sentence} for f in found.doc_numbers
        ],
        "registry_numbers": [
            {"number": f.value, "sentence": f.sentence} for f in found.registry_numbers
        ],
        "amounts": [
            {"yuan": a.yuan, "basis": a.basis, "sentence": a.sentence}
            for a in found.amounts
            if a.yuan is not None
        ],
        "deadlines": [
            {"day": d.value.isoformat(), "sentence": d.sentence} for d in found.deadlines
        ],
        "valid_from": since[0].value if since else None,
        "valid_until": until[0].value if until else None,
        "validity": [
            {"day": f.value, "role": f.role, "sentence": f.sentence} for f in (*since, *until)
        ],
        "areas": [{"m2": f.number, "sentence": f.sentence} for f in found.areas],
        "stages": [{"stage": f.value, "sentence": f.sentence} for f in found.stages],
    }


def similar() -> None:
    """Read JSON lines {"a":{"title","text","date"},"b":{…}}: are they one announcement?"""
    from aggregator import cluster

    def read(row: dict[str, object]) -> dict[str, object]:
        same, score = cluster.same(_draft_of(row.get("a")), _draft_of(row.get("b")))
        return {"same": same, "score": round(score, 4)}

    _each_line(read)


def _draft_of(value: object) -> Draft:
    from aggregator import normalise
    from aggregator.model import Article

    if not isinstance(value, dict):
        raise UsageError('a line must hold "a" and "b", each with "title", "text" and "date"')
    text = str(value.get("text") or "")
    article = Article(
        url="",
        title=str(value.get("title") or ""),
        body_text=text,
        body_html="".join(f"<p>{line}</p>" for line in text.splitlines()),
        date_text=str(value.get("date") or "") or None,
    )
    return normalise.draft_page(article, now=clock())


def _answer(
    read: Callable[[bytes, str], dict[str, object]], url: str | None, *, batch: bool
) -> None:
    if not batch:
        if not url:
            raise UsageError("say the page's address with --url (relative links need it)")
        say(read(sys.stdin.buffer.read(), url))
        return

    def read_file(row: dict[str, object]) -> dict[str, object]:
        try:
            body = Path(_need(row, "path")).read_bytes()
            return {"id": row.get("id"), **read(body, _need(row, "url"))}
        except (OSError, SourceError) as error:
            return {"id": row.get("id"), "error": str(error)}

    _each_line(read_file)


def _need(row: dict[str, object], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise UsageError(f'a line of the batch has no "{key}": {json.dumps(row)[:120]}')
    return value


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value)) if value else None
    except ValueError as error:
        raise UsageError(f'"posted" must be YYYY-MM-DD or null, not {value!r}') from error


def _each_line(answer: Callable[[dict[str, object]], dict[str, object]]) -> None:
    """Answer each JSON line of stdin with one.

    A line that cannot be used is named on stderr and answered with its ``error``, so that the
    answers stay beside their lines; the rest is answered all the same.

    Raises:
        typer.Exit: code 2, at the end, when there was such a line.
    """
    wrong = False
    for number, line in enumerate(_lines(), 1):
        if not line.strip():
            continue
        row: dict[str, object] = {}
        try:
            row = _json_object(line)
            said = answer(row)
        except UsageError as error:
            wrong = True
            complain(f"line {number} of stdin: {error}")
            said = {"id": row.get("id"), "error": str(error)}
        say_line(said)
    if wrong:
        raise typer.Exit(2)


def _json_object(line: str) -> dict[str, object]:
    import msgspec

    try:
        row = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"it is not JSON: {error}") from error
    if not isinstance(row, dict):
        raise UsageError("it is not a JSON object")
    return row


def _lines() -> Iterator[str]:
    """The lines of stdin, without their ends and without a byte order mark."""
    for number, raw in enumerate(sys.stdin.buffer):
        line = raw.decode("utf-8-sig" if number == 0 else "utf-8", errors="replace")
        yield line.rstrip("\r\n")
