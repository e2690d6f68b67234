"""Mail templates with their style rules inlined once, when a template is first used.

Mail readers drop ``<style>``; so css-inline writes the rules into the elements, which costs
more than rendering a whole mail (PERFORMANCE.md §6). It runs on the template's source: Jinja's
tags become comments and its values words, which an HTML parser leaves where they are, even
inside tables, and are put back afterwards.
"""

from __future__ import annotations

import re
from functools import lru_cache

import css_inline
from jinja2 import Environment, Template
from jinja2.exceptions import TemplateNotFound

_INCLUDE = re.compile(r'{%-?\s*include\s+"(?P<name>[^"]+)"\s*-?%}')
_TAG = re.compile(r"{%.*?%}|{#.*?#}", re.DOTALL)
_VALUE = re.compile(r"{{.*?}}", re.DOTALL)
_TAG_HELD = re.compile(r"<!--qxtag(\d+)-->")
_VALUE_HELD = re.compile(r"qxvalue(\d+)x")


@lru_cache(maxsize=64)
def letter(env: Environment, name: str, part: str) -> Template:
    """The template ``email/<name>/<part>`` of an environment; HTML parts are inlined."""
    path = f"email/{name}/{part}"
    if not part.endswith(".html"):
        return env.get_template(path)
    template = env.from_string(inlined(_expanded(env, path)))
    template.name = path
    return template


def inlined(source: str) -> str:
    """A template's source with its style rules in its elements and its at-rules kept."""
    held: list[str] = []

    def hold(form: str, match: re.Match[str]) -> str:
        held.append(match[0])
        return form.format(len(held) - 1)

    def give_back(match: re.Match[str]) -> str:
        return held[int(match[1])]

    source = _TAG.sub(lambda match: hold("<!--qxtag{}-->", match), source)
    source = _VALUE.sub(lambda match: hold("qxvalue{}x", match), source)
    inliner = css_inline.CSSInliner(
        keep_style_tags=False, keep_at_rules=True, load_remote_stylesheets=False
    )
    done = inliner.inline(source)
    return _VALUE_HELD.sub(give_back, _TAG_HELD.sub(give_back, done))


def _expanded(env: Environment, path: str) -> str:
    """A template's source with its includes in place, so that rules reach their elements.

    Raises:
        TemplateNotFound: when the environment has no such template.
    """
    if env.loader is None:
        raise TemplateNotFound(path)
    source, _, _ = env.loader.get_source(env, path)
    return _INCLUDE.sub(lambda match: _expanded(env, match["name"]), source)
