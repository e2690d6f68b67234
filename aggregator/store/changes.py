"""What a revision changed, field by field, and which of it counts as a change."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from aggregator import cluster
from aggregator.filters import money
from aggregator.model import Amount, ArticleReport, Attachment, Draft
from aggregator.store.pages import page_hash
from aggregator.text import fold

#: What a revision compares; everything else is not shown as a change.
_COMPARED = ("title", "body_text", "attachments", "valid_from", "valid_until", "validity")
_PRINTED = ("valid_from", "valid_until", "validity", "attachments", "body_text")
_VALIDITY = ("valid_from", "valid_until", "validity")
_ENDING = re.compile(r"\.[a-z0-9]{2,4}$")


def read_again(report: ArticleReport) -> bool:
    """Whether the page is the one we have: only our reading of it differs (promise 10)."""
    page = report.page
    return page is not None and page_hash(page) == report.entry.page_hash


def read_otherwise(before: Draft, after: Draft) -> bool:
    """Whether a newer reading takes other facts from the very words that we had: pages differ by
    counters and frames without an edit.
    """
    return (
        fold(before.title) == fold(after.title)
        and fold(before.body_text) == fold(after.body_text)
        and _names(before.attachments) == _names(after.attachments)
        and all(
            one == other or "" in (one, other)
            for one, other in (_words_of(before, after, name) for name in _VALIDITY)
        )
    )


def other_template(report: ArticleReport) -> bool:
    """Whether the page may be made otherwise than when it was read last."""
    change, read_at = report.entry.source.redesign, report.entry.read_at
    redesigned = change is not None and (read_at is None or read_at < change.at)
    held = report.entry.source.learned.article
    return redesigned or (held is not None and report.shape is not None and not report.shape_kept)


def still_titled(report: ArticleReport, draft: Draft, before: Draft) -> Draft:
    """A draft under the title it had, where its row goes on printing that one.

    A template that is new to us may have its title elsewhere.
    """
    same = cluster.title_key(report.entry.entry.title) == before.title_key
    if not same or draft.title_key == before.title_key:
        return draft
    return replace(draft, title=before.title, title_key=before.title_key)


def weighty(
    before: Draft, after: Draft, changes: dict[str, tuple[str, str]], *, redesigned: bool
) -> dict[str, tuple[str, str]]:
    """Those changes that a better reading, or a new template, does not make by itself.

    A new template prints fields that the old one kept to itself, and the other way round; what
    is missing of a sudden was misread rather than taken away.
    """
    kept = dict(changes)
    if _names(before.attachments) == _names(after.attachments):
        kept.pop("attachments", None)
    for name in _PRINTED if redesigned else ():
        if "" in kept.get(name, ("", "")):
            kept.pop(name, None)
    if before.title_key == after.title_key:
        kept.pop("title", None)
    old, new = fold(before.body_text), fold(after.body_text)
    framed = (old in new or new in old) and 10 * abs(len(old) - len(new)) <= len(old)
    if cluster.near(before, after) or framed:
        kept.pop("body_text", None)
    return kept


def _names(files: Sequence[Attachment]) -> list[str]:
    """Names of files without their endings, which templates print or do not."""
    return sorted(_ENDING.sub("", fold(one.name)) for one in files)


def _words_of(before: Draft, after: Draft, name: str) -> tuple[str, str]:
    return _words(getattr(before, name)), _words(getattr(after, name))


def changes_of(before: Draft, after: Draft) -> dict[str, tuple[str, str]]:
    """Field by field what a revision changed, as text."""
    changes = {
        name: _words_of(before, after, name)
        for name in _COMPARED
        if getattr(before, name) != getattr(after, name)
    }
    for name in ("deadlines", "amounts", "stages"):
        old, new = getattr(before.facts, name), getattr(after.facts, name)
        if [one.value for one in old] != [one.value for one in new]:
            changes[name] = (_words(old), _words(new))
    return changes


def _words(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ", ".join(map(_word, value))
    return str(value)


def _word(value: object) -> str:
    if isinstance(value, Amount) and value.yuan is not None:
        return money(value.yuan)
    return str(getattr(value, "value", getattr(value, "name", value)))
