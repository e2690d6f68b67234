"""Very many readers with far fewer wishes, and the news of a day, written into a store at once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, product
from random import Random

from sqlalchemy import Engine, text

from aggregator import divisions
from aggregator.errors import QuxunError
from aggregator.filters import canonical, parse_query
from aggregator.model import Filter
from aggregator.store import rows

#: Mail domains of readers, with their shares.
_DOMAINS = ("qq.com.example", "163.com.example", "126.com.example", "foxmail.com.example",
            "gmail.com.example", "firm.example")  # fmt: skip
_SHARES = (35, 25, 8, 7, 5, 20)
_WANTS = (
    "", "kind=policy", "kind=project", "category=application", "category=policy",
    "category=land", "category=promo", "category=park", "category=interpretation",
    "kind=project&amount_min=100000000", "kind=policy&q=企业", "q=项目",
)  # fmt: skip


def subscribe(engine: Engine, *, subscribers: int, wishes: int) -> int:
    """Write readers with one daily subscription each; how many wishes they share.

    Wishes of provinces come first and are the most popular, as the law of Zipf has it; each is
    somebody's.

    Raises:
        QuxunError: so many different wishes are not to be had.
    """
    made = list(islice(_wishes(), wishes))
    if len(made) < wishes or subscribers < wishes:
        raise QuxunError(f"there are {len(made)} different wishes for {subscribers} subscribers")
    dice = Random(5)  # noqa: S311  # a seeded generator is what we want
    weights = [1 / (20 + rank) for rank in range(wishes)]
    chosen = [
        *range(wishes),
        *dice.choices(range(wishes), weights, k=subscribers - wishes),
    ]
    dice.shuffle(chosen)
    with engine.begin() as connection:
        ids = connection.execute(
            text(
                "insert into wishes (canonical, filter) select c, cast(f as jsonb) from"
                " unnest(cast(:canonical as text[]), cast(:filters as text[])) with ordinality"
                " as n (c, f, place) order by place returning id"
            ),
            {
                "canonical": [canonical(one) for one in made],
                "filters": [rows.to_json(one) for one in made],
            },
        ).scalars()
        known = list(ids)
        connection.execute(
            text(
                "insert into subscribers (email, email_key, state, confirmed_at, created_at)"
                " select 'reader' || place || '@' || domain, 'reader' || place || '@' || domain,"
                " 'confirmed', now(), now() from unnest(cast(:domains as text[]))"
                " with ordinality as n (domain, place)"
            ),
            {"domains": dice.choices(_DOMAINS, _SHARES, k=subscribers)},
        )
        connection.execute(
            text(
                "insert into subscriptions (subscriber_id, wish_id, frequency, state, active_from)"
                " select s.id, n.wish, 'daily', 'active', now() from unnest(cast(:wishes as"
                " bigint[])) with ordinality as n (wish, place) join (select id, row_number()"
                " over (order by id) as place from subscribers) s using (place)"
            ),
            {"wishes": [known[one] for one in chosen]},
        )
    return len(known)


def write_news(engine: Engine, count: int) -> None:
    """Announce the last so many notices of the store now, after all subscribed."""
    with engine.begin() as connection:
        connection.execute(
            text(
                "update announcements set announced_change = null, announced_at = now(),"
                " first_seen_at = now(), posted_at = now() - interval '2 hours',"
                " sort_at = now() - interval '2 hours'"
                " where id in (select id from announcements where not excluded"
                " order by id desc limit :count)"
            ),
            {"count": count},
        )


def _wishes() -> Iterator[Filter]:
    """Different filters: of provinces, then of cities, each for what one may want there."""
    places = [one.code for one in divisions.all_current() if one.code.endswith("00")]
    places.sort(key=lambda code: (not code.endswith("0000"), code))
    for code, want in product(places, _WANTS):
        yield parse_query("&".join(part for part in (f"region={code}", want) if part))
