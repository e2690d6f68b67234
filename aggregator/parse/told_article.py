"""Title, date and source of an article by the CSS selectors that an operator gave."""

from __future__ import annotations

from dataclasses import replace

from selectolax.lexbor import LexborHTMLParser

from aggregator.model import Article, Selectors
from aggregator.parse.decode import decode
from aggregator.parse.rows import tidy_title
from aggregator.parse.told import select
from aggregator.text import one_line, shorten

#: What a page says of the same elsewhere: it gives way to what the operator pointed at.
_OVERRULED = {
    "article_title": ("articletitle",),
    "article_date": ("pubdate", "publishdate"),
    "article_source": ("contentsource",),
}
_FIELDS = {"article_date": ("发布日期",), "article_title": ("标题", "名称")}
_LONGEST = 500


def tell_article(
    article: Article, body: bytes, *, content_type: str | None, selectors: Selectors
) -> Article:
    """An article with what the operator's selectors name; ``missed`` tells those that name nothing.

    Args:
        article: as read, the body by its own selector where there is one.
        body: the page as fetched.
        content_type: the header as sent.
        selectors: of the source.

    Raises:
        ParseError: a selector is not CSS.
    """
    asked = {
        name: selector
        for name in ("body", *_OVERRULED)
        if (selector := getattr(selectors, name)) is not None
    }
    if not asked:
        return article
    tree = LexborHTMLParser(decode(body, content_type=content_type).text)
    told: dict[str, str] = {}
    missed = []
    for name, selector in asked.items():
        texts = (one_line(node.text()) for node in select(tree, selector))
        found = next((text for text in texts if text), None)
        if found is None:
            missed.append(name)
        else:
            told[name] = shorten(found, _LONGEST)
    gone = {key for name in told for key in _OVERRULED.get(name, ())}
    fields = {key for name in told for key in _FIELDS.get(name, ())}
    return replace(
        article,
        title=tidy_title(told.get("article_title", article.title)),
        date_text=told.get("article_date", article.date_text),
        source_text=told.get("article_source", article.source_text),
        meta={key: value for key, value in article.meta.items() if key not in gone},
        fields={key: value for key, value in article.fields.items() if key not in fields},
        missed=tuple(missed),
    )
