"""Lists of sources as files: TSV and OPML, and what a cell or an option of them may hold."""

from __future__ import annotations

import csv
from urllib.parse import urlsplit

from aggregator.errors import UsageError
from aggregator.model import Authority, NewSource, SourceKind, SourceSettings, SourceState
from quxun.cli.common import live

#: Words of the catalogue for how a site publishes, and the kind that reads them.
CATALOGUE_KINDS = {"list": "column", "trs": "column", "rss": "feed", "atom": "feed"}
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
    check_url(url)
    if kind not in set(SourceKind):
        raise UsageError(f"no kind {word!r} ({url[:80]})")
    if speaker not in set(Authority):
        raise UsageError(f"no authority {speaker!r} ({url[:80]})")
    return NewSource(
        name=live(cell("name")) or url,
        kind=SourceKind(kind),
        url=url,
        region=known_region(cell("region")),
        authority=Authority(speaker),
        settings=SourceSettings(category=known_category(cell("category"))),
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
            check_url(url)
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


def check_url(url: str) -> None:
    """Refuse what is no address of a source.

    Raises:
        UsageError: it is neither http nor https, or is not one word.
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 80) > 0
    except ValueError:
        good = False
    if not good or any(mark.isspace() for mark in url):
        raise UsageError(f"{url[:80]!r} is no http or https address")


def known_category(slug: str | None) -> str | None:
    """A category by its slug, or None for none.

    Raises:
        UsageError: there is no such category.
    """
    from aggregator.filters import CATEGORIES

    if slug and slug not in CATEGORIES:
        raise UsageError(f"no category {slug!r}; there are {', '.join(CATEGORIES)}")
    return slug or None


def known_region(word: str | None) -> str | None:
    """The code of a region by code or name, or None where it is not known."""
    from aggregator import divisions

    found = divisions.resolve(word, prior=None, on=None) if word else None
    return found.code if found else None


def region_code(word: str | None) -> str | None:
    """The code of a region that an operator names.

    Raises:
        UsageError: there is none of that name, or several.
    """
    code = known_region(word)
    if word and code is None:
        raise UsageError(f"no division or zone {word!r}; name it in full (重庆市江津区) or by code")
    return code
