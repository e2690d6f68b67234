"""How long a feed of fifty entries takes to render: after a change, for the first time, beside feedgen.

Milliseconds are CPU time of this process, the best of many rounds: nothing here waits, and other
work on the machine is left out of it. Every round gets its announcements as new objects, as they
come from the store. Plain feedgen gets what it can hold of the same entries in the same run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from functools import partial
from uuid import UUID, uuid5

from feedgen.feed import FeedGenerator

import feeds
from aggregator.model import (
    Amount,
    Announcement,
    AnnouncementId,
    Attachment,
    Authority,
    Category,
    Coverage,
    Deadline,
    Draft,
    Facts,
    FeedPage,
    Kind,
    Region,
    Sighting,
    SourceId,
)
from feeds import items as remembered
from feeds.items import Item, items_of
from quxun.bench.floors import shortfalls

ENTRIES = 50
ROUNDS = 40
#: Characters of markup of the real articles that the rules are tried on, in no order.
_BODIES = (
    1048, 304, 8059, 569, 2132, 453, 917, 6981, 356, 2304, 1613, 481, 12204, 759, 1172, 2238, 268,
    7158, 1007, 865, 2080, 504, 8270, 2464, 6540,
)  # fmt: skip
_EVERY_POLICY = 3
_PLACES = ("江津区", "永川区", "璧山区", "綦江区", "大足区")
_CHINA = timezone(timedelta(hours=8))
_SPACE = UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


_Alone = Callable[[FeedPage, Sequence[Item]], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """One format: CPU milliseconds a document, and its size.

    ``ms`` is after one of the entries changed, ``first_ms`` when none was rendered before,
    ``plain_ms`` that of the library alone, which writes less; ``of_plain`` is ms over it.
    """

    form: str
    kb: float
    ms: float
    first_ms: float
    plain: str
    plain_ms: float
    of_plain: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedTimes:
    """What was measured, and what does not reach its ceiling."""

    entries: int
    rounds: int
    renderings: list[Rendering]
    below: list[str]


def bench_feeds(*, entries: int = ENTRIES, rounds: int = ROUNDS) -> FeedTimes:
    """Render one page in every format, over and over.

    Args:
        entries: announcements of the page; the ceilings are held for fifty.
        rounds: times each is measured; the best counts.
    """
    page = sample_page(entries)
    made = [
        _rendering(page, "atom", "feedgen", _plain_atom, rounds),
        _rendering(page, "rss", "feedgen", _plain_rss, rounds),
        _rendering(page, "json", "json.dumps", _plain_json, rounds),
    ]
    measured = {f"feeds.{one.form}_ms": one.ms for one in made}
    below = shortfalls(measured) if entries == ENTRIES else []
    return FeedTimes(entries=entries, rounds=rounds, renderings=made, below=below)


def _rendering(page: FeedPage, form: str, plain: str, alone: _Alone, rounds: int) -> Rendering:
    ms, first_ms, plain_ms = [], [], []
    for number in range(rounds):
        first, changed, told = deepcopy(page), _changed(page, number), items_of(page)
        plain_ms.append(_cpu_ms(partial(alone, page, told)))
        remembered.forget()
        first_ms.append(_cpu_ms(partial(feeds.render, first, form)))
        ms.append(_cpu_ms(partial(feeds.render, changed, form)))
    return Rendering(
        form=form,
        kb=round(len(feeds.render(page, form)) / 1024, 1),
        ms=round(min(ms), 3),
        first_ms=round(min(first_ms), 3),
        plain=plain,
        plain_ms=round(min(plain_ms), 3),
        of_plain=round(min(ms) / min(plain_ms), 3),
    )


def sample_page(entries: int) -> FeedPage:
    """A current document whose entries are as long as real ones; every third has its full text."""
    return FeedPage(
        name="500000",
        title="区讯 · 重庆市",
        subtitle="重庆市：区县政策与项目公告。非政府网站,以原文为准",
        home_url="https://quxun.example/?region=500000",
        self_url="https://quxun.example/feeds/500000.atom",
        tag_authority="quxun.example",
        tag_date="2026-01-01",
        updated_at=datetime(2026, 10, 5, 8, tzinfo=_CHINA),
        announcements=tuple(_announcement(number) for number in range(entries)),
        coverage=Coverage(watched=2800, well=2764, worst_since=datetime(2026, 9, 1, tzinfo=_CHINA)),
        public_url="https://quxun.example",
        hub_url="https://quxun.example/hub",
        prev_url="https://quxun.example/feeds/500000/archive/4711.atom",
    )


def _announcement(number: int) -> Announcement:
    place = _PLACES[number % len(_PLACES)]
    seen_at = datetime(2026, 10, 5, 8, tzinfo=_CHINA) - timedelta(hours=number)
    policy = number % _EVERY_POLICY == 0
    clause = f"第{number}条 对新落户{place}的企业给予支持，标准为每户最高{number + 1}00万元，由区财政安排。"
    wanted = _BODIES[number % len(_BODIES)]
    body = f"<p>{clause}</p>" * (wanted // (len(clause) + 7) + 1)
    draft = Draft(
        title=f"{place}关于支持先进制造业高质量发展的若干措施（第{number}批）",
        url=f"https://www.district.example/zwgk/zfxxgk/202610/t20261004_{number:08d}.html",
        posted_at=seen_at.replace(hour=0),
        source_label=f"{place}发展和改革委员会",
        issuer=f"重庆市{place}人民政府办公室",
        doc_number=f"{place}府办发[2026]{number}号",
        regions=(Region(code="500116", name=place, path=("重庆市", "重庆市", place)),),
        kind=Kind.POLICY if policy else Kind.PROJECT,
        categories=(
            Category(slug="policy" if policy else "project", why="若干措施"),
            Category(slug="innovation", why="先进制造业"),
        ),
        summary=(clause * 6)[:180],
        body_html=body,
        body_text=body.replace("<p>", "").replace("</p>", "\n"),
        attachments=(
            Attachment(
                name="申报表.docx", url=f"https://www.district.example/f/{number}.docx",
                media_type="application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            ),
        ) * (number % 5 == 0),
        facts=Facts(
            deadlines=(Deadline(value=date(2026, 11, 30), sentence="11月30日前申报。"),),
            amounts=(
                Amount(value=500, yuan=5e6, basis="cap", unit="万元", sentence="最高500万元。"),
            ),
        ),
    )  # fmt: skip
    return Announcement(
        id=AnnouncementId(number),
        uuid=uuid5(_SPACE, str(number)),
        draft=draft,
        region_roll=("500116", "500100", "500000"),
        first_seen_at=seen_at,
        announced_at=seen_at,
        changed_at=seen_at,
        change=number,
        source_id=SourceId(number % 7),
        source_name=f"重庆市{place}人民政府网",
        sightings=tuple(
            Sighting(
                source_id=SourceId(90), source_name="重庆日报", title=draft.title,
                url=f"https://paper.example/{number}.html", authority=Authority.MEDIA,
                seen_at=seen_at,
            )
            for _ in range(number % 2)
        ),
    )  # fmt: skip


def _changed(page: FeedPage, number: int) -> FeedPage:
    """The page as the store gives it after a revision of one of its announcements."""
    fresh = list(deepcopy(page.announcements))
    place = number % len(fresh)
    one = fresh[place]
    draft = replace(one.draft, title=f"{one.draft.title}（更正）")
    fresh[place] = replace(one, draft=draft, revision=2, change=10_000 + number)
    return replace(page, announcements=tuple(fresh))


def _cpu_ms(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return (time.process_time() - before) * 1000


# --- The libraries alone -----------------------------------------------------------------


def _plain_feed(page: FeedPage, entries: Sequence[Item]) -> FeedGenerator:
    """The library as its manual shows it, given the finished words."""
    feed = FeedGenerator()
    feed.id("tag:quxun.example,2026-01-01:feed/500000")
    feed.title(page.title)
    feed.description(page.subtitle)
    feed.updated(page.updated_at)
    feed.lastBuildDate(page.updated_at)
    feed.link(href=page.home_url, rel="alternate")
    feed.link(href=page.self_url, rel="self")
    for item in entries:
        entry = feed.add_entry(order="append")
        entry.id(item.id)
        entry.title(item.title)
        entry.updated(item.updated)
        entry.published(item.published)
        entry.author(name=item.author)
        entry.link(href=item.url)
        for link in item.links:
            entry.link(href=link.href, rel=link.rel, title=link.title)
        entry.summary(item.summary)
        entry.rights(item.rights)
        if item.content_html:
            entry.content(item.content_html, type="html")
        for term in item.terms:
            entry.category(term=term.term, scheme=term.vocabulary, label=term.label)
        entry.source(url=item.source_url, title=item.source_title)
    return feed


def _plain_atom(page: FeedPage, entries: Sequence[Item]) -> bytes:
    document: bytes = _plain_feed(page, entries).atom_str()
    return document


def _plain_rss(page: FeedPage, entries: Sequence[Item]) -> bytes:
    document: bytes = _plain_feed(page, entries).rss_str()
    return document


def _plain_json(page: FeedPage, entries: Sequence[Item]) -> bytes:
    told = [
        {
            "id": item.id,
            "url": item.url,
            "title": item.title,
            "summary": item.summary,
            "content_html": item.content_html,
            "date_published": item.published.isoformat(),
            "date_modified": item.updated.isoformat(),
            "authors": [{"name": item.author}],
            "tags": [term.label for term in item.terms],
        }
        for item in entries
    ]
    return json.dumps({"title": page.title, "items": told}, ensure_ascii=False).encode()
