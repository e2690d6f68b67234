"""The bar and the header block around a text: which lines are labels and buttons."""

from __future__ import annotations

import re

from aggregator.text import squeeze

#: Labels of the header block as printed → as we name them (DOMAIN §10).
LABELS = {
    "索引号": "索引号", "信息索引号": "索引号", "索引编号": "索引号",
    "信息索引": "索引号", "索取号": "索引号",
    "主题分类": "主题分类", "信息分类": "主题分类", "所属主题": "主题分类", "分类": "主题分类",
    "发文机关": "发文机关", "发布机构": "发文机关", "发文单位": "发文机关", "发布单位": "发文机关",
    "制发机关": "发文机关", "公开责任部门": "发文机关", "发文机构": "发文机关", "信息公开主体": "发文机关",
    "发布机关": "发文机关", "公开机构": "发文机关", "制定机关": "发文机关", "责任部门": "发文机关",
    "成文日期": "成文日期", "发文日期": "成文日期", "成文时间": "成文日期", "发文时间": "成文日期",
    "生成日期": "生成日期", "签发日期": "成文日期", "印发日期": "成文日期",
    "标题": "标题", "名称": "标题", "信息名称": "标题", "文件名称": "标题",
    "文号": "文号", "发文字号": "文号", "文件编号": "文号", "文件号": "文号", "发布文号": "文号",
    "发布日期": "发布日期", "发布时间": "发布日期", "上载日期": "发布日期", "公开日期": "发布日期",
    "公开时间": "发布日期", "上传日期": "发布日期", "信息发布时间": "发布日期", "发稿时间": "发布日期",
    "有效性": "有效性", "效力状态": "有效性", "是否有效": "有效性", "时效性": "有效性", "文件状态": "有效性",
    "主题词": "主题词", "关键词": "主题词", "体裁": "体裁", "体裁分类": "体裁", "公文种类": "体裁",
    "实施日期": "实施日期", "施行日期": "实施日期", "生效日期": "实施日期",
    "失效日期": "失效日期", "废止日期": "失效日期", "失效时间": "失效日期",
    "统一编号": "统一编号", "登记号": "统一编号", "规范性文件登记号": "统一编号", "统一登记号": "统一编号",
    "所属地区": "所属地区", "公开形式": "公开形式", "公开方式": "公开方式", "服务对象": "服务对象",
}  # fmt: skip
PAIR = re.compile(
    r"^\s*+[\[【(]?\s*+([\u4e00-\u9fff][\u4e00-\u9fff\s\u3000]{1,14}?)\s*+[\]】)]?\s*+[:：]\s*+(.*)$"
)
_BUTTONS = re.compile(
    r"打印|关闭|分享到|字体|字号|收藏|浏览次数|阅读次数|点击率|点击量|保护视力|责任编辑"
    r"|(?:信息|文章|稿件)?(?:发布|发稿|发表|更新|公开|公布|录入|添加|上传|上载|生成)(?:时间|日期)|来\s*源\s*[:：]|来源于\s*[:：]|作者\s*[:：]"
    r"|索引号|所属地区|发布(?:者|人|机构|单位)\s*[:：]|出处\s*[:：]|(?:^|[\s|【\[(（])(?:时\s*间|日\s*期)\s*[:：]"
    r"|(?:阅读|浏览|点击|访问)(?:次数|量|数|人次)?\s*[:：]|人气\s*[:：]|编辑\s*[:：]|录入者?\s*[:：]"
    r"|\b(?:[Ss]ource|[Aa]uthor|[Uu]pdated?|[Pp]ublished|[Pp]osted)\s*:"
)
_BAR = re.compile(
    r"^[\[【(（\s]*(?:信息|文章|稿件|新闻)?(?:发布|发稿|发表|更新|上传|添加)?(?:时间|日期|来\s*源|作者|索引号)"
    r"\s*[:：]\s*(?:(?:19|20)\d\d|[\u4e00-\u9fff]{2,20}\s*$|$)|^[\[【(（\s]*(?:19|20)\d\d[-/.年]\d{1,2}[-/.月]\d{1,2}日?(?:\s*[\d:：]+)?[\]】)）\s]*$"
)
_POSTED = re.compile(
    r"^[\[【(（\s]*(?:信息)?(?:发布|发稿|发表|录入|更新|公布)(?:时间|日期)\s*(?:[:：]|(?=(?:19|20)\d\d))"
)
#: A day with what stands beside it in a bar: at the line's beginning, or with a clock.
_DATED = re.compile(
    r"^[\[【(（\s]*(?:19|20)\d\d[-/.年]\d{1,2}[-/.月]\d{1,2}|(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2}\s*\d{1,2}[:：]\d\d"
)
LONGEST = 200
#: A longer line of the bar has a label in it.
_BUTTONED = 40
_COLON = re.compile("[:：]")
#: A day with its clock, and words that are no sentence, behind it or before.
_CLOCKED = re.compile(
    r"^[\[【(（\s]*(?:19|20)\d\d[-/.年]\d{1,2}[-/.月]\d{1,2}日?\s*\d{1,2}[:：]\d\d[^，。；、]*$"
    r"|^[^\s，。；、：:？！\d]{2,20}\s+(?:19|20)\d\d[-/.年]\d{1,2}[-/.月]\d{1,2}日?\s*\d{1,2}[:：]\d\d(?:[:：]\d\d)?$"
)
#: No label ends later in its line.
_LABEL = 30


def is_bar(line: str) -> bool:
    """Whether a line is the bar of date, source and buttons around a body."""
    if len(line) > 160 or "。" in line or (len(line) > _BUTTONED and not _COLON.search(line)):  # noqa: PLR2004
        return False
    marks = len(set(_BUTTONS.findall(line)))
    return (
        marks > 1
        or (marks == 1 and _DATED.search(line) is not None)
        or _POSTED.match(line) is not None
    )


def is_header(line: str) -> bool:
    """Whether a line is a labelled pair of the header block."""
    if "：" not in line[:_LABEL] and ":" not in line[:_LABEL]:
        return False
    pair = PAIR.match(line) if len(line) <= LONGEST else None
    return pair is not None and squeeze(pair.group(1)) in LABELS


def is_bare(line: str) -> bool:
    """Whether a line is nothing but a date or one labelled value of the bar."""
    return bool(_BAR.match(line)) or (len(line) <= _BUTTONED and _CLOCKED.match(line) is not None)
