"""Subjects: short enough for a list of mails on a phone, and still region and numbers."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.alarms import KINDS, Alarm
from aggregator.model import Coverage, Filter, Frequency, Kind, Selection
from aggregator.notify import (
    item_of,
    plan_digest,
    render_confirmation,
    render_edition,
    render_manage_link,
    render_move,
    render_moved,
)
from aggregator.notify.alarms import render_alarm
from aggregator.notify.render import render_channel_ended
from aggregator.notify.subjects import subject, teaser
from aggregator.notify.words import words_of
from aggregator.templates import environment

MOST = 30
KINDS_OF_NEWS = [
    {"kind": Kind.POLICY, "slug": "policy"},
    {"kind": Kind.POLICY, "slug": "application"},
    {"kind": Kind.PROJECT, "slug": "project"},
    {"kind": Kind.OTHER, "slug": "notice"},
]
PLACES = ["江津区", "重庆高新技术产业开发区", "新疆维吾尔自治区", ""]


def planned(language, owed, now):
    return plan_digest(
        Selection(language=language, wishes=(Filter(),), items=()), Frequency.DAILY, owed,
        due_at=now, now=now, coverage=Coverage(watched=1, well=1),
    )  # fmt: skip


@pytest.fixture(scope="module")
def write(makers):
    """From rows of facts to an edition."""
    announcement, _, now = makers
    from mail_samples import HOUSE

    def made(language, rows):
        owed = [item_of(announcement(n, **row), "news") for n, row in enumerate(rows, 1)]
        return render_edition(environment(), planned(language, owed, now), house=HOUSE, now=now)

    return made


@pytest.mark.parametrize(
    ("language", "rows", "said"),
    [
        ("en", [{"due_in": 1, "slug": "application"}], "江津区: 1 application due in 1d"),
        ("en", [{}] * 3 + [{"due_in": 5}], "江津区: 3 policies, 1 due in 5d"),
        ("en", [{}] * 72 + [{"due_in": 5}, {"due_in": 6}] * 17, "江津区: 72 policies, 34 due soon"),
        (
            "en",
            [{}] * 6 + [{"due_in": 2, "region": "璧山区"}, {"due_in": 3, "region": "渝北区"}],
            "璧山区 +2: 6 policies, 2 due soon",
        ),
        (
            "zh",
            [{"region": "重庆高新技术产业开发区"}] * 110
            + [{"region": f"{n}区", "due_in": n % 7} for n in range(90)],
            "0区等91地:110条新政策、90项7天内截止",
        ),
        (
            "zh",
            [{"region": "重庆高新技术产业开发区", "due_in": 3 + n % 5} for n in range(990)]
            + [{"region": f"{n}区"} for n in range(110)],
            "重庆高新技术产业…等111地:110条新政策、990项将截止",
        ),
    ],
)
def test_what_ends_soon_keeps_its_place(write, language, rows, said):
    """A shorter word, or a shorter place, before a deadline goes untold."""
    written = write(language, rows).subject

    assert len(written) <= MOST
    assert written == said


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["zh", "en"]),
    st.lists(
        st.tuples(
            st.sampled_from(KINDS_OF_NEWS),
            st.none() | st.integers(0, 40),
            st.sampled_from(PLACES),
            st.sampled_from(["news", "reminder:7:2026-09-20", "change:2"]),
        ),
        min_size=1,
        max_size=9,
    ),
    st.sampled_from([1, 7, 35, 210, 1500]),
)
def test_a_subject_is_short_and_tells_numbers_in_both_languages(makers, language, rows, times):
    """Thirty characters whatever came, and never without what ends soon."""
    announcement, _, now = makers
    owed = [
        item_of(
            announcement(n, **kind, region=region, due_in=due or 0 if "reminder" in why else due),
            why,
        )
        for n, (kind, due, region, why) in enumerate(rows, 1)
    ]
    digest = planned(language, owed, now)
    many = tuple(replace(group, total=group.total * times) for group in digest.groups)

    said = subject(replace(digest, groups=many), words_of(language), today=now.date())

    place, _, numbers = said.partition(":")
    assert len(said) <= MOST
    assert place
    assert re.match(r" ?\d+", numbers)
    if {"reminder", "soon"} & {group.slug for group in digest.groups}:
        assert re.search(r"\d[^,、]*(截止| due)", numbers)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_mail_itself_tells_all_numbers(write, language):
    """What a subject had no room for stands at the head of both bodies."""
    rows = [{**KINDS_OF_NEWS[n % 4], "region": PLACES[n % 3]} for n in range(200)]
    edition = write(language, [*rows, *({"due_in": n % 7} for n in range(34))])
    parts = {
        "zh": ["100条新政策", "34项7天内截止", "50个新项目", "50条其他"],
        "en": ["100 policies", "34 due within 7d", "50 projects", "50 others"],
    }[language]

    assert all(part in edition.text.partition("【")[0] for part in parts)
    assert all(part in edition.html.partition("<h2")[0] for part in parts)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_mails_about_a_subscription_have_short_subjects_too(makers, language):
    """They stand in the same lists, and say who writes and what is to be done."""
    from mail_samples import HOUSE, WISHES

    _, reader, now = makers
    env, who, token = environment(), reader(language=language), "t" * 43
    daily = {"wishes": WISHES, "frequency": Frequency.DAILY, "house": HOUSE}
    mails = [
        render_confirmation(env, who, token=token, key="c", **daily),
        render_manage_link(env, who, house=HOUSE, now=now, key="l"),
        render_move(env, who, "new@inbox.example", token=token, house=HOUSE, key="m"),
        render_moved(env, who, "new@inbox.example", house=HOUSE, key="n"),
        render_channel_ended(env, who, shown="x", problem="x", house=HOUSE, now=now, key="h"),
    ]

    assert [mail.subject for mail in mails if len(mail.subject) > MOST] == []
    assert all(re.match("区讯：|Quxun: ", mail.subject) for mail in mails)
    assert len({mail.subject for mail in mails}) == len(mails)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_alarms_have_short_subjects_too(kind, now, house):
    """The operator reads them on a phone at night."""
    alarm = Alarm(id=1, kind=kind, text="x", at=now)

    assert (
        len(render_alarm(environment(), alarm, to="o@quxun.example", house=house).subject) <= MOST
    )


def test_what_a_mailbox_shows_behind_a_subject_ends_with_a_whole_title(makers):
    """A title that is cut in a number says something else."""
    announcement, _, now = makers
    titles = [
        "关于开展2026年度高新技术企业认定工作的通知",
        "关于组织申报2026年专精特新中小企业的通知",
        "关于申报2027年专项资金的公告",
    ]
    owed = [item_of(announcement(n, title=one), "news") for n, one in enumerate(titles, 1)]

    assert teaser(planned("zh", owed, now), words_of("zh")) == "；".join(titles[:2])
    assert (
        len(
            teaser(
                planned("zh", [item_of(announcement(1, title="字" * 99), "news")], now),
                words_of("zh"),
            )
        )
        == 60
    )
