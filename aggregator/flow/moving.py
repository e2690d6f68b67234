"""Mail for somebody at another address: asked there, confirmed or refused there, told here once."""

from __future__ import annotations

import secrets
from datetime import datetime

from jinja2 import Environment

from aggregator.errors import UsageError
from aggregator.flow.subscribe import asked, house_of
from aggregator.model import Asking, Subscriber
from aggregator.notify import (
    Question,
    check_address,
    confirmation_hash,
    render_move,
    render_moved,
)
from aggregator.ports import OutboxStore, PersonStore, SubscriberStore
from aggregator.settings import Settings


def ask_move(
    who: Subscriber,
    email: str,
    *,
    store: SubscriberStore,
    persons: PersonStore,
    outbox: OutboxStore,
    env: Environment,
    settings: Settings,
    now: datetime,
    network: str | None = None,
    answer: tuple[str, str] | None = None,
) -> Question | None:
    """Queue the mail that asks at the new address whether one may move there; nothing moves yet.

    The answer does not tell whether the new address is known.

    Returns:
        A question that must be answered first, when very many ask; else None.

    Raises:
        UsageError: when the address is not exactly one, or is the present one.
    """
    address = check_address(email)
    if address.lower() == who.email.lower():
        raise UsageError("这就是您现在的地址 · this is your address already")
    house = house_of(settings)
    verdict = asked(
        address, Asking.ADDRESS, network=network, answer=answer, store=store, house=house, now=now
    )
    if isinstance(verdict, Question):
        return verdict
    if verdict:
        token = secrets.token_urlsafe(32)
        hashed = confirmation_hash(token)
        persons.ask_move(who.id, address, hashed, now)
        mail = render_move(
            env, who, address, token=token, house=house, key=f"move:{hashed.hex()[:32]}"
        )
        outbox.enqueue_mail(mail, now)
    return None


def moving(token: str, *, persons: PersonStore, now: datetime) -> tuple[Subscriber, str] | None:
    """Who moves to which address by a link, for the page with the button; changes nothing."""
    return persons.pending_move(confirmation_hash(token), now)


def refuse_move(token: str, *, persons: PersonStore, now: datetime, reason: str) -> None:
    """Say no from the new address, by the page's button or RFC 8058: nothing moves there any more.
    Where it moved already, what goes there ends. Links that are too old or unknown ask nothing.
    """
    persons.refuse_move(confirmation_hash(token), reason, now)


def was_moved(token: str, *, persons: PersonStore, now: datetime) -> bool:
    """Whether a link to move was used already."""
    return persons.was_moved(confirmation_hash(token), now)


def move(
    token: str,
    *,
    persons: PersonStore,
    env: Environment,
    settings: Settings,
    now: datetime,
) -> Subscriber | None:
    """Move once, by the page's button: wishes and ledger stay, links to the choices of before
    die, links to stop go on, and the old address is told once.

    Raises:
        UsageError: when the new address has subscriptions of its own.
    """
    hashed = confirmation_hash(token)
    found = persons.pending_move(hashed, now)
    if found is None:
        return None
    who, address = found
    told = render_moved(
        env, who, address, house=house_of(settings), key=f"moved:{hashed.hex()[:32]}"
    )
    return persons.move(hashed, told, now)
