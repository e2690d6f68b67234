"""Sign-ups counted in PostgreSQL, so that nobody can flood a mailbox through us."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpLimits:
    """How many confirming mails may be asked for (RELIABILITY.md §Limits)."""

    address_10_minutes: int = 1
    address_day: int = 3
    network_hour: int = 10
    domain_hour: int = 60
    all_hour: int = 300


#: The numbers of the house.
LIMITS = SignUpLimits()


def allowed(
    connection: Connection, email: str, network: str | None, now: datetime, limits: SignUpLimits
) -> bool:
    """Count a sign-up if it is within the limits; sign-ups wait for each other."""
    key = email_key(email)
    domain = key.rpartition("@")[2]
    connection.execute(text("select pg_advisory_xact_lock(hashtext(:key))"), {"key": "sign-up"})
    row = connection.execute(
        text(
            "select count(*) filter (where email_key = :folded and at > :now - interval"
            " '10 minutes') as minutes, count(*) filter (where email_key = :folded) as day,"
            " count(*) filter (where network = :network and at > :now - interval '1 hour')"
            " as network, count(*) filter (where mail_domain = :domain and at > :now -"
            " interval '1 hour') as domain, count(*) filter (where at > :now - interval"
            " '1 hour') as everyone from sign_ups where at > :now - interval '1 day'"
        ),
        {"folded": folded(email), "network": network, "domain": domain, "now": now},
    ).mappings().one()  # fmt: skip
    within = all(
        (
            row["minutes"] < limits.address_10_minutes,
            row["day"] < limits.address_day,
            row["network"] < limits.network_hour,
            row["domain"] < limits.domain_hour,
            row["everyone"] < limits.all_hour,
        )
    )
    if within:
        connection.execute(
            text(
                "insert into sign_ups (email_key, network, mail_domain, at)"
                " values (:folded, :network, :domain, :now)"
            ),
            {"folded": folded(email), "network": network, "domain": domain, "now": now},
        )
    return within


def email_key(email: str) -> str:
    """An address as compared: lower case."""
    return email.strip().lower()


def folded(email: str) -> str:
    """An address as counted against floods: without plus tags and dots in its local part."""
    local, _, domain = email_key(email).rpartition("@")
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"
