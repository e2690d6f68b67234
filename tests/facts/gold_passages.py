"""The gold set of passages, what a plain regex makes of them, and how answers are scored.

``gold.jsonl`` holds one passage a line, in our own words after the shapes of DOMAIN.md §5 and
§10 to §12: ``id``, ``text``, ``posted`` (a day, ``POSTED`` unless given) and the facts it holds
(``own``, ``cited``, ``registry``, ``amounts`` as yuan and basis, ``deadlines``, ``from``,
``until``, ``areas`` in square metres, ``stages``, ``contacts``). What is not listed is not there.
A passage whose id begins with ``x-`` tempts into a fact that it does not hold.

Odd numbers are the half that rules are tuned on, even ones the other: look at its totals only.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path

from aggregator.normalise import read_facts

POSTED = date(2025, 8, 13)
FIELDS = (
    "doc_numbers", "registry_numbers", "amounts", "deadlines", "validity", "areas", "stages", "contacts",
)  # fmt: skip
HALVES = ("tuned", "other")
#: What is read from a passage: for each field a bag of values that compare equal when right.
Answer = dict[str, Counter[object]]


@dataclass(frozen=True)
class Passage:
    """One passage and what it holds."""

    id: str
    text: str
    posted: date
    holds: Answer

    @property
    def half(self) -> str:
        """The half that the passage belongs to, once for all."""
        return HALVES[1 - int(self.id.rpartition("-")[2]) % 2]

    @property
    def tempts(self) -> bool:
        """Whether the passage tempts into a fact that it does not hold."""
        return self.id.startswith("x-")


@dataclass
class Score:
    """How many values were right, given and wanted; and how many tempters were left clean."""

    right: Counter[str] = field(default_factory=Counter)
    given: Counter[str] = field(default_factory=Counter)
    wanted: Counter[str] = field(default_factory=Counter)
    tempters: int = 0
    clean: int = 0
    wrong: dict[str, list[str]] = field(default_factory=dict)

    def f1(self, name: str) -> float:
        """Harmonic mean of precision and recall of a field."""
        return 2 * self.right[name] / max(self.given[name] + self.wanted[name], 1)

    def figures(self) -> dict[str, float]:
        """F1 of each field, and the share of tempters left clean."""
        return {name: self.f1(name) for name in FIELDS} | {"tempters": self.clean / self.tempters}


def passages() -> list[Passage]:
    """The gold set, in its order."""
    lines = Path(__file__).with_name("gold.jsonl").read_text(encoding="utf-8").splitlines()
    return [_passage(json.loads(line)) for line in lines]


def _passage(row: dict) -> Passage:
    posted = date.fromisoformat(row["posted"]) if "posted" in row else POSTED
    holds = _answer(
        doc_numbers=((n, role) for role in ("own", "cited") for n in row.get(role, ())),
        registry_numbers=row.get("registry", ()),
        amounts=((float(yuan), basis) for yuan, basis in row.get("amounts", ())),
        deadlines=set(row.get("deadlines", ())),
        validity=((role, row[role]) for role in ("from", "until") if role in row),
        areas=(round(area) for area in row.get("areas", ())),
        stages=row.get("stages", ()),
        contacts=row.get("contacts", ()),
    )
    return Passage(row["id"], row["text"], posted, holds)


def _answer(**values: Iterable[object]) -> Answer:
    return {name: Counter(found) for name, found in values.items()}


def ours(text: str, posted: date) -> Answer:
    """What ``quxun facts`` reads, by the function behind it."""
    facts = read_facts(text, posted=posted)
    return _answer(
        doc_numbers=((one.value, one.role) for one in facts.doc_numbers),
        registry_numbers=(one.value for one in facts.registry_numbers),
        amounts=((one.yuan, one.basis) for one in facts.amounts if one.yuan is not None),
        deadlines={one.value.isoformat() for one in facts.deadlines},
        validity=((one.role, one.value) for one in facts.validity),
        areas=(round(one.number or 0) for one in facts.areas),
        stages=(one.value for one in facts.stages),
        contacts=(one.value for one in facts.contacts),
    )


@cache
def score(read: Callable[[str, date], Answer], half: str) -> Score:
    """Score a reader on one half."""
    total = Score()
    for passage in passages():
        if passage.half != half:
            continue
        got = read(passage.text, passage.posted)
        for name in FIELDS:
            want, have = passage.holds[name], got[name]
            total.right[name] += (want & have).total()
            total.given[name] += have.total()
            total.wanted[name] += want.total()
            if want != have:
                said = f"{name}: {sorted(map(str, want - have))} missed, {sorted(map(str, have - want))} false"
                total.wrong.setdefault(passage.id, []).append(said)
        if passage.tempts:
            total.tempters += 1
            total.clean += not any(got[name] - passage.holds[name] for name in FIELDS)
    return total


_NUMBER = re.compile(r"([\u4e00-\u9fff]{2,10})[〔\[（(【]((?:19|20)\d{2})[〕\]）)】]第?(\d+)号")
_MONEY = re.compile(r"(\d+(?:\.\d+)?)(亿|万)?元")
_DAY = re.compile(
    r"(?:[至到-]|(?=\d{1,4}[年月][^。]{0,8}[前止]))(?:(20\d{2})年)?(\d{1,2})月(\d{1,2})日"
)
_FROM = re.compile(r"自(20\d{2})年(\d{1,2})月(\d{1,2})日起(?:施行|实施|执行)")
_UNTIL = re.compile(r"有效期至(20\d{2})年(\d{1,2})月(\d{1,2})日")
_AREA = re.compile(r"(\d+(?:\.\d+)?)(万?)(亩|平方米|公顷)")
_STAGES = ("签约", "落户", "备案", "核准", "开工", "在建", "竣工", "投产", "达产")
_PHONE = re.compile(r"(?:0\d{2,3}-)?\d{7,8}")
_TIMES = {"亿": 1e8, "万": 1e4, "": 1.0}
_M2 = {"亩": 10_000 / 15, "平方米": 1.0, "公顷": 1e4}


def plain(text: str, posted: date) -> Answer:
    """What a plain regex for each field reads: the level to leave behind."""
    cap = bool(re.search("最高|不超过", text))
    numbers = [
        (f"{m[1]}〔{m[2]}〕{m[3]}号", "own" if m.start() < 60 else "cited")
        for m in _NUMBER.finditer(text)
    ]
    validity = [
        (role, _iso(m[1], m[2], m[3]))
        for role, pattern in (("from", _FROM), ("until", _UNTIL))
        for m in pattern.finditer(text)
    ]
    areas = [
        round(float(n) * (1e4 if wan else 1) * _M2[unit]) for n, wan, unit in _AREA.findall(text)
    ]
    return _answer(
        doc_numbers=numbers,
        registry_numbers=re.findall(r"[A-Z]{3,6}-\d{4}-\d+", text),
        amounts=[
            (float(n) * _TIMES[unit], "cap" if cap else "fixed") for n, unit in _MONEY.findall(text)
        ],
        deadlines={_iso(y or str(posted.year), m, d) for y, m, d in _DAY.findall(text)},
        validity=validity,
        areas=areas,
        stages=(stage for stage in _STAGES if stage in text),
        contacts=_PHONE.findall(text),
    )


def _iso(year: str, month: str, day: str) -> str:
    return f"{year}-{int(month):02}-{int(day):02}"
