"""Which feeds we list, and under which headings: all, by category, by region, of one of either."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from aggregator import divisions, filters
from aggregator.model import Filter
from feeds.names import feed_name, feed_title, filter_of, region_title, subject_names, subject_title
from feeds.opml import FeedList, OutlineFeed, OutlineGroup

#: The lists that are named after no category and no region.
WHOLE_LISTS = ("index", "regions", "categories")


def list_path(name: str) -> str:
    """Where a list stands as OPML."""
    return "/feeds/index.opml" if name == "index" else f"/feeds/opml/{name}.opml"


def feed_list(name: str, *, regions: Iterable[str], public_url: str) -> FeedList | None:
    """The list of a name, or None when there is no such list.

    ``index``, ``regions``, ``categories``; a kind or category: its feeds of every region; a
    region: its feed of every category, and all below it.

    Args:
        name: as in its address.
        regions: codes of the regions that are watched, and of what contains them.
        public_url: where readers reach us.
    """
    codes = sorted(dict.fromkeys(divisions.heir(code) for code in regions))
    if name == "index":
        groups = (_overview(public_url), _categories(public_url), *_places(codes, None, public_url))
        return FeedList(name=name, title="区讯 Quxun", groups=groups)
    if name == "categories":
        groups = (_overview(public_url), _categories(public_url))
        return FeedList(name=name, title="区讯 · 分类", groups=groups)
    if name == "regions":
        groups = _places(codes, None, public_url) or (_overview(public_url),)
        return FeedList(name=name, title="区讯 · 地区", groups=groups)
    if "/" in name or name == "all" or filter_of(name) is None:
        return None
    if divisions.get(name) is not None:
        return _region_list(name, codes, public_url)
    whole = OutlineGroup(title=subject_title(name), members=(_feed(public_url, name),))
    groups = (whole, *_places(codes, name, public_url))
    return FeedList(name=name, title=feed_title(name), groups=groups)


def list_names(regions: Iterable[str]) -> tuple[str, ...]:
    """The names of all lists that are worth a link."""
    codes = dict.fromkeys(divisions.heir(code) for code in regions)
    return (*WHOLE_LISTS, *subject_names(), *sorted(codes))


def _region_list(code: str, codes: Sequence[str], public_url: str) -> FeedList:
    names = [code, *(feed_name(subject=one, region=code) for one in subject_names())]
    own = OutlineGroup(
        title=region_title(code), members=tuple(_feed(public_url, name) for name in names)
    )
    below = [one for one in codes if one != code and code in divisions.roll(one)]
    inside = _members(below, code, None, public_url)
    groups = (own, *([OutlineGroup(title="下级地区 Within", members=inside)] if inside else []))
    return FeedList(name=code, title=feed_title(code), groups=groups)


def _overview(public_url: str) -> OutlineGroup:
    names = ("all", "policies", "projects")
    return OutlineGroup(
        title="总览 Overview", members=tuple(_feed(public_url, name) for name in names)
    )


def _categories(public_url: str) -> OutlineGroup:
    names = [name for name in subject_names() if name in filters.CATEGORIES]
    return OutlineGroup(
        title="分类 Categories", members=tuple(_feed(public_url, name) for name in names)
    )


def _places(codes: Sequence[str], subject: str | None, public_url: str) -> tuple[OutlineGroup, ...]:
    """The regions under one heading, each province and city a heading of its own."""
    members = _members(codes, "", subject, public_url)
    return (OutlineGroup(title="地区 Regions", members=members),) if members else ()


def _members(
    codes: Sequence[str], top: str, subject: str | None, public_url: str
) -> tuple[OutlineFeed | OutlineGroup, ...]:
    """What lies directly below a place: feeds, and headings with what is below them."""
    known = {*codes, top}
    below: dict[str, list[str]] = defaultdict(list)
    for code in codes:
        nearest = next((up for up in divisions.roll(code) if up != code and up in known), top)
        below[nearest].append(code)

    def member(code: str) -> OutlineFeed | OutlineGroup:
        own = _feed(public_url, feed_name(subject=subject, region=code))
        if code not in below:
            return own
        return OutlineGroup(
            title=_own_title(code), code=code, members=(own, *map(member, below[code]))
        )

    return tuple(map(member, below[top]))


def _own_title(code: str) -> str:
    found = divisions.get(code)
    return found.name if found else code


def _feed(public_url: str, name: str) -> OutlineFeed:
    wanted = filter_of(name) or Filter()
    query = filters.canonical(wanted)
    return OutlineFeed(
        name=name,
        title=feed_title(name),
        feed_url=f"{public_url}/feeds/{name}.atom",
        home_url=f"{public_url}/?{query}" if query else f"{public_url}/",
        description=f"{filters.describe(wanted)}：区县政策与项目公告。非政府网站，以原文为准",
    )
