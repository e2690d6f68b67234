"""Chat services on loopback that answer as theirs do, written after their public documentation.

Each knows one robot and says yes or no as its service would; ``instead`` makes the next answers
whatever a test says.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_ADDRESSES = (f"127.0.{192 + n % 32}.{2 + n // 32 % 250}" for n in itertools.count(os.getpid()))
#: The tests' part of loopback; 127.0.0.1 above all stays guarded.
NETS = ("127.0.192.0/19",)

WECOM_KEY = "693a91f6-7acc-4bc4-97a0-0ec2sifa5aaa"
DINGTALK_TOKEN, DINGTALK_SECRET = "f0a1b2c3d4e5f60718293a4b5c6d7e8f", "SEC0a1b2c3d4e5f60718293"
FEISHU_TOKEN, FEISHU_SECRET = "8f3a1c52-77f1-4b6a-9b0c-1d2e3f405162", "demoSecret7"
BOT_TOKEN, CHAT = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "-1001234567890"
TOPIC = "quxun-jiangjin-7f3a"

#: Addresses as owners add them; the JSON one is the server's own.
ADDRESSES = {
    "wecom": f"wecombot://{WECOM_KEY}",
    "dingtalk": f"dingtalk://{DINGTALK_SECRET}@{DINGTALK_TOKEN}",
    "feishu": f"feishu://{FEISHU_TOKEN}?secret={FEISHU_SECRET}",
    "lark": f"lark://{FEISHU_TOKEN}",
    "telegram": f"tgram://{BOT_TOKEN}/{CHAT}",
}
HOSTS = {
    "wecom": "qyapi.weixin.qq.com",
    "dingtalk": "oapi.dingtalk.com",
    "feishu": "open.feishu.cn",
    "lark": "open.larksuite.com",
    "telegram": "api.telegram.org",
    "ntfy": "ntfy.sh",
}


@dataclass(frozen=True)
class Call:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}

    @property
    def json(self):
        return json.loads(self.body)


#: A status and a body, or a function that writes the answer itself.
Said = tuple[int, object] | Callable[[BaseHTTPRequestHandler], None]


@dataclass
class ChatService:
    """One service with one robot; ``texts`` are the messages its chat shows."""

    name: str
    host: str = field(default_factory=lambda: next(_ADDRESSES))
    calls: list[Call] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    instead: list[Said] = field(default_factory=list)

    def __post_init__(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                outer._serve(self, b"")

            def do_POST(self) -> None:
                outer._serve(self, self.rfile.read(int(self.headers.get("Content-Length", "0"))))

        self.server = ThreadingHTTPServer((self.host, 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def address(self) -> str:
        """The address an owner would add."""
        if self.name == "ntfy":
            return f"ntfy://{self.host}:{self.port}/{TOPIC}"
        if self.name == "json":
            return f"json://reader:pass@{self.host}:{self.port}/hook?+X-Token=t0ken"
        return ADDRESSES[self.name]

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def relay(self) -> str:
        """The setting that leads from the service's own host here."""
        return f"{HOSTS[self.name]}={self.url}" if self.name in HOSTS else ""

    def close(self) -> None:
        if self._thread.is_alive():
            self.server.shutdown()
            self._thread.join(60)
            self.server.server_close()

    def _serve(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        call = Call(request.command, request.path, dict(request.headers.items()), body)
        self.calls.append(call)
        said = self.instead.pop(0) if self.instead else getattr(self, f"_{self.name}")(call)
        if callable(said):
            said(request)
            return
        status, content = said
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(raw)))
        request.end_headers()
        request.wfile.write(raw)

    # --- What each service says ---

    def _wecom(self, call: Call) -> Said:
        """developer.work.weixin.qq.com/document/path/91770."""
        if call.query.get("key") != WECOM_KEY:
            return 200, {"errcode": 93000, "errmsg": "invalid webhook url, hint: [1700000000]"}
        content = call.json
        if content.get("msgtype") != "text":
            return 200, {"errcode": 40008, "errmsg": "invalid message type"}
        text = content["text"]["content"]
        if len(text.encode()) > 2048:
            return 200, {"errcode": 40058, "errmsg": "text.content exceed max length 2048"}
        assert not content["text"].get("mentioned_list")
        self.texts.append(text)
        return 200, {"errcode": 0, "errmsg": "ok"}

    def _dingtalk(self, call: Call) -> Said:
        """open.dingtalk.com: 自定义机器人安全设置, 加签."""
        if call.query.get("access_token") != DINGTALK_TOKEN:
            return 200, {"errcode": 300005, "errmsg": "token is not exist"}
        stamp = call.query.get("timestamp", "")
        made = hmac.digest(
            DINGTALK_SECRET.encode(), f"{stamp}\n{DINGTALK_SECRET}".encode(), "sha256"
        )
        if call.query.get("sign") != base64.b64encode(made).decode():
            return 200, {"errcode": 310000, "errmsg": "sign not match, more: [https://ding-doc]"}
        if abs(time.time() * 1000 - int(stamp)) > 3_600_000:
            return 200, {"errcode": 310000, "errmsg": "invalid timestamp"}
        if len(call.body) > 20_000:
            return 200, {"errcode": 460101, "errmsg": "message too long, exceed 20000 bytes"}
        content = call.json
        assert content["at"] == {"atMobiles": [], "isAtAll": False}
        self.texts.append(content["text"]["content"])
        return 200, {"errcode": 0, "errmsg": "ok"}

    def _feishu(self, call: Call) -> Said:
        """open.feishu.cn: 自定义机器人使用指南."""
        if urlsplit(call.path).path.rstrip("/") != f"/open-apis/bot/v2/hook/{FEISHU_TOKEN}":
            return 200, {
                "code": 19001,
                "msg": "param invalid: incoming webhook access token invalid",
            }
        content = call.json
        if self.name == "feishu":
            key = f"{content.get('timestamp')}\n{FEISHU_SECRET}".encode()
            made = base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()
            if content.get("sign") != made:
                return 200, {
                    "code": 19021,
                    "msg": "sign match fail or timestamp is not within one hour",
                }
        if len(call.body) > 20 * 1024 or content.get("msg_type") != "text":
            return 400, {"code": 9499, "msg": "Bad Request", "data": {}}
        self.texts.append(content["content"]["text"])
        return 200, {"code": 0, "data": {}, "msg": "success"}

    _lark = _feishu

    def _telegram(self, call: Call) -> Said:
        """core.telegram.org/bots/api#sendmessage."""
        if urlsplit(call.path).path != f"/bot{BOT_TOKEN}/sendMessage":
            return 404, {"ok": False, "error_code": 404, "description": "Not Found"}
        content = call.json
        if str(content["chat_id"]) != CHAT:
            return 400, {
                "ok": False,
                "error_code": 400,
                "description": "Bad Request: chat not found",
            }
        text = _plain(content["text"]) if content.get("parse_mode") == "HTML" else content["text"]
        if len(text.encode("utf-16-le")) // 2 > 4096:
            return 400, {
                "ok": False,
                "error_code": 400,
                "description": "Bad Request: message is too long",
            }
        self.texts.append(text)
        return 200, {"ok": True, "result": {"message_id": len(self.texts), "text": text}}

    def _ntfy(self, call: Call) -> Said:
        """docs.ntfy.sh/publish/#publish-as-json."""
        content = call.json
        if urlsplit(call.path).path != "/" or content.get("topic") != TOPIC:
            return 404, {"code": 40401, "http": 404, "error": "page not found"}
        if len(content["message"].encode()) > 4096:
            return 400, {"code": 40014, "http": 400, "error": "message too large"}
        self.texts.append(f"{content['title']}\n{content['message']}")
        return 200, {"id": "sPs71M8A2T", "event": "message", "topic": TOPIC}

    def _json(self, call: Call) -> Said:
        if call.headers.get("X-Token") != "t0ken":
            return 401, {}
        self.texts.append(f"{call.json['title']}\n{call.json['message']}")
        return 204, b""


class _Plain(HTMLParser):
    """What Telegram shows of HTML; it refuses tags that it does not know."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        raise AssertionError(f"a tag reached the chat: {tag}")

    def handle_data(self, data: str) -> None:
        self.text += data


def _plain(markup: str) -> str:
    parser = _Plain()
    parser.feed(markup)
    parser.close()
    return parser.text
