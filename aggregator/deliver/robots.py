"""Addresses of chat robots and what is posted to them, both as apprise knows them.

apprise posts by ``requests``, which follows redirects, heeds proxies of the environment and
looks names up behind our back, and it answers True or False only. So its plugins write the
request and we carry it: each runs in a copy of its module that is ours alone, in which the name
``requests`` is a pen (ADR 0029). Nothing of apprise that others import is changed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import importlib.util
import json
import logging
import re
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import parse_qs, quote, unquote, urlsplit

from aggregator.channels import Robot, Service
from aggregator.errors import UsageError
from aggregator.push import Parcel

_LONGEST = 1_000
#: The schemes we take; apprise knows files, mail, shells and more, and none of those.
_SERVICES: Final = {
    "wecombot": Service.WECOM,
    "dingtalk": Service.DINGTALK,
    "feishu": Service.FEISHU,
    "lark": Service.LARK,
    "tgram": Service.TELEGRAM,
    "ntfy": Service.NTFY,
    "ntfys": Service.NTFY,
    "json": Service.JSON,
    "jsons": Service.JSON,
}
_PLUGINS: Final = {
    Service.WECOM: ("wecombot", "NotifyWeComBot"),
    Service.DINGTALK: ("dingtalk", "NotifyDingTalk"),
    Service.FEISHU: ("feishu", "NotifyFeishu"),
    Service.LARK: ("lark", "NotifyLark"),
    Service.TELEGRAM: ("telegram", "NotifyTelegram"),
    Service.NTFY: ("ntfy", "NotifyNtfy"),
    Service.JSON: ("custom_json", "NotifyJSON"),
}
#: What an address looks like, for who wrote another.
_LOOKS: Final = {
    Service.WECOM: "wecombot://KEY",
    Service.DINGTALK: "dingtalk://SECRET@TOKEN or dingtalk://TOKEN",
    Service.FEISHU: "feishu://TOKEN or feishu://TOKEN?secret=SECRET",
    Service.LARK: "lark://TOKEN or lark://TOKEN?secret=SECRET",
    Service.TELEGRAM: "tgram://BOT_TOKEN/CHAT_ID",
    Service.NTFY: "ntfys://HOST/TOPIC",
    Service.JSON: "jsons://HOST/PATH",
}
#: What may stand behind the question mark: nothing that sends twice, elsewhere, or a file.
_OPTIONS: Final = {
    Service.DINGTALK: {"secret"},
    Service.FEISHU: {"secret"},
    Service.LARK: {"secret"},
    Service.TELEGRAM: {"topic", "thread", "silent"},
    Service.NTFY: {"auth", "token", "priority", "tags", "xtags", "mode"},
}
_OUR_HEADERS: Final = {
    "host", "content-length", "content-type", "transfer-encoding", "connection", "expect",
    "user-agent", "upgrade", "te", "trailer", "proxy-authorization",
}  # fmt: skip
#: Addresses as the services' own pages print them, and ours for them.
_PASTED: Final = (
    (re.compile(r"https://qyapi\.weixin\.qq\.com/cgi-bin/webhook/send\?key=([\w-]+)"), "wecombot"),
    (re.compile(r"https://open\.feishu\.cn/open-apis/bot/v2/hook/([\w-]+)/?"), "feishu"),
    (re.compile(r"https://open\.larksuite\.com/open-apis/bot/v2/hook/([\w-]+)/?"), "lark"),
    (re.compile(r"https://oapi\.dingtalk\.com/robot/send\?access_token=(\w+)"), "dingtalk"),
    (re.compile(r"https://(ntfy\.sh/[\w-]+)"), "ntfys"),
)

#: The requests that a plugin wrote: method, address, and what else it gave.
_Written = tuple[str, str, dict[str, Any]]
_paper: ContextVar[list[_Written]] = ContextVar("what a plugin wrote")


class Robots:
    """Implements ``ports.RobotReader``."""

    def __init__(self, *, relays: Mapping[str, str] | None = None) -> None:
        self._relays = dict(relays or {})

    def read(self, address: str) -> Robot:
        """A robot from its address, as apprise writes it or as its service prints it.

        Raises:
            UsageError: when it is none that we write to, or not exactly one chat.
        """
        address, service = _told_apart(address)
        plugin = _plugin(service, address)
        robot = Robot(
            service=service,
            address=address,
            shown=_shown(service, plugin),
            key=hashlib.sha256(f"{service} {_counted(service, plugin)}".encode()).digest(),
        )
        try:
            self.parcel(robot, head="区讯", text="区讯", now=datetime.fromtimestamp(0, UTC))
        except ValueError as error:  # a header or an address that requests does not take
            raise UsageError(f"{robot.shown} cannot be written to: check its options") from error
        return robot

    def parcel(self, robot: Robot, *, head: str, text: str, now: datetime) -> Parcel:
        """The request that posts a message, as plain text, to a robot's chat."""
        method, url, given = self._write(robot.service, robot.address, head=head, text=text)
        params = dict(given.get("params") or {})
        if robot.service is Service.DINGTALK and "sign" in params:
            # apprise 2.3 escapes it, and requests once more; DingTalk reads it once.
            params["sign"] = unquote(params["sign"])
        ready = _requests().Request(
            method, url, params=params, data=given.get("data"), headers=given.get("headers"),
            auth=given.get("auth"),
        ).prepare()  # fmt: skip
        body = json.loads(ready.body or "{}")
        secret = _secret(robot)
        if secret:
            body = {**_signed(secret, now), **body}
        drop = {"user-agent", "content-length"}
        return Parcel(
            url=self._relayed(str(ready.url)),
            headers={name: str(value) for name, value in ready.headers.items()
                     if name.lower() not in drop},
            # Han as itself: escaped it is twice as long, and services count the request.
            body=json.dumps(body, ensure_ascii=False).encode(),
        )  # fmt: skip

    def _write(self, service: Service, address: str, *, head: str, text: str) -> _Written:
        """Let the plugin write; it must write exactly one request."""
        plugin = _plugin(service, address)
        formats = _common().NotifyFormat
        if service in {Service.NTFY, Service.JSON}:
            said = {"title": head, "body": text}
        else:
            said = {"title": "", "body": f"{head}\n{text}"}
        form = formats.TEXT
        if service is Service.TELEGRAM:  # it is told HTML, in which nothing is marked up
            said["body"], form = html.escape(said["body"], quote=False), formats.HTML
        written: list[_Written] = []
        mark = _paper.set(written)
        try:
            plugin.send(**said, body_format=form)
        finally:
            _paper.reset(mark)
        if len(written) != 1:
            raise UsageError(
                f"{_shown(service, plugin)} must lead to exactly one chat: {_LOOKS[service]}"
            )
        return written[0]

    def _relayed(self, url: str) -> str:
        parts = urlsplit(url)
        relay = self._relays.get(parts.netloc)
        return url if relay is None else relay + url[len(f"{parts.scheme}://{parts.netloc}") :]


def _told_apart(address: str) -> tuple[str, Service]:
    """An address as apprise reads it, and whose it is.

    Raises:
        UsageError: when it is of none of the services, or asks for what we do not do.
    """
    address = address.strip()
    if len(address) > _LONGEST or not address.isprintable() or " " in address:
        raise UsageError(f"a channel's address has no blanks and at most {_LONGEST} characters")
    for pattern, scheme in _PASTED:
        found = pattern.fullmatch(address)
        if found:
            address = f"{scheme}://{found[1]}"
    scheme = address.partition("://")[0].lower() if "://" in address else ""
    service = _SERVICES.get(scheme)
    if service is None or address.partition("://")[2].startswith("/"):
        known = ", ".join(_LOOKS.values())
        raise UsageError(f"a channel's address begins with one of these schemes: {known}")
    query = address.partition("?")[2].partition("#")[0]
    for name in parse_qs(query.replace("+", "%2B"), keep_blank_values=True):
        extra = service is Service.JSON and name[:1] in {"+", "-", ":"}
        if extra and name[:1] == "+" and name[1:].lower() in _OUR_HEADERS:
            raise UsageError(f"the header {name[1:]} is ours to write; leave it out")
        if not extra and name.lower() not in _OPTIONS.get(service, set()):
            raise UsageError(f"{name!r} cannot be chosen in a channel's address; leave it out")
    return address, service


def _plugin(service: Service, address: str) -> Any:
    """Apprise's plugin for an address.

    Raises:
        UsageError: when the plugin cannot read it.
    """
    kind = _copied(service)
    # It logs tokens. Every time: whoever sets logging up anew (uvicorn) lets it speak again.
    logging.getLogger("apprise").disabled = True
    try:
        read = kind.parse_url(address)
        if not read:
            raise UsageError(f"this is no address of {service}; it looks like {_LOOKS[service]}")
        read.update(include_image=False, detect_owner=False)
        return kind(asset=_asset(), **read)
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        # AppriseImproperlyConfigured is a TypeError; its words may hold the token.
        raise UsageError(
            f"this is no address of {service}; it looks like {_LOOKS[service]}"
        ) from error


@lru_cache
def _copied(service: Service) -> Any:
    """A plugin's class, from a copy of its module in which ``requests`` only writes."""
    name, kind = _PLUGINS[service]
    spec = importlib.util.find_spec(f"apprise.plugins.{name}")
    if spec is None or spec.loader is None:
        raise ImportError(f"apprise has no plugin {name}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    vars(module)["requests"] = SimpleNamespace(
        post=lambda url, **given: _pen("POST", url, **given),
        request=_pen,
        codes=_requests().codes,
        RequestException=_requests().RequestException,
    )
    plugin = getattr(module, kind)
    # One that nobody's set-up knows of, and so lets speak.
    plugin.logger = logging.Logger("apprise", logging.CRITICAL + 1)  # noqa: LOG001
    return plugin


def _pen(method: str, url: str, **given: Any) -> SimpleNamespace:
    """Write a request down instead of sending it; the plugin is told that all is well."""
    _paper.get().append((method, url, given))
    return SimpleNamespace(status_code=200, content=b"{}", text="{}", headers={})


@lru_cache
def _requests() -> Any:
    return importlib.import_module("requests")


@lru_cache
def _common() -> Any:
    return importlib.import_module("apprise.common")


@lru_cache
def _asset() -> Any:
    apprise = importlib.import_module("apprise")
    return apprise.AppriseAsset(storage_mode=_common().PersistentStoreMode.MEMORY)


def _secret(robot: Robot) -> str:
    """The secret with which Feishu's robots want to be signed to; apprise knows none."""
    if robot.service not in {Service.FEISHU, Service.LARK}:
        return ""
    return parse_qs(urlsplit(robot.address).query).get("secret", [""])[0]


def _signed(secret: str, now: datetime) -> dict[str, str]:
    """open.feishu.cn, 自定义机器人使用指南, 签名校验: the key is time and secret, the text empty."""
    stamp = str(int(now.timestamp()))
    digest = hmac.digest(f"{stamp}\n{secret}".encode(), b"", "sha256")
    return {"timestamp": stamp, "sign": base64.b64encode(digest).decode()}


def _shown(service: Service, plugin: Any) -> str:
    """An address as lists show it: whoever reads this can write into no chat."""
    match service:
        case Service.WECOM:
            return f"wecombot://{_veiled(plugin.key)}"
        case Service.TELEGRAM:
            chats = ",".join(str(chat) for chat, _topic in plugin.targets)
            return f"tgram://{plugin.bot_token.partition(':')[0]}:…/{chats}"
        case Service.NTFY:
            topics = ",".join(map(_veiled, plugin.topics))
            return f"{plugin.schema}://{_host(service, plugin)}/{topics}"
        case Service.JSON:
            return f"{plugin.schema}://{_host(service, plugin)}/…"
        case _:
            return f"{service}://{_veiled(plugin.token)}"


def _counted(service: Service, plugin: Any) -> str:
    """What a service counts messages by."""
    match service:
        case Service.WECOM:
            return str(plugin.key)
        case Service.TELEGRAM:
            return f"{plugin.bot_token} {plugin.targets}"
        case Service.NTFY | Service.JSON:
            return _host(service, plugin)
        case _:
            return str(plugin.token)


def _host(service: Service, plugin: Any) -> str:
    if service is Service.NTFY and plugin.mode == "cloud":
        return "ntfy.sh"
    port = f":{plugin.port}" if plugin.port else ""
    return quote(str(plugin.host).lower(), safe=".-:[]") + port


def _veiled(word: str) -> str:
    return f"{word[:3]}…" if len(word) >= 8 else "…"  # noqa: PLR2004  # what is short is guessed
