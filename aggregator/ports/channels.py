"""Posting to chats."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from aggregator.channels import Channel, ChannelMessage, ChannelState, ChatVerdict, Robot
from aggregator.model import SubscriberId
from aggregator.push import Parcel


class RobotReader(Protocol):
    """Reads the addresses of chat robots, and writes the requests that post to them."""

    def read(self, address: str) -> Robot:
        """A robot from its address.

        Raises:
            UsageError: when it is none that we write to.
        """
        ...

    def parcel(self, robot: Robot, *, head: str, text: str, now: datetime) -> Parcel:
        """The request that posts a message to a robot's chat."""
        ...


class ChannelStore(Protocol):
    """Chats as places for digests, and the messages that wait for them."""

    def add(self, owner: SubscriberId, robot: Robot, now: datetime) -> Channel:
        """A new place for digests; the one that is there when the owner has this robot."""
        ...

    def list(self, owner: SubscriberId | None = None) -> Sequence[Channel]:
        """All of them, or an owner's."""
        ...

    def get(self, ref: str | int) -> Channel:
        """One by its id.

        Raises:
            NotFoundError: when there is none.
        """
        ...

    def set_state(
        self, channel: SubscriberId, state: ChannelState, now: datetime, *, problem: str = ""
    ) -> bool:
        """Pause a channel, call it dead, or go on; False when it stands so already."""
        ...

    def remove(self, channel: SubscriberId) -> None:
        """Forget a channel and all that is its own."""
        ...

    def claim_messages(
        self, now: datetime, *, limit: int, lease: timedelta
    ) -> Sequence[ChannelMessage]:
        """Lease messages that are due, of robots whose turn it is."""
        ...

    def take_turn(self, robot: Robot, now: datetime) -> bool:
        """Take a robot's turn for a message outside of every run."""
        ...

    def mark_message_handed(self, message: ChannelMessage) -> bool:
        """Commit that the next byte may be the message; False when the lease was lost."""
        ...

    def record_verdict(
        self, message: ChannelMessage, verdict: ChatVerdict, *, now: datetime, due_at: datetime
    ) -> bool:
        """Write what came of a message; True when its channel died of it."""
        ...
