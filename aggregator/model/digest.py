"""What a mail brings, before it is put into words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from aggregator.model.announcement import Announcement
from aggregator.model.feed import Coverage, Filter
from aggregator.model.ids import AnnouncementId, RunId, SubscriberId
from aggregator.model.subscriber import Frequency


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One planned sending: unique on frequency and due time."""

    id: RunId
    frequency: Frequency
    due_at: datetime


#: Why an announcement goes to a subscriber (the ledger's third key); besides it there are
#: ``change:<revision>``, ``reminder:7`` and ``reminder:1``.
NEWS: Final = "news"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What one mail brings, and how it is told: readers with equal selections get equal words.

    ``items`` are announcements with the ledger's reason, in order of id; ``wishes`` those that
    the mail answers.
    """

    language: str
    wishes: tuple[Filter, ...]
    items: tuple[tuple[AnnouncementId, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who gets a mail, as far as planning has to know."""

    id: SubscriberId
    email: str
    language: str
    epoch: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A selection and all of a batch's readers who get just this."""

    selection: Selection
    readers: tuple[Reader, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alteration:
    """One field of a notice as it was sent and as it is now, in the words of its revisions.

    ``field`` is ``withdrawn``, ``deadlines``, ``amounts``, …; an empty side says that it was not
    stated.
    """

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectNews:
    """A project that was made public, as the radar counts it.

    ``single`` is false for a text about several projects: it has no sum of one, and
    ``aggregate_yuan`` is what it states for all. ``promised`` while nothing but words was done.
    """

    posted_on: date
    regions: tuple[str, ...]
    region_roll: tuple[str, ...]
    single: bool = True
    yuan: float = 0.0
    aggregate_yuan: float = 0.0
    promised: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RadarRow:
    """The projects of one region in a week, beside the weekly mean of the four before.

    Sums are of single projects. ``promised_yuan`` is the part of them that was only signed for,
    ``aggregate_yuan`` what was stated for several projects together, which is no part of them.
    """

    code: str
    name: str
    projects: int
    mean_projects: float
    yuan: float
    mean_yuan: float
    promised_yuan: float = 0.0
    aggregate_yuan: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Radar:
    """The projects of a week by region; ``young`` where we watched for less than the mean."""

    since: date
    until: date
    rows: tuple[RadarRow, ...]
    young: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestItem:
    """One line of a digest: an announcement and why it is in this mail (see ``NEWS``).

    ``alterations`` are what a change comes to.
    """

    announcement: Announcement
    reason: str = NEWS
    late: bool = False
    alterations: tuple[Alteration, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestGroup:
    """Items under one heading, in the order in which they are printed.

    ``total`` counts the shown ones and those that only the ledger and the link hold.
    """

    slug: str
    items: tuple[DigestItem, ...]
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What one mail of a run says, before it is put into words; it names no reader.

    ``groups`` hold the shown items, reminders and changes in groups of their own; ``more`` counts
    those that only the ledger and the link hold. ``places`` are the regions of all of them, in
    the order of the mail. ``wishes`` say why the reader gets it.
    """

    language: str
    wishes: tuple[Filter, ...]
    frequency: Frequency
    due_at: datetime
    groups: tuple[DigestGroup, ...]
    more: int
    coverage: Coverage
    places: tuple[str, ...] = ()
    radar: Radar | None = None

    @property
    def total(self) -> int:
        """How many items it has, shown or not."""
        return sum(group.total for group in self.groups)
