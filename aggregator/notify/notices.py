"""Mails about a subscription itself: it moves to another address."""

from __future__ import annotations

from typing import Final

from jinja2 import Environment

from aggregator.model import Lane, Mail, Subscriber
from aggregator.notify.addresses import shown_address
from aggregator.notify.letters import letter
from aggregator.notify.render import (
    House,
    list_headers,
    message_id,
)
from aggregator.notify.words import words_of
from aggregator.text import one_line

_SAID: Final = {
    "zh-CN": {
        "move_subject": "区讯：请确认您的新邮箱",
        "move_title": "把订阅改送到这个邮箱？",
        "move_lead": "有人请求把区讯的订阅改送到这个邮箱。请打开下面的页面并点击按钮；不点击，什么也不会改变。",
        "move_button": "打开确认页面",
        "move_first": "链接 48 小时内有效，打开链接本身不会改变任何设置。",
        "move_not_me": "不是您本人？忽略这封邮件即可，不会再收到别的。",
        "move_no": "退订：不要把信送到这个邮箱",
        "moved_subject": "区讯：您的订阅已改送到新邮箱",
        "moved_title": "订阅已改送到新邮箱",
        "moved_lead": "您的区讯订阅从现在起送到 {address}，不再送到这里。",
        "moved_first": "这是发往本邮箱的最后一封信。",
        "moved_not_me": "不是您本人？请停止全部订阅，并告诉我们。",
    },
    "en": {
        "move_subject": "Quxun: confirm this address",
        "move_title": "Send your subscriptions to this address?",
        "move_lead": "Somebody asked to have their Quxun mail sent to this address. Open the page below"
        " and press its button; without that, nothing changes.",
        "move_button": "Open the confirming page",
        "move_first": "The link lives for 48 hours; opening it changes nothing by itself.",
        "move_not_me": "Not you? Ignore this mail; no other will come.",
        "move_no": "Unsubscribe 退订: send nothing to this address",
        "moved_subject": "Quxun: your address changed",
        "moved_title": "Your mail goes to another address now",
        "moved_lead": "From now on your Quxun mail goes to {address}, and no more of it comes here.",
        "moved_first": "This is the last mail to this address.",
        "moved_not_me": "Not you? Stop all subscriptions, and tell us. ",
    },
}


def render_move(
    env: Environment, who: Subscriber, address: str, *, token: str, house: House, key: str
) -> Mail:
    """The mail that asks at a new address. Its link to stop ends what was asked of that address,
    and no subscription elsewhere: whoever reads it may be a stranger to them.
    """
    link = f"{house.public_url}/address/{token}"
    return _notice(
        env, "move", who,
        to=address, link=link, no=f"{link}/no", headers=list_headers(house, None, f"{link}/no"),
        address=address, house=house, key=key,
    )  # fmt: skip


def render_moved(
    env: Environment, who: Subscriber, address: str, *, house: House, key: str
) -> Mail:
    """The one mail that tells an old address where its subscriptions went."""
    stop = house.stop(who, None)
    return _notice(
        env, "moved", who,
        to=who.email, link=stop, headers=list_headers(house, None, stop),
        address=address, house=house, key=key,
    )  # fmt: skip


def _notice(
    env: Environment,
    name: str,
    who: Subscriber,
    *,
    to: str,
    link: str,
    no: str = "",
    headers: dict[str, str],
    address: str,
    house: House,
    key: str,
) -> Mail:
    words = words_of(who.language)
    said = {
        part: text.format(address=shown_address(address))
        for part, text in _SAID[words.lang].items()
    }
    values = {
        "words": words,
        "said": said,
        "subject": said[f"{name}_subject"],
        "preheader": said[f"{name}_first"],
        "link": link,
        "no": no,
        "masthead": words.brand,
        "home_url": f"{house.public_url}/",
        "contact": words.contact.format(contact=house.contact),
    }
    return Mail(
        key=key,
        lane=Lane.CONFIRMATION,
        to=to,
        subject=one_line(letter(env, name, "subject.txt").render(values)),
        text=letter(env, name, "body.txt").render(values),
        html=letter(env, name, "body.html").render(values),
        message_id=message_id(house, key),
        headers=headers,
        subscriber_id=who.id,
    )
