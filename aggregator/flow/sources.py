"""Finding out what an address is before it is stored as a source."""

from __future__ import annotations

from datetime import datetime
from ipaddress import ip_network
from urllib.parse import urlsplit

from aggregator import divisions
from aggregator.errors import FetchError, UsageError
from aggregator.flow.requests import under_rules
from aggregator.model import (
    ArticleSample,
    Authority,
    ListReading,
    NewSource,
    Page,
    Probe,
    Request,
    Selectors,
    Source,
    SourceId,
    SourceKind,
    SourceSettings,
    Unchanged,
)
from aggregator.ports import Fetcher, Reader
from aggregator.schedule import SHANGHAI

#: Rows shown to an operator.
SAMPLE = 5
#: A site code begins with the division's code (国办发〔2017〕47号, SiteIDCode).
_CODE_DIGITS = 6


async def probe(
    url: str,
    *,
    fetch: Fetcher,
    reader: Reader,
    now: datetime,
    kind: SourceKind | None = None,
    settings: SourceSettings | None = None,
) -> Probe:
    """Fetch an address, find out what kind of source it is and read it once.

    A list whose rows stand behind a proxy (jpage, jpaas, a column's JSON) is followed to
    its first rows. Selectors are tried: those for rows make it a column, those for articles
    are tried on the first one. Nothing is stored.

    Raises:
        SourceError: when it cannot be fetched or read at all, in words to act on.
    """
    own = settings or SourceSettings()
    request = under_rules(Request(url=url), own, url=url)
    robots = await fetch.robots_verdict(request)
    answer = await fetch.get(request)
    page = _as_page(answer)
    if kind is None and own.selectors.rows:
        kind = SourceKind.COLUMN
    if kind is None:
        kind, reading = await reader.detect(page, now=now)
    else:
        reading = await reader.read_list(page, source=_draft_source(url, kind, own), now=now)
    draft = _draft_source(url, kind, own)
    first = reading
    if not reading.entries and reading.next:
        followed = await fetch.get(under_rules(reading.next, own, url=url))
        reading = await reader.read_list(_as_page(followed), source=draft, now=now)
    return Probe(
        url=url,
        final_url=page.url,
        status=page.status,
        kind=kind,
        charset=first.charset,
        charset_why=first.charset_why,
        robots=robots,
        rows=len(reading.entries),
        sample=reading.entries[:SAMPLE],
        next_url=reading.next.url if reading.next else None,
        title=first.title,
        region=_region_of(first),
        authority=_authority_of(page.url),
        notes=(*first.notes, *(reading.notes if reading is not first else ())),
        learned=first.learned,
        missed=reading.missed,
        article=await _first_article(draft, reading, fetch=fetch, reader=reader, now=now),
    )


async def _first_article(
    source: Source, reading: ListReading, *, fetch: Fetcher, reader: Reader, now: datetime
) -> ArticleSample | None:
    """What the first article says, when selectors for articles are to be tried."""
    told = source.settings.selectors
    asked = told.body or told.article_title or told.article_date or told.article_source
    entry = next((one for one in reading.entries if one.url and not one.pinned), None)
    if not asked or entry is None:
        return None
    page = _as_page(
        await fetch.get(under_rules(Request(url=entry.url or ""), source.settings, url=source.url))
    )
    article, draft = await reader.read_article(page, source=source, entry=entry, now=now)
    return ArticleSample(
        url=article.url,
        title=draft.title,
        date=draft.posted_at.astimezone(SHANGHAI).date().isoformat() if draft.posted_at else None,
        source=draft.source_label,
        characters=len(draft.body_text),
        missed=article.missed,
    )


def source_from(
    probed: Probe,
    *,
    name: str | None = None,
    region: str | None = None,
    authority: Authority | None = None,
    settings: SourceSettings | None = None,
) -> NewSource:
    """The source that a probe would make; what the operator says wins over what was seen."""
    return NewSource(
        name=name or probed.title or urlsplit(probed.final_url).hostname or probed.url,
        kind=probed.kind,
        url=probed.url,
        region=region or probed.region,
        authority=authority or probed.authority,
        settings=settings or SourceSettings(),
        learned=probed.learned,
    )


def misses(probed: Probe, selectors: Selectors) -> str | None:
    """In one line, the selectors that name nothing on what was tested; None when all do.

    A ``next`` page is no must: a list of one page has none.
    """
    lines = []
    for missed, url in (
        (probed.missed, probed.final_url),
        (probed.article.missed if probed.article else (), probed.article and probed.article.url),
    ):
        if missed:
            names = ", ".join(f"{name} = {getattr(selectors, name)!r}" for name in missed)
            lines.append(f"{names} at {url}")
    if not lines:
        return None
    return f"nothing is named by {'; '.join(lines)}; read unaided: {probed.rows} rows"


def own_networks(url: str) -> tuple[str, ...]:
    """The one literal address of a URL as a network of its own: what ``--allow-private`` exempts.

    A name is not exempted: what it leads to may change.

    Raises:
        UsageError: when the host is a name.
    """
    host = (urlsplit(url).hostname or "").strip("[]")
    try:
        return (str(ip_network(host)),)
    except ValueError as error:
        raise UsageError(
            f"--allow-private exempts one literal address; {host!r} is a name: set QUXUN_ALLOW_NETS"
        ) from error


def _draft_source(url: str, kind: SourceKind, settings: SourceSettings) -> Source:
    return Source(id=SourceId(0), slug="", name="", kind=kind, url=url, settings=settings)


def _as_page(answer: Page | Unchanged) -> Page:
    if isinstance(answer, Unchanged):
        raise FetchError(
            f"{answer.url} answered 304 to a request without validators; try again later",
            reason="protocol",
            url=answer.url,
            status=304,
        )
    return answer


def _region_of(reading: ListReading) -> str | None:
    """A hint at the region: the names on the page, else the site code's first six digits."""
    for text in (reading.site_name, reading.title):
        found = divisions.resolve(text, prior=None, on=None) if text else None
        if found:
            return found.code
    code = (reading.site_code or "")[:_CODE_DIGITS]
    if len(code) == _CODE_DIGITS and divisions.get(code):
        return code
    return None


def _authority_of(url: str) -> Authority:
    """Official only under gov.cn; whoever knows better says so when adding the source."""
    host = (urlsplit(url).hostname or "").lower()
    return Authority.OFFICIAL if host.endswith(".gov.cn") else Authority.COMMERCIAL
