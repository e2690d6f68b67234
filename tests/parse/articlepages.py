"""Article pages after the ways such pages are made, each with what a person reads in it.

Every maker takes a notice and returns a page; the words are ours, the patterns those of
DOMAIN.md §2, §4, §5, §10 and §17.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from html import escape

from tests.parse.notices import NOTICES, Notice


@dataclass(frozen=True, kw_only=True)
class Made:
    """A page, and where it differs from its notice: what only this pattern prints."""

    html: str
    notice: Notice


NAV = (
    '<div class="top"><a href="/">网站首页</a> | <a href="/zwgk/">政务公开</a> | <a href="/zwfw/">政务服务</a> | '
    '<a href="/hd/">互动交流</a> | <a href="/zjlx/">走进临溪</a></div>'
)
FOOT = (
    '<div class="foot"><p>版权所有：临溪区人民政府 主办单位：临溪区人民政府办公室</p>'
    "<p>网站标识码：9900000001 备案号：某ICP备00000001号 地址：临溪区人民路一号</p></div>"
)
RELATED = (
    "<h4>相关链接</h4><ul><li><a href='a.html'>全区经济运行调度会议召开推进重点工作落实</a></li>"
    "<li><a href='b.html'>上半年全区规模以上工业增加值稳步增长</a></li>"
    "<li><a href='c.html'>我区召开安全生产工作部署会议</a></li></ul>"
)
CRUMBS = '<div class="dqwz">您现在的位置：<a href="/">首页</a> &gt; <a href="/tzgg/">通知公告</a> &gt; 正文</div>'


def ps(notice: Notice, style: str = "text-indent:2em") -> str:
    """The lines as paragraphs."""
    return "\n".join(f'<p style="{style}">{escape(line)}</p>' for line in notice.lines)


def brs(notice: Notice) -> str:
    """The lines as one text with breaks."""
    return "<br>\n".join(f"&nbsp;&nbsp;&nbsp;&nbsp;{escape(line)}" for line in notice.lines)


def page(head: str, body: str) -> str:
    """A whole document."""
    return (
        f"<!DOCTYPE html><html><head><meta charset='utf-8'>{head}</head><body>{body}</body></html>"
    )


def trs(n: Notice) -> str:
    return page(
        f"<title>{n.title}_{n.site}</title><meta name='ArticleTitle' content='{n.title}'>"
        f"<meta name='PubDate' content='{n.posted.replace('-', '—')} {n.clock.replace(':', '∶')}'>"
        f"<meta name='ContentSource' content='{n.source}'>",
        f"{NAV}{CRUMBS}<div class='xl'><h2>{n.title}</h2><div class='xx'>发布时间：{n.posted} {n.clock} 来源：{n.source} "
        f"【字体：<a>大</a> <a>中</a> <a>小</a>】 <a href='javascript:window.print()'>打印</a></div>"
        f"<div class='TRS_Editor'><style>p{{}}</style>{ps(n)}</div>{RELATED}</div>{FOOT}",
    )


def trs_bare(n: Notice) -> str:
    return page(
        f"<title>{n.site}</title>",
        f"{NAV}<div id='main'><div class='title_con'>{n.title}</div><div class='laiyuan'><span>日期：{n.posted}</span>"
        f"<span>来源：{n.source}</span><span>浏览次数：<i id='hits'>120</i></span></div><div class='trs_editor_view'>"
        f"{ps(n)}</div><div class='share'>分享到：<a>微信</a><a>微博</a></div></div>{FOOT}",
    )


def ucap(n: Notice) -> str:
    return page(
        f"<title>{n.title}-{n.site}</title>",
        f"{NAV}<div class='con'><h1><ucaptitle>{n.title}</ucaptitle></h1><div class='info'><span>来源：{n.source}</span>"
        f"<span>发布时间：<publishtime>{n.posted} {n.clock}</publishtime></span><span>点击数：<b>33</b></span></div>"
        f"<div id='UCAP-CONTENT'><ucapcontent>{ps(n)}</ucapcontent></div>"
        f"<p>【打印本页】 【关闭窗口】</p></div>{FOOT}",
    )


def hanweb(n: Notice) -> str:
    return page(
        f"<title>{n.site} {n.column} {n.title}</title>",
        f"{NAV}<table width='980'><tr><td><!--<$[信息标题]>begin--><div class='title'>{n.title}</div><!--<$[信息标题]>end-->"
        f"</td></tr><tr><td align='center'>发布日期：{n.posted} {n.clock}　信息来源：{n.source}　访问次数：<script>w()</script>"
        f"　字号：[ 大 中 小 ]</td></tr><tr><td><div id='zoom'><!--ZJEG_RSS.content.begin-->{ps(n)}</div></td></tr>"
        f"<tr><td>【打印此页】【关闭窗口】</td></tr></table>{FOOT}",
    )


def boda(n: Notice) -> str:
    files = "".join(
        f"<li>附件【<a href='/system/_content/download.jsp?urltype=news.DownloadAttachUrl&amp;owner=1&amp;wbfileid={i}'>"
        f"{name}</a>】已下载<span id='n{i}'></span>次</li>"
        for i, (name, _) in enumerate(n.files)
    )
    return page(
        f"<title>{n.title}-{n.site}</title>",
        f"{NAV}<form name='_newscontent_fromname'><h3>{n.title}</h3><p class='xinxi'><span>日期：{n.posted}</span>"
        f"<span>作者：</span><span>来源：{n.source}</span><span>点击：[<script>c()</script>]</span></p>"
        f"<div id='vsb_content'><div class='v_news_content'>{ps(n)}</div></div><ul>{files}</ul>"
        "<p>上一条：<a href='1.htm'>关于召开座谈会的通知</a></p><p>下一条：<a href='3.htm'>关于开展检查的通知</a></p>"
        f"</form>{FOOT}",
    )


def guangdong(n: Notice) -> str:
    return page(
        f"<title>{n.title}_{n.site}门户网站</title>",
        f"{NAV}<div class='article-box'><h1 class='article-title'>{n.title}</h1><div class='article-info'>"
        f"<span>时间 : {n.posted} {n.clock}:00</span> <span>来源 : {n.source}</span> "
        f"<span>【字体：<i>大</i> <i>中</i> <i>小</i>】</span></div><div class='article-content'>{ps(n)}</div>"
        f"<div class='qrcode'>扫一扫在手机打开当前页</div></div>{FOOT}",
    )


def asp_table(n: Notice) -> str:
    return page(
        f"<title>{n.column}--{n.site}</title>",
        "<table width='778' align='center'><tr><td><a href='index.asp'>首页</a></td><td><a href='news.asp'>新闻</a></td>"
        "<td><a href='zc.asp'>政策</a></td><td><a href='fw.asp'>服务</a></td></tr></table>"
        "<table width='778' align='center'><tr><td width='180' valign='top'><table><tr><td><a href='1.asp'>领导之窗</a></td></tr>"
        "<tr><td><a href='2.asp'>机构设置</a></td></tr><tr><td><a href='3.asp'>政策法规</a></td></tr></table></td>"
        f"<td valign='top'><table width='100%'><tr><td align='center' class='bt'><font size='4'><b>{n.title}</b></font></td></tr>"
        f"<tr><td align='center'>发布时间：{n.posted}　来源：{n.source}　点击：56</td></tr><tr><td><hr></td></tr>"
        f"<tr><td class='f14'>{brs(n)}</td></tr><tr><td align='right'>[<a href='#'>打印</a>] [<a href='#'>关闭</a>]</td></tr>"
        f"</table></td></tr></table><table width='778'><tr><td align='center'>主办单位：{n.site}　技术支持：信息中心</td></tr></table>",
    )


def asp_font(n: Notice) -> str:
    return page(
        f"<title>{n.site}</title>",
        f"<center><img src='b.jpg'></center><center><font size='5' color='red'>{n.title}</font></center>"
        f"<div align='center'>录入时间：{n.posted}&nbsp;&nbsp;来源：{n.source}&nbsp;&nbsp;录入者：admin</div><hr>"
        f"<font style='font-size:14px'>{brs(n)}</font><hr><div align='center'>Copyright 2008 {n.site} 版权所有</div>",
    )


def asp_one_cell(n: Notice) -> str:
    return page(
        "<title></title>",
        f"<table><tr><td><a href='/'>首页</a></td><td><a href='/a'>动态</a></td><td><a href='/b'>公告</a></td></tr></table>"
        f"<table width='90%'><tr><td><p align='center'><strong>{n.title}</strong></p>"
        f"<p align='center'>{n.posted} {n.clock}:00　来源：{n.source}</p>{ps(n, '')}<p align='right'>【关闭窗口】</p></td></tr></table>{FOOT}",
    )


def wordpress(n: Notice) -> str:
    return page(
        f"<title>{n.title} | {n.site}</title>",
        f"<header class='site-header'><h1 class='site-title'><a href='/'>{n.site}</a></h1></header><main><article class='post'>"
        f"<h1 class='entry-title'>{n.title}</h1><div class='entry-meta'><time datetime='{n.posted}T{n.clock}:00+08:00'>{n.posted}</time>"
        f" 来源：{n.source}</div><div class='entry-content'>{ps(n)}</div></article>"
        "<div id='comments' class='comments-area'><h3>网友评论</h3><ol><li><p>写得很好，希望多举办这样的活动，让更多的企业了解政策。</p></li>"
        "<li><p>请问外地企业可以申报吗？希望能有更详细的说明，谢谢。</p></li></ol></div></main>"
        "<aside class='sidebar'><h3>近期文章</h3><ul><li><a href='1'>区里召开企业座谈会听取意见建议</a></li></ul></aside>"
        "<footer>Powered by Press</footer>",
    )


def dedecms(n: Notice) -> str:
    return page(
        f"<title>{n.title}_{n.column}_{n.site}</title>",
        f"{NAV}<div class='place'><strong>当前位置:</strong><a href='/'>主页</a> > <a href='/tz/'>{n.column}</a> ></div>"
        f"<div class='viewbox'><div class='title'><h2>{n.title}</h2></div><div class='info'><small>时间:</small>{n.posted} {n.clock}"
        f"<small>来源:</small>{n.source} <small>作者:</small>编辑部 <small>点击:</small>233次</div>"
        f"<div class='content'><table width='100%'><tr><td><div>{ps(n)}</div></td></tr></table></div>"
        "<div class='handle'><ul><li>上一篇：<a href='1.html'>区政府召开常务会议研究部署工作</a></li>"
        "<li>下一篇：没有了</li></ul></div><div class='dede_comment'><p>发表评论</p>"
        "<p>请自觉遵守互联网相关的政策法规，严禁发布不良信息。</p></div></div>"
        f"<div class='sidebar'><dl><dt>热点内容</dt><dd><a href='x'>企业开办一日办结</a></dd></dl></div>{FOOT}",
    )


def phpcms(n: Notice) -> str:
    return page(
        f"<title>{n.title} - {n.column} - {n.site}</title>",
        f"{NAV}<div class='main'><div class='crumbs'><a href='/'>首页</a><span> &gt; </span><a href='/tz/'>{n.column}</a> &gt; 正文</div>"
        f"<div id='Article'><h1>{n.title}<br /><span>{n.posted} {n.clock}:12&nbsp;&nbsp;&nbsp;来源：{n.source} &nbsp;评论：0 点击：</span></h1>"
        f"<div class='content'>{ps(n)}</div><div class='bk15'></div><div class='Article-Tool'>分享到：<a>人人网</a></div>"
        f"<p class='f14'><strong>上一篇：</strong><a href='1'>关于开展走访活动的通知</a><br/><strong>下一篇：</strong><a href='2'>关于放假的通知</a></p>"
        "<div class='related'><h5 class='blue'>延伸阅读：</h5><ul><li><a href='3'>企业座谈会顺利召开</a></li></ul></div></div></div>"
        f"{FOOT}",
    )


def wechat(n: Notice) -> str:
    return page(
        f"<meta property='og:title' content='{n.title}'><title></title>",
        f"<div class='rich_media_inner'><h1 class='rich_media_title' id='activity-name'>{n.title}</h1><div id='meta_content'>"
        f"<span>原创</span><a id='js_name'>{n.source}</a><em id='publish_time'></em></div>"
        f'<script>var ct="1";var publish_time = "{n.posted}" || "";</script>'
        f"<div class='rich_media_content' id='js_content' style='visibility:hidden'>{''.join(f'<section><span>{line}</span></section>' for line in n.lines)}"
        "</div><div class='rich_media_tool'>阅读原文 阅读 1000 赞 3</div></div>",
    )


def logo_h1(n: Notice) -> str:
    return page(
        f"<title>{n.site}</title>",
        f"<div class='header'><h1 class='logo'><a href='/'>{n.site}门户网站</a></h1></div>{NAV}"
        f"<div class='detail'><h2>{n.title}</h2><p class='date'>{n.posted}</p><div class='txt'>{ps(n)}</div></div>{FOOT}",
    )


def column_h1(n: Notice) -> str:
    return page(
        f"<title>{n.column}-{n.site}</title>",
        f"<h1>{n.site}</h1>{NAV}<h2>{n.column}</h2><div class='box'><h3>{n.title}</h3>"
        f"<ul class='msg'><li>发布人：办公室</li><li>发布时间：{n.posted} {n.clock}</li><li>来源：{n.source}</li></ul>"
        f"<div class='cont'>{ps(n)}</div></div>{FOOT}",
    )


def two_line_title(n: Notice) -> str:
    half = len(n.title) // 2
    return page(
        f"<title>{n.title}</title>",
        f"{NAV}<div class='art'><h1>{n.title[:half]}<br>{n.title[half:]}</h1><div class='time'>发稿时间：{n.posted} {n.clock} 来源：{n.source}</div>"
        f"<div>{ps(n)}</div></div>{FOOT}",
    )


def subtitle(n: Notice) -> str:
    return page(
        f"<title>{n.title}</title>",
        f"{NAV}<div class='art'><p class='sup'>产业发展系列报道之二</p><h1>{n.title}</h1><p class='sub'>——来自一线的报告</p>"
        f"<div class='time'>{n.posted} {n.clock} 来源：{n.source}</div><div class='nr'>{ps(n)}</div></div>{FOOT}",
    )


def date_last(n: Notice) -> str:
    return page(
        f"<title>{n.title}</title>",
        f"{NAV}<div class='art'><h1>{n.title}</h1><div class='nr'>{ps(n)}</div><div class='b'><span>信息来源：{n.source}</span>"
        f"<span>发布日期：{n.posted}</span></div></div>{FOOT}",
    )


def date_in_script(n: Notice) -> str:
    return page(
        f"<title>{n.title}</title>",
        f"{NAV}<div class='art'><h1>{n.title}</h1><div class='info'>来源：{n.source} 发布时间："
        f"<script>var fbsj='{n.posted} {n.clock}:00';document.write(fbsj.substring(0,10));</script></div><div class='nr'>{ps(n)}</div></div>{FOOT}",
    )


def date_in_meta(n: Notice) -> str:
    return page(
        f"<title>{n.title}</title><meta name='pubdate' content='{n.posted} {n.clock}'><meta name='ContentSource' content='{n.source}'>",
        f"{NAV}<div class='art'><h1>{n.title}</h1><div class='nr'>{ps(n)}</div></div>{FOOT}",
    )


def lying_meta(n: Notice) -> str:
    return page(
        f"<title>{n.column}</title><meta name='SiteName' content='网站名称'><meta name='ArticleTitle' content='{n.column}'>"
        "<meta name='ColumnName' content='通知公告'><meta name='PubDate' content='2019-01-01 00:00'>"
        "<meta name='ContentSource' content='某某市人民政府'>",
        f"{NAV}<div class='art'><h1>{n.title}</h1><div class='info'>发布时间：{n.posted} {n.clock} 来源：{n.source}</div>"
        f"<div class='nr'>{ps(n)}</div></div>{FOOT}",
    )


def separate_cells(n: Notice) -> str:
    return page(
        f"<title>{n.title}</title>",
        f"{NAV}<div class='art'><h1>{n.title}</h1><table class='t'><tr><td>发布日期：</td><td>{n.posted}</td><td>来源：</td>"
        f"<td>{n.source}</td><td>点击量：</td><td>12</td></tr></table><div class='nr'>{ps(n)}</div></div>{FOOT}",
    )


def source_link(n: Notice) -> str:
    return page(
        f"<title>{n.title}</title>",
        f"{NAV}<div class='art'><h1>{n.title}</h1><div class='info'><span>{n.posted} {n.clock}</span><span>来源：<a href='http://x.example/'>{n.source}</a></span>"
        f"<span>作者：张编辑</span></div><div class='nr'>{ps(n)}</div></div>{FOOT}",
    )


def nested_spans(n: Notice) -> str:
    body = "".join(
        f"<div><div><span style='font-size:16pt'><span>{line[:6]}</span><span>{line[6:]}</span></span></div></div>"
        for line in n.lines
    )
    about = "<h3>机构概况</h3><p>本局负责全区工业经济运行的监测、分析和调度工作，联系服务企业。</p>"
    return page(
        f"<title>{n.title} - {n.site}</title>",
        f"{NAV}<div class='w1200'><div class='left'><div class='tit'>{n.title}</div><div class='sj'>{n.posted} | 来源：{n.source} | 阅读：88</div>"
        f"<div class='nr'>{body}</div></div><div class='right'>{about if n.lines[1:] else ''}</div></div>{FOOT}",
    )


def recommended(n: Notice) -> str:
    cards = "".join(
        f"<div class='card'><a href='{i}.html'><h4>企业服务专员走进园区送政策</h4></a><p>连日来，服务专员走进园区，为企业讲解政策，解决问题。</p><i>2025-08-0{i}</i></div>"
        for i in range(1, 7)
    )
    return page(
        f"<title>{n.title}</title>",
        f"{NAV}<div class='wrap'><h1>{n.title}</h1><p class='meta'>{n.posted} {n.clock} 来源：{n.source} 责任编辑：李编辑</p>"
        f"<div class='txt'>{brs(n)}</div><h3>为您推荐</h3><div class='cards'>{cards}</div></div>{FOOT}",
    )


def early_end(n: Notice) -> str:
    return page(
        f"<title>{n.title}</title>",
        f"{NAV}<div class='x'>www.linxi.example</div></body></html><div class='art'><h1>{n.title}</h1>"
        f"<div>发布时间：{n.posted} 来源：{n.source}</div><div class='nr'>{ps(n)}</div></div>{FOOT}",
    )


def print_copy(n: Notice) -> str:
    return page(
        f"<title>{n.title}</title>",
        f"{NAV}<div class='art'><h1>{n.title}</h1><div class='info'>时间：{n.posted} {n.clock} 来源：{n.source}</div>"
        f"<div class='pc'>{ps(n)}</div><div class='print' style='display: none'><h1>{n.title}</h1>{ps(n)}</div></div>{FOOT}",
    )


def buttons_everywhere(n: Notice) -> str:
    return page(
        f"<title>{n.title}</title>",
        f"{NAV}<div class='art'><h1>{n.title}</h1><div class='info'>{n.posted} {n.clock} 来源：{n.source}</div>"
        f"<div class='bar'>字体：【大】【中】【小】 打印 收藏 分享到： 微信 微博 QQ空间</div><div class='nr'>{ps(n)}"
        "<p>（责任编辑：王编辑）</p><p>扫一扫在手机打开当前页</p></div><div>访问量：1200 返回顶部 关闭窗口</div>"
        "<div>上一篇：<a href='1'>区长调研工业企业</a></div><div>下一篇：<a href='2'>全区招商引资推进会召开</a></div></div>"
        f"<div>免责声明</div><p>本网站部分内容来自网络，转载的目的在于传播更多信息，如有侵权请与我们联系删除。</p>{FOOT}",
    )


MAKERS: tuple[Callable[[Notice], str], ...] = (
    trs, trs_bare, ucap, hanweb, boda, guangdong, asp_table, asp_font, asp_one_cell, wordpress,
    dedecms, phpcms, wechat, logo_h1, column_h1, two_line_title, subtitle, date_last,
    date_in_script, date_in_meta, lying_meta, separate_cells, source_link, nested_spans,
    recommended, early_end, print_copy, buttons_everywhere,
)  # fmt: skip


def made() -> list[tuple[str, Made]]:
    """Every notice in every pattern, by name; a pattern without a source says so."""
    found = []
    for maker in MAKERS:
        for number, notice in enumerate(NOTICES):
            shown = replace(notice, source=None) if maker is logo_h1 else notice
            found.append((f"{maker.__name__}-{number}", Made(html=maker(notice), notice=shown)))
    return found
