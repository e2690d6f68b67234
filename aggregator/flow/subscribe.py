"""The story of a subscriber: signing up, confirming, asking for a link to one's choices.

Nobody gets mail they did not confirm; opening a link changes nothing; answers never tell
whether an address is known (DESIGN.md, promise 7). Every mail goes through the outbox.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from jinja2 import Environment

from aggregator.addresses import folded
from aggregator.errors import NotFoundError, UsageError
from aggregator.model import (
    Asking,
    Choices,
    Filter,
    Frequency,
    Subscriber,
    SubscriberId,
    SubscriberState,
    Verdict,
)
from aggregator.notify import (
    House,
    Keys,
    Question,
    answered,
    ask,
    check_address,
    confirmation_hash,
    render_confirmation,
    render_manage_link,
)
from aggregator.ports import OutboxStore, SubscriberStore
from aggregator.settings import Settings
from aggregator.wishes import check_wish

#: At most one mail with a link to one's choices in this time.
LINK_EVERY = timedelta(minutes=10)
_HOURS, _MINUTES, _WEEKDAYS = range(24), (0, 15, 30, 45), range(7)
_LANGUAGES = ("zh", "en")
_LABELS = {"hour": "几点", "minute": "几分", "weekday": "周几", "language": "语言"}
_NONE = Choices()
_FEW = 4


def house_of(settings: Settings) -> House:
    """What every mail says about who sends it.

    Raises:
        SettingsError: when the secret key is missing or too short.
    """
    return House(
        public_url=settings.public_url,
        mail_from=settings.mail_from,
        contact=settings.contact,
        keys=Keys.of(settings.secret_key.get_secret_value()),
    )


def sign_up(
    email: str,
    filters: Sequence[Filter],
    frequency: Frequency,
    *,
    store: SubscriberStore,
    outbox: OutboxStore,
    env: Environment,
    settings: Settings,
    now: datetime,
    confirmed: bool = False,
    network: str | None = None,
    ip: str | None = None,
    choices: Choices = _NONE,
    answer: tuple[str, str] | None = None,
    again: Callable[[str, str], bool] | None = None,
) -> Question | None:
    """Store what is wished for and queue the mail that asks whether it was meant.

    The answer is the same for every address that is one, known or not; beyond the limits
    nothing is stored and no mail is written, which the answer does not tell either.

    Args:
        email: one address.
        filters: what is wished for; none means everything.
        frequency: how often.
        store: subscribers.
        outbox: where the mail waits.
        env: the templates.
        settings: addresses and the key.
        now: UTC.
        confirmed: an operator says that they confirmed; no mail goes out.
        network: the network a page was asked from: limits hold where it is given.
        ip: kept as evidence of consent.
        choices: when and in which language, for who is new.
        answer: ticket and answer of the question that was asked before, if one was.
        again: they say that mail came back before: whether one mail, named by its key, may
            go to an address in spite of that. For any other address nothing more is written.

    Returns:
        A question that must be answered first, when very many ask; else None.

    Raises:
        UsageError: when the address is not exactly one, a choice cannot be, or a wish can bring
            nothing.
    """
    address = check_address(email)
    check_choices(choices)
    house = house_of(settings)
    wishes = list(filters) or [Filter()]
    for wish in wishes:
        check_wish(wish)
    token = secrets.token_urlsafe(32)
    hashed = confirmation_hash(token)
    key = f"confirm:{hashed.hex()[:32]}"
    verdict = asked(
        address, Asking.AGAIN if again else Asking.SIGN_UP,
        network=network, answer=answer, store=store, house=house, now=now,
    )  # fmt: skip
    if isinstance(verdict, Question):
        return verdict
    if verdict and again is not None:
        verdict = again(address, key)
    if not verdict:
        subscriber = _nobody(address, now)
    elif confirmed:
        subscriber = store.sign_up(address, wishes, frequency, now, confirmed=True, ip=ip)
        store.set_preferences(subscriber.id, **asdict(choices))
        return None
    else:
        subscriber = store.sign_up(address, wishes, frequency, now, token_hash=hashed, ip=ip)
        if subscriber.state is SubscriberState.PENDING and choices != _NONE:
            store.set_preferences(subscriber.id, **asdict(choices))
            subscriber = store.get(subscriber.id)
    mail = render_confirmation(
        env,
        subscriber,
        token=token,
        wishes=wishes,
        frequency=frequency,
        house=house,
        key=key,
    )
    if verdict:
        outbox.enqueue_mail(mail, now)
    else:
        store.rehearse(mail, now)
    return None


def asked(
    address: str,
    kind: Asking,
    *,
    network: str | None,
    answer: tuple[str, str] | None,
    store: SubscriberStore,
    house: House,
    now: datetime,
) -> bool | Question:
    """Whether a mail may be written to an address that somebody typed, or what to ask first.

    Limits hold for requests from a network; an operator's own are not counted.
    """
    if network is None:
        return True
    about = folded(address)
    rightly = answer is not None and answered(house.keys, *answer, about=about, now=now)
    match store.may_ask(address, network, now, kind=kind, answered=rightly):
        case Verdict.QUESTION:
            first, second = (secrets.randbelow(8) + 1 for _ in range(2))
            return ask(house.keys, first, second, about=about, now=now)
        case verdict:
            return verdict is Verdict.YES


def confirming(token: str, *, store: SubscriberStore, now: datetime) -> Subscriber | None:
    """Whose confirming link this is, for the page with the button; changes nothing."""
    return store.pending_confirmation(confirmation_hash(token), now)


def confirm(
    token: str, *, store: SubscriberStore, now: datetime, ip: str | None = None
) -> Subscriber | None:
    """Confirm once, by the page's button; None for a link that is used, old or not ours."""
    return store.confirm(confirmation_hash(token), now, ip=ip)


def was_confirmed(token: str, *, store: SubscriberStore, now: datetime) -> bool:
    """Whether a confirming link was used already: a second press is no fault of the reader's."""
    return store.was_confirmed(confirmation_hash(token), now)


def ask_link(
    email: str,
    *,
    store: SubscriberStore,
    outbox: OutboxStore,
    env: Environment,
    settings: Settings,
    now: datetime,
    network: str | None = None,
    answer: tuple[str, str] | None = None,
) -> Question | None:
    """Queue the mail with a link to one's choices; nothing tells whether the address is known:
    for one that is not, the same work is done and undone.

    Returns:
        A question that must be answered first, when very many ask; else None.

    Raises:
        UsageError: when the address is not exactly one.
    """
    address = check_address(email)
    house = house_of(settings)
    verdict = asked(
        address, Asking.LINK, network=network, answer=answer, store=store, house=house, now=now
    )
    if isinstance(verdict, Question):
        return verdict
    try:
        subscriber = store.get(address)
    except NotFoundError:
        subscriber = _nobody(address, now)
    slot = int(now.timestamp() // LINK_EVERY.total_seconds())
    key = f"link:{hashlib.sha256(address.encode()).hexdigest()[:32]}:{slot}"
    mail = render_manage_link(env, subscriber, house=house, now=now, key=key)
    if verdict and subscriber.state is SubscriberState.CONFIRMED:
        outbox.enqueue_mail(mail, now)
    else:
        store.rehearse(mail, now)
    return None


def _nobody(address: str, now: datetime) -> Subscriber:
    """Whom a mail is written for that nobody gets."""
    return Subscriber(id=SubscriberId(0), email=address, created_at=now)


def check_choices(choices: Choices) -> None:
    """Let nobody choose what cannot be.

    Raises:
        UsageError: names the choice that cannot be.
    """
    _among("hour", choices.hour, _HOURS)
    _among("minute", choices.minute, _MINUTES)
    _among("weekday", choices.weekday, _WEEKDAYS)
    _among("language", choices.language, _LANGUAGES)
    if choices.timezone is not None:
        _check_zone(choices.timezone)


def _among(name: str, value: object, choices: Sequence[object]) -> None:
    if value is not None and value not in choices:
        said = (
            f"{choices[0]} … {choices[-1]}" if len(choices) > _FEW else ", ".join(map(str, choices))
        )
        raise UsageError(
            f"{_LABELS[name]}：{str(value)[:20]} 不在 {said} 之中"
            f" · {name}: {str(value)[:20]} is not among {said}"
        )


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise UsageError(
            f"时区：没有 {name[:40]!r}，例如 Asia/Shanghai"
            f" · timezone: {name[:40]!r} is none we know, such as Asia/Shanghai"
        ) from error
