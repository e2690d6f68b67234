"""What an amount of money is: cap, floor, fixed, unit, investment, aggregate or other.

``triggers.toml`` holds the words; here stands where in a sentence they must be to count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aggregator.normalise.triggers import triggers

_WORDS = triggers("money")
_PER = re.compile(
    r"^[ \t]?(?:整)?[ \t]?(?:/|每)[ \t]?(?:平方米|平米|㎡|m2|亩|人|户|家|个|月|年|季|吨|千瓦|度|台|辆|头|只|株|次|天|日|件|套|间|床|标箱|公斤|斤|米|公里|学时|课时|项|名|份)|^[ \t]?/"
)
#: 每家企业奖励…; a year or a month only where the sum follows at once: 每年可增收… is an outlook.
_EACH = re.compile(
    r"每(?:[年月季天日]|季度)(?!可|将|产)[^,，。;；可将]{0,8}$"
    r"|每(?![年月季天日])[^,，。;；、]{1,18}$|(?:人均|户均|亩均|单价|均价|年薪|月薪)[^,，。;；]{0,12}$"
)
#: 每新增1000万元奖励2万元: a sum for each step, and the step itself.
_STEP = re.compile(
    r"每(?:新增|增加|增长|超过?|满|提高|达到?|投入|完成|贡献)?(?:税收|产值|投资|贷款)?$"
)
_STEPPED = re.compile(
    r"每(?:新增|增加|增长|超过?|满|提高|投入|完成|贡献)?[^,，。;；\d每]{0,6}\d[\d.]*[亿万千百]?元[^,，。;；每]{0,14}$|每(?:亿|千万|百万|万)元[^,，。;；\d]{0,14}$"
)
_CLAUSE = re.compile(r"[,，。;；:：\n]")
_CARRIED, _CLOSE, _BEHIND = 44, 22, 16
_BEHIND_GRANT = re.compile(
    r"^[ \t]?(?:整)?的?(?:一次性)?(?:[\u4e00-\u9fff]{0,4})?(?:奖励|补助|补贴|资助|奖补|奖金|津贴|(?:扶持|支持)(?=[,，。;；、的]|$))"
)
_BEHIND_FUND = re.compile(r"^的?[\u4e00-\u9fff]{0,4}(?:资金|经费)")
_BEHIND_OTHER = re.compile(
    r"^(?:的(?:价格|底价|总?价))?[ \t]?(?:竞得|成交|中标|摘牌|的价格|罚款|的?罚款)"
)
_BEHIND_INVESTED = re.compile(r"^的?(?:投资|建设)")
_TOP_PRICE = re.compile(r"最高(?:限价|投标限价|控制价)")
_REACHED = re.compile(rf"(?:{_WORDS['reach'].pattern})[ \t]?(?:人民币)?$")
#: 总投资273亿元的31个项目; 总投资99亿元的客车基地项目.
_OF_MANY = re.compile(
    r"^的?[ \t]?\d+[ \t]?(?:余|多)?(?:个|只|项|家|宗)|^[^。;；]{0,8}[,，]?惠及[^,，。]{0,8}\d"
)
_OF_ONE = re.compile(
    r"^的[^,，。;；\d等]{2,26}(?:项目|基地|工程|产业园|中心|生产线)(?![^,，。]{0,4}等)"
)
_REGION_WIDE = re.compile(r"(?:固定资产|工业|民间|房地产开发|技改)投资[^,，。;；]{0,6}$")
#: What a branch of the whole economy invests is nobody's project, whatever else is named.
_BRANCH = re.compile(
    r"(?:第[一二三]产业|服务业|制造业|基础设施|民间)(?:完成)?(?:固定资产)?投资(?:完成|达|为)?[到约]?$"
)
_ONE_PROJECT = re.compile(r"项目|公司|企业|集团|一期|二期|工程|基地")
#: What was counted before holds no more; 其中2025年计划完成… is a part of the same sum.
_ANOTHER = re.compile(r"[。;；]|其中(?!(?:20\d\d年|今年|本年|当年|年度))|该")
_EXPECTED = re.compile(
    r"(?:预计|(?<![许认])可(?!处|以)|将(?!处)|建成后|达产后|投产后|有望|力争|目标)[^。]{0,30}$"
)


@dataclass(frozen=True, slots=True)
class Context:
    """A sum, or a list of them, in its sentence: where the last one ended and the next begins."""

    text: str
    since: int
    start: int
    end: int
    until: int

    @property
    def clause(self) -> str:
        """What stands before the sum in its clause."""
        return _CLAUSE.split(self.text[max(self.start - _CARRIED, 0) : self.start])[-1]

    @property
    def carried(self) -> str:
        """What stands before it, clauses before its own included."""
        return self.text[max(self.start - _CARRIED, 0) : self.start]

    @property
    def close(self) -> str:
        """What stands right before it, after the sum before."""
        return self.text[max(self.start - _CLOSE, self.since) : self.start]

    @property
    def behind(self) -> str:
        """What stands right behind it."""
        return re.sub(r"^[ \t]?(?:人民币|整|左右)+", "", self.text[self.end : self.end + _BEHIND])


def basis_of(context: Context) -> str:
    """What the sum is, by the words around it; ``other`` where they tell nothing."""
    return _bounded(context) or _of_noun(context)


def _bounded(context: Context) -> str | None:
    """A cap, a floor, a step or a price for each: told by the words that touch the sum."""
    clause, close, behind = context.clause, context.close, context.behind
    bound = _last(close, ("cap", "cap_before"), ("floor", "floor_before"))
    each = _EACH.search(clause)
    expected = _EXPECTED.search(clause)
    rules = (
        ("cap", _TOP_PRICE.search(close)),
        (bound[0] if bound else "", bound and not _parted(close, bound[1])),
        ("cap", _WORDS["cap_behind"].match(behind)),
        ("floor", _WORDS["floor_behind"].match(behind) and not expected),
        ("rate", _STEP.search(clause) or _STEPPED.search(context.carried)),
        ("floor", _REACHED.search(close) and re.match(r"的?(?:项目|企业)\d", behind)),
        ("floor", re.search(r"\d[ \t]?个[^,，。\d]{0,4}投资额?(?:超过?|过|达到?)$", context.carried)),
        ("floor", _REACHED.search(close) and _WORDS["condition"].search(context.text) and not expected),
        ("unit", _PER.match(behind)),
        ("unit", each and not _WORDS["cap_before"].search(each.group())),
    )  # fmt: skip
    return next((name for name, holds in rules if holds), None)


def _last(text: str, *named: tuple[str, str]) -> tuple[str, int] | None:
    """Which of the words stands last, and where it ends."""
    found = [(m.end(), name) for name, key in named for m in _WORDS[key].finditer(text)]
    return (max(found)[1], max(found)[0]) if found else None


def _parted(close: str, at: int) -> bool:
    """Whether a clause ends between a word and the sum it should bound."""
    return bool(re.search(r"[,，。;；]", close[at:]))


def _of_noun(context: Context) -> str:
    """What the nearest word of money before the sum, or right behind it, makes of it."""
    behind, carried = context.behind, context.carried
    if _BEHIND_OTHER.match(behind):
        return "other"
    if _BEHIND_GRANT.match(behind):
        noun = "grant"
    elif _BEHIND_FUND.match(behind):
        noun = "fund"
    elif _BEHIND_INVESTED.match(behind):
        noun = "investment"
    else:
        found = _last(
            carried,
            ("other", "other"),
            ("pooled", "pooled"),
            ("investment", "investment"),
            ("grant", "grant"),
            ("fund", "fund"),
            ("lent", "lent"),
        )
        noun = found[0] if found else ("many" if _is_many(context) else "other")
    if noun == "fund":
        noun = "grant" if _WORDS["grant"].search(context.clause) or "分别" in carried else "pooled"
    if noun == "investment":
        wide = _REGION_WIDE.search(carried) and not _ONE_PROJECT.search(context.text)
        return "aggregate" if wide or _BRANCH.search(carried) or _is_many(context) else "investment"
    if noun == "grant":
        return "aggregate" if _is_many(context) else "fixed"
    if noun == "lent" and _is_many(context):
        return "aggregate"
    return {"pooled": "aggregate", "many": "aggregate"}.get(noun, "other")


def _is_many(context: Context) -> bool:
    """Whether the sum is that of several projects, firms or years."""
    after = context.text[context.end : context.end + 2 * _BEHIND]
    if _OF_MANY.match(after):
        return True
    if _OF_ONE.match(after):
        return False
    lead = context.text[context.since : context.start]
    if re.search(rf"(?:{_WORDS['single'].pattern})$", lead):
        return False
    if _WORDS["many"].search(lead):
        return True
    if context.since == 0:
        return False
    # What a sentence counted before its first sum holds for the next ones of the same clause.
    earlier = context.text[: context.since]
    return bool(_WORDS["many"].search(earlier)) and not _ANOTHER.search(lead)
