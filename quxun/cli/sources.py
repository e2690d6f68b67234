"""Sources: added by URL alone, shown before they are stored, tested, paused, imported."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.errors import ConflictError, QuxunError, UsageError
from aggregator.model import Authority, NewSource, SourceKind, SourceSettings, SourceState
from quxun.cli.common import (
    AsJson,
    deed,
    inert,
    know_divisions,
    opened,
    read_file,
    remark,
    say,
    show_table,
    someone_to_ask,
    tell,
)
from quxun.cli.selectors import SelectorsOption, read_selectors
from quxun.cli.sourceanswers import probe_answer, redesign_line, show_probe, source_answer
from quxun.cli.sourcelists import check_url, known_category, read_opml, read_tsv, region_code

if TYPE_CHECKING:
    from aggregator.model import Probe
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
    selectors: SelectorsOption = None,
    allow_private: Private = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="store without asking")] = False,
    as_json: AsJson = False,
) -> None:
    """Find out what is at URL, show what would be read, then store it."""
    from aggregator.flow import sources as flow

    check_url(url)
    settings = SourceSettings(
        category=known_category(category),
        selectors=read_selectors(selectors),
        allow_nets=_nets(url, allow_private),
    )
    with opened() as parts:
        probed = _probe(parts, url, kind, settings)
        new = flow.source_from(
            probed,
            name=name,
            region=region_code(region),
            authority=authority,
            settings=settings,
        )
        if not as_json or not yes:
            show_probe(probed, to=remark)
        if probed.rows == 0 and not yes:
            raise QuxunError(f"no row was found at {url}; add it all the same with --yes")
        _check_selectors(probed, settings, yes=yes)
        if not yes:
            _ask()
        with deed(parts, "source added", url):
            stored = parts.sources.add(new, parts.now())
        if as_json:
            say({"source": source_answer(stored), "probe": probe_answer(probed)})
        else:
            tell(f"stored {stored.slug}: {stored.name} ({stored.kind.value})")


@app.command()
def edit(
    source: Reference,
    url: Annotated[
        str | None, typer.Option(help="where it is now; what it showed before stays known")
    ] = None,
    kind: KindOption = None,
    region: Annotated[
        str | None, typer.Option(help="the region it speaks for: a code or a name")
    ] = None,
    category: Annotated[
        str | None, typer.Option(metavar="SLUG", help="a category for all it shows; '' for none")
    ] = None,
    authority: Annotated[Authority | None, typer.Option(help="who speaks there")] = None,
    name: Annotated[str | None, typer.Option(help="what readers see")] = None,
    selectors: SelectorsOption = None,
    no_selectors: Annotated[
        bool, typer.Option("--no-selectors", help="read it unaided again")
    ] = False,
    allow_private: Private = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="store without asking")] = False,
    as_json: AsJson = False,
) -> None:
    """Change a source: its address after a move, its selectors after a redesign."""
    from aggregator.flow import sources as flow

    if url:
        check_url(url)
    if selectors and no_selectors:
        raise UsageError("--selectors and --no-selectors exclude each other")
    given = read_selectors(selectors)
    with opened() as parts:
        one = parts.sources.get(source)
        settings = replace(
            one.settings,
            category=one.settings.category if category is None else known_category(category),
            selectors=given if selectors or no_selectors else one.settings.selectors,
            allow_nets=_nets(url or one.url, allow_private) or one.settings.allow_nets,
        )
        looks = url or kind or selectors or no_selectors
        probed = _probe(parts, url or one.url, kind, settings) if looks else None
        if probed:
            if not as_json or not yes:
                show_probe(probed, to=remark)
            if probed.rows == 0 and not yes:
                raise QuxunError(f"no row was found at {probed.url}; keep it with --yes")
            _check_selectors(probed, settings, yes=yes)
        if not yes:
            _ask()
        new = NewSource(
            name=name or one.name,
            kind=probed.kind if probed else one.kind,
            url=url or one.url,
            region=region_code(region) or one.region,
            authority=authority or one.authority,
            settings=settings,
        )
        with deed(parts, "source changed", one.slug):
            stored = parts.sources.change(one.id, new, parts.now())
        line = flow.misses(probed, settings.selectors) if probed else None
    if as_json:
        say({"source": source_answer(stored), "probe": probed and probe_answer(probed)})
    else:
        tell(f"{stored.slug} is changed and polled next{f'; {line}' if line else ''}")


@app.command()
def test(
    url: Url,
    kind: KindOption = None,
    selectors: SelectorsOption = None,
    allow_private: Private = False,
    as_json: AsJson = False,
) -> None:
    """Say what we see at URL: status, charset, rows, first titles, next page, robots."""
    check_url(url)
    given = read_selectors(selectors)
    with opened() as parts:
        known = {source.url: source for source in parts.sources.list()}
        settings = (
            known[url].settings
            if url in known
            else SourceSettings(allow_nets=_nets(url, allow_private))
        )
        if selectors:
            settings = replace(settings, selectors=given)
        probed = _probe(parts, url, kind, settings)
    if as_json:
        say(probe_answer(probed))
    else:
        show_probe(probed, to=tell)
    _check_selectors(probed, settings, yes=False)


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
        if key == "redesign":
            tell(f"redesign: {redesign_line(one)}")
        elif isinstance(value, dict):
            told = ", ".join(f"{name} = {word}" for name, word in value.items() if word)
            tell(f"{key}: {told or 'none'}")
        else:
            tell(f"{key}: {value}")
    show_table(
        "last polls",
        ("at", "outcome", "status", "found", "new", "ms", "problem"),
        [
            (f"{p.at:%Y-%m-%d %H:%M:%S}", p.outcome, p.status, p.found, p.new, p.took_ms, p.problem)
            for p in polls
        ],
    )
    for poll in polls:
        for note in poll.notes:
            tell(f"{poll.at:%Y-%m-%d %H:%M:%S}: {note}")


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
        with deed(parts, "source released", one.slug):
            parts.sources.release_held(one.id)
    tell(f"{one.slug}: what was held is announced")


@app.command()
def remove(
    source: Reference,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
) -> None:
    """Forget a source; its announcements stay."""
    someone_to_ask(yes=yes)
    with opened() as parts:
        one = parts.sources.get(source)
        if not yes:
            typer.confirm(f"forget {one.slug}, {one.name!r}?", abort=True, err=True)
        with deed(parts, "source removed", one.slug):
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
    know_divisions()
    raw = read_file(_catalogue() if file == "catalogue" else Path(file))
    is_xml = raw.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<")
    new, skipped, notes = read_opml(raw, state) if is_xml else read_tsv(raw, state)
    added = 0
    with opened() as parts, deed(parts, "sources imported", f"{len(new)} of {Path(file).name}"):
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


def _check_selectors(probed: Probe, settings: SourceSettings, *, yes: bool) -> None:
    """Refuse selectors that name nothing on what was just read.

    Raises:
        QuxunError: names them and says what was read instead.
    """
    from aggregator.flow import sources as flow

    line = flow.misses(probed, settings.selectors)
    if line and not yes:
        raise QuxunError(line)


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
        with deed(parts, f"source {state.value}", one.slug):
            parts.sources.set_state(one.id, state)
    tell(f"{one.slug} is {state.value}")


def _nets(url: str, allow_private: bool) -> tuple[str, ...]:
    """The one address that a private source is on, as a network of its own."""
    from aggregator.flow import sources as flow

    if not allow_private:
        return ()
    return flow.own_networks(url)
