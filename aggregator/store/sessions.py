"""The operator's sessions, and the tries to open one, counted.

A session's id is kept as its HMAC under the operator's token: what the database holds opens
nothing, and a new token ends every session (docs/adr).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, text

from aggregator.errors import QuxunError
from aggregator.store import audit

#: A session that is not used ends, and so does one that is old (RELIABILITY.md §Sessions).
IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
#: Use is written down at most this often.
NOTED = timedelta(minutes=1)
#: Failed tries in the window, from one address and from its whole network.
WINDOW = timedelta(minutes=15)
PER_ADDRESS = 5
PER_NETWORK = 20
OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A session as its bearer holds it: the id for the cookie, the word for forms."""

    id: str
    form_word: str


class Sessions:
    """Opens, knows and closes the operator's sessions."""

    def __init__(self, engine: Engine, token: str) -> None:
        self._engine = engine
        self._token = token.encode()

    def open(
        self, typed: str, now: datetime, *, address: str, network: str, old: str | None = None
    ) -> Opened | None:
        """A new session for whoever knows the token; None for a wrong one.

        Every try is counted before it is looked at, so that many at once are not more than the
        limit; a right one is taken back.

        Args:
            typed: what was typed for the token.
            now: UTC.
            address: the client's.
            network: its network.
            old: the id of a session that the client has: it ends.

        Raises:
            TooManyError: there were too many wrong tries; the right token is refused, too.
        """
        with self._engine.begin() as connection:
            left = _count(connection, address, network, now)
        if left is not None:
            raise TooManyError(left)
        right = hmac.compare_digest(self._hash("token", typed), self._hash("token", None))
        if not right or not self._token:
            return None
        made = secrets.token_urlsafe(32)
        with self._engine.begin() as connection:
            for statement in (
                "delete from operator_tries where network = :address",
                "delete from operator_tries where network = :network and at = :now",
                (
                    "delete from operator_sessions where id_hash = :old"
                    " or used_at < :idle or created_at < :oldest"
                ),
                (
                    "insert into operator_sessions (id_hash, created_at, used_at)"
                    " values (:hash, :now, :now)"
                ),
            ):
                connection.execute(
                    text(statement),
                    {
                        "address": f"address {address}", "network": f"network {network}",
                        "now": now, "old": self._hash("session", old or ""),
                        "idle": now - IDLE, "oldest": now - LONGEST,
                        "hash": self._hash("session", made),
                    },
                )  # fmt: skip
            audit.note(connection, who=OPERATOR, what="login", about="", now=now)
        return self._opened(made)

    def find(self, session: str, now: datetime) -> Opened | None:
        """The session of an id, while it lives; its use is noted."""
        hashed = self._hash("session", session)
        with self._engine.begin() as connection:
            used_at = connection.execute(
                text(
                    "select used_at from operator_sessions where id_hash = :hash"
                    " and used_at >= :idle and created_at >= :oldest"
                ),
                {"hash": hashed, "idle": now - IDLE, "oldest": now - LONGEST},
            ).scalar()
            if used_at is None or not self._token:
                return None
            if now - used_at > NOTED:
                connection.execute(
                    text("update operator_sessions set used_at = :now where id_hash = :hash"),
                    {"now": now, "hash": hashed},
                )
        return self._opened(session)

    def close(self, session: str, now: datetime) -> None:
        """End a session."""
        with self._engine.begin() as connection:
            ended = connection.execute(
                text("delete from operator_sessions where id_hash = :hash"),
                {"hash": self._hash("session", session)},
            ).rowcount
            if ended:
                audit.note(connection, who=OPERATOR, what="logout", about="", now=now)

    def _opened(self, session: str) -> Opened:
        return Opened(id=session, form_word=self._hash("form", session).hex())

    def _hash(self, purpose: str, word: str | None) -> bytes:
        """What is compared and kept instead of a word; None is the operator's token itself."""
        said = self._token if word is None else word.encode("utf-8", "replace")
        return hmac.digest(self._token or b"-", purpose.encode() + b"\0" + said, hashlib.sha256)


class TooManyError(QuxunError):
    """Too many wrong tries; ``wait`` says for how long none is looked at."""

    reason = "tries"

    def __init__(self, wait: timedelta) -> None:
        minutes = max(1, round(wait / timedelta(minutes=1)))
        super().__init__(
            f"尝试过多，请 {minutes} 分钟后再试 · too many tries; try again in {minutes} minutes"
        )
        self.wait = wait


def _count(connection: Connection, address: str, network: str, now: datetime) -> timedelta | None:
    """Count a try where the limits allow one; else how long to wait."""
    connection.execute(text("select pg_advisory_xact_lock(hashtext('operator tries'))"))
    connection.execute(
        text("delete from operator_tries where at < :since"), {"since": now - WINDOW}
    )
    for kind, limit in ((f"address {address}", PER_ADDRESS), (f"network {network}", PER_NETWORK)):
        row = connection.execute(
            text("select count(*), min(at) from operator_tries where network = :kind"),
            {"kind": kind},
        ).one()
        if row[0] >= limit:
            wait: timedelta = row[1] + WINDOW - now
            return wait
    for kind in (f"address {address}", f"network {network}"):
        connection.execute(
            text("insert into operator_tries (network, at) values (:kind, :now)"),
            {"kind": kind, "now": now},
        )
    return None
