"""What every page family has in common, and the default article page."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from quxun.country import body
from quxun.country.chrome import Frame, crumbs, meta_tags, page, side_box
from quxun.country.dice import dice
from quxun.country.look import Row, draw_rows
from quxun.country.model import Attachment, Block, Column, Notice, SourceKind, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request as a family sees it; ``query`` and ``form`` keep the last of repeated names."""

    method: str
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]

    def value(self, name: str, default: str = "") -> str:
        """A parameter from the form or else the query."""
        return self.form.get(name, self.query.get(name, default))

    def number(self, name: str, default: int) -> int:
        """A parameter as a natural number; the default where it is none."""
        text = self.value(name)
        return int(text) if text.isascii() and text.isdigit() else default


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An answer before it becomes bytes. ``plain_utf8`` overrides the portal's charset."""

    text: str
    mime: str = "text/html"
    status: int = 200
    plain_utf8: bool = False
    raw: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A notice as one portal shows it: ``title`` and ``source`` are this portal's own.

    ``printed`` is the title as its bytes have it, a stray control character included.
    """

    standing: Standing
    title: str
    printed: str
    source: str
    path: str


class View(Protocol):
    """What a family may ask the country."""

    def standings(self, column: Column) -> Sequence[Standing]:
        """Everything in a column, newest first, what was withdrawn left out."""

    def shown(self, column: Column, standing: Standing) -> Shown:
        """A standing with its title, source and path."""

    def notice(self, standing: Standing) -> Notice:
        """The notice with its body, with those edits that this portal made."""

    def neighbours(self, column: Column) -> Sequence[Shown]:
        """A dozen notices that stood in the column from the start, for sidebars."""

    def frame(self, column: Column) -> Frame:
        """What is needed to draw a page of the column's portal."""

    def origin(self, host: str) -> str:
        """``http://host:port`` as the portal is served."""


class Family(ABC):
    """One page family: paths, list pages, articles. Families keep no state."""

    name: ClassVar[str]
    kind: ClassVar[SourceKind] = SourceKind.COLUMN
    body_class: ClassVar[tuple[str, ...]] = ("TRS_Editor",)

    @abstractmethod
    def column_path(self, slug: str, number: int, generation: int) -> str:
        """Where a source of this column looks: path and query."""

    @abstractmethod
    def article_path(self, column: Column, standing: Standing) -> str:
        """Where an article stands on its host."""

    @abstractmethod
    def answer(self, view: View, column: Column, ask: Ask) -> Page | None:
        """The answer to a request if it is for a list of this column, else None."""

    def attachment_path(
        self, column: Column, standing: Standing, order: int, file: Attachment
    ) -> str:
        """Where an attachment stands; by default beside its article."""
        base = self.article_path(column, standing).rsplit("/", 1)[0]
        return f"{base}/P0{standing.posted_at:%Y%m%d}{standing.number:07d}{order}{file.suffix}"

    def rows(self, view: View, column: Column, standings: Sequence[Standing]) -> list[Row]:
        """Rows with hrefs as this family writes them."""
        wants_summary = view.frame(column).look.row == "card"
        out = []
        for standing in standings:
            shown = view.shown(column, standing)
            summary = ""
            if wants_summary:
                summary = first_sentence(view.notice(standing))
            out.append(
                Row(
                    title=shown.printed,
                    href=self.href(view, column, shown.path),
                    posted_at=standing.posted_at,
                    summary=summary,
                    tag=column.setting("tag"),
                )
            )
        return out

    def href(self, view: View, column: Column, path: str) -> str:
        """How a list writes a link to an article; by default from the root of the host."""
        del view, column
        return path

    def article(self, view: View, column: Column, standing: Standing) -> Page:
        """The article page."""
        frame = view.frame(column)
        look = frame.look
        shown = view.shown(column, standing)
        notice = view.notice(standing)
        content = self.content(view, column, notice, standing)
        main = (
            crumbs(frame, "正文")
            + f'<div class="{look.prefix}-article">{body.heading(shown.printed, look)}'
            + self.under_heading(standing)
            + body.info_line(look, standing.posted_at, shown.source, standing.number)
            + body.header_block(notice, look, standing.posted_at)
            + content
            + body.tail(frame, standing.number)
            + "</div>"
        )
        side = ""
        if look.side:
            links = [(other.title, other.path, "") for other in view.neighbours(column)[:6]]
            side = side_box(frame, links, "相关链接")
        head = meta_tags(
            frame, title=shown.title, posted_at=standing.posted_at, source=shown.source
        )
        return Page(text=page(frame, title=self.page_title(frame, shown), main=main,
                              head=head, side=side))  # fmt: skip

    def under_heading(self, standing: Standing) -> str:
        """What this family prints between title and info line."""
        del standing
        return ""

    def page_title(self, frame: Frame, shown: Shown) -> str:
        """What stands in ``<title>``: some portals put the article's, some their own."""
        return (
            f"{shown.title}_{frame.portal.name}",
            f"{frame.portal.name} {frame.column.name if frame.column else ''} {shown.title}",
            frame.portal.name,
        )[dice("title", frame.portal.look_seed).randrange(3)]

    def content(self, view: View, column: Column, notice: Notice, standing: Standing) -> str:
        """Body and attachments in this family's container."""
        look = view.frame(column).look
        files = self.files(view, column, notice, standing)
        blocks = self.blocks(notice, standing)
        container = dice("body", look.prefix, column.host).choice(self.body_class)
        inner = body.paragraphs(blocks, look)
        listed = body.attachment_list([f for f, _ in files], [h for _, h in files], look)
        return self.container(container, inner) + listed

    def container(self, name: str, inner: str) -> str:
        """The element that holds a body; a name with # is an id."""
        if name.startswith("#"):
            return f'<div id="{name[1:]}">{inner}</div>'
        return f'<div class="{name}">{inner}</div>'

    def blocks(self, notice: Notice, standing: Standing) -> tuple[Block, ...]:
        """What of the body this standing prints: all, or only a hint at the attachment."""
        if standing.attachment_only:
            return (Block(style="p", text="正文内容详见附件。"),)
        return notice.body

    def files(
        self, view: View, column: Column, notice: Notice, standing: Standing
    ) -> list[tuple[Attachment, str]]:
        """The attachments of an article with their hrefs."""
        files = list(notice.attachments)
        if standing.attachment_only:
            files.insert(0, Attachment(name=notice.title, suffix=".pdf"))
        return [
            (file, self.file_href(view, column, standing, order, file))
            for order, file in enumerate(files)
        ]

    def file_href(
        self, view: View, column: Column, standing: Standing, order: int, file: Attachment
    ) -> str:
        """How an article writes a link to an attachment."""
        del view
        return self.attachment_path(column, standing, order, file)


def first_sentence(notice: Notice) -> str:
    """The first paragraph that says something."""
    for block in notice.body:
        if block.style == "p":
            return block.text
    return notice.title


def slice_of(standings: Sequence[Standing], page_number: int, per_page: int) -> list[Standing]:
    """The standings of a page, counted from 1."""
    start = (page_number - 1) * per_page
    return list(standings[start : start + per_page])


def pages_of(count: int, per_page: int) -> int:
    """How many pages so many rows fill; at least one."""
    return max(1, -(-count // per_page))


def with_pins(
    view: View, column: Column, shown: list[Standing], page_number: int
) -> list[Standing]:
    """Pinned standings before page 1; they stand at their own place too."""
    if page_number != 1:
        return shown
    return [s for s in view.standings(column) if s.pinned][:2] + shown


def mark_pins(rows: list[Row], pins: int) -> list[Row]:
    """Mark the first rows as pinned."""
    out = []
    for number, row in enumerate(rows):
        out.append(
            Row(
                title=row.title, href=row.href, posted_at=row.posted_at, pinned=number < pins,
                summary=row.summary, tag=row.tag,
            )
        )  # fmt: skip
    return out


def listing(view: View, column: Column, rows: list[Row], pager: str, *, head: str = "") -> Page:
    """A list page around drawn rows."""
    frame = view.frame(column)
    look = frame.look
    drawn = draw_rows(rows, look, shape=column.setting("row"), pattern=column.setting("date"))
    return list_page(view, column, drawn + pager, head=head)


def list_page(view: View, column: Column, inner: str, *, head: str = "") -> Page:
    """A list page around its inside."""
    frame = view.frame(column)
    look = frame.look
    main = crumbs(frame) + f'<div class="{look.prefix}-lists"><h2>{column.name}</h2>{inner}</div>'
    side = ""
    if look.side:
        rng = dice("side", column.host, column.slug)
        links = [
            (name, f"/zt/{n}/", "")
            for n, name in enumerate(
                rng.sample(
                    (
                        "优化营商环境专题",
                        "项目建设年",
                        "惠企政策直通车",
                        "12345在线",
                        "办事指南",
                        "企业之声",
                    ),
                    4,
                )
            )
        ]
        side = side_box(frame, links, "专题专栏")
    return Page(
        text=page(
            frame,
            title=f"{column.name}_{frame.portal.name}",
            main=main,
            head=meta_tags(frame) + head,
            side=side,
        )
    )
