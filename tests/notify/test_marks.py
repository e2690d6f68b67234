"""One rendering for many readers: each finds their own links in it, and nobody else's."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.model import NEWS, Filter, Frequency, Kind, Selection, SubscriberId
from aggregator.notify import (
    Purpose,
    digest_mail,
    item_of,
    marks,
    plan_digest,
    render_edition,
)
from aggregator.notify.tokens import read
from aggregator.templates import environment

POLICIES = (Filter(kind=(Kind.POLICY,)),)


@pytest.fixture
def edition(announcement, house, now, watched):
    """From announcements to the words that their readers share."""

    def made(*owed):
        selection = Selection(
            language="zh", wishes=POLICIES, items=tuple((one.id, NEWS) for one in owed)
        )
        digest = plan_digest(
            selection, Frequency.DAILY, [item_of(one, NEWS) for one in owed],
            due_at=now, now=now, coverage=watched,
        )  # fmt: skip
        return render_edition(environment(), digest, house=house, now=now)

    return made


@pytest.fixture
def written(reader, house, now):
    """An edition as the one reader's mail."""

    def made(edition):
        mail = digest_mail(
            edition, reader(), frequency=Frequency.DAILY, due_at=now, house=house, now=now
        )
        return mail, house, now

    return made


def test_readers_who_share_words_have_links_of_their_own(edition, announcement, reader, house, now):
    """A stop link of somebody else would stop somebody else's mail."""
    shared = edition(announcement(1), announcement(2))
    people = [replace(reader(), id=SubscriberId(number)) for number in (7, 8)]
    mails = [
        digest_mail(shared, one, frequency=Frequency.DAILY, due_at=now, house=house, now=now)
        for one in people
    ]

    for who, mail in zip(people, mails, strict=True):
        for body in (mail.text, mail.html):
            tokens = re.findall(r"/unsubscribe/([\w-]+)", body)
            tickets = [read(house.keys, t, purpose=Purpose.STOP, now=now) for t in tokens]
            choices = re.findall(r"/preferences/([\w-]+)", body)
            opened = [read(house.keys, t, purpose=Purpose.MANAGE, now=now) for t in choices]
            assert {t.subscriber_id for t in (*tickets, *opened)} == {who.id}
            assert tickets
            assert opened
    assert "/unsubscribe/~stop~" in shared.html
    assert len(mails[0].html) == len(shared.html) == len(mails[1].html)
    assert len(mails[0].text.encode()) == len(shared.text.encode())


@pytest.mark.parametrize("mark", marks.MARKS)
def test_a_stranger_cannot_have_a_readers_token_put_into_his_address(
    edition, announcement, written, mark
):
    """A hijacked portal that prints our mark must not be sent anybody's link."""
    own = announcement(
        1, title=f"通知{mark}", issuer=mark, url=f"https://evil.example/{mark}", doc_number=mark
    )
    mail, house, now = written(edition(own))

    for body in (mail.text, mail.html):
        found = re.findall(rf"[\w-]{{{marks.TOKEN_LENGTH}}}", body)
        links = re.findall(r"https://quxun\.example/(?:unsubscribe|preferences)/([\w-]+)", body)
        tickets = {
            token for token in found for purpose in Purpose
            if read(house.keys, token, purpose=purpose, now=now + timedelta(1)) is not None
        }  # fmt: skip
        assert tickets == set(links)
        assert mark not in body


def test_equal_digests_are_one_edition_and_others_are_not(edition, announcement):
    """Words are stored once by their key; two different mails must never share it."""
    one, same, other = (
        edition(announcement(1)), edition(announcement(1)), edition(announcement(2))
    )  # fmt: skip

    assert one == same
    assert other.key != one.key


def test_a_token_of_another_length_is_refused():
    """Lengths are counted before links are put in."""
    with pytest.raises(ValueError, match="token of 3 signs"):
        marks.fill(f"x{marks.STOP}", {marks.STOP: "abc"})
