"""What digests are made of in these tests."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from aggregator.model import (
    Amount,
    Announcement,
    AnnouncementId,
    Category,
    Coverage,
    Deadline,
    Draft,
    Facts,
    Filter,
    Frequency,
    Kind,
    Novelty,
    Region,
    Subscriber,
    SubscriberId,
    SubscriberState,
    Subscription,
    SubscriptionId,
    Wish,
    WishId,
)
from aggregator.notify import House, Keys

sys.path.insert(0, str(Path(__file__).parent))

POLICIES = (Filter(kind=(Kind.POLICY,)),)
NOW = datetime(2026, 9, 13, 0, 30, tzinfo=UTC)


def make_announcement(
    number,
    *,
    title="关于申报专精特新企业的通知",
    kind=Kind.POLICY,
    slug="policy",
    due_in=None,
    yuan=None,
    region="江津区",
    late=False,
    **draft,
):
    facts = Facts(
        amounts=(Amount(value=1, yuan=yuan, basis="cap", unit="元", sentence="最高"),)
        if yuan
        else (),
        deadlines=(Deadline(value=NOW.date() + timedelta(days=due_in), sentence="截止"),)
        if due_in is not None
        else (),
    )
    regions = (Region(code="500116", name=region, path=("重庆市", "重庆市", region)),)
    return Announcement(
        id=AnnouncementId(number),
        uuid=UUID(int=number),
        draft=Draft(
            **{
                "title": title,
                "url": f"https://www.jiangjin.example/{number}.html",
                "posted_at": NOW - timedelta(hours=number),
                "issuer": "江津区人民政府办公室",
                "doc_number": "江津府办发〔2026〕12号",
                "kind": kind,
                "categories": (Category(slug=slug, why="标题"),),
                "regions": regions if region else (),
                "facts": facts,
                **draft,
            }
        ),
        region_roll=("500000", "500116"),
        first_seen_at=NOW,
        announced_at=NOW,
        changed_at=NOW,
        change=number,
        source_name="江津区人民政府网",
        novelty=Novelty.LATE_NEWS if late else Novelty.NEWS,
    )


def make_reader(language="zh", frequency=Frequency.DAILY, filters=POLICIES):
    return Subscriber(
        id=SubscriberId(7),
        email="reader@inbox.example",
        state=SubscriberState.CONFIRMED,
        language=language,
        created_at=NOW,
        subscriptions=tuple(
            Subscription(
                id=SubscriptionId(number),
                wish=Wish(id=WishId(number), filter=one),
                frequency=frequency,
                active_from=NOW,
            )
            for number, one in enumerate(filters, 1)
        ),
    )


@pytest.fixture
def now():
    return NOW


@pytest.fixture
def announcement():
    return make_announcement


@pytest.fixture
def reader():
    return make_reader


@pytest.fixture
def house():
    return House(
        public_url="https://quxun.example",
        mail_from="Quxun 区讯 <digest@quxun.example>",
        contact="operator@quxun.example",
        keys=Keys.of("a-secret-for-these-tests-only"),
    )


@pytest.fixture
def watched():
    return Coverage(watched=12, well=12)


@pytest.fixture(scope="session")
def makers():
    """The makers for property tests, which want fixtures that outlive an example."""
    return make_announcement, make_reader, NOW


@pytest.fixture
def office(engine):
    """Our office with the session's database and nobody in it."""
    from offices import Office

    return Office(engine)
