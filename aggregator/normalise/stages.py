"""How far a project is: the stages of DOMAIN.md §11 that were reached, not those hoped for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from aggregator.model import Fact
from aggregator.normalise.sentences import Reading
from aggregator.normalise.triggers import triggers

_WORDS = triggers("stages")
#: Stage, the words of having reached it, and what only looks like them.
_STAGES = (
    ("谋划", r"(?:新|共|已|累计|超前|全[区县市])谋划|谋划(?:实施)?(?:重[大点]|亿元以上|新)?项目(?=[^,，]{0,4}\d)", r"谋划储备"),
    ("储备", r"集中储备|[列纳]入[^,，]{0,10}(?:储备|项目库)|入库储备|(?:梳理|新增|共|已)储备|储备(?:重[大点]|亿元以上)?项目(?=[^,，]{0,6}\d)", r"(?:粮食|应急|物资|土地|人才)储备"),
    ("在谈", r"在谈(?:项目)?|正在洽谈|正在[^,，]{0,6}对接洽谈", None),
    ("意向", r"(?:达成|签订|签署)[^,，]{0,10}意向|意向(?:协议|项目)(?=[^,，]{0,4}\d)", None),
    ("签约", r"(?:成功|正式|集中|现场|共|已|完成|举行|项目)?签约|新签(?:订|工业|产业)?项目(?=[^,，]{0,6}\d)|签订(?:项目)?(?:投资|合作|框架)[^,，]{0,6}协议|签署[^,，]{0,10}(?:投资|合作|框架)[^,，]{0,4}协议",
     r"签约(?:项目(?:落地|开工|投产|转化|履约)|项目情况|条件|运动|球员|外援|教练|歌手|艺人|选手|作家|主播|医生|服务|率|有效期|前|后|期|项目转化|项目履约)|医生签约|(?:俱乐部|球队|战队|作家|主播|艺人|合同|家庭医生)[^,，]{0,10}签约|签约[^,，]{0,8}(?:球员|外援|歌手|艺人|选手|作家|主播|医生)"),
    ("落户", r"落户", r"(?:户籍|户口|人口|人才|积分|人员|群众|毕业生|先|学生|农民|居民|院士|专家|团队)[^,，]{0,6}落户|落户(?:政策|条件|人口|人才|人员|手续|奖|限制|门槛)|[对为给]?新?落户[^,，]{0,10}(?:企业|项目)给|落户企业(?![\d])"),
    ("备案", r"(?:完成|取得|通过|获得?|已)[^。,，]{0,10}备案|备案(?:通过|结果)|(?:予以|同意|准予)备案|经[^,，]{2,12}备案(?=[,，]|$)", r"ICP备案?|网安备|(?:公安|合同|网站|资格|竣工验收|章程|价格|医保)备案|备案(?:后|手续|信息|管理)"),
    ("核准", r"(?:获得?|完成|取得|通过)[^。,，]{0,10}核准|核准批复|予以核准|核准的批复|关于核准[^,，]{2,30}的(?:批复|通知)", r"核准后"),
    ("拿地", r"摘牌|竞得(?!人(?:[须应在与需逾不未按当缴持]|签))|成功拿地|取得[^。,，]{0,10}土地使用权|成交(?:公示|结果)[^。]{0,20}(?:宗地|地块)|竞得人:", r"(?:挂牌|不|未)摘牌"),
    ("环评公示", r"(?:环评|环境影响(?:评价|报告[书表]?|登记表))[^。,，;]{0,14}(?:公示|批复|审批|受理|批准|获批|通过|审查意见)|(?:通过|完成|取得|获得?)[^。,，]{0,8}环评", r"(?:环评|环境影响评价)[^。,，;、]{0,8}\d{1,3}个?工作日内"),
    ("能评公示", r"(?:能评|节能(?:审查|评估|报告))[^。,，;]{0,12}(?:公示|批复|审批|受理|批准|获批|通过|审查意见)|(?:通过|完成|取得|获得?)[^。,，]{0,8}能评", None),
    ("开工", r"(?:集中|正式|顺利|已|破土|奠基|项目|全面)?开工(?!作)|奠基仪式|奠基开工|开工奠基|项目[^,，]{0,6}奠基|破土动工|动工建设|(?:已|全面|正式|实际)动工|动工项目(?=[^,，]{0,4}\d)", r"公开工作|复工|开工返岗|返岗开工|开工第一|开工大吉|节后开工|拿地即开工|即开工|开工(?:建设)?前|开工(?:[期季费率]|投产率|面积|通知|条件|奖励|令|时间|日期|之日|许可|仪式筹备|准备|报告)|停工|新开工(?:的|技改项目给)|(?:不|未|难)开工"),
    ("在建", r"在建(?=项目|工程|重[大点]|亿|面积|阶段|状态|的|及|和|[\d,，。、;；]|$)|续建|正在[^,，]{0,6}(?:建设|施工)(?!许可|图|证|方案)|(?:正在|处于|项目|工程)建设中|加[紧快][^,，]{0,4}施工|(?:项目|工程|园|厂房|厂区|校区|基地|线|期)[^,，]{0,6}加[紧快]建设(?=[,，。;；]|$)|主体(?:结构|工程|厂房)?[^,，]{0,4}封顶|(?:已|顺利|全面|成功|正式|项目|工程|厂房|大?楼)封顶|(?:正在|进[入行]|开展|加[紧快])[^,，]{0,6}设备安装|(?:桩基|土建|基础|主体)[^,，]{0,4}施工|(?:项目|工程)?建设[^,，]{0,6}(?:有序|顺利|稳步|加快)推进|施工现场", r"[、“\"]在建工程|在建工程[”\"、科余账]|试点建设"),
    ("竣工", r"竣工|完工|通过[^,，]{0,6}验收", r"竣工(?:验收)?(?:率|面积|办法|规定|备案|条例|管理|手续|后|日期|图|结算|决算|财务|价|产值)|竣工即|竣工验收[^,，]{0,4}(?:应|须|申请)"),
    ("试生产", r"试生产|试投产|试运行|试运营", r"试生产(?:方案|办法|规定|期|前)|系统[^,，]{0,4}试运行"),
    ("投产", r"(?<!试)投产|(?<!试)投入(?:生产|运营)|(?:项目|工程|厂房|园区|电站|基地|生产线)[^,，]{0,12}投入使用|正式运营|并网(?:发电|投运)|投运|建成运营", r"复产|即投产|落地投产|试投产|投产(?:率|达[产效]率|工作|要求|条件|奖励|行动|前|后|运营情况|日期)|建成投产的|投产达效的|复工投产"),
    ("达产", r"达产", r"达产(?:达效)?[后时]|可达产|待[^,，]{0,8}达产|将达产|达产率"),
    ("停建", r"停建|停工|缓建", r"停工停产|不停工"),
    ("终止", r"(?:项目|建设)[^,，。]{0,6}(?:已|现|被|予以)?(?:终止|取消)|终止[^,，。]{0,8}(?:项目|建设)", r"(?:采购|招标|合同|劳动|磋商|遴选|服务|活动)[^,，]{0,8}终止|终止(?:劳动|合同|采购|招标|本次)"),
)  # fmt: skip
_COMPILED = tuple(
    (name, re.compile(reached), re.compile(tempter) if tempter else None)
    for name, reached, tempter in _STAGES
)
#: Most sentences tell of no stage; one look is enough for them.
_ANY = re.compile(
    r"谋划|储备|在谈|洽谈|意向|签[约订署]|新签|落户|备案|核准|摘牌|竞得|拿地|土地使用权|成交[公结]|环评|环境影响|能评|节能|[开动完停竣]工|奠基|[在续停缓]建|正在|建设|加[紧快]|封顶|安装|施工|验收|试[生投运]|[投达]产|投入[生运使]|运营|投运|并网|终止|取消"
)
#: An item of a list of conditions, （三）…；, asks for a stage and does not tell of one.
_CONDITION = re.compile(r"^(?:\([一二三四五六七八九十\d]+\)|\d+[.、．]).*[;；]$")
#: Firms sign players, too: what is signed or settled counts where a project or a firm is named.
_OF_PROJECTS = frozenset({"签约", "落户", "意向"})
#: What an office does within so many working days is a promise; what is shown for so many, is shown.
_OF_REVIEW = frozenset({"环评公示", "能评公示"})
_WITHIN = re.compile(r"[\d一二三四五六七八九十]个?工作日内")
_OF_WORKS = frozenset({"备案", "核准"})
_WORKS = re.compile(r"项目|工程|投资|电站|产业|立项|节能|能评|可研")
_PROJECT = re.compile(
    r"项目|企业|公司|集团|投资|园|招商|产业|基地|总部|厂|合作区|开发区|推介|亿元|客商|框架协议"
)
_SPORT = re.compile(
    r"球|篮|赛季|联赛|NBA|CBA|运动员|演员|歌手|党建|冠名|代言|律师|律所|就业协议|三方协议|校企|家庭医生"
)
#: Schools, clubs and unions sign with firms, too; theirs counts where money or land is meant.
_TEACHING = re.compile(
    r"(?:教学|实践|实训|实习|教育|培训|科普|就业)[^,，。]{0,4}(?:基地|合作|项目|协议)|学院|学校|大学|幼儿园|授牌|学会|协会|医联体|志愿"
)
_INVESTED = re.compile(
    r"投资|招商|引资|[亿万]元|产业园|开发区|[经高]开?新?区|落户|落地|客商|投产|开工|用地|厂"
)
_CLAUSE = re.compile(r"[^,，;；:：。]+")
#: A clause without a subject of its own, a time aside: the words of the one before it reach over.
_NO_SUBJECT = re.compile(
    r"(?:到|于|至|并|再)?(?:(?:20)?\d\d年|今年|明年|次年|后年|当年)?(?:\d{1,2}月份?|年)?(?:\d{1,2}日)?(?:[底初末前]|上半年|下半年|[上中下]旬)*(?:可|能|全部|全面|建成|正式|实现|并)*"
)
_YEAR = re.compile(r"(20\d\d)年")


def read_stages(reading: Reading, posted: date | None) -> Iterator[Fact]:
    """Each stage once, with the sentence that first tells that it was reached by ``posted``."""
    seen: set[str] = set()
    for sentence in reading.sentences:
        text = sentence.plain
        if not _ANY.search(text) or _CONDITION.match(text) or _WORDS["rule"].search(text):
            continue
        of_project = (
            _PROJECT.search(text)
            and not _SPORT.search(text)
            and (not _TEACHING.search(text) or _INVESTED.search(text))
        )
        clauses = [*_CLAUSE.finditer(text)]
        for name, pattern, tempter in _COMPILED:
            if name in seen or (name in _OF_PROJECTS and not of_project):
                continue
            if name in _OF_WORKS and not _WORKS.search(text):
                continue
            if not pattern.search(text):
                continue
            for clause in clauses:
                words = tempter.sub("　", clause.group()) if tempter else clause.group()
                reached = pattern.search(words)
                if (
                    reached
                    and not (name not in _OF_REVIEW and _WITHIN.search(clause.group()))
                    and not _WORDS["planned"].search(words[: reached.end()])
                    and not _planned(text, clause, words[: reached.start()], posted)
                    and not _is_to_come(words[: reached.start()], posted)
                ):
                    seen.add(name)
                    at = sentence.start + clause.start() + reached.start()
                    yield Fact(value=name, sentence=reading.evidence(at, at + 1))
                    break


def _planned(text: str, clause: re.Match[str], ahead: str, posted: date | None) -> bool:
    """Whether a clause details or continues what the one before it plans.

    计划实施…，其中新开工44个; 将投资30亿元，开工建设…; 计划9月开工，明年6月投产. ``ahead`` is what
    stands before the stage in its clause.
    """
    goes_on = clause.group().startswith("其中") or _NO_SUBJECT.fullmatch(ahead)
    before = text[max(clause.start() - 40, 0) : clause.start()]
    clauses = _CLAUSE.findall(before)  # none where only a mark stands before
    if not goes_on or not clauses:
        return False
    return bool(_WORDS["planned"].search(clauses[-1])) or _is_to_come(clauses[-1], posted)


def _is_to_come(ahead: str, posted: date | None) -> bool:
    """Whether the year named before a stage is a later one than the notice's."""
    year = _YEAR.findall(ahead)
    return bool(posted and year and int(year[-1]) > posted.year)
