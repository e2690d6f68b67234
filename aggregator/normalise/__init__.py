"""From entry and article to announcement: what a notice means. Pure, and versioned."""

from aggregator.dates import SHANGHAI
from aggregator.normalise.body import sanitise
from aggregator.normalise.draft import (
    EXTRACTOR,
    Classified,
    classify_title,
    draft,
    draft_page,
    draft_row,
    tidy_title,
)
from aggregator.normalise.facts import read_facts

__all__ = [
    "EXTRACTOR",
    "SHANGHAI",
    "Classified",
    "classify_title",
    "draft",
    "draft_page",
    "draft_row",
    "read_facts",
    "sanitise",
    "tidy_title",
]
