"""The words of our pages: Chinese first, English beside it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from types import MappingProxyType
from zoneinfo import ZoneInfo

from aggregator.model import (
    Amount,
    Flag,
    Frequency,
    Health,
    Novelty,
    Precision,
    Redesign,
    SourceState,
)

CHINA = timezone(timedelta(hours=8))
#: A redesign is told on the status page for this long.
TOLD_FOR = timedelta(days=30)
WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
HEALTH: Mapping[Health, tuple[str, str]] = MappingProxyType(
    {
        Health.NEW: ("待首轮", "new"),
        Health.WELL: ("正常", "well"),
        Health.EMPTY: ("读不到条目", "empty"),
        Health.STALE: ("久未更新", "stale"),
        Health.BLOCKED: ("被拦截", "blocked"),
        Health.REDESIGNED: ("疑似改版", "redesigned"),
        Health.UNREACHABLE: ("无法访问", "unreachable"),
        Health.ILL: ("异常", "ill"),
    }
)
STATES: Mapping[SourceState, tuple[str, str]] = MappingProxyType(
    {
        SourceState.ACTIVE: ("监测中", "active"),
        SourceState.PAUSED: ("已暂停", "paused"),
        SourceState.UNTESTED: ("待测试", "untested"),
    }
)
FREQUENCIES: Mapping[Frequency, tuple[str, str]] = MappingProxyType(
    {
        Frequency.IMMEDIATE: ("即时", "immediately"),
        Frequency.DAILY: ("每日", "daily"),
        Frequency.WEEKLY: ("每周", "weekly"),
    }
)
#: Why a subscription ended, as it is kept.
ENDINGS: Mapping[str, str] = MappingProxyType(
    {
        "stop-link": "用邮件里的链接退订",
        "one-click": "用邮箱的退订按钮",
        "preferences": "在设置页停止",
        "complaint": "标记为垃圾邮件",
        "bounced": "邮箱收不到",
        "operator": "由运营者停止",
        "address changed": "更换邮箱",
        "erased": "已删除",
        "same as another": "与另一项相同",
    }
)
#: Why people say that they stopped.
WHYS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "too-many": ("邮件太多", "too many mails"),
        "not-relevant": ("内容不对路", "not what I look for"),
        "no-need": ("不再需要", "no need any more"),
        "not-asked": ("我没有订阅过", "I never asked for it"),
        "other": ("其他原因", "something else"),
    }
)
NOVELTIES: Mapping[Novelty, str] = MappingProxyType(
    {
        Novelty.LATE_NEWS: "补录",
        Novelty.LATE: "早先发布",
        Novelty.FIRST_POLL: "收录时已有",
        Novelty.HELD: "待核",
    }
)
FLAGS: Mapping[Flag, str] = MappingProxyType(
    {
        Flag.ATTACHMENT_ONLY: "正文在附件中",
        Flag.TABLE_ONLY: "正文只有表格",
        Flag.ROW_ONLY: "仅据列表标题，正文尚未读到",
        Flag.STATUS_CHANGE: "修改、延续或废止其他文件",
        Flag.DRAFT: "征求意见稿，尚未生效",
        Flag.AGGREGATE: "汇总数字",
        Flag.BODY_DOUBLED: "原页正文重复，已去重",
        Flag.DATE_GUESSED: "日期为推断",
        Flag.EXCLUDED: "默认不进订阅",
    }
)
BASES: Mapping[str, str] = MappingProxyType(
    {
        "cap": "最高", "floor": "不低于", "fixed": "定额", "rate": "比例", "unit": "单价",
        "investment": "投资", "aggregate": "合计", "other": "金额",
    }
)  # fmt: skip
#: What one announcement does to another, said of the first and of the second.
RELATIONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "cites": ("引用", "被引用"), "explains": ("解读", "解读见"), "drafts": ("征求意见", "征求意见见"),
        "amends": ("修改", "被修改"), "repeals": ("废止", "被废止"), "extends": ("延续", "被延续"),
        "corrects": ("更正", "被更正"),
    }
)  # fmt: skip

CHANGED_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "title": "标题", "body_text": "正文", "body_html": "正文排版", "attachments": "附件",
        "facts": "要点", "validity": "有效性", "valid_from": "生效日", "valid_until": "失效日",
        "withdrawn": "撤下", "withdrawn_at": "撤下", "doc_number": "文号", "issuer": "发文机关",
        "url": "原文地址", "posted_at": "发布日期", "kind": "类别", "categories": "分类",
        "regions": "地区", "summary": "摘要",
    }
)  # fmt: skip


def day(at: datetime | date | None) -> str:
    """A day in China, ``2026-10-05``; nothing when unknown."""
    if at is None:
        return ""
    return (at.astimezone(CHINA).date() if isinstance(at, datetime) else at).isoformat()


def long_day(at: date) -> str:
    """A day as a heading: ``10月5日 周一``, with the year in English order beside it."""
    return f"{at.month}月{at.day}日 {WEEKDAYS[at.weekday()]}"


def local(at: datetime, zone: str) -> str:
    """A minute where somebody is."""
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def moment(at: datetime | None) -> str:
    """A minute in China; nothing when unknown."""
    return f"{at.astimezone(CHINA):%Y-%m-%d %H:%M}" if at else ""


def posted(at: datetime | None, precision: Precision) -> str:
    """A posted time as exactly as it is known."""
    return day(at) if precision is Precision.DAY else moment(at)


def ago(at: datetime | None, now: datetime) -> str:
    """How long ago, in one word: ``3 分钟前``."""
    if at is None:
        return "从未"
    seconds = max(0, int((now.astimezone(UTC) - at).total_seconds()))
    for size, unit in ((86400, "天"), (3600, "小时"), (60, "分钟")):
        if seconds >= size:
            return f"{seconds // size} {unit}前"
    return "刚刚"


def days_left(until: date, now: datetime) -> int:
    """Days from today in China to a deadline; negative when it is over."""
    return (until - now.astimezone(CHINA).date()).days


def deadline(until: date, now: datetime) -> str:
    """A deadline as people say it: ``截止 9月30日(剩17天)``."""
    left = days_left(until, now)
    today = now.astimezone(CHINA).date()
    year = f"{until.year}年" if until.year != today.year else ""
    rest = "已截止" if left < 0 else "今天截止" if left == 0 else f"剩{left}天"
    return f"截止 {year}{until.month}月{until.day}日({rest})"


def amount(one: Amount) -> str:
    """An amount as one would say it: ``最高 500 万元``."""
    words = BASES.get(one.basis, "")
    return (
        f"{words} {money(one.yuan)}" if one.yuan is not None else f"{words} {one.value:g}{one.unit}"
    )


def money(yuan: float) -> str:
    """Yuan in 亿, 万 or 元, without a false decimal."""
    for size, unit in ((1e8, "亿元"), (1e4, "万元")):
        if abs(yuan) >= size:
            return f"{round(yuan / size, 2):,.12g} {unit}"
    return f"{round(yuan, 2):,.12g} 元"


def redesigned(change: Redesign | None, now: datetime) -> str:
    """A redesign that healed by itself within the last month: what was and what is."""
    if change is None or not change.healed or now - change.at > TOLD_FOR:
        return ""
    parts = [f"{moment(change.at)} 改版"]
    if change.what == "articles":
        parts.append(f"正文页由“{change.before}”改为“{change.after}”")
    else:
        if change.after:
            parts.append(f"列表由“{change.before}”改为“{change.after}”")
        parts.append(f"原有 {change.found_before} 条，现读到 {change.found_after} 条")
    if change.articles:
        parts.append(f"正文页由“{change.articles[0]}”改为“{change.articles[1]}”")
    if change.moved:
        parts.append(f"{change.moved} 条旧公告换了地址，编号不变")
    return "，".join(parts)
