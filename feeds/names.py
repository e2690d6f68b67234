"""Feed names below ``/feeds/``, the filters they stand for, and what people write for them."""

from __future__ import annotations

import re

from aggregator import divisions
from aggregator.errors import NotFoundError
from aggregator.filters import CATEGORIES
from aggregator.model import Filter
from aggregator.publication import KIND_FEEDS
from aggregator.text import clean, one_line

#: The kinds have names of their own, because ``policy`` and ``project`` are categories too.
KIND_NAMES = KIND_FEEDS
_KIND_TITLES = {"policies": "政策", "projects": "项目"}
#: Tenders and the rest have feeds, which no list offers.
UNLISTED = frozenset({"tender", "other"})
_CODE = re.compile(r"\d{6}|Z\d{8}")
_SUBJECTS = {title: name for name, title in (CATEGORIES | _KIND_TITLES).items()}
#: A name that many places bear is answered with at most so many of them.
MOST_NAMED = 12


def filter_of(name: str) -> Filter | None:
    """What a feed of that name shows, or None when there is no such feed.

    ``all``, ``policies``, ``projects``, a category slug, a region code, or one of the
    middle three, ``/``, and a region code. Whatever else people write for it is no name;
    ``settled`` says which it means.
    """
    if name == "all":
        return Filter()
    subject, slash, code = name.rpartition("/")
    if not slash:
        if _is_region(name):
            return Filter(region=(name,))
        return _subject_filter(name, ())
    if not _is_region(code):
        return None
    return _subject_filter(subject, (code,))


def settled(written: str) -> str:
    """The name of the feed that somebody means: ``policy/chongqing/jiangjin`` is ``policy/500116``.

    A kind or category may come first or last, by its name or in Chinese; beside it places from
    the province down, in pinyin, Chinese or by code, parted by ``/`` or ``-``; levels may be left
    out. An abolished division leads to what it became. The name of a feed is settled already.

    Raises:
        NotFoundError: nothing is called so, or several places are: they are named with codes.
    """
    names = meant(written)
    if len(names) == 1:
        return names[0]
    said = one_line(written)[:60]
    if not names:
        raise NotFoundError(
            f"没有名为 {said!r} 的订阅源 · there is no such feed; /feeds/ lists them"
        )
    codes = [name.rpartition("/")[2] for name in names]
    named = [f"{code} {region_title(code)}" for code in codes[:MOST_NAMED]]
    more = f" … ({len(codes)})" if len(codes) > MOST_NAMED else ""
    raise NotFoundError(
        f"{said!r} 可指多个地区，请用代码或写上所属省市 · several places are called so,"
        f" use a code or name the province: {', '.join(named)}{more}"
    )


def meant(written: str) -> tuple[str, ...]:
    """The names of all feeds that somebody may mean, as ``settled`` understands it."""
    if filter_of(written) is not None:
        return (written,)
    # Signs that nobody can see are no slip of a reader's.
    words = [one_line(word) for word in written.split("/")] if clean(written) == written else [""]
    if (subject := _subject(words[0])) and len(words) == 1:
        return (subject,)
    if subject:
        return _called(words[1:], subject)
    # A place may bear a subject's name (guide is a county, too), and comes first then.
    last = _subject(words[-1])
    return _called(words, "all") or (_called(words[:-1], last) if last else ())


def feed_name(*, subject: str | None = None, region: str | None = None) -> str:
    """The name of the feed of a kind or category, of a region, or of both."""
    return "/".join(part for part in (subject, region) if part) or "all"


def feed_title(name: str) -> str:
    """The title of a named feed: ``区讯 · 重庆市江津区 · 申报通知``."""
    if name == "all":
        return "区讯 · 全部公告"
    parts = name.split("/")
    words = [region_title(part) for part in parts if _CODE.fullmatch(part)]
    words += [subject_title(part) for part in parts if not _CODE.fullmatch(part)]
    return " · ".join(["区讯", *words])


def region_title(code: str) -> str:
    """A region's names from the province down, each once: ``重庆市江津区``."""
    return "".join(dict.fromkeys(divisions.path(code))) + (
        _own_name(code) if code.startswith("Z") else ""
    )


def subject_title(name: str) -> str:
    """The Chinese name of a kind or category."""
    return _KIND_TITLES.get(name) or CATEGORIES.get(name, name)


def subject_names() -> tuple[str, ...]:
    """The kinds and categories that we offer, in the order in which they are offered."""
    return (*KIND_NAMES, *(slug for slug in CATEGORIES if slug not in UNLISTED))


def _own_name(code: str) -> str:
    found = divisions.get(code)
    return found.name if found else code


def _subject(word: str) -> str | None:
    """The kind or category, or ``all``, that a word names, in Chinese too."""
    name = _SUBJECTS.get(word, word.lower())
    return name if name == "all" or _subject_filter(name, ()) is not None else None


def _called(places: list[str], subject: str) -> tuple[str, ...]:
    """The names of the feeds of a subject for every region that is called so."""
    codes = divisions.called(places)
    if not codes:
        codes = divisions.called([part for place in places for part in place.split("-")])
    about = None if subject == "all" else subject
    return tuple(feed_name(subject=about, region=code) for code in codes)


def _subject_filter(name: str, region: tuple[str, ...]) -> Filter | None:
    if name in KIND_NAMES:
        return Filter(kind=(KIND_NAMES[name],), region=region)
    if name in CATEGORIES:
        return Filter(category=(name,), region=region)
    return None


def _is_region(code: str) -> bool:
    """Whether it is the code of a division that has a feed: one that became another has none."""
    if not _CODE.fullmatch(code) or divisions.get(code) is None:
        return False
    return divisions.heir(code) == code
