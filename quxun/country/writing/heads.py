"""Titles, issuers and numbers: what a list shows of a notice, cheap to know without its body.

A title is unique by construction: the ordinal of a notice among those of its nature is taken
apart into words, a bijection, and the title prints all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from quxun.country.dice import dice, maybe, picks, shuffled_index
from quxun.country.model import Division, Edit, Nature, Stub
from quxun.country.places import PARKS, TOWNS, Atlas
from quxun.country.words import (
    ASPECTS,
    FIRM_ENDS,
    FIRM_HEADS,
    FIRM_TAILS,
    INDUSTRIES,
    PRODUCTS,
    RELATED_CITIES,
)
from quxun.country.writing.offices import firm_name, issuer_of, sign_of

SEASONS = ("第一批", "第二批", "第三批", "上半年", "下半年")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What stands above a body. ``form`` picks among the shapes of a nature."""

    title: str
    issuer: str
    inner: str = ""
    doc_number: str | None = None
    registry_number: str | None = None
    industry: str = ""
    aspect: str = ""
    firm: str = ""
    product: str = ""
    place: str = ""
    noun: str = ""
    count: int = 0
    form: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """What a head is made from."""

    stub: Stub
    atlas: Atlas
    region: Division
    rng: Random

    @property
    def signed_on(self) -> date:
        return self.stub.posted_at.date() - timedelta(days=self.stub.lag_days)

    def pick(self, *sizes: int) -> tuple[int, ...]:
        """Indices for this ordinal; the last one counts the rounds through the whole space."""
        space = 1
        for size in sizes:
            space *= size
        rounds, place = divmod(self.stub.ordinal, space)
        turn = self.atlas.seed + 31 * sum(map(ord, self.stub.nature))
        return (*picks(shuffled_index(place, space, turn), sizes), rounds)


def head_of(stub: Stub, atlas: Atlas) -> Head:
    """The head of a notice; the same stub gives the same head."""
    region = atlas.by_code[stub.region_code]
    desk = _Desk(stub=stub, atlas=atlas, region=region, rng=dice(atlas.seed, "head", stub.id))
    head = _HEADS[stub.nature](desk)
    if Edit.TITLE in stub.edits:
        mark = (
            f"（更新{'' if stub.edits.count(Edit.TITLE) == 1 else stub.edits.count(Edit.TITLE)}）"
        )
        fields = {name: getattr(head, name) for name in Head.__slots__}
        head = Head(**{**fields, "title": head.title + mark})
    return head


def _number(desk: _Desk, series: str) -> str:
    sign = sign_of(desk.region, desk.stub.bureau, desk.atlas, series)
    return f"{sign}〔{desk.signed_on.year}〕{desk.stub.doc_seq}号"


def _again(rounds: int) -> str:
    return f"（第{rounds + 1}次）" if rounds else ""


def _policy(desk: _Desk) -> Head:
    forms = 8
    i, a, form, rounds = desk.pick(len(INDUSTRIES), len(ASPECTS), forms)
    region, industry, aspect = desk.region.name, INDUSTRIES[i], ASPECTS[a]
    inner, noun = (
        (f"{region}支持{industry}{aspect}若干措施", "措施"),
        (f"{region}促进{industry}{aspect}实施办法（试行）", "办法"),
        (f"{region}{industry}{aspect}专项资金管理办法", "办法"),
        (f"关于加快推进{industry}{aspect}的实施意见", "意见"),
        (f"{region}{industry}{aspect}三年行动方案", "方案"),
        (f"{region}鼓励{industry}{aspect}若干政策", "政策"),
        (f"{region}{industry}{aspect}奖补实施细则", "细则"),
        (f"{region}推动{industry}{aspect}工作方案", "方案"),
    )[form]
    inner += _again(rounds)
    issuer = issuer_of(desk.region, desk.stub.bureau)
    shape = desk.rng.randrange(3)
    if form == 3:  # noqa: PLR2004 - an opinion is issued under its own title
        title = f"{issuer}{inner}"
    elif shape == 0:
        title = f"{issuer}关于印发《{inner}》的通知"
    elif shape == 1:
        title = f"{issuer}关于印发{inner}的通知"
    else:
        title = f"关于印发《{inner}》的通知"
    series = "规" if maybe(desk.rng, 0.3) else "发"
    registry = None
    if series == "规":
        city = desk.atlas.city_of(desk.region.code)
        letters = "".join("ABCDEFGHJKLMNPQRSTUVWXYZ"[ord(c) % 24] for c in city.stem)
        registry = f"{letters}{desk.region.code[-4:]}-{desk.signed_on.year}-{desk.stub.id}"
    return Head(
        title=title,
        inner=inner,
        issuer=issuer,
        doc_number=_number(desk, series),
        registry_number=registry,
        industry=industry,
        aspect=aspect,
        noun=noun,
        form=form,
    )


def _application(desk: _Desk) -> Head:
    i, a, form, s, rounds = desk.pick(len(INDUSTRIES), len(ASPECTS), 7, len(SEASONS))
    industry, aspect, season = INDUSTRIES[i], ASPECTS[a], SEASONS[s]
    issuer, year = issuer_of(desk.region, desk.stub.bureau), desk.stub.posted_at.year
    who = (issuer, "", "", desk.region.name)[desk.rng.randrange(4)]
    title = (
        f"{who}关于组织开展{year}年{season}{industry}{aspect}项目申报工作的通知",
        f"{who}关于申报{year}年度{industry}{aspect}专项资金（{season}）的通知",
        f"{who}关于征集{industry}{aspect}重点项目（{season}）的通知",
        f"{who}关于做好{year}年{season}{industry}{aspect}政策兑现工作的通知",
        f"{who}关于开展{year}年{season}{industry}{aspect}示范企业认定的通知",
        f"{industry}{aspect}资金免申即享兑现公告（{year}年{season}）",
        f"{year}年{season}{industry}{aspect}扶持资金申报指南",
    )[form] + _again(rounds)
    numbered = form in (0, 3, 4) or maybe(desk.rng, 0.3)
    return Head(
        title=title,
        issuer=issuer,
        doc_number=_number(desk, "函" if form == 2 else "发") if numbered else None,  # noqa: PLR2004
        industry=industry,
        aspect=aspect,
        form=form,
    )


def _interpretation(desk: _Desk) -> Head:
    policy = desk.stub.related
    if policy is None:
        i, a, form, rounds = desk.pick(len(INDUSTRIES), len(ASPECTS), 5)
        about = f"{desk.region.name}{INDUSTRIES[i]}{ASPECTS[a]}扶持政策" + _again(rounds)
        industry, aspect = INDUSTRIES[i], ASPECTS[a]
    else:
        head = head_of(policy, desk.atlas)
        about, industry, aspect = head.inner, head.industry, head.aspect
        form = desk.rng.randrange(5)
    title = (
        f"《{about}》政策解读",
        f"一图读懂：{about}",
        f"关于《{about}》的解读",
        f"【图解】{about}",
        f"《{about}》政策问答",
    )[form]
    return Head(
        title=title,
        inner=about,
        issuer=issuer_of(desk.region, desk.stub.bureau),
        industry=industry,
        aspect=aspect,
        form=form,
    )


def _status(desk: _Desk) -> Head:
    i, a, form, rounds = desk.pick(len(INDUSTRIES), len(ASPECTS), 3)
    issuer = issuer_of(desk.region, desk.stub.bureau)
    about = f"{desk.region.name}支持{INDUSTRIES[i]}{ASPECTS[a]}暂行规定" + _again(rounds)
    title = (
        f"{issuer}关于废止《{about}》的决定",
        f"{issuer}关于延续实施《{about}》有关事项的通知",
        f"{issuer}关于修改《{about}》的通知",
    )[form]
    return Head(
        title=title, inner=about, issuer=issuer, doc_number=_number(desk, "发"), form=form,
        industry=INDUSTRIES[i], aspect=ASPECTS[a],
    )  # fmt: skip


def _project(desk: _Desk) -> Head:
    f, p, t, e, form, rounds = desk.pick(
        len(FIRM_HEADS), len(PRODUCTS), len(FIRM_TAILS), len(FIRM_ENDS), 7
    )
    firm, product, region = firm_name(f, t, e), PRODUCTS[p], desk.region
    place = f"{region.stem}{PARKS[(f + p) % len(PARKS)]}"
    title = (
        f"{firm}{product}项目签约落户{region.name}",
        f"{region.name}：{firm}{product}项目正式开工建设",
        f"{firm}{product}生产线在{place}投产",
        f"{place}再添新项目 {firm}{product}基地落户",
        f"{region.name}{firm}{product}项目竣工试生产",
        f"{region.name}与{firm}签订{product}项目投资协议",
        f"{firm}{product}项目达产 {region.stem}产业版图再扩容",
    )[form] + _again(rounds)
    return Head(
        title=title, issuer=issuer_of(region, desk.stub.bureau), firm=firm, product=product,
        place=place, form=form,
    )  # fmt: skip


def _aggregate(desk: _Desk) -> Head:
    count, yi, form, rounds = desk.pick(90, 400, 4)
    region, when = desk.region.name, desk.stub.posted_at
    quarter = "一二三四"[(when.month - 1) // 3]
    number, total = count + 9, yi + 60
    title = (
        f"{region}{when.year}年{quarter}季度{number}个重点项目集中开工 总投资{total}亿元",
        f"{number}个项目集中签约{region} 协议总投资{total}亿元",
        f"{region}{number}个重大项目集中投产 总投资{total}亿元",
        f"{region}公布{when.year}年重点项目清单：{number}个项目总投资{total}亿元",
    )[form] + _again(rounds)
    return Head(
        title=title, issuer=issuer_of(region=desk.region, bureau=1), count=number, form=form,
        noun=str(total),
    )  # fmt: skip


def _land(desk: _Desk) -> Head:
    region, year = desk.region, desk.signed_on.year
    form = desk.stub.ordinal % 3
    number = f"{region.stem}自然资告字〔{year}〕{desk.stub.id}号"
    title = (
        f"{region.name}国有建设用地使用权挂牌出让公告（{number}）",
        f"{region.name}工业“标准地”挂牌出让公告（{number}）",
        f"{region.name}国有土地使用权成交公示（{number}）",
    )[form]
    return Head(
        title=title, issuer=issuer_of(region, 10), doc_number=number, form=form,
        place=TOWNS[desk.rng.randrange(len(TOWNS))],
    )  # fmt: skip


def _park(desk: _Desk) -> Head:
    p, t, number, form, rounds = desk.pick(len(PARKS), len(TOWNS), 40, 3)
    place = f"{desk.region.stem}{PARKS[p]}"
    title = (
        f"{place}{TOWNS[t]}片区{number + 1}号标准厂房招租公告",
        f"{place}（{TOWNS[t]}）{number + 1}号楼定制厂房面向企业招商",
        f"{place}{TOWNS[t]}组团{number + 1}号孵化楼入驻指引",
    )[form] + _again(rounds)
    return Head(
        title=title, issuer=desk.region.government, place=place, count=number + 1, form=form
    )


def _promo(desk: _Desk) -> Head:
    c, i, form, a, rounds = desk.pick(len(RELATED_CITIES), len(INDUSTRIES), 4, len(ASPECTS))
    city, industry, region = RELATED_CITIES[c], INDUSTRIES[i], desk.region
    when = desk.stub.posted_at
    title = (
        f"{region.name}赴{city}开展{industry}{ASPECTS[a]}招商考察",
        f"{region.name}{industry}{ASPECTS[a]}专题推介会在{city}举行",
        f"{city}{industry}企业家代表团到{region.name}洽谈{ASPECTS[a]}合作",
        f"{when.month}月{region.name}在{city}举办{industry}{ASPECTS[a]}产业招商恳谈会",
    )[form] + _again(rounds)
    return Head(title=title, issuer=issuer_of(region, 9), industry=industry, place=city, form=form)


def _notice(desk: _Desk) -> Head:
    i, a, form, s, rounds = desk.pick(len(INDUSTRIES), len(ASPECTS), 4, len(SEASONS))
    year, issuer = desk.stub.posted_at.year, issuer_of(desk.region, desk.stub.bureau)
    what = f"{year}年{SEASONS[s]}{INDUSTRIES[i]}{ASPECTS[a]}"
    title = (
        f"关于{what}专项资金拟支持项目名单的公示",
        f"{what}政策拟兑现企业公示",
        f"{issuer}关于{what}示范单位拟认定名单的公告",
        f"关于{what}项目评审结果的公示",
    )[form] + _again(rounds)
    return Head(title=title, issuer=issuer, industry=INDUSTRIES[i], aspect=ASPECTS[a], form=form)


def _draft(desk: _Desk) -> Head:
    i, a, form, rounds = desk.pick(len(INDUSTRIES), len(ASPECTS), 2)
    inner = f"{desk.region.name}扶持{INDUSTRIES[i]}{ASPECTS[a]}办法（征求意见稿）" + _again(rounds)
    title = (f"关于公开征求《{inner}》意见的公告", f"《{inner}》公开征求意见")[form]
    return Head(
        title=title, inner=inner, issuer=issuer_of(desk.region, desk.stub.bureau),
        industry=INDUSTRIES[i], aspect=ASPECTS[a],
    )  # fmt: skip


def _plain(*shapes: str) -> Callable[[_Desk], Head]:
    """Heads of natures that need few words; every shape prints industry, town, number and year."""

    def make(desk: _Desk) -> Head:
        form, i, t, number, rounds = desk.pick(len(shapes), len(INDUSTRIES), len(TOWNS), 60)
        title = shapes[form].format(
            region=desk.region.name,
            stem=desk.region.stem,
            industry=INDUSTRIES[i],
            town=TOWNS[t],
            number=number + 1,
            year=desk.stub.posted_at.year,
        ) + _again(rounds)
        return Head(
            title=title, issuer=issuer_of(desk.region, desk.stub.bureau), form=form,
            industry=INDUSTRIES[i], place=TOWNS[t], count=number + 1,
        )  # fmt: skip

    return make


_HEADS: dict[Nature, Callable[[_Desk], Head]] = {
    Nature.POLICY: _policy,
    Nature.APPLICATION: _application,
    Nature.INTERPRETATION: _interpretation,
    Nature.STATUS: _status,
    Nature.PROJECT: _project,
    Nature.AGGREGATE: _aggregate,
    Nature.LAND: _land,
    Nature.PARK: _park,
    Nature.PROMO: _promo,
    Nature.NOTICE: _notice,
    Nature.DRAFT: _draft,
    Nature.GUIDE: _plain(
        "{region}{industry}企业开办流程指南（{town}服务点{number}版）",
        "在{stem}投资{industry}注册公司一次办成操作指南（{town}第{number}期）",
        "{region}外商投资{industry}办事流程（{town}，{number}）",
    ),
    Nature.TENDER: _plain(
        "{region}{town}{industry}展示中心装修工程招标公告（第{number}标段）",
        "{town}{industry}检测设备采购项目中标公告（{year}-{number}）",
        "{region}{industry}规划编制服务竞争性磋商公告（{town}{number}包）",
    ),
    Nature.RECRUITMENT: _plain(
        "{region}{town}公开招聘{industry}服务专员{number}名公告",
        "{year}年{region}{town}事业单位考核招聘{industry}专业人员公告（{number}号）",
    ),
    Nature.PERSONNEL: _plain(
        "{region}{town}关于{industry}专班{number}名干部任免的通知",
        "{region}拟任职干部任前公示（{town}，{industry}，{number}号）",
    ),
    Nature.PENALTY: _plain(
        "{town}{industry}企业行政处罚信息公示（{year}年第{number}期）",
        "{region}{industry}领域行政处罚决定书送达公告（{town}〔{number}〕）",
    ),
    Nature.BUDGET: _plain(
        "{region}{town}{industry}服务中心{year}年部门预算公开（{number}）",
        "{town}{industry}项目{year}年政府信息公开工作年度报告（{number}）",
    ),
    Nature.ROUTINE: _plain(
        "{town}党委理论学习中心组开展第{number}次{industry}专题学习",
        "{region}领导到{town}走访慰问{industry}一线职工（{number}）",
        "{town}召开{industry}安全生产例会第{number}次会议",
    ),
}
