"""The words of ``triggers.toml`` as patterns, compiled once."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files


@cache
def triggers(section: str) -> dict[str, re.Pattern[str]]:
    """One pattern for each list of a section, ``any of its words``."""
    lists: dict[str, list[str]] = _table()[section]
    return {name: re.compile("|".join(f"(?:{word})" for word in words)) for name, words in lists.items()}  # fmt: skip


@cache
def _table() -> dict[str, dict[str, list[str]]]:
    read = files("aggregator.normalise").joinpath("triggers.toml").read_text(encoding="utf-8")
    return tomllib.loads(read)
