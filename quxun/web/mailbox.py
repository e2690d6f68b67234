"""The local mailbox of an embedded service: what would have left, to look at."""

from __future__ import annotations

import email
import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import APIRouter, HTTPException, Request, Response

from aggregator.text import clean, one_line
from quxun.web.site import Site
from quxun.web.words import CHINA

SHOWN = 100
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@=+-]{0,200}\.eml")
#: A mail is shown alone in a sandbox: no script, nothing from elsewhere; its links open apart.
_HTML_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none';"
    " style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail of the mailbox, read for showing."""

    name: str
    subject: str
    to: str
    sender: str
    date: str
    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    size_bytes: int


def router(site: Site) -> APIRouter:
    """The routes of this module; all of them are 404 where there is no local mailbox."""
    routes = APIRouter(prefix="/mailbox")

    @routes.get("")
    @routes.get("/")
    def listing(request: Request) -> Response:
        folder = _folder(site, request)
        letters = [_read(folder / name) for name in newest(folder)[:SHOWN]]
        return site.page("mailbox.html", private=True, letters=letters, total=len(newest(folder)))

    @routes.get("/{name}")
    def letter(name: str, request: Request) -> Response:
        return site.page("letter.html", private=True, letter=_read(_file(site, request, name)))

    @routes.get("/{name}/html")
    def html(name: str, request: Request) -> Response:
        letter = _read(_file(site, request, name))
        body = f'<base target="_blank">{letter.html}'
        headers = {"Content-Security-Policy": _HTML_POLICY, "Cache-Control": "no-store"}
        return Response(body.encode(errors="replace"), 200, headers, "text/html; charset=utf-8")

    @routes.get("/{name}/raw")
    def raw(name: str, request: Request) -> Response:
        path = _file(site, request, name)
        headers = {
            "Content-Disposition": f'attachment; filename="{path.name}"',
            "Cache-Control": "no-store",
        }
        return Response(path.read_bytes(), 200, headers, "message/rfc822")

    return routes


def newest(folder: Path) -> list[str]:
    """The names of the mails in a mailbox folder, the newest first."""
    stamped: list[tuple[float, str]] = []
    for path in folder.glob("*.eml"):
        try:
            stamped.append((path.stat().st_mtime, path.name))
        except FileNotFoundError:
            continue  # deleted since it was listed
    return [name for _, name in sorted(stamped, reverse=True) if _NAME.fullmatch(name)]


def _folder(site: Site, request: Request) -> Path:
    """The mailbox's folder, for people on this very machine only: its mails hold live links."""
    folder = site.parts.settings.home / "mailbox"
    ours = {"localhost", "127.0.0.1", "::1", urlsplit(site.parts.settings.public_url).hostname}
    forwarded = {"x-forwarded-for", "forwarded", "x-real-ip"} & set(request.headers)
    near = _is_loopback(request) and not forwarded and request.url.hostname in ours
    if not near or not site.parts.settings.embedded:
        raise HTTPException(404)
    if not folder.is_dir():
        raise HTTPException(404, "这里没有本地邮箱 · there is no local mailbox here")
    return folder


def _is_loopback(request: Request) -> bool:
    try:
        return ipaddress.ip_address(request.client.host if request.client else "").is_loopback
    except ValueError:
        return False


def _file(site: Site, request: Request, name: str) -> Path:
    path = _folder(site, request) / name
    if not _NAME.fullmatch(name) or not path.is_file():
        raise HTTPException(404, "没有这封邮件 · there is no such mail")
    return path


def _read(path: Path) -> Letter:
    raw = path.read_bytes()
    mail = email.message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return Letter(
        name=path.name,
        subject=one_line(str(mail.get("Subject", ""))) or "(无主题)",
        to=one_line(str(mail.get("To", ""))),
        sender=one_line(str(mail.get("From", ""))),
        date=_date(mail),
        headers=tuple((name, one_line(str(value))) for name, value in mail.items()),
        text=_part(mail, "plain"),
        html=_part(mail, "html"),
        size_bytes=len(raw),
    )


def _date(mail: EmailMessage) -> str:
    value = getattr(mail.get("Date"), "datetime", None)
    return f"{value.astimezone(CHINA):%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else ""


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    if part is None:
        return ""
    content = part.get_content()
    return clean(content) if isinstance(content, str) else ""
