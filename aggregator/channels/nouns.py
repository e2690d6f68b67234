"""A chat's robot, the channel that leads to it, and how much and how often it takes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from aggregator.model import (
    Announcement,
    AnnouncementId,
    Frequency,
    MailId,
    Revision,
    RunId,
    SubscriberId,
)

#: A channel that took nothing for this long waits for its owner.
GIVEN_UP_AFTER: Final = timedelta(hours=72)
#: Channels of one subscriber.
MOST_OF_ONE: Final = 10


class Service(StrEnum):
    """Whose robots we speak to, by the scheme of their addresses."""

    WECOM = "wecombot"
    DINGTALK = "dingtalk"
    FEISHU = "feishu"
    LARK = "lark"
    TELEGRAM = "tgram"
    NTFY = "ntfy"
    JSON = "json"


class ChannelState(StrEnum):
    """Whether a channel is sent to; a dead one waits for its owner, who was told why."""

    ACTIVE = "active"
    PAUSED = "paused"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Robot:
    """An address that was read: whoever knows it can write into the chat, so it is a secret.

    ``shown`` is the address with its secrets masked, ``key`` names the robot in the counting
    of rates without telling who it is.
    """

    service: Service
    address: str = field(repr=False)
    shown: str
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A chat as a place of its own for digests: it has its own subscriptions and ledger.

    ``id`` is the place's among subscribers, ``owner_id`` the person's who added it.
    """

    id: SubscriberId
    owner_id: SubscriberId
    robot: Robot
    state: ChannelState = ChannelState.ACTIVE
    problem: str | None = None
    created_at: datetime
    failing_since: datetime | None = None
    taken_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelMessage:
    """A row of the outbox that goes to a channel, leased, with what it is to tell.

    ``told`` are announcements with the reason each has in the ledger, ``revisions`` what the
    changes among them changed.
    """

    mail_id: MailId
    generation: int
    attempts: int
    created_at: datetime
    was_ambiguous: bool
    channel: Channel
    language: str
    frequency: Frequency
    run_id: RunId | None
    told: tuple[tuple[Announcement, str], ...]
    revisions: Mapping[tuple[AnnouncementId, str], Revision]


class Outcome(StrEnum):
    """What came of a message: taken; wait and try again; nobody there any more; a message
    that is refused whenever it is sent; nobody knows; or nothing was left to tell, so that
    nobody was asked.
    """

    TAKEN = "taken"
    WAIT = "wait"
    DEAD = "dead"
    OURS = "ours"
    UNCLEAR = "unclear"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatVerdict:
    """An answer as we understand it; ``words`` never hold the address.

    ``wait`` is what the service asks for; with ``whole_robot`` nobody may write through that
    robot meanwhile.
    """

    outcome: Outcome
    words: str
    wait: timedelta | None = None
    whole_robot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How long a message may be: bytes of UTF-8, UTF-16 units, and bytes as escaped JSON."""

    octets: int
    units: int = 1_000_000
    escaped: int = 1_000_000

    def holds(self, text: str) -> bool:
        """Whether a text fits."""
        return (
            len(text.encode()) <= self.octets
            and len(text.encode("utf-16-le")) // 2 <= self.units
            and len(json.dumps(text)) <= self.escaped
        )


#: WeCom: text of 2,048 bytes (developer.work.weixin.qq.com, 群机器人). DingTalk: a request of
#: 20,000 bytes. Feishu, Lark: a request of 20 KB. Telegram: 4,096 characters. ntfy: 4,096 bytes,
#: more becomes a file; apprise makes a file of a request over 8,000 bytes, which it escapes.
_ROOMS: Final = {
    Service.WECOM: Room(octets=2_048),
    Service.DINGTALK: Room(octets=18_000),
    Service.FEISHU: Room(octets=18_000),
    Service.LARK: Room(octets=18_000),
    Service.TELEGRAM: Room(octets=16_000, units=4_096),
    Service.NTFY: Room(octets=4_096, escaped=7_500),
    Service.JSON: Room(octets=32_000),
}
#: The shortest time between two messages of one robot, so that no minute holds more than the
#: service allows: WeCom, DingTalk and a Telegram group 20, Feishu 100, ntfy one in 5 s.
_GAPS: Final = {
    Service.WECOM: timedelta(seconds=3.2),
    Service.DINGTALK: timedelta(seconds=3.2),
    Service.FEISHU: timedelta(seconds=0.7),
    Service.LARK: timedelta(seconds=0.7),
    Service.TELEGRAM: timedelta(seconds=3.2),
    Service.NTFY: timedelta(seconds=5),
    Service.JSON: timedelta(seconds=1),
}


def room_of(service: Service) -> Room:
    """How long a message to a service may be."""
    return _ROOMS[service]


def gap_of(service: Service) -> timedelta:
    """How long a robot of a service is left alone after a message."""
    return _GAPS[service]


def place_name(place: SubscriberId) -> str:
    """What stands where a subscriber's address would; no mail server takes it for one."""
    return f"channel:{place}"
