"""Addresses that bounces come back to: each names its mail, and nobody else can make one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.notify import Keys
from aggregator.notify.addresses import wire_form
from aggregator.notify.verp import return_path, returned_mail

KEYS = Keys.of("one_secret_for_tests")
AT = "bounces.quxun.example"


@given(st.integers(1, 2**63 - 1), st.booleans())
def test_a_bounce_finds_its_mail_whatever_became_of_its_case(number, shouted):
    """Old servers write local parts as they like; a bounce that finds no mail is lost."""
    address = return_path(KEYS, number, domain=AT)

    assert wire_form(address) == address
    assert returned_mail(KEYS, address.upper() if shouted else address, domain=AT) == number


@given(st.integers(1, 10**9), st.integers(0, 60), st.sampled_from("0a7z-+"))
def test_no_other_address_is_believed(number, place, sign):
    """A stranger who saw one address can make none for another mail."""
    address = return_path(KEYS, number, domain=AT)
    local = address.partition("@")[0]
    changed = local[:place] + sign + local[place + 1 :]

    found = returned_mail(KEYS, f"{changed}@{AT}", domain=AT)
    assert found is None or changed == local


@pytest.mark.parametrize(
    "address",
    [
        "", "@", "bounces", f"bounces@{AT}", f"bounces+1@{AT}", f"bounces+-aaaaaaaaaaaaaaaa@{AT}",
        f"bounces+0-aaaaaaaaaaaaaaaa@{AT}", f"bounces+zzzzzzzzzzzzz-aaaaaaaaaaaaaaaa@{AT}",
        f"bounces+٣-aaaaaaaaaaaaaaaa@{AT}", f"bounces+1-aaaaaaaaaaaaaaaa\n@{AT}", "x" * 100_000,
    ],
)  # fmt: skip
def test_what_was_never_written_by_us_is_nothing(address):
    """Whatever stands in a forged bounce, reading it neither fails nor finds a mail."""
    assert returned_mail(KEYS, address, domain=AT) is None


def test_leading_zeros_and_other_domains_are_not_ours():
    """One mail has one address."""
    local = return_path(KEYS, 35, domain=AT).partition("@")[0]

    assert returned_mail(KEYS, f"{local.replace('+z', '+0z')}@{AT}", domain=AT) is None
    assert returned_mail(KEYS, f"{local}@elsewhere.example", domain=AT) is None


def test_a_mail_under_an_old_key_is_found_until_that_key_is_removed():
    """Keys rotate while mails are on their way."""
    address = return_path(KEYS, 9, domain=AT)
    rotated = Keys.of("a_newer_secret_for_tests")
    both = Keys.of("another_secret_for_tests " + "an_old_secret_for_tests")
    old = return_path(Keys.of("an_old_secret_for_tests"), 9, domain=AT)

    assert returned_mail(both, old, domain=AT) == 9
    assert returned_mail(rotated, address, domain=AT) is None
