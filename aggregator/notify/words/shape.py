"""Which words there are, whatever the language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from aggregator.model import Frequency


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The fixed words of a mail in one language; braces are filled by ``render``."""

    lang: str
    brand: str
    groups: dict[str, str]
    counts: dict[str, tuple[str, str]]
    applications: tuple[str, str]
    others: tuple[str, str]
    soon_today: str
    soon_days: str
    soon_many: str
    soon_short: tuple[str, ...]
    colon: str
    comma: str
    clause: str
    gap: str
    stop_mark: str
    everywhere: str
    several: str
    frequencies: dict[Frequency, str]
    deadline: str
    due_today: str
    due_days: tuple[str, str]
    cap: str
    amount: str
    late: str
    row_only: str
    source: str
    original: str
    also: str
    also_more: str
    altered: dict[str, tuple[str, str, str]]
    withdrawn: str
    returned: str
    day: str
    day_of_year: str
    span: str
    more: str
    more_link: str
    radar_title: str
    radar_lead: str
    radar_young: str
    radar_projects: str
    radar_sum: str
    radar_promised: str
    radar_apart: str
    radar_country: str
    coverage_well: str
    coverage_ill: str
    why: str
    stop: str
    stop_all: str
    stop_page: str
    preferences: str
    not_official: str
    contact: str
    digest_name: str
    confirm_subject: str
    confirm_title: str
    confirm_lead: str
    confirm_button: str
    confirm_wishes: str
    confirm_expiry: str
    confirm_not_me: str
    confirm_ignore: str
    link_subject: str
    link_title: str
    link_lead: str
    link_button: str
    link_expiry: str
    channel_subject: str
    channel_lead: str
    channel_kept: str
    channel_why: str
    channel_mend: str

    def say_day(self, day: date, *, year: int) -> str:
        """A day as it is said in a text of that year."""
        form = self.day if day.year == year else self.day_of_year
        return form.format(year=day.year, month=day.month, day=day.day)

    def say_left(self, days: int) -> str:
        """How long until a deadline that has not passed."""
        return self.due_days[days != 1].format(days=days) if days else self.due_today
