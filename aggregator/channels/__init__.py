"""Channels: the chats that a digest can go to instead of a mailbox, and what they answer. Pure."""

from aggregator.channels.nouns import (
    GIVEN_UP_AFTER,
    MOST_OF_ONE,
    Channel,
    ChannelMessage,
    ChannelState,
    ChatVerdict,
    Outcome,
    Robot,
    Room,
    Service,
    gap_of,
    place_name,
    room_of,
)
from aggregator.channels.verdicts import verdict_of

__all__ = [
    "GIVEN_UP_AFTER",
    "MOST_OF_ONE",
    "Channel",
    "ChannelMessage",
    "ChannelState",
    "ChatVerdict",
    "Outcome",
    "Robot",
    "Room",
    "Service",
    "gap_of",
    "place_name",
    "room_of",
    "verdict_of",
]
