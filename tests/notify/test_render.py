"""Mails in words: what a reader sees, and that nothing from outside breaks it."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import html

from aggregator.model import (
    NEWS,
    Coverage,
    Filter,
    Flag,
    Frequency,
    Kind,
    Lane,
    Selection,
    Sighting,
    SourceId,
    SubscriptionState,
)
from aggregator.notify import (
    Purpose,
    digest_mail,
    item_of,
    plan_digest,
    render_confirmation,
    render_edition,
    render_manage_link,
)
from aggregator.notify.tokens import read
from aggregator.templates import environment


@pytest.fixture
def write(house, now, watched):
    """From what is owed to the mail."""

    def made(reader, owed, frequency=Frequency.DAILY, coverage=watched):
        selection = Selection(
            language=reader.language,
            wishes=tuple(one.wish.filter for one in reader.subscriptions),
            items=tuple((one.id, NEWS) for one in owed),
        )
        items = [item_of(one, NEWS) for one in owed]
        digest = plan_digest(selection, frequency, items, due_at=now, now=now, coverage=coverage)
        edition = render_edition(environment(), digest, house=house, now=now)
        return digest_mail(
            edition, reader, frequency=frequency, due_at=now, house=house, now=now, run_id=12
        )

    return made


def links(mail):
    return html.document_fromstring(mail.html).xpath("//a/@href")


def words(mail):
    return " ".join(html.document_fromstring(mail.html).text_content().split())


def test_a_line_says_what_an_investor_wants_to_know(write, reader, announcement):
    """Region, kind, issuer, number, deadline, sum and source, in both bodies."""
    mail = write(reader(), [announcement(1, slug="application", due_in=17, yuan=5e6)])

    for body in (mail.text, words(mail)):
        assert "[江津区] 关于申报专精特新企业的通知" in body
        for part in (
            "申报通知",
            "江津区人民政府办公室",
            "江津府办发〔2026〕12号",
            "截止 9月30日(剩17天)",
            "最高500万元",
            "江津区人民政府网",
        ):
            assert part in body


@pytest.mark.parametrize(
    ("rows", "subject"),
    [
        ([{}], "江津区:1条新政策"),
        ([{}, {}, {}, {"due_in": 5}], "江津区:3条新政策、1项5天后截止"),
        ([{"due_in": 0}], "江津区:1项今天截止"),
        ([{"due_in": 2}, {"due_in": 6}], "江津区:2项6天内截止"),
        ([{"kind": Kind.PROJECT, "slug": "project"}], "江津区:1个新项目"),
        ([{"region": "璧山区"}, {"region": "江津区"}], "璧山区等2地:2条新政策"),
        ([{"region": ""}], "各地:1条新政策"),
    ],
)
def test_the_subject_begins_with_region_and_numbers(write, reader, announcement, rows, subject):
    """A list cuts subjects short, so the first characters must say it."""
    mail = write(reader(), [announcement(n, **row) for n, row in enumerate(rows, 1)])

    assert mail.subject == subject


def test_a_subject_is_short_whatever_happened(write, reader, announcement):
    """Thirty characters at most, without a number cut in half."""
    kinds = [Kind.POLICY, Kind.PROJECT, Kind.OTHER]
    owed = [
        announcement(n, kind=kinds[n % 3], slug="x", region="很长名字的经济技术开发区管理委员会")
        for n in range(1, 1500)
    ]

    mail = write(reader(), owed)

    assert len(mail.subject) <= 30
    assert "500条新政策" in mail.subject or "499条新政策" in mail.subject


def test_beyond_thirty_items_the_rest_stands_behind_a_link(write, reader, announcement, house, now):
    """A long morning stays one readable mail under 100 KB."""
    title = "关于" + "支持先进制造业高质量发展" * 30 + "的通知"
    owed = [announcement(n, title=title, due_in=9, yuan=1e9) for n in range(1, 201)]

    mail = write(reader(), owed)

    assert "另有 170 条" in mail.text
    assert "另有 170 条" in words(mail)
    [rest] = [link for link in links(mail) if link.startswith("https://quxun.example/mail/")]
    ticket = read(house.keys, rest.rpartition("/")[2], purpose=Purpose.REST, now=now)
    assert (ticket.subscriber_id, ticket.run_id) == (7, 12)
    assert mail.text.count("* [江津区]") == 30
    assert len(mail.html.encode()) <= 100_000


def test_both_bodies_carry_every_link_and_no_other_host_is_asked(write, reader, announcement):
    """The text twin reads well alone; opening the mail tells nobody."""
    mail = write(reader(), [announcement(n) for n in (1, 2)])

    assert all(link in mail.text for link in links(mail))
    assert "https://www.jiangjin.example/1.html" in links(mail)
    assert not html.document_fromstring(mail.html).xpath("//img|//link|//script|//@src")
    assert "url(" not in mail.html
    assert '<meta name="color-scheme" content="light dark">' in mail.html
    assert "<style" not in mail.html
    assert "class=" not in mail.html


def test_a_word_wider_than_a_phone_may_break(write, reader, announcement):
    """Else the whole mail is as wide as the word; spaces without width are known to all readers."""
    mail = write(reader(), [announcement(1, title="关于Enterprise" + "Innovation" * 30 + "的通知")])

    runs = re.findall(r"[!-~]+", words(mail))
    assert max(len(run) for run in runs if "Innovation" in run) <= 20
    assert "<wbr" not in mail.html
    assert "\u200b" not in mail.text


def test_the_footer_says_why_and_how_to_stop(write, reader, announcement, house, now):
    """Why this came, how to stop it at once, how to change it, and what we are not."""
    mail = write(reader(filters=(Filter(q=("氢能",)), Filter(q=("储能",)))), [announcement(1)])

    for body in (mail.text, words(mail)):
        assert "含“氢能”" in body
        assert "含“储能”" in body
        assert "退订" in body
        assert "非政府网站,以原文为准" in body
    header = mail.headers["List-Unsubscribe"].strip("<>")
    assert header in links(mail)
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail.headers["List-Id"].endswith("<daily.quxun.quxun.example>")
    ticket = read(
        house.keys, header.rpartition("/")[2], purpose=Purpose.STOP, now=now + timedelta(9_999)
    )
    assert ticket.subscriber_id == 7
    assert ticket.frequency is Frequency.DAILY
    assert "reader" not in header


def test_what_was_found_late_or_badly_says_so(write, reader, announcement, now):
    """What is guessed or late is not shown as known and new."""
    seen = Sighting(
        source_id=SourceId(2),
        source_name="重庆日报",
        url="https://www.cqrb.example/1.html",
        title="t",
        authority="media",
        seen_at=now,
    )
    from dataclasses import replace

    owed = [
        replace(announcement(1, late=True), sightings=(seen,)),
        announcement(2, flags=(Flag.ROW_ONLY,)),
    ]

    text = write(reader(), owed).text

    assert "迟到：原发布于9月13日" in text
    assert "仅有标题" in text
    assert "另见:重庆日报 https://www.cqrb.example/1.html" in text


def test_what_may_be_missing_is_named(write, reader, announcement):
    """A digest that cannot see a source must not look complete."""
    ill = Coverage(watched=12, well=11, ill=("璧山区人民政府网",))

    assert "可能有遗漏：璧山区人民政府网" in write(reader(), [announcement(1)], coverage=ill).text
    assert "全部正常" in write(reader(), [announcement(1)]).text


@pytest.mark.parametrize(
    "title",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "{{ 7 * 7 }} {% for x in y %}",
        '"><svg/onload=alert(1)>',
        "通知\r\nBcc: victim@inbox.example",
        "通知\u2028Subject: x",
        "qxtag0 qxvalue1x <!--qxtag0-->",
    ],
)
def test_what_strangers_wrote_stays_text(write, reader, announcement, title):
    """A hijacked portal writes titles; no mail reader may run them."""
    mail = write(reader(), [announcement(1, title=title, issuer=title)])
    tree = html.document_fromstring(mail.html)

    assert not tree.xpath("//script|//img|//svg|//@onerror|//@onload")
    assert "49" not in re.sub(r"https?://\S+", "", mail.text)
    assert " ".join(title.replace("\u2028", " ").split())[:12] in " ".join(words(mail).split())
    assert "\n" not in mail.subject
    assert "Bcc" not in mail.headers


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "http://127.0.0.1/x",
        "https://user:pw@host.example/",
        "https://host.example/" + "x" * 2_000,
        "https://host.example/a b",
        "https://[bad",
    ],
)
def test_an_address_no_mail_should_carry_is_left_to_our_page(write, reader, announcement, url):
    """Filters take numbers and odd schemes for phishing; our page still links the original."""
    mail = write(reader(), [announcement(1, url=url)])

    assert url not in links(mail)
    assert "https://quxun.example/a/00000000-0000-0000-0000-000000000001" in links(mail)


def test_personal_numbers_are_not_passed_on(write, reader, announcement):
    """Award lists name people; a digest need not."""
    mail = write(reader(), [announcement(1, title="联系人 13812345678,证号 11010519491231002X")])

    assert "13812345678" not in mail.text + mail.html
    assert "11010519491231002X" not in mail.text + mail.html


def test_the_same_digest_is_the_same_mail(write, reader, announcement):
    """A mail that goes twice is known to be one by its key and Message-ID."""
    first, second = (write(reader(), [announcement(1)]) for _ in range(2))
    at_once = write(
        reader(frequency=Frequency.IMMEDIATE), [announcement(1)], frequency=Frequency.IMMEDIATE
    )

    assert first == second
    assert first.lane is Lane.DIGEST
    assert at_once.lane is Lane.IMMEDIATE
    assert at_once.message_id != first.message_id
    assert re.fullmatch(r"<[^<>@\s]+@quxun\.example>", first.message_id)


def test_an_english_reader_gets_english_words(write, reader, announcement):
    """Titles stay Chinese, everything else can be read."""
    mail = write(reader(language="en"), [announcement(1, due_in=3)])

    assert mail.subject.endswith("1 due in 3d")
    assert "(3 days left)" in mail.text
    assert "Not a government site" in words(mail)


def test_a_confirmation_asks_and_can_be_declined(reader, house):
    """The link leads to a page; who did not sign up can end it with one click."""
    wish = Filter(kind=(Kind.POLICY,))
    who = reader(frequency=Frequency.WEEKLY, filters=(wish,))
    [asked] = who.subscriptions
    who = replace(who, subscriptions=(replace(asked, state=SubscriptionState.PENDING),))
    mail = render_confirmation(
        environment(),
        who,
        token="t" * 43,
        wishes=[wish],
        frequency=Frequency.WEEKLY,
        house=house,
        key="confirm:1",
    )

    english = render_confirmation(
        environment(), replace(who, language="en"), token="t" * 43, wishes=[wish],
        frequency=Frequency.WEEKLY, house=house, key="confirm:2",
    )  # fmt: skip
    assert "Ignore this mail, or unsubscribe" in english.text
    assert mail.lane is Lane.CONFIRMATION
    assert f"https://quxun.example/confirm/{'t' * 43}" in links(mail)
    assert all(link in mail.text for link in links(mail))
    assert "政策" in mail.text
    assert "每周" in mail.text
    assert mail.headers["List-Unsubscribe"].strip("<>") in mail.text


def test_a_manage_link_opens_the_choices_for_a_week(reader, house, now):
    """Without a password, so it must not live long."""
    mail = render_manage_link(environment(), reader(), house=house, now=now, key="link:1")
    token = next(x for x in links(mail) if "/preferences/" in x).rpartition("/")[2]

    assert read(house.keys, token, purpose=Purpose.MANAGE, now=now + timedelta(days=6))
    assert not read(house.keys, token, purpose=Purpose.MANAGE, now=now + timedelta(days=8))
