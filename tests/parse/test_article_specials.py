"""Articles whose text is a table, a file, a picture or elsewhere, and headers that are fields."""

from datetime import UTC, datetime

import pytest

from aggregator import parse
from aggregator.text import squeeze
from tests.parse.articlepages import CRUMBS, FOOT, NAV, NOTICES, RELATED, page, ps

NOW = datetime(2026, 1, 10, 4, 0, tzinfo=UTC)
URL = "http://www.linxi.example/zwgk/tzgg/content_1.html"
NOTICE = NOTICES[0]
BAR = "<div class='xx'>发布时间：2025-08-13 09:37　来源：区经信局　【字体：大 中 小】　<a>打印</a></div>"


def read(html):
    return parse.read_article(
        html.encode(), url=URL, content_type=None, now=NOW, selector=None, learned=None
    )


def article(title, body, *, bar=BAR, head=None):
    """A page with one article, amid what pages are made of."""
    head = head or f"<title>{title}_临溪区人民政府</title>"
    return page(head, f"{NAV}{CRUMBS}<div class='art'><h1>{title}</h1>{bar}{body}</div>{FOOT}")


def test_a_notice_that_is_only_files_has_them_by_name_address_and_kind():
    """Policy text is often only in an attachment: it must be offered, and nothing else read."""
    got = read(
        article(
            "关于公布惠企政策清单的通知",
            "<div class='nr'><p>附件：1.<a href='./P020250813001.pdf'>惠企政策清单</a></p>"
            "<p>2.<a href='/upload/a.wps'>申报表（样表）.wps</a></p></div>" + RELATED,
        )
    )

    assert got.body_text == "附件：1.惠企政策清单\n2.申报表（样表）.wps"
    assert [(one.name, one.url, one.media_type) for one in got.attachments] == [
        ("惠企政策清单", "http://www.linxi.example/zwgk/tzgg/P020250813001.pdf", "application/pdf"),
        (
            "申报表（样表）.wps",
            "http://www.linxi.example/upload/a.wps",
            "application/vnd.ms-works",
        ),
    ]


def test_downloads_without_an_ending_are_known_by_their_names():
    """Boda hands files out by number: the name that is shown tells what they are."""
    got = read(
        article(
            NOTICE.title,
            f"<div class='v_news_content'>{ps(NOTICE)}</div><ul><li>附件【<a href='/system/_content/download.jsp?"
            "urltype=news.DownloadAttachUrl&amp;owner=1&amp;wbfileid=77'>申报书.docx</a>】已下载<span>3</span>次</li></ul>",
        )
    )

    assert [(one.name, one.media_type.rpartition(".")[2]) for one in got.attachments] == [
        ("申报书.docx", "document")
    ]
    assert got.attachments[0].url.endswith(
        "download.jsp?urltype=news.DownloadAttachUrl&owner=1&wbfileid=77"
    )


def test_a_download_by_script_has_the_page_as_its_address():
    """Readers must learn that there is a file, even where only a click tells its address."""
    got = read(
        article(
            "关于公布项目名单的通知",
            "<div class='nr'><p><a href='javascript:;' onclick='load(7)'>附件1.项目名单.xlsx</a></p>"
            "<p><a href='javascript:;' onclick='load(8)'>附件2.汇总表.pdf</a></p></div>",
        )
    )

    assert [(one.name, one.url) for one in got.attachments] == [
        ("附件1.项目名单.xlsx", URL),
        ("附件2.汇总表.pdf", URL),
    ]


def test_a_notice_may_be_one_link():
    """点击下载 and nothing else: that is its text, and the file is named."""
    got = read(
        article(
            "2025年度项目申报表",
            "<div class='nr'><p><a href='/opt/file?id=12'>点击下载</a></p></div>"
            "<p>上一篇：<a href='1'>关于召开座谈会的通知</a></p>",
        )
    )

    assert got.body_text == "点击下载"
    assert [(one.name, one.url) for one in got.attachments] == [
        ("点击下载", "http://www.linxi.example/opt/file?id=12")
    ]


def test_a_day_that_ends_a_title_is_the_titles_own():
    """Rows hang their dates on titles; a printed title is read as printed."""
    got = read(article("成品油价格公告（2025-08-12）", f"<div class='nr'>{ps(NOTICE)}</div>"))

    assert got.title == "成品油价格公告（2025-08-12）"
    assert got.date_text == "2025-08-13 09:37"


def test_a_file_shown_in_a_frame_is_an_attachment():
    """Some pages are a viewer of a PDF and no text at all."""
    got = read(
        article(
            "临溪区产业发展规划图册",
            "<iframe src='/pdfjs/web/viewer.html?file=/upload/guihua.pdf' width='100%'></iframe>"
            "<embed src='guihua2.pdf' type='application/pdf'>",
        )
    )

    assert [one.url for one in got.attachments] == [
        "http://www.linxi.example/upload/guihua.pdf",
        "http://www.linxi.example/zwgk/tzgg/guihua2.pdf",
    ]
    assert got.body_text == ""


def test_a_notice_that_is_only_a_table_is_its_rows():
    """Lists of names and projects have no sentence in them; a menu is not read instead."""
    rows = "".join(
        f"<tr><td>{i}</td><td>临溪第{i}机械厂</td><td>设备更新</td><td>{i}0万元</td></tr>"
        for i in range(1, 9)
    )
    got = read(
        article(
            "2025年度技术改造项目名单",
            f"<div class='nr'><table><tr><td>序号</td><td>企业</td><td>项目</td><td>金额</td></tr>{rows}</table></div>{RELATED}",
        )
    )

    lines = got.body_text.split("\n")
    assert len(lines) == 9
    assert lines[0] == "序号 企业 项目 金额"
    assert lines[-1] == "8 临溪第8机械厂 设备更新 80万元"


def test_a_table_behind_a_sentence_belongs_to_the_text():
    """The heaviest paragraph is not the whole notice."""
    rows = "".join(f"<tr><td>{i}</td><td>企业甲{i}</td></tr>" for i in range(1, 40))
    got = read(
        article(
            "关于拟扶持企业的公示",
            "<div class='nr'><div><p>经企业申报、镇街审核、专家评审，现将拟扶持的企业名单予以公示，公示期五个工作日。</p></div>"
            f"<div><table>{rows}</table></div><div><p>临溪区经济和信息化局</p><p>2025年8月12日</p></div></div>{RELATED}",
        )
    )

    lines = got.body_text.split("\n")
    assert lines[0].startswith("经企业申报")
    assert "39 企业甲39" in lines
    assert lines[-1] == "2025年8月12日"


def test_a_notice_that_is_only_a_picture_has_no_text():
    """Better nothing than the menu of the site."""
    got = read(
        article(
            "一图读懂临溪区技术改造政策",
            "<div class='nr'><p align='center'><img src='1.jpg' alt=''></p></div>"
            "<p>上一篇：<a href='1'>政策解读材料之一</a></p><p>下一篇：<a href='2'>政策解读材料之二</a></p>",
        )
    )

    assert got.title == "一图读懂临溪区技术改造政策"
    assert got.body_text == ""
    assert (got.date_text, got.source_text) == ("2025-08-13 09:37", "区经信局")


def test_a_padded_header_table_is_fields_and_not_text():
    """索　引　号 and its like are what a document says of itself."""
    header = (
        "<table class='xxgk'><tr><td>索　引　号：</td><td>LX000/2025-00031</td><td>主题分类：</td><td>工业、交通</td></tr>"
        "<tr><td>发 文 机 关：</td><td>临溪区人民政府办公室</td><td>成文日期：</td><td>2025年08月01日</td></tr>"
        "<tr><td>标　　　题：</td><td colspan='3'>临溪区技术改造项目管理办法</td></tr>"
        "<tr><td>发文字号：</td><td>临府办发〔2025〕31号</td><td>发布日期：</td><td>2025年08月05日</td></tr>"
        "<tr><td>有 效 性：</td><td>有效</td><td>统一编号：</td><td>LXGS-2025-3</td></tr></table>"
    )
    got = read(
        page(
            "<title>政策文件</title>",
            f"{NAV}<div class='art'>{header}<h1>临溪区技术改造项目管理办法</h1><div id='zoom'>{ps(NOTICE)}</div></div>{FOOT}",
        )
    )

    assert got.fields == {
        "索引号": "LX000/2025-00031",
        "主题分类": "工业、交通",
        "发文机关": "临溪区人民政府办公室",
        "成文日期": "2025年08月01日",
        "标题": "临溪区技术改造项目管理办法",
        "文号": "临府办发〔2025〕31号",
        "发布日期": "2025年08月05日",
        "有效性": "有效",
        "统一编号": "LXGS-2025-3",
    }
    assert squeeze(got.body_text) == squeeze("".join(NOTICE.lines))
    assert (got.title, got.date_text) == ("临溪区技术改造项目管理办法", "2025年08月05日")


def test_a_document_keeps_its_head_and_signature():
    """文号 above the title and office with day below the text are of the document."""
    got = read(
        article(
            "临溪区人民政府办公室关于印发技术改造项目管理办法的通知",
            "<div class='TRS_Editor'><p>临府办发〔2025〕31号</p>"
            "<p>临溪区人民政府办公室</p><p>关于印发技术改造项目管理办法的通知</p>"
            "<p>各镇人民政府、街道办事处，区政府各部门：</p>"
            "<p>《临溪区技术改造项目管理办法》已经区政府同意，现印发给你们，请认真贯彻执行。</p>"
            "<p>临溪区人民政府办公室</p><p>2025年8月1日</p></div>",
        )
    )

    lines = got.body_text.split("\n")
    assert lines[0] == "临府办发〔2025〕31号"
    assert lines[-2:] == ["临溪区人民政府办公室", "2025年8月1日"]


def test_links_that_a_text_lists_stay_and_those_of_the_page_go():
    """A notice may point at files and pages; news of the same column is no part of it."""
    got = read(
        article(
            NOTICE.title,
            f"<div class='nr'>{ps(NOTICE)}<p>附件：<a href='a.doc'>1.申报书</a></p><p><a href='b.xls'>2.汇总表</a></p></div>"
            "<div class='more'><h3>最新文章</h3><ul><li><a href='1'>全区招商引资推进会召开</a><span>08-12</span></li>"
            "<li><a href='2'>区长调研工业企业</a><span>08-11</span></li><li><a href='3'>我区举行项目开工仪式</a><span>08-10</span></li></ul></div>",
        )
    )

    assert squeeze(got.body_text) == squeeze("".join(NOTICE.lines) + "附件：1.申报书2.汇总表")
    assert [one.name for one in got.attachments] == ["1.申报书", "2.汇总表"]


@pytest.mark.parametrize("holder", ["one", "two"])
def test_a_body_printed_twice_is_one_container_or_the_fuller_one(holder):
    """Screens, phones and printers get a copy each; readers want one."""
    copies = (
        f"<div class='pc'>{ps(NOTICE)}</div><div class='phone'>{ps(NOTICE)}</div>"
        if holder == "two"
        else f"<div class='pc'>{ps(NOTICE)}</div><div class='print' style='display:none'>{ps(NOTICE)}</div>"
    )
    got = read(article(NOTICE.title, f"<div class='nr'>{copies}</div>"))

    assert squeeze(got.body_text) == squeeze("".join(NOTICE.lines))


def test_english_pages_are_read_alike():
    """Districts publish in English, too."""
    got = read(
        page(
            "<title>New energy project breaks ground in Linxi | Linxi District</title>",
            "<ul class='nav'><li><a href='/'>Home</a></li><li><a href='/n'>News</a></li></ul>"
            "<div class='main'><h1>New energy project breaks ground in Linxi</h1><div class='info'>Updated: 2025-08-13 09:37 "
            "Source: Linxi Daily</div><div class='txt'><p>A new energy project with a total investment of 1.2 billion yuan broke ground in Linxi on Tuesday, officials said.</p>"
            "<p>It is expected to create 800 jobs and to reach full capacity in 2027, according to the development zone.</p></div></div>"
            "<div class='footer'>Copyright Linxi District. All rights reserved.</div>",
        )
    )

    assert got.title == "New energy project breaks ground in Linxi"
    assert (got.date_text, got.source_text) == ("2025-08-13 09:37", "Linxi Daily")
    assert got.body_text.count("\n") == 1


def test_a_text_kept_in_a_form_field_is_still_a_text():
    """Old systems write the article into a textarea and let a script show it."""
    got = read(
        article(
            NOTICE.title,
            "<div id='show'></div><textarea id='content' style='display:none'>"
            + ps(NOTICE).replace("<", "&lt;").replace(">", "&gt;")
            + "</textarea><script>show.innerHTML=content.value</script>",
        )
    )

    assert squeeze(got.body_text) == squeeze("".join(NOTICE.lines))


def test_a_title_that_only_a_script_or_field_has_is_found():
    """Some templates print the title by script; its field or variable still has it."""
    body = f"<div class='nr'>{ps(NOTICE)}</div>"
    field = f"<title>临溪区人民政府</title><input type='hidden' id='title' value='{NOTICE.title}'>"
    script = f"<title>临溪区人民政府</title><script>var title = '{NOTICE.title}';</script>"

    for head in (field, script):
        got = read(page(head, f"{NAV}{CRUMBS}<div class='art'>{BAR}{body}</div>{FOOT}"))

        assert got.title == NOTICE.title


@pytest.mark.parametrize(
    "title",
    [
        "注册会计师全国统一考试报名公告",
        "关于企业登录服务平台办理注册登记的通知",
        "欢迎各界企业家来临溪投资兴业",
        "首页改版后搜索更方便",
        "临溪区打印店安全检查情况",
    ],
)
def test_a_title_may_hold_the_words_of_buttons(title):
    """Only a line that is a button and nothing else is none."""
    shown = page(
        "<title>临溪区人民政府</title>",
        f"<div><span>登录</span><span>注册</span></div>{NAV}<div><div><div>{title}</div>{BAR}<div>{ps(NOTICE)}</div></div></div>{FOOT}",
    )

    assert read(shown).title == title


def test_an_empty_source_is_none():
    """来源 with nothing behind it names nobody; a button or headline beside it is no office."""
    for bar in (
        "<div>发布时间：2025-08-13 来源：</div>",
        "<div>时间：2025-08-13 来源： 作者： 点击：12</div>",
        "<div><span>2025-08-13</span><span>来源：</span></div><div>分享到</div>",
    ):
        got = read(article(NOTICE.title, f"<div class='nr'>{ps(NOTICE)}</div>", bar=bar))

        assert (got.source_text, (got.date_text or "")[:10]) == (None, "2025-08-13")


@pytest.mark.parametrize(
    "bar",
    [
        "发布日期：2025-08-13",
        "日期：2025/8/13",
        "【发布时间：2025年8月13日】",
        "更新时间：2025.08.13",
        "录入时间: 2025-08-13 9:37:5",
        "[ 2025-08-13 ]",
        "时 间：2025—08—13 09∶37",
        "发布于 2025-08-13 10:00",
        "2025-08-1310:00",
        "[发布时间2025年8月13日]",
        "临溪日报客户端 2025-08-13 15:35:47",
        "2025-08-13 10:00 浏览：12",
        "发布机构：区经信局　发布日期：2025-08-13",
        "<table><tr><td>发布日期</td><td>2025-08-13</td></tr></table>",
        "<ul><li>作者：小李</li><li>2025-08-13</li></ul>",
    ],
)
def test_a_day_is_read_however_it_is_labelled(bar):
    """Beside the title a day is the day of posting, the text's own days are not."""
    from aggregator.dates import read_date

    got = read(
        article(NOTICE.title, f"<div class='nr'>{ps(NOTICE)}</div>", bar=f"<div>{bar}</div>")
    )

    assert read_date(got.date_text or "", now=NOW).day.isoformat() == "2025-08-13"
    assert squeeze(got.body_text) == squeeze("".join(NOTICE.lines))


def test_what_follows_an_article_in_its_own_container_is_cut():
    """Careless templates put recommended news into the text's own container."""
    after = "<p>上一篇：区长调研工业企业</p><p>据了解，临溪港上半年完成吞吐量四十万标箱，同比增长两成。</p>"
    got = read(article(NOTICE.title, f"<div class='TRS_Editor'>{ps(NOTICE)}{after}</div>"))

    assert squeeze(got.body_text) == squeeze("".join(NOTICE.lines))


def test_a_talkative_sidebar_is_not_the_article():
    """What is named a sidebar does not outweigh the text, unless it holds most of the page."""
    short = NOTICES[1]
    deep = "".join(f"<div><div><div><p>{line}</p></div></div></div>" for line in short.lines)
    talk = "".join(
        f"<p>{line}办理流程如下，请携带材料到大厅窗口咨询。</p>" for line in "甲乙丙丁戊"
    )
    got = read(
        page(
            f"<title>{short.title}</title>",
            f"<div class='w'><div class='sidebar'><div>{talk}</div></div><div class='con'><h1>{short.title}</h1>"
            f"<div>{deep}</div></div></div>",
        )
    )

    assert squeeze(got.body_text) == squeeze("".join(short.lines))


#: A footer that says more than a notice of one line.
LOUD = (
    "<div class='dy'><p>主办：临溪区人民政府办公室 承办：临溪区大数据中心</p><p>地址：临溪大道一号，邮编：100000</p>"
    "<p>电话：010-00000000，传真：010-00000001（只受理网站建设维护相关事宜，业务咨询请拨打各单位电话）</p></div>"
)


@pytest.mark.parametrize(
    ("body", "text", "file"),
    [
        ("<div>点击下载：<a href='javascript:;'>设备更新补助审批表</a></div>", "点击下载：设备更新补助审批表", URL),
        ("<p><a href='b.pdf'>2025年度设备更新补助审批表.pdf</a></p>", "2025年度设备更新补助审批表.pdf", "b.pdf"),
        (
            "<div class='nr-bottom'><div class='TRS_Editor'><p><a oldsrc='W0.pdf' href='javascript:;'>设备更新补助审批表</a></p></div></div>",
            "设备更新补助审批表",
            "W0.pdf",
        ),
        (
            "<p>设备更新补助审批表</p><p>点击下载附件：</p><p><a href='/d?i=1'>设备更新补助审批表</a></p>" + RELATED,
            "设备更新补助审批表 点击下载附件： 设备更新补助审批表",
            None,
        ),
    ],
)  # fmt: skip
def test_a_notice_of_one_line_is_not_drowned_by_the_footer(body, text, file):
    """A page that only hands over a file says less than its own footer, and is still read."""
    shown = f"<h1>设备更新补助审批表</h1><div>时间：2025-08-13 09:37</div>{body}{LOUD}"

    got = read(page("<title>设备更新补助审批表</title>", f"{NAV}<div>{shown}</div>"))

    assert got.body_text == text.replace(" ", "\n")
    assert [one.url.rsplit("/", 1)[-1] for one in got.attachments] == (
        [file.rsplit("/", 1)[-1]] if file else []
    )


def test_who_issued_a_document_is_not_its_title():
    """The value of a label may stand in a cell that is called title; the name speaks and is none."""
    head = (
        "<table class='xxgk'><tr><td>发文机关</td><td class='title'>临溪区人民政府</td>"
        "<td>成文日期</td><td class='title'>2025年8月1日</td></tr></table>"
    )
    shown = f"{NAV}<div>{head}<div>{NOTICE.title}</div>{BAR}<div>{ps(NOTICE)}</div></div>{FOOT}"

    got = read(page("<title>临溪区人民政府关于公开的文件</title>", shown))

    assert got.title == NOTICE.title
    assert got.fields["发文机关"] == "临溪区人民政府"


def test_a_day_that_hangs_below_a_title_in_its_heading_is_the_day_of_posting():
    """One element may hold both; the title ends where the day's line begins."""
    shown = f"<h2>{NOTICE.title}<br><span>2025-08-13</span></h2><div>{ps(NOTICE)}</div>"

    got = read(page(f"<title>{NOTICE.title} 临溪区</title>", f"{NAV}<div>{shown}</div>{FOOT}"))

    assert (got.title, got.date_text) == (NOTICE.title, "2025-08-13")


def test_a_head_may_name_the_site_first():
    """Site, column, title: the last part is the title, however short."""
    shown = f"{NAV}<div><h3>临溪美术馆</h3>{ps(NOTICE)}</div>{FOOT}"

    got = read(page("<title>临溪市人民政府门户网站-文化场馆-临溪美术馆</title>", shown))

    assert got.title == "临溪美术馆"


def test_a_header_that_holds_title_and_bar_is_the_articles_own():
    """What is called header is the site's, unless the bar stands in it."""
    shown = (
        f"{NAV}<div><div class='nr header'><h2>{NOTICE.title}</h2>{BAR}</div>"
        f"<div><div class='title'>临溪区设备更新和技术改造项目</div><div>公告时间 2025年08月13日 09:37</div>{ps(NOTICE)}</div></div>{FOOT}"
    )

    assert read(page("<title>临溪区人民政府</title>", shown)).title == NOTICE.title


def test_a_name_before_a_day_and_its_clock_is_the_source():
    """Media print who and when on one line, without labels."""
    bar = "<div>临溪日报客户端 2025-08-13 15:35:47</div>"

    got = read(article(NOTICE.title, f"<div class='nr'>{ps(NOTICE)}</div>", bar=bar))

    assert (got.source_text, got.date_text) == ("临溪日报客户端", "2025-08-13 15:35:47")
