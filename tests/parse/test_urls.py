import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.urls import absolute, canonical_url, entry_key

BASE = "http://www.qushu.example/zwgk/zcwj/index.html"


@pytest.mark.parametrize(
    ("href", "wanted"),
    [
        ("./202508/t20250813_1.html", "http://www.qushu.example/zwgk/zcwj/202508/t20250813_1.html"),
        ("../info/1001/2.htm", "http://www.qushu.example/zwgk/info/1001/2.htm"),
        ("//other.example/a", "http://other.example/a"),
        (" /a b.html\n", "http://www.qushu.example/a%20b.html"),
        ("..\\x.html", "http://www.qushu.example/zwgk/x.html"),
        ("?id=3", "http://www.qushu.example/zwgk/zcwj/index.html?id=3"),
        ("javascript:;", None),
        ("JavaScript:void(0)", None),
        ("java\nscript:alert(1)", None),
        ("#top", None),
        ("mailto:a@b.example", None),
        ("data:text/html,x", None),
        ("http://user:pw@host.example/", None),
        ("http://[::1", None),
        ("http://host.example:99999/", None),
        ("", None),
        (None, None),
        ("/" + "x" * 4000, None),
    ],
)
def test_links_become_absolute_or_nothing(href, wanted):
    """A row's link is fetched later: only what leads to a page may come through."""
    assert absolute(href, BASE) == wanted


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://WWW.Q.example/a/", "https://www.q.example/a/index.html"),
        ("http://www.q.example/a.html#top", "https://www.q.example:443/a.html"),
        ("http://m.q.gov.example/a", "http://www.q.gov.example/a"),
        ("http://q.example/a;jsessionid=0A1?id=2", "http://q.example/a?id=2&JSESSIONID=9"),
        ("http://q.example/v?b=2&a=1&utm_source=x", "http://q.example/v?a=1&b=2"),
        ("http://q.example/v?id=1&from=timeline&isappinstalled=0", "http://q.example/v?id=1"),
    ],
)
def test_twins_have_one_key(one, other):
    """Http and https, mobile and desktop, with and without tracking: one article."""
    assert entry_key(one) == entry_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://q.example/v?id=1", "http://q.example/v?id=2"),
        ("http://q.example/v?from=2024", "http://q.example/v"),
        ("http://q.example:8080/a", "http://q.example/a"),
        ("http://q.example/A", "http://q.example/a"),
        ("http://q.example/index.php?id=1", "http://q.example/?id=1"),
    ],
)
def test_different_articles_have_different_keys(one, other):
    """A key that is too coarse would swallow a notice."""
    assert entry_key(one) != entry_key(other)


@given(st.text(max_size=60) | st.from_regex(r"https?://[a-z.]{1,20}(:\d{1,6})?/[ -~]{0,40}"))
def test_canonical_form_is_stable_and_never_fails(url):
    """The form of a form is itself, whatever a page writes into a link."""
    once = canonical_url(url)

    assert canonical_url(once) == once
    absolute(url, BASE)


@given(
    href=st.lists(
        st.sampled_from(
            ["a", "b.html", "./", "../", "/", "..", ".", "x-y", "?", "q=1", "&", "%20", "~u", "#", " ", "中"]
        ),
        min_size=1,
        max_size=5,
    ).map("".join),
    base=st.sampled_from(
        ["http://a.example", "https://a.example:8080/x/y/index.html?q=/1#f", "http://a.example/x/../y/", "ftp://a/"]
    ),
)  # fmt: skip
def test_the_short_way_to_an_address_leads_where_the_long_one_does(href, base):
    """Most links are plain and are joined without taking all apart; a blank forces the long way."""
    assert absolute(href, base) == absolute(f"{href} ", base)
