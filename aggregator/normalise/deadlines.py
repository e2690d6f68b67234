"""Deadlines: the last days on which something may be handed in (DOMAIN.md §10).

A day is a deadline by the words around it: a label before it (申报时间：…), a word of ending
behind it (…前, …止) with a word of handing in, or a count of days from the notice on. Days of
statistics, meetings, documents and offices are none; ``triggers.toml`` lists their words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from aggregator.model import Deadline
from aggregator.normalise.days import CLOCK, COUNT, Day, after, counted, days
from aggregator.normalise.sentences import Reading, Sentence
from aggregator.normalise.triggers import triggers

_WORDS = triggers("deadlines")
#: A day, and a word that may make it a last one: most sentences have one of them at most.
_ANY = re.compile(
    r"\d[ \t]?[日号]|\d[-/.]\d|[一二三四五六七八九十][日号]|[年月][底末]|之日起|公示[期时]"
)
_ENDING = re.compile(
    r"[前止至到期限截-]|时间|关闭|最[迟晚]|之日起|日期|结束|不予|不再|\d日(?:报|送|上|寄|提|递)"
)
_LABEL = re.compile(
    r"([^,，。;；:()\n]{1,16}?)[ \t]?(?:截[止至]日?)?(?:起[止讫])?(?:时间|期限|日期|时限|时段|期间|期|(?<=截止日))(?:截止日)?(?:段|限)?(?:[和及与、](?:开标时间)?[和及与、]?地点)?(?:\([^()]{0,8}\))?(?:调整|延长|顺延)?(?:为|是|定于|从|自)?[ \t]?:?[ \t]{0,3}"
    r"(?:为|自|从|第?[一二三四五六七八九十\d]批(?:为|:)?)?[ \t]?\(?$"
)
_LAST_BEHIND = re.compile(
    CLOCK
    + r"(?:之前|以前|(?<!目)前(?!后|往|述|来|期)|止|(?:准时|自动|正式|统一)?(?:截止|关闭|结束(?!后))|为止|(?:是|为)[^,，。]{0,8}(?:最后|截止)[期日一])"
)
_STOP_BEFORE = re.compile(
    r"截[止至](?:时间|日期|期限)?(?:为|是|到|至|定于)?:?[ \t]{0,3}(?:北京时间)?$"
)
_EXTENDED = re.compile(r"(?:延[长期后]|顺延|推迟|调整)[至到为]$")
_TO_THE_DAY = re.compile(r"(?:于|在|最迟|务必|以?前)(?:最迟|最晚)?于?[ \t]?$")
_NO_LATER = re.compile(r"最[迟晚]不?[超晚迟]?[过于]*[ \t]?$|不[超晚迟][过于][ \t]?$")
_HANDED = re.compile(CLOCK + r"[,，]?(?:将[^,，。]{0,12})?(?:报送|送达|上报|寄达|送交|提交|递交)")
_FROM_NOW = re.compile(
    r"(?:即日|今日|(?:发[布出]|公布|刊登|印发)(?:之日)?)起?(?:[至到-]{1,2}|截止)$"
)
_EVERY = re.compile(r"每[年月季周个]|次月$")
_PUT_OFF = re.compile(CLOCK + r"(?:延[长期后]|顺延|推迟|调整)")
#: 报名时间11月18日开始: the first day, not the last.
_START = re.compile(r"起始|开始|启动|开启")
_BEGINS = re.compile(CLOCK + r"(?:开始|起(?![,，]?[至到])|启动|开启|以后|之?后(?!不))|\)")
#: 11月23日后不予受理: the last day is that one.
_SHUT = re.compile(CLOCK + r"(?:之?后|起)(?:不予|不再|停止)(?:受理|接收|办理|补|报名)")
#: 资金使用截止日期: the end of other things than handing in.
_OTHER_THING = re.compile(
    r"使用|建设|履[行约]|工期|施工|执行|实施|有效|合同|付款|拨付|公布|验收|结题|[完竣]工|服务|租赁|统计|数据|评审|审[核查]|展[览出]|任务"
)
#: What somebody, mostly the office, means to have done by a day.
_WILL = re.compile(
    r"(?:将|拟|计划|预计)[于在]?$|力争(?:[于在]|到)?$|争取(?:[于在]|到)?$|确保(?:[于在]|到)?$"
)
_TAKING = re.compile(r"获取|领取|下载|开标|发售")
#: Fetching the papers of a tender is no handing in.
_FETCHED = re.compile(
    CLOCK + r"(?:止)?[,，]?[^,，。;；]{0,24}?(?:获取|领取|下载|购买)[^,，。;；]{0,10}文件"
)
_BATCH = re.compile(r"批(?:为|:|：)?$")
#: What a notice says to its readers, and what becomes of those who are late.
_ASKED = re.compile(r"(?<!申)请[^。]*$|务必|须|应[当于在]")
_LATE = re.compile(r"逾期|过期不")
#: 公示期为5个工作日(…至…), and the same without a day, told of what is shown now.
_SHOWN_SPAN = re.compile(r"公示(?:期限?|时间|日期|周期|时限)[^。;；]{0,30}$")
_SHOWN_COUNT = re.compile(
    rf"公示(?:期限?|时间|时限)[ \t]?(?:为|是|共|:)?[ \t]?{COUNT}[ \t]?个?(工作日|自然日|日|天)(?![^。]{{0,30}}\d[日号]?[ \t]?(?:至|到|-)|后)"
)
_SHOWN_NOW = re.compile(r"现[^。]{0,80}公示|予以公示|公示如下")
_DURING = re.compile(CLOCK + r"(?:期间|的)")
_CLOCK = re.compile(r"^" + CLOCK)
_WORKING = re.compile(
    rf"(?:自|从|在|于)?(?:本|该|此)?(?:通知|公告|公示|通告|文件|信息|方案)?(?:发布|印发|公布|刊登|挂网|发文|下发|发出|公示|公告|刊发|张贴)?之日起,?(?:的)?{COUNT}[ \t]?个?(工作日|自然日|日|天|月)"
)
_FROM_NOTICE = re.compile(
    r"通知|公告|公示|通告|文件|发布|印发|公布|刊登|挂网|发文|下发|发出|刊发|张贴"
)
_SHOWN = re.compile(r"公示")
_OBJECT = re.compile(r"异议|提[出交][^。]{0,6}意见|意见建议|征求意见|反映|反馈|举报|投诉")
#: A heading of its own line that says what the days below it are for.
_HEADING = re.compile(rf"(?:{_WORDS['label'].pattern})[^审评]{{0,4}}(?:时间|期限|截止|日期|时限)")
_NEAR, _CLAUSE_MOST, _LOOK_BACK = 24, 40, 60
_CLAUSE_END = re.compile(r"[,，。;；!?！？\n]")
#: A word of other things weighs only where it follows the day at once: 前公布…, 前建成….
_AT_ONCE = 6
_OBJECTION_WITHIN = 50
#: A label that stands in a cell or a line of its own, before its value.
_LABEL_LINE = 14


def read_deadlines(reading: Reading, posted: date | None) -> Iterator[Deadline]:
    """Last days for handing in, each once; two of them are both kept."""
    seen: set[date] = set()
    before = ""
    for sentence in reading.sentences:
        if _ANY.search(sentence.plain) and (before or _ENDING.search(sentence.plain)):
            for day, start, end in _of_sentence(reading, sentence, before, posted):
                if day not in seen:
                    seen.add(day)
                    yield Deadline(value=day, sentence=reading.evidence(start, end))
        before = sentence.plain if len(sentence.plain) <= _LABEL_LINE else ""


def _of_sentence(
    reading: Reading, sentence: Sentence, label: str, posted: date | None
) -> Iterator[tuple[date, int, int]]:
    """The deadlines of one sentence, each with its place in the text."""
    text = sentence.plain
    if posted:
        for match in _WORKING.finditer(text):
            count = counted(match[1])
            if (
                count
                and _FROM_NOTICE.search(match.group())
                and _counted_is_due(reading, sentence, match)
                and (due := after(posted, count, match[2]))
            ):
                yield due, sentence.start + match.start(), sentence.start + match.end()
        for match in _SHOWN_COUNT.finditer(text):
            count = counted(match[1])
            if (
                count
                and _is_shown_now(reading, sentence)
                and (shown := after(posted, count, match[2]))
            ):
                yield shown, sentence.start + match.start(), sentence.start + match.end()
    labelled = False
    for day in days(text, posted=posted):
        place = _Place(reading, sentence, day, label, posted, labelled)
        if _is_due(place) and (when := day.on(posted)):
            yield when, sentence.start + day.begins, sentence.start + day.end
        labelled = _label_speaks(place)


def _is_shown_now(reading: Reading, sentence: Sentence) -> bool:
    """Whether the notice itself shows something and asks for objections, without naming days."""
    start = max(sentence.start - _OBJECTION_WITHIN, 0)
    end = sentence.start + len(sentence.plain)
    if not _SHOWN_NOW.search(reading.plain, start, end) or not _objects(reading, sentence):
        return False
    spans = days(reading.plain[start : end + _OBJECTION_WITHIN], posted=None)
    return all(day.since is None for day in spans)


def _counted_is_due(reading: Reading, sentence: Sentence, match: re.Match[str]) -> bool:
    """Whether so many days from the notice on are for handing in."""
    text = sentence.plain
    behind = _clause(text[match.end() : match.end() + _CLAUSE_MOST].lstrip("内,，"))
    if re.match(r"后", behind.lstrip("内之")):
        return False
    if re.search(r"公示[^,，。]{0,6}$", text[: match.start()][-12:]) or "公示" in match.group():
        return _objects(reading, sentence)
    ahead = text[max(match.start() - _LOOK_BACK, 0) : match.start()]
    if _WORDS["duty"].search(behind):
        first = _WORDS["office"].search(behind)
        duty = _WORDS["duty"].search(behind)
        return not (first and duty and first.start() < duty.start())
    return bool(_WORDS["duty"].search(ahead)) and not _WORDS["office"].search(behind)


@dataclass(frozen=True, slots=True)
class _Place:
    """A day in its sentence; ``label`` is the short line above, ``labelled`` what stood before."""

    reading: Reading
    sentence: Sentence
    day: Day
    label: str
    posted: date | None
    labelled: bool

    @property
    def before(self) -> str:
        return self.sentence.plain[max(self.day.begins - _NEAR, 0) : self.day.begins]

    @property
    def behind(self) -> str:
        return self.sentence.plain[self.day.end : self.day.end + _CLAUSE_MOST]

    @property
    def named(self) -> str | None:
        """The label right before the day, or in the cell or line above it."""
        head = self.before if self.before.strip() or not self.label else f"{self.label}:"
        found = _LABEL.search(head)
        return found[1] + head[found.end(1) :] if found else None


def _is_due(place: _Place) -> bool:
    """Whether a day is a deadline: the first rule that has a say decides."""
    for rule in (
        _recurs,
        _by_label,
        _shown,
        _by_heading,
        _prolonged,
        _over,
        _stopped,
        _spanned,
        _ended,
    ):
        verdict = rule(place)
        if verdict is not None:
            return verdict
    return False


def _label_speaks(place: _Place) -> bool:
    """Whether a label of handing in speaks for the days that follow in the sentence, too."""
    if place.named is None:
        return place.labelled
    return bool(_by_label(place)) and not _SHOWN.search(place.named)


def _recurs(place: _Place) -> bool | None:
    before = place.before
    return False if _EVERY.search(before[-8:]) or _WORDS["past"].search(before[-10:]) else None


def _by_label(place: _Place) -> bool | None:
    """申报时间：…至…; a label of other days (评审时间) says that the day is none."""
    what = place.named
    if what is None:
        return None
    if _SHOWN.search(what):
        dated = place.day.since or _LAST_BEHIND.match(place.behind)
        return bool(dated) and _objects(place.reading, place.sentence)
    begins = _START.search(what) or (place.day.since is None and _BEGINS.match(place.behind))
    if what.endswith("挂牌") and place.day.since is None:
        return False
    return not begins and _names_handing_in(what)


def _shown(place: _Place) -> bool | None:
    """公示期为10个工作日，自…至…: the end of the span, where an objection is asked for."""
    at = place.day.begins
    ahead = place.sentence.plain[max(at - _CLAUSE_MOST, 0) : at]
    if place.day.since is None or not _SHOWN_SPAN.search(ahead):
        return None
    return _objects(place.reading, place.sentence)


def _names_handing_in(label: str) -> bool:
    """Whether a label is of handing in: 申报截止, not 获取文件, 评审, or 资金使用截止."""
    ends = label.replace("截止", "").replace("截至", "")
    if not _WORDS["label"].search(label) or _WORDS["held"].search(label):
        return False
    if _TAKING.search(label) and ends == label:
        return False
    return bool(_WORDS["label"].search(ends)) or not _OTHER_THING.search(ends)


def _by_heading(place: _Place) -> bool | None:
    """一、申报期限, a line of its own, above the sentence."""
    dated = place.day.since or _LAST_BEHIND.match(place.behind)
    return True if place.label and dated and _HEADING.search(place.label) else None


def _prolonged(place: _Place) -> bool | None:
    """由…延期至…: the latter."""
    if _EXTENDED.search(place.before):
        return _hands_in(place)
    if place.before.endswith("由") and _PUT_OFF.match(place.behind):
        return False
    return None


def _over(place: _Place) -> bool | None:
    if _SHUT.match(place.behind):
        return True
    if _WORDS["closed"].search(_clause(place.behind)):
        return False
    return False if _is_over(place.day, place.posted) and not _is_told(place) else None


def _is_told(place: _Place) -> bool:
    """Whether readers are told to keep the day, so that a page posted later only repeats it.

    请于…前报送, 截止到…: not 2018年9月9日前，共申报…, which tells what happened.
    """
    text, at = place.sentence.plain, place.day.begins
    stop = _STOP_BEFORE.search(place.before)
    if stop:
        lead = _last_clause(place.before[: stop.start()])
        return bool(_WORDS["duty"].search(lead) or _WORDS["label"].search(lead))
    return bool(_ASKED.search(text[max(at - _NEAR, 0) : at]) or _LATE.search(text, at))


def _stopped(place: _Place) -> bool | None:
    """截止 and 截至: the end of taking in, or the day of a count."""
    stop = _STOP_BEFORE.search(place.before)
    if stop is None:
        return None
    lead = _last_clause(place.before[: stop.start()])
    if _WORDS["duty"].search(lead) or _WORDS["label"].search(lead):
        return True
    clause = _clause(_CLOCK.sub("", place.behind, count=1).lstrip(",，"))
    if _WORDS["counted"].search(clause):
        return False
    if not lead.strip() and re.match(CLOCK + "[,，]", place.behind):
        # 截止10月13日，参赛作品…: an account of what came in.
        return bool(re.search(r"逾期|不再|不予|过期", place.sentence.plain))
    return bool(_WORDS["duty"].search(place.sentence.plain))


def _spanned(place: _Place) -> bool | None:
    """The end of a span, by the label before an earlier one or by what is done in it."""
    if place.day.since is None:
        return None
    before = place.before
    if place.labelled and (not re.search(r"[,，]", before) or _BATCH.search(before)):
        return True
    if _DURING.match(place.behind) or _FETCHED.match(place.behind):
        return False
    return _hands_in(place)


def _ended(place: _Place) -> bool | None:
    """…前, …止, 即日起至…, 于…报送, 最迟…: with a word of handing in."""
    before, behind = place.before, place.behind
    if _FROM_NOW.search(before):
        return _hands_in(place)
    if last := _LAST_BEHIND.match(behind):
        if _WILL.search(before) and "前" in last.group():
            return False
        said = _WORDS["duty"].search(last.group()) or (place.labelled and "止" in last.group())
        return bool(said) or _hands_in(place, last.end())
    if (_TO_THE_DAY.search(before) and _HANDED.match(behind)) or _NO_LATER.search(before):
        return _hands_in(place)
    return None


def _hands_in(place: _Place, skip: int = 0) -> bool:
    """Whether the clause behind a day, or what leads up to it, is of handing in.

    The first words behind decide; where they say neither, the next clause, then what stands before.
    """
    clauses = [part for part in _CLAUSE_END.split(place.behind[skip:]) if part.strip()][:2]
    for clause in clauses:
        duty = _WORDS["duty"].search(clause)
        others = (_WORDS[name].search(clause) for name in ("eligible", "held", "office"))
        veto = min((other.start() for other in others if other), default=None)
        if duty and (veto is None or duty.start() <= veto or veto > _AT_ONCE):
            return not clause.startswith("的")
        if veto is not None:
            return False
    ahead = place.sentence.plain[max(place.day.begins - _LOOK_BACK, 0) : place.day.begins]
    nearest = _last_clause(ahead)
    if _WORDS["eligible"].search(nearest[-6:]) or _WORDS["held"].search(nearest):
        return False
    return bool(_WORDS["duty"].search(ahead))


def _objects(reading: Reading, sentence: Sentence) -> bool:
    """Whether something may be said against what is shown: then its days end a time to do so."""
    start = max(sentence.start - _OBJECTION_WITHIN, 0)
    end = sentence.start + len(sentence.plain) + _OBJECTION_WITHIN
    return bool(_OBJECT.search(reading.plain, start, end))


def _last_clause(ahead: str) -> str:
    return re.split(r"[,，]", ahead)[-1]


def _clause(behind: str) -> str:
    return _CLAUSE_END.split(behind, maxsplit=1)[0]


def _is_over(day: Day, posted: date | None) -> bool:
    """Whether a day with a year was over when the notice was posted."""
    when = day.on(posted)
    year = day.year or (day.since.year if day.since else None)
    return bool(posted and year and when and when < posted)
