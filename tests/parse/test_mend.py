"""Ampersands and characters put in order before an XML parser sees them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from aggregator.parse.mend import mend


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("<t>研发A&B中心</t>", "研发A&B中心"),
        ("<t>a?x=1&y=2&amp;z=3</t>", "a?x=1&y=2&z=3"),
        ("<t>通知&mdash;&mdash;首批&nbsp;</t>", "通知——首批\xa0"),
        ("<t>第&#19968;批&#x4e8c;</t>", "第一批二"),
        ("<t>甲&#8;乙&#x1F;丙</t>", "甲乙丙"),
        ("<t>甲\x0b乙\x01丙</t>", "甲乙丙"),
        ("<t><![CDATA[A&B &mdash; C]]></t>", "A&B &mdash; C"),
        ("<t>&lt;b&gt;&amp;amp;</t>", "<b>&amp;"),
        ("<t>&copyright;&</t>", "&copyright;&"),
        ("<t>3 &lt 5 &#99999999; &unknown;</t>", "3 &lt 5 &#99999999; &unknown;"),
    ],
)
def test_what_is_meant_is_read(written: str, meant: str):
    """A person sees what was meant; a parser sees nothing or stops."""
    assert etree.fromstring(mend(written)[0]).text == meant


def test_what_is_in_order_stays_as_it_is():
    """A feed without a mistake is not said to have one."""
    text = "<t a='1&amp;2'>&lt;p&gt;甲&#x4e8c;<!-- a & b --><![CDATA[&]]></t>"

    assert mend(text) == (text, None)
    assert mend("<t>&nbsp;</t>")[1] == "&nbsp; is no entity of XML"


PIECES = st.lists(
    st.sampled_from(["&", "&amp;", "&lt;", "&nbsp;", "&#8;", "&#x4e00;", "&x", ";", "甲", " ", "\x0b",
                     "<![CDATA[&]]>", "<!--&-->", "&#", "#1;", "amp;"]), max_size=12,
)  # fmt: skip


@given(PIECES)
def test_mended_text_is_well_formed_and_stays_so(pieces):
    """However the pieces fall, an XML parser reads them, and mending again changes nothing."""
    once, _ = mend(f"<t>{''.join(pieces)}</t>")

    etree.fromstring(once)
    assert mend(once) == (once, None)
