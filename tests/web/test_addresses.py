from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import NotFoundError, UsageError
from quxun.web.addresses import read_address


@pytest.mark.parametrize(
    ("asked", "canonical"),
    [
        ("/feeds/all.atom", "/feeds/all.atom"),
        ("/feeds/ALL.Atom", "/feeds/all.atom"),
        ("/feeds/all.atom/", "/feeds/all.atom"),
        ("/feeds//policies///500116.rss", "/feeds/policies/500116.rss"),
        ("/feeds/Policies/500116.RSS", "/feeds/policies/500116.rss"),
        ("/feeds/500116/land.json", "/feeds/land/500116.json"),
        ("/feeds/all/500116.json", "/feeds/500116.json"),
        ("/feeds/z50011601.atom", "/feeds/Z50011601.atom"),
        ("/feeds/all.atom?utm_source=x", "/feeds/all.atom"),
        ("/feeds/search.atom", "/feeds/all.atom"),
        ("/feeds/search.atom?q=", "/feeds/all.atom"),
        ("/feeds/search.atom?category=land", "/feeds/land.atom"),
        ("/feeds/search.atom?kind=policy&region=500116", "/feeds/policies/500116.atom"),
        ("/feeds/search.atom?region=江津区", "/feeds/500116.atom"),
        ("/feeds/search.atom?kind=other", "/feeds/search.atom?kind=other"),
        ("/feeds/search.atom?region=500116&q=b+a", "/feeds/search.atom?q=a&q=b&region=500116"),
        ("/feeds/search.atom?q=A&q=a", "/feeds/search.atom?q=a"),
        ("/feeds/search.atom?amount_min=500万", "/feeds/search.atom?amount_min=5000000"),
        ("/feeds/land/archive/0017.atom", "/feeds/land/archive/17.atom"),
        ("/feeds/land/500116/archive/17.json", "/feeds/land/500116/archive/17.json"),
        ("/feeds/search/archive/17.rss?q=a", "/feeds/search/archive/17.rss?q=a"),
        ("/feeds/search/archive/17.rss?category=land", "/feeds/land/archive/17.rss"),
    ],
)
def test_every_spelling_leads_to_one_address(asked, canonical):
    """One document has one address, so that caches keep it once and readers see it once."""
    path, _, query = asked.partition("?")

    found = read_address(path, query).path

    assert found == canonical
    again, _, query = found.partition("?")
    assert read_address(again, query).path == found


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("/feeds/polices.atom", ["/feeds/policies.atom"]),
        ("/feeds/lnad.rss", ["/feeds/land.rss"]),
        ("/feeds/aplication/500116.atom", ["/feeds/application/500116.atom"]),
        ("/feeds/land/500199.atom", ["/feeds/land/500000.atom"]),
        ("/feeds/500126.atom", ["500116"]),
        ("/feeds/330199.atom", ["/feeds/330100.atom", "/feeds/330000.atom"]),
        ("/feeds/land/policies.atom", ["/feeds/land.atom", "/feeds/policies.atom"]),
        ("/feeds/all.xml", [".atom", "/feeds/all.atom"]),
        ("/feeds/land/500116", ["/feeds/land/500116.atom"]),
        ("/feeds/search?q=a", ["/feeds/search.atom?"]),
        ("/feeds/nothing-like-it.atom", ["/feeds/"]),
        ("/feeds/all.", [".atom"]),
        ("/feeds/../all.atom", ["/feeds/"]),
        ("/feeds/all\x00.atom", ["/feeds/"]),
        ("/feeds/land/archive/x.atom", ["/feeds/land.atom"]),
        ("/feeds/land/archive/99999999999999999999.atom", ["/feeds/land.atom"]),
    ],
)
def test_a_near_miss_is_told_what_was_perhaps_meant(asked, words):
    """Whoever mistypes an address should not have to search the list."""
    path, _, query = asked.partition("?")

    with pytest.raises(NotFoundError) as told:
        read_address(path, query)

    assert all(word in str(told.value) for word in words), str(told.value)
    assert "\n" not in str(told.value)


def test_a_filter_on_a_named_feed_is_not_lost_in_silence():
    """A reader who believes to follow one district would get everything."""
    with pytest.raises(UsageError, match=r"search\.atom"):
        read_address("/feeds/all.atom", "region=500116")


@given(st.text(max_size=80), st.text(max_size=80))
def test_whatever_is_asked_is_an_address_or_one_line(path, query):
    """Scanners ask for anything; it is never our fault."""
    with suppress(NotFoundError, UsageError):
        found = read_address(f"/feeds/{path}", query).path
        assert found.startswith("/feeds/")
        assert found.isascii()
        return
    with pytest.raises((NotFoundError, UsageError), match=r"\A[^\n]{1,500}\Z"):
        read_address(f"/feeds/{path}", query)
