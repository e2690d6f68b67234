"""Finds the templates and makes the one Jinja environment that mails and pages share."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from aggregator.errors import SettingsError


@cache
def template_folder() -> Path:
    """Where the templates lie: inside the wheel, else at the repository's root.

    Raises:
        SettingsError: when neither is there, naming both.
    """
    root = Path(__file__).resolve().parent.parent
    for folder in (root / "quxun" / "_templates", root / "templates"):
        if (folder / "email").is_dir():
            return folder
    raise SettingsError(f"no templates in {root / 'quxun' / '_templates'} or {root / 'templates'}")


@cache
def environment() -> Environment:
    """The environment: HTML is escaped, an undefined name is an error, blocks leave no blanks.

    Only ``.txt`` templates are not escaped: they make mail text and subjects.
    """
    return Environment(
        loader=FileSystemLoader(template_folder()),
        autoescape=select_autoescape(disabled_extensions=("txt",), default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
