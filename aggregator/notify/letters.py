"""Mail templates with their style rules inlined once, when a template is first used.

Mail readers drop ``<style>``; so css-inline writes the rules into the elements, which costs
more than rendering a whole mail (PERFORMANCE.md §6). It runs on the template's source: Jinja's
tags become comments and its values words, which an HTML parser leaves where they are, even
inside tables, and are put back afterwards.

A part of a mail that is rendered by itself stands between two ``{# cut #}`` of a template that
includes head and foot: so it gets their rules.
"""

from __future__ import annotations

import re
from functools import lru_cache

import css_inline
from jinja2 import Environment, Template
from jinja2.exceptions import TemplateNotFound
from markupsafe import Markup, escape

_INCLUDE = re.compile(r'{%-?\s*include\s+"(?P<name>[^"]+)"\s*-?%}')
_TAG = re.compile(r"{%.*?%}|{#.*?#}", re.DOTALL)
_VALUE = re.compile(r"{{.*?}}", re.DOTALL)
_TAG_HELD = re.compile(r"<!--qxtag(\d+)-->")
_VALUE_HELD = re.compile(r"qxvalue(\d+)x")
_CUT = "{# cut #}"
_PIECES = 3
#: Signs that no reader breaks a line between; Chinese breaks anywhere.
_WIDE = re.compile(r"[^\s\0\u2e80-\U0010ffff]{20}(?=[^\s\0\u2e80-\U0010ffff])")
_CLASS = re.compile(r' class="[^"]*"')


@lru_cache(maxsize=64)
def letter(env: Environment, name: str, part: str) -> Template:
    """The template ``email/<name>/<part>`` of an environment; HTML parts are inlined."""
    path = f"email/{name}/{part}"
    if not part.endswith(".html"):
        return env.get_template(path)
    source = inlined(_expanded(env, path))
    pieces = source.split(_CUT)
    template = env.from_string(pieces[1].strip() + "\n" if len(pieces) == _PIECES else source)
    template.name = path
    return template


def breakable(text: str) -> Markup:
    """Text for HTML in which words that are wider than a phone may break.

    The styles for that, and ``<wbr>``, are unknown to some mail readers; a space without width
    is known to all.
    """
    return escape(_WIDE.sub("\\g<0>\u200b", text))


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
    done = _CLASS.sub("", inliner.inline(source))
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
