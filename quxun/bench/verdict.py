"""What became of every mail: our books beside what a mail server really has.

Pure: rows and arrivals in, figures and broken promises out.
"""

from __future__ import annotations

import email
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from quxun.bench.inbox import Arrival

#: A digest names so many items at most, and leads to a page with the rest.
SHOWN = 30
#: Broken promises told one by one, of each sort.
_TOLD = 3
_ITEM = re.compile(r"/a/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
MOST_COPIES = 2

#: Who is owed which announcement: subscriber and uuid.
Pair = tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A row of the outbox; ``over`` when nothing will be done with it any more."""

    mail_id: int
    message_id: str
    recipient: str
    subscriber_id: int
    state: str
    was_ambiguous: bool
    answer: str
    over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A mail as it arrived."""

    message_id: str
    recipient: str
    items: frozenset[str]
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Figures, and the promises that were broken.

    ``in_doubt`` were left alone after two attempts whose end nobody knows, as was promised;
    ``in_doubt_missing`` of them did not arrive.
    """

    mails: int
    sent: int
    merged: int
    failed: int
    lost: int
    twice: int
    ambiguous: int
    in_doubt: int
    in_doubt_missing: int
    copies_most: int
    broken: tuple[str, ...]


def copy_of(arrival: Arrival) -> Copy:
    """Read a mail: its name, its items by the addresses of their pages."""
    mail = email.message_from_bytes(arrival.raw.replace(b"\r\n..", b"\r\n."))
    text = next((part for part in mail.walk() if part.get_content_type() == "text/plain"), None)
    words = b"" if text is None else text.get_payload(decode=True)
    assert isinstance(words, bytes)
    return Copy(
        message_id=str(mail.get("Message-ID", "")).strip(),
        recipient=arrival.recipient,
        items=frozenset(_ITEM.findall(words.decode("utf-8", "replace"))),
        words=hashlib.sha256(words).hexdigest(),
    )


def judge(
    books: Sequence[Book],
    copies: Iterable[Copy],
    *,
    ledger: Mapping[int, AbstractSet[Pair]],
    owed: AbstractSet[Pair],
) -> Verdict:
    """Compare.

    Args:
        books: every digest in the outbox.
        copies: every mail that arrived.
        ledger: what each mail brings, by our books.
        owed: what had to be told, by who made the wishes and the news.
    """
    complaints = _Complaints()
    came: dict[str, list[Copy]] = defaultdict(list)
    for copy in copies:
        came[copy.message_id].append(copy)
    for name in came.keys() - {one.message_id for one in books}:
        complaints.add("a mail arrived that is not in the outbox", name)
    counts: Counter[str] = Counter()
    told: Counter[Pair] = Counter()
    excused: set[Pair] = set()
    for book in books:
        mine, pairs = came.get(book.message_id, []), ledger.get(book.mail_id, frozenset())
        counts[book.state] += 1
        counts["twice"] += len(mine) > 1
        counts["doubt"] += book.was_ambiguous
        if not mine and _is_lost(book):
            counts["lost"] += 1
            complaints.add(f"lost, though it is {book.state}", book.message_id)
        elif not mine and book.state != "merged":
            excused |= pairs
            counts["left missing"] += book.state == "ambiguous"
        _look_at_copies(book, mine, pairs, complaints)
        told.update((book.subscriber_id, item) for item in {x for copy in mine for x in copy.items})
    _look_at_pairs(ledger, owed, told, excused, complaints)
    return Verdict(
        mails=len(books),
        sent=counts["sent"],
        merged=counts["merged"],
        failed=counts["failed"],
        lost=counts["lost"],
        twice=counts["twice"],
        ambiguous=counts["doubt"],
        in_doubt=counts["ambiguous"],
        in_doubt_missing=counts["left missing"],
        copies_most=max(map(len, came.values()), default=0),
        broken=complaints.told(),
    )


def _look_at_pairs(
    ledger: Mapping[int, AbstractSet[Pair]],
    owed: AbstractSet[Pair],
    told: Mapping[Pair, int],
    excused: AbstractSet[Pair],
    complaints: _Complaints,
) -> None:
    """Whether everybody was told of what they are owed, in one mail, and of nothing else."""
    booked: Counter[Pair] = Counter(pair for pairs in ledger.values() for pair in pairs)
    for what, which in (
        ("told as news in several mails", {pair for pair, mails in told.items() if mails > 1}),
        ("owed and never planned", owed - booked.keys()),
        ("planned and not owed", booked.keys() - owed),
        ("owed and never told", owed - told.keys() - excused),
    ):
        for pair in sorted(which):
            complaints.add(what, pair)


def _is_lost(book: Book) -> bool:
    """Whether a mail that did not arrive has no reason for that in our books."""
    named = book.over and book.answer and book.state in {"failed", "merged", "ambiguous"}
    return not named


def _look_at_copies(
    book: Book, mine: Sequence[Copy], pairs: AbstractSet[Pair], complaints: _Complaints
) -> None:
    name = book.message_id
    if not book.over:
        complaints.add(f"still {book.state}", name)
    if book.state in {"merged", "failed"} and mine:
        complaints.add(f"arrived, though it is {book.state}", name)
    if len(mine) > MOST_COPIES:
        complaints.add(f"arrived {len(mine)} times", name)
    if len(mine) > 1 and not book.was_ambiguous:
        complaints.add("arrived twice, though it was never in doubt", name)
    if any(one.recipient.lower() != book.recipient.lower() for one in mine):
        complaints.add("arrived at somebody else's", name)
    if len({one.words for one in mine}) > 1:
        complaints.add("its two copies say different things", name)
    items = {item for _, item in pairs}
    for one in mine:
        if one.items - items:
            complaints.add("says what the ledger does not", name)
        elif one.items != items and len(items) <= SHOWN and book.state != "merged":
            complaints.add("does not say all that the ledger does", name)


class _Complaints:
    """Broken promises by their sort, with a few examples of each."""

    def __init__(self) -> None:
        self._found: dict[str, list[object]] = defaultdict(list)

    def add(self, what: str, which: object) -> None:
        """One more."""
        self._found[what].append(which)

    def told(self) -> tuple[str, ...]:
        """A line for every sort."""
        return tuple(
            f"{len(which)} × {what}: {', '.join(map(str, which[:_TOLD]))}"
            for what, which in self._found.items()
        )
