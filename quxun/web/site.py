"""What every route needs: the parts, the templates, and pages made of both."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from time import monotonic
from urllib.parse import urlencode

import nh3
from fastapi import Response
from jinja2 import Environment
from markupsafe import Markup

import feeds
from aggregator import divisions, filters
from aggregator.alarms import Alarm
from aggregator.errors import UsageError
from aggregator.industries import INDUSTRIES
from aggregator.model import Coverage, Filter, Source, SourceState
from aggregator.wiring import Parts
from quxun.web import words
from quxun.web.feedshelf import FeedShelf, feed_path
from quxun.web.kept import Kept

STATIC = Path(__file__).parent / "static"
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-src 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
#: The one page whose copy buttons need a script of ours.
SCRIPT_POLICY = f"{PAGE_POLICY}; script-src 'self'"
KEPT_BYTES = 32_000_000
#: Sources and coverage change slowly: pages look again after so many seconds.
SOURCES_SECONDS = 5.0
STATS_SECONDS = 60.0
_TAGS = {
    "a", "b", "blockquote", "br", "caption", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
    "i", "li", "ol", "p", "pre", "section", "span", "strong", "sub", "sup", "table", "tbody", "td",
    "tfoot", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLink:
    """A feed that a page's head leads to."""

    media_type: str
    title: str
    href: str


@dataclass(slots=False, kw_only=True)
class Site:
    """The parts of one web process and what its pages share.

    ``patience`` is how many seconds a look at the store may be old: hot requests never
    reach PostgreSQL.
    """

    parts: Parts
    patience: float = 1.0
    _stats: tuple[float, Mapping[str, int]] | None = field(default=None, init=False)
    _alarms: tuple[float, tuple[Alarm, ...]] | None = field(default=None, init=False)
    _sources: tuple[float, tuple[Source, ...], Coverage, datetime] | None = field(
        default=None, init=False
    )

    @cached_property
    def shelf(self) -> FeedShelf:
        """The rendered feeds of this process."""
        return FeedShelf(self.parts, patience=self.patience)

    @cached_property
    def kept(self) -> Kept:
        """Lists and pages of this process that change seldom."""
        return Kept(patience=self.patience, most_bytes=KEPT_BYTES, now=self.parts.now)

    @cached_property
    def env(self) -> Environment:
        """The shared environment with the words of our pages."""
        env = self.parts.templates_or_fail().overlay()
        env.filters = {
            **env.filters,
            "day": words.day,
            "long_day": words.long_day,
            "moment": words.moment,
            "local": words.local,
            "money": words.money,
            "amount": words.amount,
            "chief_amount": filters.chief_amount,
            "describe": filters.describe,
            "region_title": feeds.region_title,
            "spoken": spoken_region,
            "sanitised": sanitised,
        }
        env.globals = {
            **env.globals,
            "KINDS": filters.KINDS,
            "CATEGORIES": filters.CATEGORIES,
            "AUTHORITIES": filters.AUTHORITIES,
            "INDUSTRIES": INDUSTRIES,
            "INDUSTRY_NAMES": {slug: one.zh for slug, one in INDUSTRIES.items()},
            "HEALTH": words.HEALTH,
            "STATES": words.STATES,
            "FREQUENCIES": words.FREQUENCIES,
            "ENDINGS": words.ENDINGS,
            "WHYS": words.WHYS,
            "NOVELTIES": words.NOVELTIES,
            "FLAGS": words.FLAGS,
            "RELATIONS": words.RELATIONS,
            "FIELDS": words.CHANGED_FIELDS,
            "WEEKDAYS": words.WEEKDAYS,
            "contact": self.parts.settings.contact,
            "public_url": self.parts.settings.public_url,
            "demo": self.parts.settings.demo,
            "style_url": _static("quxun.css"),
            "embed_style_url": _static("embed.css"),
            "script_url": _static("copy.js"),
            "deadline": lambda until: words.deadline(until, self.parts.now()),
            "days_left": lambda until: words.days_left(until, self.parts.now()),
            "ago": lambda at: words.ago(at, self.parts.now()),
            "redesigned": lambda change: words.redesigned(change, self.parts.now()),
            "posted": words.posted,
            "query_of": query_of,
            "feed_path": feed_path,
            "list_path": feeds.list_path,
            "discovery": self.discovery,
        }
        return env

    def page(
        self, template: str, *, status: int = 200, private: bool = False, **values: object
    ) -> Response:
        """A page; a private one (its address is a secret) is neither kept nor referred to."""
        html = self.html(template, **values)
        headers = {
            "Cache-Control": "no-store" if private else "no-cache",
            "Content-Security-Policy": PAGE_POLICY,
            "X-Frame-Options": "DENY",
        }
        if private:
            headers["Referrer-Policy"] = "no-referrer"
            headers["X-Robots-Tag"] = "noindex, nofollow"
        return Response(html, status, headers, "text/html; charset=utf-8")

    def html(self, template: str, **values: object) -> bytes:
        """The bytes of a page."""
        page = self.env.get_template(f"web/{template}").render(**values)
        return page.encode(errors="replace")

    def message(
        self,
        title: str,
        line: str,
        *,
        status: int = 200,
        private: bool = False,
        links: Sequence[tuple[str, str]] = (),
    ) -> Response:
        """A page that says one thing, perhaps with addresses and names of what may be meant."""
        return self.page(
            "message.html", status=status, private=private, title=title, line=line, links=links
        )

    def discovery(self, shown: Sequence[Filter]) -> list[FeedLink]:
        """Links to the feeds of what a page shows; a page that shows no notices leads to all."""
        public_url = self.parts.settings.public_url
        return [
            FeedLink(
                media_type=feeds.MEDIA_TYPES[form],
                title=f"区讯 · {filters.describe(wanted)} ({label})",
                href=public_url + feed_path(wanted, form),
            )
            for wanted in dict.fromkeys(shown or (Filter(),))
            for form, label in (("atom", "Atom"), ("rss", "RSS"), ("json", "JSON Feed"))
        ]

    def sources(self) -> tuple[Source, ...]:
        """All sources, a few seconds old at most."""
        return self._look()[0]

    def coverage(self) -> Coverage:
        """How well the sources are watched, a few seconds old at most."""
        return self._look()[1]

    def stats(self) -> Mapping[str, int]:
        """What the store holds, a minute old at most: counting a million rows takes a while."""
        at = monotonic()
        if self._stats is None or at - self._stats[0] > self.patience * STATS_SECONDS:
            self._stats = (at, self.parts.system.stats())
        return self._stats[1]

    def alarms(self) -> tuple[Alarm, ...]:
        """Open alarms, a few seconds old at most; how many is for all, what they say is not."""
        at = monotonic()
        if self._alarms is None or at - self._alarms[0] > min(self.patience, 1) * SOURCES_SECONDS:
            self._alarms = (at, tuple(self.parts.alarms.open_alarms()))
        return self._alarms[1]

    def watched_regions(self) -> list[tuple[str, str]]:
        """Codes and full names of the regions of our sources, and of what contains them."""
        return watched_regions(self.sources())

    def listed_at(self) -> datetime:
        """When a source was last added: what is listed has not changed since, but for removals."""
        return self._look()[2]

    def _look(self) -> tuple[tuple[Source, ...], Coverage, datetime]:
        at = monotonic()
        if self._sources is None or at - self._sources[0] > min(self.patience, 1) * SOURCES_SECONDS:
            store = self.parts.sources
            self._sources = (at, tuple(store.list()), store.coverage(), store.listed_at())
        return self._sources[1:]


def watched_regions(sources: Sequence[Source]) -> list[tuple[str, str]]:
    """Codes and full names of the regions of some sources, by code."""
    codes = {
        code
        for one in sources
        if one.region and one.state is not SourceState.UNTESTED
        for code in divisions.roll(one.region)
    }
    return [(code, feeds.region_title(code) or code) for code in sorted(codes)]


@lru_cache(maxsize=10_000)
def spoken_region(code: str) -> str:
    """A region as a person would type it, where that leads back to the same region."""
    found = divisions.get(code)
    for name in (feeds.region_title(code), found.name if found else ""):
        back = divisions.resolve(name, prior=None, on=None) if name else None
        if back and back.code == code:
            return name
    return code


def form_values(
    typed: Iterable[tuple[str, str]], wanted: Filter, problem: str | None
) -> dict[str, list[str]]:
    """What the filter's form shows: as typed when it was wrong, else as understood."""
    pairs = typed if problem else filters.pairs_of(wanted)
    shown: dict[str, list[str]] = {field: [] for field in filters.FIELDS}
    for name, value in pairs:
        if name in shown:
            shown[name].append(_spoken(name, value))
    return shown


def _spoken(name: str, value: str) -> str:
    """A value as a person would type it, where that leads back to the same."""
    if name == "region":
        return spoken_region(value)
    if name == "amount_min" and (yuan := _yuan(value)) is not None:
        said = filters.money(yuan)
        return said if _yuan(said) == yuan else value
    return value


def _yuan(value: str) -> float | None:
    try:
        return filters.parse_filter([("amount_min", value)]).amount_min
    except UsageError:
        return None


def query_of(wanted: Filter, **extra: object) -> str:
    """The filter as the query of a link, with what else the link needs (``page=2``)."""
    pairs = [*filters.pairs_of(wanted), *((k, str(v)) for k, v in extra.items() if v)]
    return f"?{urlencode(pairs)}" if pairs else ""


def sanitised(html: str) -> Markup:
    """Stored markup made safe once more, whatever an older extraction let through.

    The one place where our pages print what strangers wrote as HTML.
    """
    safe = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(safe)  # noqa: S704  # nh3 has just cleaned it


def _static(name: str) -> str:
    """The address of a file of ours, which changes with its bytes."""
    return f"/static/{name}?v={_digest(STATIC / name)}"


def _digest(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=6).hexdigest()
