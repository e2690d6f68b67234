"""Laws of mails that hold whatever strangers wrote."""

from unicodedata import category

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

from aggregator.model import Coverage, Filter, Frequency, Selection
from aggregator.notify import House, Keys, Press, item_of, plan_digest
from aggregator.templates import environment

HOSTILE = st.one_of(
    st.text(max_size=500),
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            '"><img src=x onerror=y>',
            "{{ 7*7 }}{% raw %}",
            "%s %(x)s",
            "通知\r\nBcc: v@inbox.example",
            "甲\u000b乙",
            "\u202e反\u2066转",
            "🎉" * 500,
            "字" * 500,
            "A" * 500,
            "~stop~" + "~" * 120,
            "http://a.example/ 点击",
            "qxtag1 qxvalue2x <!--x-->",
        ]
    ),
)


@pytest.fixture(scope="module")
def house():
    return House(
        public_url="https://quxun.example",
        mail_from="Quxun 区讯 <digest@quxun.example>",
        contact="operator@quxun.example",
        keys=Keys.of("a-secret-for-these-tests-only"),
    )


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(HOSTILE, HOSTILE, HOSTILE, st.none() | st.integers(0, 9)), min_size=1),
    st.sampled_from(["zh", "en"]),
)
def test_whatever_is_written_stays_literal_and_small(makers, house, rows, language):
    """Well-formed, below 100 KB, no markup but ours, every link in the text, a short subject."""
    announcement, _, now = makers
    owed = [
        announcement(n, title=title, issuer=issuer, region=region, due_in=due)
        for n, (title, issuer, region, due) in enumerate((rows * 40)[:200], 1)
    ]
    selection = Selection(language=language, wishes=(Filter(q=("氢能",)),), items=())
    digest = plan_digest(
        selection, Frequency.DAILY, [item_of(one, "news") for one in owed],
        due_at=now, now=now, coverage=Coverage(watched=1, well=1),
    )  # fmt: skip

    first, second = (Press(environment(), house=house, now=now).edition(digest) for _ in range(2))

    assert first == second
    assert len(first.subject) <= 30
    assert not {category(sign) for sign in first.subject} & {"Cc", "Zl", "Zp"}
    assert len(first.html.encode()) <= 100_000
    tree = html.document_fromstring(first.html)
    assert {one.tag for one in tree.iter() if isinstance(one.tag, str)} <= {
        "html", "head", "meta", "title", "body", "div", "h1", "h2", "a", "strong", "br", "span",
    }  # fmt: skip
    links = tree.xpath("//a/@href")
    assert all(link in first.text for link in links)
    assert all(link.startswith("https://") for link in links)
    assert "49" not in {word for word in first.text.split() if word == "49"}
    assert not {"\r", "\x0b", "\u202e", "\u2066"} & set(first.text + first.html)
