"""Digests, confirmations and links become mails: finished words and headers.

Templates get finished values; every rule of form is here. The Jinja environment is given.
What strangers wrote is cleaned at intake, shortened here, escaped by the templates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from functools import lru_cache
from urllib.parse import quote

from jinja2 import Environment

from aggregator.errors import UsageError
from aggregator.filters import canonical, describe
from aggregator.model import (
    Edition,
    Filter,
    Frequency,
    Lane,
    Mail,
    Reader,
    RunId,
    Subscriber,
    SubscriberId,
    SubscriptionId,
    SubscriptionState,
)
from aggregator.notify import marks
from aggregator.notify.addresses import wire_form
from aggregator.notify.letters import letter
from aggregator.notify.tokens import Keys, Purpose, Ticket, sign
from aggregator.notify.words import Words, words_of
from aggregator.text import one_line, shorten

#: A link to change choices lives this long; one to stop lives for ever.
MANAGE_FOR = timedelta(days=7)
WISHES_NAMED = 5
_WISH_LENGTH = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What every mail says about who sends it."""

    public_url: str
    mail_from: str
    contact: str
    keys: Keys

    @property
    def domain(self) -> str:
        """The domain that mails come from; ``Message-ID`` and ``List-Id`` live below it."""
        return _domain_of(self.mail_from)

    @property
    def reply_to(self) -> str | None:
        """Who reads answers: the contact, where it is an address."""
        try:
            return wire_form(parseaddr(self.contact.removeprefix("mailto:"))[1])
        except UsageError:
            return None

    def announcement(self, uuid: object) -> str:
        """The page of an announcement."""
        return f"{self.public_url}/a/{uuid}"

    def search(self, wish: Filter) -> str:
        """The page that lists what a filter matches."""
        query = canonical(wish)
        return f"{self.public_url}/?{query}" if query else f"{self.public_url}/"

    def confirm(self, token: str) -> str:
        """The page with the button that confirms a subscription."""
        return f"{self.public_url}/confirm/{quote(token, safe='')}"

    def manage_token(self, subscriber_id: SubscriberId, epoch: int, now: datetime) -> str:
        """The token that opens a subscriber's choices for a week."""
        ticket = Ticket(
            purpose=Purpose.MANAGE,
            subscriber_id=subscriber_id,
            epoch=epoch,
            expires_at=now + MANAGE_FOR,
        )
        return sign(self.keys, ticket)

    def stop_token(
        self,
        subscriber_id: SubscriberId,
        epoch: int,
        frequency: Frequency | None,
        *,
        subscription_id: SubscriptionId | None = None,
    ) -> str:
        """The token that stops all mails of a frequency, or all, or one subscription's."""
        ticket = Ticket(
            purpose=Purpose.STOP, subscriber_id=subscriber_id, epoch=epoch, frequency=frequency,
            subscription_id=subscription_id,
        )  # fmt: skip
        return sign(self.keys, ticket)

    def rest_token(self, subscriber_id: SubscriberId, run_id: RunId | None) -> str:
        """The token that shows what one mail of a run brought; it changes nothing."""
        ticket = Ticket(purpose=Purpose.REST, subscriber_id=subscriber_id, run_id=run_id)
        return sign(self.keys, ticket)

    def preferences_page(self, token: str) -> str:
        """The page where a subscriber changes their choices."""
        return f"{self.public_url}/preferences/{token}"

    def rest_page(self, token: str) -> str:
        """The page that shows all items of a mail, those it had no room for among them."""
        return f"{self.public_url}/mail/{token}"

    def stop_page(self, token: str) -> str:
        """The page, and the RFC 8058 address, that stops mails."""
        return f"{self.public_url}/unsubscribe/{token}"

    def preferences(self, subscriber: Subscriber, now: datetime) -> str:
        """The page where this subscriber changes their choices."""
        return self.preferences_page(self.manage_token(subscriber.id, subscriber.epoch, now))

    def stop(self, subscriber: Subscriber, frequency: Frequency | None) -> str:
        """The page that stops all mails of a frequency, or all, to this subscriber."""
        return self.stop_page(self.stop_token(subscriber.id, subscriber.epoch, frequency))


def digest_mail(
    edition: Edition,
    reader: Reader,
    *,
    frequency: Frequency,
    due_at: datetime,
    house: House,
    now: datetime,
    run_id: RunId | None = None,
) -> Mail:
    """An edition as one reader's whole mail; ``now`` begins the life of its link to choices."""
    own = own_tokens(house, reader.id, reader.epoch, frequency, run_id=run_id, at=now)
    key = digest_key(frequency, due_at, reader.id)
    return Mail(
        key=key,
        lane=lane_of(frequency),
        to=reader.email,
        subject=edition.subject,
        text=marks.fill(edition.text, own),
        html=marks.fill(edition.html, own),
        message_id=message_id(house, key),
        headers=list_headers(house, frequency, house.stop_page(own[marks.STOP])),
        subscriber_id=reader.id,
    )


def own_tokens(
    house: House,
    subscriber_id: SubscriberId,
    epoch: int,
    frequency: Frequency,
    *,
    run_id: RunId | None,
    at: datetime,
    wanted: Collection[str] = marks.MARKS,
) -> dict[str, str]:
    """What stands in a reader's mail in the place of each mark.

    Args:
        house: whose pages the links lead to.
        subscriber_id: the reader.
        epoch: the reader's; raising it ends the links that were sent before.
        frequency: the run's.
        run_id: which run's mail it is; None where it is none's.
        at: when it was planned; the link to choices lives from then on.
        wanted: the marks that stand in it; signing for others is work for nothing.
    """
    own: dict[str, str] = {}
    if marks.STOP in wanted:
        own[marks.STOP] = house.stop_token(subscriber_id, epoch, frequency)
    if marks.MANAGE in wanted:
        own[marks.MANAGE] = house.manage_token(subscriber_id, epoch, at)
    if marks.REST in wanted:
        own[marks.REST] = house.rest_token(subscriber_id, run_id)
    return own


def digest_key(frequency: Frequency, due_at: datetime, subscriber_id: SubscriberId) -> str:
    """What makes the one mail of a run to a subscriber unique in the outbox."""
    return f"digest:{frequency}:{due_at:%Y%m%dT%H%M%S%f}:{subscriber_id}"


def lane_of(frequency: Frequency) -> Lane:
    """Immediate mails go before digests."""
    return Lane.IMMEDIATE if frequency is Frequency.IMMEDIATE else Lane.DIGEST


def render_confirmation(
    env: Environment,
    subscriber: Subscriber,
    *,
    token: str,
    wishes: Sequence[Filter],
    frequency: Frequency,
    house: House,
    key: str,
) -> Mail:
    """The mail that asks whether a sign-up was meant; its stop link ends what it asks about.

    Anybody may have it written: it stops nothing that its reader confirmed before, so where
    it cannot name what it asks about alone it has no such link. What nobody confirms ends by itself.
    """
    words = words_of(subscriber.language)
    stop = _declining(subscriber, wishes, frequency, house)
    values = {
        **frame(words, house, stop),
        "subject": words.confirm_subject,
        "preheader": words.confirm_expiry,
        "lead": words.confirm_lead,
        "wishes_title": words.confirm_wishes.format(frequency=words.frequencies[frequency]),
        "wishes": [said(wish, words) for wish in wishes[:WISHES_NAMED]],
        "confirm_url": house.confirm(token),
    }
    return whole_mail(
        env, "confirm", values,
        house=house, key=key, lane=Lane.CONFIRMATION, subscriber=subscriber,
        headers=list_headers(house, frequency, stop),
    )  # fmt: skip


def _declining(
    who: Subscriber, wishes: Sequence[Filter], frequency: Frequency, house: House
) -> str | None:
    """The page that ends what was asked for just now, and nothing else; None where there is none."""
    same = [one for one in who.subscriptions if one.frequency is frequency]
    asked = [
        one for one in same if one.state is SubscriptionState.PENDING and one.wish.filter in wishes
    ]
    if len(asked) == 1:
        return house.stop_page(
            house.stop_token(who.id, who.epoch, frequency, subscription_id=asked[0].id)
        )
    running = any(one.state in {SubscriptionState.ACTIVE, SubscriptionState.PAUSED} for one in same)
    return house.stop(who, frequency) if asked and not running else None


def render_manage_link(
    env: Environment, subscriber: Subscriber, *, house: House, now: datetime, key: str
) -> Mail:
    """The mail with a link to one's own choices, for who asked for it on a page."""
    words = words_of(subscriber.language)
    values = {
        "subject": words.link_subject,
        "preheader": words.link_expiry,
        "lead": words.link_lead,
    }
    return about_choices(env, "link", values, subscriber, house=house, now=now, key=key)


def render_channel_ended(
    env: Environment,
    subscriber: Subscriber,
    *,
    shown: str,
    problem: str,
    house: House,
    now: datetime,
    key: str,
) -> Mail:
    """The mail that tells a channel's owner that nothing goes there any more, and why."""
    words = words_of(subscriber.language)
    values = {
        "subject": words.channel_subject,
        "preheader": words.channel_kept,
        "lead": words.channel_lead,
        "shown": shown,
        "problem": one_line(problem),
    }
    return about_choices(env, "channel", values, subscriber, house=house, now=now, key=key)


def about_choices(
    env: Environment,
    name: str,
    values: Mapping[str, object],
    who: Subscriber,
    *,
    house: House,
    now: datetime,
    key: str,
) -> Mail:
    """A mail about what somebody chose: it leads to their choices, and stops all."""
    words = words_of(who.language)
    stop = house.stop(who, None)
    around = {
        **frame(words, house, stop),
        "preferences_url": house.preferences(who, now),
        "stop": words.stop_all,
    }
    return whole_mail(
        env, name, {**around, **values},
        house=house, key=key, lane=Lane.CONFIRMATION, subscriber=who,
        headers=list_headers(house, None, stop),
    )  # fmt: skip


def frame(words: Words, house: House, stop: str | None) -> dict[str, object]:
    """What every whole mail says around its own words."""
    return {
        "words": words,
        "stop_url": stop,
        "masthead": words.brand,
        "home_url": f"{house.public_url}/",
        "contact": words.contact.format(contact=house.contact),
    }


def whole_mail(
    env: Environment,
    name: str,
    values: dict[str, object],
    *,
    house: House,
    key: str,
    lane: Lane,
    subscriber: Subscriber,
    headers: dict[str, str],
) -> Mail:
    """A mail for one reader, rendered from the templates of that name."""
    subject = one_line(letter(env, name, "subject.txt").render(values))
    return Mail(
        key=key,
        lane=lane,
        to=subscriber.email,
        subject=subject,
        text=letter(env, name, "body.txt").render(values),
        html=letter(env, name, "body.html").render(values),
        message_id=message_id(house, key),
        headers=headers,
        subscriber_id=subscriber.id,
    )


@lru_cache(maxsize=16)
def _domain_of(mail_from: str) -> str:
    domain = parseaddr(mail_from)[1].rpartition("@")[2]
    return domain.encode("idna").decode("ascii").lower()


def message_id(house: House, key: str) -> str:
    """The same for the same key, so that a mail sent twice can be told to be one."""
    digest = hashlib.blake2b(f"{house.domain} {key}".encode(), digest_size=16).hexdigest()
    return f"<{digest}.quxun@{house.domain}>"


def list_headers(house: House, frequency: Frequency | None, stop: str | None) -> dict[str, str]:
    """Who writes, and what a mailbox's own stop button uses (RFC 2919, RFC 2369, RFC 8058)."""
    name = frequency.value if frequency else "account"
    return {
        "From": house.mail_from,
        **({"Reply-To": house.reply_to} if house.reply_to else {}),
        "List-Id": f"Quxun {name} <{name}.quxun.{house.domain}>",
        **(
            {
                "List-Unsubscribe": f"<{stop}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            }
            if stop
            else {}
        ),
        "Auto-Submitted": "auto-generated",
    }


def said(wish: Filter, words: Words) -> str:
    """A wish in a reader's words."""
    return _described(wish, words.lang[:2])


@lru_cache(maxsize=4096)
def _described(wish: Filter, language: str) -> str:
    return shorten(describe(wish, language), _WISH_LENGTH)


def named(wishes: Sequence[Filter], words: Words) -> str:
    """The wishes in a reader's words, the first ones of many."""
    some = words.clause.join(said(wish, words) for wish in wishes[:WISHES_NAMED])
    return some + (" …" if len(wishes) > WISHES_NAMED else "")
