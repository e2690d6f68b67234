"""The note on what was watched, from ill sources to the foot of a mail."""

from offices import BEFORE, Office
from sqlalchemy import text

from aggregator import store
from aggregator.model import Filter, NewSource, SourceKind

#: Whose mail says what of 3 sources in two districts of Chongqing and in Beijing, one of them ill.
SAID = {
    "500116": "本期监看 1 个来源，全部正常。",
    "500120": "本期监看 1 个来源，0 个正常。以下来源暂时读取不到，可能有遗漏：璧山区人民政府网。",
    "500000": "本期监看 2 个来源，1 个正常。以下来源暂时读取不到，可能有遗漏：璧山区人民政府网。",
    "": "本期监看 3 个来源，2 个正常。以下来源暂时读取不到，可能有遗漏：璧山区人民政府网。",
}


def test_a_reader_hears_of_ill_sources_of_their_own_regions(engine):
    """Who asked for one district is not told of another's, and misses none of their own; a wish
    for all of a city, or for everywhere, hears of whatever is in it.
    """
    office = Office(engine)
    office.announce("通知甲")
    sources = store.Sources(engine)
    for name, region in (("璧山区人民政府网", "500120"), ("东城区人民政府网", "110101")):
        url = f"http://{region}.example/"
        sources.add(NewSource(name=name, kind=SourceKind.COLUMN, url=url, region=region), BEFORE)
    with engine.begin() as connection:
        connection.execute(text("update sources set health = 'blocked' where region = '500120'"))
        connection.execute(
            text("update announcements set regions = '{500116,500120}', region_roll ="
                 " '{500000,500116,500120}'")
        )  # fmt: skip
    for code in SAID:
        wish = Filter(region=(code,)) if code else Filter()
        office.sign_up(wish, email=f"r{code}@inbox.example", confirmed=True, now=BEFORE)
    with engine.begin() as connection:
        connection.execute(text("update spells set from_change = 0"))

    assert office.plan() == len(SAID)
    found = {mail.to: mail.text for mail in office.mails()}
    for code, words in SAID.items():
        assert words in found[f"r{code}@inbox.example"].splitlines()
