"""What mails say, in the reader's language; Chinese first, English beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aggregator.model import Frequency


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The fixed words of a mail in one language; braces are filled by ``render``."""

    lang: str
    brand: str
    groups: dict[str, str]
    counts: dict[str, tuple[str, str]]
    soon_today: str
    soon_days: str
    soon_many: str
    colon: str
    comma: str
    stop_mark: str
    everywhere: str
    several: str
    frequencies: dict[Frequency, str]
    deadline: str
    due_today: str
    due_days: str
    cap: str
    amount: str
    posted: str
    late: str
    row_only: str
    source: str
    original: str
    also: str
    more: str
    more_link: str
    coverage_well: str
    coverage_ill: str
    why: str
    stop: str
    stop_all: str
    stop_page: str
    preferences: str
    not_official: str
    contact: str
    preheader: str
    confirm_subject: str
    confirm_title: str
    confirm_lead: str
    confirm_button: str
    confirm_wishes: str
    confirm_expiry: str
    confirm_not_me: str
    link_subject: str
    link_title: str
    link_lead: str
    link_button: str
    link_expiry: str
    channel_subject: str
    channel_lead: str
    channel_why: str
    channel_mend: str


ZH: Final = Words(
    lang="zh-CN",
    brand="区讯 Quxun",
    groups={
        "soon": "即将截止",
        "policy": "新政策 · 新申报",
        "project": "新项目",
        "rest": "解读 · 其他",
    },
    counts={
        "policy": ("{n}条新政策", "{n}条新政策"),
        "project": ("{n}个新项目", "{n}个新项目"),
        "rest": ("{n}条其他", "{n}条其他"),
    },
    soon_today="{n}项今天截止",
    soon_days="{n}项{days}天后截止",
    soon_many="{n}项{days}天内截止",
    colon=":",
    comma="、",
    stop_mark="。",
    everywhere="各地",
    several="{name}等{n}地",
    frequencies={
        Frequency.IMMEDIATE: "即时",
        Frequency.DAILY: "每日",
        Frequency.WEEKLY: "每周",
    },
    deadline="截止 {month}月{day}日({left})",
    due_today="今天",
    due_days="剩{days}天",
    cap="最高{money}",
    amount="{money}",
    posted="{month}月{day}日发布",
    late="补：{posted}，近日才收录",
    row_only="仅有标题，正文未能读取",
    source="来源：{name}",
    original="原文",
    also="另见 {n} 处转载",
    more="另有 {n} 条未列出",
    more_link="在网页上查看全部",
    coverage_well="本期监看 {watched} 个来源，全部正常。",
    coverage_ill="本期监看 {watched} 个来源，{well} 个正常。以下来源暂时读取不到，可能有遗漏：{names}。",
    why="您收到这封{frequency}邮件，是因为您确认订阅了：{wishes}。",
    stop="退订全部{frequency}邮件",
    stop_all="退订全部邮件",
    stop_page="退订",
    preferences="修改订阅",
    not_official="非政府网站,以原文为准。",
    contact="更正或删除请联系 {contact}。",
    preheader="{frequency}摘要，共 {n} 条：",
    confirm_subject="区讯：请确认您的订阅",
    confirm_title="请确认您的订阅",
    confirm_lead="有人用这个邮箱订阅了区讯。请打开下面的页面并点击确认按钮；不确认，就不会再收到邮件。",
    confirm_button="打开确认页面",
    confirm_wishes="订阅内容（{frequency}）",
    confirm_expiry="链接 48 小时内有效，打开链接本身不会改变任何设置。",
    confirm_not_me="不是您本人？忽略这封邮件即可，也可以",
    link_subject="区讯：您的订阅管理链接",
    link_title="管理您的订阅",
    link_lead="您请求了一个管理订阅的链接。",
    link_button="管理我的订阅",
    link_expiry="链接 7 天内有效，请不要转发给他人。",
    channel_subject="区讯：聊天渠道已暂停",
    channel_lead="下面的聊天渠道不再接收消息，已暂停发送。错过的内容不会丢失，恢复后会补发（最多 35 天）。",
    channel_why="原因",
    channel_mend="检查后在订阅管理页发送一条测试消息即可恢复，也可以删除它。",
)

EN: Final = Words(
    lang="en",
    brand="Quxun 区讯",
    groups={
        "soon": "Deadlines soon",
        "policy": "New policies and applications",
        "project": "New projects",
        "rest": "Interpretations and others",
    },
    counts={
        "policy": ("{n} policy", "{n} policies"),
        "project": ("{n} project", "{n} projects"),
        "rest": ("{n} other", "{n} others"),
    },
    soon_today="{n} due today",
    soon_days="{n} due in {days}d",
    soon_many="{n} due within {days}d",
    colon=": ",
    comma=", ",
    stop_mark=".",
    everywhere="China",
    several="{name} +{n}",
    frequencies={
        Frequency.IMMEDIATE: "immediate",
        Frequency.DAILY: "daily",
        Frequency.WEEKLY: "weekly",
    },
    deadline="due {year}-{month:02}-{day:02} ({left})",
    due_today="today",
    due_days="{days} days left",
    cap="up to {money}",
    amount="{money}",
    posted="posted {year}-{month:02}-{day:02}",
    late="late: {posted}, seen only now",
    row_only="title only, the text could not be read",
    source="source: {name}",
    original="original",
    also="also at {n} more",
    more="{n} more are not listed",
    more_link="See all of them on the web",
    coverage_well="{watched} sources watched, all of them well.",
    coverage_ill="{watched} sources watched, {well} of them well. Not readable just now, so"
    " something may be missing: {names}.",
    why="You get this {frequency} mail because you confirmed a subscription to: {wishes}.",
    stop="Unsubscribe from all {frequency} mails (退订)",
    stop_all="Unsubscribe from all mails (退订)",
    stop_page="unsubscribe (退订)",
    preferences="Change subscriptions",
    not_official="Not a government site; the original prevails. 非政府网站,以原文为准。",
    contact="Corrections or removal: {contact}.",
    preheader="Your {frequency} digest, {n} in all: ",
    confirm_subject="Quxun: confirm your subscription",
    confirm_title="Confirm your subscription",
    confirm_lead="Somebody subscribed to Quxun with this address. Open the page below and press"
    " its button; without that, no more mail will come.",
    confirm_button="Open the confirming page",
    confirm_wishes="Subscribed to ({frequency})",
    confirm_expiry="The link lives for 48 hours; opening it changes nothing by itself.",
    confirm_not_me="Not you? Ignore this mail, or",
    link_subject="Quxun: your subscriptions",
    link_title="Manage your subscriptions",
    link_lead="You asked for a link to manage your subscriptions.",
    link_button="Manage my subscriptions",
    link_expiry="The link lives for 7 days; do not pass it on.",
    channel_subject="Quxun: a chat channel is paused",
    channel_lead="The chat below takes our messages no more, so we stopped. Nothing is lost: what"
    " is missed is sent when it goes on, up to 35 days back.",
    channel_why="Why",
    channel_mend="Mend it, then send a test from the page of your subscriptions and it goes on; or"
    " remove it there.",
)


def words_of(language: str) -> Words:
    """The words of a subscriber's language; Chinese when it is not English."""
    return EN if language.startswith("en") else ZH
