"""A wish as people read and type it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import UsageError
from aggregator.filters import canonical, parse_query, spelled
from aggregator.model import Filter, Kind

words = st.lists(st.text(min_size=1, max_size=12), max_size=3).map(tuple)
wishes = st.builds(
    Filter, q=words, exclude=words, region=st.sampled_from([(), ("500116",), ("110000", "500116")]),
    kind=st.sampled_from([(), (Kind.POLICY,)]),
    amount_min=st.none() | st.floats(0, 1e12).map(lambda yuan: round(yuan, 2)),
)  # fmt: skip


@given(wishes)
def test_a_wish_is_spelled_as_it_was_typed_and_read_back(wish):
    """What people read, and paste into a shell or a table, is the same wish."""
    said = spelled(wish)

    assert parse_query(said) == parse_query(canonical(wish))
    assert not set(said) & set(" \t\n#;")


def test_han_is_spelled_as_itself():
    """Nobody reads %E5%82%A8%E8%83%BD."""
    wish = parse_query("region=500116&q=储能&q=A%26B+50%25")

    assert spelled(wish) == "q=50%25&q=a%26b&q=储能&region=500116"


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        ("江津区 合川区", ("500116", "500117")),
        ("江津区\u3000500117", ("500116", "500117")),
        ("500117 江津区、北京市", ("110000", "500116", "500117")),
        ("重庆市 江津区", ("500116",)),
        ("北京市 朝阳区", ("110105",)),
        ("北京 朝阳区", ("110105",)),
    ],
)
def test_blanks_part_regions_but_not_a_place_from_what_contains_it(typed, codes):
    """The field for words splits at blanks; one for regions that does not looks broken."""
    assert parse_query(f"region={typed}").region == codes


@pytest.mark.parametrize("typed", ["鼓楼区 江津区", "江津区 nowhere", "朝阳区 海淀区"])
def test_no_region_of_several_is_dropped(typed):
    """A wish that lost one of its regions brings nothing from there, and nobody knows."""
    with pytest.raises(UsageError):
        parse_query(f"region={typed}")
