"""What every page of the operator has: the switch in red, open alarms, the word for forms."""

from __future__ import annotations

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from aggregator.store.sessions import OPERATOR
from quxun.web.operator import words
from quxun.web.site import Site

__all__ = ["OPERATOR", "back", "form_of", "number", "page"]


def page(
    site: Site, request: Request, template: str, *, status: int = 200, **values: object
) -> Response:
    """A page for who holds a session; kept nowhere."""
    return site.page(
        f"operator/{template}",
        status=status,
        private=True,
        word=request.state.session.form_word,
        hold=site.parts.holds.held(),
        open_alarms=site.parts.alarms.open_alarms(),
        STATES_OF_MAIL=words.MAIL_STATES,
        LANES=words.LANES,
        DEEDS=words.DEEDS,
        KINDS_OF_SUPPRESSION=words.SUPPRESSIONS,
        **values,
    )


def back(path: str) -> Response:
    """To a page of ours after something was done, so that reloading does nothing again."""
    return RedirectResponse(path, 303)


def form_of(request: Request) -> dict[str, str]:
    """The fields of the form that the gate has read."""
    form: dict[str, str] = request.state.form
    return form


def number(word: str | None) -> int | None:
    """A number of a row as a query names it; None for anything else."""
    return int(word) if word and word.isascii() and word.isdigit() and len(word) <= 18 else None  # noqa: PLR2004  # fits a bigint
