"""Bodies of what is built and sold: projects, land, parks, promotion."""

from __future__ import annotations

from datetime import timedelta

from quxun.country.dice import maybe
from quxun.country.model import Amount, Area, Basis
from quxun.country.words import INDUSTRIES, NEWS_TAILS, RELATED_CITIES
from quxun.country.writing.clauses import WAN, YI, contact
from quxun.country.writing.draft import MU, Clause, Draft, long_day, money
from quxun.country.writing.heads import Head
from quxun.country.writing.offices import unit_of

_STAGES = ("签约", "开工", "投产", "落户", "试生产", "签约", "达产")


def _tail(draft: Draft) -> str:
    return draft.rng.choice(NEWS_TAILS).format(region=draft.region.name, park=draft.park())


def _day_word(draft: Draft) -> str:
    day = draft.posted_on - timedelta(days=draft.rng.randrange(3))
    return draft.rng.choice(
        (f"{day.month}月{day.day}日", f"{day.month}月{day.day}日上午", "日前", "近日")
    )


def project(draft: Draft, head: Head) -> None:
    """News of one project at one stage."""
    rng, region = draft.rng, draft.region
    tenths = rng.choice((12, 25, 32, 50, 68, 80, 105, 120, 150, 200, 268, 300, 520))
    total = tenths * YI // 10 * draft.amount_factor
    stage = _STAGES[head.form]
    draft.stages.append(stage)
    lead = {
        "签约": f"{_day_word(draft)}，{region.name}与{head.firm}举行{head.product}项目签约仪式。",
        "落户": f"{_day_word(draft)}，{head.firm}{head.product}基地项目正式落户{head.place}。",
        "开工": f"{_day_word(draft)}，由{head.firm}投资建设的{head.product}项目在{head.place}开工。",
        "投产": f"{_day_word(draft)}，{head.firm}{head.product}生产线在{head.place}正式投产。",
        "试生产": f"{_day_word(draft)}，{head.firm}{head.product}项目通过竣工验收，进入试生产阶段。",
        "达产": f"{_day_word(draft)}，{head.firm}{head.product}项目全面达产。",
    }[stage]
    draft.say(lead)
    mu = rng.choice((30, 50, 86, 120, 158, 200, 320))
    shape = rng.randrange(3)
    if shape == 0:
        invested = Clause(
            text=f"据了解，该项目总投资{money(total, rng)}，占地约{mu}亩，",
            amounts=((total, Basis.INVESTMENT),),
            areas=(mu * MU,),
        )
    elif shape == 1:
        fixed = total * 7 // 10
        invested = Clause(
            text=f"项目计划总投资{money(total, rng)}，其中固定资产投资{money(fixed, rng)}，用地{mu}亩，",
            amounts=((total, Basis.INVESTMENT), (fixed, Basis.INVESTMENT)),
            areas=(mu * MU,),
        )
    else:
        floor = rng.choice((2, 3, 5, 8, 12))
        invested = Clause(
            text=f"投资{money(total, rng)}的{head.product}项目规划建筑面积{floor}万平方米，",
            amounts=((total, Basis.INVESTMENT),),
            areas=(floor * 10_000.0,),
        )
    output = rng.choice((3, 5, 8, 10, 20, 30)) * YI
    verb = "可实现" if stage != "达产" else "预计实现"
    promised = Clause(
        text=f"全部建成后年产值{verb}{money(output, rng)}以上，带动就业约{rng.randrange(8, 90) * 10}人。",
        amounts=((output, Basis.OTHER),),
    )
    draft.say(invested, "主要建设生产车间、研发中心及配套设施，", promised)
    draft.say(
        f"{head.firm}是一家专注于{head.product}研发、生产和销售的企业，产品广泛应用于"
        f"{rng.choice(INDUSTRIES)}、{rng.choice(INDUSTRIES)}等领域。"
    )
    for _ in range(rng.randrange(1, 4)):
        draft.say(_tail(draft))
    draft.say(f"（{region.stem}融媒记者 演示）", style="note")


def aggregate(draft: Draft, head: Head) -> None:
    """Many projects at once: count and sum."""
    rng, region = draft.rng, draft.region
    total = int(head.noun) * YI
    verb = ("开工", "签约", "投产", "储备")[head.form]
    draft.stages.append(verb)
    draft.say(
        Clause(
            text=f"{_day_word(draft)}，{region.name}举行重点项目集中{verb}活动，"
            f"{head.count}个项目总投资{head.noun}亿元，",
            amounts=((total, Basis.AGGREGATE),),
        ),
        f"涵盖{rng.choice(INDUSTRIES)}、{rng.choice(INDUSTRIES)}、{rng.choice(INDUSTRIES)}等领域。",
    )
    big = rng.randrange(2, 6)
    share = total * rng.randrange(3, 7) // 10 // YI * YI
    draft.say(
        Clause(
            text=f"其中，投资10亿元以上项目{big}个，合计{money(share, rng)}；",
            amounts=((10 * YI, Basis.FLOOR), (share, Basis.AGGREGATE)),
        ),
        f"工业项目{head.count // 2}个，基础设施项目{head.count // 5}个。",
    )
    if maybe(rng, 0.5):
        rows: list[tuple[str, ...]] = [("序号", "项目名称", "建设内容", "所属领域")]
        rows += [
            (
                str(number),
                f"{draft.park()}{rng.choice('一二三')}期项目",
                rng.choice(("新建厂房及生产线", "改扩建", "配套道路及管网")),
                rng.choice(INDUSTRIES),
            )
            for number in range(1, rng.randrange(4, 9))
        ]
        draft.table(rows)
    for _ in range(rng.randrange(2, 4)):
        draft.say(_tail(draft))


def land(draft: Draft, head: Head) -> None:
    """A parcel on offer, or what it went for, with its table of figures."""
    rng, region = draft.rng, draft.region
    m2 = rng.randrange(90, 900) * 100
    price = rng.randrange(6, 90) * 50 * WAN * draft.amount_factor
    bond = price // 5
    code = f"{region.stem}-{draft.signed_on.year}-{draft.stub.id:04d}"
    use = rng.choice(("一类工业用地", "二类工业用地", "商服用地", "物流仓储用地"))
    verb = "成交" if head.form == 2 else "出让"  # noqa: PLR2004 - the third form tells of a sale
    draft.say(
        f"经{region.government}批准，{head.issuer}对位于{head.place}的1宗国有建设用地使用权"
        f"以挂牌方式{verb}。现将有关事项公告如下："
    )
    draft.heading(1, "地块基本情况")
    draft.table(
        [
            ("地块编号", "位置", "面积（㎡）", "用途", "容积率", "年限（年）", "起始价（万元）"),
            (code, head.place, str(m2), use, f"≥{rng.choice((12, 15, 20)) / 10}", "50",
             str(price // WAN)),
        ]
    )  # fmt: skip
    row = " ".join(draft.blocks[-1].rows[1])
    draft.areas.append(Area(m2=float(m2), sentence=row))
    draft.amounts.append(Amount(yuan=price, basis=Basis.OTHER, sentence=row))
    if verb == "成交":
        paid = price + rng.randrange(0, 20) * 10 * WAN
        draft.say(
            Clause(
                text=f"二、成交结果：竞得人为{rng.choice(('镕岳', '堃泰', '喆维'))}实业有限公司，"
                f"成交价{paid // WAN}万元。",
                amounts=((paid, Basis.OTHER),),
            )
        )
        draft.say(f"公示期自{long_day(draft.posted_on)}起10日。")
    else:
        last = draft.posted_on + timedelta(days=rng.randrange(20, 35)) + draft.deadline_shift
        draft.heading(2, "竞买申请")
        draft.say(
            Clause(
                text=f"竞买保证金为人民币{bond // WAN}万元。申请人可于{long_day(draft.posted_on)}至"
                f"{long_day(last)}16:00前提交书面申请，并缴纳竞买保证金。",
                amounts=((bond, Basis.OTHER),),
                deadlines=(last,),
            )
        )
        draft.say(
            "除法律另有规定外，中华人民共和国境内外的法人、自然人和其他组织均可申请参加竞买。"
        )
    draft.say(contact(draft, head.issuer))
    draft.sign(head.issuer)


def park(draft: Draft, head: Head) -> None:
    """Room to rent."""
    rng = draft.rng
    m2 = rng.randrange(8, 90) * 100
    price, upkeep = rng.choice((8, 10, 12, 15, 18)), rng.choice((1, 2))
    draft.say(
        f"{head.place}位于{draft.region.name}，交通便利、配套齐全，现有{head.count}号楼面向企业招商。"
    )
    draft.say(
        Clause(
            text=f"可租面积{m2}平方米，层高{rng.choice((4.5, 6, 7.8, 9))}米，"
            f"租金{price}元/平方米·月，物业费{upkeep}元/平方米·月。",
            amounts=((price, Basis.UNIT), (upkeep, Basis.UNIT)),
            areas=(float(m2),),
        )
    )
    draft.say(
        f"优先引入{rng.choice(INDUSTRIES)}、{rng.choice(INDUSTRIES)}类企业，"
        f"入驻企业可依规享受全{unit_of(draft.region)}统一的产业扶持政策。"
    )
    draft.say(_tail(draft))
    draft.say(contact(draft, head.place))


def promo(draft: Draft, head: Head) -> None:
    """A journey or a conference: no single project."""
    rng, region = draft.rng, draft.region
    draft.say(
        f"{_day_word(draft)}，{region.name}招商工作组在{head.place}围绕{head.industry}开展产业对接，"
        f"先后走访{rng.randrange(3, 9)}家企业和行业协会。"
    )
    draft.say(
        f"工作组介绍了{region.name}的区位交通、产业基础和营商环境，诚邀企业前来实地考察、投资兴业。"
    )
    draft.say(
        f"座谈中，双方就{head.industry}上下游配套、用地用能保障、人才招引等进行了深入交流，"
        f"并约定适时在{rng.choice((region.name, *RELATED_CITIES))}举行第二次会谈。"
    )
    for _ in range(rng.randrange(1, 3)):
        draft.say(_tail(draft))
