"""Sources: added by URL alone, shown before they are stored, tested, paused, imported."""

from __future__ import annotations

import csv
import sys
import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from aggregator.errors import ConflictError, QuxunError, UsageError
from aggregator.model import (
    Authority,
    NewSource,
    Selectors,
    SourceKind,
    SourceSettings,
    SourceState,
)
from quxun.cli.common import (
    AsJson,
    inert,
    live,
    opened,
    read_file,
    remark,
    say,
    show_table,
    tell,
)

if TYPE_CHECKING:
    from aggregator.model import Probe, Source
    from aggregator.wiring import Parts

app = typer.Typer(
    help="Sources: add, list, show, test, pause, resume, remove, import, export.",
    no_args_is_help=True,
)

Url = Annotated[str, typer.Argument(metavar="URL", help="address of a list page or a feed")]
Reference = Annotated[str, typer.Argument(metavar="SOURCE", help="its slug, id or URL")]
KindOption = Annotated[
    SourceKind | None, typer.Option("--kind", help="how to read it, instead of finding it out")
]
Private = Annotated[
    bool, typer.Option("--allow-private", help="let this source be on a private address of its own")
]
#: Words of the catalogue for how a site publishes, and the kind that reads them.
CATALOGUE_KINDS = {"list": "column", "trs": "column", "rss": "feed", "atom": "feed"}


@app.command()
def add(
    url: Url,
    kind: KindOption = None,
    region: Annotated[
        str | None, typer.Option(help="the region it speaks for: a code or a name")
    ] = None,
    category: Annotated[
        str | None, typer.Option(metavar="SLUG", help="a category for all it shows")
    ] = None,
    authority: Annotated[
        Authority | None, typer.Option(help="who speaks there; gov.cn is official if not given")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="what readers see; the page's title if not given")
    ] = None,
    selectors: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="TOML with CSS selectors rows, title, link, date, next, body"
        ),
    ] = None,
    allow_private: Private = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="store without asking")] = False,
    as_json: AsJson = False,
) -> None:
    """Find out what is at URL, show what would be read, then store it."""
    from aggregator.flow import sources as flow

    _check_url(url)
    settings = SourceSettings(
        category=_category(category),
        selectors=_selectors(selectors),
        allow_nets=_nets(url, allow_private),
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
        if not as_json or not yes:
            _show_probe(probed, to=remark)
        if probed.rows == 0 and not yes:
            raise QuxunError(f"no row was found at {url}; add it all the same with --yes")
        if not yes:
            _ask()
        stored = parts.sources.add(new, parts.now())
        if as_json:
            say({"source": source_answer(stored), "probe": probe_answer(probed)})
        else:
            tell(f"stored {stored.slug}: {stored.name} ({stored.kind.value})")


@app.command()
def test(
    url: Url, kind: KindOption = None, allow_private: Private = False, as_json: AsJson = False
) -> None:
    """Say what we see at URL: status, charset, rows, first titles, next page, robots."""
    _check_url(url)
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
        _show_probe(probed, to=tell)


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
def show(source: Reference, as_json: AsJson = False) -> None:
    """Show one source with its last polls."""
    import msgspec

    with opened() as parts:
        one = parts.sources.get(source)
        polls = parts.sources.polls(one.id, limit=20)
    if as_json:
        say({**source_answer(one), "polls": msgspec.to_builtins(polls)})
        return
    for key, value in source_answer(one).items():
        tell(f"{key}: {value}")
    show_table(
        "last polls",
        ("at", "outcome", "status", "found", "new", "ms", "problem"),
        [
            (f"{p.at:%Y-%m-%d %H:%M:%S}", p.outcome, p.status, p.found, p.new, p.took_ms, p.problem)
            for p in polls
        ],
    )


@app.command()
def pause(source: Reference) -> None:
    """Stop polling a source; nothing of it is lost."""
    _set_state(source, SourceState.PAUSED)


@app.command()
def resume(source: Reference) -> None:
    """Poll a source again."""
    _set_state(source, SourceState.ACTIVE)


@app.command()
def release(source: Reference) -> None:
    """Announce what was held from mail after a flood, now that you have looked at it."""
    with opened() as parts:
        one = parts.sources.get(source)
        parts.sources.release_held(one.id)
    tell(f"{one.slug}: what was held is announced")


@app.command()
def remove(source: Reference) -> None:
    """Forget a source; its announcements stay."""
    with opened() as parts:
        one = parts.sources.get(source)
        parts.sources.remove(one.id)
    tell(f"removed {one.slug}")


@app.command("import")
def import_sources(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="OPML or TSV; 'catalogue' for the one we ship")
    ],
    enable: Annotated[bool, typer.Option("--enable", help="poll them without a test")] = False,
    as_json: AsJson = False,
) -> None:
    """Import sources from an OPML or TSV file; they wait untested unless --enable is given."""
    state = SourceState.ACTIVE if enable else SourceState.UNTESTED
    raw = read_file(_catalogue() if file == "catalogue" else Path(file))
    is_xml = raw.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<")
    new, skipped, notes = read_opml(raw, state) if is_xml else read_tsv(raw, state)
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
        say({"added": added, "state": state.value, "skipped": skipped, "notes": notes})
        return
    for line in notes:
        remark(f"note: {line}")
    for line in skipped:
        remark(f"skipped: {line}")
    tell(f"{added} sources imported ({state.value}), {len(skipped)} skipped")


@app.command()
def export() -> None:
    """Print all sources as TSV, in the columns that import reads."""
    with opened() as parts:
        rows = parts.sources.list()
    tell("name\tregion\turl\tkind\tauthority\tcategory\tstate")
    for s in rows:
        name = inert(" ".join(s.name.replace('"', "”").split()))
        cells = (name, s.region or "", s.url, s.kind.value, s.authority.value,
                 s.settings.category or "", s.state.value)  # fmt: skip
        tell("\t".join(cells))


def _catalogue() -> Path:
    from aggregator import divisions

    return Path(divisions.__file__).parent / "catalogue.tsv"


#: The sources of a list, the lines that were skipped, and what is to be known of the others.
Listed = tuple[list[NewSource], list[str], list[str]]


def read_tsv(raw: bytes, state: SourceState) -> Listed:
    """Sources of a TSV with the columns name, region, url, kind and perhaps authority, category.

    Raises:
        UsageError: when it is not in UTF-8 or has no column "url".
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"the list is not in UTF-8: {error}") from error
    reader = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    if "url" not in (reader.fieldnames or ()):
        raise UsageError(
            'the list has no column "url" in its first line (columns stand between tabs)'
        )
    new: list[NewSource] = []
    skipped: list[str] = []
    notes: list[str] = []
    for row in reader:
        try:
            new.append(_row_source(row, state))
        except UsageError as error:
            skipped.append(f"line {reader.line_num}: {error}")
        else:
            if row.get("region") and new[-1].region is None:
                notes.append(
                    f"line {reader.line_num}: no division {row['region']!r}; no region set"
                )
    return new, skipped, notes


def _row_source(row: dict[str, str], state: SourceState) -> NewSource:
    """The source of one row, whose cells may be missing.

    Raises:
        UsageError: when a cell cannot be used.
    """

    def cell(name: str) -> str:
        return (row.get(name) or "").strip().strip('"').strip()

    url, word, speaker = cell("url"), cell("kind") or "column", cell("authority") or "official"
    kind = CATALOGUE_KINDS.get(word, word)
    _check_url(url)
    if kind not in set(SourceKind):
        raise UsageError(f"no kind {word!r} ({url[:80]})")
    if speaker not in set(Authority):
        raise UsageError(f"no authority {speaker!r} ({url[:80]})")
    return NewSource(
        name=live(cell("name")) or url,
        kind=SourceKind(kind),
        url=url,
        region=_known_region(cell("region")),
        authority=Authority(speaker),
        settings=SourceSettings(category=_category(cell("category"))),
        state=state,
    )


def read_opml(raw: bytes, state: SourceState) -> Listed:
    """Feeds of an OPML list (OPML 2.0, ``outline`` with ``xmlUrl``).

    Raises:
        UsageError: when it is no well-formed XML, or carries a document type.
    """
    from lxml import etree

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
        try:
            _check_url(url)
        except UsageError as error:
            skipped.append(f"line {outline.sourceline}: {error}")
            continue
        name = outline.get("title") or outline.get("text") or url
        new.append(
            NewSource(
                name=name,
                kind=SourceKind.FEED,
                url=url,
                authority=(
                    Authority.OFFICIAL
                    if (urlsplit(url).hostname or "").endswith(".gov.cn")
                    else Authority.COMMERCIAL
                ),
                state=state,
            )
        )
    return new, skipped, []


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


def _show_probe(probed: Probe, *, to: Callable[[str], None]) -> None:
    from aggregator import divisions

    region = divisions.get(probed.region) if probed.region else None
    to(f"{probed.url}: {probed.status}, {probed.kind.value}")
    if probed.final_url != probed.url:
        to(f"  leads to  {probed.final_url}")
    to(f"  charset   {probed.charset} ({probed.charset_why})")
    to(f"  robots    {probed.robots}")
    to(f"  title     {probed.title}")
    to(f"  region    {f'{region.code} {region.name}' if region else 'not known; say --region'}")
    to(f"  authority {probed.authority.value}")
    to(f"  rows      {probed.rows}")
    for entry in probed.sample:
        to(f"    {entry.date or '(no date)'}  {entry.title}")
    to(f"  next page {probed.next_url or 'none found'}")
    for note in probed.notes:
        to(f"  note      {note}")


def _ask() -> None:
    """Ask whether to store what was shown.

    Raises:
        QuxunError: when the answer is no, or nobody can be asked.
    """
    if not sys.stdin.isatty():
        raise QuxunError("not stored: without a terminal nobody can be asked; say --yes")
    if not typer.confirm("Store this source?", err=True):
        raise QuxunError("not stored")


def _probe(parts: Parts, url: str, kind: SourceKind | None, settings: SourceSettings) -> Probe:
    from aggregator.flow import sources as flow

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
    tell(f"{one.slug} is {state.value}")


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 80) > 0
    except ValueError:
        good = False
    if not good or any(mark.isspace() for mark in url):
        raise UsageError(f"{url[:80]!r} is no http or https address")


def _category(slug: str | None) -> str | None:
    from aggregator.filters import CATEGORIES

    if slug and slug not in CATEGORIES:
        raise UsageError(f"no category {slug!r}; there are {', '.join(CATEGORIES)}")
    return slug or None


def _region(word: str | None) -> str | None:
    code = _known_region(word)
    if word and code is None:
        raise UsageError(f"no division or zone {word!r}; name it in full (重庆市江津区) or by code")
    return code


def _known_region(word: str | None) -> str | None:
    from aggregator import divisions

    found = divisions.resolve(word, prior=None, on=None) if word else None
    return found.code if found else None


def _selectors(path: Path | None) -> Selectors:
    import msgspec

    if path is None:
        return Selectors()
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), type=Selectors)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise UsageError(f"{path} cannot be used: {error}") from error


def _nets(url: str, allow_private: bool) -> tuple[str, ...]:
    """The one address that a private source is on, as a network of its own."""
    from aggregator.flow import sources as flow

    if not allow_private:
        return ()
    return flow.own_networks(url)


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
