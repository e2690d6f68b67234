"""By which names a notice is cited, and which names it cites: numbers and 《titles》."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from aggregator.cluster.rule import own_number
from aggregator.cluster.titles import Role, role, title_key
from aggregator.model import Draft
from aggregator.text import fold

#: Shorter names (《通知》, 《办法》) are everybody's.
_LEAST = 6
#: What explains a document may come out some days before it.
_BEFORE = timedelta(days=40)
_BOOK = re.compile(r"《((?:[^《》]|《[^《》]*》)+)》")
#: What a picture or an interpretation puts around the name of its document.
_ABOUT = re.compile(
    r"^(?:\[?(?:一图读懂|图解|解读|读懂|看懂|政策解读|政策图解|政策问答)\]?[:：丨|]?)+|"
    r"(?:的|\[|\()?(?:政策)?(?:文件)?(?:一图读懂|图解|解读|问答|答记者问|明白卡|起草说明|编制说明|新闻发布会)+(?:实录)?(?:\]|\))?$"
)
_UNNAMED = frozenset({Role.COMPANION, Role.FEEDBACK, Role.CONSULTATION, Role.CORRECTION})


def names(draft: Draft) -> frozenset[str]:
    """The names by which others may cite a notice: its number (``n…``), its registry number
    (``r…``) and its bare title (``t…``).

    What explains, corrects or sends out a document for opinions is not called by its title.
    """
    found = {f"t{name}" for name in _title_names(draft.title)}
    number = own_number(draft)
    if number:
        found.add(f"n{number}")
    if draft.registry_number:
        found.add(f"r{draft.registry_number}")
    return frozenset(found)


def cites(draft: Draft) -> frozenset[str]:
    """The names that a notice cites, in the forms of ``names``, without its own."""
    found = {f"n{one.value}" for one in draft.facts.doc_numbers if one.role != "own"}
    found |= {f"t{_name(one.value)}" for one in draft.facts.cited}
    found |= subject(draft.title)
    return frozenset(one for one in found if len(one) > _LEAST) - names(draft)


@lru_cache(maxsize=4096)
def subject(title: str) -> frozenset[str]:
    """The names in a title of what it is about, when it is not that itself."""
    folded = fold(title)
    found = {_name(one) for one in _BOOK.findall(folded)}
    if role(title) is Role.COMPANION and not found:
        found = {_name(_ABOUT.sub("", folded))}
    return frozenset(f"t{one}" for one in found if len(one) >= _LEAST) - {
        f"t{one}" for one in _title_names(title)
    }


def _title_names(title: str) -> set[str]:
    key = _name(title)
    return {key} if len(key) >= _LEAST and role(title) not in _UNNAMED else set()


def _name(title: str) -> str:
    return re.sub(r"\((?:试行|暂行|征求意见稿)\)$", "", title_key(title))


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """As much of a stored announcement as decides which one a name means."""

    id: int
    title: str
    names: frozenset[str]
    cites: frozenset[str]
    regions: frozenset[str]
    region_roll: frozenset[str]
    at: datetime


def resolve(citing: Named, known: Sequence[Named]) -> dict[int, str]:
    """Which of the known announcements a notice cites: id to the name by which it does.

    A number names one document. A title may be that of many districts and years: the one
    meant is of the citing notice's region, of one above or of one below, was there before, and
    is the last of these. Where one is cited by its number and by its name, the name that the
    title does something to is the one that tells what is done.
    """
    found: dict[int, str] = {}
    about = subject(citing.title)
    for name in sorted(citing.cites, key=lambda one: (one not in about, one)):
        fits = [one for one in known if name in one.names and one.id != citing.id]
        if name[0] == "t":
            fits = [one for one in fits if _near(citing, one)]
            fits = sorted(fits, key=lambda one: (one.at, one.id))[-1:]
        for one in fits:
            found.setdefault(one.id, name)
    return found


def _near(citing: Named, cited: Named) -> bool:
    region = (
        not citing.regions
        or not cited.regions
        or bool(citing.regions & cited.region_roll)
        or bool(cited.regions & citing.region_roll)
    )
    return region and cited.at <= citing.at + _BEFORE


def relation(citing_title: str, name: str) -> str:
    """What a notice does to one that it cites: explains, amends, repeals, …, or cites it."""
    if name not in subject(citing_title):
        return "cites"
    return {
        Role.COMPANION: "explains",
        Role.CONSULTATION: "drafts",
        Role.FEEDBACK: "drafts",
        Role.REPEAL: "repeals",
        Role.AMENDMENT: "amends",
        Role.EXTENSION: "extends",
        Role.CORRECTION: "corrects",
    }.get(role(citing_title), "cites")
