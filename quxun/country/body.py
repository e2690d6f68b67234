"""The inside of an article page: title, info line, 公文 header, paragraphs, attachments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from quxun.country.chrome import Frame
from quxun.country.dice import dice
from quxun.country.look import Look
from quxun.country.model import Attachment, Block, Notice
from quxun.country.writing.draft import long_day

_SHARE = (
    '<div class="share">分享到：<a href="javascript:;">微信</a><a href="javascript:;">微博</a>'
    "<span>扫一扫在手机打开当前页</span></div>"
)
_PRINT = (
    '<div class="print"><a href="javascript:window.print()">打印本页</a>'
    '<a href="javascript:window.close()">关闭窗口</a></div>'
)


def header_block(notice: Notice, look: Look, posted_at: datetime) -> str:
    """索引号 to 有效性 as this portal draws them; nothing where it has none."""
    if look.header == "none" or notice.doc_number is None:
        return ""
    until = notice.facts.valid_until
    pairs = [
        ("索引号", notice.index_number or ""),
        ("主题分类", notice.topic),
        ("发文机关", notice.issuer),
        ("成文日期", long_day(notice.signed_on)),
        ("标题", notice.title),
        ("发文字号", notice.doc_number),
        ("发布日期", f"{posted_at:%Y-%m-%d}"),
        ("有效性", "有效" if until is None or until > posted_at.date() else "失效"),
    ]
    if notice.registry_number:
        pairs.append(("统一登记号", notice.registry_number))
    if look.header == "table":
        padded = {"索引号": "索　引　号", "发文机关": "发 文 机 关", "标题": "标　　题"}
        rows = ""
        for left in range(0, len(pairs), 2):
            cells = "".join(
                f"<td class='tl'><b>{padded.get(label, label)}：</b></td><td>{escape(value)}</td>"
                for label, value in pairs[left : left + 2]
            )
            rows += f"<tr>{cells}</tr>"
        return f'<table class="{look.prefix}-xxgk" border="1" width="100%">{rows}</table>'
    if look.header == "list":
        items = "".join(f"<li><span>{k}:</span>{escape(v)}</li>" for k, v in pairs)
        return f'<ul class="{look.prefix}-head">{items}</ul>'
    lines = "<br>".join(f"{k}：{escape(v)}" for k, v in pairs)
    return f'<div class="{look.prefix}-gwhead">{lines}</div>'


def heading(title: str, look: Look) -> str:
    """The title of an article in this portal's element."""
    text = escape(title, quote=False)
    match look.heading:
        case "div":
            return f'<div class="{look.prefix}-title">{text}</div>'
        case "td":
            return (
                f'<table width="100%"><tr><td class="tit" align="center">{text}</td></tr></table>'
            )
    return f"<{look.heading}>{text}</{look.heading}>"


def info_line(look: Look, posted_at: datetime, source: str, number: int) -> str:
    """来源, 发布时间 and the litter beside them."""
    views = f"浏览次数：<script>document.write(getHits({number}))</script>"
    tools = (
        '字体：【<a href="javascript:doZoom(18)">大</a> <a href="javascript:doZoom(14)">小</a>】'
    )
    if look.info == "spans":
        return (
            f'<div class="info"><span>发布时间：{posted_at:%Y-%m-%d %H:%M}</span>'
            f"<span>来源：{source}</span><span>{views}</span></div>"
        )
    if look.info == "table":
        return (
            f'<table class="xx"><tr><td>来源：{source}</td><td>日期：{posted_at:%Y年%m月%d日}</td>'
            f"<td>{tools}</td></tr></table>"
        )
    if look.info == "pipes":
        return f'<p class="sub">{posted_at:%Y-%m-%d} | {source} | {views} | {tools}</p>'
    return (
        f'<div class="{look.prefix}ly">信息来源:{source}&nbsp;&nbsp;发布日期:{posted_at:%Y-%m-%d}'
        f"&nbsp;&nbsp;{views}&nbsp;【打印】【关闭】</div>"
    )


def _paragraph(block: Block, look: Look) -> str:
    text = escape(block.text, quote=False)
    right = block.style == "sign"
    if look.indent == "css":
        style = "text-align:right" if right else "text-indent:2em"
        if block.style == "addressee":
            style = "text-indent:0"
        inner = f"<strong>{text}</strong>" if block.style == "h" else text
        return f'<p style="{style}">{inner}</p>'
    if look.indent == "blanks":
        lead = "" if block.style == "addressee" else "　　"
        align = ' align="right"' if right else ""
        return f"<p{align}>{lead}{text}</p>"
    if look.indent == "word":
        font = "font-family:黑体" if block.style == "h" else "font-family:仿宋_GB2312"
        align = "text-align:right;" if right else ""
        half = len(text) // 2 if "&" not in text and len(text) > 24 else 0  # noqa: PLR2004
        runs = (text[:half], text[half:]) if half else (text,)
        spans = "".join(
            f'<span style="{font};font-size:16pt" lang="EN-US">{run}</span>' for run in runs
        )
        return f'<p class="MsoNormal" style="{align}line-height:29pt">{spans}</p>'
    if look.indent == "br":
        return f"　　{text}<br />\n"
    return f"<h2>{text}</h2>" if block.style == "h" else f"<p>{text}</p>"


def _table(block: Block) -> str:
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell, quote=False)}</td>" for cell in row) + "</tr>"
        for row in block.rows
    )
    return f'<table border="1" cellspacing="0" class="MsoTable"><tbody>{rows}</tbody></table>'


def paragraphs(blocks: Sequence[Block], look: Look) -> str:
    """Blocks as HTML in this portal's manner."""
    return "\n".join(
        _table(block) if block.style == "table" else _paragraph(block, look) for block in blocks
    )


def attachment_list(attachments: Sequence[Attachment], hrefs: Sequence[str], look: Look) -> str:
    """附件: names with links; the text sometimes without the file's ending."""
    if not attachments:
        return ""
    items = []
    for number, (file, href) in enumerate(zip(attachments, hrefs, strict=True), 1):
        name = escape(file.name + (file.suffix if look.title_attr else ""), quote=False)
        lead = f"附件{number if len(attachments) > 1 else ''}："
        items.append(f'<p class="fj">{lead}<a href="{escape(href)}" title="{name}">{name}</a></p>')
    return f'<div class="{look.prefix}-fj">' + "".join(items) + "</div>"


def tail(frame: Frame, number: int) -> str:
    """What stands below a body: editor, share, previous and next."""
    rng = dice("tail", frame.portal.look_seed, number)
    parts = [
        "<p class='bj'>责任编辑：演示编辑</p>",
        _SHARE,
        _PRINT,
        "<div class='pn'>上一篇：<a href='javascript:;'>没有了</a> 下一篇：没有了</div>",
    ]
    return "".join(rng.sample(parts, 3))
