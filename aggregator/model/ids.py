"""The numbers of rows, each a type of its own."""

from __future__ import annotations

from typing import NewType

SourceId = NewType("SourceId", int)
EntryId = NewType("EntryId", int)
AnnouncementId = NewType("AnnouncementId", int)
SubscriberId = NewType("SubscriberId", int)
SubscriptionId = NewType("SubscriptionId", int)
WishId = NewType("WishId", int)
MailId = NewType("MailId", int)
RunId = NewType("RunId", int)
RulingId = NewType("RulingId", int)
EditionId = NewType("EditionId", int)
