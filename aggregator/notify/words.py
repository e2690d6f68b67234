"""What mails say, in the reader's language; Chinese first, English beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from aggregator.model import Frequency, Subscriber


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The fixed words of a mail in one language; braces are filled by ``render``."""

    lang: str
    brand: str
    groups: dict[str, str]
    counts: dict[str, tuple[str, str]]
    applications: tuple[str, str]
    others: tuple[str, str]
    soon_today: str
    soon_days: str
    soon_many: str
    colon: str
    comma: str
    clause: str
    gap: str
    stop_mark: str
    everywhere: str
    several: str
    frequencies: dict[Frequency, str]
    whens: dict[Frequency, str]
    weekdays: tuple[str, ...]
    deadline: str
    due_today: str
    due_days: str
    cap: str
    amount: str
    late: str
    row_only: str
    source: str
    original: str
    also: str
    also_more: str
    altered: dict[str, tuple[str, str, str]]
    withdrawn: str
    returned: str
    day: str
    day_of_year: str
    span: str
    more: str
    more_link: str
    radar_title: str
    radar_lead: str
    radar_young: str
    radar_projects: str
    radar_sum: str
    radar_promised: str
    radar_apart: str
    radar_country: str
    coverage_well: str
    coverage_ill: str
    why: str
    stop: str
    stop_all: str
    stop_page: str
    preferences: str
    not_official: str
    contact: str
    digest_name: str
    confirm_subject: str
    confirm_title: str
    confirm_lead: str
    confirm_button: str
    confirm_wishes: str
    confirm_expiry: str
    confirm_not_me: str
    confirm_ignore: str
    link_subject: str
    link_title: str
    link_lead: str
    link_button: str
    link_expiry: str
    channel_subject: str
    channel_lead: str
    channel_why: str
    channel_mend: str
    welcome_subject: str
    welcome_title: str
    welcome_lead: str
    welcome_next: str
    welcome_before: str
    welcome_button: str

    def say_day(self, day: date, *, year: int) -> str:
        """A day as it is said in a text of that year."""
        form = self.day if day.year == year else self.day_of_year
        return form.format(year=day.year, month=day.month, day=day.day)

    def say_when(self, reader: Subscriber, frequency: Frequency) -> str:
        """When a reader's mails of a frequency come."""
        return self.whens[frequency].format(
            weekday=self.weekdays[reader.weekday],
            time=f"{reader.hour:02}:{reader.minute:02}",
            zone=reader.timezone,
        )


ZH: Final = Words(
    lang="zh-CN",
    brand="区讯 Quxun",
    groups={
        "reminder": "截止提醒",
        "soon": "即将截止",
        "change": "此前公告有变更",
        "policy": "新政策 · 新申报",
        "project": "新项目",
        "rest": "解读 · 其他",
    },
    counts={
        "policy": ("{n}条新政策", "{n}条新政策"),
        "project": ("{n}个新项目", "{n}个新项目"),
        "rest": ("{n}条其他", "{n}条其他"),
        "change": ("{n}条变更", "{n}条变更"),
    },
    applications=("项申报", "项申报"),
    others=("项", "项"),
    soon_today="{n}今天截止",
    soon_days="{n}{days}天后截止",
    soon_many="{n}{days}天内截止",
    colon=":",
    comma="、",
    clause="；",
    gap="",
    stop_mark="。",
    everywhere="各地",
    several="{name}等{n}地",
    frequencies={
        Frequency.IMMEDIATE: "即时",
        Frequency.DAILY: "每日",
        Frequency.WEEKLY: "每周",
    },
    whens={
        Frequency.IMMEDIATE: "公告收录后几分钟内",
        Frequency.DAILY: "每天 {time}（{zone}）",
        Frequency.WEEKLY: "每{weekday} {time}（{zone}）",
    },
    weekdays=("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    deadline="截止 {day}({left})",
    due_today="今天",
    due_days="剩{days}天",
    cap="最高{money}",
    amount="{money}",
    late="迟到：原发布于{posted}",
    row_only="仅有标题，正文未能读取",
    source="来源：{name}",
    original="原文",
    also="另见",
    also_more="等 {n} 处",
    altered={
        "deadlines": (
            "截止时间由 {before} 改为 {after}",
            "新写明截止时间 {after}",
            "不再写明截止时间（原为 {before}）",
        ),
        "valid_from": (
            "生效日期由 {before} 改为 {after}",
            "新写明生效日期 {after}",
            "不再写明生效日期（原为 {before}）",
        ),
        "valid_until": (
            "有效期至由 {before} 改为 {after}",
            "新写明有效期至 {after}",
            "不再写明有效期（原至 {before}）",
        ),
        "validity": (
            "效力由“{before}”改为“{after}”",
            "效力标为“{after}”",
            "不再标明效力（原为“{before}”）",
        ),
        "amounts": (
            "金额由 {before} 改为 {after}",
            "新写明金额 {after}",
            "不再写明金额（原为 {before}）",
        ),
        "stages": (
            "阶段由 {before} 改为 {after}",
            "阶段写明为 {after}",
            "不再写明阶段（原为 {before}）",
        ),
        "title": ("标题已改，原为《{before}》", "标题已改", "标题已改，原为《{before}》"),
        "attachments": (
            "附件有更新：{before} 改为 {after}",
            "新增附件：{after}",
            "撤下附件：{before}",
        ),
    },
    withdrawn="原发布页面已撤下这条公告",
    returned="原发布页面曾撤下这条公告，现已恢复",
    day="{month}月{day}日",
    day_of_year="{year}年{month}月{day}日",
    span="{since}至{until}",
    more="另有 {n} 条未列出",
    more_link="在网页上查看全部",
    radar_title="一周项目雷达",
    radar_lead="本周（{week}）新公布的项目，与前四周的每周平均相比：上条为本周，下条为平均。汇总数不与单个项目相加。",
    radar_young="监看还不满五周，平均值仅供参考。",
    radar_projects="本周 {now} 个项目，前四周平均 {mean} 个",
    radar_sum="披露投资 {now}，前四周平均 {mean}",
    radar_promised="其中签约承诺 {sum}",
    radar_apart="另有汇总数 {sum}，未计入",
    radar_country="全国",
    coverage_well="本期监看 {watched} 个来源，全部正常。",
    coverage_ill="本期监看 {watched} 个来源，{well} 个正常。以下来源暂时读取不到，可能有遗漏：{names}。",
    why="您收到这封{frequency}邮件，是因为您确认订阅了：{wishes}。",
    stop="退订全部{frequency}邮件",
    stop_all="退订全部邮件",
    stop_page="退订",
    preferences="修改订阅",
    not_official="非政府网站,以原文为准。",
    contact="更正或删除请联系 {contact}。",
    digest_name="{frequency}摘要",
    confirm_subject="区讯：请确认您的订阅",
    confirm_title="请确认您的订阅",
    confirm_lead="有人用这个邮箱订阅了区讯。请打开下面的页面并点击确认按钮；不确认，就不会再收到邮件。",
    confirm_button="打开确认页面",
    confirm_wishes="订阅内容（{frequency}）",
    confirm_expiry="链接 48 小时内有效，打开链接本身不会改变任何设置。",
    confirm_not_me="不是您本人？忽略这封邮件即可，也可以",
    confirm_ignore="不是您本人？忽略这封邮件即可，您已有的订阅不受影响。",
    link_subject="区讯：您的订阅管理链接",
    link_title="管理您的订阅",
    link_lead="您请求了一个管理订阅的链接。",
    link_button="管理我的订阅",
    link_expiry="链接 7 天内有效，请不要转发给他人。",
    channel_subject="区讯：聊天渠道已暂停",
    channel_lead="下面的聊天渠道不再接收消息，已暂停发送。错过的内容不会丢失，恢复后会补发（最多 35 天）。",
    channel_why="原因",
    channel_mend="检查后在订阅管理页发送一条测试消息即可恢复，也可以删除它。",
    welcome_subject="区讯：订阅已生效",
    welcome_title="订阅已生效",
    welcome_lead="从现在起发布的公告会按您选的频率送达；没有新内容时不发邮件。",
    welcome_next="送达时间：{when}",
    welcome_before="订阅之前的公告不再补发，可以在网页上查看：",
    welcome_button="修改订阅",
)

EN: Final = Words(
    lang="en",
    brand="Quxun 区讯",
    groups={
        "reminder": "Deadline reminders",
        "soon": "Deadlines soon",
        "change": "Changed since it was sent",
        "policy": "New policies and applications",
        "project": "New projects",
        "rest": "Interpretations and others",
    },
    counts={
        "policy": ("{n} policy", "{n} policies"),
        "project": ("{n} project", "{n} projects"),
        "rest": ("{n} other", "{n} others"),
        "change": ("{n} change", "{n} changes"),
    },
    applications=(" application", " applications"),
    others=("", ""),
    soon_today="{n} due today",
    soon_days="{n} due in {days}d",
    soon_many="{n} due within {days}d",
    colon=": ",
    comma=", ",
    clause="; ",
    gap=" ",
    stop_mark=".",
    everywhere="China",
    several="{name} +{n}",
    frequencies={
        Frequency.IMMEDIATE: "immediate",
        Frequency.DAILY: "daily",
        Frequency.WEEKLY: "weekly",
    },
    whens={
        Frequency.IMMEDIATE: "within minutes",
        Frequency.DAILY: "every day at {time} ({zone})",
        Frequency.WEEKLY: "every {weekday} at {time} ({zone})",
    },
    weekdays=(
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
    ),
    deadline="due {day} ({left})",
    due_today="today",
    due_days="{days} days left",
    cap="up to {money}",
    amount="{money}",
    late="late: posted {posted}, seen only now",
    row_only="title only, the text could not be read",
    source="source: {name}",
    original="original",
    also="also at",
    also_more="{n} in all",
    altered={
        "deadlines": (
            "deadline moved from {before} to {after}",
            "deadline now stated: {after}",
            "deadline no longer stated (it was {before})",
        ),
        "valid_from": (
            "in force from {after} instead of {before}",
            "in force from {after}, now stated",
            "start no longer stated (it was {before})",
        ),
        "valid_until": (
            "valid until {after} instead of {before}",
            "valid until {after}, now stated",
            "end of validity no longer stated (it was {before})",
        ),
        "validity": (
            "status changed from {before} to {after}",
            "status now stated: {after}",
            "status no longer stated (it was {before})",
        ),
        "amounts": (
            "amount changed from {before} to {after}",
            "amount now stated: {after}",
            "amount no longer stated (it was {before})",
        ),
        "stages": (
            "stage changed from {before} to {after}",
            "stage now stated: {after}",
            "stage no longer stated (it was {before})",
        ),
        "title": ("title changed, it was: {before}", "title changed", "title changed"),
        "attachments": (
            "attachments changed: {before} became {after}",
            "attachments added: {after}",
            "attachments removed: {before}",
        ),
    },
    withdrawn="withdrawn by its publisher",
    returned="withdrawn for a time, now back",
    day="{year}-{month:02}-{day:02}",
    day_of_year="{year}-{month:02}-{day:02}",
    span="{since} to {until}",
    more="{n} more are not listed",
    more_link="See all of them on the web",
    radar_title="Projects this week",
    radar_lead="Projects published this week ({week}) beside the weekly mean of the four weeks"
    " before: the upper bar is this week, the lower one the mean. Totals of several projects are not added to single ones.",
    radar_young="Watched for less than five weeks: the mean is a rough guide only.",
    radar_projects="{now} this week, 4-week mean {mean}",
    radar_sum="disclosed {now}, 4-week mean {mean}",
    radar_promised="of which promised at signings {sum}",
    radar_apart="besides, totals of several projects {sum}, not added",
    radar_country="China",
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
    digest_name="{frequency} digest",
    confirm_subject="Quxun: confirm your subscription",
    confirm_title="Confirm your subscription",
    confirm_lead="Somebody subscribed to Quxun with this address. Open the page below and press"
    " its button; without that, no more mail will come.",
    confirm_button="Open the confirming page",
    confirm_wishes="Subscribed to ({frequency})",
    confirm_expiry="The link lives for 48 hours; opening it changes nothing by itself.",
    confirm_not_me="Not you? Ignore this mail, or ",
    confirm_ignore="Not you? Ignore this mail; what you subscribed to goes on.",
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
    welcome_subject="Quxun: your subscription is active",
    welcome_title="Your subscription is active",
    welcome_lead="What is announced from now on comes as often as you chose; when nothing is new,"
    " no mail comes.",
    welcome_next="When: {when}",
    welcome_before="What was announced before is not sent; it is on these pages:",
    welcome_button="Change subscriptions",
)


def words_of(language: str) -> Words:
    """The words of a subscriber's language; Chinese when it is not English."""
    return EN if language.startswith("en") else ZH
