"""XML as people write it, made such that an XML parser reads it: bare ``&``, entities of HTML,
characters that XML forbids.

Left to a lenient parser, ``A&B`` becomes ``A&B;`` and ``&mdash;`` may vanish without a word.
"""

from __future__ import annotations

import re
from html.entities import html5

from aggregator.text import clean_xml

#: What is copied as it stands, and an ampersand that begins none of XML's own five entities.
_PIECE = re.compile(
    r"<!\[CDATA\[.*?\]\]>|<!--.*?-->|<\?.*?\?>"
    r"|&(?!(?:amp|lt|gt|quot|apos);)(?:#(\d{1,7}+)(?!\d)|#[xX]([0-9a-fA-F]{1,6}+)(?![0-9a-fA-F])|([A-Za-z][A-Za-z0-9]{0,31}))?(;)?",
    re.DOTALL,
)


def mend(text: str) -> tuple[str, str | None]:
    """The text with every ampersand in order, and what was wrong with it, if anything.

    CDATA sections, comments and processing instructions stay as they are. Mending what was
    mended changes nothing.
    """
    wrong: list[str] = []
    clean = clean_xml(text)
    if clean != text:
        wrong.append("characters that XML forbids")

    def piece(found: re.Match[str]) -> str:
        whole = found.group()
        if whole[0] != "&":
            return whole
        number, hexadecimal, name, end = found.groups()
        if number or hexadecimal:
            code = int(number) if number else int(hexadecimal, 16)
            char = chr(code) if code <= 0x10FFFF else ""  # noqa: PLR2004  # the last of Unicode
            if end and char and clean_xml(char):
                return whole
            wrong.append("a reference to no character")
            return ""
        if end and (meant := html5.get(f"{name};")):
            wrong.append(f"&{name}; is no entity of XML")
            return meant.replace("&", "&amp;").replace("<", "&lt;")
        wrong.append("a bare &")
        return f"&amp;{whole[1:]}"

    if "&" in clean:
        clean = _PIECE.sub(piece, clean)
    return clean, wrong[0] if wrong else None
