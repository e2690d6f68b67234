"""Document numbers (发文字号), registry numbers and their normal forms (DOMAIN.md §10)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from aggregator.model import Fact
from aggregator.normalise.sentences import Reading

_S = "[ \\t]{0,3}"
#: 〔年〕 + number + 号, to the left of which the 机关代字 stands. As read: brackets have one form,
#: round ones aside, for they enclose other things too.
_YEAR_AND_NUMBER = re.compile(
    rf"[〔(]{_S}((?:19|20)\d\d){_S}年?{_S}[〕)]{_S}第?{_S}(\d{{1,5}}){_S}号"
)
#: The brackets may be lost (甘区政办发201756号).
_BARE = re.compile(r"(?<=[发函规办字告通])((?:19|20)\d\d)(\d{1,4})号")
#: 〔2024〕12号、13号: what follows is numbered alike; a whole number has a 代字 and a year again.
_ALSO = re.compile(rf"{_S}(?:、|和|及|与)第?(?:〔((?:19|20)\d\d)〕)?(\d{{1,5}})号")
_HEAD = re.compile(
    r"((?:[\u4e00-\u9fff][ \t]?){1,19}[\u4e00-\u9fff](?:\([\u4e00-\u9fff]{1,3}\)[\u4e00-\u9fff]{0,4})?)[ \t]{0,3}$"
)
_REGISTRY = re.compile(
    r"(?<![A-Za-z\d-])([A-Z]{3,6}(?:\d{2})?-(?:19|20)\d\d-\d{1,6})(?![\d-])"
    r"|([\u4e00-\u9fff]{2,5}规〔(?:19|20)\d\d〕\d{3}(?:-\d)?)(?![\d号])"
)
#: Labels of what is numbered in the same way and is no document.
_OTHER_LABEL = re.compile(
    r"(?:招标|采购|项目|合同|标段|包|地块|宗地|证书|产品|订单|流水)[\u4e00-\u9fff]{0,2}(?:编号|代码|号)(?:为|:|是)?[ \t]*$|招标编号\D{0,3}$"
)
#: What stands to the left of a 代字 in running text and is no part of it. Signs alone only where
#: no 代字 holds them: 和 (和平), 经 (经信), 于 (于都), 如 (如皋) stand in some.
_RUN_IN = re.compile(
    r"^.*(?:[的了为在对按据由见被与及或向因把凡是据]|根据|按照|依据|依照|参照|对照|详见|关于|印发|发布|作出|公布|下发|文件|通知|执行|遵照|公告|通告|决定|规定|意见|办法|批复|复函|解释|细则|方案|措施|条例|通报|[一二三四五六七八九十]日"
    r"|废止|停止|修改|修订|贯彻|落实|号[和与及]?|以及|并以|(?<=[府局委办厅部会])[以经](?=..)|(?<=^)原(?=..))(?=[\u4e00-\u9fff]{2})"
)
_BEGINS = re.compile(r"^(?:现将|现按|照|以|将|原|即|经|及|和|与)(?=[\u4e00-\u9fff]{3})")
#: An issuer's whole name before its 代字: 市财政局|东财教.
_ISSUER = re.compile(
    r"^(?:[\u4e00-\u9fff]{0,8}[省市县区州旗委])?[\u4e00-\u9fff]{2,12}?(?:人民政府|委员会|办公室|办公厅|管委会|(?<=政)局|(?<=技)局|(?<=务)局|(?<=理)局)(?=[\u4e00-\u9fff]{3})"
)
#: Numbers of cases, standards, licences and records are none of ours.
_NOT_OURS = re.compile(
    r"(?:[民刑行][初终申再]|执[恢保异]?|破|仲案|仲裁|仲字?|ICP备|准字|证字?|许可|产权|备|储|证券|简报|动态|专报|信息)$"
)
#: Behind the number: a plot of land, an issue of a bulletin.
_NO_DOCUMENT = re.compile(r"[ \t]*+(?:地块|宗地|标段|民事|刑事|房|楼|线)")
_LEFT = 44
_SHORTEST, _LONGEST = 2, 14
#: The document's own number stands at its head.
_OWN_BEFORE = 200
#: Right before a number in its line: it is another document's.
_CITING = re.compile(
    r"[《(]\s*$|根据|按照|依据|依照|印发|通知$|规定|见\s*$|[对以经由和及、与原按照据]\s*$|废止|执行|失效|停止|贯彻|落实|对照|收悉|作出的|(?<=[^\n]{2})的\s*$"
)

#: Right behind it: what else is said of a document that is named by its number alone.
_CITED_BEHIND = re.compile(
    r"(?:、|和|及|与|文件|文(?!件)|自|中|同时|等|第|规定|通知|要求)[^。\n]{0,60}?(?:废止|失效|停止执行|不再执行|规定|要求|精神|执行|办理)"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A document number in normal form, from ``start`` to ``end`` of the text."""

    number: str
    start: int
    end: int


def read_numbers(reading: Reading) -> Iterator[Fact]:
    """The first number that no words cite is the text's own; the rest are cited."""
    seen: set[str] = set()
    for count, found in enumerate(_found(reading.plain)):
        if found.number in seen:
            continue
        seen.add(found.number)
        own = count == 0 and found.start < _OWN_BEFORE and _is_own(reading.plain, found)
        yield Fact(
            value=found.number,
            role="own" if own else "cited",
            sentence=reading.evidence(found.start, found.end),
        )


def read_registry(reading: Reading) -> Iterator[Fact]:
    """Registry numbers of normative documents, as printed but for their dashes."""
    seen: set[str] = set()
    for match in _REGISTRY.finditer(reading.plain):
        number = reading.text[match.start() : match.end()].replace("—", "-").replace("－", "-")
        if number in seen or _OTHER_LABEL.search(_before(reading.plain, match.start(), 14)):
            continue
        seen.add(number)
        yield Fact(value=number, sentence=reading.evidence(*match.span()))


def doc_numbers(text: str) -> Iterator[tuple[str, int]]:
    """Every document number in normal form ``代字〔YYYY〕N号``, with where it stands, in order."""
    for found in _found(Reading(text).plain):
        yield found.number, found.start


def normal_number(text: str) -> str | None:
    """The first document number of a short text, in normal form."""
    return next((number for number, _ in doc_numbers(text)), None)


def registry_number(text: str) -> str | None:
    """A normative document's registry number (HFGS-2022-7), if one is named."""
    return next((fact.value for fact in read_registry(Reading(text))), None)


def _found(plain: str) -> Iterator[Found]:
    found = [m for pattern in (_YEAR_AND_NUMBER, _BARE) for m in pattern.finditer(plain)]
    for match in sorted(found, key=lambda one: one.start()):
        left = max(match.start() - _LEFT, 0)
        head = _HEAD.search(plain[left : match.start()])
        agency = _agency(re.sub(r"[ \t]", "", head.group(1))) if head else None
        if agency is None or _NOT_OURS.search(agency) or _NO_DOCUMENT.match(plain, match.end()):
            continue
        start = match.start() - len(head.group()) if head else match.start()
        at = plain.rfind(agency[:1], start, match.start())
        year, end = match[1], match.end()
        yield Found(f"{agency}〔{year}〕{int(match[2])}号", max(at, start), end)
        while also := _ALSO.match(plain, end):
            year, end = also[1] or year, also.end()
            yield Found(f"{agency}〔{year}〕{int(also[2])}号", max(at, start), end)


def _is_own(plain: str, found: Found) -> bool:
    """Whether the number has a line for itself, in brackets perhaps, or nothing there cites it."""
    before = _before(plain, found.start, 12)
    after = plain[found.end : found.end + 12].partition("\n")[0]
    if not before.strip(" ()") and not after.strip(" ()"):
        return True
    if re.search(r"(?:文号|字号)[ \t]*:[ \t]*$", before):
        return True
    behind_title = bool(
        re.search(r"(?:通知|意见|公告|批复|函|决定|办法|规定|细则|措施|方案)[ ]?\($", before)
    ) and not after.strip(" )")
    if _CITED_BEHIND.match(plain, found.end):
        return False
    return behind_title or not _CITING.search(before)


def _before(plain: str, at: int, most: int) -> str:
    return plain[max(at - most, 0) : at].rpartition("\n")[2]


def _agency(head: str) -> str | None:
    """The 代字 without the words that run into it from the left."""
    cut = _BEGINS.sub("", _ISSUER.sub("", _RUN_IN.sub("", head))) or head
    return cut if _SHORTEST <= len(cut) <= _LONGEST else None
