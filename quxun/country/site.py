"""From a request to bytes: routing, encoding, validators, a cache of what did not change."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from html import escape
from urllib.parse import parse_qsl, unquote

from quxun.country.chrome import Frame, page
from quxun.country.country import Country
from quxun.country.families import FAMILIES, Ask, Page, Shown
from quxun.country.files import file_bytes, file_mime
from quxun.country.model import Attachment, Column, Habits, Notice, Standing
from quxun.country.truth import origin_of

_CACHE_LIMIT = 8192
_REASONS = {
    200: "OK", 301: "Moved Permanently", 302: "Found", 304: "Not Modified", 400: "Bad Request", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 412: "Precondition Failed", 413: "Too Large",
    429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable",
    521: "Web Server Is Down",
}  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Answer:
    """A finished answer; heads end with the blank line and lack only ``Connection``.

    ``fresh`` is what it depends on: (column key, version) or (-1 - standing id, its edits); None
    is never kept.
    """

    status: int
    body: bytes
    head: bytes
    zipped: bytes | None = None
    zipped_head: bytes = b""
    not_modified: bytes = b""
    etag: str = ""
    last_modified: str = ""
    fresh: tuple[int, int] | None = None
    headers: list[str] = field(default_factory=list)


class _Emptied:
    """The country with nothing in its lists, for the fault ``empty``."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def standings(self, column: Column) -> Sequence[Standing]:
        del column
        return ()

    def shown(self, column: Column, standing: Standing) -> Shown:
        return self._site.shown(column, standing)

    def notice(self, standing: Standing) -> Notice:
        return self._site.notice(standing)

    def neighbours(self, column: Column) -> Sequence[Shown]:
        return self._site.neighbours(column)

    def frame(self, column: Column) -> Frame:
        return self._site.frame(column)

    def origin(self, host: str) -> str:
        return self._site.origin(host)


class Site:
    """All portals of a country as served at one port; the ``View`` of the families."""

    def __init__(self, country: Country, port: int) -> None:
        self.country = country
        self.port = port
        self.standings = country.standings
        self.shown = country.shown
        self.notice = country.notice
        self.neighbours = country.neighbours
        self.frame = country.frame
        self._cache: dict[tuple[str, str, bytes], Answer] = {}
        self._files: dict[tuple[str, str], tuple[Attachment, int]] = {}

    def origin(self, host: str) -> str:
        """Where a portal is served."""
        return origin_of(host, self.port)

    def cached(self, host: str, target: str, form: bytes = b"") -> Answer | None:
        """The answer given before, if nothing it depends on has changed."""
        answer = self._cache.get((host, target, form))
        if answer is None:
            return None
        if answer.fresh is None:
            return None
        key, version = answer.fresh
        if key >= 0:
            current = self.country.column_version(key)
        else:
            current = self.country.standing_edits(-1 - key)
        return answer if current == version else None

    def answer(self, host: str, method: str, target: str, form: bytes = b"") -> Answer:
        """The answer to a GET, HEAD or POST, from the cache where it still holds."""
        found = self.cached(host, target, form)
        if found is None:
            found = self._make(host, method, target, form)
            if found.fresh is not None:
                if len(self._cache) >= _CACHE_LIMIT:
                    self._cache.clear()
                self._cache[host, target, form] = found
        return found

    def emptied(self, host: str, target: str, form: bytes) -> Answer:
        """The same list with no rows (an article stays as it is)."""
        ask = _ask("GET", target, form)
        for column in self.country.portal(host).columns:
            made = FAMILIES[column.family].answer(_Emptied(self), column, ask)
            if made is not None:
                return self._finish(host, made, None, None)
        return self.answer(host, "GET", target, form)

    def plain(self, host: str, status: int, html: str, headers: Sequence[str] = ()) -> Answer:
        """A page outside of all families: errors, shields, notices."""
        return self._finish(host, Page(text=html, status=status), None, None, extra=headers)

    def warm(self) -> int:
        """Render the first page of every column that changed; returns how many that were."""
        count = 0
        for column in self.country.columns:
            if self.cached(column.host, column.path) is None:
                self.answer(column.host, "GET", column.path)
                count += 1
        return count

    def _make(self, host: str, method: str, target: str, form: bytes) -> Answer:
        ask = _ask(method, target, form)
        portal = self.country.portal(host)
        if (host, target) in self._files:
            return self._file(host, target)
        standing = self.country.article_at(host, ask.path)
        if standing is not None:
            column = self.country.columns[standing.column_key]
            family = FAMILIES[column.family]
            files = family.files(self, column, self.notice(standing), standing)
            for order, (file, _) in enumerate(files):
                path = family.attachment_path(column, standing, order, file)
                self._files[host, path] = (file, standing.id * 10 + order)
            made = family.article(self, column, standing)
            edits = self.country.standing_edits(standing.id)
            return self._finish(host, made, standing.changed_at, (-1 - standing.id, edits))
        for column in portal.columns:
            made_list = FAMILIES[column.family].answer(self, column, ask)
            if made_list is not None:
                version, changed_at = self.country.stamp(column)
                return self._finish(host, made_list, changed_at, (column.key, version))
        if ask.path == "/":
            return self._finish(host, self._home(host), None, None)
        if ask.path == "/robots.txt" and portal.index % 3 == 0:
            text = "User-agent: *\nDisallow: /search\nDisallow: /admin/\n"
            return self._finish(host, Page(text=text, mime="text/plain"), None, None)
        return self._missing(host, target)

    def _missing(self, host: str, target: str) -> Answer:
        """A list that moved leads on; all else that is not here is 404."""
        if leads_to := self.country.forwarded(host, target):
            moved = Page(text="<p>301</p>", status=301)
            return self._finish(host, moved, None, None, [f"Location: {leads_to}"])
        frame = self.frame(self.country.portal(host).columns[0])
        gone = "<div class='err'><h2>404</h2><p>您访问的页面不存在或已删除。</p><a href='/'>返回首页</a></div>"
        return self._finish(
            host, Page(text=page(frame, title="404", main=gone), status=404), None, None
        )

    def _file(self, host: str, target: str) -> Answer:
        file, number = self._files[host, target]
        raw = file_bytes(file.suffix, number)
        made = Page(text="", mime=file_mime(file.suffix), raw=raw)
        return self._finish(host, made, None, None)

    def _home(self, host: str) -> Page:
        """The front page: a few latest titles of every column that is a page."""
        portal = self.country.portal(host)
        frame = self.frame(portal.columns[0])
        feeds = ""
        boxes = []
        for column in portal.columns:
            if FAMILIES[column.family].kind == "feed":
                mime = "atom" if column.family == "atom" else "rss"
                feeds += (
                    f'<link rel="alternate" type="application/{mime}+xml" '
                    f'title="{column.name}" href="{column.path}">'
                )
            items = "".join(
                f'<li><a href="{escape(shown.path)}">{escape(shown.title, quote=False)}</a></li>'
                for shown in self.neighbours(column)[:5]
            )
            boxes.append(
                f'<div class="box"><h3><a href="{escape(column.path)}">{column.name}</a></h3>'
                f"<ul>{items}</ul></div>"
            )
        return Page(text=page(frame, title=portal.name, main="".join(boxes), head=feeds))

    def _finish(
        self, host: str, made: Page, changed_at: datetime | None, fresh: tuple[int, int] | None,
        extra: Sequence[str] = (),
    ) -> Answer:  # fmt: skip
        habits = self.country.portal(host).habits
        if made.raw is not None:
            raw, kind = made.raw, made.mime
        else:
            raw = made.text.encode(
                "utf-8" if made.plain_utf8 else habits.charset, "xmlcharrefreplace"
            )
            kind = (
                f"{made.mime};charset=UTF-8" if made.plain_utf8
                else habits.content_type.format(mime=made.mime)
            )  # fmt: skip
        headers = [f"Server: {habits.server}"]
        if kind:
            headers.append(f"Content-Type: {kind}")
        etag = modified = ""
        if changed_at is not None:
            etag = _etag(habits, raw)
            if habits.last_modified:
                modified = format_datetime(changed_at.astimezone(UTC), usegmt=True)
        validators = ([f"ETag: {etag}"] if etag else []) + (
            [f"Last-Modified: {modified}"] if modified else []
        )
        headers += validators + list(extra)
        answer = Answer(
            status=made.status,
            body=raw,
            head=_head(made.status, [*headers, f"Content-Length: {len(raw)}"]),
            etag=etag,
            last_modified=modified,
            fresh=fresh,
            headers=headers,
        )
        if validators:
            answer.not_modified = _head(304, [f"Server: {habits.server}", *validators])
        if habits.gzip and made.raw is None and made.status == 200:  # noqa: PLR2004
            answer.zipped = gzip.compress(raw, 5, mtime=0)
            zipped = [*headers, "Content-Encoding: gzip", "Vary: Accept-Encoding"]
            answer.zipped_head = _head(200, [*zipped, f"Content-Length: {len(answer.zipped)}"])
        return answer


def is_unmodified(answer: Answer, if_none_match: str, if_modified_since: str) -> bool:
    """Whether validators allow a 304 (RFC 9110 §13.1): an ETag decides where one is given."""
    if if_none_match:
        if not answer.etag:
            return False
        given = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
        return "*" in given or answer.etag.removeprefix("W/") in given
    if not if_modified_since or not answer.last_modified:
        return False
    if if_modified_since == answer.last_modified:
        return True
    try:
        since = parsedate_to_datetime(if_modified_since)
    except ValueError:
        return False
    return parsedate_to_datetime(answer.last_modified) <= since


def _etag(habits: Habits, raw: bytes) -> str:
    if not habits.etag:
        return ""
    tag = f'"{zlib.crc32(raw):08x}-{len(raw):x}"'
    return f"W/{tag}" if habits.etag == "weak" else tag


def _head(status: int, headers: Sequence[str]) -> bytes:
    reason = _REASONS.get(status, "Unknown")
    lines = "".join(f"{line}\r\n" for line in headers)
    return f"HTTP/1.1 {status} {reason}\r\n{lines}".encode()


def _ask(method: str, target: str, form: bytes) -> Ask:
    path, _, query = target.partition("?")
    return Ask(
        method=method,
        path=unquote(path),
        query=dict(parse_qsl(query, keep_blank_values=True)),
        form=dict(parse_qsl(form.decode("utf-8", "replace"), keep_blank_values=True)),
    )
