"""From an article and its row to one clean record: pure, and the same every time."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import blake2b

from aggregator import cluster, dates, divisions
from aggregator.model import (
    Article,
    Attachment,
    Authority,
    Category,
    Draft,
    Entry,
    Facts,
    Flag,
    Kind,
    Region,
    Source,
)
from aggregator.normalise import body as bodies
from aggregator.normalise.facts import read_facts
from aggregator.normalise.kinds import read_subject
from aggregator.normalise.numbers import normal_number, registry_number
from aggregator.normalise.origin import (
    Posted,
    posted_when_signed,
    read_issuer,
    read_posted,
    read_signed,
    read_source,
)
from aggregator.text import one_line, shorten, squeeze

#: Rises when the same page would give another record (DESIGN.md, promise 10).
EXTRACTOR = 4
_LONGEST_TITLE = 500
#: A line given for a title is read so far: marks may be peeled off it again and again.
_LONGEST_LINE = 2000
_LITTLE_TEXT = 80
_FILE = re.compile(
    r"\.(pdf|docx?|xlsx?|wps|et|ofd|pptx?|zip|rar|jpe?g|png)(?:[?#]|$)", re.IGNORECASE
)
_TYPES = {
    "pdf": "application/pdf", "doc": "application/msword", "ofd": "application/ofd",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel", "wps": "application/vnd.ms-works", "zip": "application/zip",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png",
}  # fmt: skip
_LEAD = re.compile(
    r"^(?:[·•>＞■◆●★☆▪\-\s]+|\[(?:置顶|热点|图文|NEW|最新|头条)\]|【(?:置顶|热点)】|(?:置顶|NEW!?)\s+)+",
    re.IGNORECASE,
)
_TRAIL = re.compile(
    r"(?<!\s)\s*+[\[(（【]?(?:19|20)\d{2}[-/.年]\d{1,2}[-/.月]\d{1,2}日?[\])）】]?\s*$|(?<!\s)\s++(?:NEW|new)!?$"
)
#: What a page counts of its visitors is no part of what it says.
_COUNTER = re.compile(
    r"(?:浏览|阅读|点击|访问|查看)(?:次数|人数|量|数|率)?[:：]?\d+次?|(?:浏览|阅读|点击|访问)(?:次数|量)[:：]?次?"
)


#: Who comes on a visit, up to where the title says so.
_VISIT = re.compile(r"(.{2,40}?)(?:一行|考察团|代表团|调研组|参访团).{0,8}?(?:到|来|赴|莅临|走进)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """What a title alone tells; ``open`` are names that several divisions bear, with those."""

    kind: Kind
    categories: tuple[Category, ...]
    regions: tuple[Region, ...]
    open: tuple[tuple[str, tuple[Region, ...]], ...] = ()


def draft(article: Article, *, entry: Entry, source: Source, now: datetime) -> Draft:
    """The record of an article that a source listed."""
    title = article.title or entry.title
    if entry.title and _is_cut(article.title, entry.title):
        title = entry.title
    return _draft(
        replace(article, title=title),
        entry=entry,
        now=now,
        prior=source.region,
        authority=source.authority,
        given=source.settings.category,
    )


def draft_page(article: Article, *, now: datetime) -> Draft:
    """The record of an article page by itself, without a source."""
    host = re.sub(r"^https?://([^/:]+).*$", r"\1", article.url)
    authority = Authority.OFFICIAL if host.endswith(".gov.cn") else Authority.COMMERCIAL
    return _draft(
        article, entry=None, now=now, prior=_site_region(article), authority=authority, given=None
    )


def draft_row(entry: Entry, *, source: Source, now: datetime) -> Draft:
    """The record that a row alone makes: its title, its date, and the file it links to."""
    url = entry.url or source.url
    markup = entry.content_html or ""
    text = (
        bodies.plain(re.sub(r"(?i)<(?:/p|br|/div|/li|/tr)[^>]*>", "\n", markup))
        or entry.summary
        or ""
    )
    found = _FILE.search(entry.url or "")
    kind = _TYPES.get(found.group(1).lower(), "application/octet-stream") if found else ""
    files = (Attachment(name=entry.title, url=url, media_type=kind),) if found else ()
    article = Article(
        url=url,
        title=entry.title,
        body_html=markup or bodies.text_as_markup(bodies.paragraphs(text)),
        body_text=text,
        source_text=entry.author,
        attachments=files,
    )
    made = draft(article, entry=entry, source=source, now=now)
    flags = (*made.flags, *((Flag.ROW_ONLY,) if Flag.ROW_ONLY not in made.flags else ()))
    return replace(made, flags=flags)


def classify_title(title: str, *, site: str | None = None) -> Classified:
    """What a title alone tells, with the portal's name or region as a help."""
    region = divisions.resolve(site, prior=None, on=None) if site else None
    prior = region.code if region else None
    tidy = tidy_title(title)
    subject = read_subject(tidy)
    return Classified(
        kind=subject.kind,
        categories=subject.categories,
        regions=tuple(map(divisions.region, divisions.place(tidy, prior=prior))),
        open=tuple(
            (name, tuple(map(divisions.region, codes)))
            for name, codes in divisions.unsettled(tidy, prior=prior)
        ),
    )


def tidy_title(title: str) -> str:
    """A title without bullets, marks and the date behind it; tidying twice changes nothing."""
    tidy = one_line(title[:_LONGEST_LINE])
    while True:
        once = _TRAIL.sub("", _LEAD.sub("", tidy)).strip()
        if once in {tidy, ""}:
            return shorten(tidy, _LONGEST_TITLE)
        tidy = once


def _draft(
    article: Article,
    *,
    entry: Entry | None,
    now: datetime,
    prior: str | None,
    authority: Authority,
    given: str | None,
) -> Draft:
    title = shorten(_LEAD.sub("", one_line(article.title)), _LONGEST_TITLE) or article.title
    lines, doubled = bodies.drop_doubled(bodies.paragraphs(article.body_text))
    text = "\n".join(lines)
    markup = bodies.drop_doubled_markup(article.body_html, lines) if doubled else article.body_html
    posted = read_posted(article, entry, now)
    signed = read_signed(article, lines, now)
    if posted.at is None:
        posted = posted_when_signed(signed)
    day = posted.at.astimezone(dates.SHANGHAI).date() if posted.at else None
    source_label = read_source(article)
    issuer = read_issuer(article, lines, source_label)
    facts = read_facts(text, posted=day)
    own_number = _own_number(article, title, facts)
    column = " ".join(
        (
            article.meta.get("columntype", ""),
            article.meta.get("columnname", ""),
            *article.breadcrumbs,
        )
    )
    subject = read_subject(title, body=text, column=column, given=given, doc_number=own_number)
    regions, why = _regions(title, issuer, own_number, text, prior=prior, day=day)
    attachments = article.attachments
    flags = _flags(subject.flags, posted, text, article, doubled=doubled)
    valid_from = _validity_day(article, "实施日期", "from", facts, now)
    valid_until = _validity_day(article, "失效日期", "until", facts, now)
    made = Draft(
        title=title,
        url=article.url,
        posted_at=posted.at,
        date_precision=posted.precision,
        date_evidence=posted.evidence,
        signed_on=signed,
        source_label=source_label,
        issuer=issuer,
        doc_number=own_number,
        registry_number=registry_number(article.fields.get("统一编号", "") or text[:400]),
        index_number=article.fields.get("索引号"),
        valid_from=valid_from,
        valid_until=valid_until,
        validity=article.fields.get("有效性"),
        regions=regions,
        region_why=why,
        kind=subject.kind,
        kind_why=subject.kind_why,
        categories=subject.categories,
        authority=authority,
        summary=bodies.summarise(lines, title),
        body_html=bodies.sanitise(markup, article.url),
        body_text=text,
        attachments=attachments,
        facts=facts,
        flags=flags,
        title_key=cluster.title_key(title),
        body_hash=_hash(_COUNTER.sub("", squeeze(text))),
        extractor=EXTRACTOR,
    )
    return replace(made, substance_hash=_substance(made))


def _own_number(article: Article, title: str, facts: Facts) -> str | None:
    """The document's own number: the header's, the title's, or the one at its head."""
    for text in (article.fields.get("文号", ""), title):
        number = normal_number(text)
        if number:
            return number
    return next((fact.value for fact in facts.doc_numbers if fact.role == "own"), None)


def _regions(
    title: str,
    issuer: str | None,
    number: str | None,
    text: str,
    *,
    prior: str | None,
    day: date | None,
) -> tuple[tuple[Region, ...], str]:
    """What a notice is about: what its title names, its issuer or number, else its source's own.

    The source's region is the prior and wins; a text changes it only where it names a
    division below it, or one elsewhere by a name that is clear (DOMAIN.md §12). Who comes on
    a visit is named, too, but the notice is about the place visited.
    """
    visit = _VISIT.match(title)
    rest = title[visit.end(1) :] if visit else ""
    for words, why in (
        (rest, "标题"),
        *(() if visit and prior else ((title, "标题"),)),
        (issuer or "", "发文机关"),
    ):
        codes = divisions.regions_in(words, prior=prior, on=day) if words else ()
        if prior and codes:
            above = set(divisions.roll(prior))
            codes = tuple(code for code in codes if code not in above or code == prior) or (prior,)
        if codes:
            return tuple(divisions.region(code) for code in codes[:5]), why
    if prior:
        return (divisions.region(prior),), "来源"
    code = divisions.issuing(number) if number else None
    if code:
        return (divisions.region(code),), "文号"
    codes = divisions.regions_in(text[:200], on=day)
    return tuple(divisions.region(code) for code in codes[:1]), "正文" if codes else ""


def _site_region(article: Article) -> str | None:
    """A page's own region by its labels, its site's name, or its site's code.

    The code (SiteIDCode) begins with the division in which the site was registered: a hint
    for those whose name tells nothing; ministries have none.
    """
    for words in (article.fields.get("所属地区", ""), article.site or ""):
        found = divisions.resolve(words, prior=None, on=None) if words else None
        if found:
            return found.code
    code = article.meta.get("siteidcode", "")[:6]
    return code if code.isdigit() and divisions.get(code) else None


def _flags(
    given: tuple[Flag, ...], posted: Posted, text: str, article: Article, *, doubled: bool
) -> tuple[Flag, ...]:
    flags = list(given)
    little = len(squeeze(text)) < _LITTLE_TEXT
    if little and article.attachments:
        flags.append(Flag.ATTACHMENT_ONLY)
    if "<table" in article.body_html.lower() and _mostly_table(article.body_html):
        flags.append(Flag.TABLE_ONLY)
    if doubled:
        flags.append(Flag.BODY_DOUBLED)
    if posted.guessed and posted.at:
        flags.append(Flag.DATE_GUESSED)
    if re.search(
        r"\d+\s*个[^。；]{0,12}项目[^。；]{0,20}(?:总投资|协议引资)",
        f"{article.title}。{text[:400]}",
    ):
        flags.append(Flag.AGGREGATE)
    return tuple(dict.fromkeys(flags))


def _mostly_table(markup: str) -> bool:
    outside = re.sub(r"(?is)<table\b.*?</table\s*>", "", markup)
    return len(squeeze(bodies.plain(outside))) < _LITTLE_TEXT


def _validity_day(
    article: Article, label: str, role: str, facts: Facts, now: datetime
) -> date | None:
    """A day of validity: where the page prints it, that one; else the text's."""
    printed = article.fields.get(label)
    read = dates.read_date(printed, now=now) if printed else None
    if read:
        return read.day
    found = next((fact.value for fact in facts.validity if fact.role == role), None)
    return date.fromisoformat(found) if found else None


#: A name of an authority alone: a signature or a letterhead, and no title.
_SPEAKER = re.compile(r"(?:人民政府|办公室|办公厅|委员会|管委会|局|厅)$")


def _is_cut(title: str, row_title: str) -> bool:
    """Whether the page's title is the row's, cut short with an ellipsis, or after who speaks."""
    stem = title.rstrip(" .…")
    begins = len(row_title) > len(stem) and row_title.startswith(stem)
    return begins and (title != stem or bool(_SPEAKER.search(stem)))


def _substance(made: Draft) -> str:
    """What a reader would call a change: title, text, attachments, figures, validity."""
    facts = made.facts
    parts = (
        squeeze(made.title),
        made.body_hash,
        "|".join(sorted(f"{one.name} {one.url}" for one in made.attachments)),
        "|".join(str(one.value) for one in facts.deadlines),
        "|".join(f"{one.yuan}{one.basis}" for one in facts.amounts),
        f"{made.valid_from} {made.valid_until} {made.validity}",
    )
    return _hash("\x1f".join(parts))


def _hash(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
