"""A notice in the making: text and the facts it states, gathered side by side."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from quxun.country.dice import maybe
from quxun.country.model import (
    Amount,
    Area,
    Attachment,
    Basis,
    Block,
    Deadline,
    Division,
    Edit,
    Facts,
    Stub,
)
from quxun.country.places import PARKS, Atlas

NUMERALS = "一二三四五六七八九十"
MU = 2000 / 3
"""Square metres in one 亩."""
_WAN, _YI = 10_000, 100_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """A sentence or paragraph with the money, days and areas it names."""

    text: str
    amounts: tuple[tuple[int, Basis], ...] = ()
    deadlines: tuple[date, ...] = ()
    areas: tuple[float, ...] = ()


@dataclass(slots=True, kw_only=True)
class Draft:
    """Collects blocks and facts; ``facts`` gives them out when the text is finished."""

    stub: Stub
    atlas: Atlas
    region: Division
    rng: Random
    blocks: list[Block] = field(default_factory=list)
    amounts: list[Amount] = field(default_factory=list)
    deadlines: list[Deadline] = field(default_factory=list)
    areas: list[Area] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    cited: list[str] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    valid_from: date | None = None
    valid_until: date | None = None
    always_open: bool = False

    @property
    def posted_on(self) -> date:
        """The day the notice first stood anywhere."""
        return self.stub.posted_at.date()

    @property
    def signed_on(self) -> date:
        """The day it was signed."""
        return self.posted_on - timedelta(days=self.stub.lag_days)

    @property
    def deadline_shift(self) -> timedelta:
        """How far edits have moved the deadlines: 14 days each."""
        return timedelta(days=14 * self.stub.edits.count(Edit.DEADLINE))

    @property
    def amount_factor(self) -> int:
        """What edits have multiplied the leading amounts by."""
        return 1 + self.stub.edits.count(Edit.AMOUNT)

    def say(self, *clauses: Clause | str, style: str = "p", lead: str = "") -> None:
        """Add one paragraph made of clauses, and the facts they state."""
        parts = [c if isinstance(c, Clause) else Clause(text=c) for c in clauses]
        text = lead + "".join(part.text for part in parts)
        self.blocks.append(Block(style=style, text=text))
        for part in parts:
            for yuan, basis in part.amounts:
                self.amounts.append(Amount(yuan=yuan, basis=basis, sentence=text))
            for day in part.deadlines:
                self.deadlines.append(Deadline(day=day, sentence=text))
            for m2 in part.areas:
                self.areas.append(Area(m2=m2, sentence=text))

    def heading(self, number: int, text: str) -> None:
        """Add a numbered heading such as 一、总则."""
        self.blocks.append(Block(style="h", text=f"{NUMERALS[number - 1]}、{text}"))

    def table(self, rows: list[tuple[str, ...]]) -> None:
        """Add a table, its first row the head."""
        self.blocks.append(Block(style="table", text="", rows=tuple(rows)))

    def sign(self, issuer: str) -> None:
        """Add the signature: who and when."""
        self.blocks.append(Block(style="sign", text=issuer))
        self.blocks.append(Block(style="sign", text=long_day(self.signed_on)))

    def attach(self, name: str, suffix: str) -> None:
        """Add an attachment."""
        self.attachments.append(Attachment(name=name, suffix=suffix))

    def facts(self) -> Facts:
        """The facts gathered so far."""
        return Facts(
            amounts=tuple(self.amounts),
            deadlines=tuple(self.deadlines),
            areas=tuple(self.areas),
            stages=tuple(self.stages),
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            cited=tuple(self.cited),
            always_open=self.always_open,
        )

    def park(self) -> str:
        """A park of this region."""
        return f"{self.region.stem}{self.rng.choice(PARKS)}"


def long_day(day: date) -> str:
    """``2026年3月9日``."""
    return f"{day.year}年{day.month}月{day.day}日"


def money(yuan: int, rng: Random) -> str:
    """Write an amount as officials do: 元, 万元 or 亿元, sometimes with commas or a blank."""
    if yuan % (_YI // 10) == 0 and yuan >= _YI:
        number, unit = _plain(yuan / _YI), "亿元"
    elif yuan % 1000 == 0 and yuan >= _WAN:
        number, unit = _plain(yuan / _WAN), "万元"
    else:
        return f"{yuan}元"
    if yuan >= 1000 * _WAN and unit == "万元" and maybe(rng, 0.3):
        number = f"{yuan // _WAN:,}"
    return f"{number} {unit}" if maybe(rng, 0.08) else f"{number}{unit}"


def _plain(number: float) -> str:
    return f"{number:.4f}".rstrip("0").rstrip(".")
