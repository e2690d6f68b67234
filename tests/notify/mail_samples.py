"""Mails whose words are kept in tests/golden/mails; ``make golden`` writes them anew."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from aggregator.model import (
    Authority,
    Coverage,
    Filter,
    Frequency,
    Kind,
    ProjectNews,
    Revision,
    Selection,
    Sighting,
    SourceId,
)
from aggregator.notify import House, Keys, item_of, plan_digest, render_edition
from aggregator.notify.radar import radar_of, tally_of
from aggregator.templates import environment

_SPEC = importlib.util.spec_from_file_location(
    "makers_of_mails", Path(__file__).with_name("conftest.py")
)
_MAKERS = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MAKERS)
NOW, make_announcement = _MAKERS.NOW, _MAKERS.make_announcement

HOUSE = House(
    public_url="https://quxun.example",
    mail_from="Quxun 区讯 <digest@quxun.example>",
    contact="operator@quxun.example",
    keys=Keys.of("a-secret-for-these-tests-only"),
)
WISHES = (Filter(region=("500116",)),)
WELL = Coverage(watched=12, well=12)
ILL = Coverage(watched=12, well=10, ill=("璧山区人民政府网", "江津区发展改革委"))


def golden_mails() -> dict[str, bytes]:
    """The documents by file name: both bodies of every mail, the subject above the text."""
    found = {}
    for name, digest in _digests().items():
        edition = render_edition(environment(), digest, house=HOUSE, now=NOW)
        found[f"{name}.txt"] = f"Subject: {edition.subject}\n\n{edition.text}".encode()
        found[f"{name}.html"] = edition.html.encode()
    return found


def _digests():
    weekly = tally_of(_projects(), until=NOW.date(), first=date(2026, 1, 1))
    return {
        "daily-zh": _digest("zh", Frequency.DAILY, _news(), ILL),
        "weekly-en": _digest(
            "en", Frequency.WEEKLY, _news(), WELL, radar=radar_of(weekly, WISHES)
        ),
        "changes-zh": _digest("zh", Frequency.DAILY, [*_changes(), *_reminders()], WELL),
    }  # fmt: skip


def _digest(language, frequency, items, coverage, radar=None):
    selection = Selection(language=language, wishes=WISHES, items=())
    return plan_digest(
        selection, frequency, items, due_at=NOW, now=NOW, coverage=coverage, radar=radar
    )


def _news():
    seen = Sighting(
        source_id=SourceId(9), source_name="重庆日报", url="https://www.cqrb.example/a/1.html",
        title="t", authority=Authority.MEDIA, seen_at=NOW,
    )  # fmt: skip
    project = {"kind": Kind.PROJECT, "slug": "project"}
    return [
        item_of(one, "news")
        for one in (
            make_announcement(1, slug="application", due_in=5, yuan=5e6),
            replace(make_announcement(2, title="支持先进制造业若干措施"), sightings=(seen,)),
            make_announcement(3, title="飞轮储能项目签约落户<双福>", yuan=5.2e9, **project),
            make_announcement(
                4, title="政策解读", slug="interpretation", late=True, issuer=None, doc_number=None
            ),
            make_announcement(5, title="公告", kind=Kind.OTHER, slug="notice", region=""),
        )
    ]


def _changes():
    def told(**changes):
        return [Revision(revision=2, at=NOW, changes=changes)]

    return [
        item_of(
            make_announcement(6, due_in=32),
            "change:2",
            told(deadlines=("2026-09-30", "2026-10-15"), attachments=("", "申报书.docx")),
        ),
        item_of(
            replace(make_announcement(7, title="挂牌出让公告"), withdrawn_at=NOW),
            "change:2",
            told(withdrawn=("", "2026-09-12")),
        ),
    ]


def _reminders():
    return [
        item_of(make_announcement(8, due_in=7), "reminder:7:2026-09-20"),
        item_of(make_announcement(9, due_in=1), "reminder:1:2026-09-14"),
    ]


def _projects():
    def news(days, **facts):
        return ProjectNews(
            posted_on=NOW.date() - timedelta(days=days),
            regions=("500116",),
            region_roll=("500000", "500116"),
            **facts,
        )

    return [
        news(1, yuan=5.2e9, promised=True),
        news(2, yuan=1.2e9),
        news(3, single=False, aggregate_yuan=1.31e11),
        *(news(days, yuan=4e8) for days in (9, 16, 23)),
    ]
