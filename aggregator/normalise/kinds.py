"""Kind and categories, with the words that decided and where they stood (DOMAIN.md §9).

Evidence counts in this order: what the operator set for the source, what the portal says of the
column, the title, the body's first lines. In the title, what it ends in says what the document is
(…办法, …的公示); phrases and the shape of the whole say what it is about. All of it is data:
``lexicon.toml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from aggregator.model import Category, Flag, Kind
from aggregator.normalise.lexicon import Lexicon, Rule, lexicon
from aggregator.text import fold, shorten

_BODY_CHARS = 600
_BODY_PHRASE = 3
_REASONS = 4
_CATEGORIES = 4
_OWN_NUMBER = 2.5
_STATUS = re.compile(
    r"废止|失效|修改(?!意见)|延续|延长.{0,20}(?:有效期|期限|政策|施行)|延期(?:执行|施行)"
)
#: What can be repealed or prolonged: 延续文脉 changes no document.
_DOCUMENT = re.compile(
    r"办法|规定|政策|文件|条例|意见|通知|细则|方案|措施|优惠|有效期|期限|公告|目录|清单|标准|决定|规划|制度|章程"
)
#: A draft that is asked about; 关于征求《…实施意见》意见 holds the word twice.
_DRAFTS = re.compile(
    r"意见稿|公开征求|意见征[集求]|征(?:求|集)[^。]{0,80}?(?<!实施)(?<!指导)(?<!若干)(?<!管理)意见"
)
#: Behind a form: (试行), [2024]5号, 》, and what cuts a title.
_BEHIND = re.compile(r"(?:\([^()]*\)|\[[^\[\]]*\]\d*号?|[》\"'!.…,;]|-+$)+$")
#: …指南来了, …名单出炉: the document stands before.
_SHOWN = re.compile(r"(?:来了|来啦|出炉|发布|公布|出台|上线|印发|实施|施行|请查收|速看|请收藏)$")
_QUOTED = re.compile(r"《([^》]+)》[^《》]{0,8}$")
_CARRIED = re.compile(
    r"(?:印发|转发|发布|公布|修改|修订|废止|下发|颁布|调整|延长|执行|实施)(.{4,})的(?:通知|公告|决定|函|通告)$"
)
_HEADED = re.compile(r"^(.{2,12}?)(?:-{1,2}|[:|])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a notice is about, and why we think so."""

    kind: Kind
    kind_why: str
    categories: tuple[Category, ...]
    flags: tuple[Flag, ...]


class _Sums:
    """Scores of the categories with the reasons that made them, the heaviest first."""

    def __init__(self) -> None:
        self._said: dict[str, list[tuple[float, str]]] = {}
        self.of: dict[str, float] = {}

    def add(self, slug: str, weight: float, why: str) -> None:
        self.of[slug] = self.of.get(slug, 0.0) + weight
        if weight > 0:
            self._said.setdefault(slug, []).append((weight, why))

    def rule(self, rule: Rule, why: str) -> None:
        for slug, weight in rule.gives.items():
            self.add(slug, weight, why)

    def why(self, slug: str) -> str:
        said = sorted(self._said.get(slug, ()), key=lambda one: -one[0])
        return "；".join(dict.fromkeys(why for _, why in said[:_REASONS]))


def read_subject(
    title: str,
    *,
    body: str = "",
    column: str = "",
    given: str | None = None,
    doc_number: str | None = None,
) -> Subject:
    """Judge a notice.

    Args:
        title: as tidied.
        body: its text, of which the beginning counts.
        column: the column's name or ColumnType meta tag.
        given: the category that the operator set for the source; it wins.
        doc_number: a document number of its own speaks for a policy.
    """
    known = lexicon()
    sums = _Sums()
    _read_title(fold(title), sums, known)
    _read_column(column, sums, known)
    _read_body(fold(body[:_BODY_CHARS]), sums, known)
    if doc_number:
        sums.add("policy", _OWN_NUMBER, f"文号 {doc_number}")
    flags = _flags(title, sums, known)
    ranked = sorted(
        ((score, slug) for slug, score in sums.of.items() if score >= known.least),
        key=lambda one: (-one[0], known.slugs.index(one[1])),
    )
    best = ranked[0][0] if ranked else 0.0
    slugs = [slug for score, slug in ranked if score >= best * known.also][:_CATEGORIES]
    if given:
        slugs = [given, *(slug for slug in slugs if slug != given)]
    why = {slug: sums.why(slug) for slug in slugs}
    if given:
        why[given] = "；".join(filter(None, ("来源栏目设置", why[given])))
    if not slugs:
        slugs, why["other"] = ["other"], "无类别词"
    kind = known.kinds.get(slugs[0], Kind.OTHER)
    if (
        Flag.STATUS_CHANGE in flags
        and Flag.DRAFT not in flags
        and slugs[0] in {"policy", "notice", "other"}
    ):
        kind = Kind.POLICY
    return Subject(
        kind=kind,
        kind_why=why[slugs[0]],
        categories=tuple(Category(slug=slug, why=why[slug]) for slug in slugs),
        flags=flags,
    )


def _read_title(heading: str, sums: _Sums, known: Lexicon) -> None:
    told: dict[str, list[tuple[float, str]]] = {}
    for hit in known.hits(heading):
        for slug, weight in hit.gives.items():
            told.setdefault(slug, []).append((weight, f"标题第{hit.start + 1}字“{hit.phrase}”"))
    for slug, weights in told.items():
        for rank, (weight, why) in enumerate(sorted(weights, key=lambda one: -one[0])):
            sums.add(slug, weight / 2**rank, why)
    for where, text in _endings(heading):
        form = known.form(text)
        if form:
            for rule in form[1]:
                sums.rule(rule, f"{where}“{form[0]}”")
    for shape, rule in known.frames:
        found = shape.search(heading)
        if found:
            sums.rule(rule, f"标题句式{rule.name}“{shorten(found.group(), 20)}”")


def _endings(heading: str) -> Iterator[tuple[str, str]]:
    """Where a title says what the document is: its end, the end of what it carries, its head."""
    core = _BEHIND.sub("", heading)
    yield "标题末", core or heading
    shown = _SHOWN.sub("", core)
    if shown != core:
        yield "标题末", shown
    carried = _QUOTED.search(heading) if not core.endswith("》") else None
    if carried is None:
        carried = _CARRIED.search(core)
    if carried and carried.end(1) < len(core):
        yield "所印发文件末", _BEHIND.sub("", carried.group(1))
    headed = _HEADED.match(core)
    if headed:
        yield "标题首", headed.group(1)


def _read_column(column: str, sums: _Sums, known: Lexicon) -> None:
    place = fold(column)
    if not place:
        return
    for names, rule in known.columns:
        name = next((name for name in names if name in place), None)
        if name:
            sums.rule(rule, f"栏目“{name}”")


def _read_body(start: str, sums: _Sums, known: Lexicon) -> None:
    best: dict[str, tuple[float, str]] = {}
    for hit in known.hits(start):
        if len(hit.phrase) >= _BODY_PHRASE:
            for slug, weight in hit.gives.items():
                if weight > best.get(slug, (0.0, ""))[0]:
                    best[slug] = (weight, hit.phrase)
    for slug, (weight, phrase) in best.items():
        sums.add(slug, weight * known.body, f"正文“{phrase}”")


def _flags(title: str, sums: _Sums, known: Lexicon) -> tuple[Flag, ...]:
    flags: list[Flag] = []
    if _STATUS.search(title) and _DOCUMENT.search(title):
        flags.append(Flag.STATUS_CHANGE)
    if asked := _DRAFTS.search(title):
        flags.append(Flag.DRAFT)
        # What is only asked about is no policy in force.
        most = max(sums.of.get(slug, 0.0) for slug in ("policy", "application", "interpretation"))
        lack = max(most + 1.0, known.least) - sums.of.get("notice", 0.0)
        sums.add("notice", max(lack, 0.0), f"标题“{asked.group()}”")
    ours = max((sums.of.get(s, 0.0) for s in ("project", "land", "park", "application")), default=0)
    not_ours = any(word in title for word in known.exclude)
    strong = 4.0
    tender = sums.of.get("tender", 0.0) > max(ours, sums.of.get("policy", 0.0), strong - 1)
    if (not_ours and ours < strong) or tender:
        flags.append(Flag.EXCLUDED)
    return tuple(flags)
