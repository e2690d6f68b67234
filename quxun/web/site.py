"""What every route needs: the parts, the templates, and pages made of both."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
from aggregator.model import Coverage, Filter, Source, SourceState
from aggregator.wiring import Parts
from quxun.web import words
from quxun.web.feedshelf import FeedShelf, feed_path

STATIC = Path(__file__).parent / "static"
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-src 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
#: Sources and coverage change slowly: pages look again after so many seconds.
SOURCES_SECONDS = 5.0
STATS_SECONDS = 60.0
_TAGS = {
    "a", "b", "blockquote", "br", "caption", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
    "i", "li", "ol", "p", "pre", "section", "span", "strong", "sub", "sup", "table", "tbody", "td",
    "tfoot", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}


@dataclass(slots=False, kw_only=True)
class Site:
    """The parts of one web process and what its pages share.

    ``patience`` is how many seconds a look at the store may be old: hot requests never
    reach PostgreSQL.
    """

    parts: Parts
    patience: float = 1.0
    _stats: tuple[float, Mapping[str, int]] | None = field(default=None, init=False)
    _sources: tuple[float, tuple[Source, ...], Coverage] | None = field(default=None, init=False)

    @cached_property
    def shelf(self) -> FeedShelf:
        """The rendered feeds of this process."""
        return FeedShelf(self.parts, patience=self.patience)

    @cached_property
    def env(self) -> Environment:
        """The shared environment with the words of our pages."""
        env = self.parts.templates_or_fail().overlay()
        env.filters = {
            **env.filters,
            "day": words.day,
            "long_day": words.long_day,
            "moment": words.moment,
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
            "HEALTH": words.HEALTH,
            "STATES": words.STATES,
            "FREQUENCIES": words.FREQUENCIES,
            "NOVELTIES": words.NOVELTIES,
            "FLAGS": words.FLAGS,
            "RELATIONS": words.RELATIONS,
            "FIELDS": words.CHANGED_FIELDS,
            "WEEKDAYS": words.WEEKDAYS,
            "contact": self.parts.settings.contact,
            "public_url": self.parts.settings.public_url,
            "demo": self.parts.settings.demo,
            "style_url": f"/static/quxun.css?v={_digest(STATIC / 'quxun.css')}",
            "deadline": lambda until: words.deadline(until, self.parts.now()),
            "days_left": lambda until: words.days_left(until, self.parts.now()),
            "ago": lambda at: words.ago(at, self.parts.now()),
            "redesigned": lambda change: words.redesigned(change, self.parts.now()),
            "posted": words.posted,
            "query_of": query_of,
            "feed_path": feed_path,
        }
        return env

    def page(
        self, template: str, *, status: int = 200, private: bool = False, **values: object
    ) -> Response:
        """A page; a private one (its address is a secret) is neither kept nor referred to."""
        html = self.env.get_template(f"web/{template}").render(**values)
        headers = {
            "Cache-Control": "no-store" if private else "no-cache",
            "Content-Security-Policy": PAGE_POLICY,
        }
        if private:
            headers["Referrer-Policy"] = "no-referrer"
            headers["X-Robots-Tag"] = "noindex, nofollow"
        return Response(html.encode(errors="replace"), status, headers, "text/html; charset=utf-8")

    def message(
        self, title: str, line: str, *, status: int = 200, private: bool = False
    ) -> Response:
        """A page that says one thing."""
        return self.page("message.html", status=status, private=private, title=title, line=line)

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

    def watched_regions(self) -> list[tuple[str, str]]:
        """Codes and full names of the regions of our sources, and of what contains them."""
        return watched_regions(self.sources())

    def _look(self) -> tuple[tuple[Source, ...], Coverage]:
        at = monotonic()
        if self._sources is None or at - self._sources[0] > min(self.patience, 1) * SOURCES_SECONDS:
            store = self.parts.sources
            self._sources = (at, tuple(store.list()), store.coverage())
        return self._sources[1], self._sources[2]


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


def _digest(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=6).hexdigest()
