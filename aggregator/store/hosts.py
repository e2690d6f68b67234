"""When each host may be asked again, by whichever worker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine, text

#: The n-th want of a host in one call comes after the delays of those before it. ``order by``
#: lets all workers lock rows in one order, so that none waits for another in a ring.
_RESERVE = """
with wants as (
  select host, delay, n,
    sum(delay) over (partition by host order by n) - delay as before,
    sum(delay) over (partition by host) as total
  from unnest(cast(:hosts as text[]), cast(:delays as float8[])) with ordinality w(host, delay, n)
), taken as (
  insert into hosts as h (host, free_at)
  select host, cast(:now as timestamptz) + total * interval '1 second'
  from (select distinct host, total from wants) once order by host
  on conflict (host) do update
    set free_at = greatest(h.free_at, :now) + (excluded.free_at - :now)
  returning host, free_at
)
select extract(epoch from taken.free_at - :now) - wants.total + wants.before
from wants join taken using (host) order by wants.n
"""


class Hosts:
    """Turns at hosts, handed out in the database so that all workers keep one queue."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def reserve(self, wants: Sequence[tuple[str, float]], now: datetime) -> Sequence[float]:
        """Take a turn for each want, in one statement.

        Args:
            wants: a host and the seconds that must lie between this turn and the next; a host
                may stand in it several times.
            now: UTC.

        Returns:
            For each want, in order, the seconds to wait until its turn.
        """
        if not wants:
            return []
        with self._engine.begin() as connection:
            found = connection.execute(
                text(_RESERVE),
                {"hosts": [w[0] for w in wants], "delays": [w[1] for w in wants], "now": now},
            )
            return [max(float(row[0]), 0.0) for row in found]
