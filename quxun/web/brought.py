"""The page behind a mail's "另有 N 条": all that the mail brought, in its order."""

from __future__ import annotations

from fastapi import APIRouter, Response

from aggregator.errors import NotFoundError
from aggregator.flow import digests as flow
from aggregator.notify.words import ZH
from quxun.web.site import Site

GONE = (
    "这个链接已失效：邮件的记录已经删除，或链接不完整。"
    " · This link is no good: what the mail brought is kept no more, or the link was cut."
)


def router(site: Site) -> APIRouter:
    """The routes of this module."""
    routes = APIRouter()

    @routes.get("/mail/{token}")
    def brought(token: str) -> Response:
        parts = site.parts
        digest = flow.brought(token, store=parts.digests, settings=parts.settings, now=parts.now())
        if digest is None:
            raise NotFoundError(GONE)
        return site.page(
            "brought.html",
            private=True,
            groups=[
                (ZH.groups[group.slug], [item.announcement for item in group.items])
                for group in digest.groups
            ],
            total=digest.total,
        )

    return routes
