"""How a portal's pages look: class names, shape of rows and dates, drawn once for each portal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from html import escape

from quxun.country.dice import dice, maybe


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The looks of one portal until its next redesign.

    ``row`` is a shape of ``ROWS``; ``cut`` is how many characters of a title a row shows (0: all);
    ``header`` how the 公文 header block is drawn (table, lines, list or none); ``meta`` how the
    meta tags are written; ``indent`` how paragraphs are; ``skeleton`` how the page is put together;
    ``heading`` which element holds an article's title.
    """

    prefix: str
    row: str
    date_format: str
    cut: int
    title_attr: bool
    header: str
    meta: str
    indent: str
    menu: int
    friends: int
    crumb: str
    info: str
    xhtml: bool
    icon: str
    side: bool
    skeleton: str
    heading: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A notice as a list shows it. ``title`` is whole; ``href`` as the page writes it."""

    title: str
    href: str
    posted_at: datetime
    pinned: bool = False
    summary: str = ""
    tag: str = ""


_DATES = (
    "%Y-%m-%d", "%Y-%m-%d", "%Y-%m-%d", "[%Y-%m-%d]", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日",
    "(%m-%d)", "%m-%d", "%m/%d", "%Y-%m-%d %H:%M", "%y-%m-%d",
)  # fmt: skip


def draw_look(seed: int, look_seed: str, generation: int) -> Look:
    """The look of a portal in one of its generations."""
    rng = dice(seed, "look", look_seed, generation)
    return Look(
        prefix=rng.choice(("zf", "gl", "ewb", "xx", "wy", "cm", "nr", "main", "g", "qzf")),
        row=rng.choice(tuple(ROWS)),
        date_format=rng.choice(_DATES),
        cut=rng.choice((0, 22, 26, 30, 34)),
        title_attr=maybe(rng, 0.8),
        header=rng.choice(("table", "table", "lines", "list", "none")),
        meta=rng.choice(
            ("full", "full", "upper", "placeholder", "dashes", "twice", "none", "half")
        ),
        indent=rng.choice(("css", "blanks", "word", "br", "plain")),
        menu=rng.randrange(7, 16),
        friends=rng.randrange(4, 9),
        crumb=rng.choice((" &gt; ", " » ", "&nbsp;&gt;&nbsp;", " / ")),
        info=rng.choice(("spans", "line", "table", "pipes")),
        xhtml=maybe(rng, 0.4),
        icon=rng.choice(("", "", "·", "▪", "&gt; ")),
        side=maybe(rng, 0.6),
        skeleton=rng.choice(("divs", "semantic", "tables", "ids")),
        heading=rng.choice(("h1", "h1", "h2", "div", "td")),
    )


def show_day(day: date | datetime, pattern: str) -> str:
    """Print a day by a strftime pattern; years always have four digits when %Y is asked."""
    return day.strftime(pattern)


def cut_title(title: str, limit: int) -> str:
    """The title as far as the row has room."""
    return title if not limit or len(title) <= limit else title[:limit] + "…"


def _text(row: Row, look: Look) -> str:
    mark = f"[{row.tag}] " if row.tag else ""
    return escape(mark + cut_title(row.title, look.cut), quote=False)


def _link(row: Row, look: Look, inner: str | None = None) -> str:
    shown_whole = not look.cut or len(row.title) <= look.cut
    attr = ""
    if look.title_attr or not shown_whole:
        attr = f' title="{escape(row.title)}"'
    text = _text(row, look) if inner is None else inner
    return f'<a href="{escape(row.href)}"{attr} target="_blank">{text}</a>'


def _pin(row: Row) -> str:
    return '<em class="zd">[置顶]</em>' if row.pinned else ""


def _date(row: Row, look: Look, pattern: str) -> str:
    del look
    return show_day(row.posted_at, pattern)


def _row_li(row: Row, look: Look, pattern: str) -> str:
    return (
        f"<li>{look.icon}{_pin(row)}{_link(row, look)}<span>{_date(row, look, pattern)}</span></li>"
    )


def _row_li_before(row: Row, look: Look, pattern: str) -> str:
    return (
        f'<li><span class="{look.prefix}-date">{_date(row, look, pattern)}</span>'
        f"{_pin(row)}{_link(row, look)}</li>"
    )


def _row_tr(row: Row, look: Look, pattern: str) -> str:
    return (
        f'<tr><td width="20">{look.icon or "&nbsp;"}</td><td align="left">{_pin(row)}'
        f'{_link(row, look)}</td><td class="{look.prefix}_rq" nowrap>'
        f"{_date(row, look, pattern)}</td></tr>"
    )


def _row_two_nodes(row: Row, look: Look, pattern: str) -> str:
    if not pattern.strip():
        return _row_li(row, look, pattern)
    day = row.posted_at
    return (
        f'<li class="{look.prefix}-item"><div class="date"><b>{day:%d}</b><i>{day:%Y-%m}</i></div>'
        f"{_pin(row)}{_link(row, look)}</li>"
    )


def _row_dl(row: Row, look: Look, pattern: str) -> str:
    return f"<dl><dt>{_pin(row)}{_link(row, look)}</dt><dd>{_date(row, look, pattern)}</dd></dl>"


def _row_card(row: Row, look: Look, pattern: str) -> str:
    summary = escape(row.summary[:60], quote=False)
    return (
        f'<div class="{look.prefix}_card"><h3>{_pin(row)}{_link(row, look)}</h3>'
        f"<p>{summary}…</p><time>{_date(row, look, pattern)}</time></div>"
    )


def _row_bare(row: Row, look: Look, pattern: str) -> str:
    return f"<li>·&nbsp;{_pin(row)}{_link(row, look)} {_date(row, look, pattern)}</li>"


def _row_inside(row: Row, look: Look, pattern: str) -> str:
    inner = f'<span class="tit">{_text(row, look)}</span><small>{_date(row, look, pattern)}</small>'
    return f"<li>{_pin(row)}{_link(row, look, inner)}</li>"


ROWS = {
    "li": _row_li,
    "before": _row_li_before,
    "tr": _row_tr,
    "two": _row_two_nodes,
    "dl": _row_dl,
    "card": _row_card,
    "bare": _row_bare,
    "inside": _row_inside,
}


def draw_row(row: Row, look: Look, *, shape: str = "", pattern: str = "") -> str:
    """One row as HTML; shape and pattern override the look's own."""
    return ROWS[shape or look.row](row, look, pattern or look.date_format)


def draw_rows(rows: list[Row], look: Look, *, shape: str = "", pattern: str = "") -> str:
    """The rows in the list element that suits their shape, spacers between groups of five."""
    shape = shape or look.row
    drawn = [draw_row(row, look, shape=shape, pattern=pattern) for row in rows]
    if shape == "tr":
        return (
            f'<table class="{look.prefix}_tab" width="100%" cellpadding="0"><tbody>'
            + "\n".join(drawn)
            + "</tbody></table>"
        )
    if shape in ("dl", "card"):
        return f'<div class="{look.prefix}-list">' + "\n".join(drawn) + "</div>"
    with_lines = [
        piece + ('\n<li class="line"></li>' if look.xhtml and i % 5 == 4 else "")  # noqa: PLR2004
        for i, piece in enumerate(drawn)
    ]
    return f'<ul class="{look.prefix}_list">' + "\n".join(with_lines) + "</ul>"
