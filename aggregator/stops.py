"""When refusals of what our mails say stop their sending: two rules over the last answers. Pure.

Servers say why in words of their own, and suspend nobody by it (RELIABILITY.md, row 15). One rule
looks at many answers of one run; the other at nothing but refusals, over all runs of a frequency,
because the immediate runs of a day and the runs of a small site have a few mails each. What one
mail domain alone refuses is no word on what we say: it keeps nothing from readers of others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

#: Meanings that refuse the words of a mail, and those that say anything about them at all:
#: whether a mailbox is full, or there, does not.
REFUSALS: Final = frozenset({"content", "refused"})
ABOUT_WORDS: Final = REFUSALS | {"taken"}
#: So many refusals among the last answers of a run stop it.
STOP_AFTER, OF_THE_LAST = 20, 50
#: So many refusals with no mail taken between them stop the runs they are of: a fifth of the
#: mails of the greatest of these runs, within these bounds.
LEAST_IN_A_ROW, MOST_IN_A_ROW = 5, 20
_SHARE: Final = 5
#: Answers older than this say nothing about today's mails.
WITHIN: Final = timedelta(days=1)
#: Answers recorded together are looked into when fewer than so many, or a fifth are refusals.
_FEW: Final = 10


def suspicious(meanings: Sequence[str]) -> bool:
    """Whether answers recorded together can complete what stops a run.

    Looking costs a walk over the run; one refusal among many yeses is no reason for it.
    """
    about = [one for one in meanings if one in ABOUT_WORDS]
    refused = sum(one in REFUSALS for one in about)
    return refused > 0 and (len(about) < _FEW or refused * _SHARE >= len(about))


def too_many(meanings: Sequence[str]) -> bool:
    """Whether the last answers of one run, of whatever kind, stop it."""
    return sum(one in REFUSALS for one in meanings[:OF_THE_LAST]) >= STOP_AFTER


def in_a_row(meanings: Sequence[str], *, mails: int) -> int:
    """How many of the last answers about words are refusals with none between, or 0 if too few.

    Args:
        meanings: answers about words over the runs of a frequency, the newest first.
        mails: how many the greatest of these runs has.
    """
    row = next((n for n, one in enumerate(meanings) if one not in REFUSALS), len(meanings))
    needed = min(max(mails // _SHARE, LEAST_IN_A_ROW), MOST_IN_A_ROW)
    return row if row >= needed else 0


def alone(domains: Iterable[str]) -> str | None:
    """The one domain that all refusals come from; None when they are of several."""
    several = set(domains)
    return several.pop() if len(several) == 1 else None
