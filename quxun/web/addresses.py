"""Addresses of feeds: which document one names, its one canonical form, and near misses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from urllib.parse import parse_qsl

import feeds
from aggregator import divisions, filters
from aggregator.errors import NotFoundError, UsageError
from aggregator.model import Filter, Kind
from feeds.names import KIND_NAMES

#: No name of ours has so many parts, a place's by its whole path included.
MOST_PARTS = 8
#: No filter of ours has so many fields and values.
FIELDS = 200
_REGION = re.compile(r"\d{6}|z\d{8}")
_DIGITS = re.compile(r"\d+")
_NUMBER = re.compile(r"\d{1,18}")
_OFFERED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One document of a feed: the current one, or an archive document by its number.

    ``name`` is the feed's below ``/feeds/``, or ``search?`` and the canonical filter.
    """

    name: str
    form: str
    wanted: Filter
    archive: int | None = None

    @property
    def path(self) -> str:
        """The one address under which the document is served, with its query."""
        stem, mark, query = self.name.partition("?")
        tail = "" if self.archive is None else f"/archive/{self.archive}"
        return f"/feeds/{stem}{tail}.{self.form}{mark}{query}"


def read_address(path: str, query: str) -> Address:
    """What a path below ``/feeds/`` and its query name, however they are spelt.

    The answer's ``path`` is the canonical spelling: doubled and trailing slashes, upper and
    lower case, a region before its subject, places by their names (``feeds.settled``) and a
    search for what has a name lead there.

    Raises:
        NotFoundError: there is no such feed; says which are near, or which may be meant.
        UsageError: the filter cannot be read, or the feed takes none; says what would do.
    """
    parts = [part.lower() for part in path.removeprefix("/feeds/").split("/") if part]
    odd = any(part in {".", ".."} or not part.isprintable() for part in parts)
    if odd or not 0 < len(parts) <= MOST_PARTS:
        raise NotFoundError("这里没有订阅源 · no feed has that name; /feeds/ lists them")
    last, dot, form = parts[-1].rpartition(".")
    if not dot or form not in feeds.FORMATS:
        raise NotFoundError(_wrong_suffix(parts))
    parts[-1] = last
    archive = None
    if len(parts) > 2 and parts[-2] == "archive" and _NUMBER.fullmatch(last):  # noqa: PLR2004  # name, "archive", number
        archive, parts = int(last), parts[:-2]
    if parts == ["search"]:
        wanted = filters.parse_filter(_pairs(query))
        return Address(name=name_of(wanted), form=form, wanted=wanted, archive=archive)
    name = _canonical_name(parts)
    if feeds.filter_of(name) is None:
        if not feeds.meant(name):
            raise NotFoundError(_unknown(name, form))
        name = feeds.settled(name)
    found = feeds.filter_of(name)
    assert found is not None
    _refuse_filter(query, name, form)
    return Address(name=name, form=form, wanted=found, archive=archive)


def address_of(name: str, form: str) -> Address:
    """The current document of a feed by its name, or by ``search?QUERY``.

    Raises:
        NotFoundError: there is no such feed; says which are near.
        UsageError: the filter cannot be read.
    """
    stem, _, query = name.partition("?")
    return read_address(f"/feeds/{stem}.{form}", query)


def name_of(wanted: Filter) -> str:
    """The name of the feed of a filter: a named feed's where one shows the same."""
    kinds = {Kind.POLICY: "policies", Kind.PROJECT: "projects"}
    subjects = [*(kinds.get(k, "") for k in wanted.kind), *wanted.category]
    plain = Filter(region=wanted.region, kind=wanted.kind, category=wanted.category)
    if plain == wanted and len(subjects) <= 1 and len(wanted.region) <= 1:
        name = feeds.feed_name(
            subject=next(iter(subjects), None), region=next(iter(wanted.region), None)
        )
        if feeds.filter_of(name) == wanted:
            return name
    return f"search?{filters.canonical(wanted)}"


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=FIELDS)
    except ValueError as error:
        raise UsageError(f"参数过多 · at most {FIELDS} fields are taken") from error


def _canonical_name(parts: Sequence[str]) -> str:
    """The parts of a name as we write them: codes of zones in capitals, the region last."""
    spelt = [part.upper() if _REGION.fullmatch(part) else part for part in parts]
    if len(spelt) == 2 and _REGION.fullmatch(parts[0]) and not _REGION.fullmatch(parts[1]):  # noqa: PLR2004  # subject and region
        spelt.reverse()
    if len(spelt) == 2 and spelt[0] == "all":  # noqa: PLR2004  # as above
        spelt = spelt[1:]
    return "/".join(spelt)


def _refuse_filter(query: str, name: str, form: str) -> None:
    """Marks that others hang on addresses are dropped; a filter would be lost, and is told."""
    fields = {field for field, _ in _pairs(query)} & set(filters.FIELDS)
    if fields:
        raise UsageError(
            f"{name} 不带筛选条件，筛选请用 /feeds/search.{form}"
            f" · {name} takes no {', '.join(sorted(fields))};"
            f" filters stand in the query of /feeds/search.{form}"
        )


def _wrong_suffix(parts: Sequence[str]) -> str:
    endings = ", ".join(f".{form}" for form in feeds.FORMATS)
    line = f"订阅源地址以 {endings} 结尾 · a feed ends in {endings}"
    stem, dot, form = parts[-1].rpartition(".")
    name = _canonical_name([*parts[:-1], stem if dot and form.isalpha() else parts[-1]])
    if name != "search" and feeds.filter_of(name) is None:
        return f"{line}; /feeds/ lists them"
    return f"{line}: /feeds/{name}.atom" + ("?…" if name == "search" else "")


def _unknown(name: str, form: str) -> str:
    line = f"没有名为 {name[:60]!r} 的订阅源 · there is no such feed"
    near = [f"/feeds/{one}.{form}" for one in _near(name)]
    return f"{line}; near: {' '.join(near)}" if near else f"{line}; /feeds/ lists them"


def _near(name: str) -> list[str]:
    """Names that exist and were perhaps meant, the likeliest first."""
    feed, mark, _ = name.partition("/archive/")
    if mark and feeds.filter_of(feed):
        return [feed]  # its prev-archive leads to the numbers that there are
    subject, slash, code = name.rpartition("/")
    if _DIGITS.fullmatch(code.removeprefix("Z")):
        if slash and feeds.filter_of(subject) is None:
            subjects = _near_subjects(subject)
            codes = [code] if divisions.get(code) else _near_codes(code)
            return [f"{one}/{other}" for one in subjects for other in codes][:_OFFERED]
        return [f"{subject}{slash}{one}" for one in _near_codes(code)][:_OFFERED]
    if slash:
        return [one for one in (subject, code) if feeds.filter_of(one)]
    return _near_subjects(name)


def _near_subjects(word: str) -> list[str]:
    known = ["all", *KIND_NAMES, *(slug for slug in filters.CATEGORIES)]
    return get_close_matches(word, known, n=_OFFERED, cutoff=0.6)


def _near_codes(code: str) -> list[str]:
    """Codes one slip away in the same city or province, then what would contain the code."""
    if len(code) != 6:  # noqa: PLR2004  # GB/T 2260
        known = [one.code for one in divisions.all_current() if one.code.startswith(code[:5])]
        return get_close_matches(code, known, n=_OFFERED, cutoff=0.7)
    above = [one for one in (f"{code[:4]}00", f"{code[:2]}0000") if divisions.get(one)]
    known = [
        one.code
        for one in divisions.all_current()
        if one.code[:2] == code[:2]
        and sum(a != b for a, b in zip(one.code, code, strict=False)) < 2  # noqa: PLR2004  # one slip
    ]
    return [*known[:2], *(one for one in above if one not in known[:2])]
