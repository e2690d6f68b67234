"""The words of digests: what many readers share is put into words once.

A press prints the digests of one run. Each announcement's line is rendered the first time it
is needed, in each language, and every edition that holds it is put together from such lines:
so an edition costs little more than its skeleton.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from jinja2 import Environment
from markupsafe import Markup

from aggregator.model import Digest, DigestGroup, DigestItem, Edition, Radar
from aggregator.notify import lines, marks
from aggregator.notify.letters import breakable, letter
from aggregator.notify.plan import SHANGHAI
from aggregator.notify.radar import STEPS, RadarLine, radar_lines, week_said
from aggregator.notify.render import House, named
from aggregator.notify.subjects import headline, subject, teaser
from aggregator.notify.words import ZH, Words, words_of
from aggregator.text import one_line

#: What the lines of a mail may weigh, in bytes of HTML: with its skeleton it stays below
#: 100 KB, where readers begin to cut.
LINES_BYTES: Final = 82_000
#: Lines kept by a press; then it begins anew.
_MOST_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    html: str
    html_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    title: str
    total: int
    text: str
    html: Markup


class Press:
    """Prints digests; give every run its own, for days to a deadline count from its ``now``."""

    def __init__(self, env: Environment, *, house: House, now: datetime) -> None:
        self._env = env
        self._house = house
        self._today = now.astimezone(SHANGHAI).date()
        self._lines: dict[Hashable, _Line] = {}

    def edition(self, digest: Digest) -> Edition:
        """The words of a digest, with marks where a reader's own links stand."""
        words = words_of(digest.language)
        digest = self._fitted(digest, words)
        values = self._values(digest, words)
        keys = self._house.keys
        said = one_line(letter(self._env, "digest", "subject.txt").render(values))
        text, html = (
            marks.sealed(letter(self._env, "digest", part).render(values), keys)
            for part in ("body.txt", "body.html")
        )
        key = hashlib.blake2b(digest_size=16)
        for part in (digest.frequency, digest.due_at.isoformat(), said, text, html):
            key.update(part.encode("utf-8", "replace") + b"\0")
        return Edition(key=key.hexdigest(), subject=said, text=text, html=html)

    def _values(self, digest: Digest, words: Words) -> dict[str, object]:
        house, keys = self._house, self._house.keys
        frequency = words.frequencies[digest.frequency]
        said = subject(digest, words, today=self._today)
        why = words.why.format(frequency=frequency, wishes=named(digest.wishes, words))
        return {
            "words": words,
            "subject": said,
            "masthead": " · ".join(
                (
                    words.brand,
                    words.digest_name.format(frequency=frequency),
                    words.say_day(self._today, year=self._today.year),
                )
            ),
            "preheader": breakable(teaser(digest, words) or said),
            "headline": headline(digest, words, today=self._today),
            "sections": [self._section(one, words) for one in digest.groups if one.items],
            "more": words.more.format(n=digest.more) if digest.more else "",
            "more_url": house.rest_page(marks.held(keys, marks.REST)),
            "radar": _radar(digest.radar, words),
            "radar_lead": _radar_lead(digest.radar, words),
            "radar_steps": range(STEPS),
            "coverage": lines.coverage(digest.coverage, words),
            "why": why,
            "why_html": breakable(why),
            "stop": words.stop.format(frequency=frequency),
            "stop_url": house.stop_page(marks.held(keys, marks.STOP)),
            "preferences_url": house.preferences_page(marks.held(keys, marks.MANAGE)),
            "home_url": f"{house.public_url}/",
            "contact": words.contact.format(contact=house.contact),
        }

    def _fitted(self, digest: Digest, words: Words) -> Digest:
        """The digest with as many of its shown items as a mail can carry, whatever they hold."""
        room = LINES_BYTES
        weights = [
            self._line(item, words).html_bytes for one in digest.groups for item in one.items
        ]
        if sum(weights) <= room:
            return digest
        groups: list[DigestGroup] = []
        left_out = 0
        for group in digest.groups:
            shown: list[DigestItem] = []
            for item in group.items:
                room -= self._line(item, words).html_bytes
                if room >= 0:
                    shown.append(item)
            left_out += len(group.items) - len(shown)
            groups.append(replace(group, items=tuple(shown)))
        return replace(digest, groups=tuple(groups), more=digest.more + left_out)

    def _section(self, group: DigestGroup, words: Words) -> _Section:
        printed = [self._line(item, words) for item in group.items]
        return _Section(
            title=words.groups[group.slug],
            total=group.total,
            text="".join(line.text for line in printed).rstrip("\n"),
            # Each was rendered, and escaped, by the environment.
            html=Markup("".join(line.html for line in printed)),  # noqa: S704
        )

    def _line(self, item: DigestItem, words: Words) -> _Line:
        one = item.announcement
        key = (one.id, one.change, item.late, item.alterations, words is ZH)
        kept = self._lines.get(key)
        if kept is None:
            if len(self._lines) >= _MOST_KEPT:
                self._lines.clear()
            kept = self._lines[key] = self._printed(item, words)
        return kept

    def _printed(self, item: DigestItem, words: Words) -> _Line:
        line = lines.line_of(item, words, today=self._today, page=self._house.announcement)
        values = {
            "line": line,
            "words": words,
            "title": breakable(line.title),
            # A dot ends a line on a phone and begins none.
            "head": line.head.replace(" · ", "\u00a0· "),
            "after_deadline": line.amount or line.source or line.original_url,
            "after_amount": line.source or line.original_url,
            "changes": [breakable(change) for change in line.changes],
        }
        html = letter(self._env, "digest", "item.html").render(values)
        return _Line(
            text=letter(self._env, "digest", "item.txt").render(values),
            html=html,
            html_bytes=len(html.encode("utf-8", "replace")),
        )


def render_edition(env: Environment, digest: Digest, *, house: House, now: datetime) -> Edition:
    """The words of a single digest; for many, use a ``Press``."""
    return Press(env, house=house, now=now).edition(digest)


def _radar(radar: Radar | None, words: Words) -> list[RadarLine]:
    return radar_lines(radar, words) if radar and radar.rows else []


def _radar_lead(radar: Radar | None, words: Words) -> str:
    if radar is None:
        return ""
    lead = words.radar_lead.format(week=week_said(radar, words))
    return lead + (words.gap + words.radar_young if radar.young else "")
