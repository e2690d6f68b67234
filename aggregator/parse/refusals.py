"""What answers 200 and is no page: files; challenges, logins, notices of a firewall, soft 404."""

from __future__ import annotations

import re

from aggregator.errors import ParseError
from aggregator.parse.decode import Decoded
from aggregator.parse.tree import Document, line_of

_FILES = (
    (b"%PDF", "a PDF file"),
    (b"PK\x03\x04", "a ZIP or Office file"),
    (b"\xd0\xcf\x11\xe0", "an old Office file"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\x1f\x8b", "a gzip file"),
)
#: Bytes that no text holds in a charset of single and double bytes. Not among them: what parts
#: lines and pages, nought (some systems pad with it), and what old charsets switch by.
_CONTROLS = bytes({*range(1, 9), *range(14, 26), *range(28, 32)})
_LOOKED_AT = 16_384
#: A few strays are pasted into real pages; of bytes by chance every tenth is one.
_STRAYS = 2
_STRAY_SHARE = 0.03
_SMALL = 2500
_LITTLE_TEXT = 30
_SHORT_PAGE = 400
_GONE = re.compile(
    r"页面不存在|页面未找到|找不到(?:该|您|你|此)?.{0,8}(?:页面|网页|文件)|您(?:所)?访问的.{0,10}(?:不存在|已删除|已被删除|已下线|已过期)|"
    r"(?:信息|文章|内容|栏目|网页)(?:不存在|已(?:被)?删除|已下线)|空白页|404\s*(?:not found|错误|error|页面)|page not found|"
    r"该页(?:面)?(?:无法显示|已不存在)",
    re.IGNORECASE,
)
_WALL = re.compile(
    r"访问(?:被|已被)?(?:拦截|阻断|拒绝|禁止)|安全(?:验证|防护|检测|拦截)|请求(?:被|存在).{0,10}(?:拦截|威胁|攻击)|"
    r"(?:waf|web应用防火墙|云盾|创宇盾|安全狗|360网站卫士)|您的(?:请求|访问).{0,12}(?:不合法|异常|频繁|风险)|人机验证|滑动验证|验证码|"
    r"checking your browser|access denied|just a moment|enable javascript|请开启\s*javascript|浏览器安全检查",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"请(?:先)?登录|用户登录|统一身份认证|登录系统|账号登录|sign in", re.IGNORECASE)


def refuse_files(body: bytes, *, url: str) -> None:
    """Raise when bytes begin as a file of a known kind does.

    Raises:
        ParseError: reason ``parse``; says which kind.
    """
    for start, kind in _FILES:
        if body.startswith(start):
            raise ParseError(f"{url} is {kind}, neither page nor feed", url=url)


def refuse_no_text(body: bytes, decoded: Decoded, *, url: str) -> None:
    """Raise when bytes are no text in any charset; text in a wrong one has no control characters.

    Raises:
        ParseError: reason ``parse``.
    """
    if decoded.charset.startswith(("utf-16", "utf-32")):
        return
    head = body[:_LOOKED_AT]
    strays = len(head) - len(head.translate(None, _CONTROLS))
    if strays > _STRAYS and strays > _STRAY_SHARE * len(head):
        raise ParseError(
            f"{url} is no text ({strays / len(head):.0%} of its bytes are control characters), "
            "neither page nor feed",
            url=url,
        )


def refuse_soft_failures(page: Document, *, url: str) -> None:
    """Raise when a page is no page of its site at all.

    Raises:
        ParseError: reason ``challenge`` or ``soft_404``, with what was seen.
    """
    body = next(iter(page.root.iter("body")), page.root)
    text = line_of(body)
    head = page.title[:80]
    if (
        len(page.markup) < _SMALL
        and len(text) < _LITTLE_TEXT
        and "<script" in page.markup.lower()
        and not re.search(r"datastore|querydata|_CONFIG|jpage", page.markup)
        and next(body.iter("a"), None) is None
    ):
        raise _challenge(url, f"a script and {len(text)} characters of text")
    if len(text) > _SHORT_PAGE:
        return
    if found := _WALL.search(head) or _WALL.search(text):
        raise _challenge(url, f"it says {found.group()[:40]!r}")
    passwords = any((field.get("type") or "").lower() == "password" for field in body.iter("input"))
    if found := _LOGIN.search(head) or (_LOGIN.search(text) if passwords else None):
        raise _challenge(url, f"it asks for a login ({found.group()[:40]!r})")
    if found := _GONE.search(head) or _GONE.search(text):
        raise ParseError(
            f"{url} answers as if all were well and says {found.group()[:40]!r}: it is gone or moved",
            reason="soft_404",
            url=url,
        )


def _challenge(url: str, what: str) -> ParseError:
    return ParseError(
        f"{url} shows a barrier instead of its content: {what}; open it in a browser and choose "
        "another address of the same list if it stays",
        reason="challenge",
        url=url,
    )
