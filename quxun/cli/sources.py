"""Sources: added by URL alone, shown before they are stored, tested, paused, imported."""

from __future__ import annotations

import csv
import sys
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from lxml import etree
from rich.console import Console

from aggregator import divisions
from aggregator.errors import ConflictError, QuxunError, UsageError
from aggregator.flow import sources as flow
from aggregator.model import (
    Authority,
    NewSource,
    Probe,
    Selectors,
    Source,
    SourceKind,
    SourceSettings,
    SourceState,
)
from aggregator.wiring import Parts
from quxun.cli.common import AsJson, answers, errors, opened, say, show_table

app = typer.Typer(help="Sources: add, list, show, test, pause, resume, remove, import, export.")

KindOption = Annotated[SourceKind | None, typer.Option("--kind", help="skip finding it out")]
Private = Annotated[
    bool, typer.Option("--allow-private", help="let this source be on a private address of its own")
]
#: Words of the catalogue for how a site publishes, and the kind that reads them.
CATALOGUE_KINDS = {"list": "column", "trs": "column", "rss": "feed", "atom": "feed"}


@app.command()
def add(
    url: str,
    kind: KindOption = None,
    region: Annotated[str | None, typer.Option(help="code or name")] = None,
    category: Annotated[str | None, typer.Option(help="a category slug for all it shows")] = None,
    authority: Annotated[Authority | None, typer.Option()] = None,
    name: Annotated[str | None, typer.Option()] = None,
    selectors: Annotated[
        Path | None, typer.Option(help="TOML with rows, title, link, date, next, body")
    ] = None,
    allow_private: Private = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="store without asking")] = False,
    as_json: AsJson = False,
) -> None:
    """Find out what is at URL, show what would be read, then store it."""
    settings = SourceSettings(
        category=category, selectors=_selectors(selectors), allow_nets=_nets(url, allow_private)
    )
    with opened() as parts:
        probed = _probe(parts, url, kind, settings)
        new = flow.source_from(
            probed,
            name=name,
            region=_region(region),
            authority=authority,
            settings=settings,
        )
        if not as_json:
            _show_probe(probed, to=errors if yes else answers)
        if probed.rows == 0 and not yes:
            raise QuxunError(f"no row was found at {url}; add it all the same with --yes")
        if not yes and not typer.confirm("Store this source?", err=True):
            raise QuxunError("not stored")
        stored = parts.sources.add(new, parts.now())
        if as_json:
            say({"source": source_answer(stored), "probe": probe_answer(probed)})
        else:
            answers.print(
                f"stored {stored.slug}: {stored.name} ({stored.kind.value})", markup=False
            )


@app.command()
def test(
    url: str, kind: KindOption = None, allow_private: Private = False, as_json: AsJson = False
) -> None:
    """Say what we see at URL: status, charset, rows, first titles, next page, robots."""
    with opened() as parts:
        known = {source.url: source for source in parts.sources.list()}
        settings = (
            known[url].settings
            if url in known
            else SourceSettings(allow_nets=_nets(url, allow_private))
        )
        probed = _probe(parts, url, kind, settings)
    if as_json:
        say(probe_answer(probed))
    else:
        _show_probe(probed, to=answers)


@app.command("list")
def list_sources(as_json: AsJson = False) -> None:
    """List the sources with their health."""
    with opened() as parts:
        rows = parts.sources.list()
    if as_json:
        say([source_answer(source) for source in rows])
        return
    show_table(
        f"{len(rows)} sources",
        ("slug", "kind", "region", "state", "health", "last well", "problem"),
        [
            (s.slug, s.kind.value, s.region, s.state.value, s.health.value,
             s.last_ok_at and f"{s.last_ok_at:%Y-%m-%d %H:%M}", s.problem)
            for s in rows
        ],
    )  # fmt: skip


@app.command()
def show(source: str, as_json: AsJson = False) -> None:
    """Show one source (slug, id or URL) with its last polls."""
    with opened() as parts:
        one = parts.sources.get(source)
        polls = parts.sources.polls(one.id, limit=20)
    if as_json:
        say({**source_answer(one), "polls": msgspec.to_builtins(polls)})
        return
    for key, value in source_answer(one).items():
        answers.print(f"{key}: {value}", markup=False)
    show_table(
        "last polls",
        ("at", "outcome", "status", "found", "new", "ms", "problem"),
        [
            (f"{p.at:%Y-%m-%d %H:%M:%S}", p.outcome, p.status, p.found, p.new, p.took_ms, p.problem)
            for p in polls
        ],
    )


@app.command()
def pause(source: str) -> None:
    """Stop polling a source; nothing of it is lost."""
    _set_state(source, SourceState.PAUSED)


@app.command()
def resume(source: str) -> None:
    """Poll a source again."""
    _set_state(source, SourceState.ACTIVE)


@app.command()
def remove(source: str) -> None:
    """Forget a source; its announcements stay."""
    with opened() as parts:
        one = parts.sources.get(source)
        parts.sources.remove(one.id)
    answers.print(f"removed {one.slug}", markup=False)


@app.command("import")
def import_sources(
    file: Annotated[str, typer.Argument(help="OPML or TSV; 'catalogue' for the one we ship")],
    enable: Annotated[bool, typer.Option("--enable", help="poll them without a test")] = False,
    as_json: AsJson = False,
) -> None:
    """Import sources from an OPML or TSV file; they wait untested unless --enable is given."""
    state = SourceState.ACTIVE if enable else SourceState.UNTESTED
    path = CATALOGUE if file == "catalogue" else Path(file)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    new, skipped = (read_opml if raw.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<") else read_tsv)(
        raw, state
    )
    added = 0
    with opened() as parts:
        for one in new:
            try:
                parts.sources.add(one, parts.now())
            except ConflictError as error:
                skipped.append(str(error))
            else:
                added += 1
    if as_json:
        say({"added": added, "state": state.value, "skipped": skipped})
        return
    for line in skipped:
        errors.print(f"skipped: {line}", markup=False)
    answers.print(f"{added} sources imported ({state.value}), {len(skipped)} skipped", markup=False)


@app.command()
def export() -> None:
    """Print all sources as TSV, in the columns that import reads."""
    with opened() as parts:
        rows = parts.sources.list()
    writer = csv.writer(sys.stdout, delimiter="\t", lineterminator="\n")
    writer.writerow(("name", "region", "url", "kind", "authority", "state"))
    for s in rows:
        writer.writerow(
            (s.name, s.region or "", s.url, s.kind.value, s.authority.value, s.state.value)
        )


CATALOGUE = Path(divisions.__file__).parent / "catalogue.tsv"


def read_tsv(raw: bytes, state: SourceState) -> tuple[list[NewSource], list[str]]:
    """Sources of a TSV with the columns name, region, url, kind and perhaps authority."""
    text = raw.decode("utf-8-sig")
    new: list[NewSource] = []
    skipped: list[str] = []
    for number, row in enumerate(csv.DictReader(text.splitlines(), delimiter="\t"), 2):
        url, word = (row.get("url") or "").strip(), (row.get("kind") or "column").strip()
        kind = CATALOGUE_KINDS.get(word, word)
        if not url.startswith(("http://", "https://")):
            skipped.append(f"line {number}: no http address: {url[:80]!r}")
        elif kind not in set(SourceKind):
            skipped.append(f"line {number}: no kind {word!r} ({url[:80]})")
        else:
            region = (row.get("region") or "").strip()
            found = divisions.resolve(region, prior=None, on=None) if region else None
            new.append(
                NewSource(
                    name=(row.get("name") or url).strip(),
                    kind=SourceKind(kind),
                    url=url,
                    region=found.code if found else None,
                    authority=Authority((row.get("authority") or "").strip() or "official"),
                    state=state,
                )
            )
    return new, skipped


def read_opml(raw: bytes, state: SourceState) -> tuple[list[NewSource], list[str]]:
    """Feeds of an OPML list (OPML 2.0, ``outline`` with ``xmlUrl``).

    Raises:
        UsageError: when it is no well-formed XML, or carries a document type.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        tree = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        raise UsageError(f"the OPML file is not well-formed: {error}") from error
    if tree.getroottree().docinfo.internalDTD is not None:
        raise UsageError("the OPML file carries a document type; we read none with one")
    new: list[NewSource] = []
    skipped: list[str] = []
    for outline in tree.iter("outline"):
        url = outline.get("xmlUrl")
        if not url:
            continue
        if not url.startswith(("http://", "https://")):
            skipped.append(f"no http address: {url[:80]!r}")
            continue
        name = outline.get("title") or outline.get("text") or url
        new.append(
            NewSource(
                name=name,
                kind=SourceKind.FEED,
                url=url,
                authority=Authority.COMMERCIAL if ".gov.cn" not in url else Authority.OFFICIAL,
                state=state,
            )
        )
    return new, skipped


def source_answer(source: Source) -> dict[str, object]:
    """A source as printed."""
    return {
        "slug": source.slug,
        "id": source.id,
        "name": source.name,
        "kind": source.kind.value,
        "url": source.url,
        "region": source.region,
        "authority": source.authority.value,
        "state": source.state.value,
        "health": source.health.value,
        "problem": source.problem,
        "last_polled_at": _iso(source.last_polled_at),
        "last_ok_at": _iso(source.last_ok_at),
        "last_new_at": _iso(source.last_new_at),
        "next_poll_at": _iso(source.next_poll_at),
        "rows": source.usual_rows,
        "failures": source.failures,
        "gap_open": source.gap_open is not None,
        "held": source.held,
    }


def probe_answer(probed: Probe) -> dict[str, object]:
    """What a test saw, as printed."""
    return {
        "url": probed.url,
        "final_url": probed.final_url,
        "status": probed.status,
        "kind": probed.kind.value,
        "charset": probed.charset,
        "charset_why": probed.charset_why,
        "robots": probed.robots,
        "rows": probed.rows,
        "entries": [
            {"title": entry.title, "url": entry.url, "date": entry.date} for entry in probed.sample
        ],
        "next": probed.next_url,
        "title": probed.title,
        "region": probed.region,
        "authority": probed.authority.value,
        "notes": list(probed.notes),
    }


def _show_probe(probed: Probe, *, to: Console) -> None:
    out = to.print
    region = divisions.get(probed.region) if probed.region else None
    out(f"{probed.url}: {probed.status}, {probed.kind.value}", markup=False)
    if probed.final_url != probed.url:
        out(f"  leads to  {probed.final_url}", markup=False)
    out(f"  charset   {probed.charset} ({probed.charset_why})", markup=False)
    out(f"  robots    {probed.robots}", markup=False)
    out(f"  title     {probed.title}", markup=False)
    out(f"  region    {f'{region.code} {region.name}' if region else 'not known; say --region'}",
        markup=False)  # fmt: skip
    out(f"  authority {probed.authority.value}", markup=False)
    out(f"  rows      {probed.rows}", markup=False)
    for entry in probed.sample:
        out(f"    {entry.date or '(no date)'}  {entry.title}", markup=False)
    out(f"  next page {probed.next_url or 'none found'}", markup=False)
    for note in probed.notes:
        out(f"  note      {note}", markup=False)


def _probe(parts: Parts, url: str, kind: SourceKind | None, settings: SourceSettings) -> Probe:
    return parts.run(
        flow.probe(
            url, fetch=parts.fetch, reader=parts.reader, now=parts.now(), kind=kind,
            settings=settings,
        )
    )  # fmt: skip


def _set_state(ref: str, state: SourceState) -> None:
    with opened() as parts:
        one = parts.sources.get(ref)
        parts.sources.set_state(one.id, state)
    answers.print(f"{one.slug} is {state.value}", markup=False)


def _region(word: str | None) -> str | None:
    if not word:
        return None
    found = divisions.resolve(word, prior=None, on=None)
    if found is None:
        raise UsageError(f"no division or zone {word!r}; name it in full (重庆市江津区) or by code")
    return found.code


def _selectors(path: Path | None) -> Selectors:
    if path is None:
        return Selectors()
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), type=Selectors)
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise UsageError(f"{path} cannot be used: {error}") from error


def _nets(url: str, allow_private: bool) -> tuple[str, ...]:
    """The one address that a private source is on, as a network of its own."""
    if not allow_private:
        return ()
    return flow.own_networks(url)


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
