"""Figures a text states: money, deadlines, areas, stages, validity, each with its sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from typing import TypeVar

from aggregator.model import Deadline, Fact, Facts
from aggregator.normalise.money import NUMBER, amounts, read_number
from aggregator.normalise.numbers import doc_numbers, registry_number
from aggregator.normalise.sentences import around, cut, sentences
from aggregator.workdays import is_work_day

_F = TypeVar("_F")
#: Facts of one kind kept from one text; a table of a thousand amounts says nothing to a reader.
MOST = 60
_MU_M2 = 10_000 / 15
_DEADLINE_CUE = re.compile(
    r"截止|截至|逾期|之前|以前|前(?:[,，。；、）)将把向报送提交完成到]|$|\s)|前提交|前报|至|日前|申报(?:时间|期限|截止)|报名(?:时间|期限)|受理(?:时间|期限)|公示(?:期|时间)|征求意见(?:时间|期限)|期限"
)
_DUTY = re.compile(
    r"申报|报送|提交|报名|受理|申请|递交|上报|反馈|投标|竞买|缴纳|截止|逾期|异议|征求意见|提出|开放|意见建议|推荐|填报|送达|登记|寄|邮箱|兑现"
)
_NO_DEADLINE = re.compile(
    r"每年|截至目前|同比|增长|累计|建成|竣工|投产|开工|会议|召开|举行|举办|启用|通车|印发|施行|执行|有效期|完工|达产"
)
_DAY = r"(?:((?:19|20)\d{2})\s*年\s*)?(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]"
_DATE = re.compile(_DAY + r"|((?:19|20)\d{2})[-/.](\d{1,2})[-/.](\d{1,2})")
_RANGE_DAY = re.compile(
    _DAY
    + r"\s*(?:\d{1,2}[:：时]\d{0,2}分?)?\s*(?:起)?\s*(?:至|到|—|-|～|~|－)\s*"
    + r"(?:((?:19|20)\d{2})\s*年\s*)?(?:(\d{1,2})\s*月\s*)?(\d{1,2})\s*[日号]"
)
_WORKING = re.compile(
    r"(?:自|从)?(?:本?(?:通知|公告|公示|通告)?(?:发布|印发|公布|刊登|挂网))之日起\s*(\d{1,3})\s*个?\s*(工作日|日|天)"
)
_LAST_AFTER = re.compile(
    r"\s*(?:[（(][^）)]{0,8}[）)])?\s*(?:上午|下午|晚上?)?\s*(?:\d{1,2}(?:[:：时点]\d{0,2}分?)?)?"
    r"\s*(?:之前|以前|前|止|截止|为止|关闭)"
)
_LAST_BEFORE = re.compile(r"截止|截至|[至到]\s*$|期限")
_AREA = re.compile(NUMBER + r"\s*(万亩|亩|公顷|万平方米|万㎡|平方公里|平方米|㎡|平米)")
_AREA_M2 = {"万亩": _MU_M2 * 1e4, "亩": _MU_M2, "公顷": 1e4, "万平方米": 1e4, "万㎡": 1e4, "平方公里": 1e6, "平方米": 1.0, "㎡": 1.0, "平米": 1.0}  # fmt: skip
_STAGES = (
    ("储备", re.compile(r"集中储备|纳入[^，]{0,8}储备|入库储备"), None),
    ("签约", re.compile(r"(?:成功|正式|集中|现场|共|已|完成|举行|项目)?签约(?!运动|球员|歌手|教练|医生|率)"), re.compile(r"拟签约|医生签约|(?:俱乐部|球队|国安)[^，]{0,8}签约|签约[^，]{0,8}(?:球员|歌手|艺人|选手|作家|主播)")),
    ("落户", re.compile(r"落户"), re.compile(r"(?:户籍|户口|人口|人才|积分|人员|群众|毕业生)[^，]{0,6}落户|落户(?:政策|条件|人口|人才|人员|手续)|拟落户")),
    ("备案", re.compile(r"(?:完成|取得|通过|获)[^。]{0,8}备案|备案(?:通过|结果)"), re.compile(r"ICP备|网安备")),
    ("核准", re.compile(r"(?:获得?|完成|取得|通过)[^。]{0,8}核准|核准批复|予以核准"), None),
    ("拿地", re.compile(r"摘牌|竞得|成功拿地|取得[^。]{0,10}土地"), None),
    ("环评公示", re.compile(r"环境影响评价|环评"), None),
    ("开工", re.compile(r"(?:集中|正式|顺利|已|破土|奠基|项目|全面)?开工|奠基|破土动工"), re.compile(r"公开工作|拿地即开工|即开工|开工奖励|开工前|拟开工|计划开工|力争[^。]{0,12}开工|早开工|未开工|预计[^。]{0,10}开工|推动[^。]{0,10}开工|将于[^。]{0,12}开工|开工率|开工条件|确保[^。]{0,12}开工")),
    ("在建", re.compile(r"在建|正在建设|建设中|加紧建设|主体(?:结构)?封顶"), None),
    ("竣工", re.compile(r"竣工"), re.compile(r"竣工验收(?:办法|规定|备案管理|条例|管理)|预计[^。]{0,12}竣工|计划[^。]{0,10}竣工|将于[^。]{0,10}竣工|竣工后|竣工日期")),
    ("试生产", re.compile(r"试生产|试投产"), re.compile(r"试生产(?:方案|办法|规定|期)")),
    ("投产", re.compile(r"(?<!试)投产|(?<!试)投入生产|正式运营"), re.compile(r"落地投产|投产(?:工作|项目|奖励|行动|运营情况)|投产后|预计[^。]{0,14}投产|计划[^。]{0,10}投产|力争[^。]{0,14}投产|早投产|将于[^。]{0,12}投产|推动[^。]{0,12}投产|待[^。]{0,6}投产|促[^。]{0,8}投产|全面投产后|确保[^。]{0,10}投产")),
    ("达产", re.compile(r"达产"), re.compile(r"达产后|预计[^。]{0,14}达产|待[^。]{0,8}达产|年可达产|力争[^。]{0,10}达产|全部达产后|将达产|计划[^。]{0,10}达产|达产达效后")),
    ("终止", re.compile(r"项目(?:终止|停建|取消)|终止[^。]{0,6}项目|停建"), None),
)  # fmt: skip
#: Most sentences tell of no stage; one look is enough for them.
_ANY_STAGE = re.compile(
    r"签约|落户|备案|核准|摘牌|竞得|拿地|土地|环境影响|环评|开工|奠基|动工|在建|建设|封顶|竣工|产|运营|储备|终止|停建|取消"
)
#: An item of a list of conditions, （三）…；, asks for a stage and does not tell of one.
_CONDITION = re.compile(r"^(?:[（(][一二三四五六七八九十\d]+[）)]|\d+[.、．]).*[;；]$")
_ANY_DAY = re.compile(r"[日号]|\d[-/.]\d")
_CLAUSE = re.compile(r"[^，,；;：:]+")
#: Before a stage in its clause: planned or hoped for, not reached.
_PLANNED = re.compile(
    r"预计|计划|力争|拟|待|争取|有望|确保|推动|促进|加快|明年|后年|届时|尽快|早日|目标|尚未|未能|将(?:于|在|正式|全面|陆续|实现)"
)
_FOR_YEARS = re.compile(
    r"(?:有效期限?|试行期?|执行期限?)(?:为|至)?\s*([一二三四五六七八九十\d]{1,3})\s*(年|个月)"
)
_VALID_UNTIL = re.compile(
    r"(?:有效期|执行期限?|实施期限?|有效期限)(?:为|截?至|截止到?|到|延长至|延续至)\s*" + _DAY
)
_VALID_SPAN = re.compile(
    r"有效期(?:为|:|：)?\s*(?:自|从)?\s*" + _DAY + r"\s*(?:起)?(?:至|到)\s*" + _DAY
)
_EFFECTIVE = re.compile(
    r"(?:自|从)\s*" + _DAY + r"\s*(?:起)?\s*(?:正式)?(?:施行|实施|执行|生效|试行)"
)
_AT_ONCE = re.compile(
    r"自(?:本?[^。，]{0,10})?(?:印发|发布|公布|颁布)之日起\s*(?:满?(\d{1,3})[日天]后)?\s*(?:正式)?(?:施行|实施|执行|生效|试行)"
)
_ALONE = re.compile(r"(?m)^\s*((?:19|20)\d{2})\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*日\s*$")
#: Right before a number in its line: it is another document's.
_CITING = re.compile(r"[《（(]\s*$|根据|按照|依据|依照|印发|通知$|规定|见\s*$")
_CITED = re.compile(r"《([^《》]{4,60})》")
_PHONE = re.compile(
    r"(?:联系电话|咨询电话|电话|热线|传真)\s*[:：]?\s*((?:0\d{2,3}[-－—]?)?\d{7,8}(?!\d)(?:[-－转]\d{1,5})?)"
)
_HAN = {c: n for n, c in enumerate("零一二三四五六七八九")}


def read_facts(text: str, *, posted: date | None = None) -> Facts:
    """Everything a text states in figures. ``posted`` fills in missing years."""
    numbers = _some(_doc_numbers(text))
    return Facts(
        doc_numbers=numbers,
        registry_numbers=_some(_registry(text)),
        amounts=_some(amounts(text)),
        deadlines=_some(_deadlines(text, posted)),
        areas=_some(_areas(text)),
        stages=_some(_stages(text)),
        validity=_some(_validity(text, posted)),
        cited=_some(_cited(text)),
        contacts=_some(_contacts(text)),
    )


def _some(facts: Iterator[_F]) -> tuple[_F, ...]:
    """No more than are kept, so that no more are looked for."""
    return tuple(islice(facts, MOST))


def _doc_numbers(text: str) -> Iterator[Fact]:
    """The first number that no words cite is the text's own; the rest are cited."""
    seen: set[str] = set()
    for count, (number, at) in enumerate(sorted(doc_numbers(text), key=lambda one: one[1])):
        if number in seen:
            continue
        seen.add(number)
        before = text[max(at - 12, 0) : at].rpartition("\n")[2]
        cited = bool(_CITING.search(before)) and not _has_line(text, at)
        own = count == 0 and not cited and at < 200  # noqa: PLR2004  # the head of a document
        yield Fact(value=number, role="own" if own else "cited", sentence=around(text, at))


def _has_line(text: str, at: int) -> bool:
    """Whether the number at ``at`` has a line for itself, in brackets perhaps."""
    before = text[max(at - 12, 0) : at].rpartition("\n")[2]
    after = text[text.find("号", at) + 1 :][:12].partition("\n")[0]
    return not before.strip(" \u3000（(") and not after.strip(" \u3000）)")


def _registry(text: str) -> Iterator[Fact]:
    for sentence in sentences(text):
        number = registry_number(sentence)
        if number:
            yield Fact(value=number, sentence=cut(sentence, max(sentence.find(number), 0)))


def _deadlines(text: str, posted: date | None) -> Iterator[Deadline]:
    """Last days on which something may be handed in; two of them are both kept."""
    seen: set[date] = set()
    for sentence in sentences(text):
        if not _ANY_DAY.search(sentence):
            continue
        for day in _days_of(sentence, posted):
            if day not in seen:
                seen.add(day)
                at = max(sentence.find(f"{day.month}月{day.day}日"), 0)
                yield Deadline(value=day, sentence=cut(sentence, at))


def _days_of(sentence: str, posted: date | None) -> Iterator[date]:
    duty = _DUTY.search(sentence)
    if duty and posted:
        for match in _WORKING.finditer(sentence):
            yield _after(posted, int(match.group(1)), working=match.group(2) == "工作日")
    if not duty or (
        _NO_DEADLINE.search(sentence) and not re.search(r"截止|逾期|申报时间|受理", sentence)
    ):
        return
    for match in _RANGE_DAY.finditer(sentence):
        end = _range_end(match, posted)
        if end:
            yield end
    for match in _DATE.finditer(_RANGE_DAY.sub(lambda m: "　" * len(m.group()), sentence)):
        before, after = sentence[: match.start()][-10:], sentence[match.end() :][:12]
        if _LAST_AFTER.match(after) or _LAST_BEFORE.search(before):
            first = 1 if match.group(2) else 4
            day = _day(match[first], match[first + 1], match[first + 2], posted)
            if day:
                yield day


def _range_end(match: re.Match[str], posted: date | None) -> date | None:
    """The end of a range; 12月20日至1月10日 ends in the next year."""
    year, month, day, end_year, end_month, end_day = match.groups()
    start = _day(year, month, day, posted)
    end = _day(end_year or year, end_month or month, end_day, start if year else posted)
    if end and start and end < start and not end_year:
        return _day(str(start.year + 1), end_month or month, end_day, None)
    return end


def _areas(text: str) -> Iterator[Fact]:
    for match in _AREA.finditer(text):
        value = read_number(match.group(1))
        if value is None or re.search(
            r"元\s*/?\s*$|每\s*$|/\s*$", text[max(match.start() - 3, 0) : match.start()]
        ):
            continue
        yield Fact(
            value=match.group(),
            unit=match.group(2),
            number=round(value * _AREA_M2[match.group(2)], 2),
            sentence=around(text, match.start()),
        )


def _stages(text: str) -> Iterator[Fact]:
    """Stages that were reached; what is planned or hoped for is none."""
    seen: set[str] = set()
    for sentence in sentences(text):
        if not _ANY_STAGE.search(sentence) or _CONDITION.match(sentence):
            continue
        clauses = [*_CLAUSE.finditer(sentence)]
        for name, pattern, tempter in _STAGES:
            if name in seen:
                continue
            for clause in clauses:
                words = tempter.sub("　", clause.group()) if tempter else clause.group()
                reached = pattern.search(words)
                if reached and not _PLANNED.search(words[: reached.end()]):
                    seen.add(name)
                    yield Fact(value=name, sentence=cut(sentence, clause.start()))
                    break


def _validity(text: str, posted: date | None) -> Iterator[Fact]:
    """From when until when a document holds, as it says itself."""
    signed = _signed(text)
    start: date | None = None
    for match in _EFFECTIVE.finditer(text):
        start = _day(match.group(1), match.group(2), match.group(3), posted)
        if start:
            yield Fact(value=start.isoformat(), role="from", sentence=around(text, match.start()))
            break
    at_once = _AT_ONCE.search(text)
    issued = (signed or posted) if at_once and "印发" in at_once.group() else (posted or signed)
    if start is None and issued and at_once:
        wait = int(at_once.group(1) or 0)
        start = issued + timedelta(days=wait)
        yield Fact(value=start.isoformat(), role="from", sentence=around(text, at_once.start()))
    end, at = None, 0
    if span := _VALID_SPAN.search(text):
        end, at = _day(span[4], span[5], span[6], posted), span.start()
    elif until := _VALID_UNTIL.search(text):
        end, at = _day(until[1], until[2], until[3], posted), until.start()
    elif years := _FOR_YEARS.search(text):
        end, at = _end(start or posted, years[1], years[2]), years.start()
    if end and not re.search(r"》.{0,30}有效期(?:延|至)", around(text, at)):
        yield Fact(value=end.isoformat(), role="until", sentence=around(text, at))


def _signed(text: str) -> date | None:
    """The day on which a text is signed: the first that has a line for itself.

    What is issued may follow the signature, so it is not always among the last lines.
    """
    alone = _ALONE.search(text)
    return _day(alone[1], alone[2], alone[3], None) if alone else None


def _end(start: date | None, count: str, unit: str) -> date | None:
    """``有效期5年`` ends on the day before, as official practice has it now."""
    number = int(count) if count.isdigit() else _han(count)
    if start is None or not number:
        return None
    months = start.month - 1 + (number if unit == "个月" else 12 * number)
    year, month = start.year + months // 12, months % 12 + 1
    for day in (start.day, 28):
        try:
            return date(year, month, day) - timedelta(days=1)
        except ValueError:
            continue
    return None


def _cited(text: str) -> Iterator[Fact]:
    seen: set[str] = set()
    for match in _CITED.finditer(text):
        name = match.group(1).strip()
        if name not in seen:
            seen.add(name)
            yield Fact(value=name, sentence=around(text, match.start()))


def _contacts(text: str) -> Iterator[Fact]:
    """Official telephones only; mobile numbers and names of persons are not harvested."""
    for match in _PHONE.finditer(text):
        yield Fact(value=match.group(1), sentence=around(text, match.start()))


def _day(year: str | None, month: str | None, day: str | None, posted: date | None) -> date | None:
    """A day; a missing year is that of the first such day on or after the posted one."""
    if month is None or day is None:
        return None
    base = posted or date(2000, 1, 1)
    years = [int(year)] if year else ([base.year, base.year + 1] if posted else [])
    for one in years:
        try:
            made = date(one, int(month), int(day))
        except ValueError:
            return None
        if year or made >= base:
            return made
    return None


def _after(posted: date, count: int, *, working: bool) -> date:
    day = posted
    while count > 0:
        day += timedelta(days=1)
        count -= not working or is_work_day(day)
    return day


def _han(text: str) -> int:
    tens, ten, ones = text.partition("十")
    if not ten:
        return _HAN.get(text, 0)
    return (_HAN.get(tens, 1) if tens else 1) * 10 + _HAN.get(ones, 0)
