"""Digests, confirmations and links become mails: finished words and headers.

Templates get finished values; every rule of form is here. The Jinja environment is given.
What strangers wrote is cleaned at intake, shortened here, escaped by the templates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from urllib.parse import quote

from jinja2 import Environment

from aggregator.errors import UsageError
from aggregator.filters import canonical, describe
from aggregator.model import (
    Digest,
    Edition,
    Filter,
    Frequency,
    Lane,
    Mail,
    Reader,
    Subscriber,
    SubscriberId,
)
from aggregator.notify import lines, marks
from aggregator.notify.addresses import check_address
from aggregator.notify.letters import letter
from aggregator.notify.tokens import Keys, Purpose, Ticket, sign
from aggregator.notify.words import Words, words_of
from aggregator.text import one_line, shorten

#: A link to change choices lives this long; one to stop lives for ever.
MANAGE_FOR = timedelta(days=7)
_WISHES_NAMED = 5
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
        domain = parseaddr(self.mail_from)[1].rpartition("@")[2]
        return domain.encode("idna").decode("ascii").lower()

    @property
    def reply_to(self) -> str | None:
        """Who reads answers: the contact, where it is an address."""
        try:
            return check_address(parseaddr(self.contact.removeprefix("mailto:"))[1])
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
        self, subscriber_id: SubscriberId, epoch: int, frequency: Frequency | None
    ) -> str:
        """The token that stops all mails of a frequency, or all."""
        ticket = Ticket(
            purpose=Purpose.STOP, subscriber_id=subscriber_id, epoch=epoch, frequency=frequency
        )
        return sign(self.keys, ticket)

    def preferences_page(self, token: str) -> str:
        """The page where a subscriber changes their choices."""
        return f"{self.public_url}/preferences/{token}"

    def stop_page(self, token: str) -> str:
        """The page, and the RFC 8058 address, that stops mails."""
        return f"{self.public_url}/unsubscribe/{token}"

    def preferences(self, subscriber: Subscriber, now: datetime) -> str:
        """The page where this subscriber changes their choices."""
        return self.preferences_page(self.manage_token(subscriber.id, subscriber.epoch, now))

    def stop(self, subscriber: Subscriber, frequency: Frequency | None) -> str:
        """The page that stops all mails of a frequency, or all, to this subscriber."""
        return self.stop_page(self.stop_token(subscriber.id, subscriber.epoch, frequency))


def render_edition(env: Environment, digest: Digest, *, house: House, now: datetime) -> Edition:
    """The words of a digest, with marks where a reader's own links stand."""
    words = words_of(digest.language)
    today = now.astimezone(lines.SHANGHAI).date()
    subject = lines.subject(digest, words, today=today)
    frequency = words.frequencies[digest.frequency]
    preferences = house.preferences_page(marks.held(house.keys, marks.MANAGE))
    only = digest.wishes[0] if len(digest.wishes) == 1 else None
    values = {
        "words": words,
        "subject": subject,
        "preheader": words.preheader.format(frequency=frequency, n=digest.total)
        + lines.teaser(digest),
        "headline": subject,
        "groups": [
            {
                "title": words.groups[group.slug],
                "total": group.total,
                "lines": [
                    lines.line_of(item, words, today=today, page=house.announcement)
                    for item in group.items
                ],
            }
            for group in digest.groups
            if group.items
        ],
        "more": words.more.format(n=digest.more) if digest.more else "",
        "more_url": house.search(only) if only is not None else preferences,
        "coverage": lines.coverage(digest.coverage, words),
        "why": words.why.format(frequency=frequency, wishes=_named(digest.wishes, words, "; ")),
        "stop": words.stop.format(frequency=frequency),
        "stop_url": house.stop_page(marks.held(house.keys, marks.STOP)),
        "preferences_url": preferences,
        "home_url": f"{house.public_url}/",
        "contact": words.contact.format(contact=house.contact),
    }
    said = one_line(letter(env, "digest", "subject.txt").render(values))
    text, html = (
        marks.sealed(letter(env, "digest", part).render(values), house.keys)
        for part in ("body.txt", "body.html")
    )
    key = hashlib.blake2b(digest_size=16)
    for part in (digest.frequency, digest.due_at.isoformat(), said, text, html):
        key.update(part.encode("utf-8", "replace") + b"\0")
    return Edition(key=key.hexdigest(), subject=said, text=text, html=html)


def digest_mail(
    edition: Edition,
    reader: Reader,
    *,
    frequency: Frequency,
    due_at: datetime,
    house: House,
    now: datetime,
) -> Mail:
    """An edition as one reader's whole mail; ``now`` begins the life of its link to choices."""
    own = own_tokens(house, reader.id, reader.epoch, frequency, now)
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
    house: House, subscriber_id: SubscriberId, epoch: int, frequency: Frequency, at: datetime
) -> dict[str, str]:
    """What stands in a reader's mail in the place of each mark; ``at`` is when it was planned."""
    return {
        marks.STOP: house.stop_token(subscriber_id, epoch, frequency),
        marks.MANAGE: house.manage_token(subscriber_id, epoch, at),
    }


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
    """The mail that asks whether a sign-up was meant; its stop link ends it at once."""
    words = words_of(subscriber.language)
    stop = house.stop(subscriber, frequency)
    values = {
        "words": words,
        "subject": words.confirm_subject,
        "preheader": words.confirm_lead,
        "wishes_title": words.confirm_wishes.format(frequency=words.frequencies[frequency]),
        "wishes": [_said(wish, words) for wish in wishes[:_WISHES_NAMED]],
        "confirm_url": house.confirm(token),
        "stop_url": stop,
        "home_url": f"{house.public_url}/",
        "contact": words.contact.format(contact=house.contact),
    }
    return _mail(
        env, "confirm", values,
        house=house, key=key, lane=Lane.CONFIRMATION, subscriber=subscriber,
        headers=list_headers(house, frequency, stop),
    )  # fmt: skip


def render_manage_link(
    env: Environment, subscriber: Subscriber, *, house: House, now: datetime, key: str
) -> Mail:
    """The mail with a link to one's own choices, for who asked for it on a page."""
    words = words_of(subscriber.language)
    stop = house.stop(subscriber, None)
    values = {
        "words": words,
        "subject": words.link_subject,
        "preheader": words.link_lead,
        "preferences_url": house.preferences(subscriber, now),
        "stop": words.stop_all,
        "stop_url": stop,
        "home_url": f"{house.public_url}/",
        "contact": words.contact.format(contact=house.contact),
    }
    return _mail(
        env, "link", values,
        house=house, key=key, lane=Lane.CONFIRMATION, subscriber=subscriber,
        headers=list_headers(house, None, stop),
    )  # fmt: skip


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
    stop = house.stop(subscriber, None)
    values = {
        "words": words,
        "subject": words.channel_subject,
        "preheader": words.channel_lead,
        "shown": shown,
        "problem": one_line(problem),
        "preferences_url": house.preferences(subscriber, now),
        "stop": words.stop_all,
        "stop_url": stop,
        "home_url": f"{house.public_url}/",
        "contact": words.contact.format(contact=house.contact),
    }
    return _mail(
        env, "channel", values,
        house=house, key=key, lane=Lane.CONFIRMATION, subscriber=subscriber,
        headers=list_headers(house, None, stop),
    )  # fmt: skip


def _mail(
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


def message_id(house: House, key: str) -> str:
    """The same for the same key, so that a mail sent twice can be told to be one."""
    digest = hashlib.blake2b(f"{house.domain} {key}".encode(), digest_size=16).hexdigest()
    return f"<{digest}.quxun@{house.domain}>"


def list_headers(house: House, frequency: Frequency | None, stop: str) -> dict[str, str]:
    """Who writes, and what a mailbox's own stop button uses (RFC 2919, RFC 2369, RFC 8058)."""
    name = frequency.value if frequency else "account"
    return {
        "From": house.mail_from,
        **({"Reply-To": house.reply_to} if house.reply_to else {}),
        "List-Id": f"Quxun {name} <{name}.quxun.{house.domain}>",
        "List-Unsubscribe": f"<{stop}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
    }


def _said(wish: Filter, words: Words) -> str:
    return shorten(describe(wish, words.lang[:2]), _WISH_LENGTH)


def _named(wishes: Sequence[Filter], words: Words, between: str) -> str:
    said = between.join(_said(wish, words) for wish in wishes[:_WISHES_NAMED])
    return said + (" …" if len(wishes) > _WISHES_NAMED else "")
