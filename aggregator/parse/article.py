"""An article page: what it says, before anything is decided about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from aggregator.dates import date_from_url
from aggregator.errors import ParseError
from aggregator.model import Article, ArticleShape, Attachment
from aggregator.parse.body import Found, beside, find_body, seed_of, stands_outside
from aggregator.parse.decode import decode
from aggregator.parse.frame import aside_of
from aggregator.parse.header import (
    Said,
    bar_of,
    breadcrumbs_of,
    date_in_scripts,
    date_of,
    fields_of,
    source_of,
)
from aggregator.parse.prescan import MAX_BYTES
from aggregator.parse.refusals import refuse_files, refuse_no_text, refuse_soft_failures
from aggregator.parse.survey import Survey, survey, way_of
from aggregator.parse.title import site_of, title_of
from aggregator.parse.told import told_one
from aggregator.parse.tree import (
    Document,
    Element,
    ancestors,
    document,
    line_of,
    paragraphs,
    read_tree,
    unescape,
)
from aggregator.parse.trim import cut_outside, html_of, tidy_body
from aggregator.parse.walk import is_hidden_zone
from aggregator.text import clean, one_line, shorten
from aggregator.urls import absolute, path_of

_TYPES = {
    "pdf": "application/pdf",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "wps": "application/vnd.ms-works",
    "et": "application/vnd.ms-excel",
    "ofd": "application/ofd",
    "zip": "application/zip",
    "rar": "application/vnd.rar",
    "7z": "application/x-7z-compressed",
    "txt": "text/plain",
    "csv": "text/csv",
}
_FILE = re.compile(rf"\.({'|'.join(_TYPES)})(?=$|[?#&\s)）】\]])", re.IGNORECASE)
_HANDED = re.compile(r"download|attach|/fileupload|filedown|getfile", re.IGNORECASE)
_MAYBE = re.compile(f"{_FILE.pattern}|{_HANDED.pattern}", re.IGNORECASE)
#: Bounded, since a tag may never end: the search stays linear.
_FIELD = re.compile(r"<textarea\b[^>]{0,1000}>", re.IGNORECASE)
_FRAME = re.compile(
    r"<(?:iframe|embed|object)\b[^<>]{0,1000}?\b(?:src|data)\s?=\s?[\"']?([^\"'\s<>]{1,2000})",
    re.IGNORECASE,
)
_FOLLOWS = re.compile(r"(?:附件|下载)\s*[:：]\s*$")
_VIEWED = re.compile(r"[?&#](?:file|url|src)=([^&#]+)", re.IGNORECASE)
_NOBODY = re.compile(r"^(?:网站|站点|内容来源|信息来源|来源|本站|本网|原创)(?:名称)?$")
#: What an address of another page ends with, which a file's does not.
_PAGE = re.compile(r"(?:\.s?html?|/)$", re.IGNORECASE)
_BULLETS = re.compile(r"^[\s·•●■◆▪►▶>»]+(?=\S)")
_LONGEST_TITLE = 500
_MAX_FILES = 100
#: A body shorter than this does not tell where the next one stands.
_TELLING = 200


def read_article(
    body: bytes,
    *,
    url: str,
    content_type: str | None,
    now: datetime,
    selector: str | None,
    learned: ArticleShape | None,
) -> Article:
    """Read an article page.

    Args:
        body: as fetched.
        url: its final address.
        content_type: the header as sent.
        now: for nothing but symmetry; an article's dates stay as printed.
        selector: CSS for the body, from an operator; wins.
        learned: the shape of an earlier article of the source (``Article.shape``), tried first
            and dropped where it does not fit; the answer says which shape read the page.

    Raises:
        ParseError: no page (a file, nothing, a barrier, a soft 404) or one made to hurt.
    """
    del now
    if len(body) > MAX_BYTES:
        raise ParseError(f"{url}: {len(body):,} bytes are too many", reason="too_large", url=url)
    refuse_files(body, url=url)
    decoded = decode(body, content_type=content_type)
    refuse_no_text(body, decoded, url=url)
    if not decoded.text.strip():
        raise ParseError(f"{url} answered with nothing", reason="empty", url=url)
    page = document(decoded.text, url=url)
    refuse_soft_failures(page, url=url)
    base = absolute(page.base, url) or url
    look = _looked(page, decoded.text, selector=selector, learned=learned)
    seen, title, titles = look.seen, look.title, look.titles
    container, first, last = look.found.container, look.found.first, look.found.last
    attachments = _attachments(page, container, base, url)
    files = beside(seen, container, first, last) if look.ours else []
    notes = look.notes
    printed = look.dated.text.strip() if look.dated.text else None
    if printed is None and "pubdate" not in page.meta:
        printed = date_in_scripts(page.scripts)
    if printed is None and (day := date_from_url(url)):
        printed = day.isoformat()
        notes = (*notes, "no printed date; taken from the address")
    made = look.made
    if look.ours:
        cut_outside(seen, container, first, last)
    kept = learned is not None and made is not None and learned.agrees(made)
    again = stands_outside(seen, titles, first, last)
    if look.ours:
        lines = tidy_body(container, seen, title=title, again=again, first=first, last=last)
    else:
        lines = tidy_body(container, survey(container), title=title, again=again)
    for block in files:
        lines.extend(line for line in paragraphs(block) if line not in lines)
        container.append(deepcopy(block))
    return Article(
        url=url,
        title=title,
        body_html=clean(html_of(container)),
        body_text="\n".join(lines),
        date_text=printed,
        source_text=look.source.text
        or look.fields.get("发文机关")
        or _named(page.meta.get("contentsource")),
        fields=look.fields,
        meta=page.meta,
        attachments=attachments,
        breadcrumbs=look.crumbs,
        site=site_of(page),
        charset=decoded.charset,
        learned_body=made.body if made else None,
        shape=learned if kept else made,
        shape_kept=kept,
        notes=notes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What a look at a page found, before anything is cut; ``made`` is the shape it saw.

    ``ours`` says that the container stands in the page, not in a form field of it.
    """

    seen: Survey
    crumbs: tuple[str, ...]
    fields: dict[str, str]
    title: str
    titles: list[int]
    found: Found
    ours: bool
    dated: Said
    source: Said
    made: ArticleShape | None
    notes: tuple[str, ...]


def _looked(
    page: Document, markup: str, *, selector: str | None, learned: ArticleShape | None
) -> _Look:
    """Look at what the shape leads to; where that is not as the shape says, at all of the page."""
    aside = aside_of(page.root, learned) if learned and not selector else None
    if aside:
        look = _look(page, markup, selector=None, learned=learned, aside=aside)
        if look is not None:
            return look
    look = _look(page, markup, selector=selector, learned=learned, aside=set())
    assert look is not None  # only a look past something may fail
    return look


def _look(
    page: Document,
    markup: str,
    *,
    selector: str | None,
    learned: ArticleShape | None,
    aside: set[Element],
) -> _Look | None:
    seen = survey(page.root, aside)
    crumbs = breadcrumbs_of(page, seen)
    seed = seed_of(seen)
    if aside and (seed is None or seen.weight(seed) < _TELLING):
        return None
    fields = fields_of(page, seen, seen.spans[seed][0] if seed is not None else len(seen.lines))
    titled = title_of(
        page,
        seen,
        crumbs=crumbs,
        fields=fields,
        seed=seed,
        known=learned.title if learned else None,
    )
    if aside and not titled.known:
        return None
    # A day at a title's end is the title's own here: only rows hang theirs on it.
    title = shorten(_BULLETS.sub("", one_line(titled.text)), _LONGEST_TITLE)
    titles = seen.called(title)
    found, notes = _container(page, seen, markup, seed=seed, titles=titles, selector=selector)
    container = found.container
    ours = container.getroottree().getroot() is page.root
    bar = bar_of(seen, titles=titles, first=found.first, last=found.last)
    dated = date_of(
        bar,
        within=seen.within(container) if ours else (),
        fields=fields,
        sure="成文日期" in fields or "pubdate" in page.meta,
    )
    source = source_of(bar)
    made = None
    if ours and found.led_by is not None and seen.weight(found.led_by) >= _TELLING:
        made = ArticleShape(
            title=_way(titled.node),
            date=_way(dated.line.node if dated.line else None),
            source=_way(source.line.node if source.line else None),
            body=_way(found.led_by),
        )
    if aside and (made is None or not _is_as_told(made, learned) or _holds(container, aside)):
        return None
    return _Look(
        seen=seen,
        crumbs=crumbs,
        fields=fields,
        title=title,
        titles=titles,
        found=found,
        ours=ours,
        dated=dated,
        source=source,
        made=made,
        notes=notes,
    )


def _is_as_told(made: ArticleShape, learned: ArticleShape | None) -> bool:
    """Whether title and text stand where they should, and a day was found.

    Some notices have a header more, with the day in it; what speaks of a source was looked at.
    """
    return (
        learned is not None
        and (made.title, made.body) == (learned.title, learned.body)
        and made.date is not None
    )


def _holds(container: Element, aside: set[Element]) -> bool:
    """Whether some of what was not looked at stands in a container."""
    holders = {node.getparent() for node in aside}
    return any(
        one is container or container in set(ancestors(one)) for one in holders if one is not None
    )


def _way(node: Element | None) -> str | None:
    return way_of(node) if node is not None else None


def _container(
    page: Document,
    seen: Survey,
    markup: str,
    *,
    seed: Element | None,
    titles: list[int],
    selector: str | None,
) -> tuple[Found, tuple[str, ...]]:
    notes: tuple[str, ...] = ()
    if selector:
        told = told_one(markup, selector)
        if told:
            root = read_tree(told)
            container = next(iter(root.iter("body")), root)
            said = set(paragraphs(container))
            at = [i for i, line in enumerate(seen.lines) if line.text in said] or [-1]
            return Found(container, at[0], at[-1] + 1), ()
        notes = (f"the given selector {selector!r} found no body; read unaided",)
    found = find_body(page, seen, seed=seed, titles=titles)
    if sum(line.weight for line in seen.lines[found.first : found.last]) < _TELLING:
        kept = _in_field(markup)
        if kept is not None:
            return Found(kept, found.first, found.first), notes
    return found, notes


def _named(source: str | None) -> str | None:
    """A source that a meta tag names, unless it is what templates write there by themselves."""
    return None if source is None or _NOBODY.match(source) else source


def _in_field(markup: str) -> Element | None:
    """The text that an old system keeps in a form field, for a script to show."""
    at = 0
    while field := _FIELD.search(markup, at):
        at = markup.find("</", field.end())
        if at < 0:
            break
        inner = unescape(markup[field.end() : at])
        if len(inner) > _TELLING and "。" in inner and "<" in inner:
            root = read_tree(inner)
            return next(iter(root.iter("body")), root)
    return None


def _framed(markup: str) -> Iterator[str]:
    """Addresses of files that a page shows in a frame, a viewer's parameter among them."""
    for frame in _FRAME.finditer(markup):
        address = unescape(frame.group(1))
        shown = _VIEWED.search(address)
        address = unquote(shown.group(1)) if shown else address
        if _FILE.search(path_of(address)):
            yield address


def _handed(link: Element) -> str:
    """The address of a link, or the file's name that an editor kept beside a script's."""
    raw = link.get("href") or ""
    kept = link.get("oldsrc") or ""
    return kept if raw.startswith(("javascript:", "#")) and _FILE.search(kept) else raw


def _announced(link: Element) -> bool:
    """Whether what stands before a link says that a file follows."""
    before, above = link.getprevious(), link.getparent()
    text = before.tail if before is not None else above.text if above is not None else None
    return bool(text) and _FOLLOWS.search(text or "") is not None


def _attachments(
    page: Document, container: Element, base: str, page_url: str
) -> tuple[Attachment, ...]:
    """Files that the notice carries: links in its body, and those beside it that name a file."""
    found: dict[str, Attachment] = {}
    inside = set(container.iter("a"))
    for node in (*container.iter("a"), *page.root.iter("a")):
        raw = _handed(node)
        ours = node in inside
        if len(found) >= _MAX_FILES or not raw or not (ours or _MAYBE.search(raw)):
            continue
        raw = unquote(raw)
        text = line_of(node) or one_line(node.get("title") or "")
        kind = _FILE.search(path_of(raw)) or _FILE.search(text) or _FILE.search(raw)
        named = text.startswith(("附件", "【附件")) or "下载" in text or (ours and _announced(node))
        opaque = ours and named and not _PAGE.search(path_of(raw))
        handed = _HANDED.search(raw) and (named or kind)
        if not kind and not handed and not opaque:
            continue
        # A download by script has no address but the page's own.
        href = absolute(_handed(node), base) or (page_url if ours else None)
        if href is None:
            continue
        key = f"{href} {text}" if href == page_url else href
        if key in found:
            continue
        if not ours and any(is_hidden_zone(x) for x in ancestors(node)):
            continue
        name = text or unquote(path_of(href)).rsplit("/", 1)[-1]
        media = _TYPES[kind.group(1).lower()] if kind else "application/octet-stream"
        found[key] = Attachment(name=shorten(clean(name), 200), url=href, media_type=media)
    for address in _framed(page.markup):
        href = absolute(address, base)
        if href is not None and href not in found and len(found) < _MAX_FILES:
            name = unquote(path_of(href)).rsplit("/", 1)[-1]
            kind = _FILE.search(name)
            media = _TYPES[kind.group(1).lower()] if kind else "application/octet-stream"
            found[href] = Attachment(name=shorten(clean(name), 200), url=href, media_type=media)
    return tuple(found.values())
