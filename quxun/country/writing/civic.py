"""Bodies of public lists, consultations, guides, and of what is not ours: posts, fines, budgets."""

from __future__ import annotations

from datetime import timedelta

from quxun.country.dice import maybe, shuffled_index
from quxun.country.model import Basis
from quxun.country.words import FIRM_ENDS, FIRM_HEADS, FIRM_TAILS, GIVEN, PRODUCTS, SURNAMES
from quxun.country.writing.clauses import WAN, contact, support
from quxun.country.writing.draft import Clause, Draft, long_day
from quxun.country.writing.heads import Head
from quxun.country.writing.offices import firm_name
from quxun.country.writing.official import duty, opening, scope


def _firm(draft: Draft) -> str:
    rng = draft.rng
    return firm_name(
        rng.randrange(len(FIRM_HEADS)),
        rng.randrange(len(FIRM_TAILS)),
        rng.randrange(len(FIRM_ENDS)),
    )


def _person(draft: Draft) -> str:
    return draft.rng.choice(SURNAMES) + draft.rng.choice(GIVEN)


def notice(draft: Draft, head: Head) -> None:
    """A list of firms, shown before it counts."""
    rng = draft.rng
    last = draft.posted_on + timedelta(days=rng.choice((5, 7)))
    draft.say(
        f"按照{head.industry}{head.aspect}工作安排，经企业申报、部门审核、专家评审，"
        f"拟对下列单位予以支持，现予公示。公示期为{long_day(draft.posted_on)}至{long_day(last)}。"
    )
    rows: list[tuple[str, ...]] = [("序号", "单位名称", "项目名称", "所在地")]
    rows.extend(
        (str(number), _firm(draft), f"{rng.choice(PRODUCTS)}项目", draft.region.name)
        for number in range(1, rng.randrange(4, 13))
    )
    draft.table(rows)
    draft.say("公示期内如有异议，请以书面形式反映，单位反映须加盖公章，个人反映须署真实姓名。")
    draft.say(contact(draft, head.issuer))
    if maybe(rng, 0.4):
        draft.attach("拟支持名单", rng.choice((".xls", ".xlsx", ".pdf")))
    draft.sign(head.issuer)


def consultation(draft: Draft, head: Head) -> None:
    """A draft put to the public, with the last day for comments."""
    last = draft.posted_on + timedelta(days=30) + draft.deadline_shift
    draft.say(f"{opening(draft, head)}，我们起草了《{head.inner}》，现向社会公开征求意见。")
    draft.say(
        Clause(
            text=f"有关单位和社会各界人士可在{long_day(last)}前，通过信函、电子邮件等方式提出意见。",
            deadlines=(last,),
        )
    )
    draft.say(contact(draft, head.issuer))
    draft.heading(1, "起草说明")
    draft.say(f"适用对象为{scope(draft, head)}。")
    draft.heading(2, "主要条款")
    for _ in range(2):
        draft.say(support(draft))
    draft.attach(head.inner, draft.rng.choice((".docx", ".pdf", ".wps")))
    draft.sign(head.issuer)


def guide(draft: Draft, head: Head) -> None:
    """How to do it, step by step."""
    draft.say(f"为方便投资者在{draft.region.name}兴办{head.industry}企业，特编制本指南。")
    for number, step in enumerate(
        draft.rng.sample(
            (
                "名称自主申报：登录企业开办一网通办平台提交拟用名称；",
                "设立登记：填报股东、经营范围、住所等信息并完成实名认证；",
                "印章刻制：首套印章由财政承担费用，凭执照免费领取；",
                "发票申领与税务登记：系统自动推送，无需重复提交材料；",
                "社保与公积金登记：与设立登记同步办理；",
                "银行预约开户：自主选择开户网点，当日完成预约；",
                "项目备案：通过投资项目在线审批监管平台告知性备案；",
            ),
            5,
        ),
        1,
    ):
        draft.say(f"{number}. {step}")
    draft.say(f"受理地点：{head.place}便民服务中心综合窗口。")
    draft.say(contact(draft, head.issuer))


def tender(draft: Draft, head: Head) -> None:
    """Something bought: budget, bidders, days."""
    rng = draft.rng
    budget = rng.randrange(20, 400) * WAN
    last = draft.posted_on + timedelta(days=rng.randrange(8, 25)) + draft.deadline_shift
    draft.heading(1, "项目基本情况")
    draft.say(
        Clause(
            text=f"项目编号：YS-{draft.posted_on.year}-{draft.stub.id:05d}；预算金额：{budget // WAN}万元。",
            amounts=((budget, Basis.OTHER),),
        )
    )
    if head.form == 1:
        draft.say(
            Clause(
                text=f"中标供应商：{_firm(draft)}；中标金额：{(budget - 5 * WAN) // WAN}万元。",
                amounts=((budget - 5 * WAN, Basis.OTHER),),
            )
        )
    else:
        draft.say(Clause(text=f"提交投标文件截止时间：{long_day(last)}09:30。", deadlines=(last,)))
    draft.heading(2, "申请人的资格要求")
    draft.say("具有独立承担民事责任的能力，具有良好的商业信誉和健全的财务会计制度。")
    draft.say(contact(draft, head.issuer))


def recruitment(draft: Draft, head: Head) -> None:
    """Posts; has days and figures like a call to apply, and is none."""
    rng = draft.rng
    last = draft.posted_on + timedelta(days=rng.randrange(6, 15))
    draft.say(
        f"根据工作需要，{head.place}面向社会公开招聘{head.industry}相关工作人员{head.count}名。"
    )
    draft.heading(1, "招聘条件")
    draft.say(
        f"年龄在{rng.choice((30, 35, 40))}周岁以下，具有大学{rng.choice('专本')}科及以上学历。"
    )
    draft.heading(2, "报名时间")
    draft.say(
        Clause(
            text=f"报名时间为{long_day(draft.posted_on)}至{long_day(last)}，逾期不予受理。",
            deadlines=(last,),
        )
    )
    draft.heading(3, "薪酬待遇")
    pay = rng.randrange(5, 12) * WAN
    draft.say(
        Clause(text=f"年薪约{pay // WAN}万元，依法缴纳五险一金。", amounts=((pay, Basis.UNIT),))
    )
    draft.say(contact(draft, head.issuer))
    draft.attach("岗位表", ".xls")
    draft.sign(head.issuer)


def personnel(draft: Draft, head: Head) -> None:
    """Who takes an office."""
    for _ in range(1 + head.count % 4):
        draft.say(f"{_person(draft)}任{head.place}{head.industry}专班副组长（试用期一年）。")
    draft.say(f"{_person(draft)}不再担任{head.place}四级调研员职务。")
    draft.sign(head.issuer)


def penalty(draft: Draft, head: Head) -> None:
    """A fine."""
    fine = draft.rng.randrange(1, 30) * 1000
    serial = shuffled_index(draft.stub.id, 10_000, draft.atlas.seed)
    draft.say(
        Clause(
            text=f"当事人{_firm(draft)}未按规定公示年度报告，依法作出（演示）市监罚字第{serial}号"
            f"行政处罚决定，罚款{fine}元。",
            amounts=((fine, Basis.OTHER),),
        )
    )
    draft.say(f"处罚机关：{head.issuer}。")


def budget(draft: Draft, head: Head) -> None:
    """A household's figures for the year."""
    rng = draft.rng
    whole = rng.randrange(300, 9000)
    draft.say(
        Clause(
            text=f"{head.place}{draft.posted_on.year}年收入预算{whole}万元，"
            f"其中一般公共预算拨款{whole - 50}万元。",
            amounts=((whole * WAN, Basis.OTHER), ((whole - 50) * WAN, Basis.OTHER)),
        )
    )
    draft.table(
        [
            ("项目", "金额（万元）"),
            ("基本支出", str(whole * 6 // 10)),
            ("项目支出", str(whole * 4 // 10)),
        ]
    )
    draft.attach("公开表格", ".xls")


def routine(draft: Draft, head: Head) -> None:
    """A meeting that decides nothing."""
    draft.say(f"近日，{head.place}组织开展相关活动，{_person(draft)}主持并讲话。")
    draft.say("与会人员结合工作实际作了交流发言，一致表示要把学习成果转化为干事创业的实际行动。")
    draft.say(f"会议要求，{duty(draft)}")
