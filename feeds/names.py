"""Feed names below ``/feeds/`` and the filters they stand for."""

from __future__ import annotations

import re

from aggregator import divisions
from aggregator.filters import CATEGORIES
from aggregator.model import Filter, Kind

#: The kinds have names of their own, because ``policy`` and ``project`` are categories too.
KIND_NAMES = {"policies": Kind.POLICY, "projects": Kind.PROJECT}
_KIND_TITLES = {"policies": "政策", "projects": "项目"}
_CODE = re.compile(r"\d{6}|Z\d{8}")


def filter_of(name: str) -> Filter | None:
    """What a feed of that name shows, or None when there is no such feed.

    ``all``, ``policies``, ``projects``, a category slug, a region code, or one of the
    middle three, ``/``, and a region code.
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


def feed_name(*, subject: str | None = None, region: str | None = None) -> str:
    """The name of the feed of a kind or category, of a region, or of both."""
    return "/".join(part for part in (subject, region) if part) or "all"


def feed_title(name: str) -> str:
    """The title of a named feed: ``区讯 · 重庆市江津区 · 申报通知``."""
    if name == "all":
        return "区讯 · 全部公告"
    parts = name.split("/")
    words = [region_title(part) for part in parts if _CODE.fullmatch(part)]
    words += [_subject_title(part) for part in parts if not _CODE.fullmatch(part)]
    return " · ".join(["区讯", *words])


def region_title(code: str) -> str:
    """A region's names from the province down, each once: ``重庆市江津区``."""
    return "".join(dict.fromkeys(divisions.path(code))) + (
        _own_name(code) if code.startswith("Z") else ""
    )


def _own_name(code: str) -> str:
    found = divisions.get(code)
    return found.name if found else code


def _subject_title(name: str) -> str:
    return _KIND_TITLES.get(name) or CATEGORIES.get(name, name)


def _subject_filter(name: str, region: tuple[str, ...]) -> Filter | None:
    if name in KIND_NAMES:
        return Filter(kind=(KIND_NAMES[name],), region=region)
    if name in CATEGORIES:
        return Filter(category=(name,), region=region)
    return None


def _is_region(code: str) -> bool:
    return bool(_CODE.fullmatch(code)) and divisions.get(code) is not None
