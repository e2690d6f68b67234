"""The operator's pages: is all well, what ran, which mail is where, and the switches."""

from __future__ import annotations

from fastapi import APIRouter

from quxun.web.operator import desk, login, runs
from quxun.web.site import Site


def router(site: Site) -> APIRouter:
    """The routes of this room; the gate asks for a session before each of them."""
    routes = APIRouter()
    for part in (login, desk, runs):
        part.add(routes, site)
    return routes
