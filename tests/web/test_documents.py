from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from quxun.web.documents import Answers, Asked, chosen_coding, pack

AT = datetime(2026, 10, 5, 2, 30, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (None, "identity"),
        ("", "identity"),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("zstd", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1.0, zstd;q=0.5", "gzip"),
        ("gzip ; q=0.2 , zstd ; q=0.1", "gzip"),
        ("br", "identity"),
        ("*", "gzip"),
        ("*;q=0.5, gzip;q=0", "identity"),
        ("gzip;q=0", "identity"),
        ("gzip;q=0.000", "identity"),
        ("identity;q=0.5, gzip;q=0.1", "identity"),
        ("gzip;q=0.001", "gzip"),
        ("identity, gzip", "gzip"),
        ("identity;q=0", None),
        ("identity;q=0, gzip", "gzip"),
        ("identity;q=0, br", None),
        ("identity;q=0, *", "gzip"),
        ("*;q=0", None),
        ("*;q=0, identity", "identity"),
        ("*;q=0, zstd;q=0.3", "zstd"),
        ("gzip;q=nonsense", "identity"),
        ("gzip;q=7", "identity"),
        (",,;;q=1,", "identity"),
    ],
)
def test_the_coding_is_the_one_that_the_client_likes_best(accepted, coding):
    """What a client cannot read is noise to it, and what it asked for saves its line."""
    assert chosen_coding(accepted) == coding


@given(st.text(max_size=60))
def test_no_header_of_a_stranger_breaks_the_choice(accepted):
    """Anything may stand in a header."""
    assert chosen_coding(accepted) in {None, "identity", "gzip", "zstd"}
    assert Asked(if_none_match=accepted).status('"tag"', AT) in {200, 304}
    assert Asked(if_modified_since=accepted).status('"tag"', AT) in {200, 304}


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"if_none_match": '"a"'}, 304),
        ({"if_none_match": 'W/"a"'}, 304),
        ({"if_none_match": '"b", W/"c,d" ,"a"'}, 304),
        ({"if_none_match": "*"}, 304),
        ({"if_none_match": " * "}, 304),
        ({"if_none_match": "a"}, 304),
        ({"if_none_match": '"b"'}, 200),
        ({"if_none_match": '"b,"a"'}, 200),
        ({"if_none_match": '"a-gzip"'}, 200),
        ({"if_none_match": '"*"'}, 200),
        ({"if_none_match": ""}, 200),
        ({"if_modified_since": "Mon, 05 Oct 2026 02:30:09 GMT"}, 304),
        ({"if_modified_since": "Mon, 05 Oct 2026 10:30:09 +0800"}, 304),
        ({"if_modified_since": "Monday, 05-Oct-26 02:30:09 GMT"}, 304),
        ({"if_modified_since": "Mon, 05 Oct 2026 02:30:08 GMT"}, 200),
        ({"if_modified_since": "yesterday"}, 200),
        ({"if_modified_since": "Mon, 99 Oct 2026 02:30:09 GMT"}, 200),
        ({"if_modified_since": "0"}, 200),
        ({"if_none_match": '"b"', "if_modified_since": "Mon, 05 Oct 2026 02:30:09 GMT"}, 200),
        ({"if_none_match": '"a"', "if_modified_since": "Mon, 05 Oct 2020 02:30:09 GMT"}, 304),
        ({"if_match": '"a"'}, 200),
        ({"if_match": 'W/"a"'}, 412),
        ({"if_match": '"b"'}, 412),
        ({"if_unmodified_since": "Mon, 05 Oct 2026 02:30:08 GMT"}, 412),
        ({"if_unmodified_since": "Mon, 05 Oct 2026 02:30:09 GMT"}, 200),
        ({"if_unmodified_since": "garbage"}, 200),
    ],
)
def test_conditions_are_kept_as_the_standard_says(asked, status):
    """RFC 9110 §13: a tag decides before a date, and garbage decides nothing."""
    assert Asked(**asked).status('"a"', AT) == status


def test_headers_in_several_lines_are_one_list():
    """A proxy may split what a client wrote in one line."""
    answers = Answers(pack(b"words", "application/rss+xml", AT), cache="public")
    tag = answers.document.etag.encode()

    asked = [(b"if-none-match", b'"x"'), (b"if-none-match", tag)]

    assert answers.to(asked).status == 304
    assert answers.to([(b"accept-encoding", b"br"), (b"accept-encoding", b"gzip")]).body[:2] == (
        b"\x1f\x8b"
    )


@given(st.binary(max_size=2000))
def test_every_coding_holds_the_same_bytes_under_tags_of_their_own(plain):
    """A cache that mixes them up would hand a reader noise."""
    document = pack(plain, "application/atom+xml", AT)

    assert gzip.decompress(document.gzipped) == plain
    assert zstandard.ZstdDecompressor().decompress(document.zstd) == plain
    tags = [document.tag(coding) for coding in ("identity", "gzip", "zstd")]
    assert len(set(tags)) == 3
    assert document == pack(plain, "application/atom+xml", AT)
