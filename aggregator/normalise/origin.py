"""When a notice was posted and signed, and who issued it, each with its evidence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from aggregator import dates
from aggregator.model import Article, Entry, Precision
from aggregator.text import one_line, shorten

#: What a day at the end of a line is made of; stripped, for a pattern would go back and forth.
_DAY_SIGNS = "0123456789０１２３４５６７８９年月日 \t\u3000:：.-"
#: Meta tags that name the posting day, the guideline's own first (DOMAIN.md §2).
_META = ("pubdate", "publishdate", "article:published_time", "publish_time", "date", "createdate")
_PLACEHOLDERS = re.compile(
    r"^(?:网站名称|站点名称|未知|佚名|admin|管理员|无|暂无|null|none|-+|内容来源|信息来源|来源)$",
    re.IGNORECASE,
)
_AGENCY = re.compile(
    r"[\u4e00-\u9fff]{2,30}(?:人民政府办公室|人民政府办公厅|人民政府|管理委员会|管委会|委员会|办公室|办公厅|局|厅|中心|公司|部|院|会|处|站|署)"
)
#: Below a title: when a law or a decision was passed.
_PASSED = re.compile(
    r"^[（(]\s*((?:19|20)\d\d年\d{1,2}月\d{1,2}日).{0,40}(?:通过|公布|发布|批准|印发|修订|修正)"
)
_SIGNATURE_LINES = 8
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """The posted time; day-only dates stand at the first instant of their day in Shanghai."""

    at: datetime | None
    precision: Precision = Precision.DAY
    evidence: str = ""
    guessed: bool = False


def read_posted(article: Article, entry: Entry | None, now: datetime) -> Posted:
    """The posted date: what is printed, checked against meta tags, row and address.

    Meta tags are checked, not believed: templates write them in 12-hour time or not at
    all, so they win only where nothing is printed, and add the minute where the day agrees.
    """
    printed = _read(article.date_text, now)
    field = _read(article.fields.get("发布日期"), now)
    meta, name = _meta(article, now)
    row = _read(entry.date if entry else None, now)
    address = dates.date_from_url(article.url)
    for evidence, read in (
        ("页面日期", printed),
        ("发布日期栏", field),
        (f"meta {name}", meta),
        ("列表日期", row),
        ("生成日期", _read(article.fields.get("生成日期"), now)),
        ("网址日期", dates.ReadDate(day=address) if address else None),
        ("成文日期", _read(article.fields.get("成文日期"), now)),
    ):
        if read is None or read.day > (now + timedelta(days=1)).astimezone(dates.SHANGHAI).date():
            continue
        best = next(
            (
                other
                for other in (read, field, meta, row)
                if other and other.day == read.day and other.time
            ),
            read,
        )
        return Posted(
            at=best.at,
            precision=Precision.MINUTE if best.time else Precision.DAY,
            evidence=evidence,
            guessed=evidence in {"网址日期", "成文日期"},
        )
    return Posted(at=None, evidence="", guessed=True)


def read_signed(article: Article, lines: list[str], now: datetime) -> date | None:
    """The signing day (成文日期): the header's, else the signature's at the end."""
    field = _read(article.fields.get("成文日期"), now)
    if field:
        return field.day
    for line in reversed(lines[-_SIGNATURE_LINES:]):
        if len(line) <= 24:  # noqa: PLR2004  # a signature's date stands alone
            read = _read(line, now)
            if read and re.search(r"年.*月.*日|\d{4}[-/.]\d", line):
                return read.day
    for line in lines[:_SIGNATURE_LINES]:
        passed = _PASSED.match(line)
        read = _read(passed.group(1), now) if passed else None
        if read:
            return read.day
    return None


def posted_when_signed(signed: date | None) -> Posted:
    """The day of signing where a page tells no other: not before it can it have been posted."""
    if signed is None:
        return Posted(at=None, evidence="", guessed=True)
    return Posted(at=dates.ReadDate(day=signed).at, evidence="落款日期", guessed=True)


def read_source(article: Article) -> str | None:
    """The source as printed (来源), else the meta tag's, if that is a name at all."""
    for text in (
        article.source_text,
        article.meta.get("contentsource"),
        article.meta.get("source"),
    ):
        name = _unwrapped(one_line(text or "").strip("：:【】[] "))
        if name and not _PLACEHOLDERS.match(name) and len(name) <= _LONGEST_NAME:
            return name
    return None


def _unwrapped(name: str) -> str:
    """A name without brackets around it, or left over at an end; pairs inside are its own."""
    opened, closed = (sum(map(name.count, signs)) for signs in ("(（", ")）"))
    if opened != closed or (name[:1] in "(（" and name[-1:] in ")）"):
        return name.strip("()（） ")
    return name


def read_issuer(article: Article, lines: list[str], source: str | None) -> str | None:
    """Who issued it (发文机关): the header's, else the signature's, else an agency as source."""
    field = one_line(article.fields.get("发文机关", ""))
    if field and not _PLACEHOLDERS.match(field):
        return shorten(field, _LONGEST_NAME)
    for line in reversed(lines[-_SIGNATURE_LINES:]):
        bare = line.rstrip(_DAY_SIGNS)
        if _AGENCY.fullmatch(bare):
            return bare
    return source if source and _AGENCY.fullmatch(source) else None


def _meta(article: Article, now: datetime) -> tuple[dates.ReadDate | None, str]:
    for name in _META:
        read = _read(article.meta.get(name), now)
        if read:
            return read, name
    return None, ""


def _read(text: str | None, now: datetime) -> dates.ReadDate | None:
    return dates.read_date(text, now=now) if text else None
