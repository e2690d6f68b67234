"""A wish that can bring nothing is told so before anybody waits for it."""

import pytest

from aggregator.errors import UsageError
from aggregator.filters import parse_query
from aggregator.wishes import check_wish


@pytest.mark.parametrize(
    "typed",
    [
        "q=储能&not=储能",
        "q=新型储能&not=储能",
        'q="新型储能项目"&not=招聘 储能',
        'q=储能&not="储能"',
        "q=AI&not=ai",
        "q=AI产业&not=ai",
        "posted_after=2026-06-01&posted_before=2026-05-31",
        "deadline_after=2026-06-01&deadline_before=2026-01-01",
    ],
)
def test_what_contradicts_itself_is_refused_as_a_wish(typed):
    with pytest.raises(UsageError, match="nothing would ever come"):
        check_wish(parse_query(typed))


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "q=储能&not=新型储能",
        "q=储能&not=招聘",
        "q=mail&not=ai",
        'q="mail ai"&not=ai',
        "q=112号&not=12号",
        "posted_after=2026-06-01&posted_before=2026-06-01",
        "not=储能",
    ],
)
def test_what_some_notice_could_answer_is_a_wish(typed):
    check_wish(parse_query(typed))
