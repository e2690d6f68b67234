"""Bodies of what governments issue: policies, calls to apply, interpretations, changes of status."""

from __future__ import annotations

from quxun.country.dice import maybe
from quxun.country.model import Level
from quxun.country.words import BUREAUS, CONDITIONS, DUTIES, MATERIALS, OPENINGS, SCOPES
from quxun.country.writing.clauses import application_window, contact, support, validity
from quxun.country.writing.draft import NUMERALS, Draft, long_day
from quxun.country.writing.heads import Head, head_of
from quxun.country.writing.offices import unit_of


def addressee(draft: Draft) -> str:
    """主送机关 with the colon that ends it."""
    unit = unit_of(draft.region)
    if draft.region.level is Level.ZONE:
        return "各内设机构，各直属单位，各入区企业："
    if draft.region.level is Level.PROVINCE:
        return "各市、县（市、区）人民政府，省政府各部门、各直属机构："
    return draft.rng.choice(
        (
            f"各镇人民政府、街道办事处，{unit}级各部门，各有关单位：",
            f"各乡镇（街道），{unit}政府各部门、各直属单位：",
            "各园区管委会，各有关企业：",
        )
    )


def opening(draft: Draft, head: Head) -> str:
    """Why all this, without a full stop."""
    return draft.rng.choice(OPENINGS).format(
        industry=head.industry, aspect=head.aspect, unit=unit_of(draft.region)
    )


def duty(draft: Draft) -> str:
    """One rule of procedure, with its full stop."""
    bureau = draft.region.name + draft.rng.choice(BUREAUS)[0]
    return draft.rng.choice(DUTIES).format(bureau=bureau, count=draft.rng.randrange(6, 40)) + "。"


def scope(draft: Draft, head: Head) -> str:
    """Who is meant, without a full stop."""
    return draft.rng.choice(SCOPES).format(region=draft.region.name, industry=head.industry)


def policy(draft: Draft, head: Head) -> None:
    """通知 and the document it carries, signature between them as the house style has it."""
    rng = draft.rng
    if head.title != head.inner and "关于印发" in head.title:
        draft.say(addressee(draft), style="addressee")
        body = rng.choice(
            (
                f"《{head.inner}》已经{draft.region.government}审议通过，现印发给你们，请认真贯彻执行。",
                f"现将《{head.inner}》印发给你们，请结合实际抓好落实。",
                f"经{draft.region.government}同意，现将《{head.inner}》印发你们，请遵照执行。",
            )
        )
        draft.say(body)
        draft.sign(head.issuer)
        draft.say(head.inner, style="h")
    else:
        draft.say(addressee(draft), style="addressee")
    draft.say(
        f"{opening(draft, head)}，根据有关法律法规，结合{draft.region.name}实际，制定本{head.noun}。"
    )
    draft.heading(1, rng.choice(("适用范围", "支持对象", "总体要求")))
    draft.say(f"本{head.noun}适用于{scope(draft, head)}。")
    draft.heading(2, rng.choice(("支持措施", "扶持政策", "重点任务", "奖补标准")))
    measures = rng.randrange(3, 7)
    duty_line = (
        f"（责任单位：{draft.region.name}{rng.choice(BUREAUS)[0]}、{draft.region.name}财政局）"
    )
    with_duty = maybe(rng, 0.4)
    for number in range(measures):
        draft.say(support(draft), lead=f"（{NUMERALS[number]}）")
        if with_duty:
            draft.say(duty_line)
    draft.heading(3, rng.choice(("组织实施", "保障措施", "工作要求")))
    for number in range(rng.randrange(2, 5)):
        draft.say(f"{number + 1}. {duty(draft)}")
    draft.heading(4, "附则")
    draft.say(validity(draft, head.noun))
    if "关于印发" not in head.title:
        draft.sign(head.issuer)
    if maybe(rng, 0.4):
        draft.attach(f"{head.aspect}资金申请表", rng.choice((".doc", ".docx", ".wps")))
    if maybe(rng, 0.25):
        draft.attach(head.inner, rng.choice((".pdf", ".ofd")))


def application(draft: Draft, head: Head) -> None:
    """A call to apply: basis, conditions, money, days, papers, whom to call."""
    rng = draft.rng
    if maybe(rng, 0.7):
        draft.say(
            rng.choice(("各有关企业：", "各镇（街道）、园区，各有关单位：")), style="addressee"
        )
    basis = "现行产业扶持政策"
    if draft.stub.related is not None:
        policy_head = head_of(draft.stub.related, draft.atlas)
        basis = f"《{policy_head.inner}》（{policy_head.doc_number}）"
        if policy_head.doc_number:
            draft.cited.append(policy_head.doc_number)
    draft.say(f"{opening(draft, head)}，根据{basis}有关规定，现将有关事项通知如下。")
    draft.heading(1, "申报条件")
    draft.say(f"（一）{scope(draft, head)}；")
    for number in range(1, rng.randrange(3, 5)):
        condition = rng.choice(CONDITIONS).format(
            count=rng.randrange(2, 12), percent=rng.choice((3, 5, 10))
        )
        draft.say(f"（{NUMERALS[number]}）{condition}；")
    draft.heading(2, "支持标准")
    for _ in range(rng.randrange(1, 4)):
        draft.say(support(draft))
    draft.heading(3, rng.choice(("申报时间", "时间安排", "受理时间")))
    draft.say(application_window(draft))
    draft.heading(4, "申报材料")
    for number, paper in enumerate(rng.sample(MATERIALS, rng.randrange(3, 7)), 1):
        draft.say(f"{number}. {paper}；")
    draft.heading(5, "其他事项")
    draft.say(duty(draft))
    draft.say(contact(draft, head.issuer))
    _annexes(
        draft, (f"{head.aspect}项目申报书", "申报项目汇总表"), (".doc", ".xls", ".docx", ".zip")
    )
    draft.sign(head.issuer)


def interpretation(draft: Draft, head: Head) -> None:
    """What a policy means, in questions and answers or under headings."""
    rng = draft.rng
    number = ""
    if draft.stub.related is not None:
        cited = head_of(draft.stub.related, draft.atlas).doc_number
        if cited:
            number = f"（{cited}）"
            draft.cited.append(cited)
    draft.say(
        f"近日，{draft.region.government}印发了《{head.inner}》{number}。"
        "为便于企业和群众准确理解政策内容，现解读如下。"
    )
    if head.form == 4:  # noqa: PLR2004 - the form of questions and answers
        for question in rng.sample(
            ("为什么要出台这项政策？", "哪些企业可以享受？", "申请流程有哪些？", "资金如何拨付？"),
            3,
        ):
            draft.say(f"问：{question}")
            draft.say("答：", rng.choice((support(draft), scope(draft, head) + "均可申请。")))
    else:
        draft.heading(1, "出台背景")
        draft.say(f"{opening(draft, head)}，在广泛调研和征求意见的基础上，起草了该文件。")
        draft.heading(2, "主要内容")
        for number_ in range(rng.randrange(2, 4)):
            draft.say(support(draft), lead=f"（{NUMERALS[number_]}）")
        draft.heading(3, "下一步安排")
        draft.say(duty(draft))
    draft.say(f"来源：{head.issuer}", style="note")


def status(draft: Draft, head: Head) -> None:
    """A decision that changes another document."""
    old = f"{draft.region.stem}府发〔{draft.signed_on.year - 3}〕{draft.rng.randrange(1, 60)}号"
    draft.cited.append(old)
    draft.say(addressee(draft), style="addressee")
    text = (
        f"经研究，决定废止《{head.inner}》（{old}），自本决定印发之日起不再执行。",
        f"经评估，《{head.inner}》（{old}）有效期延续至{draft.signed_on.year + 2}年12月31日。",
        f"经研究，对《{head.inner}》（{old}）作如下修改：将第三条中的“每年一次”修改为“每季度一次”。",
    )[head.form]
    draft.say(text)
    draft.say(
        f"已经受理尚未办结的事项，按照原规定继续办理，并于{long_day(draft.posted_on)}起做好衔接。"
    )
    draft.say(duty(draft))
    draft.sign(head.issuer)


def _annexes(draft: Draft, names: tuple[str, ...], suffixes: tuple[str, ...]) -> None:
    chosen = names[: draft.rng.randrange(0, len(names) + 1)]
    for name in chosen:
        draft.attach(name, draft.rng.choice(suffixes))
    if len(chosen) == 1:
        draft.say(f"附件：{chosen[0]}", style="note")
    elif chosen:
        listed = "；".join(f"{number}.{name}" for number, name in enumerate(chosen, 1))
        draft.say(f"附件：{listed}", style="note")
