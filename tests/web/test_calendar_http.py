"""Calendars as clients subscribe to them: over HTTP, through the real store, over days."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest

from aggregator.errors import OutageError
from aggregator.model import (
    ArticleOutcome,
    Authority,
    Category,
    Deadline,
    Facts,
    Flag,
    Kind,
    Region,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 11, 30)
WEEK = timedelta(days=7)


@pytest.fixture
def due(make_draft):
    """A notice with deadlines, each a day or a day with words of its own."""

    def make(number: int = 1, *days: date | tuple[date, str], **changes: object):
        stated = tuple(
            Deadline(value=one, sentence=f"请于{one.month}月{one.day}日前申报。")
            if isinstance(one, date)
            else Deadline(value=one[0], sentence=one[1])
            for one in days or (DAY,)
        )
        marks = "".join(f"{one.value}{one.sentence}" for one in stated)
        return make_draft(
            number,
            title=f"关于组织第{number}批项目申报的通知",
            title_key=f"关于组织第{number}批项目申报通知",
            facts=Facts(deadlines=stated),
            substance_hash=f"substance{number}{marks}",
            **changes,
        )

    return make


def events(answer) -> list[icalendar.Event]:
    assert answer.status == 200, answer.text
    return icalendar.Calendar.from_ical(answer.body).events


def only(answer) -> icalendar.Event:
    [event] = events(answer)
    return event


def test_any_filter_and_every_named_feed_is_a_calendar(web, due):
    """An investor in Chongqing subscribes to one district's land, or to everything with 储能."""
    land = due(2, kind=Kind.PROJECT, categories=(Category(slug="land", why="出让"),))
    far = Region(code="330100", name="杭州市", path=("浙江省", "杭州市"))
    web.publish(due(1), land, due(3, regions=(far,)))

    def titles(path: str) -> list[str]:
        return sorted(str(event["SUMMARY"])[3:10] for event in events(web.ask(path)))

    one, two, three = (f"关于组织第{n}批" for n in (1, 2, 3))
    assert titles("/feeds/deadlines.ics") == titles("/feeds/all.ics") == [one, two, three]
    assert titles("/feeds/500116.ics") == titles("/feeds/500000.ics") == [one, two]
    assert titles("/feeds/policies/500116.ics") == [one]
    assert titles("/feeds/land.ics") == titles("/feeds/projects.ics") == [two]
    query = "region=330000&kind=policy"
    assert (
        titles(f"/feeds/deadlines.ics?{query}") == titles(f"/feeds/search.ics?{query}") == [three]
    )
    assert titles("/feeds/talent.ics") == []


def test_clients_earn_a_304_and_know_what_they_got(web, due):
    """Calendars are asked for every hour by every phone."""
    web.publish(due(1))

    first = web.ask("/feeds/policies/500116.ics")
    assert first.headers["content-type"] == "text/calendar; charset=utf-8"
    assert first.headers["content-disposition"] == 'inline; filename="quxun-policies-500116.ics"'
    tag, modified = first.headers["etag"], first.headers["last-modified"]
    for asked in ({"If_None_Match": tag}, {"If_Modified_Since": modified}):
        again = web.ask("/feeds/policies/500116.ics", **asked)
        assert (again.status, again.body) == (304, b"")
    packed = web.ask("/feeds/policies/500116.ics", Accept_Encoding="gzip")
    assert gzip.decompress(packed.body) == first.body
    assert packed.headers["etag"] != tag
    assert web.ask("/feeds/policies/500116.ics", "HEAD").headers["etag"] == tag

    web.pass_time(timedelta(minutes=5))
    web.publish(due(2))

    assert web.ask("/feeds/policies/500116.ics", If_None_Match=tag).status == 200
    assert web.ask("/feeds/policies/500116.ics", If_Modified_Since=modified).status == 200


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/feeds/no-such.ics", 404, "no-such"),
        ("/feeds/999999.ics", 404, "999999"),
        ("/feeds/deadlines.ics?region=nowhere", 400, "nowhere"),
        ("/feeds/deadlines.ics?colour=red", 400, "colour"),
        ("/feeds/land.ics?region=500116", 400, "deadlines.ics?region=500116"),
        ("/feeds/.ics", 404, ""),
    ],
)
def test_a_wrong_address_is_told_in_one_line(web, path, status, word):
    """A person who mistypes learns what to type."""
    answer = web.ask(path)

    assert answer.status == status
    assert answer.headers["content-type"].startswith("text/plain")
    assert word in answer.text
    assert answer.text.count("\n") == 1


def test_marks_that_others_hang_on_an_address_do_no_harm(web, due):
    """Social networks add fbclid and the like to every link that is passed on."""
    web.publish(due(1))

    plain, marked = web.ask("/feeds/land.ics"), web.ask("/feeds/land.ics?utm_source=x&fbclid=1")

    assert (marked.status, marked.body) == (200, plain.body)


@pytest.mark.parametrize(
    ("spelt", "canonical"),
    [
        ("500116/policies", "policies/500116"),
        ("Policies//500116", "policies/500116"),
        ("chongqing/jiangjin", "500116"),
    ],
)
def test_a_written_name_leads_to_the_one_address(web, due, spelt, canonical):
    """People write addresses by hand; caches keep one copy."""
    answer = web.ask(f"/feeds/{spelt}.ics")

    assert (answer.status, answer.headers["location"]) == (308, f"/feeds/{canonical}.ics")


def test_a_moved_deadline_is_the_same_event_later(web, due):
    """延期: subscribers see the event move, and no client shows two."""
    web.publish(due(1))
    before = only(web.ask("/feeds/deadlines.ics"))
    web.pass_time(WEEK)
    web.record([due(1, date(2026, 12, 15))])

    after = only(web.ask("/feeds/deadlines.ics"))

    assert after["UID"] == before["UID"]
    assert (before["SEQUENCE"], after["SEQUENCE"]) == (0, 1)
    assert (DAY, date(2026, 12, 15)) == (before.DTSTART, after.DTSTART)
    assert after.CREATED == before.CREATED
    assert after.LAST_MODIFIED == after.DTSTAMP == before.LAST_MODIFIED + WEEK


def test_an_hour_that_changes_is_told_too(web, due):
    """The same day, five hours earlier."""
    web.publish(due(1, (DAY, "于11月30日17:00前报送。")))
    before = only(web.ask("/feeds/deadlines.ics"))
    web.pass_time(WEEK)
    web.record([due(1, (DAY, "于11月30日12:00前报送。"))])

    after = only(web.ask("/feeds/deadlines.ics"))

    assert datetime.combine(DAY, time(17), SHANGHAI) == before.DTSTART
    assert datetime.combine(DAY, time(12), SHANGHAI) == after.DTSTART
    assert (after["UID"], after["SEQUENCE"]) == (before["UID"], 1)


def test_a_withdrawn_notice_is_cancelled_then_forgotten_and_may_come_back(web, due):
    """Clients that look weekly still learn of it; a page that is back is the same event."""
    web.publish(due(1, date(2027, 3, 1)))
    uid = only(web.ask("/feeds/500116.ics"))["UID"]
    web.pass_time(timedelta(days=40))
    web.record([due(1, date(2027, 3, 1))], ArticleOutcome.WITHDRAWN)

    gone = only(web.ask("/feeds/500116.ics"))
    assert (gone["UID"], gone["STATUS"], gone["SEQUENCE"]) == (uid, "CANCELLED", 1)
    assert gone.walk("VALARM") == []
    web.pass_time(timedelta(days=29))
    assert only(web.ask("/feeds/500116.ics"))["STATUS"] == "CANCELLED"
    web.pass_time(timedelta(days=2))
    assert events(web.ask("/feeds/500116.ics")) == []

    web.record([due(1, date(2027, 3, 1), summary="恢复")])

    back = only(web.ask("/feeds/500116.ics"))
    assert (back["UID"], back["STATUS"], back["SEQUENCE"]) == (uid, "CONFIRMED", 2)


def test_a_notice_that_matches_no_more_leaves_the_calendar(web, due):
    """A corrected region takes it out, although its deadline and all others stay as they are."""
    path = "/feeds/deadlines.ics?region=500116&q=%E7%94%B3%E6%8A%A5"
    web.publish(due(1), due(2))
    assert len(events(web.ask(path))) == 2
    far = Region(code="330100", name="杭州市", path=("浙江省", "杭州市"))
    web.pass_time(timedelta(hours=2))

    web.publish(replace(due(1, regions=(far,)), substance_hash="elsewhere"))

    assert str(only(web.ask(path))["SUMMARY"]).count("第2批")


def test_one_of_two_deadlines_may_go(web, due):
    """Paper is asked for no more: its event is cancelled, the other stands as it was."""
    online = (date(2026, 11, 20), "网上申报截止11月20日。")
    paper = (date(2026, 11, 25), "纸质材料于11月25日前报送。")
    web.publish(due(1, online, paper))
    web.pass_time(WEEK)
    web.record([due(1, online)])

    first, second = events(web.ask("/feeds/deadlines.ics"))

    assert (first["STATUS"], first["SEQUENCE"]) == ("CONFIRMED", 0)
    assert (second["STATUS"], second["SEQUENCE"]) == ("CANCELLED", 1)
    assert "不再写明" in second["DESCRIPTION"]


def test_a_merged_notice_leaves_one_event_standing(web, due):
    """Two portals, one notice: the younger event is cancelled and names the older record."""
    web.publish(due(1))
    web.publish(
        replace(due(2), url="http://portal2.example/zwgk/2.html", authority=Authority.MEDIA),
        portal="另一门户",
    )
    heir, lost = web.parts.announcements.find(_everything(), limit=9, order="changed")[::-1]
    web.parts.rulings.merge(heir.uuid, lost.uuid, by="tests", why="one notice", now=web.time[0])

    found = {str(event["UID"]): event for event in events(web.ask("/feeds/deadlines.ics"))}

    assert found[f"{heir.uuid}-0@quxun.example"]["STATUS"] == "CONFIRMED"
    gone = found[f"{lost.uuid}-0@quxun.example"]
    assert (gone["STATUS"], gone["SEQUENCE"]) == ("CANCELLED", 1)
    assert f"/a/{heir.uuid}" in gone["DESCRIPTION"]


def test_what_the_law_takes_out_leaves_calendars_without_a_word(web, due):
    """A cancelled event with nothing of the notice in it: no title, no sentence, no address."""
    web.publish(due(1, (DAY, "请张三于11月30日17:00前报送。")))
    uid = only(web.ask("/feeds/deadlines.ics"))["UID"]
    [one] = web.parts.announcements.find(_everything(), limit=9)
    web.parts.removals.remove(one.uuid, by="tests", why="a court", now=web.time[0])

    answer = web.ask("/feeds/deadlines.ics")

    gone = only(answer)
    assert (gone["UID"], gone["STATUS"], gone["SEQUENCE"]) == (uid, "CANCELLED", 1)
    assert "依法移除" in gone["DESCRIPTION"]
    for word in ("张三", "第1批", "portal1.example"):
        assert word not in answer.text


def test_days_go_by_in_shanghai(web, due):
    """What was due stays a month, so that nobody's calendar forgets it on the day itself."""
    web.publish(due(1, date(2026, 10, 10)))
    tag = web.ask("/feeds/deadlines.ics").headers["etag"]
    # 23:59 of 9 November in Shanghai
    web.time[0] = datetime(2026, 11, 9, 15, 59, tzinfo=web.time[0].tzinfo)
    assert len(events(web.ask("/feeds/deadlines.ics"))) == 1
    assert web.ask("/feeds/deadlines.ics", If_None_Match=tag).status == 304

    web.pass_time(timedelta(minutes=1))

    answer = web.ask("/feeds/deadlines.ics", If_None_Match=tag)
    assert events(answer) == []


def test_a_deadline_long_ago_beside_one_to_come_hides_nothing(web, due):
    """The first batch of a yearly programme is over; the second is what readers wait for."""
    first = (date(2026, 3, 1), "第一批截止2026年3月1日。")
    second = (date(2026, 12, 1), "第二批截止2026年12月1日。")
    web.publish(due(1, first, second))

    event = only(web.ask("/feeds/deadlines.ics"))

    assert date(2026, 12, 1) == event.DTSTART
    assert str(event["UID"]).split("@")[0].endswith("-1")


def test_what_feeds_leave_out_calendars_leave_out(web, due):
    """Tenders and recruitment are asked for by name only."""
    tender = due(
        1,
        flags=(Flag.EXCLUDED,),
        categories=(Category(slug="tender", why="招标"),),
        kind=Kind.OTHER,
    )
    web.publish(tender)

    assert events(web.ask("/feeds/deadlines.ics")) == []
    assert len(events(web.ask("/feeds/deadlines.ics?category=tender"))) == 1


def test_a_calendar_of_too_much_is_cut_and_says_so(web, due):
    """A phone takes no hundred thousand events: what is due next comes first."""
    web.publish(*(due(n, DAY + timedelta(days=n)) for n in range(1, 8)))
    agenda = web.parts.deadlines.agenda(_everything(), today=date(2026, 12, 3), limit=4)

    assert agenda.cut
    days = [dues[0].day for _, dues in agenda.entries]
    assert days == [DAY + timedelta(days=n) for n in (3, 4, 5, 6)]
    rest = web.parts.deadlines.agenda(_everything(), today=date(2026, 12, 6), limit=4)
    assert [dues[0].day.day for _, dues in rest.entries] == [6, 7, 5, 4]
    assert not web.parts.deadlines.agenda(_everything(), today=DAY, limit=7).cut


def test_reading_again_what_says_the_same_changes_no_byte(web, due):
    """A better reading that finds the same days must not make phones buzz."""
    web.publish(due(1), due(2))
    before = web.ask("/feeds/deadlines.ics").body
    web.pass_time(timedelta(hours=2))
    web.record([due(1), due(2)], ArticleOutcome.REREAD)

    assert web.ask("/feeds/deadlines.ics").body == before


def test_calendars_stay_while_the_database_is_away(web, due):
    """A database that restarts must not empty anybody's calendar."""
    web.publish(due(1))
    before = web.ask("/feeds/deadlines.ics")

    class Away:
        def last(self) -> None:
            raise OutageError("the database cannot be reached just now: gone")

        def version(self, _: object) -> None:
            self.last()

    web.parts.__dict__["journal"] = Away()

    assert web.ask("/feeds/deadlines.ics").body == before.body
    other = web.ask("/feeds/land.ics")
    assert (other.status, bool(other.headers["retry-after"])) == (503, True)


def _everything():
    from aggregator.model import Filter

    return Filter()
