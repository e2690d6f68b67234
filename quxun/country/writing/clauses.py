"""Sentences with figures in them: what is paid, until when, how long it holds."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from quxun.country.dice import maybe
from quxun.country.model import Basis
from quxun.country.writing.draft import Clause, Draft, long_day, money

WAN = 10_000
YI = 100_000_000
_SMALL = (5, 8, 10, 15, 20, 30, 50)
_MIDDLE = (50, 80, 100, 150, 200, 300, 500)
_LARGE = (300, 500, 800, 1000, 1500, 2000, 3000)


def support(draft: Draft) -> Clause:
    """One measure of support, in one of a dozen shapes."""
    return draft.rng.choice(_SUPPORTS)(draft.rng, draft.amount_factor)


def _first_honour(rng: Random, factor: int) -> Clause:
    yuan = rng.choice(_MIDDLE) * WAN * factor
    honour = rng.choice(
        ("专精特新“小巨人”企业", "制造业单项冠军", "绿色工厂", "企业技术中心", "高新技术企业")
    )
    text = f"对首次认定的国家级{honour}，给予一次性奖励{money(yuan, rng)}。"
    return Clause(text=text, amounts=((yuan, Basis.FIXED),))


def _equipment(rng: Random, factor: int) -> Clause:
    cap = rng.choice(_LARGE) * WAN * factor
    text = (
        f"按设备实际投资额的{rng.choice((5, 8, 10, 12, 15, 20))}%给予补助，"
        f"单个项目最高不超过{money(cap, rng)}。"
    )
    return Clause(text=text, amounts=((cap, Basis.CAP),))


def _ladder(rng: Random, factor: int) -> Clause:
    steps = rng.choice(((1, 5, 10), (5, 10, 20), (10, 50, 100)))
    pays = [
        pay * WAN * factor for pay in rng.choice(((20, 50, 100), (30, 60, 120), (50, 100, 200)))
    ]
    floors = "、".join(money(step * YI, Random(0)) for step in steps)
    prizes = "、".join(f"{pay // WAN}万元" for pay in pays)
    text = f"对年营业收入首次突破{floors}的企业，分别给予{prizes}奖励。"
    return Clause(
        text=text,
        amounts=(
            *((step * YI, Basis.FLOOR) for step in steps),
            *((pay, Basis.FIXED) for pay in pays),
        ),
    )


def _per_head(rng: Random, factor: int) -> Clause:
    yuan = rng.choice(_SMALL) * WAN * factor
    text = f"对新升规企业，每家补助{money(yuan, rng)}，所需资金由同级财政承担。"
    return Clause(text=text, amounts=((yuan, Basis.UNIT),))


def _rent(rng: Random, factor: int) -> Clause:
    price = rng.choice((5, 6, 8, 10, 12)) * factor
    cap = rng.choice(_SMALL) * WAN
    text = (
        f"对租用标准厂房的企业，按每平方米每月{price}元给予租金补贴，"
        f"每年最高不超过{money(cap, rng)}，补贴期限不超过{rng.choice('两三')}年。"
    )
    return Clause(text=text, amounts=((price, Basis.UNIT), (cap, Basis.CAP)))


def _interest(rng: Random, factor: int) -> Clause:
    cap = rng.choice(_MIDDLE) * WAN * factor
    text = (
        f"对企业用于扩大生产的贷款，按照同期贷款市场报价利率的{rng.choice((30, 40, 50))}%"
        f"予以贴息，最高给予{money(cap, rng)}。"
    )
    return Clause(text=text, amounts=((cap, Basis.CAP),))


def _big_project(rng: Random, factor: int) -> Clause:
    floor = rng.choice((1, 2, 3, 5, 10)) * YI
    cap = rng.choice(_LARGE) * WAN * factor
    text = (
        f"对固定资产投资{money(floor, rng)}以上的产业项目，按固定资产投资的"
        f"{rng.choice((1, 2, 3, 5))}%给予奖励，最高{money(cap, rng)}。"
    )
    return Clause(text=text, amounts=((floor, Basis.FLOOR), (cap, Basis.CAP)))


def _rate_only(rng: Random, factor: int) -> Clause:
    text = (
        f"对开展融资担保业务的机构，按担保发生额的{rng.choice((2, 3, 5))}‰给予补助，"
        f"补助资金纳入年度预算{'统筹' if factor == 1 else '优先'}安排。"
    )
    return Clause(text=text)


def _fair(rng: Random, factor: int) -> Clause:
    each = rng.choice((1, 2, 3, 5)) * WAN * factor
    cap = rng.choice((10, 15, 20, 30)) * WAN
    text = (
        f"支持企业参加境内外专业展会，每个标准展位补助{money(each, rng)}，"
        f"同一企业全年累计不超过{money(cap, rng)}。"
    )
    return Clause(text=text, amounts=((each, Basis.UNIT), (cap, Basis.CAP)))


def _talent(rng: Random, factor: int) -> Clause:
    low, high = rng.choice(((30, 100), (50, 200), (100, 500)))
    text = f"对引进的高层次创新创业团队，给予{low * factor}万元至{high * factor}万元项目启动资金。"
    return Clause(
        text=text,
        amounts=((low * WAN * factor, Basis.FLOOR), (high * WAN * factor, Basis.CAP)),
    )


def _fund(rng: Random, factor: int) -> Clause:
    total = rng.choice((5000, 8000, 10000, 20000, 30000)) * WAN * factor
    text = f"统筹设立产业发展专项资金，首期规模{money(total, rng)}，重点支持链主企业和关键项目。"
    return Clause(text=text, amounts=((total, Basis.AGGREGATE),))


_SUPPORTS = (
    _first_honour,
    _equipment,
    _equipment,
    _ladder,
    _per_head,
    _rent,
    _interest,
    _big_project,
    _rate_only,
    _fair,
    _talent,
    _fund,
)


_WINDOWS = (
    "申报时间：{posted}至{brief}。逾期不予受理。",
    "请符合条件的单位于{short}前将申报材料一式三份报送至受理地点，逾期视为自动放弃。",
    "申报截止时间为{full}17:00，以系统提交时间为准。",
    "自即日起至{full}止，通过惠企政策平台在线填报。",
    "（一）网上填报。{posted}起开放系统，{full}关闭。",
    "申报单位须在{iso}之前完成系统提交和材料报送。",
    "受理截止日期：{full}（星期{weekday}）。",
)
"""``brief`` leaves the year out where the range does not cross it, ``short`` always."""


def application_window(draft: Draft) -> Clause:
    """When one may apply, in one of ten shapes; the days are moved by edits of the deadline."""
    rng, posted = draft.rng, draft.posted_on
    last = posted + timedelta(days=rng.randrange(9, 46)) + draft.deadline_shift
    shape = rng.randrange(len(_WINDOWS) + 3)
    if shape < len(_WINDOWS):
        short = f"{last.month}月{last.day}日"
        text = _WINDOWS[shape].format(
            posted=long_day(posted),
            brief=short if last.year == posted.year else long_day(last),
            short=short,
            full=long_day(last),
            iso=last.isoformat(),
            weekday="一二三四五六日"[last.weekday()],
        )
        return Clause(text=text, deadlines=(last,))
    return (_always_open, _two_days, _counted_days)[shape - len(_WINDOWS)](draft, last)


def _always_open(draft: Draft, last: date) -> Clause:
    draft.always_open = not draft.deadline_shift
    if draft.always_open:
        return Clause(text="本事项实行常年受理、按季评审，符合条件的企业可随时提出申请。")
    return Clause(
        text=f"本事项由常年受理调整为集中受理，受理至{long_day(last)}。", deadlines=(last,)
    )


def _two_days(draft: Draft, last: date) -> Clause:
    paper = last + timedelta(days=draft.rng.randrange(2, 6))
    text = (
        f"网上申报截止时间为{long_day(last)}24:00；纸质材料应于{long_day(paper)}前送达，"
        "邮寄的以邮戳为准。"
    )
    return Clause(text=text, deadlines=(last, paper))


def _counted_days(draft: Draft, last: date) -> Clause:
    del last
    days = draft.rng.choice((20, 30)) + draft.deadline_shift.days
    return Clause(
        text=f"自本通知发布之日起{days}日内提交申请，逾期不再受理。",
        deadlines=(draft.posted_on + timedelta(days=days),),
    )


def validity(draft: Draft, noun: str) -> Clause:
    """How long a document holds; sets the draft's days."""
    rng, signed = draft.rng, draft.signed_on
    years = rng.choice((2, 3, 3, 5))
    shape = rng.randrange(7)
    start = signed
    if shape in (1, 2, 5):
        start = _first_of_next_month(signed)
    until: date | None = _same_day(start, years)
    named = "一二三四五"[years - 1]
    match shape:
        case 0:
            text = f"本{noun}自印发之日起施行，有效期{years}年。"
        case 1:
            text = f"本{noun}自{long_day(start)}起施行，有效期{named}年。"
        case 2:
            until = date(start.year + years, 12, 31)
            text = f"本{noun}自{long_day(start)}起施行，有效期至{long_day(until)}。"
        case 3:
            until = date(start.year + years, 12, 31)
            text = (
                f"本{noun}自发布之日起施行，执行期限至{long_day(until)}，"
                "国家和省另有规定的从其规定。"
            )
            start = draft.posted_on
        case 4:
            until = None
            text = f"本{noun}自印发之日起施行，由相关部门负责解释。"
        case 5:
            text = (
                f"本{noun}自{long_day(start)}起施行，试行{years}年。"
                f"此前有关规定与本{noun}不一致的，以本{noun}为准。"
            )
        case _:
            until = None
            text = f"本{noun}自公布之日起30日后施行。"
            start = draft.posted_on + timedelta(days=30)
    draft.valid_from, draft.valid_until = start, until
    return Clause(text=text)


def _first_of_next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _same_day(day: date, years: int) -> date:
    """The same day some years on, as the page would print the end (1 March for 29 February)."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def contact(draft: Draft, office: str) -> Clause:
    """Whom to call; numbers begin with 0000, which is no area code."""
    rng = draft.rng
    number = f"0000-{rng.randrange(80_000_000, 89_999_999)}"
    if maybe(rng, 0.5):
        return Clause(text=f"联系单位：{office}；联系电话：{number}。")
    return Clause(
        text=f"咨询电话：{number}（工作日9:00—17:00），电子邮箱：qy{rng.randrange(100, 999)}@example.invalid。"
    )
