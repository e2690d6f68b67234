"""Match, plan, render: who gets what, in which words. Pure."""

from aggregator.notify.addresses import check_address, shown_address
from aggregator.notify.editions import Press, render_edition
from aggregator.notify.notices import render_move, render_moved
from aggregator.notify.plan import MOST_SHOWN, SHANGHAI, item_of, items_of, plan_digest
from aggregator.notify.questions import Question, answered, ask
from aggregator.notify.radar import Tally, radar_of, tally_of
from aggregator.notify.render import (
    House,
    digest_key,
    digest_mail,
    lane_of,
    message_id,
    render_confirmation,
    render_manage_link,
)
from aggregator.notify.tokens import Keys, Purpose, Ticket, confirmation_hash
from aggregator.notify.watched import coverage_of

__all__ = [
    "MOST_SHOWN",
    "SHANGHAI",
    "House",
    "Keys",
    "Press",
    "Purpose",
    "Question",
    "Tally",
    "Ticket",
    "answered",
    "ask",
    "check_address",
    "confirmation_hash",
    "coverage_of",
    "digest_key",
    "digest_mail",
    "item_of",
    "items_of",
    "lane_of",
    "message_id",
    "plan_digest",
    "radar_of",
    "render_confirmation",
    "render_edition",
    "render_manage_link",
    "render_move",
    "render_moved",
    "shown_address",
    "tally_of",
]
