"""Match, plan, render: who gets what, in which words. Pure."""

from aggregator.notify.addresses import check_address
from aggregator.notify.plan import MOST_SHOWN, plan_digest
from aggregator.notify.render import (
    House,
    render_confirmation,
    render_digest,
    render_manage_link,
)
from aggregator.notify.tokens import Keys, Purpose, Ticket, confirmation_hash

__all__ = [
    "MOST_SHOWN",
    "House",
    "Keys",
    "Purpose",
    "Ticket",
    "check_address",
    "confirmation_hash",
    "plan_digest",
    "render_confirmation",
    "render_digest",
    "render_manage_link",
]
