"""The page behind a mail's "另有 N 条": all that the mail brought, in its order."""

from __future__ import annotations

from itertools import groupby

from fastapi import APIRouter, Request, Response

from aggregator.errors import NotFoundError
from aggregator.flow import digests as flow
from aggregator.notify.words import EN, ZH
from quxun.web.http import query_pairs
from quxun.web.site import Site

#: Announcements of one page.
ON_A_PAGE = 100

GONE = (
    "这个链接已失效：邮件的记录已经删除，或链接不完整。"
    " · This link is no good: what the mail brought is kept no more, or the link was cut."
)


def router(site: Site) -> APIRouter:
    """The routes of this module."""
    routes = APIRouter()

    @routes.get("/mail/{token}")
    def brought(token: str, request: Request) -> Response:
        parts = site.parts
        digest = flow.brought(token, store=parts.digests, settings=parts.settings, now=parts.now())
        if digest is None:
            raise NotFoundError(GONE)
        lines = [(group.slug, item) for group in digest.groups for item in group.items]
        pages = max(1, -(-len(lines) // ON_A_PAGE))
        number = min(_page_of(request), pages)
        shown = lines[(number - 1) * ON_A_PAGE : number * ON_A_PAGE]
        return site.page(
            "brought.html",
            private=True,
            token=token,
            groups=[
                ((ZH.groups[slug], EN.groups[slug]), [item.announcement for _, item in mine])
                for slug, mine in groupby(shown, key=lambda line: line[0])
            ],
            total=len(lines),
            number=number,
            pages=pages,
        )

    return routes


def _page_of(request: Request) -> int:
    """Which page was asked for; the first where that is no number."""
    word = dict(query_pairs(request)).get("page", "")
    return max(1, int(word)) if word.isascii() and word.isdigit() and len(word) <= 4 else 1  # noqa: PLR2004  # 9,999
