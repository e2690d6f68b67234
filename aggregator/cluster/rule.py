"""Are these two the same announcement? Title, dates, number and text speak together.

Equal titles are rare among true reprints and common among different notices of one office (the
same title every month), so no single sign decides alone (DOMAIN.md §13).
"""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit

from aggregator.cluster import projects, texts
from aggregator.cluster.texts import Comparison
from aggregator.cluster.titles import (
    TELLING,
    Likeness,
    Role,
    core,
    counted_apart,
    counters,
    likeness,
    role,
    swapped,
    title_key,
)
from aggregator.model import Draft, Kind, Region
from aggregator.text import fold
from aggregator.urls import canonical_url

#: A score from which on two are one, and the one of those that cannot be.
SAME = 0.5
APART = 0.0
#: No sign for and none against.
_UNKNOWN = 0.1
#: Dates of reprints lie this close; longer ones need the text; reposts come up to a year later.
NEAR = timedelta(days=10)
SOON = timedelta(days=3)
EVENT = timedelta(days=30)
FAR = timedelta(days=400)
#: A text of which so much stands in the other is that text, whatever is printed around it.
_COPY = 0.8
_HALF = 0.45
_MOSTLY, _LONG = 0.75, 0.6
#: So much shorter, a text only points at the other.
_HINT = 0.35
#: What tells the thing from what is said of it, whichever of the two is silent.
_TELLING_ROLES = frozenset(Role) - {Role.PLAIN, Role.RESULT, Role.PUBLICITY}
#: These may print the number of what they are about as if it were their own.
_ABOUT_ANOTHER = frozenset(
    {Role.COMPANION, Role.FEEDBACK, Role.CONSULTATION, Role.CORRECTION, Role.EXTENSION, Role.END}
)
_NAMED = re.compile(
    r"街道|[镇乡村区县市路]|社区|公司|学校|医院|地块|项目|工程|中心|局|委|[\da-z]|[一二三四五六七八九十]"
)
_PERIODIC = re.compile(r"动态|简报|月报|周报|季报|每周|每月|快报|通报|公示|调度|值班|推介")
_OWN_LINE = re.compile(r"^[(（\[]?\s*([^\n]{6,30}?号)\s*[)）\]]?\s*$", re.MULTILINE)
_HEAD = 300


def same(a: Draft, b: Draft) -> tuple[bool, float]:
    """Whether two drafts show one announcement, and how sure that is (0 to 1).

    The answer is the same whichever comes first.
    """
    found = score(a, b)
    return found >= SAME, found


def score(a: Draft, b: Draft) -> float:
    """How sure it is that two are one; ``APART`` when they cannot be, whatever joins them."""
    if a.url and canonical_url(a.url) == canonical_url(b.url) and _one_page(a, b):
        return 1.0
    numbers = own_number(a), own_number(b)
    roles = role(a.title), role(b.title)
    if all(numbers):
        told = roles[0] == roles[1] or not set(roles) & _ABOUT_ANOTHER
        return 0.98 if numbers[0] == numbers[1] and told else APART
    if counted_apart(a.title, b.title, texts=(a.body_text, b.body_text)):
        return APART
    compared = texts.compare(a.body_text, b.body_text)
    if roles[0] != roles[1] and not _says_the_same(a, b, compared, roles):
        return APART if set(roles) & _TELLING_ROLES or Role.PLAIN not in roles else _UNKNOWN
    between = abs(a.posted_at - b.posted_at) if a.posted_at and b.posted_at else NEAR
    like = likeness(a.title, b.title)
    if compared is None:
        return _by_title(a, b, like, between)
    said = _by_text(a, b, like, between, compared)
    return said if said is not None else _by_event(a, b, like, between, compared)


def _one_page(a: Draft, b: Draft) -> bool:
    """Whether two of one address are one page: rows without a link have that of their list."""
    if counted_apart(a.title, b.title):
        return False
    alike = likeness(a.title, b.title) not in {Likeness.OTHER, Likeness.SIBLING}
    told = min(texts.weight(one.body_text) for one in (a, b)) >= texts.SHORT
    return alike or a.title_key == b.title_key or (told and near(a, b))


def near(a: Draft, b: Draft) -> bool:
    """Whether two drafts have one text, give or take a few words."""
    if fold(a.body_text) == fold(b.body_text):
        return bool(a.body_text)
    compared = texts.compare(a.body_text, b.body_text)
    return compared is not None and compared.held >= 0.9 and compared.length >= 0.9  # noqa: PLR2004


def own_number(draft: Draft) -> str | None:
    """A document's own number where it stands as such: in the title, in a line of its own, or
    in a header, and not in a sentence of the text, which may speak of another's.
    """
    number = draft.doc_number
    if number is None:
        return None
    wanted = _bare(number)
    if wanted in _bare(draft.title):
        return number if role(draft.title) is Role.PLAIN else None
    head = draft.body_text[:_HEAD]
    if wanted not in _bare(head):
        return number
    lines = [_bare(line) for line in _OWN_LINE.findall(head)]
    return number if any(line.endswith(wanted) for line in lines) else None


def _bare(text: str) -> str:
    return re.sub(r"[\[\]()第{}]", "", fold(text))


def _says_the_same(
    a: Draft, b: Draft, compared: Comparison | None, roles: tuple[Role, Role]
) -> bool:
    """Whether the texts are one although the titles do different things: a press portal takes
    关于废止《…》的决定 for a headline …. A draft sent out for opinions never is its final text.
    """
    if compared is None or compared.swaps or compared.reworded or compared.length < _LONG:
        return False
    if Role.CONSULTATION in roles and not ("意见" in a.body_text and "意见" in b.body_text):
        return False
    return compared.held >= _MOSTLY


def _by_title(a: Draft, b: Draft, like: Likeness, between: timedelta) -> float:
    """Where one has no text to speak of: a hint at a file, or a row of a list."""
    if like is Likeness.SIBLING:
        return APART
    if between > NEAR or _figures_differ(a, b):
        return _UNKNOWN
    if like is Likeness.EQUAL and _telling(a, b, between):
        return 0.7
    if like is Likeness.CUT and min(len(core(a.title)), len(core(b.title))) >= 6:  # noqa: PLR2004
        return 0.6
    return _UNKNOWN


def _by_text(
    a: Draft, b: Draft, like: Likeness, between: timedelta, compared: Comparison
) -> float | None:
    """What two texts say of it; None when they have little in common."""
    alike = like in {Likeness.EQUAL, Likeness.CUT, Likeness.HELD}
    if compared.held >= _COPY and compared.swaps == 0:
        return _copied(a, b, like, between, compared)
    edits = compared.swaps
    if alike and compared.held >= _COPY and edits == 1 and between <= NEAR:
        return 0.8 if not _figures_differ(a, b) else APART
    if compared.held >= _HALF and edits >= 1:
        return APART  # a template, filled anew
    figures = compared.figures >= _COPY and (compared.common_figures > 1 or between <= NEAR)
    if compared.held >= _HALF and alike and between <= FAR and figures:
        return 0.75
    return None


def _copied(a: Draft, b: Draft, like: Likeness, between: timedelta, compared: Comparison) -> float:
    """One text is the other, or a part of it, in the same words."""
    if between > FAR:
        return APART
    alike = like in {Likeness.EQUAL, Likeness.CUT, Likeness.HELD}
    if like is Likeness.SIBLING and _names_differ(a.title, b.title):
        return APART
    if between > EVENT and _PERIODIC.search(a.title + b.title) and not _dated(a, b):
        return APART
    if alike:
        return 0.95
    if compared.brief:  # a few words, which stand under many a title
        told = like is Likeness.AKIN and compared.common_figures > 1 and between <= NEAR
        return 0.7 if told and compared.length >= _COPY else _UNKNOWN
    return 0.85 if compared.length >= _HALF else _UNKNOWN


def _dated(a: Draft, b: Draft) -> bool:
    """Whether both texts hold figures that would change with the period."""
    return min(len(texts.figures(a.body_text)), len(texts.figures(b.body_text))) > 1


def _names_differ(a: str, b: str) -> bool:
    """Whether titles of one template name different places, firms or counts."""
    return any(_NAMED.search(one) or _NAMED.search(other) for one, other in swapped(a, b))


def _by_event(
    a: Draft, b: Draft, like: Likeness, between: timedelta, compared: Comparison
) -> float:
    """Other words for one event: an equal title with shared figures, or a project's news."""
    if between > EVENT:
        return _UNKNOWN
    costs = projects.amounts(a), projects.amounts(b)
    if projects.same_amount(*costs) and not (_elsewhere(a, b) or _is_policy(a) or _is_policy(b)):
        stages = projects.stage(a.title, a.body_text), projects.stage(b.title, b.body_text)
        if all(stages) and stages[0] != stages[1]:
            return APART
        if all(stages) and projects.named_alike(a, b):
            return 0.65
    if _figures_differ(a, b) or between > NEAR:
        return _UNKNOWN
    if like is Likeness.EQUAL and _telling(a, b, between) and compared.figures >= _HALF:
        hint = compared.length < _HINT and not _one_host(a.url, b.url)
        return 0.6 if compared.common_figures or hint else _UNKNOWN
    return _UNKNOWN


def _is_policy(draft: Draft) -> bool:
    """Whether a text sets rules or calls for applications: its amounts are no project's."""
    return draft.kind is Kind.POLICY or own_number(draft) is not None


def _elsewhere(a: Draft, b: Draft) -> bool:
    """Whether both name where it is, and neither place lies in the other."""
    mine, theirs = ({region.code for region in one.regions} for one in (a, b))
    above = [{code for region in one.regions for code in _above(region)} for one in (a, b)]
    return bool(mine and theirs) and not (mine & above[1] or theirs & above[0])


def _above(region: Region) -> tuple[str, ...]:
    """A division's code and those of the divisions that hold it."""
    code = region.code.removeprefix("Z")
    return (region.code, code[:6], code[:4] + "00", code[:2] + "0000")


def _telling(a: Draft, b: Draft, between: timedelta) -> bool:
    """Whether a title that both have may speak alone: a long one, or one with a counter."""
    length = min(len(title_key(a.title)), len(title_key(b.title)))
    counted = 2 * length > TELLING and bool(counters(a.title)) and between <= SOON
    return length > TELLING or counted


def _one_host(a: str, b: str) -> bool:
    """One site does not retell itself: the same title there is next month's notice."""
    return bool(a) and urlsplit(a).netloc == urlsplit(b).netloc


def _figures_differ(a: Draft, b: Draft) -> bool:
    """Whether both name a deadline or amounts and they share none: a template, filled anew."""
    for name in ("deadlines", "amounts"):
        mine = {one.value for one in getattr(a.facts, name)}
        theirs = {one.value for one in getattr(b.facts, name)}
        if mine and theirs and not mine & theirs:
            return True
    return False
