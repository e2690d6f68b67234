"""Which addresses we speak to: the traps that were measured, and names that turn on us (row 46)."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, ip_network

import pytest
from fetch_portals import CALM, canary_and, fetcher, ok, reason_of, run
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import FetchError
from aggregator.fetch import may_connect
from aggregator.fetch.addresses import _read_any, _read_plain, read_address
from aggregator.fetch.guard import may_name, networks

INWARD = [
    "127.0.0.1", "127.255.255.255", "0.0.0.0", "0.1.2.3", "10.1.2.3", "172.16.0.1",
    "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255", "100.100.100.200",
    "169.254.169.254", "168.63.129.16", "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.1",
    "198.19.255.255", "198.51.100.1", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::7f00:1",
    "2002:7f00:1::", "2002:a00:1::1", "2001::1", "2001:db8::1", "2001:0:7f00:1::", "100::1",
    "fc00::1", "fd12::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "3fff::1", "4000::1",
    "fd00:ec2::254", "", "localhost", "127.1", "0x7f.1", "127.0.0.1 ", "1.2.3.4.5",
    "2606:4700::1%lo",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "114.114.114.114", "100.63.255.255", "100.128.0.0", "172.32.0.1",
          "192.167.1.1", "223.255.255.255", "2606:4700:4700::1111", "2400:3200::1",
          "2001:4860:4860::8888", "::ffff:8.8.8.8"]  # fmt: skip


@pytest.mark.parametrize("address", INWARD)
def test_inward_addresses_are_refused(address):
    """``ipaddress.is_global`` calls several of these public (measured)."""
    assert not may_connect(address, ())


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_let(address):
    """The guard must not cost us a single portal."""
    assert may_connect(address, ())


def test_an_exemption_holds_for_its_network_alone():
    """127.0.0.2 for the demonstration is not 127.0.0.1, where our own broker stands."""
    allowed = (ip_network("127.0.0.2/32"), ip_network("fd00::/64"))

    assert may_connect("127.0.0.2", allowed)
    assert may_connect("::ffff:127.0.0.2", allowed)
    assert may_connect("fd00::5", allowed)
    assert not may_connect("127.0.0.1", allowed)
    assert not may_connect("127.0.0.3", allowed)
    assert not may_connect("::ffff:127.0.0.1", allowed)
    assert not may_connect("fd00:0:0:1::5", allowed)


@given(st.integers(0, 2**32 - 1))
def test_a_disguise_changes_nothing(number):
    """An IPv4 address is judged alike, whether it comes plain or mapped into IPv6."""
    plain = IPv4Address(number)

    assert may_connect(str(plain), ()) == may_connect(f"::ffff:{plain}", ())
    assert not may_connect(f"64:ff9b::{plain}", ())
    assert not may_connect(f"::{plain}", ())


def test_a_name_that_turns_to_loopback_is_stopped_at_the_socket():
    """Row 46: the check is made where the connection is, so no second answer can differ."""

    async def scene() -> tuple[list[str], list[str]]:
        async with canary_and(ok()) as (made, visits):
            client = fetcher()
            names = ["localhost", "localhost.", "LocalHost", "ip6-localhost"]
            reasons = [
                await reason_of(client, made.request(f"http://{name}:{made.port}/{n}"))
                for n, name in enumerate(names * 5)
            ]
            client.close()
            return reasons, visits

    reasons, visits = run(scene())

    assert set(reasons) <= {"blocked", "dns"}
    assert reasons[0] == "blocked"
    assert visits == []


class Resolver:
    """Gives other addresses each time it is asked: what a hostile name server would say."""

    def __init__(self, answers: list[list[str]]) -> None:
        self.answers = iter(answers)

    def __call__(self, _host: str, _port: int) -> list[str]:
        return next(self.answers)


async def ask_by_name(made, name: str, answers: list[list[str]]) -> list[str]:
    """Fetch from a name once for each answer of its resolver; the reasons."""
    client = fetcher(lookup=Resolver(answers), limits=replace(CALM, name_seconds=0.0))
    outcomes = [
        await reason_of(client, made.request(f"http://{name}:{made.port}/{number}"))
        for number in range(len(answers))
    ]
    client.close()
    return outcomes


def test_a_name_that_flips_a_thousand_times_never_gets_inside():
    """Row 46, rebind.test: good for the first look and loopback for the next."""

    async def scene() -> tuple[list[str], list[str], int]:
        async with canary_and(ok(b"<li>", "Connection: close")) as (made, visits):
            answers = [[made.host], ["127.0.0.1"]] * 500
            outcomes = await ask_by_name(made, "rebind.test", answers)
            return outcomes, visits, made.hits

    outcomes, visits, hits = run(scene())

    assert visits == []
    assert outcomes == ["page", "blocked"] * 500
    assert hits == 500


@pytest.mark.parametrize("keep", [["Connection: close"], []], ids=["fresh", "kept-alive"])
def test_a_name_with_a_good_and_an_inward_address_stays_outside(keep):
    """Row 46, mixed.test: libcurl tries one address after the other; the guard sees each."""

    async def scene() -> tuple[list[str], list[str]]:
        async with canary_and(ok(b"<li>", *keep)) as (made, visits):
            mixed = [["127.0.0.1", made.host], [made.host, "127.0.0.1"], ["127.0.0.1", "10.0.0.1"]]
            outcomes = await ask_by_name(made, "mixed.test", mixed)
            return outcomes, visits

    outcomes, visits = run(scene())

    assert visits == []
    assert set(outcomes) <= {"page", "blocked"}
    assert keep == [] or outcomes[2] == "blocked"


@pytest.mark.parametrize(
    "inward",
    ["10.0.0.1", "169.254.169.254", "100.100.100.200", "192.168.0.1", "[::1]", "[fe80::1]"],
)
def test_names_of_the_inside_are_blocked(inward):
    """Row 46, intern.test and metadata.test."""

    async def scene() -> tuple[list[str], list[str]]:
        async with canary_and(ok()) as (made, visits):
            outcomes = await ask_by_name(made, "intern.test", [[inward.strip("[]")]])
            return outcomes, visits

    assert run(scene()) == (["blocked"], [])


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "017700000001", "::1", "::ffff:127.0.0.1",
     "localhost", "a.localhost", "printer.local", "metadata.google.internal", "10.0.0.1"],
)  # fmt: skip
def test_a_proxy_is_not_asked_for_what_we_may_not_reach(host):
    """A proxy resolves names for us: what is inward by its spelling is not even asked."""
    assert not may_name(host, ())


@pytest.mark.parametrize("host", ["www.example.com", "1.1.1.1", "2606:4700::1111", "16843009"])
def test_a_proxy_is_asked_for_the_rest(host):
    """The operator's proxy is there to be used."""
    assert may_name(host, ())


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("http://A.Example/x", "http://a.example/x"),
        ("http://a.example", "http://a.example/"),
        ("http://a.example:80/x#y", "http://a.example/x"),
        ("https://a.example:443/", "https://a.example/"),
        ("http://a.example./", "http://a.example/"),
        ("http://两江新区.example/新闻?q=重庆", "http://xn--5hqv7jc1ssjg.example/%E6%96%B0%E9%97%BB?q=%E9%87%8D%E5%BA%86"),
        ("http://a.example/%E6%96%B0?a=%2F&b={c}", "http://a.example/%E6%96%B0?a=%2F&b=%7Bc%7D"),
        ("http://a.example:8080/", "http://a.example:8080/"),
        ("  http://a.example/x \n", "http://a.example/x"),
        ("http://[2606:4700::1]/", "http://[2606:4700::1]/"),
    ],
)  # fmt: skip
def test_addresses_are_sent_in_one_spelling(url, sent):
    """What is checked is what is sent."""
    assert read_address(url, ports=frozenset({8080})).url == sent


@pytest.mark.parametrize(
    "url",
    ["", "a", "//a.example/", "http:///x", "http://", "file:///etc/passwd", "ftp://a.example/",
     "gopher://a.example/", "javascript:1", "data:,x", "http://u:p@a.example/",
     "http://u@a.example/", "http://a.example:22/", "http://a.example:6379/",
     "http://a.example:99999/", "http://a.example:x/", "http://[::1%25lo]/", "http://[::1/",
     "http://a%2eexample/", "http://a.example\\@b.example/", "http://a.example/\r\nHost: b",
     "http://a.example/a b", "http://a.example/\x00", "http://a.example/" + "x" * 5000,
     "http://" + "a" * 70 + ".example/", "http://a..example/", "http://．/", "http://¸/"],
)  # fmt: skip
def test_addresses_that_are_none_are_refused(url):
    """Row 45: each is refused before a byte is sent, with a line that says why."""
    with pytest.raises(FetchError) as caught:
        read_address(url, ports=frozenset({8080}))

    assert caught.value.reason == "blocked"
    assert len(str(caught.value)) < 600


@given(st.text(max_size=60), st.sampled_from(["", "http://", "https://a.example/", "http://a@"]))
def test_any_text_is_an_address_or_refused(text, start):
    """A portal's link never becomes a bug of ours."""
    try:
        address = read_address(start + text, ports=frozenset())
    except FetchError:
        return

    assert address.scheme in {"http", "https"}
    assert address.url.isascii()
    assert address.port in {80, 443}
    assert read_address(address.url, ports=frozenset()) == address


@given(
    st.from_regex(
        r"\Ahttps?://[a-z0-9.-]{1,12}(:[0-9]{1,5})?/[A-Za-z0-9/%;=&'._~-]{0,9}(\?[a-z0-9&=%?/]{0,9})?\Z"
    )
)
def test_the_quick_way_to_read_an_address_agrees_with_the_thorough_one(url):
    """The shortcut saves time and decides nothing."""
    ports = frozenset({8080, 8})
    quick = _read_plain(url, ports)

    if quick:
        assert quick == _read_any(url, ports)


@pytest.mark.parametrize("ours", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::"])
def test_a_wide_exemption_does_not_open_our_own_servers(ours):
    """Whoever exempts a test network must not thereby let portals read our web and broker."""
    wide = networks(("127.0.0.0/8", "::/0", "0.0.0.0/0"))
    named = networks(("127.0.0.1/32", "::1/128", "0.0.0.0/32", "::/128"))

    assert not may_connect(ours, wide)
    assert may_connect(ours, named)
    assert may_connect("127.0.0.2", wide)
