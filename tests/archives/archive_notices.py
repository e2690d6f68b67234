"""What notices say: every field that a feed prints or a filter asks for, at random."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b

from aggregator import cluster, divisions
from aggregator.model import (
    Amount,
    Attachment,
    Authority,
    Category,
    Deadline,
    Draft,
    Facts,
    Flag,
    Kind,
    Precision,
    Region,
)

REGIONS = ("500116", "500157", "500000", "320505", "330106", "Z50011601")
KINDS = {
    Kind.POLICY: ("policy", "application", "interpretation", "talent"),
    Kind.PROJECT: ("project", "land", "park", "promo"),
    Kind.OTHER: ("notice", "other", "tender"),
}
WORDS = ("储能", "氢能", "人才", "厂房", "设备", "技改", "外贸", "算力", "标准地", "种业")
FORMS = ("若干措施", "申报通知", "实施细则", "公告", "解读", "签约", "出让结果")
ODD = ("", "", "", "<试行>", "“修订”", "A&B", "😀", "\u202e倒", "]]>", " 　空 ")
AUTHORITIES = (Authority.OFFICIAL, Authority.MEDIA, Authority.COMMERCIAL)


@dataclass(kw_only=True)
class Author:
    """Writes drafts, and changes them; ``extractor`` is the version that reads them."""

    time: list[datetime]
    seed: int
    extractor: int = 1
    _numbers: int = 0

    def __post_init__(self) -> None:
        self.pick = random.Random(self.seed)

    @property
    def now(self) -> datetime:
        """The present moment."""
        return self.time[0]

    def _draft(self, portal: int) -> Draft:
        number = self._next()
        word, form = self.pick.choice(WORDS), self.pick.choice(FORMS)
        kind = self.pick.choice(list(KINDS))
        slugs = self.pick.sample(KINDS[kind], self.pick.choice((1, 1, 2)))
        title = f"关于{word}{self.pick.choice(ODD)}第{number}号{form}"
        return keyed(
            Draft(
                title=title,
                url=self._url(portal),
                posted_at=self._posted(),
                date_precision=self.pick.choice((Precision.DAY, Precision.MINUTE)),
                issuer=self.pick.choice((None, "区发改局", "市经信局")),
                regions=tuple(
                    divisions.region(code)
                    for code in self.pick.sample(REGIONS, self.pick.choice((0, 1, 1, 2)))
                ),
                kind=kind,
                categories=tuple(Category(slug=slug, why="试") for slug in slugs),
                authority=self._authority(portal),
                summary=f"第{number}号摘要。",
                body_html=f"<p>{self._body(number)}</p>",
                body_text=self._body(number),
                facts=self._facts(),
                flags=(Flag.EXCLUDED,) if "tender" in slugs or self.pick.random() < 0.05 else (),
                extractor=self.extractor,
            )
        )

    def _edited(self, draft: Draft) -> Draft:
        number = self._next()
        change: dict[str, object] = self.pick.choice([
            {"body_text": self._body(number), "body_html": f"<p>{self._body(number)}</p>"},
            {"title": f"{draft.title}（更正{number}）"},
            {"facts": self._facts()},
            {"attachments": (Attachment(name=f"附件{number}.doc", url=f"http://f.example/{number}"),)},
            {"summary": f"摘要{number}。"},
            {"posted_at": self._posted()},
            {"flags": () if draft.flags else (Flag.EXCLUDED,)},
            {},
        ])  # fmt: skip
        changed = replace(draft, **change)
        return keyed(self._refiled(changed) if self.pick.random() < 0.4 else changed)

    def _refiled(self, draft: Draft) -> Draft:
        kind = self.pick.choice(list(KINDS))
        slugs = self.pick.sample(KINDS[kind], 1)
        region: tuple[Region, ...] = (divisions.region(self.pick.choice(REGIONS)),)
        change: dict[str, object] = self.pick.choice([
            {"regions": region}, {"regions": ()},
            {"kind": kind, "categories": (Category(slug=slugs[0], why="读"),)},
            {"kind": kind, "categories": (Category(slug=slugs[0], why="读"),), "regions": region},
            {"flags": () if draft.flags else (Flag.EXCLUDED,)},
            {"facts": self._facts()}, {"issuer": f"局{self._next()}"},
            {"body_text": f"{draft.body_text}{self.pick.choice(WORDS)}。"},
        ])  # fmt: skip
        return keyed(replace(draft, **change))

    def moved(self, draft: Draft, regions: tuple[Region, ...]) -> Draft:
        """The same notice, filed under other regions."""
        return keyed(replace(draft, regions=regions, flags=()))

    def _facts(self) -> Facts:
        yuan = float(self.pick.choice((0, 50, 500, 2_000)) * 10_000)
        amounts = (Amount(value=yuan, yuan=yuan, basis="cap", unit="元", sentence="最高"),)
        days = self.pick.choice((None, 3, 40, 400))
        due = (self.now + timedelta(days=days or 0)).date()
        return Facts(
            amounts=amounts if yuan else (),
            deadlines=(Deadline(value=due, sentence="截止"),) if days else (),
        )

    def _body(self, number: int) -> str:
        words = "，".join(self.pick.choice(WORDS) + self.pick.choice(WORDS) for _ in range(30))
        return f"第{number}条，{words}。"

    def _posted(self) -> datetime | None:
        """Today, late, years late, to come, or not said."""
        days = self.pick.choice((None, 0, 0, 0, 1, 3, 20, 400, 2_000, -9))
        if days is None:
            return None
        return self.now.replace(microsecond=0) - timedelta(days=days)

    def _authority(self, portal: int) -> Authority:
        return AUTHORITIES[max(0, portal - 4)]

    def _url(self, portal: int) -> str:
        return f"http://p{portal}.example/{self._next()}.html"

    def _next(self) -> int:
        self._numbers += 1
        return self._numbers


#: Every category, ``tender`` among them: asks for what is left out otherwise, too.
ALL = tuple(slug for slugs in KINDS.values() for slug in slugs)


def keyed(draft: Draft) -> Draft:
    """A draft with the marks that normalising leaves on it."""
    substance = repr((draft.title, draft.body_text, draft.attachments, draft.facts.deadlines))
    return replace(
        draft,
        title_key=cluster.title_key(draft.title),
        body_hash=blake2b(draft.body_text.encode(), digest_size=8).hexdigest(),
        substance_hash=blake2b(substance.encode(), digest_size=8).hexdigest(),
    )
